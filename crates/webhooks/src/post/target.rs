//! Where a request goes, taken from its URL.

use std::net::IpAddr;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;

use super::trouble::Trouble;
use crate::attempt::Failure;

/// A URL, taken apart.
#[derive(Debug)]
pub(super) struct Target {
    /// Whom to connect to.
    pub(super) origin: Origin,
    /// What is asked for there.
    pub(super) path: PathAndQuery,
}

/// Whom to connect to. Connections serve any path of their origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) is_tls: bool,
    /// A name in small letters, or an address; one of IPv6 without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Takes a URL apart.
    pub(super) fn parse(url: &str) -> Result<Self, Trouble> {
        let refuse = || {
            let detail = format!("{url:?} is no address like https://example.com/webhooks");
            Trouble::new(Failure::Forbidden, detail)
        };
        let uri: Uri = url.parse().map_err(|_| refuse())?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(refuse()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(refuse)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(default_port(is_tls));
        let path = uri.into_parts().path_and_query;
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { origin: Origin { is_tls, host, port }, path })
    }
}

impl Origin {
    /// The host, if it is an address in the usual form.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The `Host` header.
    pub(super) fn host_header(&self) -> Option<HeaderValue> {
        let bracketed = self.host.contains(':').then(|| format!("[{}]", self.host));
        let host = bracketed.as_deref().unwrap_or(&self.host);
        let value = if self.port == default_port(self.is_tls) {
            HeaderValue::try_from(host)
        } else {
            HeaderValue::try_from(format!("{host}:{}", self.port))
        };
        value.ok()
    }

    /// The name that the certificate must be for.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, Trouble> {
        ServerName::try_from(self.host.clone()).map_err(|_| {
            let detail = format!("{} is no name that a certificate can be for", self.host);
            Trouble::new(Failure::Tls, detail)
        })
    }
}

fn default_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (bool, String, u16, String, String) {
        let Target { origin, path } = Target::parse(url).unwrap();
        let header = origin.host_header().unwrap().to_str().unwrap().to_owned();
        (origin.is_tls, origin.host, origin.port, header, path.to_string())
    }

    #[test]
    fn a_url_says_whom_to_connect_to_and_what_to_ask_for() {
        let of = |a, b: &str, c, d: &str, e: &str| (a, b.into(), c, d.into(), e.into());
        let cases = [
            ("https://Example.com", of(true, "example.com", 443, "example.com", "/")),
            ("http://example.com:80/a?b=c", of(false, "example.com", 80, "example.com", "/a?b=c")),
            ("HTTPS://a.test:80/é", of(true, "a.test", 80, "a.test:80", "/é")),
            ("http://[::1]:8080/", of(false, "::1", 8080, "[::1]:8080", "/")),
            ("https://[2001:DB8::1]/", of(true, "2001:db8::1", 443, "[2001:db8::1]", "/")),
            ("http://user:word@a.test/x", of(false, "a.test", 80, "a.test", "/x")),
            ("http://a.test?x=1", of(false, "a.test", 80, "a.test", "/?x=1")),
        ];
        for (url, expected) in cases {
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for url in
            ["", "example.com", "/path", "ftp://a.test/", "http:///x", "http://a b/", "http://"]
        {
            let trouble = Target::parse(url).unwrap_err();
            assert_eq!(trouble.failure, Failure::Forbidden, "{url}");
        }
    }

    #[test]
    fn only_the_usual_form_is_an_address_here() {
        let address = |url: &str| Target::parse(url).unwrap().origin.address();
        assert_eq!(address("http://127.0.0.1/"), Some([127, 0, 0, 1].into()));
        assert!(address("http://[::ffff:10.0.0.1]/").is_some());
        for odd in ["http://0x7f.1/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/"] {
            assert_eq!(address(odd), None, "{odd}");
        }
    }
}
