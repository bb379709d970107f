//! What mends a mistake: one table from code and words to a sentence for the person who reads the
//! error log.

use crate::errors::ErrorKind;

/// A mistake as the table knows it, and what mends it.
struct Fix {
    /// Its code; none: any.
    code: Option<u16>,
    /// What its message has in it.
    says: &'static str,
    fix: &'static str,
}

const fn code(code: u16, fix: &'static str) -> Fix {
    Fix { code: Some(code), says: "", fix }
}

const fn coded(code: u16, says: &'static str, fix: &'static str) -> Fix {
    Fix { code: Some(code), says, fix }
}

const fn says(says: &'static str, fix: &'static str) -> Fix {
    Fix { code: None, says, fix }
}

/// The first that fits is the one.
const FIXES: &[Fix] = &[
    // At the door and for connections as a whole.
    code(
        4000,
        "The app takes TLS only: connect with wss:// (pusher-js: forceTLS: true), or switch \
        \"force TLS\" off in Settings",
    ),
    code(4003, "The app is disabled: enable it in Settings"),
    code(
        4004,
        "The app has as many connections as it may have: raise max_connections in Settings, or \
        ask the operator for a larger plan",
    ),
    code(4006, "The client sends a version that is none: update the client library"),
    code(
        4007,
        "The client speaks a protocol that is too old or too new: use a client library that \
        speaks protocol 7",
    ),
    code(4008, "The URL names no protocol: connect with a Pusher library, or add ?protocol=7"),
    coded(
        4009,
        "Origin",
        "The page's origin is not on the app's list: add it to the allowed origins \
        in Settings",
    ),
    coded(
        4009,
        "authorized",
        "The client neither subscribed to a channel that needs a signature nor \
        signed in in time: do one of both right after connecting, or switch \"authorized \
        connections\" off in Settings",
    ),
    code(
        4100,
        "The server has as many connections as it may have, or is shutting down: raise \
        max_connections of the server, or add a node",
    ),
    code(1003, "The client sends binary frames: send text frames with JSON"),
    code(1007, "The client sends bytes that are no text: send UTF-8"),
    code(
        1008,
        "The client sends messages that are not JSON: use a Pusher library, or send JSON \
        objects",
    ),
    code(1009, "The client sends a message of more than 64 KiB: send less, or only a link to it"),
    says(
        "too slow",
        "The client reads slower than it is sent: send fewer or smaller events to it, or \
        raise backlog_bytes_max of the server",
    ),
    // Client events.
    code(
        4301,
        "The client sends more events than it may in a second: send fewer, or raise \
        max_client_events_per_s in Settings",
    ),
    says("To send client events", "Client events are off: switch them on in Settings"),
    says(
        "connection not subscribed",
        "Subscribe first, and send once \
        pusher:subscription_succeeded has come",
    ),
    says(
        "only supported on private and presence",
        "Client events need a private or a presence \
        channel: rename the channel",
    ),
    says(
        "data of this client event exceeds",
        "Send less data, or raise max_event_bytes in Settings",
    ),
    // Subscriptions and sign-in.
    says(
        "Auth info required",
        "The client has no signature for the channel: set its auth endpoint, \
        and let that answer with the signature",
    ),
    says(
        "Invalid key in subscription auth data",
        "The auth endpoint signs with a key that is not (or \
        no longer) an active key of this app: compare it with App Keys",
    ),
    says(
        "Expected auth to be",
        "The auth endpoint must answer with \"auth\": \"<key>:<signature>\": \
        use a Pusher server library to make it",
    ),
    says(
        "Expected HMAC SHA256",
        "The auth endpoint signs with another secret, or signs another text \
        than the client sends: compare its key and secret with App Keys",
    ),
    says("sign in as that user", "The channel belongs to one user: sign in as that user first"),
    says(
        "channel_data",
        "Answer the auth request of presence channels with channel_data that has a \
        user_id",
    ),
    says("already signed in", "A connection has one user: open another connection for another one"),
    says(
        "Presence channel is full",
        "Raise max_presence_members in Settings, or use several channels",
    ),
    says("maximum of", "Raise the limit in Settings, or unsubscribe from what is not needed"),
    says(
        "Invalid channel name",
        "Channel names have at most 164 of the characters A-Z a-z 0-9 _ - = \
        @ , . ;",
    ),
    says(
        "Existing subscription",
        "The client subscribes twice: subscribe once and share the channel \
        object",
    ),
    says(
        "No current subscription",
        "The client unsubscribes from what it is not subscribed to; \
        nothing is lost by it",
    ),
    says(
        "Unsupported event",
        "Clients may send client events, whose names begin with client-, and \
        nothing else",
    ),
    // The HTTP API.
    says(
        "Unknown auth_key",
        "The server signs with a key that is not (or no longer) an active key of \
        this app: compare it with App Keys",
    ),
    says(
        "Timestamp expired",
        "The clock of the server that publishes is wrong by ten minutes or \
        more: set it by NTP",
    ),
    says(
        "Invalid signature",
        "The server signs with another secret, or a proxy changes its requests: \
        compare its secret with App Keys",
    ),
    says(
        "body_md5",
        "The body is not the one that was signed: let no proxy change it, and sign \
        exactly what is sent",
    ),
    code(
        401,
        "The request is not signed as it should be: use a Pusher server library with the key \
        and secret of App Keys",
    ),
    says(
        "quota exceeded",
        "The messages of the day are used up: raise max_messages_per_day in \
        Settings, or ask the operator for a larger plan",
    ),
    coded(
        413,
        "data content",
        "The event has more data than it may: send less, or raise \
        max_event_bytes in Settings",
    ),
    code(413, "The request is larger than any may be: publish fewer events at once"),
    says("subscription_count is not enabled", "Switch \"subscription count\" on in Settings"),
    code(403, "The app does not allow this now: look into its Settings"),
    code(404, "There is no such path: compare the URL with the documentation of the HTTP API"),
    code(405, "The path is there, but not for this method: use a Pusher server library"),
    code(408, "The body of the request came too slowly: look at the network between both servers"),
    code(400, "The request is not what the HTTP API expects: the message says which part"),
];

