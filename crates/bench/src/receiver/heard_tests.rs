use super::*;

fn event(kind: &str, number: u32) -> String {
    format!("{{\"channel\":\"{}\",\"name\":\"channel_{kind}\"}}", channel(number))
}

fn body(events: &[String]) -> Vec<u8> {
    format!("{{\"time_ms\":1,\"events\":[{}]}}", events.join(",")).into_bytes()
}

/// A receiver of one endpoint after POSTs with these ids and events.
fn after(posts: &[(&str, &[String])]) -> Heard {
    let mut heard = Heard::new(1);
    for (id, events) in posts {
        assert!(heard.post(0, id, false, &body(events), Instant::now()));
    }
    heard
}

#[test]
fn events_are_counted_by_kind_and_posts_by_id() {
    let heard = after(&[
        ("a", &[event("occupied", 1), event("occupied", 2)]),
        ("b", &[event("vacated", 1), event("vacated", 2), event("occupied", 1)]),
    ]);
    let total = heard.total();
    assert_eq!((total.posts, total.occupied, total.vacated, total.largest), (2, 3, 2, 3));
    assert!(total.is_clean(), "{total:?}");
    assert_eq!(total.events(), 5);
}

#[test]
fn the_same_id_again_is_told_and_its_events_do_not_count() {
    let once = [event("occupied", 1)];
    let total = after(&[("a", &once), ("a", &once)]).total();
    assert_eq!((total.posts, total.again, total.occupied, total.out_of_turn), (1, 1, 1, 0));
    assert!(!total.is_clean());
}

#[test]
fn an_event_twice_under_two_ids_is_out_of_turn() {
    let twice = after(&[("a", &[event("occupied", 1)]), ("b", &[event("occupied", 1)])]).total();
    assert_eq!((twice.occupied, twice.out_of_turn), (2, 1));
    let vacated = [event("vacated", 1)];
    let twice = after(&[("a", &[event("occupied", 1)]), ("b", &vacated), ("c", &vacated)]).total();
    assert_eq!((twice.vacated, twice.out_of_turn), (2, 1));
}

#[test]
fn vacated_before_occupied_is_out_of_turn() {
    let total = after(&[("a", &[event("vacated", 1), event("occupied", 1)])]).total();
    assert_eq!(total.out_of_turn, 1);
}

#[test]
fn each_endpoint_has_its_own_ids_and_its_own_order() {
    let mut heard = Heard::new(2);
    let once = body(&[event("occupied", 1)]);
    assert!(heard.post(0, "a", false, &once, Instant::now()));
    assert!(heard.post(1, "a", false, &once, Instant::now()));
    assert!(!heard.post(2, "a", false, &once, Instant::now()), "there are two");
    assert!(heard.total().is_clean());
    assert!(heard.each().all(|tally| tally.occupied == 1));
}

#[test]
fn other_channels_and_kinds_are_counted_apart() {
    let strange = "{\"name\":\"channel_occupied\",\"channel\":\"load\"}".to_owned();
    let member = event("occupied", 3).replace("channel_occupied", "cache_miss");
    let escaped = r#"{"name":"client_event","channel":"wh-1","data":"{\"channel\":\"wh-2\"}"}"#;
    let total = after(&[("a", &[strange, member, escaped.to_owned()])]).total();
    assert_eq!((total.others, total.events(), total.malformed), (3, 0, 0));
}

#[test]
fn what_does_not_read_is_malformed_and_so_is_a_post_without_an_id() {
    let mut heard = Heard::new(1);
    for (id, body) in [("a", &b"{\"time_ms\":1}"[..]), ("b", b"{"), ("", b"{\"events\":[]}")] {
        heard.post(0, id, false, body, Instant::now());
    }
    assert_eq!(heard.total().malformed, 3);
}

#[test]
fn a_gap_is_not_clean() {
    let mut heard = Heard::new(1);
    heard.post(0, "a", true, &body(&[event("occupied", 1)]), Instant::now());
    assert_eq!(heard.total().gaps, 1);
    assert!(!heard.total().is_clean());
}

#[test]
fn only_the_occupied_event_of_an_expected_channel_is_timed() {
    let mut heard = Heard::new(1);
    let asked = Instant::now();
    heard.expect(7, asked);
    let arrived = asked + Duration::from_millis(20);
    heard.post(0, "a", false, &body(&[event("occupied", 7), event("occupied", 8)]), arrived);
    let later = asked + Duration::from_secs(9);
    heard.post(0, "b", false, &body(&[event("vacated", 7)]), later);
    assert!((heard.latency.max_ms() - 20.0).abs() < 1e-9, "{}", heard.latency.max_ms());
    assert_eq!(heard.span(), later - arrived);
}
