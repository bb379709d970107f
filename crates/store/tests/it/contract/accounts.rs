//! The contract of `AccountStore`.

use bellwire_accounts::{
    Account, AccountStore, Actor, ActorKind, AuditFilter, Entry, Invitation, Password, Person,
    Plan, Role, Scope, Secret, Session, Token,
};

use super::Place;

pub(crate) fn person(id: &str, email: &str) -> Person {
    Person {
        id: id.parse().unwrap(),
        email: email.parse().unwrap(),
        name: "Ada".into(),
        is_operator: false,
        created_at_ms: 5,
    }
}

pub(crate) fn account(id: &str, name: &str) -> Account {
    Account {
        id: id.parse().unwrap(),
        name: name.into(),
        plan: Plan { max_apps: 3, ..Plan::default() },
        created_at_ms: 7,
    }
}

/// A store with an account of two.
fn inhabited(place: &impl Place) -> &impl AccountStore {
    let store = place.store();
    let hash = Password::new("correct horse").unwrap().hash(&[1; 16]).unwrap();
    for (id, email) in [("usr_1", "ada@example.com"), ("usr_2", "bob@example.com")] {
        assert!(store.put_person(&person(id, email), Some(&hash)).unwrap());
    }
    store.put_account(&account("acc_1", "Main")).unwrap();
    let main = "acc_1".parse().unwrap();
    assert!(store.put_member(&main, &"usr_1".parse().unwrap(), Role::Owner, 10).unwrap());
    assert!(store.put_member(&main, &"usr_2".parse().unwrap(), Role::Viewer, 20).unwrap());
    store
}

pub(crate) fn somebody_is_found_by_email_with_the_password(place: &impl Place) {
    let store = inhabited(place);
    let (found, hash) =
        store.person_by_email(&"ada@example.com".parse().unwrap()).unwrap().unwrap();
    assert_eq!(found, person("usr_1", "ada@example.com"));
    assert!(Password::said("correct horse").is(Some(&hash)));
    assert_eq!(store.person(&found.id).unwrap(), Some(found));
    assert!(store.person_by_email(&"eve@example.com".parse().unwrap()).unwrap().is_none());
}

pub(crate) fn an_email_belongs_to_one(place: &impl Place) {
    let store = inhabited(place);
    let mut ada = person("usr_1", "bob@example.com");
    assert!(!store.put_person(&ada, None).unwrap());
    ada.email = "ada@example.org".parse().unwrap();
    assert!(store.put_person(&ada, None).unwrap());
    let (_, hash) = store.person_by_email(&ada.email).unwrap().unwrap();
    assert!(Password::said("correct horse").is(Some(&hash)), "the password stays");
    assert!(!store.put_person(&person("usr_9", "new@example.com"), None).unwrap(), "no password");
}

pub(crate) fn an_operator_is_noticed(place: &impl Place) {
    let store = inhabited(place);
    assert!(!store.has_operator().unwrap());
    let ada = Person { is_operator: true, ..person("usr_1", "ada@example.com") };
    assert!(store.put_person(&ada, None).unwrap());
    assert!(store.has_operator().unwrap());
}

pub(crate) fn who_makes_the_first_operator_stays_until_there_is_one(place: &impl Place) {
    let store = inhabited(place);
    let setup = |text: &str| store.setup(Secret::new(text)).unwrap().reveal().to_owned();
    assert_eq!([setup("first"), setup("second")], ["first", "first"]);
    let mut ada = person("usr_1", "ada@example.com");
    assert!(store.put_person(&ada, None).unwrap());
    assert_eq!(setup("third"), "first");
    ada.is_operator = true;
    assert!(store.put_person(&ada, None).unwrap());
    assert_eq!(setup("fourth"), "fourth");
}

pub(crate) fn an_account_never_loses_its_last_owner(place: &impl Place) {
    let store = inhabited(place);
    let (main, ada, bob) =
        ("acc_1".parse().unwrap(), "usr_1".parse().unwrap(), "usr_2".parse().unwrap());
    assert!(!store.remove_member(&main, &ada).unwrap());
    assert!(!store.put_member(&main, &ada, Role::Developer, 30).unwrap());
    assert_eq!(store.members(&main).unwrap()[0].role, Role::Owner);
    assert!(store.put_member(&main, &bob, Role::Owner, 30).unwrap());
    assert!(store.remove_member(&main, &ada).unwrap());
    let left = store.members(&main).unwrap();
    assert_eq!((left.len(), left[0].joined_at_ms), (1, 20), "a new role is no new member");
    assert!(store.memberships(&ada).unwrap().is_empty());
    assert_eq!(store.memberships(&bob).unwrap(), [(account("acc_1", "Main"), Role::Owner)]);
}

