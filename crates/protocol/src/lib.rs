//! The words of Pusher Channels, protocol 7, as types: names, messages, frames, signatures, close
//! codes and limits. Everything here is a pure function of its arguments: no I/O, no clock, no async.
//!
//! Bytes become words at this door once and stay words afterwards. A [`ChannelName`] knows its
//! [`ChannelKind`]; nobody looks at a prefix again.

pub mod channel;
pub mod client;
pub mod close;
pub mod deflate;
pub mod frame;
pub mod ids;
pub mod json;
pub mod limits;
pub mod presence;
pub mod publish;
pub mod query;
pub mod server;
pub mod signature;
pub mod socket_id;
pub mod user;

pub use channel::{ChannelKind, ChannelName};
pub use client::ClientMessage;
pub use close::Close;
pub use frame::Frame;
pub use ids::{AppId, AppKey, AppSecret, InvalidId, UserId};
pub use json::JsonStr;
pub use signature::Signer;
pub use socket_id::SocketId;
