//! What scenarios have in common: an app, an event, and somebody who takes what the hub says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use bellwire_hub::fact::Held;
use bellwire_hub::{App, AppSpec, Apps, Fact, FactSink, Hub, KeySpec, Message, Outlet, Settings};
use bellwire_protocol::{ChannelName, Frame, JsonStr, server};

/// The key of the app.
pub(crate) const KEY: &str = "278d425bdf160c739803";
/// The moment of everything that happens, in milliseconds since the epoch.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;
/// The data of an event, of the size of a short chat message.
const DATA: &str = r#"{"from":"anna","text":"Shall we meet at the station at nine?","id":48151}"#;

/// Puts an app with every default into `apps`.
pub(crate) fn app(apps: &Apps) -> anyhow::Result<Arc<App>> {
    let key = KeySpec {
        key: KEY.parse()?,
        secret: "7ad3773142a6692b25b8".parse()?,
        active: true,
        created_at_ms: None,
    };
    let spec = AppSpec::new("3".parse()?, Settings::default(), vec![key]);
    apps.replace(vec![spec])?;
    apps.by_key(KEY).context("the app is gone")
}

/// A hub with one worker, which takes everything and does nothing.
pub(crate) fn hub() -> (Hub, Arc<Nobody>) {
    let worker = Arc::new(Nobody::default());
    let cache_bytes_max = 1 << 20;
    let facts = Arc::new(Nobody::default());
    (Hub::new(1, cache_bytes_max, Arc::clone(&worker) as Arc<dyn Outlet>, facts), worker)
}

/// An event as every member of its channel gets it.
pub(crate) fn event_frame() -> anyhow::Result<Frame> {
    let channel: ChannelName = "private-room-1".parse()?;
    let (name, data) = (JsonStr::encode("message-posted"), JsonStr::encode(DATA));
    Ok(server::event(&name, &channel, &data, None))
}

/// The body of a publish of the same event.
pub(crate) fn publish_body() -> String {
    let data = JsonStr::encode(DATA);
    let data = data.literal();
    format!(r#"{{"name":"message-posted","channels":["private-room-1"],"data":{data}}}"#)
}

/// Takes messages and facts, and lets go of them.
#[derive(Debug, Default)]
pub(crate) struct Nobody {
    heard: AtomicUsize,
}

impl Nobody {
    /// How much it took.
    pub(crate) fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }

    fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }
}

impl Outlet for Nobody {
    fn workers(&self) -> u8 {
        1
    }

    fn push(&self, _worker: u8, message: Message) {
        self.hear();
        drop(message);
    }
}

impl FactSink for Nobody {
    fn take(&self, fact: Fact) {
        self.hear();
        drop(fact);
    }

    fn hold(&self, _held: Held) {}
}
