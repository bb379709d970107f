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
#[derive(Debug)]
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
    waiting: Mutex<HashMap<u64, mpsc::Sender<(u64, Bytes)>>>,
}

/// Somebody who waits, for as long as it lives.
struct Waiting<'a> {
    asking: &'a Asking,
    id: u64,
    answers: mpsc::Receiver<(u64, Bytes)>,
}

impl Asking {
    fn wait(&self, most: usize) -> Waiting<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::channel(most.max(1));
        lock(&self.waiting).insert(id, sender);
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
        let mut waiting = self.asking.wait(questions.len());
        let id = waiting.id;
        let mut open: Vec<u64> = questions
            .into_iter()
            .filter(|(node, question)| {
                // If it did not go out, nobody answers.
                self.send_word(*node, &Word::Ask { id, question: question.clone() })
            })
            .map(|(node, _)| node)
            .collect();
        let mut answers = HashMap::new();
        while !open.is_empty()
            && let Ok(Some((node, answer))) = timeout_at(late, waiting.answers.recv()).await
        {
            if open.contains(&node) {
                open.retain(|asked| *asked != node);
                answers.insert(node, answer);
            }
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
        let waiting = lock(&self.asking.waiting).get(&id).cloned();
        if let Some(waiting) = waiting {
            // There is room for as many as were asked.
            let _ = waiting.try_send((sender, answer));
        }
    }
}

#[cfg(test)]
#[path = "asking_tests.rs"]
mod tests;
