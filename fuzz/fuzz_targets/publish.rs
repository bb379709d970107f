//! The bodies of the publish API: what is accepted keeps to the limits and leaves as a frame that is
//! JSON.

#![no_main]

use std::collections::BTreeMap;

use bellwire_protocol::publish::{Publish, Rules};
use bellwire_protocol::query::Query;
use bellwire_protocol::server;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let Ok(body) = std::str::from_utf8(input) else {
        return;
    };
    for strict_names in [false, true] {
        let rules = Rules { data_bytes_max: 64, strict_names };
        if let Ok(publish) = Publish::parse(body, rules) {
            accepted(&publish, rules);
        }
        if let Ok(batch) = Publish::parse_batch(body, rules) {
            assert!(batch.len() <= 10);
            batch.iter().for_each(|publish| {
                assert_eq!(publish.channels.len(), 1);
                accepted(publish, rules);
            });
        }
        if let Ok(query) = Query::parse(body) {
            if let Ok(publish) = Publish::from_query(&query, rules) {
                accepted(&publish, rules);
            }
            let channel = "private-a".parse().expect("a channel name");
            if let Ok(publish) = Publish::deprecated(channel, &query, body, rules) {
                assert_eq!(publish.data.decode(), body);
                accepted(&publish, rules);
            }
        }
    }
});

fn accepted(publish: &Publish<'_>, rules: Rules) {
    let name = publish.name.decode();
    assert!((1..=200).contains(&name.chars().count()));
    assert!(!name.starts_with("pusher:") && !name.starts_with("pusher_internal:"));
    assert!(!rules.strict_names || !name.contains(['\\', ' ', '"']));
    assert!((1..=100).contains(&publish.channels.len()));
    assert_eq!(publish.name.decoded_len(), name.len());
    assert_eq!(publish.data.decoded_len(), publish.data.decode().len());
    assert!(publish.data.decoded_len() <= rules.data_bytes_max);
    assert!(!publish.info.cache);
    for (at, channel) in publish.channels.iter().enumerate() {
        assert!(!publish.channels[..at].contains(channel), "delivered twice");
        let frame = server::event(&publish.name, channel, &publish.data, None);
        let said: BTreeMap<String, &RawValue> =
            serde_json::from_slice(frame.payload()).expect("a frame is a JSON object");
        assert_eq!(said["event"].get(), publish.name.literal());
        assert_eq!(said["data"].get(), publish.data.literal());
    }
}
