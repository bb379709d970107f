//! One connection to NATS: what goes out, and a task for every subject that is heard.

use std::sync::Arc;

use async_nats::{Client, Subscriber};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::CLOSED;
use super::marker::Marker;
use crate::dial::Pulse;
use crate::keeper::Session;
use crate::line::{Ear, Line, Unsettled};
use crate::subject::Subject;
use crate::wishes::Errand;

/// A connection.
pub(crate) struct Connected {
    client: Client,
    marker: Marker,
    /// Beats with every marker that comes back; messages wait apart from markers.
    pulse: Arc<Pulse>,
    /// What ended the connection.
    trouble: watch::Receiver<Option<String>>,
    line: Arc<Line>,
    ear: Arc<Ear>,
    tasks: JoinSet<()>,
}

impl Connected {
    pub(super) async fn new(
        client: Client,
        trouble: watch::Receiver<Option<String>>,
        prefix: &str,
        line: &Arc<Line>,
        ear: &Arc<Ear>,
    ) -> Result<Self, String> {
        let pulse = Arc::new(Pulse::default());
        let (marker, reading) = Marker::new(client.clone(), prefix, &pulse).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(reading);
        marker.confirmed().await?;
        let (line, ear) = (Arc::clone(line), Arc::clone(ear));
        Ok(Self { client, marker, pulse, trouble, line, ear, tasks })
    }

    async fn publish(&self) -> String {
        loop {
            let batch = self.line.outgoing.batch().await;
            let mut unsettled = Unsettled::of(&self.ear, &batch);
            for (subject, message) in &batch {
                let subject = subject.as_str().to_owned();
                if self.client.publish(subject, message.clone()).await.is_err() {
                    // Larger than the server takes.
                    unsettled.refuse(message);
                }
            }
            if let Err(why) = self.marker.confirmed().await {
                return why;
            }
            unsettled.settle();
        }
    }

    async fn until_lost(&self) -> String {
        let mut trouble = self.trouble.clone();
        let ask = || self.marker.send();
        tokio::select! {
            // The one who tells of trouble goes when the library gives up.
            told = trouble.wait_for(Option::is_some) => match told {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => CLOSED.into(),
            },
            why = self.pulse.until_silent(ask) => why,
        }
    }
}

impl Session for Connected {
    async fn run(mut self) -> String {
        let tasks = std::mem::take(&mut self.tasks);
        let listening = Listening { session: &self, tasks, heard: HashMap::default() };
        tokio::select! {
            why = self.publish() => why,
            why = listening.run() => why,
            why = self.until_lost() => why,
        }
    }
}

/// The subjects that are heard.
struct Listening<'a> {
    session: &'a Connected,
    tasks: JoinSet<()>,
    heard: HashMap<Subject, AbortHandle, RandomState>,
}

impl Listening<'_> {
    async fn run(mut self) -> String {
        loop {
            let Connected { line, ear, .. } = self.session;
            let errand = tokio::select! {
                errand = line.wishes.errand() => errand,
                Some(ended) = self.tasks.join_next() => match ended {
                    Err(error) if error.is_cancelled() => continue,
                    Err(_) => return "whoever hears has panicked".into(),
                    Ok(()) => return CLOSED.into(),
                },
            };
            if let Err(why) = self.do_errand(&errand).await {
                return why;
            }
            errand.settled(line, ear);
        }
    }

    async fn do_errand(&mut self, errand: &Errand) -> Result<(), String> {
        for subject in &errand.unsubscribe {
            // With its task a subscription goes, and the library takes it back.
            if let Some(task) = self.heard.remove(subject) {
                task.abort();
            }
        }
        for subject in &errand.subscribe {
            let name = subject.as_str().to_owned();
            let subscriber = self.session.client.subscribe(name).await;
            let subscriber = subscriber.map_err(|e| e.to_string())?;
            let hearing = hear(subject.clone(), subscriber, Arc::clone(&self.session.ear));
            self.heard.insert(subject.clone(), self.tasks.spawn(hearing));
        }
        if errand.subscribe.is_empty() { Ok(()) } else { self.session.marker.confirmed().await }
    }
}

async fn hear(subject: Subject, mut messages: Subscriber, ear: Arc<Ear>) {
    while let Some(message) = super::marker::next(&mut messages).await {
        ear.heard(subject.as_str(), message.payload);
    }
}
