//! Puts the house together: the only file that knows every room. Reads as the life of the server,
//! from its first breath to its last.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bellwire_hub::Apps;
use bellwire_store::Store;
use bellwire_webhooks::service::Service;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;

use crate::cluster::{Cluster, Nodes};
use crate::config::Config;
use crate::gateway::admission::Door;
use crate::gateway::fallback::Fallbacks;
use crate::gateway::witness::Witness;
use crate::gateway::{self, GatewaySettings, Switchboard};
use crate::http::tls::Certificate;
use crate::http::{self, Bound, House};
use crate::live::{Everywhere, Informant, Live, Questions};
use crate::management::{Desk, Management, Order};
use crate::ops::apps::{AppSources, Errand};
use crate::ops::cellar::Cellar;
use crate::ops::clock::now_ms;
use crate::ops::ebb::Ebb;
use crate::ops::facts::Facts;
use crate::ops::webhooks::{Watch, Workshop};
use crate::ops::{folder, machine, metrics};

mod footing;
mod welcome;

use footing::Footing;
use welcome::Welcome;

/// How often the hub does what time brings.
const TICK: Duration = Duration::from_millis(500);
/// How often certificates are looked at.
const CERTIFICATES: Duration = Duration::from_secs(5);
/// How often what is over is swept.
const SWEEP: Duration = Duration::from_secs(3_600);
/// How long the audit is kept: a year, and a day for who looks a little late.
const AUDIT_MS: u64 = 366 * 86_400_000;
/// How often statistics are written down.
const KEEP: Duration = Duration::from_secs(10);
/// How long established connections have for their close frames after the drain window.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long webhooks that are under way have at the end.
const LAST_POSTS: Duration = Duration::from_secs(5);

/// Runs the server until SIGTERM or SIGINT.
pub(crate) fn run(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let _lock = lock_folder(&config.data_dir)?;
    machine::check(config)?;
    let certificate = certificate(config)?;
    let cellar = Cellar::open(config)?;
    let store = cellar.store();
    let welcome = Welcome::prepare(config, &*store)?;
    let handle = metrics::start()?;
    let (switchboard, polls) = Switchboard::new(config.workers, gateway_settings(config))?;
    let apps = Arc::new(Apps::default());
    let live = Arc::new(Live::new(Arc::clone(&apps), Arc::clone(&store)));
    let facts = Arc::new(Facts::new(Arc::clone(&live)));
    let footing = Footing::find(config, &cellar, &apps)?;
    let hub = footing.hub(config, &switchboard, &facts)?;
    let runtime = runtime(config)?;
    let mut sources =
        AppSources::new(config, file, Arc::clone(&store), Arc::clone(&apps), Arc::clone(&hub));
    sources.load()?;
    live.look_elsewhere()?;
    let watch = Arc::new(Watch::new(Arc::clone(&live)));
    let questions = Questions::new(Arc::clone(&switchboard), Arc::clone(&hub));
    let informant = Informant::new(Arc::clone(&apps), questions, &config.cluster.node_name);
    let link = footing.share(config, &live, &informant, runtime.handle());
    let handle_of = runtime.handle().clone();
    let workshop =
        Workshop::new(&config.webhooks, Arc::clone(&store), &apps, Arc::clone(&watch), handle_of)?;
    let (webhooks, cluster) = footing.start(config, &hub, workshop, runtime.handle())?;
    let nodes = Arc::new(Nodes::of(cluster.clone(), config, hub.node()));
    facts.pass_on_to(webhooks.sink());
    sources.tell(Arc::clone(&webhooks));
    let witness: Arc<dyn Witness> = Arc::clone(&live) as _;
    let workers = gateway::start(&switchboard, polls, &hub, &witness, gateway_settings(config))?;
    let (errands, follower) = sources.start()?;
    let desk = Desk {
        apps: Arc::clone(&apps),
        hub: Arc::clone(&hub),
        switchboard: Arc::clone(&switchboard),
        store: Arc::clone(&store),
        webhooks: Arc::clone(&webhooks),
        watch: Arc::clone(&watch),
        live: Arc::clone(&live),
        everywhere: Everywhere::new(informant, Arc::clone(&nodes), link),
        nodes: Arc::clone(&nodes),
        errands: errands.clone(),
        require_https: config.webhooks.require_https,
        path_prefix: config.path_prefix.clone(),
        setup: welcome.setup.digest(),
        order: Order::default(),
    };
    let house = Arc::new(House {
        door: Door::new(Arc::clone(&apps), config.max_connections, witness),
        fallbacks: Fallbacks::new(Arc::clone(&switchboard), config.backlog_bytes_max),
        apps,
        hub,
        switchboard,
        live,
        management: Management::new(desk, &config.path_prefix),
        watch,
        nodes,
        metrics: handle,
        metrics_token: config.metrics_token.clone(),
        path_prefix: config.path_prefix.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
    });
    let ebb = Ebb::default();
    let beside = Beside { cluster: cluster.clone(), errands: errands.clone(), follower };
    let server = Server { house, certificate, store, errands, webhooks, cluster, ebb };
    let result = runtime.block_on(server.live(config, &welcome, workers));
    beside.end();
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// What goes on by itself beside the server, and ends after it.
struct Beside {
    cluster: Option<Arc<Cluster>>,
    /// To the thread that follows apps.
    errands: Sender<Errand>,
    follower: JoinHandle<()>,
}

impl Beside {
    fn end(self) {
        if let Some(cluster) = self.cluster {
            cluster.leave();
        }
        // It may have ended already.
        let _ = self.errands.send(Errand::Stop);
        if self.follower.join().is_err() {
            tracing::error!("the thread that follows apps panicked");
        }
    }
}

fn certificate(config: &Config) -> anyhow::Result<Option<Arc<Certificate>>> {
    config.tls.as_ref().map(|(cert, key)| Certificate::read(cert, key)).transpose()
}

fn runtime(config: &Config) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::from(config.workers).max(1))
        .thread_name("http")
        .enable_all()
        .build()
}

