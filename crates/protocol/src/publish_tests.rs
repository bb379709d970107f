use super::*;
use proptest::prelude::*;

const RULES: Rules = Rules { data_bytes_max: 10_240, strict_names: false };
const STRICT: Rules = Rules { data_bytes_max: 10_240, strict_names: true };

fn refusal(body: &str) -> String {
    Publish::parse(body, RULES).expect_err(body).to_string()
}

// contract: 12.5, 12.6
#[test]
fn channel_and_channels_are_joined_and_each_counts_once() {
    let body =
        r#"{"name":"e","data":"d","channel":"a","channels":["b","a","b"],"socket_id":"1.2"}"#;
    let publish = Publish::parse(body, RULES).unwrap();
    let names: Vec<_> = publish.channels.iter().map(ChannelName::as_str).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(publish.except, Some(SocketId { node: 1, connection: 2 }));
}

// contract: 12.5, 12.12, 12.11
#[test]
fn each_wrong_field_has_its_sentence() {
    for (body, part) in [
        ("", "JSON object"),
        ("[]", "JSON object"),
        ("{", "Invalid JSON"),
        (r#"{"data":"d","channel":"a"}"#, "Missing parameter: name"),
        (r#"{"name":1,"data":"d","channel":"a"}"#, "Expected name parameter to be a string"),
        (r#"{"name":null,"data":"d","channel":"a"}"#, "Expected name parameter to be a string"),
        (r#"{"name":"","data":"d","channel":"a"}"#, "must not be empty"),
        (r#"{"name":"e","channel":"a"}"#, "Missing parameter: data"),
        (r#"{"name":"e","data":{},"channel":"a"}"#, "Expected data parameter to be a string"),
        (r#"{"name":"e","data":"d"}"#, "Missing parameter: channels"),
        (r#"{"name":"e","data":"d","channels":[]}"#, "Missing parameter: channels"),
        (r#"{"name":"e","data":"d","channels":"a"}"#, "channels parameter to be an array"),
        (r#"{"name":"e","data":"d","channels":[1]}"#, "Expected channel name to be a string"),
        (r#"{"name":"e","data":"d","channel":2}"#, "Expected channel name to be a string"),
        (r#"{"name":"e","data":"d","channel":"a b"}"#, "Invalid channel name 'a b'"),
        (r##"{"name":"e","data":"d","channel":"#x"}"##, "Invalid channel name"),
        (r#"{"name":"e","data":"d","channel":"a","socket_id":"x"}"#, "Invalid socket id"),
        (r#"{"name":"e","data":"d","channel":"a","socket_id":1}"#, "Expected socket_id"),
        (r#"{"name":"e","data":"d","channel":"a","info":1}"#, "Expected info"),
        (r#"{"name":"e","data":"d","channel":"a","info":"x"}"#, "Unknown info attribute"),
        (r#"{"name":"e","data":"d","channel":"a","info":"a,,b"}"#, "info"),
        (r#"{"name":"pusher:x","data":"d","channel":"a"}"#, "reserved"),
        (r#"{"name":"pusher_internal:x","data":"d","channel":"a"}"#, "reserved"),
        (r#"{"name":"e","name":"f","data":"d","channel":"a"}"#, "duplicate field"),
    ] {
        assert!(refusal(body).contains(part), "{body}: {}", refusal(body));
    }
}

// contract: 12.5, 12.13
#[test]
fn the_limit_is_on_the_bytes_that_the_data_stands_for() {
    let body = |data: &str| format!(r#"{{"name":"e","channel":"a","data":"{data}"}}"#);
    assert!(Publish::parse(&body(&"x".repeat(10_240)), RULES).is_ok());
    assert!(Publish::parse(&body(&"\\\"".repeat(10_240)), RULES).is_ok());
    assert!(Publish::parse(&body(&"\\u00eb".repeat(5_120)), RULES).is_ok());
    for large in ["x".repeat(10_241), "\\u00eb".repeat(5_121), "ë".repeat(5_121)] {
        assert_eq!(Publish::parse(&body(&large), RULES), Err(Refused::TooLarge(10_240)));
    }
}

// contract: 12.5
#[test]
fn names_and_lists_have_limits() {
    let named = |n: usize| format!(r#"{{"name":"{}","data":"","channel":"a"}}"#, "é".repeat(n));
    assert!(Publish::parse(&named(200), RULES).is_ok());
    assert!(refusal(&named(201)).contains("200"));
    let channels = |n: usize| {
        let names: Vec<String> = (0..n).map(|i| format!("\"c{i}\"")).collect();
        format!(r#"{{"name":"e","data":"","channels":[{}]}}"#, names.join(","))
    };
    assert!(Publish::parse(&channels(100), RULES).is_ok());
    assert!(refusal(&channels(101)).contains("100"));
}

// contract: 12.9, 12.10
#[test]
fn laravels_names_pass_unless_the_app_is_strict() {
    let body = r#"{"name":"App\\Events\\Foo","data":"d","channel":"a"}"#;
    let publish = Publish::parse(body, RULES).unwrap();
    assert_eq!(publish.name.literal(), r#""App\\Events\\Foo""#);
    assert!(Publish::parse(body, STRICT).is_err());
    assert!(Publish::parse(r#"{"name":"a:b.c-d_E9","data":"d","channel":"a"}"#, STRICT).is_ok());
    assert!(Publish::parse(r#"{"name":"client-x","data":"d","channel":"a"}"#, RULES).is_ok());
}

// contract: 12.14
#[test]
fn a_batch_is_all_or_nothing() {
    let item = r#"{"name":"e","data":"d","channel":"a"}"#;
    let batch = |items: &[&str]| format!(r#"{{"batch":[{}]}}"#, items.join(","));
    assert_eq!(Publish::parse_batch(&batch(&[item; 10]), RULES).unwrap().len(), 10);
    let parse = |text: &'static str| Publish::parse_batch(text, RULES);
    let eleven = batch(&[item; 11]);
    let refused = Publish::parse_batch(&eleven, RULES).unwrap_err();
    assert!(refused.to_string().contains("Batch too large"));
    let large = format!(r#"{{"name":"e","data":"{}","channel":"a"}}"#, "x".repeat(10_241));
    let mixed = batch(&[item, &large]);
    assert_eq!(Publish::parse_batch(&mixed, RULES), Err(Refused::TooLarge(10_240)));
    let plural = r#"{"name":"e","data":"d","channels":["a"]}"#;
    assert!(Publish::parse_batch(&batch(&[plural]), RULES).is_err());
    for bad in ["{}", r#"{"batch":{}}"#, r#"{"batch":[1]}"#] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

// contract: 12.4
#[test]
fn everything_may_stand_in_the_query() {
    let query = Query::parse("name=foo&data=hi&channels[]=a&channels[]=b&info=user_count").unwrap();
    let publish = Publish::from_query(&query, RULES).unwrap();
    assert_eq!((publish.channels.len(), publish.data.literal()), (2, "\"hi\""));
    assert!(publish.info.user_count);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in r#"[\{\}":,a-z\\\[\] 0-9]{0,80}"#) {
        let _ = Publish::parse(&body, RULES);
        let _ = Publish::parse_batch(&body, STRICT);
    }
}
