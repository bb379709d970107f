//! The management API: webhooks, what became of deliveries, and what was announced, for people and
//! their programs. JSON below `/management/v1`, opened by bearer tokens, never by an app's keys.

mod actions;
mod answers;
mod auth;
mod deliveries;
mod endpoints;
mod input;
mod openapi;
mod paths;
mod problem;
mod replays;
mod snapshot;
mod state;
mod terms;

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use bellwire_hub::Apps;
use bellwire_protocol::AppId;
use bellwire_store::Sqlite;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::service::Service;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use tokio::sync::{Mutex, Semaphore};
use tower_service::Service as _;

use crate::api::body;
use problem::Problem;

/// Bytes of a request's body.
const BODY_BYTES: usize = 65_536;
/// Questions to the store at the same time; others wait. Each may take a thread and a connection of
/// its own, and whoever has no token asks too.
const AT_ONCE: usize = 8;
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
    ) -> Response<axum::body::Body> {
        let answered = match path {
            DOCUMENT => self.describe(request).await,
            _ => self.serve(request, path).await,
        };
        let mut response = answered.unwrap_or_else(Problem::into_response);
        // Answers may hold secrets, and the state of things changes all the time.
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(no_store);
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

    /// Nothing of a body is read before the token is known, and never more than fits.
    async fn serve(
        &self,
        request: Request<Incoming>,
        path: &str,
    ) -> Result<Response<axum::body::Body>, Problem> {
        let access = match auth::access(&self.desk, request.headers()).await {
            Ok(access) => access,
            Err(problem) => {
                body::discard(request).await;
                return Err(problem);
            }
        };
        let mut inner = Request::new(axum::body::Body::empty());
        *inner.method_mut() = request.method().clone();
        let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
        *inner.uri_mut() =
            format!("{path}{query}").parse().map_err(|_| Problem::not_found("path"))?;
        inner.extensions_mut().insert(access);
        let bytes = body::read(request, BODY_BYTES).await;
        let bytes = bytes.map_err(|answer| Problem::unread(answer.status, BODY_BYTES))?;
        *inner.body_mut() = bytes.into();
        // It cannot fail.
        self.router.clone().call(inner).await.map_err(|never| match never {})
    }
}

/// What every request may need.
pub(crate) struct Desk {
    apps: Arc<Apps>,
    store: Arc<Sqlite>,
    webhooks: Arc<Service>,
    /// Whether new URLs must be https.
    require_https: bool,
    /// Held while something is changed: a change begins by reading what is there.
    writing: Arc<Mutex<()>>,
    /// For the questions that are being asked.
    permits: Arc<Semaphore>,
}

impl Desk {
    /// A desk for the webhooks of these apps.
    pub(crate) fn new(
        apps: Arc<Apps>,
        store: Arc<Sqlite>,
        webhooks: Arc<Service>,
        require_https: bool,
    ) -> Self {
        let (writing, permits) = (Arc::default(), Arc::new(Semaphore::new(AT_ONCE)));
        Self { apps, store, webhooks, require_https, writing, permits }
    }

    /// Asks the store, on a thread that may wait for it.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let desk = Arc::clone(self);
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let answer = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, even if nobody waits for it any more.
            let _permit = permit;
            question(&desk)
        });
        answer.await.unwrap_or_else(|error| Err(Problem::internal(&error)))
    }

    /// Like [`ask`](Self::ask), for what changes something: one at a time, and the engine is told.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let writing = Arc::clone(&self.writing).lock_owned().await;
        self.ask(move |desk| {
            let _writing = writing;
            let done = change(desk)?;
            desk.webhooks.changed();
            Ok(done)
        })
        .await
    }

    /// An endpoint of an app.
    fn endpoint(&self, app: &AppId, id: &EndpointId) -> Result<Endpoint, Problem> {
        let endpoint = self.store.endpoint(id)?.filter(|endpoint| endpoint.app == *app);
        endpoint.ok_or_else(|| Problem::not_found("webhook"))
    }
}
