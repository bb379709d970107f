//! The port through which nodes hear each other.

use bytes::Bytes;

use crate::subject::Subject;

/// Carries live messages between nodes; what it carries may be lost.
///
/// Nothing here waits: a call leaves what is wanted behind and returns. A bus ends when it is dropped.
pub trait Bus: Send + Sync {
    /// Hands a message over, in order per subject. False: there was no room or no connection, and
    /// it was counted as dropped. Who listens to the subject hears its own messages too.
    fn publish(&self, subject: &Subject, message: Bytes) -> bool;

    /// Wants to hear a subject; [`Hearer::ready`] says when it does. Asked again after a reconnect
    /// by itself.
    fn subscribe(&self, subject: &Subject);

    /// Does not want to hear a subject any more. A few messages that were on their way still come.
    fn unsubscribe(&self, subject: &Subject);

    /// Whether messages go out and come in.
    fn is_up(&self) -> bool;

    /// What was done so far, for metrics.
    fn figures(&self) -> Figures;
}

/// What a bus tells. It is called where messages are read, so it must be as quick as a push to a
/// queue: while it takes its time, nothing else is heard.
pub trait Hearer: Send + Sync {
    /// A message came.
    fn heard(&self, subject: &str, message: Bytes);

    /// Every message that another node publishes from now on is heard, while the bus is up. Comes
    /// for every subject again after a reconnect, and at least once after the last of several
    /// calls of [`Bus::subscribe`].
    fn ready(&self, subject: &str);

    /// Messages go out and come in again; subjects that were wanted become ready one by one.
    fn up(&self);

    /// Nothing goes out and nothing comes in. What is wrong, without a secret; said again only
    /// when the reason changes.
    fn down(&self, why: &str);
}

/// What a bus did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that the engine took.
    pub published: u64,
    /// Messages for which there was no room or no connection, or whose fate a broken connection
    /// left open.
    pub dropped: u64,
    /// Messages that came.
    pub received: u64,
    /// Bytes of messages that were published.
    pub bytes_out: u64,
    /// Bytes of messages that came.
    pub bytes_in: u64,
    /// How often a connection was made anew.
    pub reconnects: u64,
    /// Messages that wait to go out.
    pub queued: u64,
}
