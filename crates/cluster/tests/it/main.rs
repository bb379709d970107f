//! The bus against real servers: one contract for all engines, and what only one of them has.
#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how a failure is told")]

mod contract;
mod engine;
mod nats;
mod node;
mod redis;
