//! A config file that is wrong in one place: the server says where and does not start.

use std::path::Path;

use bellwire_testkit::{App, Config, Refusal, Server};

use crate::support::{binary, serve};

const APP: &str = "[[apps]]\nid = \"1001\"\nkey = \"key-1\"\nsecret = \"secret-1\"\n";

/// The file with the usual `[server]` lines, these settings and this rest.
fn refused(settings: &str, rest: &str) -> Refusal {
    let data_dir = match settings.contains("data_dir") {
        true => "",
        false => "data_dir = \"{dir}/data\"\n",
    };
    let toml = format!("[server]\nlisten = \"{{listen}}\"\n{data_dir}{settings}\n{rest}");
    Server::refused(&binary(), &toml)
}

/// It ended with an error, and stderr names every one of `words` without a panic or a secret.
#[track_caller]
fn assert_says(refusal: &Refusal, words: &[&str]) {
    let stderr = &refusal.stderr;
    assert!(refusal.code.is_some_and(|code| code != 0), "{refusal:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!stderr.contains("secret-1"), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
}

// contract: 12.1
#[test]
fn an_unknown_key_is_named() {
    assert_says(&refused("activity_timeout = 5", APP), &["activity_timeout"]);
    assert_says(&refused("", &format!("{APP}client_event = true\n")), &["client_event"]);
    assert_says(&refused("", &format!("[servers]\nx = 1\n{APP}")), &["servers"]);
}

// contract: 12.1
#[test]
fn a_value_of_the_wrong_type_is_named() {
    assert_says(&refused("activity_timeout_s = \"two\"", APP), &["activity_timeout_s"]);
    assert_says(&refused("", &format!("{APP}client_events = 1\n")), &["client_events"]);
}

// contract: 1.11
#[test]
fn an_activity_timeout_of_nothing_is_refused() {
    assert_says(&refused("activity_timeout_s = 0", APP), &["activity_timeout_s"]);
}

// contract: 12.1
#[test]
fn an_app_id_that_is_not_decimal_digits_is_refused() {
    for id in ["shop", "", "1a", "-1", "1.5", " 1"] {
        let app = APP.replace("1001", id);
        assert_says(&refused("", &app), &["id"]);
    }
}

// contract: 15.1
#[test]
fn an_app_or_a_key_that_stands_twice_is_named() {
    let same_id = APP.replace("key-1", "key-2");
    assert_says(&refused("", &format!("{APP}{same_id}")), &["1001"]);
    let same_key = APP.replace("1001", "1002");
    assert_says(&refused("", &format!("{APP}{same_key}")), &["key-1"]);
}

// contract: 15.1
#[test]
fn an_app_without_a_key_or_a_secret_is_refused() {
    assert_says(&refused("", "[[apps]]\nid = \"1001\"\n"), &["key"]);
    assert_says(&refused("", "[[apps]]\nid = \"1001\"\nkey = \"k\"\n"), &["secret"]);
    assert_says(&refused("", &APP.replace("secret-1", "")), &["secret"]);
    assert_says(&refused("", &APP.replace("key-1", "")), &["key"]);
}

// contract: 1.1
#[test]
fn a_certificate_that_cannot_be_read_is_named() {
    let tls = r#"tls = { cert = "{dir}/missing.pem", key = "{dir}/missing-key.pem" }"#;
    assert_says(&refused(tls, APP), &["missing.pem"]);
    let tls = r#"tls = { cert = "{dir}/bellwire.toml", key = "{dir}/bellwire.toml" }"#;
    assert_says(&refused(tls, APP), &["bellwire.toml"]);
}

// contract: 12.1
#[test]
fn an_address_that_cannot_be_listened_on_is_named() {
    let toml =
        |listen: &str| format!("[server]\nlisten = {listen:?}\ndata_dir = \"{{dir}}/data\"\n{APP}");
    for listen in ["192.0.2.1:6001", "nonsense", "127.0.0.1:99999"] {
        assert_says(&Server::refused(&binary(), &toml(listen)), &[listen]);
    }
    let running = serve(Config::with(App::new(1)));
    let taken = running.target().addr.to_string();
    assert_says(&Server::refused(&binary(), &toml(&taken)), &[&taken]);
}

// contract: 12.1
#[test]
fn a_file_that_is_no_toml_or_not_there_is_named() {
    assert_says(&Server::refused(&binary(), "[server\n"), &["bellwire.toml"]);
    let missing = Path::new("there-is-no-such-file.toml");
    assert_says(&Server::refused_file(&binary(), missing), &["there-is-no-such-file.toml"]);
}

// contract: 4.14
#[test]
fn a_data_folder_that_another_server_uses_is_refused() {
    let running = serve(Config::with(App::new(1)));
    let data_dir = running.dir().join("data");
    let refusal = refused(&format!("data_dir = {data_dir:?}"), APP);
    assert_says(&refusal, &[data_dir.to_str().unwrap()]);
    running.connect().settle();
}

// contract: 4.14
#[test]
fn a_data_folder_that_cannot_be_written_is_refused() {
    for data_dir in ["{dir}/bellwire.toml/data", "/proc/bellwire-data"] {
        let refusal = refused(&format!("data_dir = {data_dir:?}"), APP);
        assert_says(&refusal, &[data_dir.rsplit('/').next().unwrap()]);
    }
}
