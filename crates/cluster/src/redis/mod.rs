//! The bus through Redis: one server, or the one that sentinels name.

mod connection;
mod place;
mod session;

pub(crate) use place::{At, Place, info};
