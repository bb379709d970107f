//! Who may come in: one verdict for WebSockets and HTTP fallbacks alike (contract 1.3–1.16).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bellwire_hub::{App, Apps};
use bellwire_protocol::{Close, close};

use super::witness::{Story, Trouble, Visitors, Who, Witness};
use crate::ops::clock::now_ms;

/// What a client asks with: the key from its path, the query and the headers that matter.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// From `/app/{key}`.
    pub(crate) key: &'a str,
    /// What stands behind the `?`.
    pub(crate) query: &'a str,
    /// The `Origin` header, which only browsers send.
    pub(crate) origin: Option<&'a str>,
    /// Whether the client came by TLS, here or at a trusted proxy.
    pub(crate) tls: bool,
    /// Who asks, for the log.
    pub(crate) peer: Option<IpAddr>,
}

/// A client that may come in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The app that its key opens.
    pub(crate) app: Arc<App>,
    /// Its place in the quotas.
    pub(crate) seat: Seat,
    /// Whether it must prove itself within a time.
    pub(crate) must_authorize: bool,
    /// Where it came from.
    pub(crate) story: Story,
}

/// The door itself: what it knows of the house.
pub(crate) struct Door {
    apps: Arc<Apps>,
    /// Told of refusals.
    witness: Arc<dyn Witness>,
    visitors: Visitors,
    /// Connections of this node, and how many there may be; 0: no limit.
    node: Arc<AtomicUsize>,
    node_max: usize,
    /// The most there were since somebody asked.
    peak: AtomicUsize,
    /// Set while the node is on its way out.
    draining: AtomicBool,
}

impl Door {
    pub(crate) fn new(apps: Arc<Apps>, node_max: usize, witness: Arc<dyn Witness>) -> Self {
        let (node, peak, draining) = (Arc::default(), AtomicUsize::new(0), AtomicBool::new(false));
        let visitors = Visitors::default();
        Self { apps, witness, visitors, node, node_max, peak, draining }
    }

    /// Lets nobody in any more.
    pub(crate) fn shut(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the door is shut.
    pub(crate) fn is_shut(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Connections of this node.
    pub(crate) fn connections(&self) -> usize {
        self.node.load(Ordering::Relaxed)
    }

    /// The most connections of this node at one time since this was last asked.
    pub(crate) fn peak(&self) -> usize {
        self.peak.swap(self.connections(), Ordering::Relaxed)
    }

    /// Judges a client.
    ///
    /// # Errors
    /// The close it gets after its upgrade; never a 42xx, which clients answer with a hot loop
    /// (contract 1.17).
    pub(crate) fn admit(&self, request: &Request<'_>) -> Result<Admitted, Close> {
        let verdict = self.judge(request);
        if let Err(close) = &verdict {
            tracing::debug!(
                key = %request.key.chars().take(100).collect::<String>(), peer = ?request.peer,
                code = close.code, reason = %close.reason, "refused"
            );
            metrics::counter!("bellwire_refusals_total", "code" => close.code.to_string())
                .increment(1);
            self.note(request, close);
        }
        verdict
    }

    /// Tells whoever looks after the app. A key that nobody has tells nobody.
    fn note(&self, request: &Request<'_>, close: &Close) {
        let Some(app) = self.apps.by_key(request.key) else { return };
        let story = self.story(request);
        let who = Who { socket: None, story: &story, at_ms: story.connected_at_ms };
        self.witness.note(&app, who, &Trouble::Refused(close));
    }

    fn story(&self, request: &Request<'_>) -> Story {
        Story {
            address: request.peer,
            tls: request.tls,
            has_ended: false,
            messages_in: 0,
            visitor: self.visitors.visitor(request.origin, request.query),
            connected_at_ms: now_ms(),
        }
    }

    fn judge(&self, request: &Request<'_>) -> Result<Admitted, Close> {
        if self.is_shut() {
            return Err(close::OVER_CAPACITY);
        }
        check_protocol(request.query)?;
        let app = self.apps.by_key(request.key).ok_or_else(|| Close::unknown_key(request.key))?;
        let live = app.live();
        let settings = &live.settings;
        if !settings.enabled {
            return Err(close::APP_DISABLED);
        }
        if settings.force_tls && !request.tls {
            return Err(close::TLS_REQUIRED);
        }
        if !settings.allows_origin(request.origin) {
            return Err(close::ORIGIN_NOT_ALLOWED);
        }
        let mut seat = self.seat().ok_or(close::OVER_CAPACITY)?;
        let must_authorize = settings.authorized_connections;
        // Connections that have not proved themselves do not count (contract 10.4), but where the
        // quota is used up they could never do so.
        let has_room = if must_authorize { !app.is_full() } else { seat.take(&app) };
        if !has_room {
            return Err(close::OVER_QUOTA);
        }
        drop(live);
        Ok(Admitted { app, seat, must_authorize, story: self.story(request) })
    }

    fn seat(&self) -> Option<Seat> {
        let before = self.node.fetch_add(1, Ordering::Relaxed);
        self.peak.fetch_max(before + 1, Ordering::Relaxed);
        let seat = Seat { node: Arc::clone(&self.node), app: None };
        (self.node_max == 0 || before < self.node_max).then_some(seat)
    }
}

/// A connection's place in the quotas of its node and its app, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    node: Arc<AtomicUsize>,
    app: Option<Arc<App>>,
}

impl Seat {
    /// Takes a place in the app's quota; whether there was one.
    pub(crate) fn take(&mut self, app: &Arc<App>) -> bool {
        if self.app.is_some() {
            return true;
        }
        let taken = app.take_connection();
        if taken {
            self.app = Some(Arc::clone(app));
        }
        taken
    }

