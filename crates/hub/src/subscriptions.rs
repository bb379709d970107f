//! What a connection listens to: a list for the few that nearly everyone has, with an index over it
//! for the thousands that some have.

use std::hash::BuildHasher as _;

use bellwire_protocol::{ChannelName, UserId};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::conn::ChannelId;

/// Up to so many, looking through the list is faster than anything else.
const LIST_MAX: usize = 32;

/// A channel that a connection listens to.
#[derive(Debug)]
pub struct Subscription {
    /// Its name.
    pub channel: ChannelName,
    /// Its life on this node.
    pub id: ChannelId,
    /// Who the connection is there, on presence channels.
    pub user: Option<UserId>,
}

/// The subscriptions of a connection.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    list: Vec<Subscription>,
    /// Where in the list a name is; none while the list is short.
    index: Option<Box<Index>>,
}

#[derive(Debug, Default)]
struct Index {
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Subscriptions {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Subscription> {
        self.list.iter()
    }

    pub(crate) fn get(&self, channel: &str) -> Option<&Subscription> {
        self.place(channel).map(|at| &self.list[at])
    }

    pub(crate) fn push(&mut self, subscription: Subscription) {
        if self.list.capacity() == 0 {
            // Nearly everyone has one.
            self.list.reserve_exact(1);
        }
        self.list.push(subscription);
        match &mut self.index {
            Some(index) => index.add(&self.list, self.list.len() - 1),
            None if self.list.len() > LIST_MAX => {
                let mut index = Box::<Index>::default();
                (0..self.list.len()).for_each(|at| index.add(&self.list, at));
                self.index = Some(index);
            }
            None => {}
        }
    }

    pub(crate) fn remove(&mut self, channel: &str) -> Option<Subscription> {
        let at = self.place(channel)?;
        if let Some(index) = &mut self.index {
            index.take(&self.list, at);
            let last = self.list.len() - 1;
            if at != last {
                index.take(&self.list, last);
            }
        }
        let removed = self.list.swap_remove(at);
        if let Some(index) = &mut self.index
            && at < self.list.len()
        {
            index.add(&self.list, at);
        }
        Some(removed)
    }

    /// All of them, and leaves none.
    pub(crate) fn take(&mut self) -> Vec<Subscription> {
        self.index = None;
        std::mem::take(&mut self.list)
    }

    fn place(&self, channel: &str) -> Option<usize> {
        let Some(index) = &self.index else {
            return self.list.iter().position(|s| s.channel.as_str() == channel);
        };
        let hash = index.hasher.hash_one(channel);
        let is_it = |at: &u32| self.list[*at as usize].channel.as_str() == channel;
        index.places.find(hash, is_it).map(|at| *at as usize)
    }
}

impl Index {
    fn add(&mut self, list: &[Subscription], at: usize) {
        let Self { places, hasher } = self;
        let hash = |at: &u32| hasher.hash_one(list[*at as usize].channel.as_str());
        let at = at as u32;
        places.insert_unique(hash(&at), at, hash);
    }

    fn take(&mut self, list: &[Subscription], at: usize) {
        let hash = self.hasher.hash_one(list[at].channel.as_str());
        if let Ok(entry) = self.places.find_entry(hash, |place| *place as usize == at) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subscription(number: u64) -> Subscription {
        let channel = format!("room-{number}").parse().unwrap();
        Subscription { channel, id: ChannelId(number), user: None }
    }

    proptest! {
        #[test]
        fn it_is_a_set_however_many_come_and_go(
            steps in proptest::collection::vec((any::<bool>(), 0u64..120), 0..400),
        ) {
            let mut model = std::collections::BTreeSet::new();
            let mut subscriptions = Subscriptions::default();
            for (comes, number) in steps {
                let name = format!("room-{number}");
                if comes && model.insert(number) {
                    subscriptions.push(subscription(number));
                } else if !comes {
                    let removed = subscriptions.remove(&name).map(|s| s.id.0);
                    prop_assert_eq!(removed, model.take(&number));
                }
                prop_assert_eq!(subscriptions.len(), model.len());
                let found = subscriptions.get(&name).map(|s| s.id.0);
                prop_assert_eq!(found, model.get(&number).copied());
            }
            let mut all: Vec<u64> = subscriptions.take().iter().map(|s| s.id.0).collect();
            all.sort_unstable();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<u64>>());
            prop_assert_eq!(subscriptions.len(), 0);
        }
    }
}