/// The server while it runs.
struct Server {
    house: Arc<House>,
    certificate: Option<Arc<Certificate>>,
    store: Arc<dyn Store>,
    /// To the thread that follows apps.
    errands: Sender<Errand>,
    webhooks: Arc<Service>,
    cluster: Option<Arc<Cluster>>,
    ebb: Ebb,
}

impl Server {
    async fn live(
        mut self,
        config: &Config,
        welcome: &Welcome,
        workers: Vec<JoinHandle<()>>,
    ) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut reload = signal(SignalKind::hangup())?;
        self.with_cluster(Cluster::settle_in).await;
        let unix_sockets = self.open_doors(config, welcome)?;
        let mut tick = every(TICK);
        let mut certificates = every(CERTIFICATES);
        let mut sweep = every(SWEEP);
        let mut keep = every(KEEP);
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = reload.recv() => {
                    self.errand(Errand::Reread);
                    self.refresh_certificate();
                }
                _ = tick.tick() => self.tick(),
                _ = certificates.tick() => self.refresh_certificate(),
                _ = sweep.tick() => self.sweep(),
                _ = keep.tick() => self.keep(),
            }
        }
        self.leave(config.drain_window, &mut interrupt).await;
        self.finish_webhooks(&mut interrupt).await;
        self.keep_the_last().await;
        self.house.switchboard.stop();
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a gateway worker panicked");
            }
        }
        for path in unix_sockets {
            let _ = std::fs::remove_file(path);
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// Opens every listener; all of them or none. Returns the files of Unix sockets.
    fn open_doors(
        &self,
        config: &Config,
        welcome: &Welcome,
    ) -> anyhow::Result<Vec<std::path::PathBuf>> {
        let tls: Option<TlsAcceptor> =
            self.certificate.as_ref().map(Certificate::acceptor).transpose()?;
        let doors = config.listen.iter().map(http::bind).collect::<anyhow::Result<Vec<Bound>>>()?;
        let admin = config.admin_listen.as_ref().map(http::bind).transpose()?;
        let mut unix_sockets = Vec::new();
        let port = doors.iter().find_map(Bound::port);
        for (bound, is_admin) in
            doors.into_iter().map(|d| (d, false)).chain(admin.map(|a| (a, true)))
        {
            if let Bound::Unix(_, path) = &bound {
                unix_sockets.push(path.clone());
            }
            let tls = tls.clone().filter(|_| !is_admin);
            tracing::info!(
                address = bound.address(),
                tls = tls.is_some(),
                admin = is_admin,
                "listening"
            );
            tokio::spawn(http::serve(bound, tls, Arc::clone(&self.house), is_admin));
        }
        if let Some(port) = port {
            welcome.print(port, self.certificate.is_some(), &config.path_prefix);
        }
        Ok(unix_sockets)
    }

    fn tick(&mut self) {
        let now_ms = now_ms();
        self.house.hub.tick(now_ms);
        self.house.apps.add_up(now_ms);
        self.house.fallbacks.sweep();
        metrics::gather(&self.house.hub);
        if let Some(cluster) = &self.cluster {
            metrics::gather_cluster(&cluster.standing());
        }
        let door = &self.house.door;
        if self.ebb.is_out(door.connections(), door.peak()) {
            tokio::task::spawn_blocking(bellwire_heap::give_back);
        }
    }

    /// Forgets what opens nothing any more, and what was done long ago.
    fn sweep(&self) {
        let (store, now_ms) = (Arc::clone(&self.store), now_ms());
        tokio::task::spawn_blocking(move || {
            let audit_before_ms = now_ms.saturating_sub(AUDIT_MS);
            if let Err(error) = store.sweep_accounts(now_ms, audit_before_ms) {
                tracing::warn!(%error, "old sessions and the old audit are not swept");
            }
        });
    }

    /// Writes statistics down, and lets go of old ones.
    fn keep(&self) {
        let (live, is_shared) = (Arc::clone(&self.house.live), self.cluster.is_some());
        tokio::task::spawn_blocking(move || {
            let look = || if is_shared { live.look_elsewhere() } else { Ok(()) };
            if let Err(error) = live.keep().and_then(|()| look()).and_then(|()| live.sweep()) {
                tracing::error!(%error, "statistics are not written down");
            }
        });
    }

    async fn keep_the_last(&self) {
        let live = Arc::clone(&self.house.live);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || live.keep()).await {
            tracing::error!(%error, "the last statistics are not written down");
        }
    }

    /// Asks the thread that follows apps, which ends last.
    fn errand(&self, errand: Errand) {
        if self.errands.send(errand).is_err() {
            tracing::error!("changes of apps are not followed any more");
        }
    }

    fn refresh_certificate(&self) {
        if let Some(certificate) = &self.certificate {
            certificate.refresh();
        }
    }

    /// Lets nobody in any more and sends everybody away, spread over the window. A second SIGINT
    /// cuts it short.
    async fn leave(&self, window: Duration, interrupt: &mut tokio::signal::unix::Signal) {
        tracing::info!(window_s = window.as_secs(), "draining");
        self.webhooks.close();
        self.with_cluster(Cluster::drain).await;
        self.house.door.shut();
        self.house.switchboard.drain(window);
        let ends = Instant::now() + window;
        let mut look = every(Duration::from_millis(50));
        while self.house.door.connections() > 0 && Instant::now() < ends {
            tokio::select! {
                _ = look.tick() => {}
                _ = interrupt.recv() => return,
            }
        }
        tokio::time::sleep(LAST_WORDS).await;
    }

    /// Lets webhooks that are under way end. What is not delivered will be after the next start.
    async fn finish_webhooks(&self, interrupt: &mut tokio::signal::unix::Signal) {
        self.webhooks.park();
        let ends = Instant::now() + LAST_POSTS;
        let mut look = every(Duration::from_millis(20));
        while self.webhooks.under_way() > 0 && Instant::now() < ends {
            tokio::select! {
                _ = look.tick() => {}
                _ = interrupt.recv() => break,
            }
        }
        self.webhooks.stop();
    }

    /// Does what has to wait for other nodes, if there are any.
    async fn with_cluster(&self, work: impl FnOnce(&Cluster) + Send + 'static) {
        let Some(cluster) = self.cluster.clone() else { return };
        if tokio::task::spawn_blocking(move || work(&cluster)).await.is_err() {
            tracing::error!("the cluster panicked");
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn gateway_settings(config: &Config) -> GatewaySettings {
    GatewaySettings {
        activity_timeout_s: config.activity_timeout_s,
        pong_timeout_s: config.pong_timeout_s,
        authorize_within_s: config.authorize_within_s,
        backlog_bytes_max: config.backlog_bytes_max,
    }
}

/// One server a folder: two would overwrite each other's state.
fn lock_folder(folder: &Path) -> anyhow::Result<File> {
    folder::lock(folder)?.with_context(|| {
        let name = folder.display();
        format!("the data folder {name} is in use by another bellwire; `data_dir` changes it")
    })
}