    /// Gives the place in the app's quota back.
    pub(crate) fn give_back(&mut self) {
        if let Some(app) = self.app.take() {
            app.release_connection();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_back();
        self.node.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Protocols 4 to 7 are spoken; `version`, where it is given, is a dotted number (contract 1.3, 1.4).
fn check_protocol(query: &str) -> Result<(), Close> {
    let value =
        |name| query.split('&').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == name);
    match value("protocol") {
        None | Some((_, "")) => return Err(close::NO_PROTOCOL),
        Some((_, "4" | "5" | "6" | "7")) => {}
        Some(_) => return Err(close::UNSUPPORTED_PROTOCOL),
    }
    match value("version") {
        Some((_, version)) if !is_version(version) => Err(close::INVALID_VERSION),
        _ => Ok(()),
    }
}

/// `8`, `8.6.0`, `8.0.0-rc2` and the like.
fn is_version(text: &str) -> bool {
    let number = text.split(['-', '+', '%']).next().unwrap_or_default();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    number.split('.').all(digits)
}

#[cfg(test)]
mod tests {
    use super::super::witness::Unwatched;
    use super::*;
    use bellwire_hub::{AppSpec, KeySpec, Settings};

    fn door(settings: Settings, node_max: usize) -> Door {
        let apps = Apps::default();
        let key = KeySpec {
            key: "key".parse().unwrap(),
            secret: "secret".parse().unwrap(),
            active: true,
            created_at_ms: None,
        };
        let spec = AppSpec::new("1".parse().unwrap(), settings, vec![key]);
        apps.replace(vec![spec]).unwrap();
        Door::new(Arc::new(apps), node_max, Arc::new(Unwatched))
    }

    fn request(query: &str) -> Request<'_> {
        Request { key: "key", query, origin: None, tls: false, peer: None }
    }

    fn code(door: &Door, request: &Request<'_>) -> u16 {
        door.admit(request).expect_err("must be refused").code
    }

    // contract: 1.3, 1.4
    #[test]
    fn protocols_4_to_7_are_spoken() {
        let door = door(Settings::default(), 0);
        for good in ["4", "5", "6", "7"] {
            assert!(door.admit(&request(&format!("protocol={good}&client=js"))).is_ok());
        }
        for (query, expected) in [
            ("", 4008),
            ("client=js&version=8.6.0", 4008),
            ("protocol=", 4008),
            ("protocol=3", 4007),
            ("protocol=8", 4007),
            ("protocol=x", 4007),
            ("protocol=7.0", 4007),
            ("protocol=7&version=", 4006),
            ("protocol=7&version=a.b", 4006),
            ("protocol=7&version=1..2", 4006),
        ] {
            assert_eq!(code(&door, &request(query)), expected, "{query}");
        }
        assert!(door.admit(&request("protocol=7&version=8.6.0-beta.1&flash=false")).is_ok());
    }

    // contract: 1.14, 1.15, 1.16
    #[test]
    fn toggles_and_quotas_are_checked_in_turn() {
        let tls = door(Settings { force_tls: true, ..Settings::default() }, 0);
        assert_eq!(code(&tls, &request("protocol=7")), 4000);
        let disabled = door(Settings { enabled: false, ..Settings::default() }, 0);
        assert_eq!(code(&disabled, &request("protocol=7")), 4003);
        let small = door(Settings { max_connections: 1, ..Settings::default() }, 0);
        let first = small.admit(&request("protocol=7")).unwrap();
        assert_eq!(code(&small, &request("protocol=7")), 4004);
        drop(first);
        assert!(small.admit(&request("protocol=7")).is_ok());
    }

    // contract: 1.16, 1.17
    #[test]
    fn a_full_or_leaving_node_answers_4100() {
        let full = door(Settings::default(), 1);
        let first = full.admit(&request("protocol=7")).unwrap();
        assert_eq!(code(&full, &request("protocol=7")), 4100);
        drop(first);
        full.shut();
        assert_eq!(code(&full, &request("protocol=7")), 4100);
    }

    // contract: 10.4
    #[test]
    fn a_connection_counts_once_it_has_proved_itself() {
        let settings =
            Settings { authorized_connections: true, max_connections: 1, ..Settings::default() };
        let door = door(settings, 0);
        let mut first = door.admit(&request("protocol=7")).unwrap();
        let mut second = door.admit(&request("protocol=7")).unwrap();
        assert!(first.must_authorize);
        assert!(first.seat.take(&first.app));
        assert!(!second.seat.take(&second.app));
    }
}
