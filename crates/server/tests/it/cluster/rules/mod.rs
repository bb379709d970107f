//! The rules of the contract where two clients, or a client and a publisher, are on different nodes.

mod cache;
mod channels;
mod limits;
mod presence;
mod users;
