//! The bus through Redis: one server, the one that sentinels name, or a cluster.

mod cluster;
mod connection;
mod place;
mod session;
mod slots;
mod words;

pub(crate) use cluster::Cluster;
pub(crate) use place::{At, Place, info};
pub(crate) use words::Words;
