//! Endpoints as people write them down.

use bellwire_webhooks::batch::{Gap, Outcome};
use bellwire_webhooks::endpoint::{Disabled, Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::ids::{BatchId, ReplayId};
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::{Progress, ReplayOf, State};

use super::Place;
use super::desk::Desk;
use super::things::*;

fn find(place: &impl Place, name: &str) -> Option<Endpoint> {
    place.store().endpoint(&endpoint_id(name)).unwrap()
}

pub(crate) fn an_endpoint_is_found_as_it_was_put(place: &impl Place) {
    let mut put = endpoint("a");
    put.origin = Origin::File;
    put.terms.events = vec!["channel_occupied".into()];
    put.terms.channel_prefix = Some("private-".into());
    put.terms.headers.insert("X-Tenant".into(), "7".into());
    put.terms.max_per_second = Some(5);
    put.disabled = Some(Disabled { reason: "gone".into(), at_ms: 7 });
    put.failing_since_ms = Some(6);
    place.store().put_endpoint(&put).unwrap();
    assert_eq!(find(place, "a"), Some(put.clone()));
    assert_eq!(place.store().endpoints(None).unwrap(), [put]);
    assert_eq!(find(place, "b"), None);
}

pub(crate) fn endpoints_of_an_app_are_listed_oldest_first(place: &impl Place) {
    for (name, app, created_at_ms) in [("a", "1", 3), ("b", "1", 1), ("c", "2", 2)] {
        let app = app.parse().unwrap();
        let endpoint = Endpoint { app, created_at_ms, ..endpoint(name) };
        place.store().put_endpoint(&endpoint).unwrap();
    }
    let names = |app: Option<&str>| {
        let app = app.map(|app| app.parse().unwrap());
        let listed = place.store().endpoints(app.as_ref()).unwrap();
        listed.iter().map(|endpoint| endpoint.id.to_string()).collect::<Vec<String>>()
    };
    assert_eq!(names(None), ["ep_b", "ep_c", "ep_a"]);
    assert_eq!(names(Some("1")), ["ep_b", "ep_a"]);
    assert_eq!(names(Some("3")), [""; 0]);
}

pub(crate) fn secrets_count_only_with_a_new_endpoint(place: &impl Place) {
    place.store().put_endpoint(&endpoint("a")).unwrap();
    let mut changed = endpoint("a");
    changed.terms.url = "https://example.org".into();
    changed.secrets = vec![secret("other", 9)];
    place.store().put_endpoint(&changed).unwrap();
    let found = find(place, "a").unwrap();
    assert_eq!(found.terms.url, "https://example.org");
    assert_eq!(found.secrets, [secret("first", 1_000)]);
}

pub(crate) fn terms_change_in_place(place: &impl Place) {
    place.store().put_endpoint(&endpoint("a")).unwrap();
    let terms = Terms { retry_hours: Some(3), ..Terms::new("http://127.0.0.1:9") };
    assert!(place.store().set_terms(&endpoint_id("a"), &terms).unwrap());
    assert_eq!(find(place, "a"), Some(Endpoint { terms: terms.clone(), ..endpoint("a") }));
    assert!(!place.store().set_terms(&endpoint_id("b"), &terms).unwrap());
}

pub(crate) fn who_is_enabled_again_has_no_past_of_failure(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let id = endpoint_id("a");
    let (endpoint, since_ms) = (id.clone(), Some(3_000));
    desk.keep(vec![Step::Failing { endpoint, since_ms }]);
    assert_eq!(find(place, "a").unwrap().failing_since_ms, Some(3_000));
    let (endpoint, at_ms) = (id.clone(), 5_000);
    desk.keep(vec![Step::Disable { endpoint, reason: "failing", at_ms }]);
    assert!(place.store().set_enabled(&id, false, 6_000).unwrap());
    let disabled = find(place, "a").unwrap().disabled.unwrap();
    assert_eq!(disabled, Disabled { reason: "failing".into(), at_ms: 5_000 });
    assert!(place.store().set_enabled(&id, true, 7_000).unwrap());
    let enabled = find(place, "a").unwrap();
    assert_eq!((enabled.disabled, enabled.failing_since_ms), (None, None));
    assert!(!place.store().set_enabled(&endpoint_id("b"), true, 7_000).unwrap());
}

pub(crate) fn a_new_secret_ends_the_older_ones(place: &impl Place) {
    let ledger = place.store();
    ledger.put_endpoint(&endpoint("a")).unwrap();
    let id = endpoint_id("a");
    let until = |secret: SigningSecret, ms| SigningSecret { expires_at_ms: Some(ms), ..secret };
    assert!(ledger.rotate(&id, &secret("second", 2_000), 9_000).unwrap());
    let expected = [secret("second", 2_000), until(secret("first", 1_000), 9_000)];
    assert_eq!(find(place, "a").unwrap().secrets, expected);
    // The first keeps its earlier end.
    assert!(ledger.rotate(&id, &secret("third", 3_000), 12_000).unwrap());
    let expected = [
        secret("third", 3_000),
        until(secret("second", 2_000), 12_000),
        until(secret("first", 1_000), 9_000),
    ];
    assert_eq!(find(place, "a").unwrap().secrets, expected);
    // Those that sign no more are not kept.
    assert!(ledger.rotate(&id, &secret("fourth", 12_000), 20_000).unwrap());
    let expected = [secret("fourth", 12_000), until(secret("third", 3_000), 20_000)];
    assert_eq!(find(place, "a").unwrap().secrets, expected);
    assert!(!ledger.rotate(&endpoint_id("b"), &secret("x", 1), 2).unwrap());
}

pub(crate) fn with_an_endpoint_goes_its_history(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let ledger = place.store();
    let gap = Gap { first: 1, last: 1, count: 1 };
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let id = at as u64 + 1;
        let lost = Step::Lost { endpoint: endpoint_id(name), gap, reason: "expired", at_ms: 5 };
        desk.keep(vec![cut(&batch(id, name, "room", &[id])), attempted(id, 1), lost]);
        desk.keep(vec![end(id, Outcome::Failed, 9_000)]);
        ledger.put_replay(&replay(id, name, ReplayOf::Test)).unwrap();
    }
    // More than what goes in one part.
    desk.keep((10..2_500).map(|id| cut(&batch(id, "a", "room", &[id]))).collect());
    assert!(ledger.remove_endpoint(&endpoint_id("a")).unwrap());
    assert!(!ledger.remove_endpoint(&endpoint_id("a")).unwrap());
    assert_eq!(find(place, "a"), None);
    let filter = bellwire_webhooks::ledger::DeliveryFilter { limit: 10, ..Default::default() };
    let left = ledger.deliveries(&filter).unwrap();
    assert_eq!(left.iter().map(|left| left.batch.id).collect::<Vec<_>>(), [BatchId::of(2)]);
    assert_eq!(left[0].attempts, 1);
    assert_eq!(ledger.gaps(&app()).unwrap().len(), 1);
    let replays = ledger.replays(None).unwrap();
    assert_eq!(replays.iter().map(|replay| replay.id).collect::<Vec<_>>(), [ReplayId::of(2)]);
    ledger.put_endpoint(&Endpoint { secrets: vec![secret("new", 5)], ..endpoint("a") }).unwrap();
    assert_eq!(find(place, "a").unwrap().secrets, [secret("new", 5)]);
}

