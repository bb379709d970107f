//! What a publish costs between the bytes of its request and the message to the workers. The HTTP
//! around it is not counted.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bellwire_hub::{App, Apps, Conn, Hub};
use bellwire_protocol::publish::{Publish, Rules};
use bellwire_protocol::query::Query;
use bellwire_protocol::server;
use bellwire_protocol::signature::body_md5;

use super::Work;
use super::house::{self, KEY, NOW_MS, Nobody};

/// Requests that are about to be checked.
struct Signatures {
    app: Arc<App>,
    query: String,
    body: String,
    count: usize,
    good: usize,
}

/// Bodies that are about to be published to a channel with a subscriber.
struct Events {
    hub: Hub,
    worker: Arc<Nobody>,
    app: Arc<App>,
    body: String,
    count: usize,
    /// Messages that the worker had before.
    heard: usize,
}

const METHOD: &str = "POST";
const PATH: &str = "/apps/3/events";

/// Requests with good signatures.
pub(super) fn signatures(count: usize) -> anyhow::Result<Box<dyn Work>> {
    let app = house::app(&Apps::default())?;
    let body = house::publish_body();
    let md5 = body_md5(body.as_bytes());
    let at_s = NOW_MS / 1000;
    let unsigned = format!("auth_key={KEY}&auth_timestamp={at_s}&auth_version=1.0&body_md5={md5}");
    let text = Query::parse(&unsigned)?.string_to_sign(METHOD, PATH);
    let signature = app.live().signer(KEY).context("the key is gone")?.sign(&[&text]);
    let query = format!("{unsigned}&auth_signature={signature}");
    Ok(Box::new(Signatures { app, query, body, count, good: 0 }))
}

/// The same event again and again.
pub(super) fn events(count: usize) -> anyhow::Result<Box<dyn Work>> {
    let (hub, worker) = house::hub();
    let app = house::app(&Apps::default())?;
    hub.subscribe(NOW_MS, &app, &"private-room-1".parse()?, Conn::new(0, 0, 1), None)?;
    let heard = worker.heard();
    Ok(Box::new(Events { hub, worker, app, body: house::publish_body(), count, heard }))
}

impl Signatures {
    /// As the server's `api/auth.rs` goes about it.
    fn is_good(&self) -> Option<bool> {
        let query = Query::parse(&self.query).ok()?;
        let live = self.app.live();
        let signer = live.signer(query.one("auth_key")?)?;
        let then_s: u64 = query.one("auth_timestamp")?.parse().ok()?;
        let text = query.string_to_sign(METHOD, PATH);
        let is_signed = signer.verify(&[&text], query.one("auth_signature")?);
        let is_whole = body_md5(self.body.as_bytes()).matches(query.one("body_md5")?);
        Some(is_signed && is_whole && query.one("auth_version")? == "1.0" && then_s > 0)
    }
}

impl Work for Signatures {
    fn run(&mut self) {
        for _ in 0..self.count {
            self.good += usize::from(self.is_good() == Some(true));
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        ensure!(self.good == self.count, "{} signatures were good", self.good);
        Ok(())
    }
}

impl Events {
    /// As the server's `api/events.rs` goes about it.
    fn publish(&self) {
        let settings = &self.app.live().settings;
        let rules = Rules {
            data_bytes_max: settings.max_event_bytes,
            strict_names: settings.strict_event_names,
        };
        let Ok(publish) = Publish::parse(&self.body, rules) else { return };
        self.app.usage.count_messages(1);
        for channel in &publish.channels {
            let frame = server::event(&publish.name, channel, &publish.data, None);
            let known = self.hub.publish(NOW_MS, &self.app, channel, frame, publish.except);
            std::hint::black_box(known);
        }
    }
}

impl Work for Events {
    fn run(&mut self) {
        for _ in 0..self.count {
            self.publish();
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let heard = self.worker.heard() - self.heard;
        ensure!(heard == self.count, "{heard} messages instead of {}", self.count);
        Ok(())
    }
}
