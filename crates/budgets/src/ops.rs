//! What the gateway needs of the server's `ops`.

#[path = "../../server/src/ops/clock.rs"]
pub(crate) mod clock;