pub(crate) fn changes_are_those_that_the_server_must_notice(place: &impl Place) {
    let mut desk = Desk::open(place);
    let ledger = place.store();
    let last = std::cell::Cell::new(ledger.changes().unwrap());
    let is_noticed = || {
        let now = ledger.changes().unwrap();
        last.replace(now) != now
    };
    let id = endpoint_id("a");
    ledger.put_endpoint(&endpoint("a")).unwrap();
    assert!(is_noticed());
    ledger.put_endpoint(&endpoint("a")).unwrap();
    assert!(!is_noticed(), "nothing is different");
    ledger.set_terms(&id, &Terms::new("https://example.net")).unwrap();
    assert!(is_noticed());
    ledger.rotate(&id, &secret("second", 2_000), 9_000).unwrap();
    assert!(is_noticed());
    ledger.put_replay(&replay(1, "a", ReplayOf::Test)).unwrap();
    assert!(is_noticed());
    let (endpoint, replay) = (id.clone(), ReplayId::of(1));
    let progress = |state| Progress { cursor: 1, delivered: 1, failed: 0, state };
    desk.keep(vec![
        occupied(1, "room"),
        cut(&batch(1, "a", "room", &[1])),
        attempted(1, 1),
        end(1, Outcome::Delivered, 5_000),
        behind("a", 1),
        Step::Failing { endpoint, since_ms: Some(5) },
        Step::Replayed { replay, progress: progress(State::Running) },
    ]);
    assert!(!is_noticed(), "the engine works");
    desk.keep(vec![Step::Replayed { replay, progress: progress(State::Done) }]);
    assert!(is_noticed());
    let (endpoint, at_ms) = (id.clone(), 5_000);
    desk.keep(vec![Step::Disable { endpoint, reason: "gone", at_ms }]);
    assert!(is_noticed());
    ledger.set_enabled(&id, true, 6_000).unwrap();
    assert!(is_noticed());
    ledger.remove_endpoint(&id).unwrap();
    assert!(is_noticed());
}
