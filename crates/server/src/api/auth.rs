//! Whether a request is signed by an active key of its app (contract 13). All of it is checked
//! before a byte of the body is read, but for the body's digest.

use std::sync::Arc;

use bellwire_hub::App;
use bellwire_protocol::Signer;
use bellwire_protocol::limits::TIMESTAMP_SKEW_S;
use bellwire_protocol::query::Query;
use bellwire_protocol::signature::body_md5;
use http::{Method, StatusCode};

use crate::http::{Answer, House};

/// The path of a request in the forms that SDKs sign (contract 13.4).
#[derive(Debug)]
pub(crate) struct Paths<'a> {
    /// Without the operator's prefix and with percent escapes decoded: what Node and PHP sign.
    pub(crate) decoded: &'a str,
    /// Without the operator's prefix, else as it came.
    pub(crate) raw: &'a str,
    /// As it came, with the operator's prefix: what an SDK signs that knows the prefix only as a
    /// part of its paths.
    pub(crate) whole: &'a str,
}

/// Finds the app and checks the signature. Without an app id the key names the app.
///
/// # Errors
/// The answer for whoever asks: 404 for an unknown app, else 401 with what is wrong.
pub(crate) fn verify<'q>(
    house: &House,
    app_id: Option<&str>,
    method: &Method,
    paths: &Paths<'_>,
    raw_query: &'q str,
    now_s: u64,
) -> Result<(Arc<App>, Query<'q>), Answer> {
    let app = match app_id {
        Some(id) => Some(house.apps.by_id(id).ok_or_else(Answer::not_found)?),
        None => None,
    };
    let query = Query::parse(raw_query).map_err(|error| Answer::bad(&error.to_string()))?;
    let key = required(&query, "auth_key", "Missing parameter: auth_key")?;
    let app = match app {
        Some(app) => app,
        None => house.apps.by_key(key).ok_or_else(|| unauthorized("Unknown auth_key"))?,
    };
    let live = app.live();
    let signer = live.signer(key).ok_or_else(|| unauthorized("Unknown auth_key"))?;
    check_version(&query)?;
    check_time(&query, now_s)?;
    let query = check_signature(signer, method, paths, query)?;
    drop(live);
    Ok((app, query))
}

/// Checks the digest of the body (contract 13.9).
///
/// # Errors
/// 401 when the digest is missing or another.
pub(crate) fn verify_body(query: &Query<'_>, body: &[u8]) -> Result<(), Answer> {
    match query.one("body_md5") {
        None if body.is_empty() => Ok(()),
        None => Err(unauthorized("Missing parameter: body_md5")),
        Some(given) if body_md5(body).matches(given) => Ok(()),
        Some(given) => Err(unauthorized(&format!(
            "Invalid body_md5: the MD5 of the body is {}, but you sent {given}",
            body_md5(body)
        ))),
    }
}

fn check_version(query: &Query<'_>) -> Result<(), Answer> {
    match required(query, "auth_version", "Version required")? {
        "1.0" => Ok(()),
        _ => Err(unauthorized("Version not supported")),
    }
}

fn check_time(query: &Query<'_>, now_s: u64) -> Result<(), Answer> {
    let given = required(query, "auth_timestamp", "Timestamp required")?;
    let then_s: u64 = given
        .parse()
        .map_err(|_| unauthorized("Invalid timestamp: expected seconds since the epoch"))?;
    if now_s.abs_diff(then_s) < TIMESTAMP_SKEW_S {
        return Ok(());
    }
    Err(unauthorized(&format!(
        "Timestamp expired: Given timestamp ({then_s}) not within {TIMESTAMP_SKEW_S}s of server \
         time ({now_s})"
    )))
}

/// Tries what SDKs are known to sign: the decoded path, the raw one, and PHP's joined lists
/// (contract 13.4, 13.6).
fn check_signature<'q>(
    signer: &Signer,
    method: &Method,
    paths: &Paths<'_>,
    query: Query<'q>,
) -> Result<Query<'q>, Answer> {
    let given = required(&query, "auth_signature", "Missing parameter: auth_signature")?;
    let signed = |query: &Query<'_>, path| {
        let text = query.string_to_sign(method.as_str(), path);
        (signer.verify(&[&text], given), text)
    };
    let (good, expected) = signed(&query, paths.decoded);
    let mut others = [paths.raw, paths.whole].into_iter();
    if good || others.any(|path| path != paths.decoded && signed(&query, path).0) {
        return Ok(query);
    }
    if let Some(joined) = query.with_numbered_keys_joined()
        && signed(&joined, paths.decoded).0
    {
        return Ok(joined);
    }
    let expected = expected.replace('\n', "\\n");
    let given: String = given.chars().take(100).collect();
    Err(unauthorized(&format!(
        "Invalid signature: you should have sent HmacSHA256Hex(\"{expected}\", your_secret_key), \
         but you sent \"{given}\""
    )))
}

fn required<'a>(query: &'a Query<'_>, name: &str, missing: &str) -> Result<&'a str, Answer> {
    query.one(name).filter(|value| !value.is_empty()).ok_or_else(|| unauthorized(missing))
}

fn unauthorized(line: &str) -> Answer {
    Answer::refusal(StatusCode::UNAUTHORIZED, line)
}
