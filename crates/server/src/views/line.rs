//! A line of the console, as people see it.

use bellwire_live::line::Line;
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// Something that happened in an app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLine<'a> {
    /// Its place; grows.
    #[schema(example = "452823000000017")]
    id: String,
    /// When.
    at: Moment,
    /// `connection`, `disconnection`, `occupied`, `vacated`, `subscribed`, `unsubscribed`,
    /// `api_message`, `client_event`, `presence`, `error`, `api_error`, `client_error`, `webhook_sent`
    /// or `webhook_failed`.
    #[serde(rename = "type")]
    #[schema(example = "api_message")]
    kind: &'a str,
    /// The node where it happened; `null`: there is only one.
    #[schema(required, example = "node-1")]
    node: Option<&'a str>,
    /// The connection that it is about.
    #[schema(required, example = "123.456")]
    socket_id: Option<String>,
    /// The channel that it is about.
    #[schema(required, example = "presence-lobby")]
    channel: Option<&'a str>,
    /// The name of an event.
    #[schema(required, example = "message-posted")]
    event: Option<&'a str>,
    /// The user that it is about.
    #[schema(required, example = "ann")]
    user_id: Option<&'a str>,
    /// The rest, in words.
    #[schema(example = "To 3 subscribers")]
    detail: &'a str,
    /// The data of an event, at most the first 4 KiB.
    #[schema(required, example = "{\"text\":\"hello\"}")]
    payload: Option<&'a str>,
    /// Whether there is more of the payload.
    truncated: bool,
    /// Bytes of the whole payload.
    #[schema(example = 16)]
    bytes: usize,
}

impl<'a> LogLine<'a> {
    /// A line; `here` is what this node is called, if there are others.
    pub(crate) fn of(line: &'a Line, here: Option<&'a str>) -> Self {
        Self {
            id: line.id.to_string(),
            at: Moment(line.at_ms),
            kind: line.kind.name(),
            node: line.node.as_deref().or(here),
            socket_id: line.socket.map(|socket| socket.to_string()),
            channel: line.channel.as_deref(),
            event: line.event.as_deref(),
            user_id: line.user.as_deref(),
            detail: &line.detail,
            payload: line.payload.as_deref(),
            truncated: line.truncated,
            bytes: line.bytes,
        }
    }
}
