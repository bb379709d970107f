//! What a black-box test needs to talk to a running server: a process to start and stop, a raw
//! WebSocket client, a hand-made one for bad frames, a signed HTTP client and a client for the HTTP
//! fallbacks, and a webhook receiver. Nothing here links a crate of Bellwire, so a mistake that the server makes on both
//! sides of the wire cannot hide; every signature is computed here anew.
//!
//! Everything panics when the server does not do what was expected: the panic is the test's failure.
#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how a failure is told")]

mod api;
mod client;
mod cluster;
mod config;
mod daemon;
pub mod database;
mod fallback;
mod frame;
mod http;
pub mod nats;
pub mod postgres;
mod power;
mod proxy;
mod receiver;
pub mod redis;
mod server;
mod sign;
mod stream;
mod wire;

pub use api::{Api, Signed};
pub use client::{Client, Close, Incoming};
pub use cluster::{Cluster, Engine, LEASE, Node, Via};
pub use config::{App, Config, Webhook};
pub use daemon::AUTHORITY;
pub use fallback::{Fallback, FallbackFrame, Streaming};
pub use frame::Frame;
pub use http::{Connection, Request, Response};
pub use power::Power;
pub use proxy::Proxy;
pub use receiver::{
    Answer, DeadPort, DeadTargets, Deaf, Delivery, Gap, Gate, Given, Hook, Receiver, View,
};
pub use server::{Refusal, Server};
pub use sign::{channel_auth, hmac_hex, md5_hex, user_auth};
pub use stream::{PATIENCE, Stream, Target};
pub use wire::{Opcode, Wire, WireFrame};
