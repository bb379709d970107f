//! From what the operator wants to a bus.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::address::{Address, Kind};
use crate::bus::{Bus, Hearer};
use crate::config::BusConfig;
use crate::dial::Dialler;
use crate::error::BusError;
use crate::keeper::Single;
use crate::line::{Ear, Line};
use crate::nats::Nats;
use crate::redis::{At, Cluster, Place, Words, info};
use crate::subject::Subjects;

/// A bus that connects, and connects again whenever it has to, on this runtime. It need not be
/// reachable yet: the hearer is told.
///
/// # Errors
/// What is configured makes no sense.
pub fn connect(
    config: &BusConfig,
    hearer: Arc<dyn Hearer>,
    runtime: Handle,
) -> Result<Arc<dyn Bus>, BusError> {
    let Address { kind, mut hosts, is_tls, login } = Address::parse(&config.url)?;
    Subjects::of(&config.prefix)?;
    let dialler = Dialler::new(is_tls, config.authorities.as_deref())?;
    let (line, ear) = (Line::new(config), Ear::of(hearer));
    let place = |at, db, words| Place {
        dialler: dialler.clone(),
        info: info(&login, db),
        at,
        words,
        moved: Arc::default(),
    };
    Ok(match kind {
        Kind::Redis { db } => {
            let place = place(At::Host(hosts.swap_remove(0)), db, Words::Plain);
            Arc::new(Single::start(place, line, ear, &runtime))
        }
        Kind::Sentinel { service, db, login } => {
            let at = At::Watched { sentinels: hosts, service, info: info(&login, 0) };
            Arc::new(Single::start(place(at, db, Words::Plain), line, ear, &runtime))
        }
        Kind::Cluster => {
            let place = place(At::Host(hosts[0].clone()), 0, Words::Sharded);
            Arc::new(Cluster::start(place, hosts, config, ear, runtime))
        }
        Kind::Nats => {
            let nats = Nats::new(hosts, login, dialler, &config.prefix);
            let nats =
                nats.ok_or(BusError::Url { part: "host", expected: "a name or an address" })?;
            Arc::new(Single::start(nats, line, ear, &runtime))
        }
    })
}
