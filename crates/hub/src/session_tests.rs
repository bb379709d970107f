use super::*;
use crate::apps::{AppSpec, Apps, KeySpec};
use bellwire_protocol::{JsonStr, Signer};

/// One connection of one app, with the server's half of the credentials at hand.
struct Client {
    apps: Apps,
    spec: AppSpec,
    session: Session,
    now_ms: u64,
}

impl Client {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let apps = Apps::default();
        let mut settings = Settings { client_events: true, ..Settings::default() };
        change(&mut settings);
        let keys = vec![key("app-key", "secret", true), key("other-key", "other", true)];
        let spec = AppSpec::new("1".parse().unwrap(), settings, keys);
        apps.replace(vec![spec.clone()]).unwrap();
        let app = apps.by_id("1").unwrap();
        app.interest.set(Listener::ClientEvents, true);
        let session = Session::new(app, SOCKET.parse().unwrap(), true);
        Self { apps, spec, session, now_ms: 1_000_000 }
    }

    /// Changes the app while the connection lives.
    fn change(&mut self, change: impl FnOnce(&mut AppSpec)) {
        change(&mut self.spec);
        self.apps.replace(vec![self.spec.clone()]).unwrap();
    }

    fn say(&mut self, text: &str) -> Action {
        self.session.handle(self.now_ms, text)
    }

    /// Subscribes, and is accepted by a hub that does not mind.
    fn join(&mut self, channel: &str, auth: &str, data: Option<&str>) -> Option<Member> {
        match self.say(&subscribe(channel, auth, data)) {
            Action::Subscribe { channel, member } => {
                let user = member.as_ref().map(|member| member.id.clone());
                self.session.subscribed(channel, ChannelId(7), user);
                member
            }
            other => panic!("{channel}: {other:?}"),
        }
    }

    fn sign_in(&mut self, user_data: &str) -> Action {
        self.say(&signin(&sign_user(user_data), user_data))
    }

    fn client_event(&mut self, channel: &str) -> Action {
        self.say(&client_event("client-x", channel, "1"))
    }

    /// The sentence with which a subscription is refused: said once as `pusher:error`, once for
    /// clients that listen by channel.
    fn refusal(&mut self, channel: &str, auth: &str, data: Option<&str>) -> String {
        let Action::Complain(complaint) = self.say(&subscribe(channel, auth, data)) else {
            panic!("{channel} is not refused");
        };
        let frames = complaint.frames();
        let text = message(&frames[0]);
        let by_channel = server::subscription_error(channel, &text, 401);
        assert_eq!(frames[..], [server::error(None, &text), by_channel]);
        text
    }
}

/// The one `pusher:error` that is said, with code null.
fn complaint(action: &Action) -> String {
    let Action::Complain(complaint) = action else {
        panic!("not a complaint: {action:?}");
    };
    let frames = complaint.frames();
    assert_eq!(frames.len(), 1, "{frames:?}");
    let text = message(&frames[0]);
    assert_eq!(frames[0], server::error(None, &text));
    text
}

fn message(frame: &Frame) -> String {
    let frame: serde_json::Value = serde_json::from_slice(frame.payload()).unwrap();
    frame["data"]["message"].as_str().unwrap().to_owned()
}

fn key(key: &str, secret: &str, active: bool) -> KeySpec {
    KeySpec {
        key: key.parse().unwrap(),
        secret: secret.parse().unwrap(),
        active,
        created_at_ms: None,
    }
}

fn signature(secret: &str, parts: &[&str]) -> String {
    Signer::new(&secret.parse().unwrap()).sign(parts).to_string()
}

/// What the customer's server answers for a channel.
fn sign(channel: &str, data: Option<&str>) -> String {
    let data = data.map_or(String::new(), |data| format!(":{data}"));
    format!("app-key:{}", signature("secret", &[SOCKET, ":", channel, &data]))
}

fn sign_user(user_data: &str) -> String {
    format!("app-key:{}", signature("secret", &[SOCKET, "::user::", user_data]))
}

