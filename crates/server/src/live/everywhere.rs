//! The connections of an app on all nodes. People wait for other nodes here, for a second at most;
//! nothing that serves clients does.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bellwire_cluster::Link;
use bellwire_hub::App;
use bellwire_protocol::SocketId;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::informant::{About, Answer, Informant, Part, Question};
use super::questions::{NoPlace, Place};
use crate::cluster::Nodes;

/// How long others have to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks this node and the others.
pub(crate) struct Everywhere {
    here: Arc<Informant>,
    nodes: Arc<Nodes>,
    /// None if there is no other node.
    link: Option<Arc<Link>>,
}

/// Connections of all nodes.
#[derive(Debug, Default)]
pub(crate) struct FoundPage {
    /// By node, and in the order of their places there.
    pub(crate) connections: Vec<Box<RawValue>>,
    /// Where the next page begins; none: there is none.
    pub(crate) next: Option<Spot>,
    /// How many there are on all pages.
    pub(crate) total: usize,
    /// The nodes that have not answered.
    pub(crate) missing: Vec<String>,
}

/// A place on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    node: u64,
    place: Place,
}

/// One connection that was looked for.
#[derive(Debug)]
pub(crate) enum Sought<T> {
    /// It is there.
    Found(T),
    /// It is not.
    NotThere,
    /// The nodes that might have it have not answered.
    Unknown(Vec<String>),
}

/// The nodes that are there.
struct Around {
    me: u64,
    others: Vec<(u64, String)>,
}

impl Everywhere {
    /// Asks these.
    pub(crate) fn new(here: Arc<Informant>, nodes: Arc<Nodes>, link: Option<Arc<Link>>) -> Self {
        Self { here, nodes, link }
    }

    /// The connections of an app that have `q`, in lower case, in what is known of them: so many from
    /// a spot on.
    pub(crate) async fn connections(
        &self,
        app: &App,
        q: &str,
        from: Option<Spot>,
        limit: usize,
    ) -> FoundPage {
        let around = self.around();
        let ask = |node| Question { app: app.id.to_string(), about: some(node, q, from, limit) };
        let others = around.others.iter().map(|(node, _)| (*node, ask(*node))).collect();
        let me = ask(around.me);
        let has_others = !around.others.is_empty();
        let (here, mut answers) =
            tokio::join!(self.here.tell(&me, has_others), self.ask_others(others));
        answers.extend(here.map(|answer| (around.me, answer)));
        let missing = around.missing(&answers);
        let part = |(node, answer)| match answer {
            Answer::Some(part) => Some((node, part)),
            Answer::One(_) | Answer::End(_) => None,
        };
        FoundPage { missing, ..joined(answers.into_iter().filter_map(part).collect(), limit) }
    }

    /// One connection of an app.
    pub(crate) async fn connection(&self, app: &App, socket: SocketId) -> Sought<Box<RawValue>> {
        let found = |answer| match answer {
            Answer::One(found) => found,
            Answer::Some(_) | Answer::End(_) => None,
        };
        self.seek(app, socket, About::One, found).await
    }

    /// Ends a connection of an app.
    pub(crate) async fn disconnect(&self, app: &App, socket: SocketId) -> Sought<()> {
        let found = |answer| matches!(answer, Answer::End(true)).then_some(());
        self.seek(app, socket, About::End, found).await
    }

    /// Asks whoever may have a connection: the node with whose number its name begins. One that has
    /// come back to the others by another number still has its connections; then all are asked.
    async fn seek<T>(
        &self,
        app: &App,
        socket: SocketId,
        about: fn(String) -> About,
        found: impl Fn(Answer) -> Option<T>,
    ) -> Sought<T> {
        let question = || Question { app: app.id.to_string(), about: about(socket.to_string()) };
        let mut around = self.around();
        if self.here.is_here(socket) {
            let answer = self.here.tell(&question(), !around.others.is_empty()).await;
            return answer.and_then(found).map_or(Sought::NotThere, Sought::Found);
        }
        if around.others.iter().any(|(node, _)| *node == socket.node) {
            around.others.retain(|(node, _)| *node == socket.node);
        }
        let questions = around.others.iter().map(|(node, _)| (*node, question())).collect();
        let answers = self.ask_others(questions).await;
        let missing = around.missing(&answers);
        match answers.into_iter().find_map(|(_, answer)| found(answer)) {
            Some(found) => Sought::Found(found),
            None if missing.is_empty() => Sought::NotThere,
            None => Sought::Unknown(missing),
        }
    }

    async fn ask_others(&self, questions: Vec<(u64, Question)>) -> Vec<(u64, Answer)> {
        let Some(link) = &self.link else { return Vec::new() };
        let written = |(node, question)| Some((node, serde_json::to_vec(&question).ok()?.into()));
        let questions = questions.into_iter().filter_map(written).collect();
        let answers = link.ask(questions, Instant::now() + PATIENCE).await;
        let read = |(node, answer): (u64, bytes::Bytes)| {
            Some((node, serde_json::from_slice(&answer).ok()?))
        };
        answers.into_iter().filter_map(read).collect()
    }

