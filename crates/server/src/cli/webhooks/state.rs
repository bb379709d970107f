//! What receivers missed, what is announced, and whether the promises are kept.

use std::collections::HashMap;

use bellwire_protocol::AppId;
use bellwire_webhooks::ledger;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::output::{Output, note};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use crate::moment::date;
use crate::views::gap::GapView;

#[derive(clap::Args)]
pub(in super::super) struct Gaps {
    /// The app's id
    #[arg(value_name = "APP_ID")]
    app: AppId,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Gaps {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        desk.expect_app(&self.app)?;
        let gaps = desk.store()?.gaps(&self.app)?;
        if gaps.is_empty() {
            note(format!("no receiver of app {} missed anything that is still recorded", self.app));
            return self.output.show(&json!([]), "");
        }
        let mut table = Table::with_head(&["when", "endpoint", "events", "first", "last", "why"]);
        for lost in &gaps {
            let gap = lost.gap;
            let [count, first, last] = [gap.count, gap.first, gap.last].map(|n| n.to_string());
            let when = date(lost.at_ms);
            table.row([&when, lost.endpoint.as_str(), &count, &first, &last, &lost.reason]);
        }
        let json = gaps.iter().map(|lost| json!(GapView::of(lost)));
        self.output.show(&json.collect(), table)
    }
}

#[derive(clap::Args)]
pub(in super::super) struct Snapshot {
    /// The app's id
    #[arg(value_name = "APP_ID")]
    app: AppId,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Snapshot {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        desk.expect_app(&self.app)?;
        let snapshot = desk.store()?.snapshot(&self.app)?;
        if !self.output.is_json() {
            note(format!("as of sequence {}:", snapshot.seq));
        }
        let mut table = Table::with_head(&["channel", "member", "since"]);
        for one in &snapshot.announced {
            let user = one.user.as_ref().map_or("", |user| user.as_str());
            table.row([one.channel.as_str(), user, &one.seq.to_string()]);
        }
        if snapshot.announced.is_empty() {
            table = Table::default();
            note("nothing is announced");
        }
        let json = json!({
            "seq": snapshot.seq,
            "channels": channels(&snapshot),
        });
        self.output.show(&json, table)
    }
}

/// Channels with their members.
fn channels(snapshot: &ledger::Snapshot) -> Value {
    let mut members: HashMap<&str, Vec<Value>> = HashMap::new();
    for one in &snapshot.announced {
        if let Some(user) = &one.user {
            let member = json!({ "user_id": user.as_str(), "seq": one.seq });
            members.entry(one.channel.as_str()).or_default().push(member);
        }
    }
    let channels = snapshot.announced.iter().filter(|one| one.user.is_none());
    channels
        .map(|one| {
            let name = one.channel.as_str();
            let mut json = json!({ "name": name, "seq": one.seq });
            if one.channel.kind().is_presence() {
                json["members"] = members.remove(name).unwrap_or_default().into();
            }
            json
        })
        .collect()
}

#[derive(clap::Args)]
pub(in super::super) struct Verify {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        show(&desk.store()?.verify()?, self.output)
    }
}

fn show(verdict: &ledger::Verdict, output: Output) -> Result<(), Failure> {
    let ledger::Verdict { events, announced, broken } = verdict;
    let json = json!({
        "ok": broken.is_empty(),
        "events": events,
        "announced": announced,
        "broken": broken,
    });
    let kept = format!(
        "ok: {events} event(s) alternate and agree with {announced} announced channel(s) and member(s)"
    );
    let mut sentences = Table::default();
    for sentence in broken {
        sentences.row([sentence]);
    }
    output.show(&json, if broken.is_empty() { kept } else { sentences.to_string() })?;
    judge(broken)
}

/// Sentences of a verdict at most.
const BROKEN_MAX: usize = 100;

fn judge(broken: &[String]) -> Result<(), Failure> {
    if broken.is_empty() {
        return Ok(());
    }
    let more = if broken.len() < BROKEN_MAX { "" } else { " or more" };
    Err(Failure::failed(format!("{} broken promise(s){more}", broken.len()))
        .hint("a fault of Bellwire or of the disk: please report it with these sentences"))
}

#[cfg(test)]
mod tests {
    use bellwire_webhooks::outbox::Announced;

    use super::*;

    #[test]
    fn a_broken_promise_is_a_failure() {
        assert!(judge(&[]).is_ok());
        let one = judge(&["app 1: a was occupied twice".into()]).unwrap_err();
        assert!(format!("{one:?}").contains("1 broken promise(s)\""), "{one:?}");
        let many = judge(&vec![String::new(); BROKEN_MAX]).unwrap_err();
        assert!(format!("{many:?}").contains("100 broken promise(s) or more"), "{many:?}");
    }

    #[test]
    fn members_stand_within_their_channels() {
        let announced = |channel: &str, user: Option<&str>, seq| Announced {
            app: "1".parse().unwrap(),
            channel: channel.parse().unwrap(),
            user: user.map(|user| user.parse().unwrap()),
            seq,
        };
        let announced = vec![
            announced("a", None, 1),
            announced("presence-b", None, 2),
            announced("presence-c", None, 3),
            announced("presence-b", Some("ann"), 4),
            announced("presence-b", Some("bob"), 5),
        ];
        let expected = json!([
            { "name": "a", "seq": 1 },
            { "name": "presence-b", "seq": 2,
              "members": [{ "user_id": "ann", "seq": 4 }, { "user_id": "bob", "seq": 5 }] },
            { "name": "presence-c", "seq": 3, "members": [] },
        ]);
        assert_eq!(channels(&ledger::Snapshot { seq: 5, announced }), expected);
    }
}
