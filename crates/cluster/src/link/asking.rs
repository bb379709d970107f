//! Questions to other nodes, for people who look: what serves clients asks nobody. What is asked and
//! answered, the link does not read.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use std::collections::HashMap;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{Link, lock};
use crate::roster::Word;

/// Who knows what other nodes ask.
pub trait Answers: Send + Sync {
    /// Another node asks. Called where messages are read: the answer is found elsewhere, and given
    /// by [`Link::answer`], or not at all.
    fn asked(&self, asked: Asked);
}

/// A question of another node.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose.
    pub(super) from: u64,
    /// What it calls it.
    pub(super) id: u64,
    /// What.
    pub question: Bytes,
}

/// What was asked and is not answered yet.
#[derive(Debug, Default)]
pub(super) struct Asking {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Open>>,
}

/// A question that is not answered by all yet.
#[derive(Debug)]
struct Open {
    /// By whom it is not.
    nodes: Vec<u64>,
    /// There is room for as many as were asked.
    to: mpsc::Sender<(u64, Bytes)>,
}

/// Somebody who waits, for as long as it lives.
struct Waiting<'a> {
    asking: &'a Asking,
    id: u64,
    answers: mpsc::Receiver<(u64, Bytes)>,
}

impl Asking {
    fn wait(&self, nodes: Vec<u64>) -> Waiting<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (to, answers) = mpsc::channel(nodes.len().max(1));
        lock(&self.waiting).insert(id, Open { nodes, to });
        Waiting { asking: self, id, answers }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.asking.waiting).remove(&self.id);
    }
}

impl Link {
    /// This node knows answers.
    pub fn set_answers(&self, answers: Arc<dyn Answers>) {
        // There is one house.
        let _ = self.answers.set(answers);
    }

    /// Asks these nodes, each its question, and waits until all have answered or it is late. Who is
    /// not in what comes back has not.
    pub async fn ask(&self, questions: Vec<(u64, Bytes)>, late: Instant) -> HashMap<u64, Bytes> {
        let mut waiting = self.asking.wait(questions.iter().map(|(node, _)| *node).collect());
        let id = waiting.id;
        let ask = |(node, question)| self.send_word(node, &Word::Ask { id, question });
        // If it did not go out, nobody answers.
        let asked = questions.into_iter().map(ask).filter(|went_out| *went_out).count();
        let mut answers = HashMap::new();
        while answers.len() < asked
            && let Ok(Some((node, answer))) = timeout_at(late, waiting.answers.recv()).await
        {
            answers.insert(node, answer);
        }
        answers
    }

    /// Answers another node. One that waits no more passes it over.
    pub fn answer(&self, asked: &Asked, answer: Bytes) {
        let _ = self.send_word(asked.from, &Word::Answer { id: asked.id, answer });
    }

    pub(super) fn asked(&self, asked: Asked) {
        if let Some(answers) = self.answers.get() {
            answers.asked(asked);
        }
    }

    pub(super) fn answered(&self, sender: u64, id: u64, answer: Bytes) {
        let mut waiting = lock(&self.asking.waiting);
        let Some(open) = waiting.get_mut(&id) else { return };
        if let Some(at) = open.nodes.iter().position(|node| *node == sender) {
            open.nodes.swap_remove(at);
            // Whoever waited may be gone.
            let _ = open.to.try_send((sender, answer));
        }
    }
}

#[cfg(test)]
#[path = "asking_tests.rs"]
mod tests;
