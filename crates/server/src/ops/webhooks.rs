//! The webhooks of the running server: what the config file declares is written down, the engine is
//! started, and what it does is counted and logged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use anyhow::Context as _;
use bellwire_hub::{Apps, Hub};
use bellwire_store::Store;
use bellwire_webhooks::attempt::{Answer, Failure};
use bellwire_webhooks::endpoint::{Endpoint, Origin, SigningSecret};
use bellwire_webhooks::engine::Load;
use bellwire_webhooks::event::Kind;
use bellwire_webhooks::feed::Feed;
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::observer::Observer;
use bellwire_webhooks::outbox::Outbox;
use bellwire_webhooks::post::{Poster, PosterSettings};
use bellwire_webhooks::secret;
use bellwire_webhooks::service::{DeskParts, FeedParts, ReadWritten, Service, Ties, Written};
use bellwire_webhooks::turn::{Dispatch, Notice};
use metrics::{counter, gauge, histogram};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::config::{Declared, Webhooks};
use crate::live::Live;
use crate::ops::clock::now_ms;
use crate::ops::pulse::Pulses;

/// How long connecting to an endpoint may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a whole exchange with an endpoint may take.
const EXCHANGE: Duration = Duration::from_secs(10);
/// How long an older secret goes on signing after the config file names another.
const OVERLAP_MS: u64 = 24 * 3_600_000;

/// What a desk of webhooks is made of, here and now or on this node later.
pub(crate) struct Workshop {
    config: Webhooks,
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    poster: Arc<Poster>,
    runtime: tokio::runtime::Handle,
    watch: Arc<Watch>,
}

impl Workshop {
    /// What the operator wants, over a store.
    pub(crate) fn new(
        config: &Webhooks,
        store: Arc<dyn Store>,
        apps: &Arc<Apps>,
        watch: Arc<Watch>,
        runtime: tokio::runtime::Handle,
    ) -> anyhow::Result<Self> {
        let poster = Poster::new(PosterSettings {
            allow_private: config.allow_private_targets,
            require_https: config.require_https,
            connect_timeout: CONNECT,
            exchange_timeout: EXCHANGE,
            extra_roots: authorities(config)?,
        })
        .context("webhooks cannot be sent")?;
        let (config, apps, poster) = (config.clone(), Arc::clone(apps), Arc::new(poster));
        Ok(Self { config, store, apps, poster, runtime, watch })
    }

    /// A desk that keeps what it does in an outbox.
    pub(crate) fn desk(&self, outbox: Box<dyn Outbox>) -> anyhow::Result<DeskParts> {
        Ok(DeskParts {
            outbox,
            written: self.written(),
            apps: Arc::clone(&self.apps),
            poster: Arc::clone(&self.poster),
            runtime: self.runtime.clone(),
            observer: Arc::clone(&self.watch) as _,
            settle: self.config.settle,
            delivery: self.config.delivery,
            retention: self.config.retention,
            seed: getrandom::u64().context("the system has no random numbers")?,
        })
    }

    /// Starts the webhooks of a node that is alone.
    pub(crate) fn start(
        &self,
        hub: &Arc<Hub>,
        outbox: Box<dyn Outbox>,
    ) -> anyhow::Result<Arc<Service>> {
        let desk = self.desk(outbox)?;
        let start = |ties| Service::start(desk, ties).context("webhooks cannot start");
        tied(hub, &self.apps, start)
    }

    /// Starts the webhooks of a node of a cluster; the desk may come later.
    pub(crate) fn join(&self, hub: &Arc<Hub>, feed: Box<dyn Feed>) -> anyhow::Result<Arc<Service>> {
        let (written, apps) = (self.written(), Arc::clone(&self.apps));
        let observer = Arc::clone(&self.watch) as _;
        let join = |ties| {
            let parts = FeedParts { feed, written, ties, apps, observer };
            Service::join(parts, Arc::clone(&self.poster)).context("webhooks cannot start")
        };
        tied(hub, &self.apps, join)
    }

    /// How what people have written down is read.
    fn written(&self) -> ReadWritten {
        let store = Arc::clone(&self.store);
        Box::new(move || written(&*store).map_err(|error| format!("{error:#}")))
    }
}

