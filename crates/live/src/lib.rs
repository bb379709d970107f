//! What people see of apps while they run: the lines of a console, statistics over time, and what
//! went wrong, with what mends it.
//!
//! Nothing here reads a clock or opens a file: time is an argument, in milliseconds since the Unix
//! epoch, and what is kept goes through a port ([`LiveStore`]).

pub mod chart;
pub mod console;
pub mod errors;
mod fixes;
pub mod line;
pub mod rollup;
pub mod sharing;
mod store;
mod template;

pub use store::{LiveStore, Point, RETENTION, Retention};
