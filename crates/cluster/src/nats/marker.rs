//! How far a server has come. NATS does not answer what is asked of it, but it works through a
//! connection in order: a message to ourselves that comes back was behind all that went before it.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::{Client, Message, Subscriber};
use bytes::Bytes;
use foldhash::quality::RandomState;
use futures_util::StreamExt;
use tokio::sync::watch;

use super::CLOSED;
use crate::dial::Pulse;

/// Messages to ourselves.
pub(super) struct Marker {
    client: Client,
    subject: String,
    last: AtomicU64,
    seen: watch::Receiver<u64>,
}

impl Marker {
    /// Markers of one connection, and who reads them.
    pub(super) async fn new(
        client: Client,
        prefix: &str,
        pulse: &Arc<Pulse>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), String> {
        let subject = format!("{prefix}.mark.{:016x}", RandomState::default().hash_one(0));
        let own = client.subscribe(subject.clone()).await.map_err(|e| e.to_string())?;
        let (saw, seen) = watch::channel(0);
        let reading = read(own, saw, Arc::clone(pulse));
        Ok((Self { client, subject, last: AtomicU64::new(0), seen }, reading))
    }

    /// Sends one; its number.
    pub(super) async fn send(&self) -> Result<u64, String> {
        // Whoever has a smaller number has asked before, so it may take our answer for its own.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let text = Bytes::copy_from_slice(&number.to_le_bytes());
        let sent = self.client.publish(self.subject.clone(), text).await;
        sent.map(|()| number).map_err(|e| e.to_string())
    }

    /// Ends when the server has done all that was asked of it before.
    pub(super) async fn confirmed(&self) -> Result<(), String> {
        let number = self.send().await?;
        let mut seen = self.seen.clone();
        let came = seen.wait_for(|seen| *seen >= number).await;
        came.map(|_| ()).map_err(|_| CLOSED.into())
    }
}

async fn read(mut own: Subscriber, saw: watch::Sender<u64>, pulse: Arc<Pulse>) {
    while let Some(message) = next(&mut own).await {
        pulse.beat();
        if let Ok(number) = message.payload[..].try_into() {
            let number = u64::from_le_bytes(number);
            saw.send_if_modified(|seen| {
                let is_more = number > *seen;
                *seen = number.max(*seen);
                is_more
            });
        }
    }
}

/// The next message of a subscription.
pub(super) async fn next(messages: &mut Subscriber) -> Option<Message> {
    messages.next().await
}
