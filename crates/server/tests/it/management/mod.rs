//! The management API from the outside: raw HTTP with tokens that the command line makes, each
//! endpoint and each refusal.

mod access;
mod deliveries;
mod faults;
pub(crate) mod live;
pub(crate) mod office;
mod replays;
mod state;
mod webhooks;
