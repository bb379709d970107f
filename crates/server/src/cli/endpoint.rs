//! Where a Pusher-compatible server is.

use std::fmt;

use super::failure::Failure;

/// One base address, for the HTTP API or for WebSockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) tls: bool,
    /// A name or an address; IPv6 without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before every path; empty, or `/…` without a slash at the end.
    pub(super) prefix: String,
}

impl Endpoint {
    /// Reads an address like `https://example.com:8443/prefix`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        Self::parsed(text).ok_or_else(|| {
            Failure::usage(format!("{text:?} is not the address of a server"))
                .hint("--host is like http://127.0.0.1:6001 or https://example.com/prefix")
        })
    }

    fn parsed(text: &str) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return None,
        };
        let (host, authority) = (uri.host()?, uri.authority()?.as_str());
        let port = match uri.port_u16() {
            Some(port) => port,
            None if authority == host && tls => 443,
            None if authority == host => 80,
            None => return None,
        };
        if authority.contains('@') || uri.query().is_some() || host.is_empty() {
            return None;
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { tls, host, port, prefix: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Pusher's own host for `api` or `ws` in a cluster.
    pub(super) fn of_pusher(kind: &str, cluster: &str) -> Result<Self, Failure> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if cluster.is_empty() || !cluster.chars().all(legal) {
            return Err(Failure::usage(format!("{cluster:?} is no cluster of Pusher"))
                .hint("--cluster is like mt1 or eu"));
        }
        let host = format!("{kind}-{cluster}.pusher.com");
        Ok(Self { tls: true, host, port: 443, prefix: String::new() })
    }

    /// Host and port as they stand in a URL.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_more() {
        for (text, whole) in [
            ("http://localhost:6001", "http://localhost:6001"),
            ("https://ws.example.com", "https://ws.example.com:443"),
            ("http://ws.example.com/", "http://ws.example.com:80"),
            ("wss://[::1]:8443/a/b/", "https://[::1]:8443/a/b"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), whole);
        }
        for bad in [
            "",
            "localhost",
            "localhost:6001",
            "ftp://a",
            "http://",
            "http://a:99999",
            "http://a:b@c",
            "http://a/?x=1",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cluster_names_the_hosts_of_pusher() {
        let host = Endpoint::of_pusher("api", "mt1").unwrap();
        assert_eq!(host.to_string(), "https://api-mt1.pusher.com:443");
        assert!(Endpoint::of_pusher("api", "evil.example/").is_err());
    }
}
