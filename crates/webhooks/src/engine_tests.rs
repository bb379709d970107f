//! Laws of the engine that a simulation is too blunt for: who goes first, who is told, how often.

use bellwire_hub::fact::What;

use super::*;
use crate::attempt::Failure;
use crate::endpoint::Terms;
use crate::event::{Event, lane_of};
use crate::outbox::Step;

const RULES: SettleRules = SettleRules { grace_ms: 3_000, reconnect_ms: 10_000 };
const HOUR_MS: u64 = 3_600_000;
const BEGIN_MS: u64 = 1_700_000_000_000;

/// An engine with one app and one endpoint; its store keeps everything at once.
struct House {
    engine: Engine,
    now_ms: u64,
    kept: Vec<Step>,
    notices: Vec<Notice>,
}

impl House {
    fn new(terms: Terms) -> Self {
        Self::with(vec![endpoint(terms)])
    }

    fn with(endpoints: Vec<Endpoint>) -> Self {
        let mut engine = Engine::new(RULES, DeliveryRules::default(), 7);
        engine.begin(BEGIN_MS, Remains::default(), endpoints, &|_| Some(true), Vec::new());
        Self { engine, now_ms: BEGIN_MS, kept: Vec::new(), notices: Vec::new() }
    }

    fn happens(&mut self, channel: &str, what: What, quietly: bool) {
        let (app, channel) = ("1".parse().unwrap(), channel.parse().unwrap());
        let fact = Fact { app, channel, at_ms: self.now_ms, what };
        self.engine.take(self.now_ms, fact, quietly);
    }

    fn says(&mut self, channel: &str, event: &str) {
        let (socket_id, event, data) = ("1.2".parse().unwrap(), event.into(), "{}".into());
        self.happens(channel, What::ClientEvent { event, data, socket_id, user: None }, false);
    }

    /// What is to be sent now.
    fn posts(&mut self) -> Vec<Dispatch> {
        let mut posts = Vec::new();
        loop {
            let orders = self.engine.orders(self.now_ms);
            self.notices.extend(orders.notices);
            posts.extend(orders.posts);
            let Some((transaction, reads)) = orders.job else { return posts };
            self.kept.extend(transaction.steps);
            let found = reads.into_iter().map(|(asker, read)| (asker, self.found(&read)));
            let found = found.collect();
            self.engine.kept(self.now_ms, found);
        }
    }

    fn found(&self, read: &Read) -> Found {
        let Read::Lane { lane, after, .. } = read else { panic!("{read:?}") };
        let event = |step: &Step| match step {
            Step::Append(event) => Some(Event::clone(event)),
            _ => None,
        };
        let events = self.kept.iter().filter_map(event);
        Found::Events(events.filter(|e| e.lane() == *lane && e.seq > *after).collect())
    }

    fn answer(&mut self, post: &Dispatch, status: u16) {
        let failure = (!(200..300).contains(&status)).then_some(Failure::Status);
        let answered = Answered {
            endpoint: post.endpoint.id.clone(),
            lane: post.batch.lane,
            batch: post.batch.id,
            at_ms: self.now_ms,
            answer: Answer { status: Some(status), failure, ..Answer::default() },
        };
        self.engine.answered(self.now_ms, answered);
    }

    /// Answers everything so until a time, and returns what was sent.
    fn answer_all(&mut self, until_ms: u64, status: impl Fn(&Dispatch) -> u16) -> Vec<Dispatch> {
        let mut sent = Vec::new();
        loop {
            let posts = self.posts();
            for post in &posts {
                self.answer(post, status(post));
            }
            sent.extend(posts.iter().cloned());
            let next_ms = self.engine.next_ms().filter(|at_ms| *at_ms <= until_ms);
            match next_ms {
                _ if !posts.is_empty() => {}
                Some(next_ms) => self.now_ms = next_ms,
                None => break,
            }
        }
        self.now_ms = until_ms;
        sent
    }
}

fn endpoint(terms: Terms) -> Endpoint {
    Endpoint::of_a_test("ep_1", "1".parse().unwrap(), terms)
}

fn terms() -> Terms {
    Terms::new("https://example.com/")
}

/// Channels that have their lanes for themselves.
fn private_channels(count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..1_000).map(|number| format!("private-{number}")).collect();
    names.sort_by_key(|name| lane_of(name));
    names.dedup_by_key(|name| lane_of(name));
    names.truncate(count);
    names
}

