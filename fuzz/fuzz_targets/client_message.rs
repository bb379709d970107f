//! What clients say, and the texts inside it that their servers signed: read without a panic, and
//! passed on as JSON that says the same.

#![no_main]

use std::collections::BTreeMap;

use bellwire_protocol::client::{ClientEvent, ClientMessage};
use bellwire_protocol::presence::Member;
use bellwire_protocol::user::User;
use bellwire_protocol::{Frame, JsonStr, UserId, limits, server};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    member(text);
    user(text);
    match ClientMessage::parse(text) {
        Ok(ClientMessage::Subscribe(wish)) => {
            member(wish.channel_data.as_deref().unwrap_or_default());
            refused(&wish.channel);
        }
        Ok(ClientMessage::SignIn(wish)) => user(&wish.user_data),
        Ok(ClientMessage::ClientEvent(event)) => passed_on(&event),
        Ok(ClientMessage::Unsubscribe(channel)) => refused(&channel),
        Ok(ClientMessage::Ping | ClientMessage::Pong) => {}
        Err(error) => {
            let frame = server::error(None, &error.to_string());
            assert!(object(&frame).contains_key("data"));
        }
    }
});

fn member(channel_data: &str) {
    let Ok(member) = Member::parse(channel_data, limits::USER_OBJECT_BYTES) else {
        return;
    };
    let channel = "presence-a".parse().expect("a channel name");
    let added = server::member_added(&channel, &member.id, member.info.as_deref());
    let data = JsonStr::from_raw(object(&added)["data"]).expect("data is a string").into_text();
    let data: BTreeMap<String, &RawValue> = serde_json::from_str(&data).expect("data is JSON");
    let id: String = serde_json::from_str(data["user_id"].get()).expect("an id is a string");
    assert_eq!(id, member.id.as_str());
    assert_eq!(data.get("user_info").map(|info| info.get()), member.info.as_deref());
    let spelled = server::Spelled::new(&member.id, member.info.as_deref());
    let succeeded = server::presence_succeeded(&channel, [&spelled, &spelled].into_iter());
    let data = JsonStr::from_raw(object(&succeeded)["data"]).expect("data is a string").into_text();
    let presence = inside(inside(&data)["presence"].get());
    let ids: Vec<String> = serde_json::from_str(presence["ids"].get()).expect("ids are strings");
    assert_eq!(ids, [member.id.as_str(), member.id.as_str()]);
    let info = inside(presence["hash"].get())[member.id.as_str()].get();
    assert_eq!(info, member.info.as_deref().unwrap_or("null"));
}

/// The members of an object, as they are written: what is said of a user may hold lone surrogates.
fn inside(json: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(json).expect("an object")
}

fn user(user_data: &str) {
    let Ok(user) = User::parse(user_data, limits::USER_OBJECT_BYTES, 3) else {
        return;
    };
    assert!(user.member.id.fits_a_channel_name());
    assert!(user.watchlist.len() <= 3);
    let frame = server::signin_success(user_data);
    let data = JsonStr::from_raw(object(&frame)["data"]).expect("data is a string").into_text();
    let data: BTreeMap<String, String> = serde_json::from_str(&data).expect("data is JSON");
    assert_eq!(data["user_data"], user_data);
    object(&server::watchlist_events(&user.watchlist, &[]));
}

fn refused(channel: &str) {
    object(&server::subscription_error(channel, channel, 401));
}

fn passed_on(event: &ClientEvent<'_>) {
    assert!(event.event.decode().starts_with("client-"));
    for text in [&event.event, &event.data] {
        assert_eq!(text.decoded_len(), text.decode().len());
    }
    let Ok(channel) = event.channel.parse() else {
        return;
    };
    let user: UserId = "a\"b".parse().expect("a user id");
    let frame = server::event(&event.event, &channel, &event.data, Some(&user));
    let said = object(&frame);
    assert_eq!(said["event"].get(), event.event.literal());
    assert_eq!(said["data"].get(), event.data.literal());
    assert_eq!(said.len(), 4);
}

/// A frame as the object that it must be. Values stay raw: lone surrogates are passed on.
fn object(frame: &Frame) -> BTreeMap<String, &RawValue> {
    serde_json::from_slice(frame.payload()).expect("a frame is a JSON object")
}
