//! The official Rust server SDK (crate `pusher`) against the HTTP API. It has no client half, so a
//! bare WebSocket subscribes with what the SDK signed.

mod support;

use pusher::Member;
use std::collections::HashMap;
use support::{Socket, app, everywhere, sdk, unique};

// contract: 4.4, 12.2, 12.5, 12.6
#[tokio::test]
async fn publishes_to_one_channel_and_to_several() {
    let sdk = sdk("APP");
    let mut socket = Socket::connect("APP");
    let (public, private) = (unique("A_a-0=@,.;"), unique("private-"));
    socket.subscribe(&public, "{}");
    let signed = sdk
        .authenticate_private_channel(&private, &socket.id)
        .unwrap();
    socket.subscribe(&private, &signed);

    // This SDK posts "socket_id":null when nobody is excluded.
    sdk.trigger(&public, "one", HashMap::from([("n", 1)]))
        .await
        .unwrap();
    assert_eq!(socket.next("one", &public), r#"{"n":1}"#);
    sdk.trigger_multi(&[&public, &private], "all", "text")
        .await
        .unwrap();
    assert_eq!(socket.next("all", &public), r#""text""#);
    assert_eq!(socket.next("all", &private), r#""text""#);
}

// contract: 12.11, 17.1
#[tokio::test]
async fn excludes_a_socket() {
    let sdk = sdk("APP");
    let (mut left, mut heard) = (Socket::connect("APP"), Socket::connect("APP"));
    let channel = unique("excluded-");
    left.subscribe(&channel, "{}");
    heard.subscribe(&channel, "{}");
    sdk.trigger_exclusive(&channel, "others", 1, &left.id)
        .await
        .unwrap();
    sdk.trigger_multi_exclusive(&[&channel], "others", 2, &left.id)
        .await
        .unwrap();
    sdk.trigger(&channel, "fence", 3).await.unwrap();
    assert_eq!(heard.next("others", &channel), "1");
    assert_eq!(heard.next("others", &channel), "2");
    left.next("fence", &channel);
    assert_eq!(left.unread("others"), 0);
}

// contract: 4.4, 5.1, 5.4, 5.5, 12.19
#[tokio::test]
async fn signs_presence_members_and_lists_them() {
    let sdk = sdk("APP");
    let channel = unique("presence-");
    assert!(sdk.channel_users(&channel).await.unwrap().users.is_empty());

    // Without user_info this SDK signs and sends "user_info":null.
    let bare = Member {
        user_id: "a user, with spaces",
        user_info: None,
    };
    let info = Member {
        user_id: "zoë",
        user_info: Some(HashMap::from([("name", "Zoë \"/\" 🔔")])),
    };
    let (mut first, mut second) = (Socket::connect("APP"), Socket::connect("APP"));
    let signed = sdk
        .authenticate_presence_channel(&channel, &first.id, &bare)
        .unwrap();
    first.subscribe(&channel, &signed);
    let signed = sdk
        .authenticate_presence_channel(&channel, &second.id, &info)
        .unwrap();
    let presence = &second.subscribe(&channel, &signed)["presence"];
    assert_eq!(presence["count"], 2);
    assert_eq!(
        presence["hash"]["a user, with spaces"],
        serde_json::Value::Null
    );
    assert_eq!(presence["hash"]["zoë"]["name"], "Zoë \"/\" 🔔");

    everywhere();
    let mut users: Vec<_> = sdk
        .channel_users(&channel)
        .await
        .unwrap()
        .users
        .into_iter()
        .map(|user| user.id)
        .collect();
    users.sort();
    assert_eq!(users, ["a user, with spaces", "zoë"]);
}

// contract: 12.7, 12.16, 12.17, 12.18, 13.5
#[tokio::test]
async fn asks_about_channels() {
    let sdk = sdk("APP");
    let channel = unique("presence-A_a-0=@,.;");
    let with = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect()
    };

    assert_eq!(sdk.channel(&channel).await.unwrap().occupied, Some(false));
    let mut sockets = [Socket::connect("APP"), Socket::connect("APP")];
    for socket in &mut sockets {
        let member = Member {
            user_id: "ann",
            user_info: None,
        };
        let signed = sdk
            .authenticate_presence_channel(&channel, &socket.id, &member)
            .unwrap();
        socket.subscribe(&channel, &signed);
    }
    everywhere();
    let state = sdk
        .channel_with_options(&channel, with(&[("info", "user_count,subscription_count")]))
        .await
        .unwrap();
    assert_eq!(
        (state.occupied, state.user_count, state.subscription_count),
        (Some(true), Some(1), Some(2))
    );

    assert!(
        sdk.channels()
            .await
            .unwrap()
            .channels
            .contains_key(&channel)
    );
    let list = with(&[("filter_by_prefix", &channel), ("info", "user_count")]);
    let list = sdk.channels_with_options(list).await.unwrap().channels;
    assert_eq!(list.len(), 1);
    assert_eq!(list[&channel].user_count, Some(1));
    let nothing = with(&[("filter_by_prefix", &unique("nothing-"))]);
    assert!(
        sdk.channels_with_options(nothing)
            .await
            .unwrap()
            .channels
            .is_empty()
    );
}

// contract: 12.3, 12.17, 12.18, 12.19
#[tokio::test]
async fn hears_what_it_may_not_ask() {
    let sdk = sdk("APP");
    let info = || vec![("info".to_string(), "user_count".to_string())];
    refused(sdk.channels_with_options(info()).await, 400);
    refused(sdk.channel_with_options("public", info()).await, 400);
    refused(sdk.channel_users("private-a").await, 400);
}

// contract: 13.1, 13.11, 13.12
#[tokio::test]
async fn is_refused_with_a_wrong_secret_or_key() {
    let mut wrong = sdk("APP");
    wrong.secret = "wrong".into();
    assert!(refused(wrong.trigger("a", "x", 1).await, 401).contains("Invalid signature"));
    let mut other = sdk("PLAIN_APP");
    other.app_id = app("APP").id;
    refused(other.trigger("a", "x", 1).await, 401);
}

// contract: 12.21
#[tokio::test]
async fn is_refused_by_apps_that_are_disabled_or_do_not_exist() {
    refused(sdk("DISABLED_APP").trigger("a", "x", 1).await, 403);
    let mut nobody = sdk("APP");
    nobody.app_id = "999999999".into();
    refused(nobody.trigger("a", "x", 1).await, 404);
}

fn refused<T: std::fmt::Debug>(answer: Result<T, String>, status: u16) -> String {
    let error = answer.expect_err("this should have been refused");
    assert!(error.starts_with(&format!("Error: {status} ")), "{error}");
    error
}
