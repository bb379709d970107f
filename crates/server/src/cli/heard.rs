//! A message of the protocol as a client hears it (contract 3), from this server or another that is
//! less strict.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::output::one_line;

/// One message.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    pub(super) event: String,
    pub(super) channel: Option<String>,
    /// A string with JSON inside, or anything else.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// Who sent a client event on a presence channel.
    user_id: Option<Value>,
}

/// What the server objects to.
pub(super) struct Refusal {
    /// The code, where the protocol has one.
    pub(super) code: Option<u64>,
    pub(super) message: String,
}

impl Refusal {
    /// Whether a close frame follows that says the same (contract 1.8).
    pub(super) fn closes(&self) -> bool {
        self.code.is_some_and(|code| (4000..4300).contains(&code))
    }
}

impl<'a> Message<'a> {
    /// The message of a frame, if it is one.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether it is only a sign of life.
    pub(super) fn is_heartbeat(&self) -> bool {
        matches!(self.event.as_str(), "pusher:ping" | "pusher:pong")
    }

    /// Of `connection_established`.
    pub(super) fn socket_id(&self) -> String {
        self.inside()["socket_id"].as_str().unwrap_or_default().to_owned()
    }

    /// Of `connection_established`.
    pub(super) fn activity_timeout(&self) -> Option<Duration> {
        self.inside()["activity_timeout"].as_u64().filter(|s| *s > 0).map(Duration::from_secs)
    }

    /// Of `subscription_succeeded` on a presence channel: who is there.
    pub(super) fn members(&self) -> Option<String> {
        let inside = self.inside();
        let ids = inside["presence"]["ids"].as_array()?;
        let shown: Vec<Cow<'_, str>> = ids.iter().take(20).map(as_text).collect();
        let rest = if ids.len() > shown.len() { ", …" } else { "" };
        Some(format!("{} there: {}{rest}", ids.len(), shown.join(", ")))
    }

    /// Of `pusher:error` and `pusher:subscription_error`.
    pub(super) fn refusal(&self) -> Refusal {
        let inside = self.inside();
        let said = [&inside["message"], &inside["error"]].into_iter().find_map(Value::as_str);
        let message = said.map_or_else(|| self.text().into_owned(), str::to_owned);
        Refusal { code: inside["code"].as_u64(), message }
    }

    /// Channel, event and data in one line. Internal events have the names that pusher-js gives
    /// them.
    pub(super) fn for_people(&self) -> String {
        let channel = one_line(self.channel.as_deref().unwrap_or("-"));
        let event = self.event.replacen("pusher_internal:", "pusher:", 1);
        let text = self.text();
        let from = self
            .user_id
            .as_ref()
            .map_or_else(String::new, |user| format!("  from {}", one_line(&as_text(user))));
        format!("{channel}  {}  {}{from}", one_line(&event), one_line(&text))
    }

    /// The data: what is in the string, or the JSON as it is.
    fn text(&self) -> Cow<'a, str> {
        let Some(raw) = self.data else { return Cow::Borrowed("") };
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Borrowed(raw.get()),
        }
    }

    /// The JSON inside the data.
    fn inside(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }
}

fn as_text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Message::parse(text).unwrap().for_people()
    }

    #[test]
    fn a_message_is_one_line_with_its_data_as_published() {
        assert_eq!(shown(r#"{"event":"e","channel":"c","data":"{\"a\": 1}"}"#), "c  e  {\"a\": 1}");
        assert_eq!(
            shown(r#"{"event":"e","channel":"c","data":{"a": 12345678901234567890123}}"#),
            "c  e  {\"a\": 12345678901234567890123}"
        );
        assert_eq!(shown(r#"{"event":"e","channel":"c","data":"a\nb"}"#), "c  e  a\\nb");
        assert_eq!(
            shown(r#"{"event":"client-x","channel":"c","data":"","user_id":"ann"}"#),
            "c  client-x    from ann"
        );
        assert_eq!(
            shown(r#"{"event":"pusher_internal:member_added","channel":"c","data":"{}"}"#),
            "c  pusher:member_added  {}"
        );
    }

    #[test]
    fn a_refusal_is_read_from_an_object_and_from_a_string() {
        for (text, code) in [
            (r#"{"event":"pusher:error","data":{"code":4001,"message":"no"}}"#, Some(4001)),
            (r#"{"event":"pusher:error","data":"{\"code\":null,\"message\":\"no\"}"}"#, None),
            (r#"{"event":"pusher:subscription_error","data":"{\"error\":\"no\"}"}"#, None),
            (r#"{"event":"pusher:error","data":"no"}"#, None),
        ] {
            let refusal = Message::parse(text).unwrap().refusal();
            assert_eq!((refusal.code, refusal.message.as_str()), (code, "no"), "{text}");
        }
    }
}
