//! Which path is for whom.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Either;
use hyper::body::Incoming;
use serde_json::json;

use super::answer::{Answer, Body, allow_any_origin, others};
use super::dashboard;
use super::{House, Peer};
use crate::api;
use crate::cluster::Trouble;
use crate::gateway::admission;
use crate::gateway::fallback::{Received, SessionKey, Unsent};
use crate::gateway::mailbox::Kind;
use crate::gateway::upgrade::{self, Wire};
use crate::management::From;

/// Answers one request.
pub(crate) async fn route<W: Wire>(
    house: Arc<House>,
    request: Request<Incoming>,
    peer: Peer,
) -> Response<Body> {
    if peer.admin {
        return for_operators(&house, &request, peer).into_response();
    }
    let path = house.without_prefix(request.uri().path()).to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if upgrade::is_wanted(&request) {
        return websocket::<W>(&house, request, peer, &segments);
    }
    // `/pusher` is the default base of the fallbacks (B1.1).
    let below = segments.strip_prefix(&["pusher"]).unwrap_or(&segments);
    match *below {
        ["app", key, server, session, call]
            if key.len().max(server.len()).max(session.len()) <= SESSION_CHARS =>
        {
            let session = (key.into(), server.into(), session.into());
            fallback(&house, request, peer, session, call).await
        }
        ["app", _] => {
            let line = "This is a WebSocket endpoint: connect with ws:// or wss://";
            Answer::refusal(StatusCode::UPGRADE_REQUIRED, line).into_response()
        }
        ["management", ..] => {
            let from = from(&house, peer, request.headers());
            house.management.answer(request, &path, from).await.map(others)
        }
        // What the official command line asks; its apps' own API is below.
        ["apps.json"] | ["apps", _, "tokens.json"] => {
            let from = from(&house, peer, request.headers());
            house.management.answer_pusher(request, &path, from).await.map(others)
        }
        ["apps" | "users", ..] => {
            let from = house.origin_of(peer, request.headers()).address;
            api::answer(&house, request, &path, from).await.into_response()
        }
        [""] | ["dashboard"] => dashboard::redirect(&house.path_prefix),
        ["dashboard", ..] => {
            let file = path.strip_prefix("/dashboard/").unwrap_or_default();
            dashboard::answer(request.method(), request.headers(), file, &house.path_prefix)
        }
        ["up"] => Answer::json("{\"up\":true}").into_response(),
        ["ready"] => ready(&house).into_response(),
        ["metrics"] => metrics(&house, &request, peer).into_response(),
        ["timeline", "v2", form, receiver] => timeline(form, receiver).for_any_origin(),
        ["info"] => {
            tracing::info!("SockJS is not offered; pusher-js has xhr_streaming and xhr_polling");
            Answer::not_found().for_any_origin()
        }
        _ => Answer::not_found().into_response(),
    }
}

/// Where a request of the management API comes from.
fn from(house: &House, peer: Peer, headers: &http::HeaderMap) -> From {
    let Peer { address, tls, .. } = house.origin_of(peer, headers);
    From { address, tls }
}

/// The admin listener: nothing of apps.
fn for_operators(house: &House, request: &Request<Incoming>, peer: Peer) -> Answer {
    match request.uri().path() {
        "/up" => Answer::json("{\"up\":true}"),
        "/ready" => ready(house),
        "/metrics" => metrics(house, request, peer),
        _ => Answer::not_found(),
    }
}

impl House {
    /// The path below the operator's prefix; without it, the path as it is.
    fn without_prefix<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(self.path_prefix.as_str()) {
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }
}

fn websocket<W: Wire>(
    house: &Arc<House>,
    mut request: Request<Incoming>,
    peer: Peer,
    segments: &[&str],
) -> Response<Body> {
    let mut headers = match upgrade::handshake(request.headers()) {
        Ok(headers) => headers,
        Err((status, line)) => {
            let mut response = Answer::refusal(status, line).into_response();
            let version = HeaderValue::from_static("13");
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, version);
            return response;
        }
    };
    let verdict = match *segments {
        ["app", key] if !key.is_empty() => admit(house, &request, peer, key),
        _ => Err(bellwire_protocol::close::PATH_NOT_FOUND),
    };
    let deflates = upgrade::agree(request.headers(), &verdict, &mut headers);
    let upgrade = hyper::upgrade::on(&mut request);
    let switchboard = Arc::clone(&house.switchboard);
    tokio::spawn(async move {
        upgrade::hand_over::<W>(upgrade, verdict, deflates, &switchboard).await;
    });
    let mut response = Response::new(Either::Left(Default::default()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = headers;
    response
}

fn admit(
    house: &House,
    request: &Request<Incoming>,
    peer: Peer,
    key: &str,
) -> Result<admission::Admitted, bellwire_protocol::Close> {
    house.door.admit(&ask(house, request, peer, key))
}

fn ask<'a>(
    house: &House,
    request: &'a Request<Incoming>,
    peer: Peer,
    key: &'a str,
) -> admission::Request<'a> {
    let from = house.origin_of(peer, request.headers());
    let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    admission::Request {
        key,
        query: request.uri().query().unwrap_or_default(),
        origin,
        tls: from.tls,
        peer: from.address,
    }
}

