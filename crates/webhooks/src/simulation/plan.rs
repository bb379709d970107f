//! What a seed decides at the start: the rules, the apps, the endpoints, and which kinds of trouble
//! there will be.

use bellwire_protocol::{AppId, ChannelName};

use super::chance::Chance;
use crate::endpoint::{Endpoint, Terms};
use crate::event::{COUNT_CHANGED, Kind, lane_of};
use crate::outbox::Retention;
use crate::settle::SettleRules;
use crate::turn::DeliveryRules;

/// A plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settle: SettleRules,
    pub(super) delivery: DeliveryRules,
    /// How long things are kept, if not for ever.
    pub(super) retention: Option<Retention>,
    pub(super) apps: Vec<AppPlan>,
    /// The first is the one that is always well.
    pub(super) endpoints: Vec<Endpoint>,
    /// Random steps before the calm.
    pub(super) steps: u64,
    pub(super) trouble: Trouble,
}

/// An app.
#[derive(Debug, Clone)]
pub(super) struct AppPlan {
    pub(super) id: AppId,
    pub(super) batching: bool,
    /// Whether it counts subscribers.
    pub(super) counts: bool,
    pub(super) channels: Vec<ChannelName>,
}

/// Which kinds of trouble there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    /// The server crashes and restarts.
    pub(super) crashes: bool,
    /// The disk is slow or fails.
    pub(super) disk: bool,
    /// Receivers are unwell.
    pub(super) receivers: bool,
    /// People change endpoints and ask for replays.
    pub(super) people: bool,
    /// There is little room.
    pub(super) overflow: bool,
}

/// The prefixes of channels; of each kind one.
const PREFIXES: [&str; 9] = [
    "room-",
    "presence-lobby-",
    "private-desk-",
    "cache-price-",
    "private-encrypted-vault-",
    "presence-cache-team-",
    "private-cache-news-",
    "private-encrypted-cache-safe-",
    "presence-hall-",
];
/// Lanes of the channels: few, so that channels meet in them.
const LANES: [u8; 4] = [3, 3, 40, 57];

impl Plan {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let trouble = Trouble {
            crashes: !chance.one_in(3),
            disk: !chance.one_in(3),
            receivers: !chance.one_in(6),
            people: !chance.one_in(3),
            overflow: chance.one_in(5),
        };
        let apps: Vec<AppPlan> =
            (0..chance.between(2, 3)).map(|at| app(at, at != 1, chance)).collect();
        let mut endpoints = vec![endpoint(0, &apps[0], Terms::new("https://well.example/"))];
        for at in 1..=chance.between(3, 7) {
            let app = &apps[chance.index(apps.len())];
            endpoints.push(endpoint(at, app, terms(chance)));
        }
        let delivery = DeliveryRules {
            window_ms: chance.pick(&[290_000, 290_000, 60_000, 20_000]),
            disable_after_ms: chance.pick(&[432_000_000, 432_000_000, 100_000]),
            pending_bytes_max: if trouble.overflow {
                chance.between(500, 6_000) as usize
            } else {
                64 << 20
            },
            waiting_max: chance.pick(&[200_000, 200_000, 200_000, 4, 0]),
        };
        let retention = Retention { delivered_ms: 20_000, failed_ms: 60_000, bytes_max: u64::MAX };
        Self {
            settle: SettleRules { grace_ms: 3_000, reconnect_ms: 10_000 },
            delivery,
            retention: chance.one_in(8).then_some(retention),
            apps,
            endpoints,
            steps: chance.between(60, 300),
            trouble,
        }
    }
}

fn app(at: u64, batching: bool, chance: &mut Chance) -> AppPlan {
    let count = chance.between(4, 9) as usize;
    let first = chance.index(PREFIXES.len());
    let channel = |at: usize| {
        let prefix = PREFIXES[(first + at) % PREFIXES.len()];
        let lane = LANES[at % LANES.len()];
        let mut names = (0..).map(|number| format!("{prefix}{number}"));
        names.find(|name| lane_of(name) == lane).unwrap().parse().unwrap()
    };
    AppPlan {
        id: (at + 1).to_string().parse().unwrap(),
        batching,
        counts: chance.one_in(2),
        channels: (0..count).map(channel).collect(),
    }
}

pub(super) fn endpoint(number: u64, app: &AppPlan, terms: Terms) -> Endpoint {
    Endpoint::of_a_test(&format!("ep_{number}"), app.id.clone(), terms)
}

/// What an endpoint wants.
pub(super) fn terms(chance: &mut Chance) -> Terms {
    // All of them have one address, which must not matter.
    let mut terms = Terms::new("https://hooks.example/");
    if chance.one_in(2) {
        let kinds = Kind::ALL.iter().filter(|_| chance.one_in(2));
        terms.events = kinds.map(|kind| kind.name().to_owned()).collect();
    }
    if chance.one_in(4) {
        terms.events.push(COUNT_CHANGED.to_owned());
    }
    if chance.one_in(4) {
        terms.channel_prefix = Some(chance.pick(&["presence-", "private-", "room-"]).to_owned());
    }
    if chance.one_in(6) {
        terms.channel_suffix = Some(chance.below(10).to_string());
    }
    terms.max_in_flight = chance.pick(&[1, 2, 16, 16]);
    terms.max_per_second = chance.pick(&[None, None, None, Some(2), Some(20)]);
    terms.retry_hours = chance.pick(&[None, None, None, None, Some(1)]);
    terms
}
