//! What the operator wants of the bus.

use std::fmt;

use crate::address::Address;
use crate::dial::Dialler;
use crate::error::BusError;
use crate::subject::Subjects;

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

impl BusConfig {
    /// Whether a bus can be made of it; nothing is connected to.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn check(&self) -> Result<(), BusError> {
        let address = Address::parse(&self.url)?;
        Subjects::of(&self.prefix)?;
        Dialler::new(address.is_tls, self.authorities.as_deref()).map(|_| ())
    }
}

impl fmt::Debug for BusConfig {
    /// Without the URL's login.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = Address::parse(&self.url).map(|address| address.hosts);
        f.debug_struct("BusConfig")
            .field("hosts", &hosts)
            .field("prefix", &self.prefix)
            .field("queue_messages_max", &self.queue_messages_max)
            .field("queue_bytes_max", &self.queue_bytes_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_says_what_is_wrong_and_never_shows_a_password() {
        let mut config = BusConfig::of("rediss://:hunter2@cache");
        assert_eq!(config.check(), Ok(()));
        assert!(format!("{config:?}").contains("cache"));
        assert!(!format!("{config:?}").contains("hunter2"));
        config.authorities = Some(b"-----BEGIN CERTIFICATE-----\nx".into());
        assert!(matches!(config.check(), Err(BusError::Authorities(_))));
        config.prefix = "a.b".into();
        assert_eq!(config.check(), Err(BusError::Prefix));
        config.url = "cache:hunter2".into();
        assert!(matches!(config.check(), Err(BusError::Url { part: "scheme", .. })));
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
