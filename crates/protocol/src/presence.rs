//! Who joins a presence channel: `channel_data`, read from the text that was signed.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ids::UserId;
use crate::json::{self, JsonStr};

/// A member of a presence channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Always text; a number keeps its digits (contract 5.6, 5.13).
    pub id: UserId,
    /// `user_info` as JSON, untouched but for white space (contract 5.12).
    pub info: Option<Box<str>>,
}

/// Why `channel_data` names no member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMember {
    /// Not a JSON object.
    #[error("Invalid channel_data: expected a JSON object as a string ({0})")]
    NotAnObject(String),
    /// `user_id` is absent, empty, or neither text nor number.
    #[error("channel_data must contain a user_id, a string or a number")]
    NoUserId,
    /// `user_id` is too long.
    #[error("user_id supplied to presence subscription is longer than 128 characters")]
    LongUserId,
    /// `user_info` is something else than an object. The words are those of Pusher (contract 5.2).
    #[error(
        "user_info supplied to presence subscription is invalid - if supplied it must be a type of hash"
    )]
    UserInfo,
    /// The whole text is over the limit.
    #[error("channel_data exceeds the allowed maximum ({0} bytes)")]
    TooLarge(usize),
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user_info: Option<&'a RawValue>,
}

impl Member {
    /// Reads `channel_data` of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// What is wrong with it (contract 5.2, 5.3).
    pub fn parse(channel_data: &str, bytes_max: usize) -> Result<Self, InvalidMember> {
        if channel_data.len() > bytes_max {
            return Err(InvalidMember::TooLarge(bytes_max));
        }
        if !channel_data.trim_start().starts_with('{') {
            return Err(InvalidMember::NotAnObject("expected '{'".into()));
        }
        let fields: Fields<'_> = serde_json::from_str(channel_data)
            .map_err(|error| InvalidMember::NotAnObject(error.to_string()))?;
        Ok(Self { id: user_id(fields.user_id)?, info: object(fields.user_info)? })
    }
}

fn user_id(raw: Option<&RawValue>) -> Result<UserId, InvalidMember> {
    let raw = raw.ok_or(InvalidMember::NoUserId)?;
    let text = match JsonStr::from_raw(raw) {
        Some(text) => text.into_text().into_owned(),
        None if is_number(raw.get()) => raw.get().to_owned(),
        None => return Err(InvalidMember::NoUserId),
    };
    if text.is_empty() {
        return Err(InvalidMember::NoUserId);
    }
    text.parse().map_err(|_| InvalidMember::LongUserId)
}

fn is_number(raw: &str) -> bool {
    raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

fn object(raw: Option<&RawValue>) -> Result<Option<Box<str>>, InvalidMember> {
    match raw.map(RawValue::get) {
        None => Ok(None),
        Some(raw) if raw.starts_with('{') => Ok(Some(json::compact(raw).into())),
        Some(_) => Err(InvalidMember::UserInfo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Member, InvalidMember> {
        Member::parse(text, 1024)
    }

    // contract: 5.1, 5.6, 5.13
    #[test]
    fn a_numeric_user_id_keeps_its_digits() {
        assert_eq!(parse(r#"{"user_id":10}"#).unwrap().id.as_str(), "10");
        let large = parse(r#"{"user_id": 90071992547409931}"#).unwrap();
        assert_eq!(large.id.as_str(), "90071992547409931");
    }

    // contract: 5.12
    #[test]
    fn user_info_survives_with_its_nesting() {
        let member = parse(r#"{"user_id":"a", "user_info": {"a": {"b": [1, "x y"]}}}"#).unwrap();
        assert_eq!(member.info.as_deref(), Some(r#"{"a":{"b":[1,"x y"]}}"#));
        assert_eq!(parse(r#"{"user_id":"a","user_info":null}"#).unwrap().info, None);
    }

    // contract: 5.2, 5.3
    #[test]
    fn each_mistake_has_its_sentence() {
        use InvalidMember as E;
        assert!(matches!(parse("x"), Err(E::NotAnObject(_))));
        assert!(matches!(parse("[]"), Err(E::NotAnObject(_))));
        assert!(matches!(parse("{"), Err(E::NotAnObject(_))));
        for bad in ["{}", r#"{"user_id":""}"#, r#"{"user_id":null}"#, r#"{"user_id":true}"#] {
            assert_eq!(parse(bad), Err(E::NoUserId), "{bad}");
        }
        for bad in ["\"a\"", "[1]", "7"] {
            let text = format!(r#"{{"user_id":1,"user_info":{bad}}}"#);
            assert_eq!(parse(&text), Err(E::UserInfo), "{bad}");
        }
        let long = format!(r#"{{"user_id":"{}"}}"#, "u".repeat(129));
        assert_eq!(parse(&long), Err(E::LongUserId));
        let large = format!(r#"{{"user_id":"u","user_info":{{"a":"{}"}}}}"#, "x".repeat(1024));
        assert_eq!(parse(&large), Err(E::TooLarge(1024)));
    }
}
