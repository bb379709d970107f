//! One POST as a task: signed, sent, and its answer left for the engine whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bellwire_hub::Apps;

use crate::attempt::{Answer, Failure};
use crate::clock::wall_ms;
use crate::engine::Answered;
use crate::mail::Mailbox;
use crate::observer::Observer;
use crate::post::{Outgoing, Poster, sign};
use crate::service::Fence;
use crate::turn::Dispatch;

/// What every task needs.
pub(crate) struct Sender {
    pub(crate) apps: Arc<Apps>,
    pub(crate) poster: Arc<Poster>,
    pub(crate) mailbox: Arc<Mailbox>,
    /// POSTs under way.
    pub(crate) under_way: Arc<AtomicUsize>,
    /// Told of every POST.
    pub(crate) observer: Arc<dyn Observer>,
    /// Whether this node may still send, in a cluster.
    pub(crate) fence: Option<Arc<dyn Fence>>,
    /// Whether this desk is somebody else's by now, or nobody's.
    pub(crate) is_cut: Arc<AtomicBool>,
}

impl Sender {
    /// Whether this desk must do nothing any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    /// It must do nothing any more.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
    }

    fn may_send(&self) -> bool {
        !self.is_cut() && self.fence.as_ref().is_none_or(|fence| fence.may_send())
    }
}

/// Sends a batch and leaves the answer.
pub(crate) async fn deliver(sender: Arc<Sender>, dispatch: Dispatch) {
    sender.under_way.fetch_add(1, Ordering::Relaxed);
    let mut reply = Reply {
        mailbox: Arc::clone(&sender.mailbox),
        under_way: Arc::clone(&sender.under_way),
        answered: Some(Answered {
            endpoint: dispatch.endpoint.id.clone(),
            lane: dispatch.batch.lane,
            batch: dispatch.batch.id,
            at_ms: wall_ms(),
            answer: Answer {
                failure: Some(Failure::Broken),
                detail: "the server gave the attempt up".into(),
                ..Answer::default()
            },
        }),
    };
    let answer = post(&sender, &dispatch).await;
    sender.observer.posted(&dispatch, &answer);
    if let Some(answered) = &mut reply.answered {
        answered.answer = answer;
    }
}

async fn post(sender: &Sender, dispatch: &Dispatch) -> Answer {
    let app = sender.apps.by_id(dispatch.batch.app.as_str());
    // The oldest active key signs: webhooks go on as they were when a key is added.
    let key = app.as_ref().and_then(|app| {
        let live = app.live();
        live.keys.iter().find(|key| key.active).map(|key| (key.key.clone(), key.signer.clone()))
    });
    let Some((key, signer)) = key else {
        let detail = "the app has no active key to sign with".into();
        return Answer { failure: Some(Failure::Forbidden), detail, ..Answer::default() };
    };
    let body = dispatch.batch.body(dispatch.time_ms);
    let headers = sign::headers(dispatch, &key, &signer, &body, wall_ms());
    let endpoint = &dispatch.endpoint;
    let (endpoint, url) = (endpoint.id.clone(), endpoint.terms.url.clone());
    // If the desk is still here, a batch that may not go is tried again; if it is not, nobody hears.
    let outgoing = Outgoing { endpoint, url, headers, body: body.into() };
    sender.poster.post_if(outgoing, &|| sender.may_send()).await
}

/// Leaves the answer when it goes: also if the task is dropped or panics, or the lane would wait for
/// ever.
struct Reply {
    mailbox: Arc<Mailbox>,
    under_way: Arc<AtomicUsize>,
    answered: Option<Answered>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if let Some(answered) = self.answered.take() {
            self.mailbox.leave(|mail| mail.answers.push(answered));
        }
    }
}
