//! What can be wrong with the settings of a bus.

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
