//! Two connections to one server, one that publishes and one that listens. They share one fate: a
//! node that could only do one of the two would be no use.

use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, Value};

use super::connection::{Connection, Heard};
use super::place::Place;
use crate::address::Host;
use crate::dial::within;
use crate::keeper::{Server, Session};
use crate::line::{Ear, Line, Unsettled};
use crate::outgoing::Parcel;

/// The two connections.
pub(crate) struct Pair {
    host: Host,
    line: Arc<Line>,
    ear: Arc<Ear>,
    publisher: Connection,
    listener: Connection,
}

impl Server for Place {
    type Session = Pair;

    async fn open(&self, line: &Arc<Line>, ear: &Arc<Ear>) -> Result<Pair, String> {
        let host = self.find().await?;
        let both = within(CONNECT, self.both(&host, line, ear)).await;
        let (publisher, listener) = both.map_err(|why| format!("{host}: {why}"))?;
        Ok(Pair { host, line: Arc::clone(line), ear: Arc::clone(ear), publisher, listener })
    }
}

impl Place {
    async fn both(
        &self,
        host: &Host,
        line: &Arc<Line>,
        ear: &Arc<Ear>,
    ) -> Result<(Connection, Connection), String> {
        let heard = Heard::By(Arc::clone(ear), Arc::clone(line));
        let publisher = Connection::open(&self.dialler, host, &self.info, Heard::Nothing).await?;
        self.check(&publisher).await?;
        let listener = Connection::open(&self.dialler, host, &self.info, heard).await?;
        Ok((publisher, listener))
    }
}

impl Session for Pair {
    /// Works until one of the two is lost.
    async fn run(self) -> String {
        let why = tokio::select! {
            why = self.publish() => why,
            why = self.listen() => why,
            why = self.publisher.until_lost() => why,
            why = self.listener.until_lost() => why,
        };
        format!("{}: {why}", self.host)
    }
}

impl Pair {
    async fn publish(&self) -> String {
        loop {
            let batch = self.line.outgoing.batch().await;
            let unsettled = Unsettled::of(&self.ear, &batch);
            let answers = self.publisher.ask_all(&publications(&batch)).await;
            match answers.and_then(|answers| taken(&answers)) {
                Ok(()) => unsettled.settle(),
                Err(why) => return why,
            }
        }
    }

    async fn listen(&self) -> String {
        loop {
            let errand = self.line.wishes.errand().await;
            let mut questions = Pipeline::new();
            for subject in &errand.unsubscribe {
                questions.cmd("UNSUBSCRIBE").arg(subject.as_str());
            }
            for subject in &errand.subscribe {
                questions.cmd("SUBSCRIBE").arg(subject.as_str());
            }
            if !questions.is_empty()
                && let Err(why) = self.confirmed(&questions).await
            {
                return why;
            }
            errand.settled(&self.line, &self.ear);
        }
    }

    /// Every question is answered by one confirmation, in order.
    async fn confirmed(&self, questions: &Pipeline) -> Result<(), String> {
        let answers = self.listener.ask_all(questions).await?;
        answers.into_iter().try_for_each(|answer| match answer.extract_error() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("a subscription was refused: {error}")),
        })
    }
}

/// Who may not publish one message may publish none.
fn taken(answers: &[Value]) -> Result<(), String> {
    match answers.iter().find(|answer| matches!(answer, Value::ServerError(_))) {
        Some(Value::ServerError(error)) => Err(format!("a message was refused: {error}")),
        _ => Ok(()),
    }
}

fn publications(batch: &[Parcel]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for (subject, message) in batch {
        pipeline.cmd("PUBLISH").arg(subject.as_str()).arg(&message[..]);
    }
    pipeline
}

/// How long it may take until both connections stand.
const CONNECT: Duration = Duration::from_secs(5);
