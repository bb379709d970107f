//! From what the operator wants to a bus.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::address::{Address, Kind};
use crate::bus::{Bus, Hearer};
use crate::config::{BusConfig, BusError};
use crate::dial::Dialler;
use crate::line::{Ear, Line};
use crate::redis::{At, Place, Redis, info};
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
    let (at, db) = match kind {
        Kind::Redis { db } => (At::Host(hosts.swap_remove(0)), db),
        Kind::Sentinel { service, db, login } => {
            (At::Watched { sentinels: hosts, service, info: info(&login, 0) }, db)
        }
        Kind::Cluster => todo!(),
        Kind::Nats => todo!(),
    };
    let place = Place { dialler, info: info(&login, db), at };
    Ok(Arc::new(Redis::start(place, line, ear, &runtime)))
}
