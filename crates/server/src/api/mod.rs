//! The door for servers: Pusher's signed HTTP API (contract 12, 13). Every refusal is one line of
//! plain text with the status that SDKs know.

mod auth;
pub(crate) mod body;
mod channels;
mod events;
pub(crate) mod publisher;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bellwire_hub::App;
use bellwire_protocol::limits::API_BODY_BYTES;
use bellwire_protocol::query::Query;
use bellwire_protocol::{ChannelName, close, publish};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::http::{Answer, House};
use crate::ops::clock::now_ms;
use publisher::{OVER_QUOTA, Publisher};

/// An endpoint, and the name that metrics have for it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Endpoint {
    Events,
    BatchEvents,
    Channels,
    Channel(String),
    ChannelUsers(String),
    ChannelStats(String),
    ChannelEvents(String),
    Terminate(String),
}

impl Endpoint {
    /// The endpoint behind `/apps/{app_id}`.
    fn find(method: &Method, below: &[&str]) -> Result<Self, StatusCode> {
        let (endpoint, allowed) = match *below {
            ["events"] => (Self::Events, Method::POST),
            ["batch_events"] => (Self::BatchEvents, Method::POST),
            ["channels"] => (Self::Channels, Method::GET),
            ["channels", name] => (Self::Channel(name.into()), Method::GET),
            ["channels", name, "users"] => (Self::ChannelUsers(name.into()), Method::GET),
            ["channels", name, "stats"] => (Self::ChannelStats(name.into()), Method::GET),
            ["channels", name, "events"] => (Self::ChannelEvents(name.into()), Method::POST),
            ["users", id, "terminate_connections"] => (Self::Terminate(id.into()), Method::POST),
            _ => return Err(StatusCode::NOT_FOUND),
        };
        if *method == allowed { Ok(endpoint) } else { Err(StatusCode::METHOD_NOT_ALLOWED) }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::BatchEvents => "batch_events",
            Self::Channels => "channels",
            Self::Channel(_) => "channel",
            Self::ChannelUsers(_) => "channel_users",
            Self::ChannelStats(_) => "channel_stats",
            Self::ChannelEvents(_) => "channel_events",
            Self::Terminate(_) => "terminate_connections",
        }
    }
}

/// A request that is who it says it is.
pub(crate) struct Call<'a> {
    house: &'a House,
    app: Arc<App>,
    query: Query<'a>,
    body: &'a [u8],
    now_ms: u64,
}

/// Answers a request below `/apps` or `/users`. `path` is without the operator's prefix, as it came.
pub(crate) async fn answer(
    house: &House,
    request: Request<Incoming>,
    path: &str,
    from: Option<IpAddr>,
) -> Answer {
    let started = Instant::now();
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let segments: Vec<&str> = decoded.split('/').skip(1).collect();
    let (app_id, below) = match segments.split_first() {
        Some((&"apps", rest)) => match rest.split_first() {
            Some((id, below)) => (Some(*id), below),
            None => return Answer::not_found(),
        },
        // Python's SDK names the app only by its key here (contract 11.5).
        _ => (None, &segments[..]),
    };
    let (route, app, answer) = match Endpoint::find(request.method(), below) {
        Err(StatusCode::NOT_FOUND) => ("unknown", None, Answer::not_found()),
        Err(status) => ("unknown", None, Answer::refusal(status, "Method not allowed")),
        Ok(endpoint) => {
            let whole = request.uri().path().to_owned();
            let paths = auth::Paths { decoded: &decoded, raw: path, whole: &whole };
            let name = endpoint.name();
            let (app, answer) = serve(house, request, app_id, &paths, endpoint).await;
            (name, app, answer)
        }
    };
    let status = answer.status.as_u16().to_string();
    metrics::counter!("bellwire_api_requests_total", "route" => route, "status" => status)
        .increment(1);
    metrics::histogram!("bellwire_api_request_seconds", "route" => route)
        .record(started.elapsed().as_secs_f64());
    if let Some(app) = app {
        let refused = answer.status.is_client_error();
        house.live.answered(&app, started.elapsed().as_micros() as u64, refused);
        if refused {
            house.live.refused(&app, now_ms(), from, (answer.status, answer.line()));
        }
    }
    answer
}

