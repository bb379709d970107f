//! A store that was copied from SQLite to PostgreSQL is the same store.

use bellwire_accounts::{AccountStore, AuditFilter, Password};
use bellwire_hub::{AppSpec, AppStore, KeySpec, Settings};
use bellwire_live::LiveStore;
use bellwire_live::chart::{HOUR_S, MINUTE_S};
use bellwire_store::{Copied, Sqlite, StoreError, copy};
use bellwire_webhooks::batch::{Batch, Gap, Outcome};
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::event::{Event, Kind};
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::{DeliveryFilter, Ledger};
use bellwire_webhooks::outbox::Step;
use bellwire_webhooks::replay::{LogFilter, ReplayOf, Span};

use crate::contract::Place as _;
use crate::contract::desk::Desk;
use crate::contract::things::*;
use crate::contract::{accounts, live};
use crate::{postgres, sqlite};

const GAP: Gap = Gap { first: 3, last: 9, count: 4 };

/// A store with something of everything, and with texts that are hard to copy.
fn full() -> sqlite::Folder {
    let place = sqlite::Folder::new();
    let store = place.store();
    people(store);
    let mut odd = endpoint("b");
    odd.terms.url = "https://example.com/\\N?a=\"b\"\\n".into();
    store.put_endpoint(&odd).unwrap();
    store.set_enabled(&odd.id, false, 4_000).unwrap();
    let mut desk = Desk::with_endpoints(&place, &["a"]);
    desk.keep(vec![occupied(1, "presence-x"), added(2, "presence-x", "ann")]);
    let odd = event(3, Kind::MemberAdded, "presence-x", Some("nul\0 \u{1a}0\ttab\n\\N"));
    let odd = Event { body: "{\"a\":\"\\u0000\\n\"}".into(), ..Event::clone(&odd) };
    desk.keep(vec![Step::Append(odd.into()), occupied(4, "y")]);
    desk.keep(vec![removed(5, "presence-x", "ann"), vacated(6, "y")]);
    desk.keep(vec![Step::Append(event(7, Kind::SubscriptionCount, "y", None))]);
    let half = Batch { parent: Some(BatchId::of(1)), ..batch(2, "a", "room", &[4]) };
    let open = Batch { gap: Some(GAP), previous: 4, ..batch(4, "a", "room", &[7]) };
    desk.keep(vec![cut(&batch(1, "a", "room", &[1, 4])), attempted(1, 1), attempted(1, 2)]);
    desk.keep(vec![end(1, Outcome::Split, 9_000), cut(&half), end(2, Outcome::Failed, 9_000)]);
    desk.keep(vec![cut(&rerun(3, "a", "room", &[4])), cut(&open)]);
    let (mut loud, of) = (attempt(4, 1), endpoint_id("a"));
    loud.answer.body = "a\0b\\.\n\\.\r\n".into();
    desk.keep(vec![Step::Attempt(loud.into()), behind("b", 5)]);
    desk.keep(vec![Step::Owes { endpoint: of.clone(), lane: 6, gap: GAP }]);
    desk.keep(vec![Step::Lost { endpoint: of, gap: GAP, reason: "expired", at_ms: 5_000 }]);
    store.put_replay(&replay(1, "a", ReplayOf::Log(LogFilter::default()))).unwrap();
    store.put_replay(&replay(2, "a", ReplayOf::Failed(Span::default()))).unwrap();
    place
}

/// Accounts, apps and what was counted of them.
fn people(store: &Sqlite) {
    let hash = Password::new("correct horse").unwrap().hash(&[1; 16]).unwrap();
    let (ada, main) =
        (accounts::person("usr_1", "ada@example.com"), accounts::account("acc_1", "Main"));
    store.put_person(&ada, Some(&hash)).unwrap();
    store.put_account(&main).unwrap();
    let role = bellwire_accounts::Role::Owner;
    store.put_member(&main.id, &ada.id, role, 10).unwrap();
    store.put_invitation(&accounts::invitation("inv_1", 100), &[1; 32]).unwrap();
    store.put_session(&accounts::session("ses_1", 5), &[0xff; 32]).unwrap();
    store.put_token(&accounts::token("tok_1", Some("acc_1"), Some("1")), &[0; 32]).unwrap();
    store.record(&accounts::entry(1, "acc_1", Some("1"), "app.created")).unwrap();
    store.record(&accounts::entry(2, "acc_1", None, "app")).unwrap();
    let key = KeySpec {
        key: "key".parse().unwrap(),
        secret: "secret".parse().unwrap(),
        active: false,
        created_at_ms: Some(5),
    };
    store.put(&AppSpec::new(app(), Settings::default(), vec![key])).unwrap();
    store.adopt_apps(&main.id).unwrap();
    let points = [live::point("1", MINUTE_S, 60, 2), live::point("1", HOUR_S, 3_600, 9)];
    store.keep(&points, &live::mistakes(&["a", "b\tc", "a"], 5)).unwrap();
}

