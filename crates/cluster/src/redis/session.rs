//! Two connections to one server, one that publishes and one that listens. They share one fate: a
//! node that could only do one of the two would be no use.

use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, Value};

use super::connection::{Connection, Heard};
use super::place::Place;
use crate::address::Host;
use crate::dial::within;
use crate::line::{Ear, Line};
use crate::outgoing::Parcel;
use crate::subject::Subject;

/// The two connections.
pub(super) struct Session<'a> {
    host: Host,
    line: &'a Line,
    ear: &'a Ear,
    publisher: Connection,
    listener: Connection,
}

/// Connects twice.
pub(super) async fn open<'a>(
    place: &Place,
    line: &'a Arc<Line>,
    ear: &'a Arc<Ear>,
) -> Result<Session<'a>, String> {
    let host = place.find().await?;
    let both = async {
        let heard = Heard::By(Arc::clone(ear), Arc::clone(line));
        let publisher =
            Connection::open(&place.dialler, &host, &place.info, Heard::Nothing).await?;
        place.check(&publisher).await?;
        let listener = Connection::open(&place.dialler, &host, &place.info, heard).await?;
        Ok::<_, String>((publisher, listener))
    };
    let both = within(CONNECT, both).await;
    let (publisher, listener) = both.map_err(|why| format!("{host}: {why}"))?;
    Ok(Session { host, line, ear, publisher, listener })
}

impl Session<'_> {
    /// Works until one of the two is lost; says why.
    pub(super) async fn run(self) -> String {
        self.line.wishes.begin_anew();
        let why = tokio::select! {
            why = self.publish() => why,
            why = self.listen() => why,
            why = self.publisher.until_lost() => why,
            why = self.listener.until_lost() => why,
        };
        format!("{}: {why}", self.host)
    }

    async fn publish(&self) -> String {
        loop {
            let batch = self.line.outgoing.batch().await;
            let mut unsettled = Unsettled { ear: self.ear, count: batch.len() };
            match self.publisher.ask_all(&publications(&batch)).await {
                Ok(answers) => {
                    if let Err(why) = unsettled.settle(&batch, &answers) {
                        return why;
                    }
                }
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
            errand.subscribe.iter().chain(&errand.ready).for_each(|subject| self.tell(subject));
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

    fn tell(&self, subject: &Subject) {
        if self.line.wishes.wants(subject.as_str()) {
            self.ear.ready(subject.as_str());
        }
    }
}

/// A batch whose fate is open. What a lost connection leaves open counts as dropped.
struct Unsettled<'a> {
    ear: &'a Ear,
    count: usize,
}

impl Unsettled<'_> {
    fn settle(&mut self, batch: &[Parcel], answers: &[Value]) -> Result<(), String> {
        for ((_, message), answer) in batch.iter().zip(answers) {
            if let Value::ServerError(error) = answer {
                return Err(format!("a message was refused: {error}"));
            }
            self.ear.tally.published.add(1);
            self.ear.tally.bytes_out.add(message.len());
            self.count -= 1;
        }
        Ok(())
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.ear.tally.dropped.add(self.count);
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