async fn fallback(
    house: &House,
    request: Request<Incoming>,
    peer: Peer,
    session: SessionKey,
    call: &str,
) -> Response<Body> {
    let kind = match call {
        "xhr_streaming" => Some(Kind::Streaming),
        "xhr" => Some(Kind::Polling),
        "xhr_send" => None,
        _ => return Answer::not_found().for_any_origin(),
    };
    match *request.method() {
        Method::OPTIONS => return preflight(),
        Method::POST => {}
        _ => {
            let line = "The fallbacks take POST and OPTIONS";
            return Answer::refusal(StatusCode::METHOD_NOT_ALLOWED, line).for_any_origin();
        }
    }
    match kind {
        Some(kind) => {
            let asks = ask(house, &request, peer, &session.0);
            receive(house, session.clone(), kind, &asks)
        }
        None => send(house, request, &session).await,
    }
}

fn receive(
    house: &House,
    session: SessionKey,
    kind: Kind,
    asks: &admission::Request<'_>,
) -> Response<Body> {
    let body = match house.fallbacks.receive(session, kind, &house.door, asks) {
        Received::Stream(stream) => Either::Right(Either::Left(stream)),
        Received::Refused(text) => Either::Left(text.into()),
    };
    let mut response = Response::new(body);
    let javascript = HeaderValue::from_static("application/javascript; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, javascript);
    allow_any_origin(&mut response);
    response
}

/// Bytes of one `xhr_send`: a message of the largest size fits, with its escapes.
const SEND_BYTES: usize = 2 * bellwire_protocol::limits::CLIENT_MESSAGE_BYTES;
/// Characters of each part of a path that names a session; pusher-js uses 3 and 8.
const SESSION_CHARS: usize = 100;

async fn send(house: &House, request: Request<Incoming>, session: &SessionKey) -> Response<Body> {
    if !house.fallbacks.has(session) {
        api::body::discard(request).await;
        return Answer::refusal(StatusCode::NOT_FOUND, "Unknown session").for_any_origin();
    }
    let body = match api::body::read(request, SEND_BYTES).await {
        Ok(body) => body,
        Err(answer) => return answer.for_any_origin(),
    };
    match house.fallbacks.send(session, &body) {
        Ok(()) => Answer::empty(StatusCode::NO_CONTENT),
        Err(Unsent::UnknownSession) => Answer::refusal(StatusCode::NOT_FOUND, "Unknown session"),
        Err(Unsent::NoArray) => Answer::bad("Expected a JSON array of strings"),
    }
    .for_any_origin()
}

/// The answer to a browser that asks before it asks (B2.1).
fn preflight() -> Response<Body> {
    let mut response = Answer::empty(StatusCode::NO_CONTENT).for_any_origin();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("POST, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let allowed = HeaderValue::from_static("content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    response
}

fn ready(house: &House) -> Answer {
    if house.door.is_shut() {
        let mut answer = Answer::json("{\"ready\":false,\"reason\":\"draining\"}");
        answer.status = StatusCode::SERVICE_UNAVAILABLE;
        return answer;
    }
    // Clients are served all the same, so it is ready; whoever trusts webhooks or needs all nodes
    // should know.
    let mut answer = json!({ "ready": true, "webhooks": { "durable": house.watch.is_durable() } });
    if house.nodes.are_a_cluster() {
        let troubles = house.nodes.standing().troubles();
        answer["state"] = if troubles.is_empty() { "well" } else { "degraded" }.into();
        answer["reasons"] = troubles.into_iter().map(Trouble::name).collect();
    }
    Answer::json(answer.to_string())
}

fn metrics(house: &House, request: &Request<Incoming>, peer: Peer) -> Answer {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    match (&house.metrics_token, peer.admin) {
        (_, true) => {}
        (None, false) => return Answer::not_found(),
        (Some(token), false) => {
            use subtle::ConstantTimeEq as _;
            let good: bool = given.unwrap_or_default().as_bytes().ct_eq(token.as_bytes()).into();
            if !good {
                let line = "Expected the header Authorization: Bearer <metrics_token>";
                return Answer::refusal(StatusCode::UNAUTHORIZED, line);
            }
        }
    }
    Answer::json(house.metrics.render()).with_type("text/plain; version=0.0.4; charset=utf-8")
}

/// The statistics of pusher-js: taken and let go (B8).
fn timeline(form: &str, receiver: &str) -> Answer {
    let number = receiver.chars().all(|c| c.is_ascii_digit()) && receiver.len() <= 6;
    match form {
        "xhr" => Answer::done(),
        "jsonp" if number => {
            Answer::json(format!("Pusher.ScriptReceivers[{receiver}](null,{{}});"))
                .with_type("application/javascript; charset=UTF-8")
        }
        _ => Answer::not_found(),
    }
}
