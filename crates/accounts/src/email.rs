//! E-mail addresses, as far as anybody can know without sending a mail.

use std::fmt;
use std::str::FromStr;

use crate::Unfit;

/// By which a person is known; lower case, so that one person has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

/// Bytes of an address at most (RFC 5321, 4.5.3.1.3).
const BYTES: usize = 254;

impl Email {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let text = text.trim();
        let parts = text.rsplit_once('@');
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
        let fits = parts.is_some_and(|(who, host)| {
            let labels = host.split('.').all(|label| !label.is_empty());
            !who.is_empty() && !who.contains('@') && !host.is_empty() && labels
        });
        if !fits || text.len() > BYTES || text.contains(odd) {
            return Err(Unfit("expected an e-mail address such as ada@example.com".into()));
        }
        Ok(Self(text.to_lowercase().into()))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_lower_case() {
        assert_eq!(" Ada@Example.com ".parse::<Email>().unwrap().as_str(), "ada@example.com");
        assert!("root@localhost".parse::<Email>().is_ok());
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in
            ["", "ada", "@b.c", "a@", "a b@c.d", "a@b@c.d", "a@.d", "<a@b.c>", "a@b..c", &long]
        {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
