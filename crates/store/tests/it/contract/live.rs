//! The contract of `LiveStore`.

use bellwire_live::chart::{HOUR_S, MINUTE_S};
use bellwire_live::errors::{ErrorKind, ErrorLog, Example, Group, Mishap};
use bellwire_live::rollup::{Messages, Rollup};
use bellwire_live::{LiveStore as _, Point, RETENTION};
use bellwire_protocol::AppId;

use super::Place;

pub(crate) fn app(id: &str) -> AppId {
    id.parse().unwrap()
}

pub(crate) fn point(id: &str, step_s: u64, at_s: u64, api: u64) -> Point {
    let messages = Messages { api, ..Messages::default() };
    let more = Rollup { messages, peak: api, ..Rollup::default() };
    Point { app: app(id), step_s, at_s, more }
}

pub(crate) fn mistakes(messages: &[&str], at_ms: u64) -> Vec<(AppId, Group)> {
    let mut log = ErrorLog::default();
    for message in messages {
        let (kind, code, example) = (ErrorKind::Api, Some(400), Example::default());
        log.note(&app("1"), at_ms, || Mishap { kind, code, message, example });
    }
    log.take()
}

pub(crate) fn what_is_added_to_a_point_adds_up(place: &impl Place) {
    let store = place.store();
    store.keep(&[point("1", MINUTE_S, 60, 2), point("2", MINUTE_S, 60, 9)], &[]).unwrap();
    store.keep(&[point("1", MINUTE_S, 60, 3), point("1", MINUTE_S, 120, 1)], &[]).unwrap();
    let points = store.points(&app("1"), MINUTE_S, 60).unwrap();
    let seen: Vec<_> = points.iter().map(|(at, sum)| (*at, sum.messages.api, sum.peak)).collect();
    assert_eq!(seen, [(60, 5, 3), (120, 1, 1)]);
    assert_eq!(store.points(&app("1"), MINUTE_S, 61).unwrap().len(), 1);
}

pub(crate) fn the_messages_of_a_day_are_those_of_its_hours(place: &impl Place) {
    let store = place.store();
    let day = 86_400;
    let hour = |id, at_s, api| point(id, HOUR_S, at_s, api);
    store
        .keep(
            &[
                hour("1", day - HOUR_S, 100),
                hour("1", day, 1),
                hour("2", day, 5),
                hour("1", day + HOUR_S, 2),
                point("1", MINUTE_S, day, 1_000),
            ],
            &[],
        )
        .unwrap();
    assert_eq!(store.messages(day).unwrap(), [(app("1"), 3), (app("2"), 5)]);
}

pub(crate) fn the_same_mistake_of_another_day_is_the_same(place: &impl Place) {
    let store = place.store();
    store.keep(&[], &mistakes(&["a", "b", "a"], 5)).unwrap();
    store.keep(&[], &mistakes(&["a"], 9)).unwrap();
    let errors = store.errors(&app("1")).unwrap();
    let seen: Vec<_> =
        errors.iter().map(|e| (&e.message[..], e.count, e.first_at_ms, e.last_at_ms)).collect();
    assert_eq!(seen, [("a", 3, 5, 9), ("b", 1, 5, 5)]);
    assert!(store.errors(&app("2")).unwrap().is_empty());
}

pub(crate) fn an_app_has_its_latest_mistakes_only(place: &impl Place) {
    let store = place.store();
    for at in 0..3 {
        let words: Vec<String> = (0..150u32)
            .map(|n| (n + 150 * at).to_string().bytes().map(|b| (b + 49) as char).collect())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        store.keep(&[], &mistakes(&words, 5 + u64::from(at))).unwrap();
    }
    let errors = store.errors(&app("1")).unwrap();
    assert_eq!(errors.len(), 200);
    assert_eq!(errors.iter().filter(|error| error.last_at_ms == 7).count(), 150);
}

pub(crate) fn what_is_too_old_goes(place: &impl Place) {
    let store = place.store();
    let now_s = 200 * 86_400;
    let old = now_s - 49 * HOUR_S;
    let points = [point("1", MINUTE_S, old, 1), point("1", HOUR_S, old, 1)];
    store.keep(&points, &mistakes(&["a"], old * 1000)).unwrap();
    store.keep(&[point("1", HOUR_S, HOUR_S, 1)], &[]).unwrap();
    assert_eq!(store.sweep(now_s, &RETENTION).unwrap(), 2);
    assert!(store.points(&app("1"), MINUTE_S, 0).unwrap().is_empty());
    assert_eq!(store.points(&app("1"), HOUR_S, 0).unwrap().len(), 1);
    assert_eq!(store.errors(&app("1")).unwrap().len(), 1);
    assert_eq!(store.sweep(now_s + 30 * 86_400, &RETENTION).unwrap(), 1);
    assert!(store.errors(&app("1")).unwrap().is_empty());
}
