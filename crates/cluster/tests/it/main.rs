//! The bus against real servers: one contract for all engines, and what only one of them has.

mod contract;
mod engine;
mod node;
mod redis;