/// What mends a mistake.
#[must_use]
pub fn fix(kind: ErrorKind, code: Option<u16>, message: &str) -> &'static str {
    let fits = |fix: &&Fix| {
        fix.code.is_none_or(|expected| code == Some(expected)) && message.contains(fix.says)
    };
    FIXES.iter().find(fits).map_or_else(|| usual(kind), |fix| fix.fix)
}

fn usual(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connection => "Update the client library, and look at what it says in its log",
        ErrorKind::Auth => "Compare key and secret with App Keys",
        ErrorKind::Api => "The message says which part of the request is wrong",
        ErrorKind::Client => "The message says which part of what the client sent is wrong",
        ErrorKind::Limit => "Raise the limit in Settings, or ask the operator for a larger plan",
    }
}

#[cfg(test)]
mod tests {
    use bellwire_protocol::close;

    use super::*;

    #[test]
    fn every_refusal_at_the_door_has_a_fix_of_its_own() {
        for close in [
            close::TLS_REQUIRED,
            close::APP_DISABLED,
            close::OVER_QUOTA,
            close::INVALID_VERSION,
            close::UNSUPPORTED_PROTOCOL,
            close::NO_PROTOCOL,
            close::UNAUTHORIZED,
            close::ORIGIN_NOT_ALLOWED,
            close::OVER_CAPACITY,
        ] {
            let found = fix(ErrorKind::Connection, Some(close.code), &close.reason);
            assert_ne!(found, usual(ErrorKind::Connection), "{close:?}");
        }
        let origin = fix(ErrorKind::Connection, Some(4009), &close::ORIGIN_NOT_ALLOWED.reason);
        assert!(origin.contains("allowed origins"));
    }

    #[test]
    fn fixes_are_sentences() {
        for Fix { fix, .. } in FIXES {
            assert!(fix.len() > 30 && !fix.ends_with('.') && !fix.contains("  "), "{fix}");
        }
    }

    #[test]
    fn what_no_table_knows_has_a_fix_too() {
        for kind in ErrorKind::ALL {
            assert_eq!(fix(kind, None, "?"), usual(kind));
        }
    }
}
