//! What went wrong, gathered: one group for all that is the same mistake, with how often it came,
//! one example, and what mends it.

use bellwire_protocol::AppId;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

pub use crate::fixes::fix;
use crate::line::beginning;
use crate::template::template;

/// Where something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// At the door, or with a connection as a whole.
    Connection,
    /// A key, a signature or a sign-in.
    Auth,
    /// A request of the HTTP API.
    Api,
    /// Something that a client said.
    Client,
    /// A limit of the app or of the server.
    Limit,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Connection, Self::Auth, Self::Api, Self::Client, Self::Limit];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Auth => "auth",
            Self::Api => "api",
            Self::Client => "client",
            Self::Limit => "limit",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mishap<'a> {
    /// Where.
    pub kind: ErrorKind,
    /// A close code, the code of a `pusher:error`, or a status.
    pub code: Option<u16>,
    /// What was said about it.
    pub message: &'a str,
    /// To whom.
    pub example: Example,
}

/// To whom it happened, for instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Example {
    /// The connection.
    pub socket_id: Option<String>,
    /// Where it came from.
    pub address: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// The page.
    pub origin: Option<String>,
}

/// The same mistake, however often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The same for the same mistake, in every run.
    pub id: GroupId,
    /// Where.
    pub kind: ErrorKind,
    /// Its code.
    pub code: Option<u16>,
    /// What all of them say.
    pub message: String,
    /// How often.
    pub count: u64,
    /// When it came first.
    pub first_at_ms: u64,
    /// When it came last.
    pub last_at_ms: u64,
    /// The latest.
    pub example: Example,
}

/// The name of a group within its app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u64);

/// Groups of an app that wait to be kept; what does not fit is counted in none.
const WAITING_MAX: usize = 200;
/// Bytes of the texts of an example.
const EXAMPLE_BYTES: usize = 256;

/// What went wrong since it was last kept.
#[derive(Debug, Default)]
pub struct ErrorLog {
    apps: HashMap<AppId, Groups, Hashing>,
}

/// What went wrong in one app.
#[derive(Debug, Default)]
struct Groups {
    waiting: HashMap<GroupId, Group, Hashing>,
    /// The last second in which something went wrong, and how often it did.
    second: u64,
    in_second: u32,
}

/// Mistakes of an app that are looked at in a second. Of a flood the others are not counted: whoever
/// makes one must not make the server work for it.
const NOTED_PER_S: u32 = 200;

type Hashing = foldhash::fast::RandomState;

impl ErrorLog {
    /// Something went wrong in an app at this time.
    pub fn note<'a>(&mut self, app: &AppId, at_ms: u64, mishap: impl FnOnce() -> Mishap<'a>) {
        let groups = self.apps.entry_ref(app).or_default();
        if !groups.has_time(at_ms / 1000) {
            return;
        }
        let group = Group::of(at_ms, mishap());
        if let Some(known) = groups.waiting.get_mut(&group.id) {
            known.add(group);
        } else if groups.waiting.len() < WAITING_MAX {
            groups.waiting.insert(group.id, group);
        }
    }

    /// All there is, and forgets it.
    pub fn take(&mut self) -> Vec<(AppId, Group)> {
        let apps = std::mem::take(&mut self.apps);
        let of = |(app, groups): (AppId, Groups)| {
            groups.waiting.into_values().map(move |group| (app.clone(), group))
        };
        apps.into_iter().flat_map(of).collect()
    }

    /// What could not be kept waits for the next time.
    pub fn put_back(&mut self, groups: Vec<(AppId, Group)>) {
        for (app, group) in groups {
            let groups = &mut self.apps.entry(app).or_default().waiting;
            if let Some(later) = groups.get_mut(&group.id) {
                later.count += group.count;
                later.first_at_ms = later.first_at_ms.min(group.first_at_ms);
            } else if groups.len() < WAITING_MAX {
                groups.insert(group.id, group);
            }
        }
    }
}

