//! The binary from the outside: raw JSON over real sockets, signatures made by the test kit, a module
//! for each feature. `BELLWIRE_BIN` names another binary to run the same tests against. The line
//! above each test names the rules of the contract that it proves.
#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how a failure is told")]

mod accounts;
mod authorized;
mod bad_input;
mod bad_requests;
mod cache;
mod channel_auth;
mod cli;
mod client_events;
mod cluster;
mod cluster_ops;
mod compression;
mod config;
mod connecting;
mod cors;
mod counts;
mod dashboard;
mod drain;
mod encrypted;
mod fallback;
mod habits;
mod hostile;
mod house;
mod http_api;
mod keys;
mod limits;
mod liveness;
mod management;
mod messages;
mod operations;
mod polling;
mod presence;
mod publishing;
mod reload;
mod signatures;
mod streaming;
mod subscribing;
mod support;
mod terminate;
mod users;
mod watchlist;
mod webhooks;
