//! What people see of deliveries.

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::{DeliveryFilter, DeliveryStatus, Ledger as _, Lost};
use bellwire_webhooks::outbox::Step;

use super::Place;
use super::desk::Desk;
use super::things::*;

/// The ids of those that pass a filter.
fn found(place: &impl Place, filter: DeliveryFilter) -> Vec<u64> {
    let limit = if filter.limit == 0 { 50 } else { filter.limit };
    let page = place.store().deliveries(&DeliveryFilter { limit, ..filter }).unwrap();
    page.iter().map(|delivery| delivery.batch.id.number()).collect()
}

fn all() -> DeliveryFilter {
    DeliveryFilter::default()
}

pub(crate) fn deliveries_are_listed_newest_first_in_pages(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep((1..=7).map(|id| cut(&batch(id, "a", "room", &[id]))).collect());
    let page = |before: Option<u64>| {
        found(place, DeliveryFilter { before: before.map(BatchId::of), limit: 3, ..all() })
    };
    assert_eq!(page(None), [7, 6, 5]);
    assert_eq!(page(Some(5)), [4, 3, 2]);
    assert_eq!(page(Some(2)), [1]);
    assert_eq!(page(Some(1)), [0; 0]);
}

pub(crate) fn deliveries_are_found_by_app_endpoint_and_state(place: &impl Place) {
    let other: AppId = "2".parse().unwrap();
    place.store().put_endpoint(&Endpoint { app: other.clone(), ..endpoint("c") }).unwrap();
    let mut desk = Desk::with_endpoints(place, &["a", "b"]);
    let foreign = Batch { app: other.clone(), ..batch(7, "c", "room", &[1]) };
    for (id, name) in (1..).zip(["a", "b", "a", "b", "a", "a"]) {
        desk.keep(vec![cut(&batch(id, name, "room", &[id]))]);
    }
    desk.keep(vec![cut(&foreign)]);
    desk.keep((1..).zip(Outcome::ALL).map(|(id, outcome)| end(id, outcome, 9_000)).collect());
    assert_eq!(found(place, DeliveryFilter { app: Some(app()), ..all() }), [6, 5, 4, 3, 2, 1]);
    assert_eq!(found(place, DeliveryFilter { app: Some(other), ..all() }), [7]);
    let of = |name, status| {
        found(place, DeliveryFilter { endpoint: Some(endpoint_id(name)), status, ..all() })
    };
    assert_eq!(of("a", None), [6, 5, 3, 1]);
    assert_eq!(of("a", Some(DeliveryStatus::Pending)), [6, 5]);
    assert_eq!(of("b", Some(DeliveryStatus::Ended(Outcome::Failed))), [2]);
    assert_eq!(of("a", Some(DeliveryStatus::Ended(Outcome::Failed))), [0; 0]);
    let ended = |outcome| {
        found(place, DeliveryFilter { status: Some(DeliveryStatus::Ended(outcome)), ..all() })
    };
    assert_eq!(Outcome::ALL.map(ended), [[1], [2], [3], [4]]);
}

pub(crate) fn deliveries_are_found_by_channel_and_event(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let (room, neighbour) = (channel_of(9, 0), channel_of(9, 1));
    let mut member = batch(3, "a", &room, &[3]);
    // What a client has said looks like another channel and another event, but is a text.
    member.events = format!(
        r#"[{{"name":"client_event","channel":"{room}","event":"client-x","data":"{{\"name\":\"cache_miss\",\"channel\":\"{neighbour}\"}}"}}]"#
    )
    .into();
    desk.keep(vec![cut(&batch(1, "a", &room, &[1])), cut(&batch(2, "a", &neighbour, &[2]))]);
    desk.keep(vec![cut(&member), cut(&rerun(4, "a", &room, &[1]))]);
    let by = |channel: Option<&str>, event: Option<&str>| {
        let (channel, event) = (channel.map(str::to_owned), event.map(str::to_owned));
        found(place, DeliveryFilter { channel, event, ..all() })
    };
    assert_eq!(by(Some(&room), None), [4, 3, 1]);
    assert_eq!(by(Some(&neighbour), None), [2]);
    assert_eq!(by(None, Some("cache_miss")), [4, 2, 1]);
    assert_eq!(by(Some(&room), Some("client_event")), [3]);
    assert_eq!(by(Some("presence"), None), [0; 0]);
    assert_eq!(by(Some("no \"channel"), None), [0; 0]);
    assert_eq!(by(None, Some("miss")), [0; 0]);
}

pub(crate) fn deliveries_are_found_by_when_they_were_cut(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    desk.keep((1..=5).map(|id| cut(&batch(id, "a", "room", &[id]))).collect());
    let between = |from_ms, to_ms| found(place, DeliveryFilter { from_ms, to_ms, ..all() });
    assert_eq!(between(Some(2_000), Some(4_000)), [4, 3, 2]);
    assert_eq!(between(Some(4_001), None), [5]);
    assert_eq!(between(None, Some(1_999)), [1]);
    assert_eq!(between(Some(0), Some(u64::MAX)), [5, 4, 3, 2, 1]);
}

pub(crate) fn a_delivery_has_every_attempt(place: &impl Place) {
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let gap = Some(Gap { first: 1, last: 4, count: 2 });
    let sent = Batch { gap, previous: 3, ..batch(7, "a", "room", &[5, 8]) };
    desk.keep(vec![
        cut(&sent),
        attempted(7, 1),
        attempted(7, 2),
        cut(&batch(8, "a", "room", &[9])),
    ]);
    let (delivery, attempts) = place.store().delivery(BatchId::of(7)).unwrap().unwrap();
    assert_eq!(delivery.batch, sent);
    assert_eq!((delivery.status, delivery.ended_at_ms), (DeliveryStatus::Pending, None));
    assert_eq!((delivery.attempts, delivery.last), (2, Some(attempt(7, 2))));
    assert_eq!(attempts, [attempt(7, 1), attempt(7, 2)]);
    desk.keep(vec![end(7, Outcome::Failed, 9_000)]);
    let (delivery, _) = place.store().delivery(BatchId::of(7)).unwrap().unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Ended(Outcome::Failed));
    assert_eq!(delivery.ended_at_ms, Some(9_000));
    let (fresh, none) = place.store().delivery(BatchId::of(8)).unwrap().unwrap();
    assert_eq!((fresh.attempts, fresh.last, none.len()), (0, None, 0));
    assert!(place.store().delivery(BatchId::of(9)).unwrap().is_none());
}

pub(crate) fn gaps_are_listed_newest_first(place: &impl Place) {
    let other: AppId = "2".parse().unwrap();
    place.store().put_endpoint(&Endpoint { app: other.clone(), ..endpoint("c") }).unwrap();
    let mut desk = Desk::with_endpoints(place, &["a"]);
    let gap = |first| Gap { first, last: first + 3, count: 2 };
    let lost = |name, reason, at_ms| Step::Lost {
        endpoint: endpoint_id(name),
        gap: gap(at_ms),
        reason,
        at_ms,
    };
    desk.keep(vec![lost("a", "expired", 5), lost("c", "disabled", 6), lost("a", "overflow", 7)]);
    let row = |name, reason: &str, at_ms| Lost {
        endpoint: endpoint_id(name),
        gap: gap(at_ms),
        reason: reason.into(),
        at_ms,
    };
    let told = place.store().gaps(&app()).unwrap();
    assert_eq!(told, [row("a", "overflow", 7), row("a", "expired", 5)]);
    assert_eq!(place.store().gaps(&other).unwrap(), [row("c", "disabled", 6)]);
}
