//! The writing desk: from a fact to a 2xx, or an honest record of failure.

pub mod announcement;
pub mod attempt;
pub mod batch;
mod breaker;
mod clock;
mod courier;
mod courier_task;
mod desk;
pub mod endpoint;
pub mod engine;
pub mod event;
pub mod feed;
mod hashing;
pub mod ids;
mod lane;
pub mod ledger;
mod mail;
pub mod node;
pub mod observer;
pub mod outbox;
mod pace;
pub mod post;
pub mod replay;
mod rerun;
#[cfg(test)]
mod sabotage;
pub mod schedule;
mod seat;
pub mod secret;
pub mod service;
pub mod settle;
#[cfg(test)]
mod simulation;
mod standing;
pub mod turn;
mod writer;
