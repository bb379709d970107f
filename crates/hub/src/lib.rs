//! Who is here, who listens, what was last said. The hub takes commands, changes its state and
//! answers with effects: messages for the workers that own the sockets, and facts for whoever wants
//! to know what happened.
//!
//! The hub never reads a clock, never opens a socket and does not know that webhooks exist. Time
//! is an argument, in milliseconds since the Unix epoch.

pub mod app;
pub mod apps;
pub mod cache;
mod channel;
pub mod complaint;
pub mod conn;
mod effects;
mod elsewhere;
pub mod fact;
pub mod hub;
pub mod interest;
pub mod looking;
pub mod neighbours;
pub mod outlet;
mod owner;
pub mod peers;
mod presence;
pub mod session;
mod shard;
pub mod statistics;
mod subscriptions;
mod users;

pub use app::{App, Settings};
pub use apps::{AppSpec, AppStore, Apps, KeySpec};
pub use channel::ChannelInfo;
pub use conn::{ChannelId, Conn};
pub use fact::{Fact, FactSink};
pub use hub::Hub;
pub use outlet::{Message, Outlet};
pub use owner::{Owner, Purse};
pub use peers::Peers;
pub use session::{Action, Session};
pub use shard::Refusal;