/// All that people can ask, in words.
fn answers<S>(store: &S) -> Vec<String>
where
    S: AppStore<Error = StoreError>
        + AccountStore<Error = StoreError>
        + LiveStore<Error = StoreError>
        + Ledger<Error = StoreError>,
{
    let (ada, main) = ("usr_1".parse().unwrap(), "acc_1".parse().unwrap());
    let all = DeliveryFilter { limit: 50, ..DeliveryFilter::default() };
    let audit = AuditFilter { limit: 9, ..AuditFilter::default() };
    let (_, hash) = store.person_by_email(&"ada@example.com".parse().unwrap()).unwrap().unwrap();
    let endpoints: Vec<Endpoint> = store.endpoints(None).unwrap();
    let secrets = endpoints.iter().flat_map(|endpoint| &endpoint.secrets);
    let secrets: Vec<&str> = secrets.map(|secret| &*secret.text).collect();
    let apps = store.apps().unwrap();
    let delivery = |id| format!("{:?}", store.delivery(BatchId::of(id)).unwrap().unwrap());
    vec![
        format!("{apps:?} {}", apps[0].keys[0].secret.reveal()),
        format!("{:?} {}", store.people().unwrap(), hash.as_str()),
        format!("{:?} {:?}", store.memberships(&ada).unwrap(), store.members(&main).unwrap()),
        format!("{:?}", store.invitation(&[1; 32], 0).unwrap().unwrap()),
        format!("{:?}", store.session(&[0xff; 32]).unwrap().unwrap()),
        format!("{:?}", store.token_by_digest(&[0; 32]).unwrap().unwrap()),
        format!("{:?}", store.audit(&audit).unwrap()),
        format!("{:?}", store.points(&app(), MINUTE_S, 0).unwrap()),
        format!("{:?}", store.messages(0).unwrap()),
        format!("{:?}", store.errors(&app()).unwrap()),
        format!("{endpoints:?} {secrets:?}"),
        format!("{:?}", store.deliveries(&all).unwrap()).replace("\\0", "\u{fffd}"),
        delivery(1),
        delivery(2),
        format!("{:?}", store.gaps(&app()).unwrap()),
        format!("{:?}", store.replays(None).unwrap()),
        format!("{:?}", store.snapshot(&app()).unwrap()),
        format!("{:?}", store.log(&app(), 0, 50).unwrap()),
        format!("{:?}", store.verify().unwrap()),
    ]
}

#[test]
fn a_copy_gives_the_same_answers() {
    let (from, to) = (full(), postgres::Place::new());
    let Copied(tables) = copy(from.store(), to.store()).unwrap();
    assert_eq!(tables.len(), 23, "something of everything: {tables:?}");
    assert!(tables.contains(&("event", 7)) && tables.contains(&("attempt", 3)), "{tables:?}");
    for (old, new) in answers(from.store()).iter().zip(answers(to.store())) {
        assert_eq!(*old, new);
    }
    let remains = |mut desk: Desk| {
        desk.announced.sort_by_key(|thing| thing.seq);
        format!("{:?} {:?}", desk.announced, desk.remains)
    };
    assert_eq!(remains(Desk::open(&from)), remains(Desk::open(&to)), "the engine goes on");
    let verdict = to.store().verify().unwrap();
    assert_eq!((verdict.broken.len(), verdict.events, verdict.announced), (0, 7, 2));
}

#[test]
fn what_counts_on_in_a_copy_counts_on_after_the_last() {
    let (from, to) = (full(), postgres::Place::new());
    copy(from.store(), to.store()).unwrap();
    to.store().record(&accounts::entry(9, "acc_1", None, "new")).unwrap();
    let audit = to.store().audit(&AuditFilter { limit: 9, ..AuditFilter::default() }).unwrap();
    assert_eq!(audit.iter().map(|entry| entry.id).collect::<Vec<u64>>(), [3, 2, 1]);
    let state = "SELECT last_transaction, last_batch, run > 1 FROM outbox";
    assert_eq!(to.database.ask(state), "10|4|t");
    assert_eq!(to.database.ask("SELECT after FROM behind"), "5");
    assert_eq!(to.database.ask("SELECT previous, owes_count FROM lane ORDER BY lane"), "0|4\n7|");
}

#[test]
fn nothing_is_copied_to_where_something_is() {
    let (from, to) = (full(), postgres::Place::new());
    to.store().put_account(&accounts::account("acc_9", "Else")).unwrap();
    let error = copy(from.store(), to.store()).unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty("account")), "{error}");
    assert!(to.store().apps().unwrap().is_empty());
}

#[test]
fn a_copy_that_fails_leaves_nothing() {
    let (from, to) = (full(), postgres::Place::new());
    to.database.ask("ALTER TABLE mistake ADD CHECK (message <> 'a')");
    copy(from.store(), to.store()).unwrap_err();
    assert!(to.store().apps().unwrap().is_empty());
    to.database.ask("ALTER TABLE mistake DROP CONSTRAINT mistake_message_check");
    copy(from.store(), to.store()).unwrap();
}