impl Groups {
    /// Whether there is time for one more in this second.
    fn has_time(&mut self, second: u64) -> bool {
        if self.second != second {
            (self.second, self.in_second) = (second, 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        self.in_second <= NOTED_PER_S
    }
}

impl Group {
    fn of(at_ms: u64, mishap: Mishap<'_>) -> Self {
        let Mishap { kind, code, message, example } = mishap;
        let message = template(message, example.channel.as_deref());
        let id = GroupId::of(kind, code, &message);
        let example = example.cut();
        Self { id, kind, code, message, count: 1, first_at_ms: at_ms, last_at_ms: at_ms, example }
    }

    /// Adds those that came later.
    pub fn add(&mut self, later: Self) {
        self.count += later.count;
        self.last_at_ms = self.last_at_ms.max(later.last_at_ms);
        self.example = later.example;
    }

    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        fix(self.kind, self.code, &self.message)
    }
}

impl Example {
    fn cut(mut self) -> Self {
        let texts = [&mut self.socket_id, &mut self.address, &mut self.channel, &mut self.origin];
        for text in texts.into_iter().flatten() {
            text.truncate(beginning(text, EXAMPLE_BYTES).len());
        }
        self
    }
}

impl GroupId {
    fn of(kind: ErrorKind, code: Option<u16>, message: &str) -> Self {
        let code = code.map_or(String::new(), |code| code.to_string());
        let texts = [kind.name(), &code, message];
        let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0xFF]));
        // FNV-1a: the same in every run and every version, so that groups are found again.
        let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, hash))
    }
}

/// Sixteen digits.
impl std::fmt::Display for GroupId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for GroupId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mishap(message: &str, at_ms: u64) -> Mishap<'_> {
        let example = Example { socket_id: Some(format!("1.{at_ms}")), ..Example::default() };
        Mishap { kind: ErrorKind::Auth, code: None, message, example }
    }

    fn note(log: &mut ErrorLog, app: &AppId, message: &str, at_ms: u64) {
        log.note(app, at_ms, || mishap(message, at_ms));
    }

    #[test]
    fn the_same_mistake_is_one_group_with_the_latest_example() {
        let app: AppId = "1".parse().unwrap();
        let mut log = ErrorLog::default();
        note(&mut log, &app, "Invalid signature: 1.5:private-a", 5);
        note(&mut log, &app, "Invalid signature: 1.7:private-b", 7);
        note(&mut log, &app, "Something else", 8);
        let mut groups = log.take();
        groups.sort_by_key(|(_, group)| group.first_at_ms);
        let [(_, first), (_, second)] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((first.count, first.first_at_ms, first.last_at_ms), (2, 5, 7));
        assert_eq!(first.message, "Invalid signature: …");
        assert_eq!(first.example.socket_id.as_deref(), Some("1.7"));
        assert_eq!((second.count, second.message.as_str()), (1, "Something else"));
        assert_eq!(first.id.to_string().parse(), Ok(first.id));
        assert!(log.take().is_empty());
    }

    #[test]
    fn what_could_not_be_kept_is_not_lost() {
        let app: AppId = "1".parse().unwrap();
        let mut log = ErrorLog::default();
        note(&mut log, &app, "once", 5);
        let taken = log.take();
        note(&mut log, &app, "once", 9);
        log.put_back(taken);
        let groups = log.take();
        let group = &groups[0].1;
        assert_eq!((group.count, group.first_at_ms, group.last_at_ms), (2, 5, 9));
    }

    #[test]
    fn a_flood_of_different_mistakes_does_not_grow() {
        let app: AppId = "1".parse().unwrap();
        let mut log = ErrorLog::default();
        for at in 0..10_000u32 {
            let word: String = at.to_string().bytes().map(|digit| (digit + 49) as char).collect();
            note(&mut log, &app, &word, 1_000 * u64::from(at));
        }
        assert_eq!(log.take().len(), WAITING_MAX);
    }

    #[test]
    fn a_flood_is_not_looked_at() {
        let app: AppId = "1".parse().unwrap();
        let mut log = ErrorLog::default();
        for _ in 0..NOTED_PER_S {
            note(&mut log, &app, "again", 5_999);
        }
        log.note(&app, 5_999, || panic!("there is no time for it"));
        note(&mut log, &app, "again", 6_000);
        assert_eq!(log.take()[0].1.count, u64::from(NOTED_PER_S) + 1);
    }
}
