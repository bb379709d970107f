//! A row of a feed as bytes: a version, when it was said, and entries, each a tag and what belongs to
//! it. Numbers have as many bytes as they need. Nodes of two versions may run side by side, so what
//! is not known is refused with its number, never guessed.

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::{AppId, InvalidId, SocketId, UserId};

use super::{Entry, Row};

/// The version of what is written here.
const VERSION: u8 = 1;

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// Another version wrote it.
    #[error("a row of version {0}; this server knows version {VERSION}")]
    Version(u8),
    /// It ends in the middle of an entry.
    #[error("the row ends too early")]
    TooShort,
    /// An entry of a kind that is not known.
    #[error("an entry of an unknown kind, {0}")]
    Kind(u8),
    /// A number of more than 64 bits.
    #[error("a number is too large")]
    Number,
    /// A text that is none.
    #[error("a text is not UTF-8")]
    Text,
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// A channel with a name that no channel has.
    #[error("a channel's name is not valid: {0}")]
    Channel(String),
}

/// Writes a row.
#[must_use]
pub fn encode(row: &Row) -> Vec<u8> {
    let mut out = vec![VERSION];
    number(&mut out, row.said_ms);
    let mut last_app: Option<&AppId> = None;
    for entry in &row.entries {
        // An app is named once, not with every fact.
        if let Some(app) = app_of(entry).filter(|app| last_app != Some(*app)) {
            out.push(tag::APP);
            text(&mut out, app.as_str());
            last_app = Some(app);
        }
        write(&mut out, row.said_ms, entry);
    }
    out
}

/// Reads a row.
///
/// # Errors
/// When it is not one, or one of another version.
pub fn decode(bytes: &[u8]) -> Result<Row, BadRow> {
    let mut reader = Reader { rest: bytes, said_ms: 0, app: None };
    match reader.byte()? {
        VERSION => {}
        other => return Err(BadRow::Version(other)),
    }
    reader.said_ms = reader.number()?;
    let mut entries = Vec::new();
    while let Some((kind, rest)) = reader.rest.split_first() {
        reader.rest = rest;
        entries.extend(reader.entry(*kind)?);
    }
    Ok(Row { said_ms: reader.said_ms, entries })
}

/// What an entry begins with. Facts may have [`tag::QUIETLY`] added.
mod tag {
    pub(super) const APP: u8 = 1;
    pub(super) const ANEW: u8 = 2;
    pub(super) const LOST: u8 = 3;
    pub(super) const RETELL_BEGINS: u8 = 4;
    pub(super) const RETELL_ENDS: u8 = 5;
    pub(super) const DRAINS: u8 = 6;
    pub(super) const OCCUPIED: u8 = 16;
    pub(super) const VACATED: u8 = 17;
    pub(super) const MEMBER_ADDED: u8 = 18;
    pub(super) const MEMBER_REMOVED: u8 = 19;
    pub(super) const CLIENT_EVENT: u8 = 20;
    pub(super) const MEMBER_EVENT: u8 = 21;
    pub(super) const CACHE_MISS: u8 = 22;
    pub(super) const CACHE_FILLED: u8 = 23;
    pub(super) const COUNT: u8 = 24;
    pub(super) const QUIETLY: u8 = 128;
}

/// The app of which an entry speaks.
fn app_of(entry: &Entry) -> Option<&AppId> {
    match entry {
        Entry::Fact { fact, .. } => Some(&fact.app),
        Entry::Lost { app, .. } | Entry::Anew { app } => Some(app),
        Entry::RetellBegins | Entry::RetellEnds | Entry::Drains => None,
    }
}

fn write(out: &mut Vec<u8>, said_ms: u64, entry: &Entry) {
    match entry {
        Entry::Fact { fact, quietly } => write_fact(out, said_ms, fact, *quietly),
        Entry::Lost { lane, count, .. } => {
            out.extend([tag::LOST, *lane]);
            number(out, *count);
        }
        Entry::Anew { .. } => out.push(tag::ANEW),
        Entry::RetellBegins => out.push(tag::RETELL_BEGINS),
        Entry::RetellEnds => out.push(tag::RETELL_ENDS),
        Entry::Drains => out.push(tag::DRAINS),
    }
}

