//! A client for Pusher's signed HTTP API (contract 12, 13). Redirects are not followed, proxies not
//! used: what is signed goes to the host that was named.

use std::time::Duration;

use bellwire_protocol::query::Query;
use bellwire_protocol::signature::body_md5;
use bellwire_protocol::{AppSecret, Signer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::Agent;

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::output::one_line;
use super::trust::Trust;
use crate::ops::clock::now_ms;

/// The API of one app.
pub(super) struct Api {
    agent: Agent,
    endpoint: Endpoint,
    app_id: String,
    key: String,
    signer: Signer,
}

impl Api {
    pub(super) fn new(
        endpoint: Endpoint,
        trust: &Trust,
        app_id: String,
        key: String,
        secret: &AppSecret,
    ) -> Self {
        let agent = Agent::config_builder()
            .tls_config(trust.for_http())
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_global(Some(ANSWER_WITHIN))
            .user_agent(concat!("bellwire/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, endpoint, app_id, key, signer: Signer::new(secret) }
    }

    /// A GET below `/apps/{id}`.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        let url = self.signed("GET", path, query, &[]);
        self.answer(self.agent.get(url).call())
    }

    /// A POST below `/apps/{id}`.
    pub(super) fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        let body = body.to_string();
        let url = self.signed("POST", path, &[], body.as_bytes());
        self.answer(self.agent.post(url).header("Content-Type", "application/json").send(&body))
    }

    /// The URL with everything that contract 13.1 asks for. The path is signed without the
    /// endpoint's prefix and decoded, as PHP's SDK does it (contract 13.4).
    fn signed(&self, method: &str, path: &[&str], query: &[(&str, &str)], body: &[u8]) -> String {
        let path = [&["apps", &self.app_id], path].concat();
        let timestamp = (now_ms() / 1000).to_string();
        let md5 = body_md5(body);
        let mut all = query.to_vec();
        all.extend([
            ("auth_key", self.key.as_str()),
            ("auth_timestamp", &timestamp),
            ("auth_version", "1.0"),
        ]);
        if !body.is_empty() {
            all.push(("body_md5", md5.as_str()));
        }
        let pairs = all.iter().map(|(name, value)| format!("{name}={}", encoded(value, IN_QUERY)));
        let raw = pairs.collect::<Vec<_>>().join("&");
        // No name is there twice, and what was just encoded is UTF-8.
        let query = Query::parse(&raw).unwrap_or_default();
        let to_sign = query.string_to_sign(method, &format!("/{}", path.join("/")));
        let signature = self.signer.sign(&[&to_sign]);
        let wire: Vec<String> = path.iter().map(|segment| in_path(segment)).collect();
        format!("{}/{}?{raw}&auth_signature={signature}", self.endpoint, wire.join("/"))
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let body = body.map_err(|error| self.unreachable(&error))?;
        if status != 200 {
            return Err(self.refusal(status, &body));
        }
        serde_json::from_str(&body).map_err(|_| {
            Failure::failed(format!("{} answered with something that is no JSON", self.endpoint))
                .hint("is it a Pusher-compatible server?")
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let hint = match (error, self.endpoint.tls) {
            (ureq::Error::Rustls(_) | ureq::Error::Io(_), true) if is_about_trust(error) => {
                "--ca-cert names the authority of a private certificate, --insecure believes any"
            }
            _ => "is the server running? --host (or BELLWIRE_HOST) names another address",
        };
        Failure::unreachable(format!("{} cannot be reached: {error}", self.endpoint)).hint(hint)
    }

    fn refusal(&self, status: u16, body: &str) -> Failure {
        let said: String = body.trim().chars().take(SAID_CHARS_MAX).collect();
        let said = format!("{} answered {status}: {}", self.endpoint, one_line(&said));
        match status {
            404 => Failure::not_found(said).hint(format!(
                "is {} an app of this server, and is a path prefix part of --host?",
                self.app_id
            )),
            401 => Failure::refused(said).hint(
                "--app-id, --key and --secret must belong together, and the clocks agree within \
                 ten minutes",
            ),
            403 => {
                Failure::refused(said).hint("the app may be disabled, or its message quota used up")
            }
            300..400 => Failure::failed(said).hint("--host must be the final address"),
            400..500 => Failure::refused(said),
            _ => Failure::failed(said),
        }
    }
}

/// Whether TLS failed over the certificate, in the words of rustls.
pub(super) fn is_about_trust(error: &dyn std::error::Error) -> bool {
    error.to_string().contains("certificate")
}

/// A text as one segment of a path.
pub(super) fn in_path(text: &str) -> String {
    encoded(text, IN_PATH)
}

fn encoded(text: &str, escaped: &'static AsciiSet) -> String {
    utf8_percent_encode(text, escaped).to_string()
}

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The characters of channel names stand as they are, so that signed and raw path are the same
/// (contract 13.4).
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'=').remove(b'@').remove(b',').remove(b';');

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Room for the list of a million channels.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Room for the string to sign that a refusal quotes.
const SAID_CHARS_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_what_the_server_decodes() {
        let endpoint = Endpoint::parse("http://h:1/pre").unwrap();
        let secret: AppSecret = "s".parse().unwrap();
        let api = Api::new(endpoint, &Trust::Public, "3".into(), "k".into(), &secret);
        let url = api.signed("GET", &["channels", "a=@,;b c"], &[("info", "x,y&z")], &[]);
        assert!(
            url.starts_with("http://h:1/pre/apps/3/channels/a=@,;b%20c?info=x%2Cy%26z&"),
            "{url}"
        );
        let (_, raw) = url.split_once('?').unwrap();
        let query = Query::parse(raw).unwrap();
        let to_sign = query.string_to_sign("GET", "/apps/3/channels/a=@,;b c");
        assert!(api.signer.verify(&[&to_sign], query.one("auth_signature").unwrap()));
        assert_eq!(query.one("body_md5"), None);
    }
}
