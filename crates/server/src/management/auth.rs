//! Who asks, and for which app: bearer tokens, known by their SHA-256 only.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use bellwire_protocol::AppId;
use http::request::Parts;
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

use super::Desk;
use super::problem::Problem;
use crate::ops::clock::now_ms;

/// What a token opens.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// The token's name in the log.
    token: String,
    /// The one app that it opens; none: all.
    app: Option<AppId>,
}

/// Looks at the token of a request.
pub(super) async fn access(desk: &Arc<Desk>, headers: &HeaderMap) -> Result<Access, Problem> {
    let expected = "Expected the header Authorization: Bearer <token>";
    let token = bearer(headers).ok_or_else(|| Problem::unauthorized(expected))?;
    let hash: [u8; 32] = Sha256::digest(token).into();
    // How long a look-up by hash takes tells nothing of how much of a token is right.
    let known = desk.ask(move |desk| {
        let known = desk.store.token_by_hash(&hash)?;
        if let Some(Err(error)) = known.as_ref().map(|token| desk.store.token_used(token, now_ms()))
        {
            tracing::warn!(%error, "the use of a management token is not written down");
        }
        Ok(known)
    });
    let known = known.await?;
    let known = known.ok_or_else(|| Problem::unauthorized("The token is unknown or revoked"))?;
    Ok(Access { token: known.id, app: known.app })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// An app that the token opens.
#[derive(Debug, Clone)]
pub(super) struct Within {
    /// The app of the path.
    pub(super) app: AppId,
    /// Who asks: the token's name in the log.
    pub(super) token: String,
}

impl FromRequestParts<Arc<Desk>> for Within {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let id = parameter(parts, "app_id").await?;
        let access = parts.extensions.get::<Access>().cloned();
        let access = access.ok_or_else(|| Problem::unauthorized("Expected a token"))?;
        if access.app.is_some_and(|app| app.as_str() != id) {
            return Err(Problem::forbidden());
        }
        let app = desk.apps.by_id(&id).ok_or_else(|| Problem::not_found("app"))?;
        Ok(Self { app: app.id.clone(), token: access.token })
    }
}

/// The `{id}` of a path. One that cannot be is not there.
#[derive(Debug, Clone)]
pub(super) struct Named<T>(pub(super) T);

impl<T: std::str::FromStr> FromRequestParts<Arc<Desk>> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Desk>) -> Result<Self, Problem> {
        let id = parameter(parts, "id").await?;
        id.parse().map(Self).map_err(|_| Problem::not_found("id"))
    }
}

async fn parameter(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let none = || Problem::not_found("path");
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| none())?;
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).ok_or_else(none)
}
