//! What the handlers share: the store, the running server, and the order in which changes are made.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bellwire_accounts::{Digest, Entry, Throttle};
use bellwire_hub::{App, Apps, Hub};
use bellwire_protocol::AppId;
use bellwire_store::Store;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::EndpointId;
use bellwire_webhooks::service::Service;
use tokio::sync::{Mutex, Semaphore, oneshot};

use super::problem::Problem;
use crate::cluster::Nodes;
use crate::gateway::Switchboard;
use crate::live::{Everywhere, Live};
use crate::ops::apps::Errand;
use crate::ops::webhooks::Watch;

/// Questions to the store at the same time; others wait. Each may take a thread and a connection of
/// its own, and whoever has no token asks too.
const AT_ONCE: usize = 8;
/// Passwords that are compared at the same time: each takes tens of milliseconds and 19 MiB.
const PASSWORDS_AT_ONCE: usize = 2;

/// How long somebody waits for the store: one that is stalled may take for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comes of it, unless that takes too long.
async fn in_time<T>(answer: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(Problem::no_database()))
}

/// What every request may need.
pub(crate) struct Desk {
    /// The apps of the server.
    pub(crate) apps: Arc<Apps>,
    /// Channels and users.
    pub(crate) hub: Arc<Hub>,
    /// The way to the workers.
    pub(crate) switchboard: Arc<Switchboard>,
    /// Where all is kept.
    pub(crate) store: Arc<dyn Store>,
    /// The engine.
    pub(crate) webhooks: Arc<Service>,
    /// How the webhooks are.
    pub(crate) watch: Arc<Watch>,
    /// What people see of apps while they run.
    pub(crate) live: Arc<Live>,
    /// Whom to ask about connections.
    pub(crate) everywhere: Everywhere,
    /// The nodes of this server.
    pub(crate) nodes: Arc<Nodes>,
    /// Whom to ask to bring the apps up to date.
    pub(crate) errands: Sender<Errand>,
    /// Whether new URLs must be https.
    pub(crate) require_https: bool,
    /// Stands before every path, or nothing does.
    pub(crate) path_prefix: String,
    /// What the link of the first operator opens.
    pub(crate) setup: Digest,
    /// Whose turn it is.
    pub(crate) order: Order,
}

/// Who waits for whom.
pub(crate) struct Order {
    /// Those who guess passwords.
    pub(super) throttle: std::sync::Mutex<Throttle>,
    /// Held while something is changed: a change begins by reading what is there.
    writing: Arc<Mutex<()>>,
    /// For the questions that are being asked.
    permits: Arc<Semaphore>,
    /// For the passwords that are being compared.
    passwords: Arc<Semaphore>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            throttle: std::sync::Mutex::default(),
            writing: Arc::default(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
        }
    }
}

impl Desk {
    /// Asks the store, on a thread that may wait for it.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.ask_with(&self.order.permits, question).await
    }

    /// Like [`ask`](Self::ask), for what takes long on purpose.
    pub(super) async fn compare<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.ask_with(&self.order.passwords, question).await
    }

    async fn ask_with<T: Send + 'static>(
        self: &Arc<Self>,
        permits: &Arc<Semaphore>,
        question: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (desk, permits) = (Arc::clone(self), Arc::clone(permits));
        let answer = async {
            let permit = permits.acquire_owned().await;
            let answer = tokio::task::spawn_blocking(move || {
                // Kept until the work is done, even if nobody waits for it any more.
                let _permit = permit;
                question(&desk)
            });
            answer.await.unwrap_or_else(|error| Err(Problem::internal(&error)))
        };
        in_time(answer).await
    }

    /// Like [`ask`](Self::ask), for what changes something: one at a time, and the engine is told.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let writing = Arc::clone(&self.order.writing).lock_owned();
        let writing = in_time(async { Ok(writing.await) }).await?;
        self.ask(move |desk| {
            let _writing = writing;
            let done = change(desk)?;
            desk.webhooks.changed();
            Ok(done)
        })
        .await
    }

    /// Like [`change`](Self::change), for what the running server has to know of apps: it knows it
    /// when the answer is given.
    pub(super) async fn change_apps<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = self.change(change).await?;
        let (told, known) = oneshot::channel();
        if self.errands.send(Errand::Follow(told)).is_ok() {
            // A server that goes down answers no more.
            let _ = known.await;
        }
        Ok(done)
    }

    /// Writes down who did what. It is done already, so that this fails is for the log.
    pub(super) fn note(&self, entry: &Entry) {
        tracing::info!(
            by = entry.actor.name,
            actor = entry.actor.id,
            target = entry.target,
            app = entry.app.as_ref().map(AppId::as_str),
            account = entry.account.as_ref().map(bellwire_accounts::AccountId::as_str),
            "{}",
            entry.action
        );
        if let Err(error) = self.store.record(entry) {
            tracing::error!(%error, action = entry.action, "a change is not in the audit");
        }
    }

    /// An app of the running server.
    pub(super) fn served(&self, id: &AppId) -> Result<Arc<App>, Problem> {
        self.apps.by_id(id.as_str()).ok_or_else(|| Problem::not_found("app"))
    }

    /// An endpoint of an app.
    pub(super) fn endpoint(&self, app: &AppId, id: &EndpointId) -> Result<Endpoint, Problem> {
        let endpoint = self.store.endpoint(id)?.filter(|endpoint| endpoint.app == *app);
        endpoint.ok_or_else(|| Problem::not_found("webhook"))
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_store_for_ever() {
        assert_eq!(in_time(async { Ok(5) }).await.unwrap(), 5);
        let stalled = std::future::pending::<Result<(), Problem>>();
        let problem = in_time(stalled).await.unwrap_err();
        assert_eq!(problem.into_response().status(), 503);
    }
}
