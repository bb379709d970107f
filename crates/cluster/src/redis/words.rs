//! The commands of publish and subscribe, as one server or a cluster's shards know them.

use redis::{Pipeline, PushKind, Value};

use crate::outgoing::Parcel;
use crate::subject::Subject;

/// The two families of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// `PUBLISH`: everybody at the server hears.
    Plain,
    /// `SPUBLISH`: a subject belongs to a slot, and is heard at its master.
    Sharded,
}

impl Words {
    /// Publishes a batch.
    pub(super) fn publications(self, batch: &[Parcel]) -> Pipeline {
        let publish = match self {
            Self::Plain => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        };
        let mut pipeline = Pipeline::with_capacity(batch.len());
        for (subject, message) in batch {
            pipeline.cmd(publish).arg(subject.as_str()).arg(&message[..]);
        }
        pipeline
    }

    /// Lets some go and asks for others. Each is a command of its own: subjects of several slots
    /// may not stand in one.
    pub(super) fn errand(self, unsubscribe: &[Subject], subscribe: &[Subject]) -> Pipeline {
        let (go, come) = match self {
            Self::Plain => ("UNSUBSCRIBE", "SUBSCRIBE"),
            Self::Sharded => ("SUNSUBSCRIBE", "SSUBSCRIBE"),
        };
        let mut pipeline = Pipeline::with_capacity(unsubscribe.len() + subscribe.len());
        for subject in unsubscribe {
            pipeline.cmd(go).arg(subject.as_str());
        }
        for subject in subscribe {
            pipeline.cmd(come).arg(subject.as_str());
        }
        pipeline
    }
}

/// What a server said to one command.
pub(super) enum Answer {
    Done,
    /// The slot is somebody else's, or nobody's for the moment.
    Elsewhere,
    Refused(String),
}

impl Answer {
    /// What it says to a publication.
    pub(super) fn of(value: &Value) -> Self {
        let Value::ServerError(error) = value else { return Self::Done };
        match error.code() {
            "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" => Self::Elsewhere,
            _ => Self::Refused(error.to_string()),
        }
    }

    /// What it says to a subscription, which is confirmed by name.
    pub(super) fn to(subject: &Subject, value: &Value) -> Self {
        let Value::Push { kind, data } = value else { return Self::of(value) };
        let is_confirmation = matches!(kind, PushKind::Subscribe | PushKind::SSubscribe);
        let is_its_own = matches!(data.first(),
            Some(Value::BulkString(name)) if name == subject.as_str().as_bytes());
        if is_confirmation && is_its_own {
            Self::Done
        } else {
            Self::Refused("an answer belongs to another question".into())
        }
    }
}
