//! Who keeps a connection to an engine: connects, and connects again whenever it has to.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::backoff::{Backoff, STEADY};
use crate::bus::{Bus, Figures};
use crate::line::{Ear, Line};
use crate::subject::Subject;

/// A server that can be connected to.
pub(crate) trait Server: Send + Sync + 'static {
    /// What is between connecting and losing the connection.
    type Session: Session;

    /// Connects; an error says what is wrong and where.
    fn open(
        &self,
        line: &Arc<Line>,
        ear: &Arc<Ear>,
    ) -> impl Future<Output = Result<Self::Session, String>> + Send;
}

/// A connection at work.
pub(crate) trait Session: Send {
    /// Does what is left on the line until the connection is lost; says why.
    fn run(self) -> impl Future<Output = String> + Send;
}

/// Who is told whether there is a connection.
pub(crate) trait Standing: Send + Sync + 'static {
    fn up(&self);
    fn down(&self, why: &str);
}

impl Standing for Ear {
    fn up(&self) {
        self.up();
    }

    fn down(&self, why: &str) {
        self.down(why);
    }
}

/// Keeps connected, for ever.
pub(crate) async fn keep<S: Server>(
    server: S,
    line: Arc<Line>,
    ear: Arc<Ear>,
    standing: Arc<impl Standing>,
) {
    let mut backoff = Backoff::default();
    let mut was_up = false;
    loop {
        let why = match server.open(&line, &ear).await {
            Ok(session) => {
                ear.tally.reconnects.add(usize::from(was_up));
                was_up = true;
                let began = Instant::now();
                line.wishes.begin_anew();
                line.outgoing.open();
                standing.up();
                let why = session.run().await;
                ear.tally.dropped.add(line.outgoing.close());
                if began.elapsed() >= STEADY {
                    backoff.reset();
                }
                why
            }
            Err(why) => why,
        };
        standing.down(&why);
        sleep(backoff.pause()).await;
    }
}

/// The bus through one server at a time.
pub(crate) struct Single {
    line: Arc<Line>,
    ear: Arc<Ear>,
    task: JoinHandle<()>,
}

impl Single {
    /// Begins to connect.
    pub(crate) fn start(server: impl Server, line: Line, ear: Ear, runtime: &Handle) -> Self {
        let (line, ear) = (Arc::new(line), Arc::new(ear));
        let keep = keep(server, Arc::clone(&line), Arc::clone(&ear), Arc::clone(&ear));
        Self { line, ear, task: runtime.spawn(keep) }
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bus for Single {
    fn publish(&self, subject: &Subject, message: Bytes) -> bool {
        let is_taken = self.line.outgoing.push(subject, message);
        self.ear.tally.dropped.add(usize::from(!is_taken));
        is_taken
    }

    fn subscribe(&self, subject: &Subject) {
        self.line.wishes.want(subject);
    }

    fn unsubscribe(&self, subject: &Subject) {
        self.line.wishes.let_go(subject);
    }

    fn is_up(&self) -> bool {
        self.ear.is_up()
    }

    fn figures(&self) -> Figures {
        self.ear.tally.figures(self.line.outgoing.len())
    }
}
