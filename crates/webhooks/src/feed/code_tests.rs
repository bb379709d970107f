//! Laws of the bytes of a feed.

use proptest::prelude::*;

use super::*;

fn user() -> impl Strategy<Value = UserId> {
    "[a-zé]{1,12}".prop_map(|id| id.parse().unwrap())
}

fn what() -> impl Strategy<Value = What> {
    let number = any::<u64>;
    let socket_id =
        (number(), number()).prop_map(|(node, connection)| SocketId { node, connection });
    let says = (".{0,20}", ".{0,300}", socket_id, proptest::option::of(user()));
    prop_oneof![
        Just(What::Occupied),
        Just(What::Vacated),
        Just(What::CacheMiss),
        Just(What::CacheFilled),
        user().prop_map(What::MemberAdded),
        user().prop_map(What::MemberRemoved),
        any::<usize>().prop_map(What::SubscriptionCount),
        says.prop_map(|(event, data, socket_id, user)| {
            What::ClientEvent { event: event.into(), data: data.into(), socket_id, user }
        }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let app = || (1..4_u64).prop_map(|app| app.to_string().parse::<AppId>().unwrap());
    let fact = (app(), "[a-z]{1,9}", 0..1_000_u64, what(), any::<bool>());
    prop_oneof![
        8 => fact.prop_map(|(app, channel, at_ms, what, quietly)| {
            let fact = Fact { app, channel: channel.parse().unwrap(), at_ms, what };
            Entry::Fact { fact, quietly }
        }),
        1 => (app(), 0..64_u8, any::<u64>())
            .prop_map(|(app, lane, count)| Entry::Lost { app, lane, count }),
        1 => app().prop_map(|app| Entry::Anew { app }),
        1 => Just(Entry::RetellBegins),
        1 => Just(Entry::RetellEnds),
        1 => Just(Entry::Drains),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let entries = proptest::collection::vec(entry(), 0..20);
    (1_000..u64::MAX, entries).prop_map(|(said_ms, entries)| Row { said_ms, entries })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(row in row()) {
        prop_assert_eq!(decode(&encode(&row)), Ok(row));
    }

    #[test]
    fn a_row_that_was_cut_short_is_refused_or_has_fewer_entries(row in row(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&row);
        let at = at.index(bytes.len());
        if let Ok(read) = decode(&bytes[..at]) {
            prop_assert!(read.entries.len() < row.entries.len() || read == row);
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }
}

#[test]
fn a_row_of_another_version_is_named() {
    assert_eq!(decode(&[2, 0]), Err(BadRow::Version(2)));
    assert_eq!(decode(&[]), Err(BadRow::TooShort));
    let why = decode(&[2]).unwrap_err().to_string();
    assert_eq!(why, "a row of version 2; this server knows version 1");
}

#[test]
fn an_app_is_named_once_for_all_that_happens_there() {
    let fact = |what| Fact {
        app: "1234567890".parse().unwrap(),
        channel: "room".parse().unwrap(),
        at_ms: 9_990,
        what,
    };
    let entry = |what| Entry::Fact { fact: fact(what), quietly: false };
    let row = Row { said_ms: 10_000, entries: vec![entry(What::Occupied), entry(What::Vacated)] };
    assert_eq!(encode(&row).len(), 1 + 2 + 12 + 2 * 7);
}

#[test]
fn an_unknown_entry_is_refused_with_its_number() {
    let row = Row { said_ms: 0, entries: vec![Entry::RetellBegins] };
    let mut bytes = encode(&row);
    bytes.push(99);
    bytes.extend([1, b'a', 0]);
    assert_eq!(decode(&bytes), Err(BadRow::Kind(99)));
}