    fn around(&self) -> Around {
        let standing = self.nodes.standing();
        let is_other =
            |node: &&bellwire_store::NodeRow| node.state.is_live() && node.id != standing.me;
        let others = standing.nodes.iter().filter(is_other);
        let others = others.map(|node| (node.id.number(), node.name.clone())).collect();
        Around { me: standing.me.number(), others }
    }
}

impl Around {
    /// Others that have not answered.
    fn missing(&self, answers: &[(u64, Answer)]) -> Vec<String> {
        let is_missing =
            |(node, _): &&(u64, String)| answers.iter().all(|(answered, _)| answered != node);
        self.others.iter().filter(is_missing).map(|(_, name)| name.clone()).collect()
    }
}

/// What a node is asked for a page: of nodes before the spot only how many there are.
fn some(node: u64, q: &str, from: Option<Spot>, limit: usize) -> About {
    let begins = from.map_or(0, |spot| spot.node);
    let limit = if node < begins { 0 } else { limit };
    let from = from.filter(|spot| spot.node == node).map(|spot| spot.place);
    About::Some { q: q.to_owned(), from, limit }
}

/// A page of what nodes have, one node after the other.
fn joined(mut parts: Vec<(u64, Part)>, limit: usize) -> FoundPage {
    parts.sort_by_key(|(node, _)| *node);
    let total = parts.iter().map(|(_, part)| part.total).sum();
    let mut page = FoundPage { total, ..FoundPage::default() };
    for (node, part) in parts {
        for (place, connection) in part.connections {
            if page.connections.len() == limit {
                page.next = Some(Spot { node, place });
                return page;
            }
            page.connections.push(connection);
        }
        if let Some(place) = part.next {
            page.next = Some(Spot { node, place });
            return page;
        }
    }
    page
}

/// Three numbers, for cursors.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.place)
    }
}

impl FromStr for Spot {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (node, place) = text.split_once('-').ok_or(NoPlace)?;
        Ok(Self { node: node.parse().map_err(|_| NoPlace)?, place: place.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(slot: usize) -> Place {
        format!("0-{slot}").parse().unwrap()
    }

    /// A node's connections, each called by the node and its slot.
    struct Town(Vec<(u64, usize)>);

    impl Town {
        /// What the nodes answer, none more than so many at once.
        fn parts(&self, from: Option<Spot>, limit: usize, at_once: usize) -> Vec<(u64, Part)> {
            let part = |(node, count): &(u64, usize)| {
                let About::Some { from, limit, .. } = some(*node, "", from, limit) else {
                    panic!()
                };
                let slots: Vec<usize> = (0..*count).collect();
                let first =
                    from.map_or(0, |from| slots.iter().filter(|s| place(**s) < from).count());
                let mut rest = slots[first..].iter().copied();
                let shown: Vec<usize> = rest.by_ref().take(limit.min(at_once)).collect();
                let written = |slot: usize| RawValue::from_string(format!("\"{node}.{slot}\""));
                let connections =
                    shown.into_iter().map(|slot| (place(slot), written(slot).unwrap())).collect();
                let next = rest.next().filter(|_| limit > 0).map(place);
                (*node, Part { connections, next, total: *count })
            };
            // In whatever order they come.
            self.0.iter().rev().map(part).collect()
        }

        /// Everything, page by page; the longest page and how often a page was asked for.
        fn read(&self, limit: usize, at_once: usize) -> (Vec<String>, usize) {
            let (mut all, mut from, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = joined(self.parts(from, limit, at_once), limit);
                assert!(page.connections.len() <= limit);
                assert_eq!(page.total, self.0.iter().map(|(_, count)| count).sum::<usize>());
                all.extend(page.connections.iter().map(|text| text.get().to_owned()));
                pages += 1;
                assert!(pages < 100, "it does not end");
                match page.next {
                    Some(next) => from = Some(next.to_string().parse().unwrap()),
                    None => return (all, pages),
                }
            }
        }
    }

    #[test]
    fn page_by_page_everything_comes_once_and_in_order() {
        let town = Town(vec![(3, 4), (7, 0), (9, 5), (40, 1)]);
        let (expected, pages) = town.read(100, 100);
        assert_eq!((expected.len(), pages), (10, 1));
        for limit in 1..12 {
            assert_eq!(town.read(limit, 100), (expected.clone(), 10_usize.div_ceil(limit)));
            assert_eq!(town.read(limit, 2).0, expected, "answers are cut");
        }
    }

    #[test]
    fn a_page_goes_on_after_a_node_that_is_gone() {
        let (before, after) = (Town(vec![(3, 4), (9, 5)]), Town(vec![(9, 5)]));
        let next = joined(before.parts(None, 2, 9), 2).next;
        let page = joined(after.parts(next, 9, 9), 9);
        assert_eq!(page.connections.len(), 5);
        assert_eq!(page.connections[0].get(), "\"9.0\"");
    }

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        for text in ["", "1", "1-2", "1-2-3-4", "a-1-2", "1-999-2", "-1-2"] {
            assert!(text.parse::<Spot>().is_err(), "{text}");
        }
    }
}
