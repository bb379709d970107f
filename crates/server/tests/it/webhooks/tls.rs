//! Contract 16.13: https targets, and whom they are believed.

use bellwire_testkit::{Config, Receiver, Webhook};

use super::stage::{HOOK, SHORT_GRACE, Stage, app};

fn believing() -> String {
    format!("ca_file = {:?}", Receiver::ca_file())
}

fn config(url: &str) -> Config {
    Config::with(app().webhook(Webhook::to(url))).webhooks(SHORT_GRACE)
}

// contract: 16.13
#[test]
fn an_https_target_is_reached_by_address_and_by_name() {
    for host in ["127.0.0.1", "localhost"] {
        let receiver = Receiver::start_tls();
        let url = receiver.url(HOOK).replace("127.0.0.1", host);
        let stage = Stage::over(receiver, config(&url), &[&believing()]);
        let _client = stage.member("", &["public"]);
        let delivery = stage.hook.expect_event("channel_occupied", "public");
        assert!(delivery.verify_pusher("secret-1"));
        assert!(delivery.header("Host").unwrap().starts_with(host), "{delivery}");
    }
}

// contract: 16.13
#[test]
fn an_http_target_is_reached_by_name() {
    let receiver = Receiver::start();
    let url = receiver.url(HOOK).replace("127.0.0.1", "localhost");
    let stage = Stage::over(receiver, config(&url), &[]);
    let _client = stage.member("", &["public"]);
    stage.hook.expect_event("channel_occupied", "public");
}

// contract: 16.13
#[test]
fn a_certificate_of_an_unknown_authority_is_not_believed_until_it_is_named() {
    let receiver = Receiver::start_tls();
    let config = config(&receiver.url(HOOK));
    let mut stage = Stage::over(receiver, config.clone(), &[]);
    let client = stage.member("", &["public"]);
    crate::support::eventually("it was tried", || stage.receiver.connections() > 0);
    drop(client);
    stage.server.terminate();
    stage.server.wait();
    assert!(stage.receiver.deliveries().is_empty());
    stage.server.restart_with(config.webhooks(&believing()));
    stage.hook.expect_event("channel_occupied", "public");
}

// contract: 16.13
#[test]
fn a_certificate_for_another_name_is_not_believed() {
    // All of 127.0.0.0/8 is this machine on Linux; the certificate is for 127.0.0.1 alone.
    let receiver = Receiver::start_tls_at("127.0.0.2");
    let healthy = Receiver::start();
    let app =
        app().webhook(Webhook::to(&receiver.url(HOOK))).webhook(Webhook::to(&healthy.url(HOOK)));
    let stage = Stage::over(healthy, Config::with(app), &[SHORT_GRACE, &believing()]);
    let _client = stage.member("", &["public"]);
    stage.hook.expect_event("channel_occupied", "public");
    crate::support::eventually("it was tried", || receiver.connections() > 0);
    receiver.expect_nobody();
    assert!(receiver.deliveries().is_empty());
}

// contract: 16.13
#[test]
fn a_target_that_speaks_no_tls_gets_nothing() {
    let receiver = Receiver::start();
    let url = receiver.url(HOOK).replace("http://", "https://");
    let healthy = Receiver::start();
    let app = app().webhook(Webhook::to(&url)).webhook(Webhook::to(&healthy.url(HOOK)));
    let stage = Stage::over(healthy, Config::with(app), &[SHORT_GRACE]);
    let _client = stage.member("", &["public"]);
    stage.hook.expect_event("channel_occupied", "public");
    crate::support::eventually("it was tried", || receiver.connections() > 0);
    assert!(receiver.deliveries().is_empty());
}
