//! Who signs in: `user_data`, read from the text that was signed (contract 6.2).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ids::UserId;
use crate::json::{self, JsonStr};
use crate::presence::Member;

/// A user, as the customer's server vouches for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id and info; what the user is on presence channels joined without `channel_data`.
    pub member: Member,
    /// Whose coming and going the user wants to hear of: the first so many of the list.
    pub watchlist: Vec<UserId>,
    /// Whether the list was longer.
    pub watchlist_cut: bool,
}

/// Why `user_data` names no user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUser {
    /// Not a JSON object.
    #[error("Invalid user_data: expected a JSON object as a string ({0})")]
    NotAnObject(String),
    /// `id` is absent.
    #[error("Missing parameter: data.user_data.id")]
    NoId,
    /// `id` is no text, empty, too long or has other characters than channel names.
    #[error(
        "user_data.id must be a string of 1 to 128 characters out of A-Z a-z 0-9 _ - = @ , . ;"
    )]
    Id,
    /// `user_info` is no object.
    #[error("user_data.user_info must be an object")]
    UserInfo,
    /// `watchlist` is no array of ids.
    #[error("user_data.watchlist must be an array of user ids as strings")]
    Watchlist,
    /// All but the watchlist is over the limit.
    #[error("user_data without its watchlist exceeds the allowed maximum ({0} bytes)")]
    TooLarge(usize),
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    watchlist: Option<&'a RawValue>,
}

impl User {
    /// Reads `user_data` with at most `bytes_max` bytes beside the watchlist, of which the first
    /// `watched_max` ids count.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(
        user_data: &str,
        bytes_max: usize,
        watched_max: usize,
    ) -> Result<Self, InvalidUser> {
        if !user_data.trim_start().starts_with('{') {
            return Err(InvalidUser::NotAnObject("expected '{'".into()));
        }
        let fields: Fields<'_> = serde_json::from_str(user_data)
            .map_err(|error| InvalidUser::NotAnObject(error.to_string()))?;
        let listed_bytes = fields.watchlist.map_or(0, |list| list.get().len());
        if user_data.len() - listed_bytes > bytes_max {
            return Err(InvalidUser::TooLarge(bytes_max));
        }
        let (watchlist, watchlist_cut) = watchlist(fields.watchlist, watched_max)?;
        let member = Member { id: id(fields.id)?, info: info(fields.user_info)? };
        Ok(Self { member, watchlist, watchlist_cut })
    }
}

fn id(raw: Option<&RawValue>) -> Result<UserId, InvalidUser> {
    let text = JsonStr::from_raw(raw.ok_or(InvalidUser::NoId)?).ok_or(InvalidUser::Id)?;
    let id: UserId = text.decode().parse().map_err(|_| InvalidUser::Id)?;
    if id.fits_a_channel_name() { Ok(id) } else { Err(InvalidUser::Id) }
}

fn info(raw: Option<&RawValue>) -> Result<Option<Box<str>>, InvalidUser> {
    match raw.map(RawValue::get) {
        None => Ok(None),
        Some(raw) if raw.starts_with('{') => Ok(Some(json::compact(raw).into())),
        Some(_) => Err(InvalidUser::UserInfo),
    }
}

fn watchlist(raw: Option<&RawValue>, max: usize) -> Result<(Vec<UserId>, bool), InvalidUser> {
    let Some(raw) = raw else {
        return Ok((Vec::new(), false));
    };
    let listed: Vec<String> =
        serde_json::from_str(raw.get()).map_err(|_| InvalidUser::Watchlist)?;
    let cut = listed.len() > max;
    let ids = listed.iter().take(max).map(|id| id.parse()).collect::<Result<Vec<_>, _>>();
    Ok((ids.map_err(|_| InvalidUser::Watchlist)?, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<User, InvalidUser> {
        User::parse(text, 1024, 100)
    }

    // contract: 6.2
    #[test]
    fn an_id_is_a_string_of_name_characters() {
        assert_eq!(parse(r#"{"id":"a@b"}"#).unwrap().member.id.as_str(), "a@b");
        assert_eq!(parse("{}"), Err(InvalidUser::NoId));
        for bad in ["1", "\"\"", "\"a b\"", "\"ä\"", "true"] {
            assert_eq!(parse(&format!(r#"{{"id":{bad}}}"#)), Err(InvalidUser::Id), "{bad}");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "a".repeat(129));
        assert_eq!(parse(&long), Err(InvalidUser::Id));
    }

    // contract: 6.2
    #[test]
    fn info_is_an_object_and_the_watchlist_an_array_of_strings() {
        assert_eq!(parse(r#"{"id":"a","user_info":"x"}"#), Err(InvalidUser::UserInfo));
        for bad in ["\"a\"", "{}", "[1]", "[\"\"]"] {
            let text = format!(r#"{{"id":"a","watchlist":{bad}}}"#);
            assert_eq!(parse(&text), Err(InvalidUser::Watchlist), "{bad}");
        }
    }

    // contract: 6.12
    #[test]
    fn of_a_long_watchlist_the_first_hundred_count() {
        let ids: Vec<String> = (0..101).map(|n| format!("u{n}")).collect();
        let text = format!(r#"{{"id":"a","watchlist":{}}}"#, serde_json::to_string(&ids).unwrap());
        let user = parse(&text).unwrap();
        assert!(user.watchlist_cut);
        assert_eq!(user.watchlist.len(), 100);
        assert_eq!(user.watchlist[99].as_str(), "u99");
    }

    #[test]
    fn all_but_the_watchlist_is_limited() {
        let text = format!(r#"{{"id":"a","user_info":{{"x":"{}"}}}}"#, "y".repeat(1024));
        assert_eq!(parse(&text), Err(InvalidUser::TooLarge(1024)));
    }
}
