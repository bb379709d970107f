//! Refusals: `application/problem+json` (RFC 9457), each with a sentence for the person who reads it.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use bellwire_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "retry_hours: 80 is not 1 to 72",
    "field": "retry_hours",
}))]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    #[schema(value_type = u16)]
    status: u16,
    /// What is wrong, and what was expected.
    detail: String,
    /// Which field of the body or the query is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// After how many seconds it is worth trying again; also in `Retry-After`.
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

/// The content type of refusals.
const PROBLEM_JSON: &str = "application/problem+json";

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default();
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            retry_after_s: None,
        }
    }

    /// No token, or one that opens nothing.
    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// The token is for another app.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "The token is for another app")
    }

    /// Whoever asks may not do this.
    pub(super) fn refused(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// Too many tries; another is good after so many seconds.
    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = format!("Too many tries that failed: the next is good in {seconds} s");
        let retry_after_s = Some(seconds);
        Self { retry_after_s, ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// There is no such thing, or it is another app's.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}"))
    }

    /// The path is there, but not for this method.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "The path does not take this method")
    }

    /// The thing is not in a state in which this can be done.
    pub(super) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// The body is no JSON.
    pub(super) fn no_json(error: &serde_json::Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("The body is no JSON: {error}"))
    }

    /// A field is not what was expected; `sentence` does not name it.
    pub(super) fn invalid(field: &str, sentence: &str) -> Self {
        let detail = format!("{field}: {sentence}");
        let field = Some(field.to_owned());
        Self { field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Something is not what was expected; the sentence begins with the name of the field, if it is
    /// about one.
    pub(super) fn said(sentence: &str) -> Self {
        match sentence.split_once(": ").filter(|(field, _)| !field.contains(' ')) {
            Some((field, rest)) => Self::invalid(field, rest),
            None => Self::new(StatusCode::UNPROCESSABLE_ENTITY, sentence),
        }
    }

    /// The same, where the field stands inside another.
    pub(super) fn within(mut self, outer: &str) -> Self {
        self.detail = format!("{outer}.{}", self.detail);
        self.field = Some(match self.field {
            Some(field) => format!("{outer}.{field}"),
            None => outer.to_owned(),
        });
        self
    }

    /// The body could not be read, for the reason that the status gives.
    pub(super) fn unread(status: StatusCode, max: usize) -> Self {
        let detail = match status {
            StatusCode::PAYLOAD_TOO_LARGE => format!("The body has more than {max} bytes"),
            StatusCode::REQUEST_TIMEOUT => "The body did not arrive in time".into(),
            _ => "The body could not be read".into(),
        };
        Self::new(status, detail)
    }

    /// Nodes that might know have not answered.
    pub(super) fn silence(nodes: &[String]) -> Self {
        let detail = format!("No answer within a second: {}", nodes.join(", "));
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The store is away, or takes too long.
    pub(super) fn no_database() -> Self {
        let detail = "The database does not answer. What was to be changed may be changed yet";
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// It is our fault; the log knows more.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a management request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The server failed; its log says why")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoEndpoint(_) => Self::not_found("webhook"),
            error if error.is_absence() => Self::no_database(),
            error => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_s.map(HeaderValue::from);
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The refusals of every path of an app, for the description.
pub(super) enum Refusals {}
/// Those of what the config file may have declared.
pub(super) enum Conflicts {}
/// Those of a body.
pub(super) enum BadBody {}
/// Those of a query.
pub(super) enum BadQuery {}
/// Those of what can be guessed.
pub(super) enum TooMany {}

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[
            (401, "Nobody is signed in, or the token is missing or wrong"),
            (403, "Whoever asks may not do this"),
            (404, "It is not there, or not for whoever asks"),
            (503, "The database does not answer, or another node that might know"),
        ])
    }
}

impl IntoResponses for Conflicts {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[(
            409,
            "It cannot be done as things are, for instance to what the config file declares",
        )])
    }
}

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[
            (400, "The body is no JSON"),
            (413, "The body has more than 64 KiB"),
            (422, "A field is unknown or not what was expected"),
        ])
    }
}

impl IntoResponses for TooMany {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[(429, "Too many tries that failed; `Retry-After` says when the next is good")])
    }
}

impl IntoResponses for BadQuery {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        described(&[(422, "A parameter is unknown or not what was expected")])
    }
}

fn described(refusals: &[(u16, &str)]) -> BTreeMap<String, RefOr<Described>> {
    let one = |(status, what): &(u16, &str)| {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(*what).content(PROBLEM_JSON, content);
        (status.to_string(), RefOr::T(response.build()))
    };
    refusals.iter().map(one).collect()
}
