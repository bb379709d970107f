//! What the webhook tests share: a server with a receiver, and ways to show that nothing came.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use bellwire_testkit::{App, Client, Config, Hook, Receiver, Server, Webhook};
use serde_json::{Value, json};

use crate::support::serve;

/// A server whose first app has an endpoint, and the receiver behind it. When the test is over,
/// every request that came is held to the rules of the wire.
pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) receiver: Receiver,
    pub(super) hook: Hook,
}

impl Stage {
    /// This app with one endpoint that hears everything, and these settings of `[webhooks]`.
    #[track_caller]
    pub(super) fn with(app: App, settings: &[&str]) -> Self {
        let receiver = Receiver::start();
        let app = app.webhook(Webhook::to(&receiver.url(HOOK)));
        Self::over(receiver, Config::with(app), settings)
    }

    /// The usual app, and a short grace.
    #[track_caller]
    pub(super) fn usual() -> Self {
        Self::with(app(), &[SHORT_GRACE])
    }

    /// The usual app with batching, and a short grace.
    #[track_caller]
    pub(super) fn batching() -> Self {
        Self::with(app().with("batch_webhooks = true"), &[SHORT_GRACE])
    }

    /// A whole config, whose endpoints are at the receiver.
    #[track_caller]
    pub(super) fn over(receiver: Receiver, config: Config, settings: &[&str]) -> Self {
        let config = settings.iter().fold(config, |config, line| config.webhooks(line));
        let hook = receiver.hook(HOOK);
        Self { server: serve(config), receiver, hook }
    }

    /// The endpoint has accepted something, so it gets as much at once as it allows. The client that
    /// made it so stays on its channel.
    #[track_caller]
    pub(super) fn proven(&self) -> Client {
        let client = self.member("", &["public-first"]);
        self.hook.expect_event("channel_occupied", "public-first");
        client
    }

    /// A connected client of the first app.
    #[track_caller]
    pub(super) fn connect(&self) -> Client {
        self.server.connect()
    }

    /// A connected client that has joined these channels; on presence channels as `user`.
    #[track_caller]
    pub(super) fn member(&self, user: &str, channels: &[&str]) -> Client {
        let mut client = self.connect();
        for channel in channels {
            join(&mut client, user, channel);
        }
        client
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.receiver.assert_wire_rules();
        }
    }
}

/// The path of the usual endpoint.
pub(crate) const HOOK: &str = "/hook";
/// For tests that wait for a grace to pass.
pub(super) const SHORT_GRACE: &str = "grace_ms = 300";
/// For tests that must be back within it.
pub(super) const LONG_GRACE: &str = "grace_ms = 5000";

/// An app whose clients may say what they like, as often as they like.
pub(super) fn app() -> App {
    App::new(1).with("client_events = true").with("max_client_events_per_s = 0")
}

/// `channel_data` of a user.
pub(crate) fn user_data(user: &str) -> String {
    json!({ "user_id": user }).to_string()
}

/// Joins a channel of any kind and reads up to the success, whatever comes before it.
#[track_caller]
pub(crate) fn join(client: &mut Client, user: &str, channel: &str) {
    let data = channel.starts_with("presence-").then(|| user_data(user));
    client.ask(channel, data.as_deref());
    loop {
        let frame = client.message();
        let is_it = frame.event() == "pusher_internal:subscription_succeeded";
        if is_it && frame.channel() == Some(channel) {
            return;
        }
    }
}

/// Says something on a channel and waits until the hook has it. The events of a channel come in
/// order, so everything that was announced on it before has come as well.
#[track_caller]
pub(super) fn mark(hook: &Hook, client: &mut Client, channel: &str) {
    let name = format!("client-mark-{}", unique());
    client.trigger(channel, &name, &json!("x"));
    hook.expect(&format!("{name} of {channel} comes"), |deliveries| {
        let mut events = deliveries.iter().flat_map(|delivery| delivery.events());
        events.find(|event| event["event"] == name.as_str()).map(|_| ())
    });
}

/// Has every lane of an endpoint deliver something, and waits for it: what was on its way to the
/// endpoint before, on whatever channel, has come as well. `channel` makes names of presence
/// channels that the endpoint hears of, `event` is what it hears of a first member.
#[track_caller]
pub(super) fn flush(server: &Server, hook: &Hook, event: &str, channel: impl Fn(&str) -> String) {
    let mut client = server.connect();
    let channels: Vec<String> =
        (0..FLUSH).map(|n| channel(&format!("flush-{}-{n}", unique()))).collect();
    for channel in &channels {
        join(&mut client, "flusher", channel);
    }
    for channel in &channels {
        hook.expect_event(event, channel);
    }
}

/// Channels that surely take up every one of the lanes; the few that they might miss only make a
/// test less strict.
const FLUSH: u32 = 250;

/// A number that no other call in this process gets.
pub(crate) fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The names of a channel's events, without what clients said and without counts.
pub(super) fn transitions(hook: &Hook, channel: &str) -> Vec<String> {
    let mut names = hook.names_of(channel);
    names.retain(|name| name != "client_event" && !name.starts_with("subscription_count"));
    names
}

/// Says `client-n` with these numbers on a channel.
#[track_caller]
pub(super) fn say(client: &mut Client, channel: &str, numbers: std::ops::Range<usize>) {
    for n in numbers {
        client.trigger(channel, "client-n", &json!(n.to_string()));
    }
    // It has all been dealt with when the answer to this comes.
    client.drain();
}

/// The numbers of a channel's `client-n`, as they were accepted.
pub(super) fn said(events: &[Value], channel: &str) -> Vec<usize> {
    let mine = events.iter().filter(|e| e["channel"] == channel && e["event"] == "client-n");
    mine.map(|event| event["data"].as_str().unwrap().parse().unwrap()).collect()
}

/// Waits until a channel's `client-n` have come up to the last number, and checks that none is
/// missing, twice or out of place.
#[track_caller]
pub(super) fn expect_said(hook: &Hook, channel: &str, count: usize) {
    let last = (count - 1).to_string();
    hook.expect(&format!("{count} events of {channel}"), |deliveries| {
        let events = deliveries.iter().flat_map(|delivery| delivery.events());
        let mut numbers = events.filter(|e| e["channel"] == channel && e["event"] == "client-n");
        numbers.find(|event| event["data"] == last.as_str()).map(|_| ())
    });
    let numbers: Vec<usize> = (0..count).collect();
    assert_eq!(said(&hook.events(), channel), numbers, "{channel}");
}
