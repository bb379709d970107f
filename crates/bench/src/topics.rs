//! What a connection subscribes to once it is greeted: public channels as they are, private and
//! presence channels with the signature of its socket id (contract, section 4.4).

use std::rc::Rc;

use serde_json::json;

use crate::frame;
use crate::sign::Credentials;

/// The channels of one connection, all asked for in one write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topics {
    /// Their names.
    channels: Vec<Rc<str>>,
    /// What opens them, unless they are public.
    pass: Option<Pass>,
}

/// What opens private and presence channels.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    /// Who signs.
    pub(crate) credentials: Rc<Credentials>,
    /// Who joins, as `channel_data`; only presence channels are told.
    pub(crate) member: Option<Rc<str>>,
}

impl Topics {
    /// Public channels.
    pub(crate) fn public(channels: Vec<Rc<str>>) -> Self {
        Self { channels, pass: None }
    }

    /// One channel that needs a signature.
    pub(crate) fn signed(channel: Rc<str>, pass: Pass) -> Self {
        Self::all_signed(vec![channel], pass)
    }

    /// Several of them.
    pub(crate) fn all_signed(channels: Vec<Rc<str>>, pass: Pass) -> Self {
        Self { channels, pass: Some(pass) }
    }

    /// How many subscriptions are to be confirmed.
    pub(crate) fn len(&self) -> usize {
        self.channels.len()
    }

    /// The frames that ask for all of them.
    pub(crate) fn words(&self, socket_id: &str) -> Vec<u8> {
        let word = |channel: &Rc<str>| subscribe(channel, socket_id, self.pass.as_ref());
        self.channels.iter().flat_map(word).collect()
    }
}

impl From<&Rc<str>> for Topics {
    fn from(channel: &Rc<str>) -> Self {
        Self::public(vec![Rc::clone(channel)])
    }
}

impl From<Rc<str>> for Topics {
    fn from(channel: Rc<str>) -> Self {
        Self::public(vec![channel])
    }
}

impl Pass {
    /// Who joins this channel, if it wants to know.
    fn member_of(&self, channel: &str) -> Option<&str> {
        self.member.as_deref().filter(|_| channel.starts_with("presence-"))
    }

    fn signature(&self, socket_id: &str, channel: &str) -> String {
        let text = format!("{socket_id}:{channel}");
        let member = self.member_of(channel).map_or_else(String::new, |data| format!(":{data}"));
        self.credentials.auth(&(text + &member))
    }
}

/// The frame that asks for one channel.
pub(crate) fn subscribe(channel: &str, socket_id: &str, pass: Option<&Pass>) -> Vec<u8> {
    let mut data = json!({ "channel": channel });
    if let Some(pass) = pass {
        data["auth"] = pass.signature(socket_id, channel).into();
        if let Some(member) = pass.member_of(channel) {
            data["channel_data"] = member.into();
        }
    }
    says(&json!({ "event": "pusher:subscribe", "data": data }).to_string())
}

/// The frame that leaves one channel.
pub(crate) fn unsubscribe(channel: &str) -> Vec<u8> {
    let data = json!({ "channel": channel });
    says(&json!({ "event": "pusher:unsubscribe", "data": data }).to_string())
}

fn says(text: &str) -> Vec<u8> {
    frame::masked(frame::TEXT, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documented() -> Rc<Credentials> {
        Rc::new(Credentials {
            app_id: "3".into(),
            key: "278d425bdf160c739803".into(),
            secret: "7ad3773142a6692b25b8".into(),
        })
    }

    fn text(words: &[u8]) -> String {
        let frame = frame::first(words).expect("a frame");
        String::from_utf8_lossy(frame.payload).into_owned()
    }

    #[test]
    fn a_private_channel_opens_with_the_documented_signature() {
        let pass = Pass { credentials: documented(), member: None };
        let words = Topics::signed("private-foobar".into(), pass).words("1234.1234");
        let auth = "278d425bdf160c739803:\
                    58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
        assert!(text(&words).contains(auth), "{}", text(&words));
    }

    #[test]
    fn a_presence_channel_opens_with_the_documented_signature() {
        let member = r#"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#;
        let pass = Pass { credentials: documented(), member: Some(member.into()) };
        let words = Topics::signed("presence-foobar".into(), pass).words("1234.1234");
        let auth = "278d425bdf160c739803:\
                    31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80";
        assert!(text(&words).contains(auth), "{}", text(&words));
    }

    #[test]
    fn a_private_channel_is_not_told_who_joins_a_presence_channel_beside_it() {
        let pass = |member: Option<&str>| Pass {
            credentials: documented(),
            member: member.map(Into::into),
        };
        let member = Some(r#"{"user_id":"7"}"#);
        let channels = vec!["private-a".into(), "presence-a".into()];
        let words = Topics::all_signed(channels, pass(member)).words("1.1");
        let alone = Topics::signed("private-a".into(), pass(None)).words("1.1");
        assert!(words.starts_with(&alone), "{}", text(&words));
        assert_eq!(words[alone.len()..], subscribe("presence-a", "1.1", Some(&pass(member))));
    }

    #[test]
    fn all_channels_are_asked_for_in_one_write() {
        let words = Topics::public(vec!["a".into(), "b".into()]).words("1.1");
        let first = frame::first(&words).expect("a frame").size;
        assert!(text(&words).contains("\"a\"") && text(&words[first..]).contains("\"b\""));
    }
}
