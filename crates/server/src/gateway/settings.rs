//! What the gateway is told by the config.

/// What all workers hold to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GatewaySettings {
    /// Seconds of silence after which a client is probed; clients are told.
    pub(crate) activity_timeout_s: u32,
    /// Seconds that a probed client has to answer.
    pub(crate) pong_timeout_s: u32,
    /// Seconds in which a connection must prove itself, where its app asks for it.
    pub(crate) authorize_within_s: u32,
    /// Bytes that may wait for one slow reader.
    pub(crate) backlog_bytes_max: usize,
}