fn write_fact(out: &mut Vec<u8>, said_ms: u64, fact: &Fact, quietly: bool) {
    let kind = match &fact.what {
        What::Occupied => tag::OCCUPIED,
        What::Vacated => tag::VACATED,
        What::MemberAdded(_) => tag::MEMBER_ADDED,
        What::MemberRemoved(_) => tag::MEMBER_REMOVED,
        What::ClientEvent { user: None, .. } => tag::CLIENT_EVENT,
        What::ClientEvent { user: Some(_), .. } => tag::MEMBER_EVENT,
        What::CacheMiss => tag::CACHE_MISS,
        What::CacheFilled => tag::CACHE_FILLED,
        What::SubscriptionCount(_) => tag::COUNT,
    };
    out.push(kind | if quietly { tag::QUIETLY } else { 0 });
    text(out, fact.channel.as_str());
    number(out, said_ms.saturating_sub(fact.at_ms));
    match &fact.what {
        What::MemberAdded(user) | What::MemberRemoved(user) => text(out, user.as_str()),
        What::SubscriptionCount(count) => number(out, *count as u64),
        What::ClientEvent { event, data, socket_id, user } => {
            text(out, event);
            text(out, data);
            number(out, socket_id.node);
            number(out, socket_id.connection);
            if let Some(user) = user {
                text(out, user.as_str());
            }
        }
        What::Occupied | What::Vacated | What::CacheMiss | What::CacheFilled => {}
    }
}

/// Seven bits a byte, the lowest first; all but the last have the eighth.
fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A row while it is read.
struct Reader<'a> {
    rest: &'a [u8],
    said_ms: u64,
    /// The app that was named last.
    app: Option<AppId>,
}

impl<'a> Reader<'a> {
    /// An entry; nothing, if it only named an app.
    fn entry(&mut self, kind: u8) -> Result<Option<Entry>, BadRow> {
        Ok(Some(match kind {
            tag::APP => {
                self.app = Some(self.text()?.parse()?);
                return Ok(None);
            }
            tag::ANEW => Entry::Anew { app: self.app()? },
            tag::LOST => {
                let (app, lane) = (self.app()?, self.byte()?);
                Entry::Lost { app, lane, count: self.number()? }
            }
            tag::RETELL_BEGINS => Entry::RetellBegins,
            tag::RETELL_ENDS => Entry::RetellEnds,
            tag::DRAINS => Entry::Drains,
            _ => self.fact(kind)?,
        }))
    }

    fn fact(&mut self, kind: u8) -> Result<Entry, BadRow> {
        let channel = self.text()?;
        let channel = channel.parse().map_err(|_| BadRow::Channel(channel.to_owned()))?;
        let at_ms = self.said_ms.saturating_sub(self.number()?);
        let what = match kind & !tag::QUIETLY {
            tag::OCCUPIED => What::Occupied,
            tag::VACATED => What::Vacated,
            tag::MEMBER_ADDED => What::MemberAdded(self.user()?),
            tag::MEMBER_REMOVED => What::MemberRemoved(self.user()?),
            tag::CLIENT_EVENT => self.client_event(false)?,
            tag::MEMBER_EVENT => self.client_event(true)?,
            tag::CACHE_MISS => What::CacheMiss,
            tag::CACHE_FILLED => What::CacheFilled,
            tag::COUNT => What::SubscriptionCount(self.number()? as usize),
            other => return Err(BadRow::Kind(other)),
        };
        let fact = Fact { app: self.app()?, channel, at_ms, what };
        Ok(Entry::Fact { fact, quietly: kind & tag::QUIETLY != 0 })
    }

    fn client_event(&mut self, has_user: bool) -> Result<What, BadRow> {
        let (event, data) = (self.text()?.into(), self.text()?.into());
        let socket_id = SocketId { node: self.number()?, connection: self.number()? };
        let user = if has_user { Some(self.user()?) } else { None };
        Ok(What::ClientEvent { event, data, socket_id, user })
    }

    fn user(&mut self) -> Result<UserId, BadRow> {
        Ok(self.text()?.parse()?)
    }

    fn app(&self) -> Result<AppId, BadRow> {
        self.app.clone().ok_or(BadRow::TooShort)
    }

    fn text(&mut self) -> Result<&'a str, BadRow> {
        let len = self.number()? as usize;
        let (text, rest) = self.rest.split_at_checked(len).ok_or(BadRow::TooShort)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| BadRow::Text)
    }

    fn number(&mut self) -> Result<u64, BadRow> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BadRow::Number)
    }

    fn byte(&mut self) -> Result<u8, BadRow> {
        let (byte, rest) = self.rest.split_first().ok_or(BadRow::TooShort)?;
        self.rest = rest;
        Ok(*byte)
    }
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
