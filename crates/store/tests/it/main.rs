//! What the adapters promise, from the outside: the contracts of the ports, and what is particular
//! to SQLite and to PostgreSQL.
#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how a failure is told")]

mod contract;
mod copy;
mod postgres;
mod sqlite;
