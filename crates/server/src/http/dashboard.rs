//! The dashboard's files, which are part of the binary, and what browsers are told to keep from them.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Either;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::answer::{Answer, Body};

#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
struct Files;

/// Answers with the file at a path below `/dashboard/`; a path that is no file is a page, which the
/// program in the browser knows.
pub(super) fn answer(
    method: &Method,
    headers: &HeaderMap,
    path: &str,
    prefix: &str,
) -> Response<Body> {
    if *method != Method::GET && *method != Method::HEAD {
        let line = "The dashboard takes GET and HEAD";
        return Answer::refusal(StatusCode::METHOD_NOT_ALLOWED, line).into_response();
    }
    let is_asset = path.starts_with("assets/");
    let found = match path {
        "" | INDEX => None,
        path => Files::get(path).map(|file| (path, file)),
    };
    match found {
        Some((path, file)) => asset(headers, path, file),
        None if is_asset => Answer::not_found().into_response(),
        None => page(prefix),
    }
}

/// Sends a browser to the dashboard.
pub(super) fn redirect(prefix: &str) -> Response<Body> {
    let mut response = Answer::empty(StatusCode::FOUND).into_response();
    let place = HeaderValue::from_str(&format!("{prefix}/dashboard/"));
    // The prefix was checked when the config was read.
    response.headers_mut().extend(place.ok().map(|place| (header::LOCATION, place)));
    response
}

/// The one page. What it loads is relative to its base, which knows the server's prefix.
fn page(prefix: &str) -> Response<Body> {
    let Some(index) = Files::get(INDEX) else {
        let line = "This binary was built without the dashboard: `make build` builds both";
        return Answer::refusal(StatusCode::NOT_FOUND, line).into_response();
    };
    let text = String::from_utf8_lossy(&index.data);
    let text = text.replacen(BASE, &format!("<base href=\"{prefix}/dashboard/\""), 1);
    let mut response = Response::new(Either::Left(Bytes::from(text).into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(headers);
    response
}

fn asset(asked: &HeaderMap, path: &str, file: EmbeddedFile) -> Response<Body> {
    let mime = HeaderValue::from_str(file.metadata.mimetype());
    let small = takes_gzip(asked).then(|| Files::get(&format!("{path}.gz"))).flatten();
    let is_small = small.is_some();
    let data = match small.unwrap_or(file).data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    };
    let mut response = Response::new(Either::Left(data.into()));
    let headers = response.headers_mut();
    headers.extend(mime.ok().map(|mime| (header::CONTENT_TYPE, mime)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_small {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Names of assets change with what is in them.
    let keep = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    guard(headers);
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, rest) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(rest.trim(), "q=0" | "q=0.0")
    })
}

/// What a browser must not do with our pages.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

const INDEX: &str = "index.html";
/// What the page says about its base until somebody knows better.
const BASE: &str = "<base href=\"/dashboard/\"";
/// Scripts come from here only, none stands in a page, and no other page may frame ours.
const GUARDS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:; manifest-src 'self'; \
         base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        assert!(takes("gzip") && takes("br, GZIP;q=0.5") && takes("deflate,gzip"));
        assert!(!takes("gzip;q=0") && !takes("br") && !takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn no_script_may_stand_in_a_page() {
        let policy = GUARDS[0].1;
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        assert_eq!(scripts.unwrap().trim(), "script-src 'self'");
        assert!(policy.starts_with("default-src 'none'"));
    }

    #[test]
    fn only_looking_is_taken() {
        let answer = |method| answer(&method, &HeaderMap::new(), "", "").status();
        assert_eq!(answer(Method::POST), StatusCode::METHOD_NOT_ALLOWED);
    }
}
