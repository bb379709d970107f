//! What the operator wants of the bus.

/// Which engine, and how much may wait for it.
#[derive(Clone)]
pub struct BusConfig {
    /// `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://`, `nats://` or `tls://`, as
    /// the reference describes them. May hold a password.
    pub url: String,
    /// How the subjects of this cluster begin; see [`crate::Subjects`].
    pub prefix: String,
    /// Certificates of authorities (PEM) to trust besides the public ones.
    pub authorities: Option<Vec<u8>>,
    /// How many messages may wait to go out.
    pub queue_messages_max: usize,
    /// How many bytes of them.
    pub queue_bytes_max: usize,
}

impl BusConfig {
    /// The engine at this URL, with what is usual.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self {
            url: url.into(),
            prefix: "bellwire".into(),
            authorities: None,
            queue_messages_max: 100_000,
            queue_bytes_max: 64 << 20,
        }
    }
}

/// Why there can be no bus. Never shows a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// A part of the URL.
    #[error("the bus URL's {part} must be {expected}")]
    Url {
        /// Which.
        part: &'static str,
        /// What was expected there.
        expected: &'static str,
    },
    /// The prefix of the subjects.
    #[error("the prefix of the bus must be 1 to 32 letters, digits, '-' or '_'")]
    Prefix,
    /// The certificates of authorities.
    #[error("the certificates of the bus cannot be read: {0}")]
    Authorities(String),
}
