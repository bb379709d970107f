//! Contract 9: encrypted channels are private channels whose data the server never looks into.

use serde_json::json;

use crate::support::{hears_nothing_before_a_marker, server};

const CHANNEL: &str = "private-encrypted-vault";

// contract: 9.1
#[test]
fn an_encrypted_channel_is_authorised_like_a_private_one_and_needs_no_shared_secret() {
    let server = server();
    let mut client = server.connect();
    client.say("pusher:subscribe", &json!({ "channel": CHANNEL }));
    client.expect_subscription_refused(CHANNEL);
    assert_eq!(client.subscribe(CHANNEL).data_text(), "{}");
}

// contract: 9.2, 9.3
#[test]
fn sealed_data_passes_untouched_and_so_does_data_that_is_not_sealed() {
    let server = server();
    let mut client = server.connect();
    client.subscribe(CHANNEL);
    for data in [
        r#"{"nonce":"4sVYwy4j","ciphertext":"8ziYucAATGLnsfmVQnRpKw=="}"#,
        r#"{ "ciphertext" : "x", "nonce" : "" }"#,
        "not sealed at all",
        "",
    ] {
        server.api().publish(CHANNEL, "open", data);
        assert_eq!(client.expect_on("open", CHANNEL).data_text(), data);
    }
}

// contract: 9.4
#[test]
fn one_event_may_go_to_an_encrypted_channel_among_others() {
    let server = server();
    let mut client = server.connect();
    client.subscribe(CHANNEL);
    client.subscribe("public");
    let body = json!({ "name": "x", "data": "1", "channels": [CHANNEL, "public"] });
    server.api().events(&body).ok();
    let mut channels = [client.message(), client.message()].map(|f| f.channel().map(str::to_owned));
    channels.sort();
    assert_eq!(channels, [Some(CHANNEL.to_owned()), Some("public".to_owned())]);
    hears_nothing_before_a_marker(&server, "public", &mut [&mut client]);
}
