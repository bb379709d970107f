//! The rules of the wire that every request must keep, whatever the test is about (contract 16).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Delivery;

/// The first rule that one of these requests breaks, with the request.
pub(super) fn first_fault(deliveries: &[Delivery]) -> Option<String> {
    let own = deliveries.iter().find_map(|d| fault(d).map(|fault| format!("{fault}: {d}")));
    own.or_else(|| two_bodies(deliveries))
}

/// The rule that a request breaks, if there is one.
pub(super) fn fault(delivery: &Delivery) -> Option<String> {
    check(delivery).err()
}

fn check(delivery: &Delivery) -> Result<(), String> {
    check_head(delivery)?;
    check_pushers_headers(delivery)?;
    check_own_headers(delivery)?;
    check_body(delivery)
}

fn ensure(is_so: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(fault()) }
}

/// A header that must be there, once.
fn once<'a>(delivery: &'a Delivery, name: &str) -> Result<&'a str, String> {
    let headers = delivery.headers();
    let values: Vec<_> =
        headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v).collect();
    match values[..] {
        [value] => Ok(value),
        _ => Err(format!("{} headers {name}", values.len())),
    }
}

/// 16.1, 16.3: a POST of known length, names in Title-Case.
fn check_head(delivery: &Delivery) -> Result<(), String> {
    let line = delivery.request_line();
    ensure(line.starts_with("POST /") && line.ends_with(" HTTP/1.1"), || format!("{line:?}"))?;
    for (name, _) in delivery.headers() {
        ensure(is_title_case(name), || format!("the header {name} is not in Title-Case"))?;
    }
    once(delivery, "Host")?;
    let length = once(delivery, "Content-Length")?;
    ensure(length == delivery.body.len().to_string(), || format!("Content-Length {length}"))?;
    for name in ["Transfer-Encoding", "Content-Encoding", "Expect"] {
        ensure(delivery.header(name).is_none(), || format!("it has a {name}"))?;
    }
    Ok(())
}

/// Each part between hyphens starts with a capital and goes on in small letters.
pub(super) fn is_title_case(name: &str) -> bool {
    name.split('-').all(|part| {
        let (first, rest) = part.split_at_checked(1).unwrap_or_default();
        !first.is_empty()
            && !first.contains(|c: char| c.is_ascii_lowercase())
            && !rest.contains(|c: char| c.is_ascii_uppercase())
    })
}

/// 16.2, 16.4: exactly one key and one signature, lower-case hex, and the media type alone.
fn check_pushers_headers(delivery: &Delivery) -> Result<(), String> {
    let media_type = once(delivery, "Content-Type")?;
    ensure(media_type == "application/json", || format!("Content-Type {media_type}"))?;
    ensure(!once(delivery, "X-Pusher-Key")?.is_empty(), || "an empty X-Pusher-Key".into())?;
    let signature = once(delivery, "X-Pusher-Signature")?;
    let is_hex = signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    ensure(signature.len() == 64 && is_hex, || format!("the signature {signature:?}"))
}

/// What names a request, its place and its attempt.
fn check_own_headers(delivery: &Delivery) -> Result<(), String> {
    let id = once(delivery, "webhook-id")?;
    ensure(!id.is_empty() && !id.contains('.'), || format!("webhook-id {id:?}"))?;
    number(delivery, "webhook-timestamp")?;
    let signatures = once(delivery, "webhook-signature")?;
    let is_known = signatures.split(' ').all(|one| one.starts_with("v1,"));
    ensure(is_known, || format!("webhook-signature {signatures:?}"))?;
    ensure(number(delivery, "X-Bellwire-Attempt")? >= 1, || "attempt 0".into())?;
    if delivery.replay().is_some() {
        return Ok(());
    }
    let sequence = number(delivery, "X-Bellwire-Sequence")?;
    let previous = number(delivery, "X-Bellwire-Previous-Sequence")?;
    ensure(sequence > previous, || format!("{sequence} follows {previous}"))
}

