//! What is wrong with a target: each fault has its class in the log, whoever looks.

use std::time::Duration;

use bellwire_testkit::{Answer, DeadPort, Deaf, Receiver};
use serde_json::{Value, json};

use super::office::{Office, config, path_of, refused};
use crate::support::eventually;

/// A target, and what its first attempt is to say.
struct Fault {
    url: String,
    /// The class; none: it is accepted.
    failure: Option<&'static str>,
    /// The status that the attempt shows.
    status: Option<u16>,
}

fn fault(url: &str, failure: &'static str, status: Option<u16>) -> Fault {
    Fault { url: url.to_owned(), failure: Some(failure), status }
}

/// Receivers that answer, each on a path of its own.
fn answering(receiver: &Receiver) -> Vec<Fault> {
    let drip = Duration::from_millis(200);
    let elsewhere = Answer::redirect("http://10.0.0.1/metadata");
    let answers = [
        (Answer::ok(), None, Some(200)),
        (Answer::reset(), Some("broken"), None),
        (Answer::close(), Some("broken"), None),
        (Answer::garbage(), Some("broken"), None),
        (Answer::silence(), Some("timeout"), None),
        (Answer::slow_head(drip), Some("timeout"), None),
        (Answer::slow_body(drip), Some("body"), Some(200)),
        // What follows the first 64 KiB of a good answer is nobody's business.
        (Answer::endless_body(), None, Some(200)),
        (Answer::long_body(100 << 20), None, Some(200)),
        (elsewhere, Some("status"), Some(302)),
        (Answer::status(400), Some("status"), Some(400)),
        (Answer::status(410), Some("status"), Some(410)),
        (Answer::retry_after(429, 1), Some("status"), Some(429)),
        (Answer::status(500), Some("status"), Some(500)),
    ];
    let fault = |(number, (answer, failure, status)): (usize, (Answer, _, _))| {
        let hook = receiver.hook(&format!("/fault-{number}"));
        hook.always(answer);
        Fault { url: hook.url().to_owned(), failure, status }
    };
    answers.into_iter().enumerate().map(fault).collect()
}

/// The first attempt of a delivery to a webhook.
fn first_attempt(office: &Office, webhook: &Value) -> Option<Value> {
    let query = format!("/deliveries?endpoint={}", webhook["id"].as_str().unwrap());
    let page = office.get(&query);
    let delivery = page["deliveries"].as_array().unwrap().last()?;
    let detail = office.get(&format!("/deliveries/{}", delivery["id"].as_str().unwrap()));
    detail["attempts"].get(0).cloned()
}

// contract: 16.5, 16.13
#[test]
fn every_fault_of_a_target_has_its_class_in_the_log() {
    let office = Office::usual();
    let (nobody, never, full) = (DeadPort::take(), Deaf::never_accepts(), Deaf::full());
    let stranger = Receiver::start_tls();
    let plain = office.receiver.hook("/plain").url().replace("http://", "https://");
    let mut faults = answering(&office.receiver);
    faults.extend([
        fault(&nobody.url("/"), "refused", None),
        fault(&never.url("/"), "timeout", None),
        fault(&full.url("/"), "timeout", None),
        fault("http://no-such-host.invalid/", "dns", None),
        fault(stranger.hook("/tls").url(), "tls", None),
        // It waits for the end of a request that is none.
        fault(&plain, "timeout", None),
    ]);
    let webhooks: Vec<Value> = faults
        .iter()
        .map(|fault| {
            let made = office.tell("POST", "/webhooks", &json!({ "url": fault.url }));
            assert_eq!(made.status, 201, "{}: {}", fault.url, made.text());
            made.json()
        })
        .collect();
    let (_, hook) = office.heard();
    let _client = office.member(&["public"]);
    hook.expect_event("channel_occupied", "public");
    for (fault, webhook) in faults.iter().zip(&webhooks) {
        let what = format!("an attempt at {}", fault.url);
        eventually(&what, || first_attempt(&office, webhook).is_some());
        let attempt = first_attempt(&office, webhook).unwrap();
        let found = (attempt["failure"].as_str(), attempt["status"].as_u64());
        assert_eq!(found, (fault.failure, fault.status.map(u64::from)), "{what}: {attempt}");
        let says_why = attempt["detail"].as_str().is_some_and(|detail| !detail.is_empty());
        assert_eq!(says_why, fault.failure.is_some(), "{what}: {attempt}");
    }
    // Who is gone for good is asked no more; the others are still wanted.
    let gone = faults.iter().position(|fault| fault.status == Some(410)).unwrap();
    let shown = |webhook: &Value| office.get(&path_of(webhook));
    eventually("the one that is gone is disabled", || {
        shown(&webhooks[gone])["disabled"]["reason"] == "gone"
    });
    let others = webhooks.iter().enumerate().filter(|(at, _)| *at != gone);
    assert!(others.clone().all(|(_, webhook)| shown(webhook)["enabled"] == true));
}

// contract: 16.13
#[test]
fn targets_in_private_networks_are_refused_if_the_server_says_so() {
    let mut office = Office::usual();
    let hook = office.receiver.hook("/hook");
    let by_address = office.webhook(&hook, &json!({}));
    let name = hook.url().replace("127.0.0.1", "localhost");
    let by_name = office.tell("POST", "/webhooks", &json!({ "url": name })).json();
    // They were made before the server became strict.
    office.server.crash();
    office.server.restart_with(config().webhooks("allow_private_targets = false"));
    for url in [hook.url(), &name] {
        let problem = refused(&office.tell("POST", "/webhooks", &json!({ "url": url })), 422);
        assert_eq!(problem["field"], "url");
        assert!(problem["detail"].as_str().unwrap().contains("private targets"), "{problem}");
    }
    let _client = office.member(&["public"]);
    for webhook in [by_address, by_name] {
        eventually("it was tried", || first_attempt(&office, &webhook).is_some());
        assert_eq!(first_attempt(&office, &webhook).unwrap()["failure"], "forbidden");
    }
    assert_eq!(office.receiver.connections(), 0);
}

// contract: 16.13
#[test]
fn a_target_that_is_forbidden_is_refused_with_the_reason_when_it_is_named() {
    let office = Office::usual();
    let metadata = json!({ "url": "http://169.254.169.254/latest/meta-data" });
    let problem = refused(&office.tell("POST", "/webhooks", &metadata), 422);
    assert_eq!(problem["detail"], "url: 169.254.169.254 is a link-local address");
    let hook = office.receiver.hook("/hook");
    let webhook = path_of(&office.webhook(&hook, &json!({})));
    assert_eq!(refused(&office.tell("PATCH", &webhook, &metadata), 422)["field"], "url");
    assert_eq!(office.get(&webhook)["url"], hook.url());
    // A name that nobody knows yet may be known later.
    let unknown = json!({ "url": "http://no-such-host.invalid/" });
    assert_eq!(office.tell("POST", "/webhooks", &unknown).status, 201);
}

// contract: 16.13
#[test]
fn plain_http_is_refused_where_https_is_required() {
    let office = Office::with(config().webhooks("require_https = true"));
    let hook = office.receiver.hook("/hook");
    let made = office.tell("POST", "/webhooks", &json!({ "url": hook.url() }));
    let problem = refused(&made, 422);
    assert!(problem["detail"].as_str().unwrap().contains("https"), "{problem}");
    let secure = office.tell("POST", "/webhooks", &json!({ "url": "https://example.com/" }));
    assert_eq!(secure.status, 201);
    let changed = json!({ "url": "http://example.com/" });
    refused(&office.tell("PATCH", &path_of(&secure.json()), &changed), 422);
}
