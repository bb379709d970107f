//! The bus through Redis: one server, the one that sentinels name, or a cluster.
//!
//! Redis keeps what a listener has not read yet, and closes the connection when that becomes too much
//! (`client-output-buffer-limit pubsub`, 32 MB or 8 MB for a minute, unless configured otherwise). The
//! listener comes back by itself; what was between is lost, and the gaps are seen.

mod cluster;
mod connection;
mod place;
mod session;
mod slots;
mod words;

pub(crate) use cluster::Cluster;
pub(crate) use place::{At, Place, info};
pub(crate) use words::Words;
