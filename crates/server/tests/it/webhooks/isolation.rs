//! P6: a thousand dead endpoints beside a healthy one. That everything arrives is asserted; how fast,
//! with and without them, is printed, because a test on a loaded machine is no judge of that.

use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{App, Client, Config, DeadTargets, Receiver, Webhook};
use serde_json::json;

use super::stage::{HOOK, SHORT_GRACE, Stage, app};

const CHANNELS: usize = 50;
const EVENTS: usize = 300;

// webhooks: P6, fault 1
#[test]
fn a_thousand_dead_endpoints_keep_nothing_from_a_healthy_one() {
    let targets = DeadTargets::start(1000);
    let alone = Times::of(&[]);
    let beside = Times::of(targets.urls());
    eprintln!("a healthy endpoint alone: {alone}; beside 1,000 dead ones: {beside}");
}

// webhooks: P6, fault 1
#[test]
fn dead_endpoints_of_other_apps_keep_nothing_from_this_one() {
    let targets = DeadTargets::start(70);
    let receiver = Receiver::start();
    let first = app().webhook(Webhook::to(&receiver.url(HOOK)));
    let others = targets.urls().chunks(10).enumerate().map(|(n, urls)| {
        let app = App::new(2 + u32::try_from(n).unwrap());
        urls.iter().fold(app, |app, url| app.webhook(Webhook::to(url)))
    });
    let config = others.fold(Config::with(first), Config::app);
    let stage = Stage::over(receiver, config, &[SHORT_GRACE]);
    let _crowd: Vec<Client> = (1..=8)
        .flat_map(|n| (0..20).map(move |channel| (n, channel)))
        .map(|(n, channel)| {
            let mut client = stage.server.connect_to(stage.server.config().numbered(n));
            client.subscribe(&format!("public-{channel}"));
            client
        })
        .collect();
    for channel in 0..20 {
        stage.hook.expect_event("channel_occupied", &format!("public-{channel}"));
    }
}

/// How long events took from the client to the healthy endpoint, in order.
struct Times(Vec<Duration>);

impl Times {
    #[track_caller]
    fn of(dead: &[String]) -> Self {
        let receiver = Receiver::start();
        let app = app().webhook(Webhook::to(&receiver.url(HOOK)));
        let app = dead.iter().fold(app, |app, url| app.webhook(Webhook::to(url)));
        let stage = Stage::over(receiver, Config::with(app), &[SHORT_GRACE]);
        let names: Vec<String> = (0..CHANNELS).map(|n| format!("private-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut client = stage.member("", &names);
        for name in &names {
            stage.hook.expect_event("channel_occupied", name);
        }
        let said: Vec<Instant> = (0..EVENTS)
            .map(|n| {
                thread::sleep(Duration::from_millis(5));
                let now = Instant::now();
                client.trigger(names[n % CHANNELS], &format!("client-{n}"), &json!("x"));
                now
            })
            .collect();
        let came = arrivals(&stage);
        let mut times: Vec<Duration> =
            came.iter().zip(&said).map(|(came, said)| *came - *said).collect();
        times.sort();
        Self(times)
    }
}

/// When each of the events came, in the order in which they were said.
#[track_caller]
fn arrivals(stage: &Stage) -> Vec<Instant> {
    stage.hook.expect("every event comes", |deliveries| {
        let mut came = vec![None; EVENTS];
        for delivery in deliveries {
            for event in delivery.events() {
                let name = event["event"].as_str().unwrap_or_default();
                if let Some(n) = name.strip_prefix("client-") {
                    came[n.parse::<usize>().unwrap()] = Some(delivery.at);
                }
            }
        }
        came.into_iter().collect()
    })
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |share: usize| self.0[(self.0.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(50), at(99), at(100))
    }
}