/// Answers, and says whose request it was, as far as the path or the key tells.
async fn serve(
    house: &House,
    request: Request<Incoming>,
    app_id: Option<&str>,
    paths: &auth::Paths<'_>,
    endpoint: Endpoint,
) -> (Option<Arc<App>>, Answer) {
    let now_ms = now_ms();
    let raw_query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().clone();
    let verified = auth::verify(house, app_id, &method, paths, &raw_query, now_ms / 1000);
    let (app, query) = match verified {
        Ok(verified) => verified,
        Err(answer) => {
            tracing::debug!(status = %answer.status, "refused an API request");
            body::discard(request).await;
            return (app_id.and_then(|id| house.apps.by_id(id)), answer);
        }
    };
    let served = serve_app(house, request, &app, query, endpoint, now_ms).await;
    let answer = served.unwrap_or_else(|answer| answer);
    (Some(app), answer)
}

/// Answers a request that is signed as it should be.
async fn serve_app(
    house: &House,
    request: Request<Incoming>,
    app: &Arc<App>,
    query: Query<'_>,
    endpoint: Endpoint,
    now_ms: u64,
) -> Result<Answer, Answer> {
    let body = body::read(request, API_BODY_BYTES).await?;
    auth::verify_body(&query, &body)?;
    if !app.live().settings.enabled {
        return Err(Answer::refusal(StatusCode::FORBIDDEN, &close::APP_DISABLED.reason));
    }
    let call = Call { house, app: Arc::clone(app), query, body: &body, now_ms };
    call.dispatch(endpoint).await
}

impl Call<'_> {
    async fn dispatch(&self, endpoint: Endpoint) -> Result<Answer, Answer> {
        match endpoint {
            Endpoint::Events => self.events().await,
            Endpoint::BatchEvents => self.batch_events().await,
            Endpoint::ChannelEvents(name) => self.channel_events(channel(&name)?).await,
            Endpoint::Channels => self.channels(),
            Endpoint::Channel(name) => self.channel(&channel(&name)?),
            Endpoint::ChannelUsers(name) => self.channel_users(&channel(&name)?),
            Endpoint::ChannelStats(name) => Ok(self.channel_stats(&channel(&name)?)),
            Endpoint::Terminate(user) => Ok(self.terminate(&user)),
        }
    }

    /// Ends every connection that signed in as the user (contract 11).
    fn terminate(&self, user: &str) -> Answer {
        let ended = self.house.hub.terminate(&self.app, user, &close::TERMINATED);
        tracing::info!(app = %self.app.id, user, connections = ended, "user terminated");
        Answer::done()
    }

    /// Refuses a publish when the day's messages are used up (contract 17.3).
    fn check_message_quota(&self) -> Result<(), Answer> {
        match self.publisher().is_over_quota() {
            true => Err(Answer::refusal(StatusCode::FORBIDDEN, OVER_QUOTA)),
            false => Ok(()),
        }
    }

    fn publisher(&self) -> Publisher<'_> {
        let House { hub, switchboard, live, .. } = self.house;
        Publisher { hub, switchboard, live, app: &self.app, now_ms: self.now_ms }
    }
}

fn channel(name: &str) -> Result<ChannelName, Answer> {
    publish::parse_channel(name).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "goes straight into map_err")]
fn refused(refused: publish::Refused) -> Answer {
    let status = match refused {
        publish::Refused::Bad(_) => StatusCode::BAD_REQUEST,
        publish::Refused::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Answer::refusal(status, &refused.to_string())
}

/// JSON that is put together by hand.
fn json(text: String) -> Answer {
    Answer::json(Bytes::from(text))
}
