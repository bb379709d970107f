//! `bellwire subscribe`: listens to channels and prints what they bring, until Ctrl-C.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bellwire_protocol::{ChannelName, Signer};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::api::{in_path, is_about_trust};
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::heard::{Message, Refusal};
use super::output::{Output, line, note, one_line};
use super::remote::{Need, Remote};
use super::socket::{Heard, Socket};
use super::trust::Trust;
use crate::moment::clock;
use crate::ops::clock::now_ms;

#[derive(clap::Args)]
pub(super) struct Subscribe {
    /// The channels
    #[arg(required = true, value_name = "CHANNEL")]
    channels: Vec<ChannelName>,
    /// Who to be on presence channels
    #[arg(long)]
    user_id: Option<String>,
    /// What the others see of the user, a JSON object
    #[arg(long, value_name = "JSON", requires = "user_id")]
    user_info: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    remote: Remote,
}

impl Subscribe {
    pub(super) fn run(self) -> Result<(), Failure> {
        let channel_data = self.channel_data()?;
        let needs_auth = self.channels.iter().any(|channel| channel.kind().needs_auth());
        let need = if needs_auth { Need::KeyAndSecret } else { Need::Key };
        let credentials = self.remote.credentials(need)?;
        let subscriber = Subscriber {
            endpoint: self.remote.endpoint("ws")?,
            trust: self.remote.trust()?,
            key: credentials.key.unwrap_or_default(),
            signer: credentials.secret.as_ref().map(Signer::new),
            channels: self.channels,
            channel_data,
            output: self.output,
        };
        end_on_signal()?;
        subscriber.listen()
    }

    /// The text that a presence subscription is signed with.
    fn channel_data(&self) -> Result<Option<String>, Failure> {
        let presence = self.channels.iter().find(|channel| channel.kind().is_presence());
        let Some(user_id) = &self.user_id else {
            return match presence {
                Some(channel) => Err(Failure::usage(format!("{} needs a user", channel.as_str()))
                    .hint("--user-id says who to be there")),
                None => Ok(None),
            };
        };
        let mut data = json!({ "user_id": user_id });
        if let Some(info) = &self.user_info {
            let info: serde_json::Map<_, _> = serde_json::from_str(info)
                .map_err(|_| Failure::usage("--user-info must be a JSON object"))?;
            data["user_info"] = info.into();
        }
        Ok(Some(data.to_string()))
    }
}

/// Somebody who listens, over as many connections as it takes.
struct Subscriber {
    endpoint: Endpoint,
    trust: Trust,
    key: String,
    /// Signs subscriptions, where some need it.
    signer: Option<Signer>,
    channels: Vec<ChannelName>,
    channel_data: Option<String>,
    output: Output,
}

/// What a connection has come to.
struct Course {
    opened: Instant,
    is_established: bool,
    /// Channels that have not answered yet.
    pending: Vec<ChannelName>,
}

/// Why a connection ended, where another may fare better.
struct Lost {
    why: String,
    /// Whether the server asked to come back at once (42xx).
    at_once: bool,
}

impl Lost {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), at_once: false }
    }
}

impl Subscriber {
    /// Listens until there is no hope. A server that was never reached is not waited for.
    fn listen(&self) -> Result<(), Failure> {
        let mut failures = 0;
        let mut socket = self.connect().map_err(|error| self.unreachable(&error))?;
        loop {
            let mut course = Course::new(&self.channels);
            let mut lost = self.follow(&mut socket, &mut course)?;
            if course.was_good() {
                failures = 0;
            }
            socket = loop {
                let pause = back_off(failures, lost.at_once && course.is_established);
                let when = match pause.as_secs() {
                    0 => "at once".to_owned(),
                    s => format!("in {s} s"),
                };
                note(format!("{}; trying again {when}", one_line(&lost.why)));
                thread::sleep(pause);
                failures += 1;
                match self.connect() {
                    Ok(socket) => break socket,
                    Err(error) => lost = Lost::new(format!("{error:#}")),
                }
            };
        }
    }