fn number(delivery: &Delivery, name: &str) -> Result<u64, String> {
    let text = once(delivery, name)?;
    text.parse().map_err(|_| format!("{name} is {text:?}"))
}

/// 16.1, 16.8: `time_ms` as an integer, then `events`, 1 to 100 of them.
fn check_body(delivery: &Delivery) -> Result<(), String> {
    let text = std::str::from_utf8(&delivery.body).map_err(|e| e.to_string())?;
    let rest = text.strip_prefix("{\"time_ms\":").ok_or("the body does not start with time_ms")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    ensure(digits > 0, || "time_ms is no integer".into())?;
    let is_next = rest[digits..].starts_with(",\"events\":[") && text.ends_with("]}");
    ensure(is_next, || "the body is not time_ms and events".into())?;
    let body: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    ensure(body.as_object().is_some_and(|body| body.len() == 2), || "further keys".into())?;
    let count = delivery.events().len();
    ensure((1..=100).contains(&count), || format!("{count} events"))?;
    if delivery.replay().is_none() {
        delivery.events().iter().try_for_each(check_event)?;
    }
    check_company(delivery.events())
}

/// 16.8, 16.9: each event has its keys and no others, and all values but a count are strings.
fn check_event(event: &Value) -> Result<(), String> {
    let empty = Map::new();
    let fields = event.as_object().unwrap_or(&empty);
    let name = event["name"].as_str().unwrap_or_default();
    let allowed: &[&str] = match name {
        "channel_occupied" | "channel_vacated" | "cache_miss" => &["channel", "name"],
        "member_added" | "member_removed" => &["channel", "name", "user_id"],
        "client_event" if event.get("user_id").is_none() => {
            &["channel", "data", "event", "name", "socket_id"]
        }
        "client_event" => &["channel", "data", "event", "name", "socket_id", "user_id"],
        "subscription_count" | "subscription_count_changed" => {
            &["channel", "name", "subscription_count"]
        }
        _ => return Err(format!("an unknown event {event}")),
    };
    let mut keys: Vec<_> = fields.keys().map(String::as_str).collect();
    keys.sort_unstable();
    ensure(keys == allowed, || format!("the keys {keys:?} of {name}"))?;
    for (key, value) in fields {
        let is_right = if key == "subscription_count" { value.is_u64() } else { value.is_string() };
        ensure(is_right, || format!("{key} is {value} in {name}"))?;
    }
    let is_presence = event["channel"].as_str().unwrap_or_default().starts_with("presence-");
    let says_who = event.get("user_id").is_some();
    ensure(name != "client_event" || says_who == is_presence, || format!("user_id in {event}"))
}

/// 16.10: an encrypted channel's events keep to themselves, because PHP and Go fail the whole POST
/// for one of them.
fn check_company(events: &[Value]) -> Result<(), String> {
    let mut channels: Vec<&str> = events.iter().filter_map(|e| e["channel"].as_str()).collect();
    channels.sort_unstable();
    channels.dedup();
    let is_encrypted = |channel: &&str| channel.starts_with("private-encrypted-");
    let mixed = channels.len() > 1 && channels.iter().any(is_encrypted);
    ensure(!mixed, || format!("an encrypted channel in a POST with others: {channels:?}"))
}

/// One `webhook-id` is one body, but for replays, whose `time_ms` is theirs.
fn two_bodies(deliveries: &[Delivery]) -> Option<String> {
    let mut first: HashMap<(&str, &str), &Delivery> = HashMap::new();
    deliveries.iter().filter(|d| d.replay().is_none()).find_map(|delivery| {
        let known = first.entry((delivery.path(), delivery.id())).or_insert(delivery);
        let differs = known.body != delivery.body;
        differs.then(|| format!("one id with two bodies:\n{known}\n{delivery}"))
    })
}