/// Starts webhooks that are tied to the hub, which tells them what is there when they ask.
fn tied(
    hub: &Arc<Hub>,
    apps: &Arc<Apps>,
    start: impl FnOnce(Ties) -> anyhow::Result<Service>,
) -> anyhow::Result<Arc<Service>> {
    let service = Arc::new(OnceLock::<Weak<Service>>::new());
    let (retold, known) = (Arc::clone(&service), Arc::clone(apps));
    let (hub, released) = (Arc::clone(hub), Arc::clone(hub));
    let started = start(Ties {
        retell: Box::new(move |id| {
            let service = retold.get().and_then(Weak::upgrade);
            if let (Some(service), Some(app)) = (service, known.by_id(id.as_str())) {
                hub.retell(now_ms(), &app, &service.quiet_sink());
            }
        }),
        release: Box::new(move |held| released.release(now_ms(), held)),
    })?;
    let started = Arc::new(started);
    // It is set once, here.
    let _ = service.set(Arc::downgrade(&started));
    Ok(started)
}

fn written(ledger: &dyn Store) -> anyhow::Result<Written> {
    Ok(Written { endpoints: ledger.endpoints(None)?, replays: ledger.replays(None)? })
}

fn authorities(config: &Webhooks) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let Some(file) = &config.ca_file else { return Ok(Vec::new()) };
    let name = file.display();
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("[webhooks] ca_file: cannot read certificates from {name}"))
}

/// Writes down what the config file declares, and disables what it declares no more.
pub(crate) fn declare(store: &dyn Store, declared: &[Declared]) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for (at, endpoint) in declared.iter().enumerate() {
        let same =
            |other: &&Declared| other.app == endpoint.app && other.terms.url == endpoint.terms.url;
        let nth = declared[..at].iter().filter(same).count();
        let id = id_of(endpoint, nth)?;
        write_down(store, &id, endpoint)?;
        ids.push(id);
    }
    for endpoint in store.endpoints(None)? {
        let is_gone = endpoint.origin == Origin::File && !ids.contains(&endpoint.id);
        if is_gone && endpoint.disabled.is_none() {
            store.set_enabled(&endpoint.id, false, now_ms())?;
        }
    }
    Ok(())
}

/// The same name at every start: its history goes on.
fn id_of(endpoint: &Declared, nth: usize) -> anyhow::Result<EndpointId> {
    let text = format!("{}\n{}\n{nth}", endpoint.app, endpoint.terms.url);
    let digest = bellwire_protocol::signature::body_md5(text.as_bytes());
    Ok(format!("ep_{}", &digest.as_str()[..20]).parse()?)
}

fn write_down(store: &dyn Store, id: &EndpointId, declared: &Declared) -> anyhow::Result<()> {
    let now_ms = now_ms();
    let Some(known) = store.endpoint(id)? else {
        let text = declared.secret.clone().map_or_else(new_secret, Ok)?;
        store.put_endpoint(&Endpoint {
            id: id.clone(),
            app: declared.app.clone(),
            terms: declared.terms.clone(),
            origin: Origin::File,
            created_at_ms: now_ms,
            disabled: None,
            failing_since_ms: None,
            secrets: vec![SigningSecret { text, created_at_ms: now_ms, expires_at_ms: None }],
        })?;
        return Ok(());
    };
    if known.terms != declared.terms {
        store.set_terms(id, &declared.terms)?;
    }
    // The file is the only one that disables its endpoints by hand: by not naming them.
    if known.disabled.as_ref().is_some_and(|disabled| disabled.reason == "manual") {
        store.set_enabled(id, true, now_ms)?;
    }
    let newest = known.secrets.first().map(|secret| &secret.text);
    if let Some(text) = declared.secret.clone().filter(|text| Some(text) != newest) {
        let secret = SigningSecret { text, created_at_ms: now_ms, expires_at_ms: None };
        store.rotate(id, &secret, now_ms + OVERLAP_MS)?;
    }
    Ok(())
}

/// A new secret for the Standard Webhooks headers.
pub(crate) fn new_secret() -> anyhow::Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("the system has no random numbers")?;
    Ok(secret::text_of(&random))
}

/// Counts and logs what the engine does.
pub(crate) struct Watch {
    /// Those who look.
    live: Arc<Live>,
    /// Whether the store has failed and has not recovered.
    is_failing: AtomicBool,
    /// How each endpoint has done of late.
    pub(crate) pulses: Pulses,
}