pub(crate) fn who_is_removed_takes_sessions_along_but_leaves_no_account_without_an_owner(
    place: &impl Place,
) {
    let store = inhabited(place);
    let (main, ada, bob) =
        ("acc_1".parse().unwrap(), "usr_1".parse().unwrap(), "usr_2".parse().unwrap());
    store.put_session(&session("ses_1", 5), &[1; 32]).unwrap();
    assert!(!store.remove_person(&ada).unwrap(), "the only owner");
    assert!(store.session(&[1; 32]).unwrap().is_some());
    assert!(store.put_member(&main, &bob, Role::Owner, 30).unwrap());
    assert!(store.remove_person(&ada).unwrap());
    assert!(!store.remove_person(&ada).unwrap());
    assert!(store.session(&[1; 32]).unwrap().is_none());
    let left: Vec<String> =
        store.people().unwrap().iter().map(|person| person.email.to_string()).collect();
    assert_eq!(left, ["bob@example.com"]);
}

pub(crate) fn accounts_are_listed_by_name_and_changed(place: &impl Place) {
    let store = inhabited(place);
    store.put_account(&account("acc_2", "another")).unwrap();
    let names = |store: &dyn Fn() -> Vec<Account>| {
        store().into_iter().map(|account| account.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&|| store.accounts().unwrap()), ["another", "Main"]);
    let mut main = account("acc_1", "Zoo");
    main.plan.max_messages_per_day = 1 << 40;
    store.put_account(&main).unwrap();
    assert_eq!(store.account(&main.id).unwrap(), Some(main.clone()));
    assert!(store.delete_account(&main.id).unwrap());
    assert!(!store.delete_account(&main.id).unwrap());
    assert!(store.members(&main.id).unwrap().is_empty());
}

pub(crate) fn invitation(id: &str, expires_at_ms: u64) -> Invitation {
    Invitation {
        id: id.parse().unwrap(),
        account: "acc_1".parse().unwrap(),
        email: Some("eve@example.com".parse().unwrap()),
        role: Role::Developer,
        invited_by: "Ada".into(),
        created_at_ms: 5,
        expires_at_ms,
    }
}

pub(crate) fn an_invitation_is_used_once_and_ends(place: &impl Place) {
    let store = inhabited(place);
    let main = "acc_1".parse().unwrap();
    store.put_invitation(&invitation("inv_1", 100), &[1; 32]).unwrap();
    store.put_invitation(&invitation("inv_2", 50), &[2; 32]).unwrap();
    assert_eq!(store.invitations(&main, 60).unwrap(), [invitation("inv_1", 100)]);
    assert_eq!(store.invitation(&[1; 32], 99).unwrap(), Some(invitation("inv_1", 100)));
    assert_eq!(store.invitation(&[1; 32], 100).unwrap(), None);
    assert_eq!(store.invitation(&[3; 32], 0).unwrap(), None);
    let id = "inv_1".parse().unwrap();
    assert!(!store.end_invitation(&"acc_2".parse().unwrap(), &id).unwrap(), "of another account");
    assert!(store.end_invitation(&main, &id).unwrap());
    assert!(!store.end_invitation(&main, &id).unwrap());
}

pub(crate) fn session(id: &str, seen_at_ms: u64) -> Session {
    Session {
        id: id.parse().unwrap(),
        person: "usr_1".parse().unwrap(),
        created_at_ms: 5,
        seen_at_ms,
        address: Some("192.0.2.1".into()),
        agent: "Firefox".into(),
    }
}

pub(crate) fn a_session_is_found_until_it_is_ended(place: &impl Place) {
    let store = inhabited(place);
    let (ada, bob) = ("usr_1".parse().unwrap(), "usr_2".parse().unwrap());
    for n in 1..=3u8 {
        store.put_session(&session(&format!("ses_{n}"), n.into()), &[n; 32]).unwrap();
    }
    assert_eq!(store.session(&[1; 32]).unwrap(), Some(session("ses_1", 1)));
    assert_eq!(store.session(&[9; 32]).unwrap(), None);
    store.session_seen(&"ses_1".parse().unwrap(), 70).unwrap();
    assert_eq!(store.sessions(&ada).unwrap()[0], session("ses_1", 70));
    assert!(!store.end_session(&bob, &"ses_1".parse().unwrap()).unwrap(), "somebody else's");
    assert!(store.end_session(&ada, &"ses_1".parse().unwrap()).unwrap());
    assert_eq!(store.session(&[1; 32]).unwrap(), None);
    assert_eq!(store.end_sessions(&ada, Some(&"ses_2".parse().unwrap())).unwrap(), 1);
    assert_eq!(store.sessions(&ada).unwrap(), [session("ses_2", 2)]);
    assert_eq!(store.end_sessions(&ada, None).unwrap(), 1);
}

pub(crate) fn token(id: &str, account: Option<&str>, app: Option<&str>) -> Token {
    Token {
        id: id.parse().unwrap(),
        name: "for the build".into(),
        account: account.map(|account| account.parse().unwrap()),
        app: app.map(|app| app.parse().unwrap()),
        scope: Scope::Read,
        created_by: "Ada".into(),
        created_at_ms: 5,
        last_used_ms: None,
    }
}

