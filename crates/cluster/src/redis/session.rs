//! Two connections to one server, one that publishes and one that listens. They share one fate: a
//! node that could only do one of the two would be no use.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::connection::{Connection, Heard};
use super::place::Place;
use super::words::{Answer, Words};
use crate::address::Host;
use crate::dial::within;
use crate::keeper::{Server, Session};
use crate::line::{Ear, Line, Unsettled};
use crate::outgoing::Parcel;
use crate::subject::Subject;
use crate::wishes::Errand;

/// The two connections.
pub(crate) struct Pair {
    host: Host,
    words: Words,
    moved: Arc<Notify>,
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
        Ok(Pair {
            host,
            words: self.words,
            moved: Arc::clone(&self.moved),
            line: Arc::clone(line),
            ear: Arc::clone(ear),
            publisher,
            listener,
        })
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
            why = self.publisher.until_lost() => format!("publishing: {why}"),
            // Redis closes who listens too slowly: `client-output-buffer-limit pubsub`.
            why = self.listener.until_lost() => format!("listening: {why}"),
        };
        format!("{}: {why}", self.host)
    }
}

impl Pair {
    async fn publish(&self) -> String {
        loop {
            let batch = self.line.outgoing.batch().await;
            let unsettled = Unsettled::of(&self.ear, &batch);
            let answers = self.publisher.ask_all(&self.words.publications(&batch)).await;
            let settled = answers.and_then(|answers| self.settle(unsettled, &batch, &answers));
            if let Err(why) = settled {
                return why;
            }
        }
    }

    /// Who may not publish one message may publish none; what belongs elsewhere is lost.
    fn settle(
        &self,
        mut unsettled: Unsettled<'_>,
        batch: &[Parcel],
        answers: &[Value],
    ) -> Result<(), String> {
        let mut has_moved = false;
        for ((_, message), answer) in batch.iter().zip(answers) {
            match Answer::of(answer) {
                Answer::Done => {}
                Answer::Elsewhere => {
                    unsettled.refuse(message);
                    has_moved = true;
                }
                Answer::Refused(why) => return Err(format!("a message was refused: {why}")),
            }
        }
        unsettled.settle();
        if has_moved {
            self.moved.notify_one();
        }
        Ok(())
    }

    async fn listen(&self) -> String {
        loop {
            let mut errand = self.line.wishes.errand().await;
            match self.ask(&mut errand).await {
                Ok(elsewhere) => {
                    errand.settled(&self.line, &self.ear);
                    self.ask_later(&elsewhere).await;
                }
                Err(why) => return why,
            }
        }
    }

    /// Every question is answered by one confirmation, in order. What belongs elsewhere is taken out
    /// of the errand.
    async fn ask(&self, errand: &mut Errand) -> Result<Vec<Subject>, String> {
        let questions = self.words.errand(&errand.unsubscribe, &errand.subscribe);
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.listener.ask_all(&questions).await?;
        let mut elsewhere = Vec::new();
        let mut answers = answers.iter().skip(errand.unsubscribe.len());
        for subject in mem::take(&mut errand.subscribe) {
            match Answer::to(&subject, answers.next().unwrap_or(&Value::Nil)) {
                Answer::Done => errand.subscribe.push(subject),
                Answer::Elsewhere => elsewhere.push(subject),
                Answer::Refused(why) => return Err(format!("a subscription was refused: {why}")),
            }
        }
        Ok(elsewhere)
    }

    /// The new map takes these away from here; if it does not, they are asked for again.
    async fn ask_later(&self, elsewhere: &[Subject]) {
        if !elsewhere.is_empty() {
            self.moved.notify_one();
            sleep(LATER).await;
            elsewhere.iter().for_each(|subject| self.line.wishes.taken_away(subject.as_str()));
        }
    }
}

/// How long it may take until both connections stand.
const CONNECT: Duration = Duration::from_secs(5);

/// How long it may take until a new map is drawn.
const LATER: Duration = Duration::from_millis(300);