#[test]
fn what_happened_before_anybody_asked_is_in_the_log_and_goes_to_nobody() {
    let mut house = House::new(terms());
    house.happens("room", What::Occupied, true);
    assert!(house.posts().is_empty());
    let is_kept = |step: &Step| matches!(step, Step::Append(event) if event.seq == 1);
    assert!(matches!(&house.kept[..], [step] if is_kept(step)));
}

#[test]
fn nothing_goes_before_it_is_kept() {
    let mut house = House::new(terms());
    house.happens("room", What::Occupied, false);
    let orders = house.engine.orders(house.now_ms);
    assert!(orders.job.is_some() && orders.posts.is_empty());
    assert!(house.engine.orders(house.now_ms + 60_000).posts.is_empty());
    house.engine.kept(house.now_ms, Vec::new());
    assert_eq!(house.posts().len(), 1);
}

// webhooks: P3
#[test]
fn what_was_said_is_promised_with_a_transaction_and_known_to_be_kept_after_it() {
    let mut house = House::new(terms());
    assert_eq!((house.engine.promised(), house.engine.last_kept()), (0, 0));
    house.happens("room", What::Occupied, false);
    assert_eq!((house.engine.promised(), house.engine.last_kept()), (1, 0));
    let job = house.engine.orders(house.now_ms).job;
    assert_eq!((house.engine.promised(), house.engine.last_kept()), (1, 0));
    house.happens("other", What::Occupied, false);
    assert_eq!((house.engine.promised(), house.engine.last_kept()), (2, 0));
    assert_eq!(job.unwrap().0.number, 1);
    house.engine.kept(house.now_ms, Vec::new());
    assert_eq!((house.engine.promised(), house.engine.last_kept()), (2, 1));
    house.posts();
    assert_eq!(house.engine.promised(), house.engine.last_kept());
    // Who is back within the grace was never away: there is nothing to keep.
    house.happens("room", What::Vacated, false);
    house.happens("room", What::Occupied, false);
    assert_eq!(house.engine.promised(), house.engine.last_kept());
}

#[test]
fn with_one_slot_every_lane_has_its_turn() {
    let mut house = House::new(Terms { max_in_flight: 1, ..terms() });
    let channels = private_channels(8);
    let mut sent: Map<String, u32> = Map::default();
    for _ in 0..10 * channels.len() {
        channels.iter().for_each(|channel| house.says(channel, "client-x"));
        let posts = house.posts();
        assert_eq!(posts.len(), 1);
        let channel = posts[0].batch.channels().remove(0);
        *sent.entry(channel).or_default() += 1;
        house.answer(&posts[0], 200);
    }
    assert!(channels.iter().all(|channel| sent.get(channel) == Some(&10)), "{sent:?}");
}

#[test]
fn an_endpoint_shows_that_it_is_well_before_it_gets_much_at_once() {
    let mut house = House::new(terms());
    private_channels(10).iter().for_each(|channel| house.says(channel, "client-x"));
    let first = house.posts();
    assert_eq!(first.len(), 2);
    house.answer(&first[0], 200);
    assert_eq!(house.posts().len(), 8);
}

// webhooks: P6
#[test]
fn what_a_hundred_dead_endpoints_cost_an_event_is_nothing_that_is_kept() {
    let named = |number: usize| Endpoint {
        id: format!("ep_{number:03}").parse().unwrap(),
        ..endpoint(terms())
    };
    let mut house = House::with((0..=100).map(named).collect());
    let is_well = |post: &Dispatch| post.endpoint.id.as_str() == "ep_000";
    let channels = private_channels(40);
    for channel in &channels[..20] {
        house.says(channel, "client-x");
        house.answer_all(house.now_ms + 100, |post| if is_well(post) { 200 } else { 503 });
    }
    house.answer_all(house.now_ms + 60_000, |post| if is_well(post) { 200 } else { 503 });
    let before = house.kept.len();
    for channel in &channels[20..] {
        house.says(channel, "client-x");
        let posts = house.posts();
        assert_eq!(posts.iter().filter(|post| is_well(post)).count(), 1);
        posts.iter().filter(|post| is_well(post)).for_each(|post| house.answer(post, 200));
    }
    // For each event: that it was said, cut, tried and accepted.
    let kept = &house.kept[before..];
    let others = kept.iter().filter(|step| matches!(step, Step::Behind { .. } | Step::Cut(_)));
    assert!(kept.len() <= 20 * 4 + 8 && others.count() <= 22, "{kept:?}");
}