pub(crate) fn a_token_is_found_by_its_digest_until_it_is_revoked(place: &impl Place) {
    let store = inhabited(place);
    let (all, one) = (token("tok_1", None, None), token("tok_2", Some("acc_1"), Some("1")));
    store.put_token(&all, &[1; 32]).unwrap();
    store.put_token(&one, &[2; 32]).unwrap();
    assert!(store.put_token(&token("tok_3", None, None), &[1; 32]).is_err(), "one digest, two");
    assert_eq!(store.tokens(None).unwrap(), [all, one.clone()]);
    assert_eq!(store.tokens(one.account.as_ref()).unwrap(), std::slice::from_ref(&one));
    assert_eq!(store.token_by_digest(&[2; 32]).unwrap(), Some(one.clone()));
    assert_eq!(store.token_by_digest(&[3; 32]).unwrap(), None);
    assert!(store.revoke_token(&one.id).unwrap());
    assert!(!store.revoke_token(&one.id).unwrap());
    assert_eq!(store.token_by_digest(&[2; 32]).unwrap(), None);
}

pub(crate) fn a_use_of_a_token_is_written_down_once_a_minute(place: &impl Place) {
    let store = inhabited(place);
    store.put_token(&token("tok_1", None, None), &[1; 32]).unwrap();
    let used = |now_ms| {
        let found = store.token_by_digest(&[1; 32]).unwrap().unwrap();
        store.token_used(&found, now_ms).unwrap();
        store.token_by_digest(&[1; 32]).unwrap().unwrap().last_used_ms
    };
    assert_eq!(used(1_000), Some(1_000));
    assert_eq!(used(60_999), Some(1_000));
    assert_eq!(used(61_000), Some(61_000));
}

pub(crate) fn entry(at_ms: u64, account: &str, app: Option<&str>, action: &str) -> Entry {
    Entry {
        id: at_ms,
        at_ms,
        account: Some(account.parse().unwrap()),
        app: app.map(|app| app.parse().unwrap()),
        actor: Actor {
            kind: ActorKind::User,
            id: "usr_1".into(),
            name: "Ada".into(),
            address: None,
        },
        action: action.into(),
        target: "First app".into(),
        changes: bellwire_accounts::changes(
            &serde_json::json!({ "name": "a" }),
            &serde_json::json!({ "name": "b" }),
            &[],
        ),
    }
}

pub(crate) fn what_was_done_is_found_newest_first(place: &impl Place) {
    let store = inhabited(place);
    let all = [
        entry(1, "acc_1", Some("1"), "app.created"),
        entry(2, "acc_2", None, "app.created"),
        entry(3, "acc_1", Some("1"), "app"),
        entry(4, "acc_1", None, "apple.eaten"),
    ];
    all.iter().for_each(|entry| store.record(entry).unwrap());
    let found = |filter: AuditFilter| -> Vec<u64> {
        let account = filter.account.clone().or_else(|| Some("acc_1".parse().unwrap()));
        let filter = AuditFilter { account, limit: 10, ..filter };
        store.audit(&filter).unwrap().iter().map(|entry| entry.at_ms).collect()
    };
    assert_eq!(found(AuditFilter::default()), [4, 3, 1]);
    assert_eq!(found(AuditFilter { action: Some("app".into()), ..AuditFilter::default() }), [3, 1]);
    assert_eq!(
        found(AuditFilter { app: Some("1".parse().unwrap()), ..AuditFilter::default() }),
        [3, 1]
    );
    assert_eq!(found(AuditFilter { before: Some(3), ..AuditFilter::default() }), [1]);
    assert_eq!(
        found(AuditFilter { from_ms: Some(3), to_ms: Some(3), ..AuditFilter::default() }),
        [3]
    );
    assert!(
        found(AuditFilter { actor: Some("usr_2".into()), ..AuditFilter::default() }).is_empty()
    );
    let every = store.audit(&AuditFilter { limit: 2, ..AuditFilter::default() }).unwrap();
    assert_eq!(every[1], all[2]);
    assert_eq!(every.len(), 2);
}

pub(crate) fn what_is_over_is_swept(place: &impl Place) {
    let store = inhabited(place);
    store.put_session(&session("ses_1", 5), &[1; 32]).unwrap();
    store.put_session(&session("ses_2", Session::IDLE_MS), &[2; 32]).unwrap();
    store.record(&entry(1, "acc_1", None, "old")).unwrap();
    store.record(&entry(9, "acc_1", None, "new")).unwrap();
    store.sweep_accounts(Session::IDLE_MS + 5, 9).unwrap();
    assert_eq!(store.session(&[1; 32]).unwrap(), None);
    assert!(store.session(&[2; 32]).unwrap().is_some());
    let left = store.audit(&AuditFilter { limit: 9, ..AuditFilter::default() }).unwrap();
    assert_eq!(left.len(), 1);
}
