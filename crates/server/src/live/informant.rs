//! What a node knows of its connections, for people who ask it or another node.

use std::sync::Arc;

use bellwire_cluster::{Answers, Asked, Link};
use bellwire_hub::{App, Apps};
use bellwire_protocol::SocketId;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::questions::{Place, Questions};
use crate::views::connection::ConnectionView;

/// What a node is asked about the connections of an app.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    /// Whose.
    pub(super) app: String,
    /// What.
    pub(super) about: About,
}

/// What a node is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum About {
    /// Those that have `q`, in lower case, in what is known of them: so many from a place on.
    Some { q: String, from: Option<Place>, limit: usize },
    /// One.
    One(String),
    /// One that is to end.
    End(String),
}

/// What a node says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Those that were asked for.
    Some(Part),
    /// The one, if it is there.
    One(Option<Box<RawValue>>),
    /// Whether it was there.
    End(bool),
}

/// Connections of a node.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Part {
    /// In the order of their places.
    pub(super) connections: Vec<(Place, Box<RawValue>)>,
    /// Where to go on; none: that was all.
    pub(super) next: Option<Place>,
    /// How many there are before and after, too.
    pub(super) total: usize,
}

impl About {
    /// What is said where nobody is.
    fn of_nobody(&self) -> Answer {
        match self {
            Self::Some { .. } => Answer::Some(Part::default()),
            Self::One(_) => Answer::One(None),
            Self::End(_) => Answer::End(false),
        }
    }
}

/// Who knows.
pub(crate) struct Informant {
    apps: Arc<Apps>,
    questions: Questions,
    /// What this node is called.
    name: Box<str>,
}

/// Bytes of connections that are told to another node, roughly: what carries it may carry no more
/// than a megabyte.
const BYTES_MAX: usize = 256 << 10;
/// Questions of other nodes that are being answered; more are not.
const AT_ONCE: usize = 32;

impl Informant {
    /// Knows the connections of this node.
    pub(crate) fn new(apps: Arc<Apps>, questions: Questions, name: &str) -> Arc<Self> {
        Arc::new(Self { apps, questions, name: name.into() })
    }

    /// Whether a connection with this name came to this node.
    pub(super) fn is_here(&self, socket: SocketId) -> bool {
        self.questions.node() == socket.node
    }

    /// Answers a question that somebody asked here.
    pub(super) async fn tell(&self, question: &Question, has_others: bool) -> Option<Answer> {
        self.answer(question, has_others.then_some(&*self.name), usize::MAX).await
    }

    /// Nothing if the question is none. Of an app that is not known here there is nobody.
    async fn answer(&self, asked: &Question, me: Option<&str>, bytes_max: usize) -> Option<Answer> {
        let Some(app) = self.apps.by_id(&asked.app) else { return Some(asked.about.of_nobody()) };
        Some(match &asked.about {
            About::Some { q, from, limit } => {
                let from = from.unwrap_or_default();
                Answer::Some(self.part(&app, q, (from, *limit), me, bytes_max).await)
            }
            About::One(socket) => {
                let seen = self.questions.connection(&app, socket.parse().ok()?).await;
                Answer::One(seen.and_then(|seen| written(ConnectionView::of(seen, me), bytes_max)))
            }
            About::End(socket) => {
                Answer::End(self.questions.disconnect(&app, socket.parse().ok()?).await)
            }
        })
    }

    async fn part(
        &self,
        app: &Arc<App>,
        q: &str,
        (from, limit): (Place, usize),
        me: Option<&str>,
        bytes_max: usize,
    ) -> Part {
        let total = self.questions.count(app, q).await;
        if limit == 0 {
            return Part { total, ..Part::default() };
        }
        let page = self.questions.connections(app, q, from, limit).await;
        let (mut part, mut bytes) = (Part { next: page.next, total, ..Part::default() }, 0);
        for seen in page.seen {
            let place = Place::of(&seen);
            let Some(text) = written(ConnectionView::of(seen, me), bytes_max) else { continue };
            bytes += text.get().len();
            if bytes > bytes_max && !part.connections.is_empty() {
                part.next = Some(place);
                break;
            }
            part.connections.push((place, text));
        }
        part
    }
}

/// As JSON, with fewer subscriptions if they are too long.
fn written(mut view: ConnectionView, bytes_max: usize) -> Option<Box<RawValue>> {
    loop {
        let text = to_raw_value(&view).ok()?;
        if text.get().len() <= bytes_max || !view.halve() {
            return Some(text);
        }
    }
}

/// Answers other nodes.
pub(crate) struct Deputy {
    informant: Arc<Informant>,
    link: Arc<Link>,
    runtime: Handle,
    permits: Arc<Semaphore>,
}

impl Deputy {
    /// Who answers what comes by this link.
    pub(crate) fn new(informant: &Arc<Informant>, link: &Arc<Link>, runtime: &Handle) -> Arc<Self> {
        Arc::new(Self {
            informant: Arc::clone(informant),
            link: Arc::clone(link),
            runtime: runtime.clone(),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }
}

impl Answers for Deputy {
    fn asked(&self, asked: Asked) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
        let (informant, link) = (Arc::clone(&self.informant), Arc::clone(&self.link));
        self.runtime.spawn(async move {
            // What a newer node asks may be unknown here.
            let Ok(question) = serde_json::from_slice(&asked.question) else { return };
            let answer = informant.answer(&question, Some(&informant.name), BYTES_MAX).await;
            if let Some(answer) = answer.and_then(|answer| serde_json::to_vec(&answer).ok()) {
                link.answer(&asked, answer.into());
            }
            drop(permit);
        });
    }
}
