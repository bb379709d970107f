//! What is printed of a POST.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::output::one_line;
use super::check::Verdict;
use super::post::{Gap, Post};
use crate::moment::{Moment, clock, span};

/// A POST with what the checks have found.
pub(super) struct Report<'a> {
    pub(super) post: &'a Post,
    pub(super) pusher: Verdict,
    pub(super) standard: Verdict,
    pub(super) age: Verdict,
    pub(super) order: Verdict,
    /// Whether its id was accepted before.
    pub(super) is_duplicate: bool,
    /// The status with which it is answered.
    pub(super) status: u16,
    /// How late that is, in milliseconds.
    pub(super) delay_ms: u64,
}

impl Report<'_> {
    /// For people: a line about the POST, one about the checks, and a line for each event.
    pub(super) fn text(&self) -> String {
        let post = self.post;
        let mut text =
            format!("{}  {}", clock(post.at_ms), one_line(post.id().unwrap_or("no Webhook-Id")));
        if post.path != "/" {
            let _ = write!(text, "  {}", one_line(&post.path));
        }
        if let Some(attempt) = post.number("x-bellwire-attempt") {
            let _ = write!(text, "  attempt {attempt}");
        }
        if let Some(sequence) = post.sequence() {
            let _ = write!(text, "  sequence {sequence}");
        }
        let _ = write!(text, "  answered {}", self.status);
        if self.delay_ms > 0 {
            let _ = write!(text, " after {}", span(self.delay_ms));
        }
        let checks = [&self.pusher, &self.standard, &self.age, &self.order];
        let checks = checks.map(|check| format!("{} {}", check.mark.sign(), one_line(&check.text)));
        let _ = write!(text, "\n  {}", checks.join("   "));
        for mark in self.marks() {
            let _ = write!(text, "\n  {mark}");
        }
        for event in post.events() {
            let _ = write!(text, "\n    {}", event_line(event));
        }
        text
    }

    /// What is worth a line of its own.
    fn marks(&self) -> Vec<String> {
        let mut marks = Vec::new();
        if self.is_duplicate {
            marks.push("DUPLICATE: it was accepted here before".to_owned());
        }
        if let Some(Gap { first, last }) = self.post.gap() {
            marks.push(format!("GAP: {first} to {last} will not come unless they are replayed"));
        }
        if let Some(replay) = self.post.replay() {
            marks.push(format!("REPLAY: {}", one_line(replay)));
        }
        marks
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let post = self.post;
        json!({
            "at": Moment(post.at_ms),
            "path": post.path,
            "id": post.id(),
            "attempt": post.number("x-bellwire-attempt"),
            "sequence": post.sequence(),
            "previous_sequence": post.previous(),
            "gap": post.gap().map(|gap| json!({ "first": gap.first, "last": gap.last })),
            "replay_id": post.replay(),
            "duplicate": self.is_duplicate,
            "order": self.order.word,
            "pusher_key": post.header("x-pusher-key"),
            "pusher_signature": self.pusher.word,
            "standard_signature": self.standard.word,
            "age": self.age.word,
            "age_ms": post.age_ms(),
            "time_ms": post.webhook.as_ref().map(|webhook| webhook.time_ms),
            "events": post.events(),
            "answered": self.status,
        })
    }
}

/// An event in a line: its name, its channel, and whatever else it has.
fn event_line(event: &Value) -> String {
    let Value::Object(fields) = event else { return one_line(&event.to_string()).into_owned() };
    let text = |value: &Value| match value.as_str() {
        Some(text) => one_line(text).into_owned(),
        None => one_line(&value.to_string()).into_owned(),
    };
    let first = ["name", "channel"].map(|key| fields.get(key).map_or("-".into(), text));
    let mut line = first.join("  ");
    for (key, value) in fields.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "channel"))
    {
        let _ = write!(line, "  {}: {}", one_line(key), text(value));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::check::{self, Mark};
    use super::super::post::post;
    use super::*;

    fn shown(headers: &[(&str, &str)], body: &str, is_duplicate: bool) -> String {
        let post = post(headers, body);
        let report = Report {
            pusher: check::pusher(&post, None),
            standard: check::standard(&post, &[]),
            age: check::age(&post),
            order: Verdict::new(Mark::Good, "follows", "sequence 8 follows 3"),
            is_duplicate,
            status: 503,
            delay_ms: 2_000,
            post: &post,
        };
        report.text()
    }

    #[test]
    fn a_post_is_a_line_its_checks_a_second_and_each_event_one_more() {
        let headers = [
            ("X-Pusher-Key", "k"),
            ("X-Pusher-Signature", "00"),
            ("Webhook-Id", "msg_1"),
            ("X-Bellwire-Attempt", "2"),
            ("X-Bellwire-Sequence", "8"),
        ];
        let body = r#"{"time_ms":9988,"events":[
            {"name":"member_added","channel":"presence-a","user_id":"ann"},
            {"name":"client_event","channel":"presence-a","event":"client-x","data":"a\nb"}]}"#;
        assert_eq!(
            shown(&headers, body, false),
            "00:00:10Z  msg_1  attempt 2  sequence 8  answered 503 after 2.0 s\n  \
             – X-Pusher-Signature not checked: the secret of key k is not known   \
             – no Webhook-Signature   ✓ 12 ms old   ✓ sequence 8 follows 3\n    \
             member_added  presence-a  user_id: ann\n    \
             client_event  presence-a  data: a\\nb  event: client-x"
        );
    }

    #[test]
    fn duplicates_gaps_and_replays_have_a_line_and_nothing_steers_the_terminal() {
        let headers = [("X-Bellwire-Gap", "4-8;count=3"), ("X-Bellwire-Replay", "rpl_1")];
        let body = "{\"time_ms\":9988,\"events\":[{\"name\":\"\\u001b[31m\",\"\\u009b\":1},7]}";
        let text = shown(&headers, body, true);
        for line in ["  DUPLICATE: it was", "  GAP: 4 to 8 will", "  REPLAY: rpl_1", "    7"] {
            assert!(text.lines().any(|other| other.starts_with(line)), "{line}: {text}");
        }
        assert!(text.contains(r"\u{1b}[31m  -  \u{9b}: 1"), "{text}");
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
    }
}
