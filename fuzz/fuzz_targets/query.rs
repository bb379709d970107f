//! The query string of a signed request: parsed, signed and joined without a panic, and the same
//! when it is written down anew.

#![no_main]

use bellwire_protocol::query::Query;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fuzz_target!(|input: &[u8]| {
    let Ok(raw) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(query) = Query::parse(raw) else {
        return;
    };
    well_formed(&query);
    let pairs = pairs(&query);
    let wire = wire(&pairs);
    assert_eq!(Query::parse(&wire).as_ref(), Ok(&query), "written anew as {wire}");
    let signed: Vec<String> = pairs
        .iter()
        .filter(|(key, _)| *key != "auth_signature")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let text = query.string_to_sign("GET", "/p");
    assert_eq!(text, format!("GET\n/p\n{}", signed.join("&")));
    if let Some(joined) = query.with_numbered_keys_joined() {
        well_formed(&joined);
        let _ = joined.string_to_sign("GET", "/p");
    }
});

fn well_formed(query: &Query<'_>) {
    let keys: Vec<&str> = query.keys().collect();
    for pair in keys.windows(2) {
        assert!(pair[0] < pair[1] || pair[0] == pair[1] && pair[0].ends_with("[]"), "{keys:?}");
    }
    for key in keys {
        assert!(!key.bytes().any(|b| b.is_ascii_uppercase()), "{key} is not folded");
        assert!(query.one(key).is_some(), "{key} is not found");
    }
}

/// Every parameter with its value, in order.
fn pairs<'a>(query: &'a Query<'_>) -> Vec<(&'a str, String)> {
    let mut keys: Vec<&str> = query.keys().collect();
    keys.dedup();
    let mut pairs = Vec::new();
    for key in keys {
        match key.strip_suffix("[]") {
            Some(name) => pairs.extend(many(query, name).into_iter().map(|value| (key, value))),
            None => pairs.extend(query.one(key).map(|value| (key, value.to_owned()))),
        }
    }
    pairs
}

fn many(query: &Query<'_>, name: &str) -> Vec<String> {
    query.clone().many(name).map(str::to_owned).collect()
}

fn wire(pairs: &[(&str, String)]) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect();
    pairs.join("&")
}
