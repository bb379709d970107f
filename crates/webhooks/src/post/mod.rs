//! The POST itself: one attempt to hand a body to a receiver, from the name of the host to the end of
//! the answer, within a time and within limits. Nothing is followed, unpacked, proxied or remembered
//! but connections. Dropping the attempt drops its connection.

mod connection;
mod dial;
mod exchange;
mod guard;
mod pool;
mod request;
pub mod resolve;
mod shelf;
pub mod sign;
mod target;
#[cfg(test)]
mod tests;
mod trouble;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use rustls_pki_types::CertificateDer;
use tokio::time::Instant;

use crate::attempt::{Answer, Failure};
use crate::ids::EndpointId;
use connection::Connection;
use dial::Dialler;
use exchange::After;
use pool::Pool;
use resolve::{Resolve, System};
use target::Target;
use trouble::Trouble;

/// How requests are made.
#[derive(Debug, Clone)]
pub struct PosterSettings {
    /// Whether loopback and private networks may be reached.
    pub allow_private: bool,
    /// Whether `http://` is refused.
    pub require_https: bool,
    /// For resolving, connecting and TLS together.
    pub connect_timeout: Duration,
    /// For everything, from resolving to the last byte of the answer's body.
    pub exchange_timeout: Duration,
    /// Authorities that are trusted besides those of the web.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for PosterSettings {
    fn default() -> Self {
        Self {
            allow_private: true,
            require_https: false,
            connect_timeout: Duration::from_secs(3),
            exchange_timeout: Duration::from_secs(10),
            extra_roots: Vec::new(),
        }
    }
}

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum PosterError {
    /// An extra root is no certificate of an authority.
    #[error("an authority of webhook receivers cannot be used: {0}")]
    Root(#[source] rustls::Error),
    /// TLS itself.
    #[error("TLS for webhooks: {0}")]
    Tls(#[source] rustls::Error),
}

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Whose connections are used.
    pub endpoint: EndpointId,
    /// Where to.
    pub url: String,
    /// Names and values, in the order in which they are sent. Names are sent in Title-Case; those
    /// that belong to the connection, like `Host` and `Content-Length`, are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// Whether anything may be sent now.
pub type MaySend<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Sends requests. One is enough for all endpoints.
pub struct Poster {
    dialler: Dialler,
    pool: Pool,
    /// Whether `http://` is refused.
    require_https: bool,
    /// For one exchange.
    timeout: Duration,
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

impl Poster {
    /// A poster that asks the system for addresses.
    ///
    /// # Errors
    /// When an extra root is not a certificate of an authority.
    pub fn new(settings: PosterSettings) -> Result<Self, PosterError> {
        Self::with_resolver(settings, Box::<System>::default())
    }

    /// A poster that asks somebody else for addresses.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn with_resolver(
        settings: PosterSettings,
        resolver: Box<dyn Resolve>,
    ) -> Result<Self, PosterError> {
        let (require_https, timeout) = (settings.require_https, settings.exchange_timeout);
        let dialler = Dialler::new(settings, resolver)?;
        Ok(Self { dialler, pool: Pool::default(), require_https, timeout })
    }

    /// Why no attempt would ever be made at a URL: it leads to where none may go. What is no URL at all
    /// is for [`Terms::check`](crate::endpoint::Terms::check) to say. Inside a tokio runtime; it takes
    /// no longer than connecting may.
    pub async fn refusal(&self, url: &str) -> Option<String> {
        self.dialler.refusal(&Target::parse(url).ok()?).await
    }

    /// Makes one attempt, inside a tokio runtime. It ends within the time of the settings. Whether it may
    /// be made is asked before, and once more right before the request is written.
    pub async fn post_if(&self, outgoing: Outgoing, may_send: MaySend<'_>) -> Answer {
        let started = Instant::now();
        let mut answer = Answer::default();
        let deadline = started + self.timeout;
        let done = self.attempt(&outgoing, may_send, deadline, &mut answer).await;
        if let Err(trouble) = done {
            answer.failure = Some(trouble.failure);
            answer.detail = trouble.detail;
            answer.remote = trouble.remote.map(|remote| remote.to_string()).or(answer.remote);
        }
        answer.duration_ms = started.elapsed().as_millis().try_into().unwrap_or(u32::MAX);
        answer
    }

    /// Drops the idle connections of an endpoint.
    pub fn forget(&self, endpoint: &EndpointId) {
        self.pool.forget(endpoint);
    }

    async fn attempt(
        &self,
        outgoing: &Outgoing,
        may_send: MaySend<'_>,
        deadline: Instant,
        answer: &mut Answer,
    ) -> Result<(), Trouble> {
        allowed(may_send)?;
        let target = Target::parse(&outgoing.url)?;
        if self.require_https && !target.origin.is_tls {
            let detail = "http:// is not allowed here: webhooks must go to https://";
            return Err(Trouble::new(Failure::Forbidden, detail));
        }
        if let Some(mut reused) = self.pool.take(&outgoing.endpoint, &target.origin) {
            let result = send(&mut reused, outgoing, &target, deadline, answer).await;
            let is_broken = |trouble: &Trouble| trouble.failure == Failure::Broken;
            // Receivers close idle connections whenever they like, also while a request is on its
            // way; then it was not answered by anybody, and a fresh connection is worth a try.
            let is_stale = !reused.has_heard() && result.as_ref().is_err_and(is_broken);
            if !is_stale {
                return result.map(|after| self.put_away(after, outgoing, target, reused));
            }
            *answer = Answer::default();
        }
        let mut fresh = self.dialler.dial(&target, deadline).await?;
        // That may have taken long: this process may have been stopped meanwhile.
        allowed(may_send)?;
        let after = send(&mut fresh, outgoing, &target, deadline, answer).await?;
        self.put_away(after, outgoing, target, fresh);
        Ok(())
    }

    fn put_away(&self, after: After, outgoing: &Outgoing, target: Target, connection: Connection) {
        if after == After::Keep {
            self.pool.put(&outgoing.endpoint, target.origin, connection);
        }
    }
}

fn allowed(may_send: MaySend<'_>) -> Result<(), Trouble> {
    let detail = "the node may not send while its lease is in doubt";
    if may_send() { Ok(()) } else { Err(Trouble::new(Failure::Broken, detail)) }
}

async fn send(
    connection: &mut Connection,
    outgoing: &Outgoing,
    target: &Target,
    deadline: Instant,
    answer: &mut Answer,
) -> Result<After, Trouble> {
    let request = request::build(target, &outgoing.headers, &outgoing.body)?;
    answer.remote = Some(connection.remote.to_string());
    answer.request_head = request::head(&request);
    exchange::exchange(connection, request, deadline, answer).await
}
