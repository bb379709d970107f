use super::*;

const APP: &str = "[[apps]]\nid = \"1\"\nkey = \"k\"\nsecret = \"s\"\n";

fn parse(text: &str) -> anyhow::Result<Config> {
    Config::parse(text, &|_| None)
}

fn refusal(text: &str) -> String {
    format!("{:#}", parse(text).expect_err(text))
}

#[test]
fn an_empty_file_is_the_default() {
    let config = parse("").unwrap();
    assert_eq!(config.listen, [Address::Tcp("0.0.0.0:6001".parse().unwrap())]);
    assert_eq!((config.activity_timeout_s, config.pong_timeout_s), (120, 30));
    assert!(config.apps.is_empty());
}

// contract: 15.1, 15.2
#[test]
fn an_app_may_have_several_keys_with_dates() {
    let text = format!(
        "{APP}keys = [{{ key = \"k2\", secret = \"s2\", active = false, \
         created_at = \"2026-01-01T00:00:00Z\" }}]\n"
    );
    let config = parse(&text).unwrap();
    let keys = &config.apps[0].keys;
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0].created_at_ms, None);
    assert_eq!((keys[1].active, keys[1].created_at_ms), (false, Some(1_767_225_600_000)));
}

#[test]
fn each_mistake_has_its_sentence() {
    for (text, part) in [
        ("[server]\nlisten = \"nowhere\"", "listen"),
        ("[server]\nport = 1", "port"),
        ("[sever]\n", "sever"),
        ("[server]\nactivity_timeout_s = 0", "activity_timeout_s"),
        ("[server]\nactivity_timeout_s = \"x\"", "activity_timeout_s"),
        ("[server]\npath_prefix = \"x\"", "path_prefix"),
        ("[server]\ntrusted_proxies = [\"x\"]", "trusted_proxies"),
        ("[cluster]\nbus = \"redis://x\"", "[server] database"),
        ("[cluster]\nnode_lease_ms = 100", "node_lease_ms"),
        ("[cluster]\nbus_prefix = \"a b\"", "bus_prefix"),
        ("[server]\ndatabase = \"mysql://x\"", "postgres://"),
        ("[[apps]]\nid = \"x\"\nkey = \"k\"\nsecret = \"s\"", "app id"),
        ("[[apps]]\nid = \"1\"\nkey = \"k\"", "key without secret"),
        ("[[apps]]\nid = \"1\"", "needs key and secret"),
        ("[[apps]]\nid = \"1\"\nkey = \"a b\"\nsecret = \"s\"", "app key"),
        ("[[apps]]\nid = \"1\"\nkey = \"k\"\nsecret = \"\"", "app secret"),
    ] {
        assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
    }
    for (more, part) in [
        (APP.to_owned(), "there twice"),
        ("client_event = true\n".to_owned(), "client_event"),
        ("cache_ttl_s = 1801\n".to_owned(), "cache_ttl_s"),
        ("keys = [{ key = \"x\", secret = \"y\", created_at = \"z\" }]".to_owned(), "created_at"),
    ] {
        let text = format!("{APP}{more}");
        assert!(refusal(&text).contains(part), "{text}: {}", refusal(&text));
    }
}

#[test]
fn the_environment_stands_above_the_file() {
    let environment = |name: &str| match name {
        "BELLWIRE_LISTEN" => Some("127.0.0.1:7000".to_owned()),
        "BELLWIRE_PONG_TIMEOUT_S" => Some("9".to_owned()),
        "PUSHER_APP_ID" => Some("77".to_owned()),
        "PUSHER_APP_KEY" => Some("env-key".to_owned()),
        "PUSHER_APP_SECRET" => Some("env-secret".to_owned()),
        _ => None,
    };
    let config = Config::parse("[server]\npong_timeout_s = 5\n", &environment).unwrap();
    assert_eq!(config.listen, [Address::Tcp("127.0.0.1:7000".parse().unwrap())]);
    assert_eq!(config.pong_timeout_s, 9);
    assert_eq!(config.apps[0].id.as_str(), "77");
    let half = |name: &str| (name == "PUSHER_APP_ID").then(|| "1".to_owned());
    assert!(Config::parse("", &half).is_err());
    let wrong = |name: &str| (name == "BELLWIRE_WORKERS").then(|| "many".to_owned());
    let error = format!("{:#}", Config::parse("", &wrong).unwrap_err());
    assert!(error.contains("BELLWIRE_WORKERS"), "{error}");
}

#[test]
fn a_secret_is_in_no_error_and_no_debug() {
    let config = parse("[[apps]]\nid = \"1\"\nkey = \"k\"\nsecret = \"hush-hush\"\n").unwrap();
    assert!(!format!("{config:?}").contains("hush-hush"));
}
