//! The server's gateway, compiled from its own files into this program: the server is a binary, so
//! that nothing else can link it, and a worker is driven here as its thread drives it. What is about
//! HTTP is left out. A new file of the gateway needs its line here.

#[path = "../../server/src/gateway/admission.rs"]
mod admission;
#[path = "../../server/src/gateway/asking.rs"]
mod asking;
#[path = "../../server/src/gateway/congestion.rs"]
mod congestion;
#[path = "../../server/src/gateway/connection.rs"]
mod connection;
pub(crate) mod delivery;
#[path = "../../server/src/gateway/driving.rs"]
mod driving;
#[path = "../../server/src/gateway/fanout.rs"]
mod fanout;
#[path = "../../server/src/gateway/inbox.rs"]
mod inbox;
#[path = "../../server/src/gateway/lifecycle.rs"]
mod lifecycle;
#[path = "../../server/src/gateway/mailbox.rs"]
mod mailbox;
#[path = "../../server/src/gateway/reading.rs"]
mod reading;
#[path = "../../server/src/gateway/rooms.rs"]
mod rooms;
#[path = "../../server/src/gateway/settings.rs"]
mod settings;
#[path = "../../server/src/gateway/slots.rs"]
mod slots;
#[path = "../../server/src/gateway/tally.rs"]
mod tally;
#[path = "../../server/src/gateway/transport.rs"]
mod transport;
#[path = "../../server/src/gateway/witness.rs"]
mod witness;
#[path = "../../server/src/gateway/worker.rs"]
mod worker;

pub(crate) use settings::GatewaySettings;
