//! What the management API and the command line show to programs. The shapes are part of a promise:
//! fields are added, never renamed, and one that has nothing to say is `null`.

pub(crate) mod connection;
pub(crate) mod delivery;
pub(crate) mod gap;
pub(crate) mod line;
pub(crate) mod node;
pub(crate) mod replay;
pub(crate) mod webhook;

/// Stands for the value of a header: such values may be secret.
pub(crate) const HIDDEN: &str = "***";
