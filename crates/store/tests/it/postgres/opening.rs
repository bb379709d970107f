//! How a database is opened, and who is not let in.

use std::thread;

use bellwire_hub::AppStore as _;
use bellwire_store::{Postgres, StoreError};
use bellwire_testkit::Receiver;
use bellwire_testkit::postgres::{GUEST, Postgres as Server};

use super::Place;

#[test]
fn nodes_that_start_together_make_the_tables_once() {
    let database = Server::shared().database();
    let url = database.url();
    thread::scope(|scope| {
        let nodes: Vec<_> = (0..6).map(|_| scope.spawn(|| Postgres::open(&url))).collect();
        nodes.into_iter().for_each(|node| drop(node.join().unwrap().unwrap()));
    });
    assert_eq!(database.ask("SELECT version FROM schema_version"), "6");
    assert_eq!(database.ask("SELECT count(*) FROM change"), "1");
}

#[test]
fn a_database_of_the_version_before_is_brought_forward_with_what_it_holds() {
    let place = Place::new();
    place.database.ask("INSERT INTO app VALUES ('1', NULL, '{}', 5)");
    place.database.ask("DROP TABLE setup");
    place.database.ask("UPDATE schema_version SET version = 5");
    let (store, tables) = Postgres::migrate(&place.database.url()).unwrap();
    assert_eq!((tables.found, tables.known), (5, 6));
    assert!(store.app(&"1".parse().unwrap()).unwrap().is_some());
    let (_, tables) = Postgres::migrate(&place.database.url()).unwrap();
    assert_eq!(tables.found, 6);
}

#[test]
fn a_newer_database_is_left_alone() {
    let place = Place::new();
    place.database.ask("UPDATE schema_version SET version = 99");
    let error = Postgres::open(&place.database.url()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 6 }), "{error}");
    assert_eq!(place.database.ask("SELECT version FROM schema_version"), "99");
}

#[test]
fn a_database_that_cannot_keep_every_letter_is_refused() {
    let database = Server::shared().database();
    database.ask("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let error = Postgres::open(&database.url().replace(database.name(), "latin")).unwrap_err();
    database.ask("DROP DATABASE latin WITH (FORCE)");
    assert!(error.to_string().contains("its encoding is LATIN1"), "{error}");
}

#[test]
fn a_server_that_may_not_be_written_to_is_refused() {
    let database = Server::shared().database();
    let setting =
        format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    database.ask(&setting);
    let error = Postgres::open(&database.url()).unwrap_err();
    assert!(matches!(error, StoreError::Connect { .. }), "{error}");
}

#[test]
fn a_lost_connection_is_replaced() {
    let place = Place::new();
    assert_eq!(place.store.version().unwrap(), 1);
    assert!(place.database.cut_connections() >= 1);
    assert_eq!(place.store.version().unwrap(), 1);
    place.database.cut_connections();
    assert!(place.store.apps().unwrap().is_empty(), "in a transaction too");
}

#[test]
fn a_password_is_shown_nowhere() {
    let (port, closed) = (Server::shared().port(), 1);
    let texts = [
        format!("postgres://ann:s3cret@127.0.0.1:{port}/nowhere"),
        format!("postgres://ann:s3cret@127.0.0.1:{closed}/db"),
        "postgres://ann:pass@s3cret/word@localhost/db".into(),
        "postgres://ann:pass?s3cret=1@localhost/db".into(),
        "postgres://ann:s3cret@localhost:many/db".into(),
        "postgres://ann:s3cret%@localhost/db".into(),
        "postgres://ann:s3cret@localhost/db?sslmode=verify".into(),
        "host=localhost password=s3cret".into(),
        "postgres://ann:s3cret@localhost".into(),
    ];
    for text in texts {
        let error = Postgres::open(&text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret"), "{text}: {shown}");
        assert!(matches!(error, StoreError::Url(_) | StoreError::Connect { .. }), "{shown}");
    }
    let store = Postgres::open(&Place::new().database.url().replace("@", ":s3cret@")).unwrap();
    assert!(!format!("{store:?}").contains("s3cret"), "{store:?}");
}

#[test]
fn a_connection_is_encrypted_to_a_server_that_is_known() {
    let server = Server::start_strict();
    let database = server.database();
    let url = database.url().replace("bellwire@", &format!("{GUEST}:{GUEST}@"));
    let known = format!("{url}?sslmode=require&sslrootcert={}", Receiver::ca_file());
    drop(Postgres::open(&known).unwrap());
    let refused = |url: &str| Postgres::open(url).unwrap_err().to_string();
    assert!(refused(&url).contains("rejects"), "{}", refused(&url));
    let unknown = refused(&format!("{url}?sslmode=require"));
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let wrong = refused(&known.replace(&format!(":{GUEST}@"), ":s3cret@"));
    assert!(wrong.contains("password") && !wrong.contains("s3cret"), "{wrong}");
    let nowhere = refused(&format!("{url}?sslmode=require&sslrootcert=/nowhere.pem"));
    assert!(nowhere.contains("/nowhere.pem"), "{nowhere}");
}
