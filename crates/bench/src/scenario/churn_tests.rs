use super::*;

fn churn(connections: usize, channels: u32, ahead: usize) -> Churn {
    let client = Client::new().expect("a poll");
    let mut churn = Churn::new(&client, 0..channels, ahead);
    churn.ways = vec![Way::default(); connections];
    churn
}

/// What a connection says, as text; the mask is zero.
fn said(churn: &mut Churn, socket: usize) -> String {
    String::from_utf8_lossy(&churn.words(socket)).into_owned()
}

fn confirm(churn: &mut Churn, socket: usize) {
    let frame = b"{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":\"x\"}";
    churn.frame(socket, frame, Instant::now());
}

#[test]
fn a_connection_asks_for_no_more_than_it_may_and_leaves_what_is_confirmed() {
    let mut churn = churn(1, 4, 2);
    let first = said(&mut churn, 0);
    assert_eq!(first.matches("pusher:subscribe").count(), 2);
    assert!(first.contains("\"wh-0\"") && first.contains("\"wh-1\""), "{first}");
    assert_eq!(said(&mut churn, 0), "", "both are still under way");
    confirm(&mut churn, 0);
    let second = said(&mut churn, 0);
    assert!(second.contains("unsubscribe\",\"data\":{\"channel\":\"wh-0\""), "{second}");
    assert!(second.contains("pusher:subscribe\",\"data\":{\"channel\":\"wh-2\""), "{second}");
}

#[test]
fn every_channel_is_asked_for_once_whoever_asks() {
    let mut churn = churn(3, 7, 4);
    let all: String = (0..3).map(|socket| said(&mut churn, socket)).collect();
    for number in 0..7 {
        assert_eq!(all.matches(&format!("\"wh-{number}\"")).count(), 1, "{number}");
    }
    assert_eq!(all.matches("pusher:subscribe").count(), 7);
}

#[test]
fn nobody_asks_beyond_the_limit_and_all_go_on_when_it_rises() {
    let mut churn = churn(2, 6, 2);
    churn.go_up_to(1);
    assert_eq!(said(&mut churn, 0).matches("pusher:subscribe").count(), 1);
    assert_eq!(said(&mut churn, 1), "");
    churn.due.clear();
    churn.go_up_to(1);
    assert!(churn.due.is_empty(), "it has not risen");
    churn.go_up_to(4);
    assert_eq!(churn.due, [0, 1]);
    let rest = said(&mut churn, 0) + &said(&mut churn, 1);
    assert_eq!(rest.matches("pusher:subscribe").count(), 3);
}

#[test]
fn whoever_stays_leaves_nothing() {
    let mut churn = churn(1, 2, 1).staying();
    said(&mut churn, 0);
    confirm(&mut churn, 0);
    assert!(!said(&mut churn, 0).contains("unsubscribe"));
    confirm(&mut churn, 0);
    assert_eq!(said(&mut churn, 0), "");
    assert_eq!(churn.confirmed, 2);
}

#[test]
fn a_probe_is_answered_once() {
    let mut churn = churn(1, 0, 1);
    churn.frame(0, b"{\"event\":\"pusher:ping\",\"data\":{}}", Instant::now());
    assert_eq!(said(&mut churn, 0).matches("pusher:pong").count(), 1);
    assert_eq!(said(&mut churn, 0), "");
}

#[test]
fn a_refusal_is_kept_and_confirms_nothing() {
    let mut churn = churn(1, 2, 2);
    said(&mut churn, 0);
    let frame = b"{\"event\":\"pusher:subscription_error\",\"channel\":\"wh-0\",\"data\":{}}";
    churn.frame(0, frame, Instant::now());
    let mut report = Report::default();
    churn.check(&mut report, "x", 2);
    assert_eq!(report.checks.iter().filter(|check| !check.holds).count(), 2);
    assert!(report.checks[1].says.contains("subscription_error"));
}