fn quoted(text: &str) -> String {
    JsonStr::encode(text).literal().to_owned()
}

fn subscribe(channel: &str, auth: &str, data: Option<&str>) -> String {
    let data = data.map_or(String::new(), |data| format!(r#","channel_data":{}"#, quoted(data)));
    let (channel, auth) = (quoted(channel), quoted(auth));
    format!(r#"{{"event":"pusher:subscribe","data":{{"channel":{channel},"auth":{auth}{data}}}}}"#)
}

fn unsubscribe(channel: &str) -> String {
    format!(r#"{{"event":"pusher:unsubscribe","data":{{"channel":{}}}}}"#, quoted(channel))
}

fn signin(auth: &str, user_data: &str) -> String {
    let (auth, user_data) = (quoted(auth), quoted(user_data));
    format!(r#"{{"event":"pusher:signin","data":{{"auth":{auth},"user_data":{user_data}}}}}"#)
}

fn client_event(event: &str, channel: &str, data: &str) -> String {
    format!(r#"{{"event":"{event}","channel":"{channel}","data":{data}}}"#)
}

const SOCKET: &str = "42.7";
const ALICE: &str = r#"{"user_id": "alice", "user_info": {"name": "A"}}"#;

// contract: 2.1, 2.7
#[test]
fn a_ping_is_answered_before_any_subscription_and_a_pong_is_not() {
    let mut client = Client::new();
    let Action::Say(frame) = client.say(r#"{"event":"pusher:ping"}"#) else {
        panic!("no answer");
    };
    assert_eq!(frame, server::pong());
    assert!(matches!(client.say(r#"{"event":"pusher:pong","data":{}}"#), Action::Nothing));
}

// contract: 3.10
#[test]
fn an_unknown_event_is_named_and_never_ends_the_connection() {
    let mut client = Client::new();
    for _ in 0..100 {
        let answer = client.say(r#"{"event":"pusher:what"}"#);
        assert_eq!(complaint(&answer), "Unsupported event received on socket: 'pusher:what'");
    }
}

// contract: 3.11
#[test]
fn the_tenth_unreadable_message_in_a_row_ends_the_connection() {
    let mut client = Client::new();
    for bad in ["", "x", "[]", "\"\"", "{", "1", "null", "{\"event\"}", "{]"] {
        assert!(complaint(&client.say(bad)).starts_with("Message is not a JSON object"), "{bad}");
    }
    assert!(matches!(client.say("x"), Action::Close(close) if close == close::NOT_JSON));
}

// contract: 3.11
#[test]
fn any_json_object_starts_the_row_anew() {
    let mut client = Client::new();
    for good in [r#"{"event":"pusher:ping"}"#, r#"{"event":"nonsense"}"#, "{}"] {
        for _ in 0..9 {
            complaint(&client.say("x"));
        }
        client.say(good);
    }
}

// contract: 4.1, 4.2
#[test]
fn public_and_cache_channels_need_no_signature_and_ignore_one() {
    let mut client = Client::new();
    for channel in ["room", "cache-room"] {
        for auth in ["", "app-key:wrong", "nonsense"] {
            assert_eq!(client.join(channel, auth, None), None);
            client.say(&unsubscribe(channel));
        }
    }
}

// contract: 4.2, 4.4, 9.1
#[test]
fn every_kind_of_private_channel_opens_to_its_signature() {
    let mut client = Client::new();
    for channel in [
        "private-room",
        "private-cache-room",
        "private-encrypted-room",
        "private-encrypted-cache-room",
    ] {
        assert_eq!(client.join(channel, &sign(channel, None), None), None);
    }
}

// contract: 4.8, 4.9
#[test]
fn a_missing_signature_is_refused_in_pushers_words() {
    let mut client = Client::new();
    for channel in ["private-x", "private-encrypted-x", "presence-x", "presence-cache-x"] {
        let text = client.refusal(channel, "", Some(ALICE));
        assert_eq!(text, format!("Auth info required to subscribe to {channel}"));
    }
    let no_auth = r#"{"event":"pusher:subscribe","data":{"channel":"private-x"}}"#;
    assert!(matches!(client.say(no_auth), Action::Complain(c) if c.frames().len() == 2));
}

// contract: 4.4, 4.8, 4.9
#[test]
fn a_wrong_signature_is_refused_with_the_text_that_was_to_be_signed() {
    let mut client = Client::new();
    assert_eq!(
        client.refusal("private-x", "app-key:0bad", None),
        "Invalid signature: Expected HMAC SHA256 hex digest of 42.7:private-x, but got 0bad"
    );
    assert_eq!(
        client.refusal("presence-x", "app-key:0bad", Some(ALICE)),
        format!(
            "Invalid signature: Expected HMAC SHA256 hex digest of 42.7:presence-x:{ALICE}, but \
             got 0bad"
        )
    );
}

// contract: 4.4
#[test]
fn a_signature_is_good_for_its_own_socket_and_channel_only() {
    let mut client = Client::new();
    client.refusal("private-x", &sign("private-y", None), None);
    client.refusal("presence-x", &sign("presence-x", None), Some(ALICE));
    let foreign = format!("app-key:{}", signature("secret", &["42.8:private-x"]));
    client.refusal("private-x", &foreign, None);
    let respaced = ALICE.replace(": ", ":");
    client.refusal("presence-x", &sign("presence-x", Some(&respaced)), Some(ALICE));
}

// contract: 4.5
#[test]
fn hex_in_upper_case_is_a_wrong_signature() {
    let auth = sign("private-x", None).to_uppercase().replace("APP-KEY", "app-key");
    let text = Client::new().refusal("private-x", &auth, None);
    assert!(text.starts_with("Invalid signature: Expected HMAC"), "{text}");
}

// contract: 4.8
#[test]
fn an_unknown_key_is_refused_in_pushers_words() {
    let mut client = Client::new();
    let text = client.refusal("private-x", "no-key:0bad", None);
    assert_eq!(text, "Invalid key in subscription auth data: 'no-key'");
    for malformed in ["nonsense", ":0bad", "app-key:"] {
        let text = client.refusal("private-x", malformed, None);
        assert!(text.contains("Expected auth to be <key>:<signature>"), "{text}");
    }
}

// contract: 4.8, 4.10
#[test]
fn a_refusal_leaves_other_subscriptions_and_a_later_try_alone() {
    let mut client = Client::new();
    client.join("room", "", None);
    client.refusal("private-x", "app-key:0bad", None);
    client.join("private-x", &sign("private-x", None), None);
    assert!(matches!(client.say(&unsubscribe("room")), Action::Unsubscribe(_)));
}

// contract: 4.11
#[test]
fn a_second_subscription_is_refused_and_the_first_survives() {
    let mut client = Client::new();
    client.join("private-x", &sign("private-x", None), None);
    for auth in [sign("private-x", None), String::new()] {
        let answer = client.say(&subscribe("private-x", &auth, None));
        assert_eq!(complaint(&answer), "Existing subscription to channel private-x");
    }
    assert!(matches!(client.say(&unsubscribe("private-x")), Action::Unsubscribe(_)));
}

// contract: 4.12
#[test]
fn unsubscribing_names_the_subscription_that_ends() {
    let mut client = Client::new();
    client.join("presence-x", &sign("presence-x", Some(ALICE)), Some(ALICE));
    client.join("room", "", None);
    let Action::Unsubscribe(ended) = client.say(&unsubscribe("presence-x")) else {
        panic!("not unsubscribed");
    };
    assert_eq!((ended.channel.as_str(), ended.id), ("presence-x", ChannelId(7)));
    assert_eq!(ended.user.unwrap().as_str(), "alice");
    assert_eq!(
        complaint(&client.say(&unsubscribe("presence-x"))),
        "No current subscription to channel presence-x, or subscription in progress"
    );
}

// contract: 4.3, 4.13
#[test]
fn a_bad_channel_name_is_refused_and_shown_cut() {
    let mut client = Client::new();
    for bad in ["", "a b", "#x", "#server-to-user-", "grün"] {
        let text = client.refusal(bad, "", None);
        assert!(text.starts_with(&format!("Invalid channel name '{bad}'")), "{text}");
    }
    let long = "x".repeat(60_000);
    assert!(client.refusal(&long, "", None).len() < 400);
    assert!(complaint(&client.say(&unsubscribe(&long))).len() < 400);
    assert!(complaint(&client.client_event(&long)).len() < 400);
}

// contract: 4.13
#[test]
fn a_connection_has_as_many_channels_as_its_app_allows() {
    let mut client = Client::with(|settings| settings.max_channels_per_connection = 2);
    client.join("a", "", None);
    client.join("b", "", None);
    let text = client.refusal("c", "", None);
    assert_eq!(text, "This connection has the maximum of 2 subscriptions");
    client.say(&unsubscribe("a"));
    client.join("c", "", None);
    client.change(|app| app.settings.max_channels_per_connection = 0);
    client.join("d", "", None);
}

// contract: 4.14
#[test]
fn the_end_of_a_connection_takes_subscriptions_and_user_along() {
    let mut client = Client::new();
    client.join("room", "", None);
    client.sign_in(r#"{"id":"alice"}"#);
    assert_eq!(client.session.take_subscriptions().len(), 1);
    assert_eq!(client.session.take_user().unwrap().member.id.as_str(), "alice");
    client.join("room", "", None);
}

// contract: 5.1, 5.6, 5.12
#[test]
fn channel_data_says_who_joins() {
    let mut client = Client::new();
    let member = client.join("presence-x", &sign("presence-x", Some(ALICE)), Some(ALICE)).unwrap();
    assert_eq!(member.id.as_str(), "alice");
    assert_eq!(member.info.as_deref(), Some(r#"{"name":"A"}"#));
    let number = r#"{"user_id":10}"#;
    let auth = sign("presence-cache-x", Some(number));
    let member = client.join("presence-cache-x", &auth, Some(number)).unwrap();
    assert_eq!((member.id.as_str(), member.info), ("10", None));
}

// contract: 5.2, 5.3
#[test]
fn bad_channel_data_is_refused_although_it_is_signed() {
    let mut client = Client::new();
    let long = format!(r#"{{"user_id":"{}"}}"#, "u".repeat(129));
    let large = format!(r#"{{"user_id":1,"user_info":{{"x":"{}"}}}}"#, "y".repeat(1024));
    for (data, part) in [
        ("x", "expected a JSON object"),
        ("{}", "must contain a user_id"),
        (r#"{"user_id":1,"user_info":"x"}"#, "it must be a type of hash"),
        (&long, "longer than 128 characters"),
        (&large, "exceeds the allowed maximum (1024 bytes)"),
    ] {
        let text = client.refusal("presence-x", &sign("presence-x", Some(data)), Some(data));
        assert!(text.contains(part), "{data}: {text}");
    }
}

// contract: 5.10
#[test]
fn without_channel_data_the_signed_in_user_joins() {
    let mut client = Client::new();
    let auth = sign("presence-x", None);
    assert!(client.refusal("presence-x", &auth, None).contains("need channel_data"));
    client.sign_in(r#"{"id":"bob","user_info":{"name":"B"}}"#);
    let member = client.join("presence-x", &auth, None).unwrap();
    assert_eq!(member.id.as_str(), "bob");
    assert_eq!(member.info.as_deref(), Some(r#"{"name":"B"}"#));
}

// contract: 5.10
#[test]
fn channel_data_wins_over_the_sign_in() {
    let mut client = Client::new();
    client.sign_in(r#"{"id":"bob"}"#);
    let member = client.join("presence-x", &sign("presence-x", Some(ALICE)), Some(ALICE)).unwrap();
    assert_eq!(member.id.as_str(), "alice");
}

// contract: 5.3, 4.9
#[test]
fn a_full_channel_is_said_twice_and_with_status_403() {
    let channel: ChannelName = "presence-x".parse().unwrap();
    let text = "Presence channel is full: it has the maximum of 100 members";
    let frames = Session::refused(&channel, &Refusal::PresenceFull(100)).frames();
    let by_channel = server::subscription_error("presence-x", text, 403);
    assert_eq!(frames[..], [server::error(None, text), by_channel]);
}

// contract: 6.1, 6.3
#[test]
fn a_sign_in_keeps_the_text_that_was_signed() {
    let mut client = Client::new();
    let said = r#"{"id": "alice", "watchlist": ["bob", "carol"]}"#;
    let Action::SignIn { user, user_data, before } = client.sign_in(said) else {
        panic!("not signed in");
    };
    assert_eq!((user.member.id.as_str(), user_data.as_str()), ("alice", said));
    assert_eq!(user.watchlist.len(), 2);
    assert!(before.is_empty());
}

// contract: 6.1, 6.2, 6.4
#[test]
fn a_failed_sign_in_is_one_error_and_leaves_nobody_signed_in() {
    let mut client = Client::new();
    let alice = r#"{"id":"alice"}"#;
    for (auth, user_data, text) in [
        (
            "app-key:0bad".to_owned(),
            alice,
            "Invalid signature: Expected HMAC SHA256 hex digest of 42.7::user::{\"id\":\"alice\"}, \
             but got 0bad",
        ),
        ("no-key:0bad".to_owned(), alice, "Invalid key in subscription auth data: 'no-key'"),
        (sign(alice, None), alice, "Invalid signature"),
        (sign_user("{}"), "{}", "Missing parameter: data.user_data.id"),
        (sign_user(r#"{"id":1}"#), r#"{"id":1}"#, "user_data.id must be a string"),
        (sign_user("x"), "x", "Invalid user_data"),
    ] {
        let said = complaint(&client.say(&signin(&auth, user_data)));
        assert!(said.starts_with(text), "{said}");
    }
    assert!(client.session.take_user().is_none());
}

// contract: 6.5
#[test]
fn signing_in_anew_works_as_the_same_user_only() {
    let mut client = Client::new();
    client.sign_in(r#"{"id":"alice","watchlist":["bob"]}"#);
    let answer = client.sign_in(r#"{"id":"mallory"}"#);
    assert_eq!(complaint(&answer), "Connection is already signed in as user alice");
    let Action::SignIn { before, .. } = client.sign_in(r#"{"id":"alice","watchlist":[]}"#) else {
        panic!("not signed in again");
    };
    assert_eq!(before.iter().map(UserId::as_str).collect::<Vec<_>>(), ["bob"]);
    assert!(client.session.take_user().unwrap().watchlist.is_empty());
}

// contract: 6.6
#[test]
fn a_server_to_user_channel_is_for_its_own_user() {
    let mut client = Client::new();
    let refused = "Not allowed to subscribe to #server-to-user-alice: sign in as that user first";
    assert_eq!(client.refusal("#server-to-user-alice", "", None), refused);
    client.sign_in(r#"{"id":"bob"}"#);
    assert_eq!(client.refusal("#server-to-user-alice", "", None), refused);
    assert_eq!(client.join("#server-to-user-bob", "", None), None);
}

// contract: 15.1, 15.3
#[test]
fn any_active_key_of_the_app_signs_and_a_revoked_one_does_not() {
    let mut client = Client::new();
    let auth = format!("other-key:{}", signature("other", &["42.7:private-x"]));
    client.join("private-x", &auth, None);
    client.say(&unsubscribe("private-x"));
    client.change(|app| app.keys[1].active = false);
    let text = client.refusal("private-x", &auth, None);
    assert_eq!(text, "Invalid key in subscription auth data: 'other-key'");
    let user_data = r#"{"id":"alice"}"#;
    let signature = signature("other", &["42.7::user::", user_data]);
    let answer = client.say(&signin(&format!("other-key:{signature}"), user_data));
    assert_eq!(complaint(&answer), "Invalid key in subscription auth data: 'other-key'");
    client.join("private-x", &sign("private-x", None), None);
}

// contract: 15.3
#[test]
fn a_key_signs_with_its_own_secret() {
    let auth = format!("other-key:{}", signature("secret", &["42.7:private-x"]));
    let text = Client::new().refusal("private-x", &auth, None);
    assert!(text.starts_with("Invalid signature"), "{text}");
}

// contract: 10.1, 10.3, 10.5
#[test]
fn a_connection_proves_itself_once() {
    let mut client = Client::new();
    assert!(client.session.owes_authorization());
    assert!(client.session.authorize());
    assert!(!client.session.owes_authorization());
    assert!(!client.session.authorize());
    let app = client.apps.by_id("1").unwrap();
    let mut earlier = Session::new(app, SOCKET.parse().unwrap(), false);
    assert!(!earlier.owes_authorization() && !earlier.authorize());
}

// contract: 7.1
#[test]
fn what_the_others_hear_has_its_data_as_a_string() {
    let mut client = Client::new();
    client.join("private-x", &sign("private-x", None), None);
    for (data, literal) in [
        (r#""as \u00e9 is""#, r#""as \u00e9 is""#),
        (r#"{ "a" : 1.0 }"#, r#""{\"a\":1.0}""#),
        ("null", r#""null""#),
    ] {
        let Action::Publish(event) = client.say(&client_event("client-x", "private-x", data))
        else {
            panic!("{data} is not passed on");
        };
        let expected = format!(r#"{{"event":"client-x","data":{literal},"channel":"private-x"}}"#);
        assert_eq!(event.frame, Frame::text(&expected));
        let told = event.told.unwrap();
        assert_eq!((told.event.as_ref(), told.user), ("client-x", None));
        assert_eq!(quoted(&told.data), literal.replace("\\u00e9", "é"));
    }
}

// contract: 7.1, 5.6
#[test]
fn on_a_presence_channel_the_sender_is_named() {
    let mut client = Client::new();
    let data = r#"{"user_id":10}"#;
    client.join("presence-x", &sign("presence-x", Some(data)), Some(data));
    let Action::Publish(event) = client.client_event("presence-x") else {
        panic!("not passed on");
    };
    let expected = r#"{"event":"client-x","data":"1","channel":"presence-x","user_id":"10"}"#;
    assert_eq!(event.frame, Frame::text(expected));
    assert_eq!(event.told.unwrap().user.unwrap().as_str(), "10");
}

#[test]
fn nothing_is_told_of_client_events_that_nobody_wants() {
    let mut client = Client::new();
    client.join("private-x", &sign("private-x", None), None);
    let app = Arc::clone(&client.session.app);
    let is_told = |client: &mut Client| match client.client_event("private-x") {
        Action::Publish(event) => event.told.is_some(),
        other => panic!("not passed on: {other:?}"),
    };
    assert!(is_told(&mut client));
    app.interest.set(Listener::ClientEvents, false);
    app.interest.set(Listener::Console, true);
    assert!(!is_told(&mut client));
}

// contract: 7.2, 7.6
#[test]
fn client_events_need_the_toggle() {
    let mut client = Client::with(|settings| settings.client_events = false);
    client.join("private-x", &sign("private-x", None), None);
    assert_eq!(
        complaint(&client.client_event("private-x")),
        "To send client events, you must enable this feature in the Settings page of your \
         dashboard."
    );
    client.change(|app| app.settings.client_events = true);
    assert!(matches!(client.client_event("private-x"), Action::Publish(_)));
}

// contract: 7.2, 7.6
#[test]
fn client_events_need_a_subscription() {
    let mut client = Client::new();
    let text = "Cannot broadcast client event (connection not subscribed to channel private-x)";
    assert_eq!(complaint(&client.client_event("private-x")), text);
    client.join("private-x", &sign("private-x", None), None);
    client.say(&unsubscribe("private-x"));
    assert_eq!(complaint(&client.client_event("private-x")), text);
}

// contract: 7.2, 7.3, 6.8
#[test]
fn client_events_are_for_private_and_presence_channels_of_every_kind() {
    let mut client = Client::new();
    client.sign_in(r#"{"id":"alice"}"#);
    for channel in ["room", "cache-room", "#server-to-user-alice"] {
        client.join(channel, "", None);
        let text = complaint(&client.client_event(channel));
        assert_eq!(text, "Client events are only supported on private and presence channels");
    }
    for channel in [
        "private-x",
        "private-cache-x",
        "private-encrypted-x",
        "private-encrypted-cache-x",
        "presence-x",
        "presence-cache-x",
    ] {
        client.join(channel, &sign(channel, None), None);
        assert!(matches!(client.client_event(channel), Action::Publish(_)), "{channel}");
    }
}

// contract: 7.6
#[test]
fn a_client_event_has_channel_and_data() {
    let mut client = Client::new();
    for text in [r#"{"event":"client-x","channel":"private-x"}"#, r#"{"event":"client-x"}"#] {
        let said = complaint(&client.say(text));
        assert_eq!(said, "Invalid client event (must contain channel and data)");
    }
}

// contract: 7.8
#[test]
fn names_and_data_of_client_events_have_their_limits() {
    let mut client = Client::with(|settings| settings.max_event_bytes = 10);
    client.join("private-x", &sign("private-x", None), None);
    let longest = format!("client-{}", "é".repeat(193));
    let said = client.say(&client_event(&longest, "private-x", r#""0123456789""#));
    assert!(matches!(said, Action::Publish(_)), "{said:?}");
    let said = client.say(&client_event(&format!("{longest}x"), "private-x", "1"));
    assert!(complaint(&said).contains("longer than 200 characters"));
    for over in [r#""0123456789a""#, r#""éééééé""#, "[1,2,3,4,5,6]"] {
        let said = client.say(&client_event("client-x", "private-x", over));
        assert!(complaint(&said).contains("allowed maximum (10 bytes)"), "{over}");
    }
}

// contract: 7.5
#[test]
fn the_eleventh_client_event_of_a_second_is_dropped_with_4301() {
    let mut client = Client::new();
    client.join("private-x", &sign("private-x", None), None);
    client.join("private-y", &sign("private-y", None), None);
    for at in 0..10 {
        let channel = if at % 2 == 0 { "private-x" } else { "private-y" };
        assert!(matches!(client.client_event(channel), Action::Publish(_)), "{at}");
        client.now_ms += 99;
    }
    let text = "Client event rejected: rate limit of 10 per second exceeded";
    for _ in 0..3 {
        let Action::Complain(complaint) = client.client_event("private-x") else {
            panic!("not dropped");
        };
        assert_eq!(complaint.frames()[..], [server::error(Some(4301), text)]);
    }
    client.now_ms += 10;
    assert!(matches!(client.client_event("private-x"), Action::Publish(_)));
}

// contract: 7.5
#[test]
fn what_is_refused_for_another_reason_takes_no_share_of_the_rate() {
    let mut client = Client::new();
    client.join("private-x", &sign("private-x", None), None);
    for _ in 0..20 {
        complaint(&client.client_event("private-y"));
    }
    for _ in 0..10 {
        assert!(matches!(client.client_event("private-x"), Action::Publish(_)));
    }
}

// contract: 7.5
#[test]
fn an_app_may_set_its_own_rate_or_none() {
    let mut client = Client::with(|settings| settings.max_client_events_per_s = 1);
    client.join("private-x", &sign("private-x", None), None);
    assert!(matches!(client.client_event("private-x"), Action::Publish(_)));
    assert!(matches!(client.client_event("private-x"), Action::Complain(_)));
    client.change(|app| app.settings.max_client_events_per_s = 0);
    for _ in 0..50 {
        assert!(matches!(client.client_event("private-x"), Action::Publish(_)));
    }
}
