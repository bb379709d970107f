//! What the nodes of a cluster say to each other while it is happening. The [`Bus`] carries live
//! messages through Redis or NATS; what it carries may be lost, and loss is noticed and counted.
//! What must not be lost goes through the database and not through here.

pub mod bus;
pub mod config;
pub mod envelope;
mod reading;
pub mod sequence;
pub mod subject;

pub use bus::{Bus, Figures, Hearer};
pub use config::{BusConfig, BusError};
pub use envelope::{Envelope, Event, Payload, Refusal};
pub use sequence::{Losses, Sequence, Sequences};
pub use subject::{Address, Subject, Subjects};
