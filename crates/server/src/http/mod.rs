//! The HTTP side of both doors: accepts connections, reads requests, and sends each to whom it is
//! for. WebSockets leave from here to the gateway's workers.

mod answer;
mod dashboard;
mod listen;
mod route;
mod settled;
pub(crate) mod tls;

use std::net::IpAddr;
use std::sync::Arc;

use bellwire_hub::{Apps, Hub};
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::cluster::Nodes;
use crate::gateway::Switchboard;
use crate::gateway::admission::Door;
use crate::gateway::fallback::Fallbacks;
use crate::live::Live;
use crate::management::Management;
use crate::ops::webhooks::Watch;

pub(crate) use answer::Answer;
pub(crate) use listen::{Bound, bind, serve};

/// What every request may need.
pub(crate) struct House {
    /// The apps of the server.
    pub(crate) apps: Arc<Apps>,
    /// Channels and users.
    pub(crate) hub: Arc<Hub>,
    /// The way to the workers.
    pub(crate) switchboard: Arc<Switchboard>,
    /// Who may come in.
    pub(crate) door: Door,
    /// Sessions of the HTTP fallbacks.
    pub(crate) fallbacks: Fallbacks,
    /// What people see of apps while they run.
    pub(crate) live: Arc<Live>,
    /// The management API.
    pub(crate) management: Management,
    /// How the webhooks are.
    pub(crate) watch: Arc<Watch>,
    /// The nodes of this server.
    pub(crate) nodes: Arc<Nodes>,
    /// What metrics are read from.
    pub(crate) metrics: PrometheusHandle,
    /// What opens `/metrics` on the main listener; none: it is not there.
    pub(crate) metrics_token: Option<String>,
    /// Stands before every path, or nothing does.
    pub(crate) path_prefix: String,
    /// Whose `X-Forwarded-*` headers are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// Which door a request came through, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// The other end of the connection; none for a Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// Whether the connection is TLS.
    pub(crate) tls: bool,
    /// Whether it is the admin listener.
    pub(crate) admin: bool,
}

impl House {
    /// Where a request really comes from, and whether by TLS, if a trusted proxy says so.
    pub(crate) fn origin_of(&self, peer: Peer, headers: &http::HeaderMap) -> Peer {
        let trusted = match peer.address {
            Some(address) => self.trusted_proxies.iter().any(|net| net.contains(&address)),
            // Whoever can open the Unix socket is the proxy of this machine.
            None => true,
        };
        if !trusted {
            return peer;
        }
        // Proxies add to the end, in the same line or in one of their own.
        let lines = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let scheme = lines("x-forwarded-proto").next_back();
        let scheme = scheme.map(|scheme| last(scheme).to_ascii_lowercase());
        let tls = scheme.map_or(peer.tls, |scheme| scheme == "https" || scheme == "wss");
        let list = lines("x-forwarded-for").collect::<Vec<_>>().join(",");
        let address = self.first_untrusted(&list);
        Peer { address: address.or(peer.address), tls, admin: peer.admin }
    }

    /// The nearest address of the list that is no trusted proxy itself.
    fn first_untrusted(&self, list: &str) -> Option<IpAddr> {
        let addresses = list.rsplit(',').map(|part| part.trim().parse::<IpAddr>());
        addresses
            .map_while(Result::ok)
            .find(|address| !self.trusted_proxies.iter().any(|net| net.contains(address)))
    }
}

fn last(list: &str) -> &str {
    list.rsplit(',').next().unwrap_or_default().trim()
}
