//! Bodies and queries, read into what they should be. Unknown keys are refused: a misspelt one would
//! be taken for a wish that is silently not fulfilled.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::Desk;
use super::problem::Problem;
use crate::moment::Moment;

/// The JSON of a body; no body, or `null`, is an empty object.
pub(super) struct Json(pub(super) Value);

impl FromRequest<Arc<Desk>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Problem> {
        // It was read within its limit before the router was asked.
        let body = Bytes::from_request(request, desk).await;
        let body = body.map_err(|error| Problem::internal(&error))?;
        let given = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        match given.map_err(|error| Problem::no_json(&error))? {
            Value::Null => Ok(Self(Value::Object(serde_json::Map::new()))),
            given => Ok(Self(given)),
        }
    }
}

/// A body that is one thing.
pub(super) struct Given<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Desk>> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let Json(value) = Json::from_request(request, desk).await?;
        read(value).map(Self)
    }
}

/// Reads a thing from JSON; what is wrong with it is said by field.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::said("Expected a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, sentence) = (error.path().to_string(), for_people(error.inner().to_string()));
        let missing =
            sentence.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        match (path.as_str(), missing) {
            (_, Some(field)) if path == "." => Problem::invalid(field, "it is missing"),
            (_, Some(field)) => Problem::invalid(&format!("{path}.{field}"), "it is missing"),
            (".", None) => Problem::said(&sentence),
            (path, None) => Problem::invalid(path, &sentence),
        }
    })
}

/// What serde says of numbers, in words that are not those of a programming language.
fn for_people(sentence: String) -> String {
    let types = ["usize", "u64", "u32", "u16", "u8"];
    match types.iter().find_map(|name| sentence.strip_suffix(&format!("expected {name}"))) {
        Some(given) => format!("{given}expected a whole number, neither negative nor too large"),
        None => sentence,
    }
}

/// An object with the changes of another (RFC 7396).
pub(super) fn merged(mut base: Value, patch: Value) -> Result<Value, Problem> {
    if !patch.is_object() {
        return Err(Problem::said("Expected a JSON object"));
    }
    merge(&mut base, patch);
    Ok(base)
}

/// Merges a change (RFC 7396).
pub(super) fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Some(into) = into.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            into.remove(&key);
        } else {
            merge(into.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Tells a field that is `null` from one that is not there.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The parameters of a query; every field of `T` is a text that its owner reads on.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Desk>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|error| {
            let text = error.body_text();
            Problem::said(text.split_once("query string: ").map_or(&*text, |(_, why)| why))
        })
    }
}

/// A parameter as what it should be; `expected` is told to whoever gets it wrong.
pub(super) fn parameter<T: FromStr>(
    name: &str,
    text: Option<&str>,
    expected: &str,
) -> Result<Option<T>, Problem> {
    let parse = |text: &str| text.parse().map_err(|_| Problem::invalid(name, expected));
    text.map(parse).transpose()
}

/// A point in time.
pub(super) fn moment(name: &str, text: Option<&str>) -> Result<Option<u64>, Problem> {
    // A `+` that was not escaped has become a space.
    let text = text.map(|text| text.replace(' ', "+"));
    let moment: Option<Moment> = parameter(name, text.as_deref(), Moment::EXPECTED)?;
    Ok(moment.map(Moment::ms))
}

/// How many at most: 1 to `max`.
pub(super) fn limit(text: Option<&str>, usual: u32, max: u32) -> Result<u32, Problem> {
    let expected = format!("expected a number from 1 to {max}");
    let limit = parameter("limit", text, &expected)?.unwrap_or(usual);
    if (1..=max).contains(&limit) { Ok(limit) } else { Err(Problem::invalid("limit", &expected)) }
}

/// Refuses a span that ends before it begins.
pub(super) fn span(from: (&str, Option<u64>), to: (&str, Option<u64>)) -> Result<(), Problem> {
    match (from.1, to.1) {
        (Some(first), Some(last)) if last < first => {
            Err(Problem::invalid(to.0, &format!("it is before {}", from.0)))
        }
        _ => Ok(()),
    }
}
