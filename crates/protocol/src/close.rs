//! Close codes and the sentence that goes with each: one table (contract 1, "Close codes").

use std::borrow::Cow;

/// Why the server ends a connection: the code of the close frame and its reason, which is also the
/// message of the `pusher:error` before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code of the close frame.
    pub code: u16,
    /// The sentence for the person who reads the log of a client. At most 123 bytes.
    pub reason: Cow<'static, str>,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)*) => {
        $($(#[$doc])* pub const $name: Close = Close { code: $code, reason: Cow::Borrowed($reason) };)*
    };
}

table! {
    /// The answer to a client's own close frame, or an end without a complaint.
    NORMAL = 1000, "";
    /// A frame that RFC 6455 forbids.
    PROTOCOL_ERROR = 1002, "Frame breaks RFC 6455";
    /// Binary frames carry nothing in this protocol (contract 1.5).
    BINARY = 1003, "Only text frames are accepted";
    /// A text frame that is not UTF-8.
    NOT_UTF8 = 1007, "Text frames must be UTF-8";
    /// A compressed message that cannot be read.
    NOT_DEFLATED = 1007, "Compressed message cannot be read";
    /// Too many messages in a row that were not JSON objects (contract 3.11).
    NOT_JSON = 1008, "Too many messages that are not JSON objects";
    /// A message over the limit.
    TOO_BIG = 1009, "Message exceeds 65536 bytes";
    /// Plain text where the app demands TLS.
    TLS_REQUIRED = 4000, "Application only accepts SSL connections, reconnect using wss://";
    /// The app has been deleted.
    APP_DELETED = 4001, "App deleted";
    /// The app has been disabled.
    APP_DISABLED = 4003, "Application disabled";
    /// The app's connection quota is used up.
    OVER_QUOTA = 4004, "Account over quota";
    /// A path below the WebSocket root that names no app.
    PATH_NOT_FOUND = 4005, "Path not found";
    /// `version` is there but is no version.
    INVALID_VERSION = 4006, "Invalid version string format";
    /// A protocol that this server does not speak.
    UNSUPPORTED_PROTOCOL = 4007, "Unsupported protocol version, this server speaks 4 to 7";
    /// No `protocol` in the URL.
    NO_PROTOCOL = 4008, "No protocol version supplied";
    /// An app with authorised connections waited in vain.
    UNAUTHORIZED = 4009, "Connection not authorized within timeout";
    /// The customer's server ended all connections of the user.
    TERMINATED = 4009, "You got disconnected by the app";
    /// The page's origin is not on the app's list.
    ORIGIN_NOT_ALLOWED = 4009, "Origin not allowed";
    /// The node has no room, or is on its way out.
    OVER_CAPACITY = 4100, "Over capacity";
    /// The node is leaving; another one will answer.
    RECONNECT = 4200, "Server is shutting down, reconnect now";
    /// A probed client did not answer.
    NO_PONG = 4201, "Pong reply not received";
}

impl Close {
    /// A key that no app of this server has. The text is the one people know and search for
    /// (contract 4001).
    #[must_use]
    pub fn unknown_key(key: &str) -> Self {
        let key: String = key.chars().take(24).collect();
        let key = key.replace(|c: char| !c.is_ascii_graphic(), "?");
        let reason =
            format!("App key {key} not in this cluster. Did you forget to specify the cluster?");
        Self { code: 4001, reason: reason.into() }
    }

    /// Whether a `pusher:error` goes before the close frame. Codes of RFC 6455 speak for themselves.
    #[must_use]
    pub fn is_pusher(&self) -> bool {
        self.code >= 4000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_a_close_frame() {
        let longest = Close::unknown_key(&"k".repeat(200));
        for close in [longest, TLS_REQUIRED, UNSUPPORTED_PROTOCOL, RECONNECT] {
            assert!(close.reason.len() <= 123, "{close:?}");
        }
    }
}
