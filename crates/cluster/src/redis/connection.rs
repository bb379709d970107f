//! One connection to a Redis, with all that comes on it in the order in which it came.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisConnectionInfo, Value, cmd,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::address::Host;
use crate::dial::{Dialler, Pulse, Watched};
use crate::line::{Ear, Line};

/// A connection. It ends when it is dropped.
pub(super) struct Connection {
    commands: MultiplexedConnection,
    /// What reads and writes.
    _driver: JoinSet<()>,
    /// Closes with the driver.
    ended: watch::Receiver<()>,
    pulse: Arc<Pulse>,
}

/// Who hears what comes.
pub(super) enum Heard {
    /// Nobody: no messages come here.
    Nothing,
    /// Messages are for the ear; the line is told what the server takes away.
    By(Arc<Ear>, Arc<Line>),
}

impl Connection {
    /// Connects and says who we are.
    pub(super) async fn open(
        dialler: &Dialler,
        host: &Host,
        info: &RedisConnectionInfo,
        heard: Heard,
    ) -> Result<Self, String> {
        let stream = dialler.connect(host).await.map_err(|e| e.to_string())?;
        let pulse = Arc::new(Pulse::default());
        let mut config =
            AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        if let Heard::By(ear, line) = heard {
            let pulse = Arc::clone(&pulse);
            config = config.set_push_sender(move |push: PushInfo| {
                pulse.hearing(|| hear(push, &ear, &line));
                Ok::<(), ()>(())
            });
        }
        let stream = Watched::new(stream, Arc::clone(&pulse));
        let (commands, driver) = MultiplexedConnection::new_with_config(info, stream, config)
            .await
            .map_err(|e| refused(&e))?;
        let (end, ended) = watch::channel(());
        let mut drivers = JoinSet::new();
        drivers.spawn(async move {
            driver.await;
            drop(end);
        });
        Ok(Self { commands, _driver: drivers, ended, pulse })
    }

    /// Asks one thing.
    pub(super) async fn ask(&self, question: &Cmd) -> Result<Value, String> {
        let mut commands = self.commands.clone();
        let answer = commands.send_packed_command(question).await;
        answer.and_then(Value::extract_error).map_err(|e| e.to_string())
    }

    /// Writes all at once; the answers are in the same order, and errors are among them.
    pub(super) async fn ask_all(&self, questions: &Pipeline) -> Result<Vec<Value>, String> {
        let mut commands = self.commands.clone();
        let answers = commands.send_packed_commands(questions, 0, questions.len()).await;
        answers.map_err(|e| e.to_string())
    }

    /// Ends when the connection does, or is silent for too long.
    pub(super) async fn until_lost(&self) -> String {
        let mut ended = self.ended.clone();
        tokio::select! {
            _ = ended.changed() => "the connection was closed".into(),
            why = self.pulse.until_silent(|| self.ping()) => why,
        }
    }

    /// Asks for a sign of life, and does not wait for it.
    async fn ping(&self) {
        let mut ping = cmd("PING");
        ping.set_no_response(true);
        let _ = self.commands.clone().send_packed_command(&ping).await;
    }
}

/// Gives what came to whom it is for.
fn hear(push: PushInfo, ear: &Ear, line: &Line) {
    let mut data = push.data.into_iter();
    let Some(Value::BulkString(subject)) = data.next() else { return };
    let Ok(subject) = str::from_utf8(&subject) else { return };
    match (push.kind, data.next()) {
        (PushKind::Message | PushKind::SMessage, Some(Value::BulkString(message))) => {
            ear.heard(subject, message.into());
        }
        (PushKind::SUnsubscribe, _) => line.wishes.taken_away(subject),
        _ => {}
    }
}

/// What the server says against us. Servers repeat neither user nor password.
fn refused(error: &redis::RedisError) -> String {
    let text = error.to_string();
    if text.to_ascii_lowercase().contains("unknown command") {
        return format!("Redis 6 or newer is needed: {text}");
    }
    text
}