    fn connect(&self) -> anyhow::Result<Socket> {
        let key = in_path(&self.key);
        let version = env!("CARGO_PKG_VERSION");
        let path = format!("/app/{key}?protocol=7&client=bellwire&version={version}");
        Socket::open(&self.endpoint, &self.trust, &path)
    }

    fn unreachable(&self, error: &anyhow::Error) -> Failure {
        let why = format!("{} cannot be reached: {error:#}", self.endpoint);
        let hint = match is_about_trust(error.as_ref()) {
            true => {
                "--ca-cert names the authority of a private certificate, --insecure believes any"
            }
            false => "is the server running? --host (or BELLWIRE_HOST) names another address",
        };
        Failure::unreachable(why).hint(hint)
    }

    /// One connection from its first frame to its end. Silent for too long, the server is asked
    /// whether it is there, as pusher-js does it (contract 2.6).
    fn follow(&self, socket: &mut Socket, course: &mut Course) -> Result<Lost, Failure> {
        let mut activity = GREETING_WITHIN;
        let mut asked = false;
        loop {
            let wait = if asked { PONG_WITHIN } else { activity };
            let heard = match socket.hear(wait) {
                Ok(heard) => heard,
                Err(error) => return Ok(Lost::new(format!("the connection broke: {error}"))),
            };
            let silent = heard == Heard::Silence;
            let done = match heard {
                Heard::Text(text) => self.take(socket, course, &text, &mut activity)?,
                Heard::Life => Ok(()),
                Heard::Silence if asked || !course.is_established => {
                    return Ok(Lost::new("the server does not answer"));
                }
                Heard::Silence => socket.say(r#"{"event":"pusher:ping","data":{}}"#),
                Heard::End(code, reason) => return closed(&self.endpoint, code, &reason),
            };
            if let Err(error) = done {
                return Ok(Lost::new(format!("the connection broke: {error}")));
            }
            asked = silent;
        }
    }

    /// Takes one message. The outer error ends everything, the inner one this connection.
    fn take(
        &self,
        socket: &mut Socket,
        course: &mut Course,
        text: &str,
        activity: &mut Duration,
    ) -> Result<std::io::Result<()>, Failure> {
        let Some(message) = Message::parse(text) else {
            note(format!("the server sent no message of this protocol: {}", one_line(text)));
            return Ok(Ok(()));
        };
        if self.output.is_json() && !message.is_heartbeat() {
            // Line breaks can only stand between tokens.
            line(&text.replace(['\n', '\r'], " "))?;
        }
        match message.event.as_str() {
            "pusher:connection_established" => {
                course.is_established = true;
                *activity = message.activity_timeout().unwrap_or(*activity);
                note(format!("connected to {} as {}", self.endpoint, message.socket_id()));
                return Ok(self.subscribe(socket, &message.socket_id()));
            }
            "pusher:ping" => return Ok(socket.say(r#"{"event":"pusher:pong","data":{}}"#)),
            "pusher:pong" => {}
            "pusher_internal:subscription_succeeded" => course.settle(&message),
            "pusher:error" | "pusher:subscription_error" => {
                self.refused(course, &message.refusal())?;
            }
            _ if self.output.is_json() => {}
            _ => line(&format!("{}  {}", clock(now_ms()), message.for_people()))?,
        }
        Ok(Ok(()))
    }

    fn subscribe(&self, socket: &mut Socket, socket_id: &str) -> std::io::Result<()> {
        for channel in &self.channels {
            let name = channel.as_str();
            let mut data = json!({ "channel": name });
            if let (true, Some(signer)) = (channel.kind().needs_auth(), &self.signer) {
                let member = self.channel_data.as_deref().filter(|_| channel.kind().is_presence());
                let signature = match member {
                    Some(member) => signer.sign(&[socket_id, ":", name, ":", member]),
                    None => signer.sign(&[socket_id, ":", name]),
                };
                data["auth"] = format!("{}:{signature}", self.key).into();
                if let Some(member) = member {
                    data["channel_data"] = member.into();
                }
            }
            socket.say(&json!({ "event": "pusher:subscribe", "data": data }).to_string())?;
        }
        Ok(())
    }

    /// An error before every channel has answered is a refused subscription, which is final
    /// (contract 4.8, 4.10). One with a code comes before a close frame, which says the same.
    fn refused(&self, course: &Course, refusal: &Refusal) -> Result<(), Failure> {
        let said = one_line(&refusal.message);
        if refusal.code.is_none() && course.is_established && !course.pending.is_empty() {
            return Err(Failure::refused(format!("the server refused a subscription: {said}"))
                .hint("--key and --secret must belong together, to an app of this server"));
        }
        if !refusal.closes() {
            note(format!("the server says: {said}"));
        }
        Ok(())
    }
}

impl Course {
    fn new(channels: &[ChannelName]) -> Self {
        Self { opened: Instant::now(), is_established: false, pending: channels.to_vec() }
    }

    fn settle(&mut self, message: &Message) {
        let Some(channel) = &message.channel else { return };
        self.pending.retain(|other| other.as_str() != channel);
        let members = message.members().map_or(String::new(), |members| format!(", {members}"));
        note(format!("subscribed to {}{}", one_line(channel), one_line(&members)));
    }

    /// Whether it lasted, so that the next trouble is a new one.
    fn was_good(&self) -> bool {
        self.is_established && self.opened.elapsed() >= GOOD_AFTER
    }
}

/// What a close code means (contract, "Close codes", 1.18): 40xx and what is above 42xx are final.
fn closed(endpoint: &Endpoint, code: Option<u16>, reason: &str) -> Result<Lost, Failure> {
    let said = match code {
        Some(code) => format!("{endpoint} closed the connection: {code} {}", one_line(reason)),
        None => "the connection broke".to_owned(),
    };
    let hint = match code {
        Some(4100..4300 | 0..4000) | None => {
            let at_once = matches!(code, Some(4200..4300));
            return Ok(Lost { why: said, at_once });
        }
        Some(4000) => "the app asks for TLS: use https:// in --host",
        Some(4001) => "is --key an active key of an app of this server?",
        Some(4003) => "the app is disabled; `bellwire apps set APP_ID enabled=true` enables it",
        Some(4004) => "the app's max_connections is reached",
        Some(4009) => "the app ended it, or waits for a private channel: authorized_connections",
        Some(_) => "connecting again would not help",
    };
    Err(Failure::refused(said).hint(hint))
}

/// The pause before another try: none if the server asked for that, else doubling.
fn back_off(failures: u32, at_once: bool) -> Duration {
    match failures {
        0 if at_once => Duration::ZERO,
        failures => Duration::from_secs(1 << failures.min(5)).min(PAUSE_MAX),
    }
}

/// Ctrl-C and SIGTERM are how this command ends well.
fn end_on_signal() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).context("no signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signals")?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        std::process::exit(0);
    });
    Ok(())
}

/// For `connection_established`.
const GREETING_WITHIN: Duration = Duration::from_secs(15);
/// For `pusher:pong`, as pusher-js waits for it.
const PONG_WITHIN: Duration = Duration::from_secs(30);
/// A connection that lasted as long starts the back-off anew.
const GOOD_AFTER: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_code_says_whether_another_try_is_worth_it() {
        let endpoint = Endpoint::parse("http://h").unwrap();
        let try_again = |code| closed(&endpoint, code, "").map(|lost| lost.at_once).ok();
        for code in [None, Some(1000), Some(1006), Some(1012), Some(4100), Some(4199)] {
            assert_eq!(try_again(code), Some(false), "{code:?}");
        }
        assert_eq!(try_again(Some(4200)), Some(true));
        for code in [4000, 4001, 4009, 4099, 4300, 4999] {
            assert_eq!(try_again(Some(code)), None, "{code}");
        }
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<u64> = (0..8).map(|failures| back_off(failures, false).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert!(back_off(0, true).is_zero());
        assert_eq!(back_off(1, true).as_secs(), 2);
    }
}
