//! What a log has said of one channel so far.

use std::collections::HashMap;

use bellwire_protocol::UserId;
use bellwire_webhooks::event::{Event, Kind};

/// A channel, as far as its events tell.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// Whether it is occupied, and the place that said so.
    said: Option<(bool, u64)>,
    /// The same of its members.
    members: HashMap<UserId, (bool, u64)>,
    /// Whether its members are all known: since it was occupied.
    knows_members: bool,
}

impl Channel {
    /// The next event.
    pub(super) fn hear(&mut self, event: &Event) -> Result<(), String> {
        match (event.kind, &event.user) {
            (Kind::Occupied, _) => self.occupied(event.seq),
            (Kind::Vacated, _) => self.vacated(event.seq),
            (Kind::MemberAdded, Some(user)) => self.member(user, true, event.seq),
            (Kind::MemberRemoved, Some(user)) => self.member(user, false, event.seq),
            (Kind::MemberAdded | Kind::MemberRemoved, None) => Err("it names no user".into()),
            (Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount, _) => Ok(()),
        }
    }

    fn occupied(&mut self, seq: u64) -> Result<(), String> {
        let before = self.said.replace((true, seq));
        self.knows_members = true;
        match before {
            Some((true, last)) => Err(format!("occupied again, after {last}")),
            _ => Ok(()),
        }
    }

    fn vacated(&mut self, seq: u64) -> Result<(), String> {
        let before = self.said.replace((false, seq));
        let member = self.members.iter().find(|(_, (is_here, _))| *is_here);
        let left = member.map(|(user, (_, last))| {
            format!("vacated while user {user}, added at {last}, is a member")
        });
        self.members.clear();
        self.knows_members = true;
        match (before, left) {
            (Some((false, last)), _) => Err(format!("vacated again, after {last}")),
            (_, Some(left)) => Err(left),
            _ => Ok(()),
        }
    }

    fn member(&mut self, user: &UserId, is_here: bool, seq: u64) -> Result<(), String> {
        let what = if is_here { "added" } else { "removed" };
        let before = self.members.insert(user.clone(), (is_here, seq));
        if let Some((false, last)) = self.said {
            return Err(format!("user {user} is {what}, but the channel was vacated at {last}"));
        }
        match before {
            Some((was_here, last)) if was_here == is_here => {
                Err(format!("user {user} is {what} again, after {last}"))
            }
            None if self.knows_members && !is_here => {
                Err(format!("user {user} is removed, but was not added"))
            }
            _ => Ok(()),
        }
    }

    /// What was said last of the channel, or of a member; it is not asked for again.
    pub(super) fn take(&mut self, user: &Option<UserId>) -> Option<(bool, u64)> {
        match user {
            Some(user) => {
                let unknown = self.knows_members.then(|| (false, self.said.map_or(0, |s| s.1)));
                self.members.remove(user).or(unknown)
            }
            None => {
                let said = self.said?;
                self.said = Some((false, said.1));
                Some(said)
            }
        }
    }

    /// What is here and was not asked for.
    pub(super) fn left(&self) -> impl Iterator<Item = (Option<&UserId>, u64)> {
        let channel = self.said.into_iter().map(|said| (None, said));
        let members = self.members.iter().map(|(user, said)| (Some(user), *said));
        channel
            .chain(members)
            .filter(|(_, (is_here, _))| *is_here)
            .map(|(user, (_, seq))| (user, seq))
    }
}