impl Watch {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        Self { live, is_failing: AtomicBool::new(false), pulses: Pulses::default() }
    }

    /// Whether what is announced survives.
    pub(crate) fn is_durable(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed)
    }
}

impl Observer for Watch {
    fn notice(&self, notice: &Notice) {
        match notice {
            Notice::Delivered { endpoint, batch, events, attempts, took_ms } => {
                histogram!("bellwire_webhook_delivery_seconds").record(*took_ms as f64 / 1000.0);
                counter!("bellwire_webhook_batches_total", "outcome" => "delivered").increment(1);
                tracing::debug!(%endpoint, delivery = %batch, events, attempts, took_ms, "webhook delivered");
            }
            Notice::Retried { endpoint, batch, attempts, failure, status, next_in_ms } => {
                let failure = failure.name();
                tracing::info!(
                    %endpoint, delivery = %batch, attempts, failure, status, next_in_ms,
                    "webhook failed, it will be tried again"
                );
            }
            Notice::GivenUp { endpoint, batch, events, reason } => {
                counter!("bellwire_webhook_batches_total", "outcome" => "failed").increment(1);
                tracing::warn!(
                    %endpoint, delivery = %batch, events, reason,
                    "webhook given up; it is kept and can be replayed"
                );
            }
            Notice::Breaker { endpoint, open: true } => {
                tracing::warn!(%endpoint, "endpoint is not well: one webhook at a time probes it");
            }
            Notice::Breaker { endpoint, open: false } => {
                tracing::info!(%endpoint, "endpoint is well again");
            }
            Notice::FailingLong { endpoint, for_ms } => {
                let hours = for_ms / 3_600_000;
                tracing::warn!(%endpoint, hours, "endpoint fails without a break; it will be disabled");
            }
            Notice::Disabled { endpoint, reason } => {
                counter!("bellwire_webhook_endpoints_disabled_total").increment(1);
                tracing::error!(%endpoint, reason, "endpoint disabled: it hears nothing until it is enabled");
            }
            Notice::Overflowed { events } => {
                counter!("bellwire_webhook_events_lost_total").increment(*events);
                tracing::error!(events, "webhook events lost: too much waits for the database");
            }
            Notice::Unreadable { node, n, why } => {
                tracing::error!(%node, row = n, why, "what a node says cannot be read");
            }
        }
    }

    fn announced(&self, kind: Kind) {
        counter!("bellwire_webhook_events_total", "kind" => kind.name()).increment(1);
    }

    fn kept(&self, _: usize, took: Duration) {
        histogram!("bellwire_webhook_commit_seconds").record(took.as_secs_f64());
    }

    fn attempted(&self, failure: Option<Failure>, took_ms: u32) {
        let outcome = failure.map_or("accepted", Failure::name);
        counter!("bellwire_webhook_attempts_total", "outcome" => outcome).increment(1);
        histogram!("bellwire_webhook_attempt_seconds").record(f64::from(took_ms) / 1000.0);
    }

    fn posted(&self, dispatch: &Dispatch, answer: &Answer) {
        let (now_ms, accepted) = (now_ms(), answer.failure.is_none());
        self.pulses.beat(&dispatch.endpoint.id, now_ms, accepted, answer.duration_ms);
        self.live.posted(now_ms, dispatch, answer);
    }

    fn load(&self, load: &Load) {
        self.pulses.wait(&load.queues);
        let age_ms = load.oldest_ms.map_or(0, |oldest_ms| now_ms().saturating_sub(oldest_ms));
        gauge!("bellwire_webhook_queue_events").set(load.waiting as f64);
        gauge!("bellwire_webhook_queue_age_seconds").set(age_ms as f64 / 1000.0);
        gauge!("bellwire_webhook_posts_under_way").set(load.under_way as f64);
        gauge!("bellwire_webhook_pending_bytes").set(load.pending_bytes as f64);
        gauge!("bellwire_webhook_breakers_open").set(load.open_breakers as f64);
        gauge!("bellwire_webhook_announced_channels").set(load.channels as f64);
        gauge!("bellwire_webhook_durable").set(if self.is_durable() { 1.0 } else { 0.0 });
    }

    fn store_failed(&self, error: &str) {
        counter!("bellwire_webhook_store_failures_total").increment(1);
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(error, "webhooks are not durable: events wait in memory");
        }
    }

    fn store_is_well(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("webhooks are durable again");
        }
    }
}
