//! What nodes of a cluster pass on of a console that somebody looks at elsewhere: only what happened
//! where they are, so that nothing goes in circles.

use std::sync::{Arc, Mutex, PoisonError};

use bellwire_protocol::AppId;

use crate::console::{Console, Counts};
use crate::line::Line;

/// The way to the other nodes. Nothing here waits.
pub trait Elsewhere: Send + Sync {
    /// Whether somebody looks at the console of an app here.
    fn look(&self, app: &AppId, looks: bool);

    /// Those who look at an app elsewhere are to see this.
    fn pass_on(&self, app: &AppId, said: &Said);

    /// Whether there are other nodes now.
    fn is_anywhere(&self) -> bool;
}

/// What a node says of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its name.
    pub node: Arc<str>,
    /// Lines in order, with places that mean nothing elsewhere.
    pub lines: Vec<Line>,
    /// Lines that were left out there since it last said so.
    pub left_out: Counts,
}

/// Reads a console for the other nodes.
#[derive(Debug)]
pub struct Reader {
    console: Arc<Console>,
    /// Locked by whoever passes on, for one look.
    at: Mutex<At>,
}

#[derive(Debug)]
struct At {
    /// The line to go on with.
    next_id: u64,
    /// What the console had left out of what happened here.
    left_out: Counts,
}

impl Reader {
    /// Reads what comes from now on.
    #[must_use]
    pub fn of(console: Arc<Console>) -> Self {
        let at = At { next_id: console.next_id(), left_out: console.left_out_here() };
        Self { console, at: Mutex::new(at) }
    }

    /// What happened here since the last time, if anything did.
    #[must_use]
    pub fn news(&self, node: &Arc<str>) -> Option<Said> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let news = self.console.since(at.next_id).lines;
        at.next_id = news.last().map_or(at.next_id, |line| line.id + 1);
        let is_here = |line: &&Arc<Line>| line.node.is_none();
        let lines: Vec<Line> = news.iter().filter(is_here).map(|line| Line::clone(line)).collect();
        let now = self.console.left_out_here();
        let left_out = std::array::from_fn(|kind| now[kind] - at.left_out[kind]);
        at.left_out = now;
        let is_nothing = lines.is_empty() && left_out == Counts::default();
        (!is_nothing).then(|| Said { node: Arc::clone(node), lines, left_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LogType;

    fn add(console: &Console, times: usize) {
        let kind = LogType::ApiMessage;
        (0..times).for_each(|_| console.add(5_000, kind, || Line::new(kind, 5_000, "here")));
    }

    #[test]
    fn each_line_and_each_count_is_passed_on_once() {
        let (console, node) = (Arc::new(Console::new(1)), "a".into());
        add(&console, 101);
        let reader = Reader::of(Arc::clone(&console));
        assert_eq!(reader.news(&node), None, "that was before");
        add(&console, 3);
        let said = reader.news(&node).unwrap();
        assert_eq!((said.lines.len(), said.left_out[LogType::ApiMessage as usize]), (0, 3));
        let kind = LogType::Error;
        console.add(5_000, kind, || Line::new(kind, 5_000, "here"));
        let said = reader.news(&node).unwrap();
        assert_eq!((&*said.node, said.lines.len(), said.left_out), ("a", 1, Counts::default()));
        assert_eq!(reader.news(&node), None);
    }

    #[test]
    fn what_others_said_is_not_passed_on() {
        let (console, node) = (Arc::new(Console::new(1)), "a".into());
        let reader = Reader::of(Arc::clone(&console));
        let lines = vec![Line::new(LogType::Error, 1, "there"); 150];
        console.hear(5_000, Said { node: "b".into(), lines, left_out: [9; LogType::ALL.len()] });
        assert_eq!(console.recent(500).len(), 100);
        assert_eq!(reader.news(&node), None);
    }
}
