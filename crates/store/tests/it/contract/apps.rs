//! The contract of `AppStore`.

use bellwire_accounts::Plan;
use bellwire_hub::{AppSpec, AppStore as _, KeySpec, Settings};
use bellwire_store::StoreError;

use super::Place;

fn spec(id: &str, key: &str) -> AppSpec {
    let key = KeySpec {
        key: key.parse().unwrap(),
        secret: "secret".parse().unwrap(),
        active: true,
        created_at_ms: Some(5),
    };
    AppSpec::new(id.parse().unwrap(), Settings::default(), vec![key])
}

pub(crate) fn what_is_put_is_there_after_a_restart(place: &impl Place) {
    let mut app = spec("1", "a");
    app.settings.max_connections = 7;
    place.store().put(&app).unwrap();
    let store = place.again();
    let found = store.apps().unwrap().remove(0);
    assert!(found.created_at_ms.is_some());
    app.created_at_ms = found.created_at_ms;
    assert_eq!(store.app(&app.id).unwrap(), Some(app.clone()));
    assert_eq!(store.app(&"2".parse().unwrap()).unwrap(), None);
    assert_eq!(found, app);
    assert!(store.delete(&"1".parse().unwrap()).unwrap());
    assert!(!store.delete(&"1".parse().unwrap()).unwrap());
    assert!(store.apps().unwrap().is_empty());
}

pub(crate) fn a_key_has_one_app_and_a_refused_put_changes_nothing(place: &impl Place) {
    let store = place.store();
    store.put(&spec("1", "a")).unwrap();
    assert!(matches!(store.put(&spec("2", "a")), Err(StoreError::KeyTaken(_))));
    assert_eq!(store.apps().unwrap().len(), 1);
}

pub(crate) fn of_many_who_start_at_once_one_makes_the_first_app(place: &impl Place) {
    let stores: Vec<_> = (0..6).map(|_| place.again()).collect();
    let made: usize = std::thread::scope(|scope| {
        let make = |at: usize| stores[at].put_first(&spec(&at.to_string(), &format!("k{at}")));
        let all: Vec<_> = (0..6).map(|at| scope.spawn(move || make(at).unwrap())).collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!((made, place.store().apps().unwrap().len()), (1, 1));
}

pub(crate) fn another_process_is_noticed_by_the_version(place: &impl Place) {
    let here = place.store();
    let before = here.version().unwrap();
    assert_eq!(here.version().unwrap(), before);
    place.again().put(&spec("1", "a")).unwrap();
    assert_ne!(here.version().unwrap(), before);
}

pub(crate) fn an_app_takes_its_endpoints_along(place: &impl Place) {
    use bellwire_webhooks::endpoint::{Endpoint, Origin, Terms};
    use bellwire_webhooks::ledger::Ledger as _;

    let store = place.store();
    store.put(&spec("1", "a")).unwrap();
    for (id, app) in [("ep_a", "1"), ("ep_b", "2")] {
        let endpoint = Endpoint {
            id: id.parse().unwrap(),
            app: app.parse().unwrap(),
            terms: Terms::new("https://example.com"),
            origin: Origin::Stored,
            created_at_ms: 1,
            disabled: None,
            failing_since_ms: None,
            secrets: Vec::new(),
        };
        store.put_endpoint(&endpoint).unwrap();
    }
    assert!(!store.delete(&"2".parse().unwrap()).unwrap(), "an app of the config file");
    assert!(store.delete(&"1".parse().unwrap()).unwrap());
    let left = store.endpoints(None).unwrap();
    assert_eq!(left.iter().map(|left| left.id.as_str()).collect::<Vec<&str>>(), ["ep_b"]);
}

pub(crate) fn an_app_takes_its_tokens_along(place: &impl Place) {
    use bellwire_accounts::{AccountStore as _, Scope, Token};

    let store = place.store();
    store.put(&spec("1", "a")).unwrap();
    let token = |id: &str, app: Option<&str>| Token {
        id: id.parse().unwrap(),
        name: String::new(),
        account: None,
        app: app.map(|app| app.parse().unwrap()),
        scope: Scope::Write,
        created_by: String::new(),
        created_at_ms: 5,
        last_used_ms: None,
    };
    store.put_token(&token("tok_a", None), &[1; 32]).unwrap();
    store.put_token(&token("tok_b", Some("1")), &[2; 32]).unwrap();
    store.delete(&"1".parse().unwrap()).unwrap();
    assert_eq!(store.tokens(None).unwrap(), [token("tok_a", None)]);
}

pub(crate) fn an_app_has_the_plan_of_its_account_and_a_new_plan_is_noticed(place: &impl Place) {
    use bellwire_accounts::{Account, AccountStore as _};

    let store = place.store();
    let account = |max_connections_per_app| Account {
        id: "acc_1".parse().unwrap(),
        name: "Main".into(),
        plan: Plan { max_connections_per_app, ..Plan::default() },
        created_at_ms: 1,
    };
    store.put_account(&account(5)).unwrap();
    store.put(&spec("1", "a")).unwrap();
    assert_eq!(store.apps().unwrap()[0].owner, None);
    assert_eq!(store.adopt_apps(&"acc_1".parse().unwrap()).unwrap(), 1);
    assert_eq!(store.adopt_apps(&"acc_1".parse().unwrap()).unwrap(), 0);
    let app = store.apps().unwrap().remove(0);
    assert_eq!(app.owner.as_ref().unwrap().max_connections_per_app, 5);
    assert!(!store.delete_account(&"acc_1".parse().unwrap()).unwrap(), "it has an app");
    let before = store.version().unwrap();
    store.put_account(&account(9)).unwrap();
    assert_ne!(store.version().unwrap(), before);
    store.put(&app).unwrap();
    assert_eq!(store.apps().unwrap()[0].owner.as_ref().unwrap().max_connections_per_app, 9);
}

pub(crate) fn an_app_takes_its_statistics_along_and_nobody_else_notices_them(place: &impl Place) {
    use bellwire_live::LiveStore as _;
    use bellwire_live::chart::MINUTE_S;

    use super::live::{app, mistakes, point};

    let store = place.store();
    let spec = AppSpec::new(app("1"), Settings::default(), Vec::new());
    store.put(&spec).unwrap();
    let version = store.version().unwrap();
    store.keep(&[point("1", MINUTE_S, 60, 2)], &mistakes(&["a"], 5)).unwrap();
    assert_eq!(store.version().unwrap(), version);
    store.delete(&app("1")).unwrap();
    assert!(store.points(&app("1"), MINUTE_S, 0).unwrap().is_empty());
    assert!(store.errors(&app("1")).unwrap().is_empty());
}
