//! The management API: accounts, apps, webhooks, what became of deliveries, for people and their
//! programs. JSON below `/management/v1`, opened by bearer tokens and by the sessions of those who
//! signed in, never by an app's keys.

mod accounts;
mod apps;
mod auth;
mod channels;
mod cluster;
mod desk;
mod input;
mod live;
mod openapi;
mod page;
mod paths;
mod people;
mod problem;
mod pusher;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use tower_service::Service as _;

#[cfg(test)]
pub(crate) use apps::KEYS_MAX;
pub(crate) use auth::From;
pub(crate) use desk::{Desk, Order};

use crate::api::body;
use problem::Problem;

/// Bytes of a request's body.
pub(crate) const BODY_BYTES: usize = 65_536;
/// Where the description of the API is, for everybody.
const DOCUMENT: &str = "/management/openapi.json";

/// The API, ready to answer.
pub(crate) struct Management {
    desk: Arc<Desk>,
    router: Router,
    /// Its description.
    document: Bytes,
}

impl Management {
    /// The API of a server whose paths have this prefix.
    pub(crate) fn new(desk: Desk, path_prefix: &str) -> Self {
        let desk = Arc::new(desk);
        let (router, document) = openapi::router(path_prefix);
        Self { router: router.with_state(Arc::clone(&desk)), desk, document }
    }

    /// Answers one request; `path` is the one below the server's prefix.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        path: &str,
        from: From,
    ) -> Response<axum::body::Body> {
        let answered = match path {
            DOCUMENT => self.describe(request).await,
            _ => self.serve(request, path, from).await,
        };
        let mut response = answered.unwrap_or_else(Problem::into_response);
        // Answers may hold secrets, and the state of things changes all the time.
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(no_store);
        let no_guess = HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, no_guess);
        response
    }

    /// Answers what the official command line asks: apps and their keys.
    pub(crate) async fn answer_pusher(
        &self,
        request: Request<Incoming>,
        path: &str,
        from: From,
    ) -> Response<axum::body::Body> {
        let answered = pusher::answer(&self.desk, request.headers(), request.method(), path, from);
        let response = answered.await.unwrap_or_else(Problem::into_response);
        body::discard(request).await;
        response
    }

    async fn describe(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<axum::body::Body>, Problem> {
        if *request.method() != Method::GET && *request.method() != Method::HEAD {
            body::discard(request).await;
            let allowed = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
            return Ok((allowed, Problem::method_not_allowed()).into_response());
        }
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok((json, self.document.clone()).into_response())
    }

    /// Nothing of a body is read before it is known who asks, and never more than fits.
    async fn serve(
        &self,
        request: Request<Incoming>,
        path: &str,
        from: From,
    ) -> Result<Response<axum::body::Body>, Problem> {
        let access = match self.access(&request, path, from).await {
            Ok(access) => access,
            Err(problem) => {
                body::discard(request).await;
                return Err(problem);
            }
        };
        let mut inner = Request::new(axum::body::Body::empty());
        *inner.method_mut() = request.method().clone();
        *inner.headers_mut() = request.headers().clone();
        let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
        *inner.uri_mut() =
            format!("{path}{query}").parse().map_err(|_| Problem::not_found("path"))?;
        inner.extensions_mut().insert(from);
        if let Some(access) = access {
            inner.extensions_mut().insert(access);
        }
        let bytes = body::read(request, BODY_BYTES).await;
        let bytes = bytes.map_err(|answer| Problem::unread(answer.status, BODY_BYTES))?;
        *inner.body_mut() = bytes.into();
        // It cannot fail.
        self.router.clone().call(inner).await.map_err(|never| match never {})
    }

    /// Who asks. Where anybody may, nobody has to say so.
    async fn access(
        &self,
        request: &Request<Incoming>,
        path: &str,
        from: From,
    ) -> Result<Option<auth::Access>, Problem> {
        let (method, headers) = (request.method(), request.headers());
        if people::is_for_everybody(method, path) {
            return auth::check_own_page(method, headers).map(|()| None);
        }
        auth::access(&self.desk, method, headers, from).await.map(Some)
    }
}
