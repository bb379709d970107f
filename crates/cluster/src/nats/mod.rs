//! The bus through NATS.
//!
//! The client library keeps the words of the protocol; the life of a connection is ours, as it is
//! with Redis: a lost one ends with all that was asked on it, and the next one begins anew.
//!
//! A subject that is heard costs about 5.5 KB of memory (a quarter of a KB with Redis): the library
//! has a channel for each. Between several servers of NATS, who listens becomes known a moment after
//! it was asked: a subject is ready at the server that was asked.

mod marker;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use crate::address::{Host, Login};
use crate::dial::{Dialler, within};
use crate::keeper::Server;
use crate::line::{Ear, Line};
use session::Connected;

/// The servers of one NATS, and how they let us in.
pub(crate) struct Nats {
    hosts: Vec<Host>,
    servers: Vec<ServerAddr>,
    login: Login,
    dialler: Dialler,
    /// How the subjects of markers begin.
    prefix: String,
}

impl Nats {
    /// Any of these servers; nothing, if the library cannot read where they are.
    pub(crate) fn new(
        hosts: Vec<Host>,
        login: Login,
        dialler: Dialler,
        prefix: &str,
    ) -> Option<Self> {
        let servers = hosts.iter().map(|host| format!("nats://{host}").parse());
        let servers = servers.collect::<Result<_, _>>().ok()?;
        Some(Self { hosts, servers, login, dialler, prefix: prefix.into() })
    }

    fn options(&self, trouble: watch::Sender<Option<String>>) -> ConnectOptions {
        let options = ConnectOptions::new()
            .name("bellwire")
            .connection_timeout(PATIENCE)
            .max_reconnects(self.servers.len())
            .skip_subject_validation(true)
            .subscription_capacity(UNHEARD_MAX)
            .event_callback(move |event| {
                note(&trouble, &event);
                std::future::ready(())
            });
        let options = match self.dialler.tls() {
            Some(tls) => options.require_tls(true).tls_client_config(tls),
            None => options,
        };
        match self.login.clone() {
            Login { user: Some(user), password: Some(password) } => {
                options.user_and_password(user, password)
            }
            // A lone word is a token, as it is in the URLs of other clients.
            Login { user: Some(token), .. } | Login { password: Some(token), .. } => {
                options.token(token)
            }
            Login { user: None, password: None } => options,
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        names.join(",")
    }
}

impl Server for Nats {
    type Session = Connected;

    async fn open(&self, line: &Arc<Line>, ear: &Arc<Ear>) -> Result<Connected, String> {
        let (trouble, troubled) = watch::channel(None);
        let patience = PATIENCE * self.servers.len() as u32 + PATIENCE;
        let opened = within(patience, async {
            let client = self.options(trouble).connect(&self.servers).await;
            let client = client.map_err(|e| e.to_string())?;
            Connected::new(client, troubled, &self.prefix, line, ear).await
        });
        opened.await.map_err(|why| format!("{}: {why}", self.names()))
    }
}

/// Remembers the first thing that ends a connection.
fn note(trouble: &watch::Sender<Option<String>>, event: &Event) {
    let why = match event {
        Event::Disconnected | Event::Closed => CLOSED.into(),
        Event::ServerError(error) => error.to_string(),
        Event::ClientError(error) => error.to_string(),
        // That a subject is heard too slowly is seen by the gaps.
        Event::Connected | Event::LameDuckMode | Event::Draining | Event::SlowConsumer(_) => return,
    };
    trouble.send_if_modified(|known| {
        let is_first = known.is_none();
        known.get_or_insert(why);
        is_first
    });
}

/// All that is known of most ends.
const CLOSED: &str = "the connection was closed";

/// How long one server is tried.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many messages of one subject may wait to be heard; what comes then is lost. It takes a
/// burst that arrives in one read, and room is only taken when it is used.
const UNHEARD_MAX: usize = 8_192;