// webhooks: P6
#[test]
fn those_that_are_not_known_to_be_well_have_their_turn_after_the_others() {
    let named = |number: usize| Endpoint {
        id: format!("ep_{number:03}").parse().unwrap(),
        ..endpoint(terms())
    };
    let mut house = House::with((0..100).map(named).collect());
    house.says("private-a", "client-x");
    let first = house.engine.orders(house.now_ms).job.unwrap().0;
    let count = |steps: &[Step], what: fn(&Step) -> bool| steps.iter().filter(|s| what(s)).count();
    assert_eq!(count(&first.steps, |step| matches!(step, Step::Cut(_))), LINE_MAX);
    assert_eq!(count(&first.steps, |step| matches!(step, Step::Behind { .. })), 100 - LINE_MAX);
    house.engine.kept(house.now_ms, Vec::new());
    let posts = house.posts();
    assert_eq!(posts.len(), 100);
    posts.iter().for_each(|post| house.answer(post, 200));
    assert!(house.posts().is_empty());
    house.says("private-a", "client-y");
    let second = house.engine.orders(house.now_ms).job.unwrap().0;
    assert_eq!(count(&second.steps, |step| matches!(step, Step::Cut(_))), 100);
}

#[test]
fn the_one_event_that_is_refused_is_given_up_and_all_others_arrive() {
    let mut house = House::new(terms());
    for number in 0..20 {
        let event = if number == 13 { "client-poison" } else { "client-x" };
        house.says("private-a", event);
        house.says("private-b", "client-x");
    }
    let has_poison = |post: &Dispatch| post.batch.events.contains("poison");
    let sent =
        house.answer_all(BEGIN_MS + HOUR_MS, |post| if has_poison(post) { 400 } else { 200 });
    let arrived: usize = sent.iter().filter(|p| !has_poison(p)).map(|p| p.batch.seqs.len()).sum();
    assert_eq!(arrived, 39);
    let lost = |step: &Step| match step {
        Step::Lost { gap, reason, .. } => Some((gap.count, *reason)),
        _ => None,
    };
    let lost: Vec<(u64, &str)> = house.kept.iter().filter_map(lost).collect();
    assert!(matches!(lost[..], [(1, "refused" | "expired")]), "{lost:?}");
}

#[test]
fn the_last_attempt_is_made_when_the_window_ends_although_no_slot_is_free() {
    let mut house = House::new(Terms { max_in_flight: 1, ..terms() });
    let [one, other] = &private_channels(2)[..] else { panic!("two channels") };
    house.says(one, "client-x");
    let first = house.posts().remove(0);
    house.answer(&first, 404);
    house.says(other, "client-x");
    assert_ne!(house.posts()[0].batch.id, first.batch.id, "the other has the slot now");
    house.now_ms += 10_000;
    assert!(house.posts().is_empty());
    assert_eq!(house.engine.next_ms(), Some(first.batch.deadline_ms));
    house.now_ms = first.batch.deadline_ms;
    assert_eq!(house.posts()[0].batch.id, first.batch.id);
}

#[test]
fn an_endpoint_that_fails_for_days_is_warned_of_daily_and_disabled_after_five() {
    let mut house = House::new(terms());
    for _ in 0..6 * 24 {
        house.says("private-a", "client-x");
        house.answer_all(house.now_ms + HOUR_MS, |_| 500);
    }
    let warned = house.notices.iter().filter(|n| matches!(n, Notice::FailingLong { .. })).count();
    assert_eq!(warned, 4);
    let disabled = house.notices.iter().filter(|n| matches!(n, Notice::Disabled { .. })).count();
    assert_eq!(disabled, 1);
    // Its owner enables it: what was is forgiven.
    house.engine.configure(house.now_ms, vec![endpoint(terms())], &|_| Some(true), Vec::new());
    house.says("private-a", "client-x");
    let sent = house.answer_all(house.now_ms + HOUR_MS, |_| 500);
    assert!(sent.len() > 1 && sent[0].gap.is_some());
    let disabled = house.notices.iter().filter(|n| matches!(n, Notice::Disabled { .. })).count();
    assert_eq!(disabled, 1, "an hour is no five days");
}

#[test]
fn an_endpoint_has_one_alarm_however_often_it_is_run() {
    let mut house = House::new(terms());
    house.says("private-a", "client-x");
    let post = house.posts().remove(0);
    house.answer(&post, 404);
    for _ in 0..100 {
        house.says("private-b", "client-x");
        house.now_ms += 1;
        for post in house.posts() {
            house.answer(&post, 404);
        }
    }
    assert_eq!(house.engine.alarms.len(), 1);
}
