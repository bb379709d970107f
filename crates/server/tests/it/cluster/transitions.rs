//! First joins, last leaves, one user everywhere: one event for each transition, in order, whichever
//! nodes take part.

use bellwire_testkit::{Client, Via};

use super::over_redis_and_nats;
use super::stage::{SHORT_GRACE, Stage, Truth, app, are_on, at_once, channels, member};
use crate::webhooks::dice::{Dice, number};
use crate::webhooks::stage::user_data;

over_redis_and_nats! {
    joins_and_leaves_at_once_on_two_nodes_are_one_transition_each
    joins_and_leaves_at_once_on_three_nodes_are_one_transition_each
}

const CHANNELS: usize = 50;

fn rounds() -> usize {
    usize::try_from(number("ROUNDS").unwrap_or(3)).unwrap()
}

// webhooks: P1, P2
fn joins_and_leaves_at_once_on_two_nodes_are_one_transition_each(via: Via) {
    joins_and_leaves_at_once(via, 2);
}

// webhooks: P1, P2
fn joins_and_leaves_at_once_on_three_nodes_are_one_transition_each(via: Via) {
    joins_and_leaves_at_once(via, 3);
}

/// Public channels have a first and a last subscriber, presence channels one user on all nodes.
#[track_caller]
fn joins_and_leaves_at_once(via: Via, nodes: usize) {
    let mut stage = Stage::start(via, nodes);
    let (public, presence) = (channels("room", CHANNELS), channels("presence-room", CHANNELS));
    let all = [public.clone(), presence.clone()].concat();
    let (mut of_public, mut of_presence) = (Vec::new(), Vec::new());
    for _ in 0..rounds() {
        let clients = come_at_once(&stage, &all);
        of_public.push("channel_occupied");
        of_presence.extend(["channel_occupied", "member_added"]);
        stage.expect_names(&public, &of_public);
        stage.expect_names(&presence, &of_presence);
        at_once(clients, Client::leave);
        of_public.push("channel_vacated");
        of_presence.extend(["member_removed", "channel_vacated"]);
        stage.expect_names(&public, &of_public);
        stage.expect_names(&presence, &of_presence);
    }
    // Whatever came late or twice would stand before what is told now.
    let clients = come_at_once(&stage, &all);
    of_public.push("channel_occupied");
    of_presence.extend(["channel_occupied", "member_added"]);
    stage.expect_names(&public, &of_public);
    stage.expect_names(&presence, &of_presence);
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &all);
    let nodes: Vec<usize> = (0..nodes).collect();
    stage.converges(&nodes, &truth);
    stage.is_verified(0, &truth);
    drop(clients);
}

/// A client on each node joins all channels as ann.
fn come_at_once(stage: &Stage, channels: &[String]) -> Vec<Client> {
    let clients: Vec<Client> = stage.cluster.nodes().iter().map(|node| node.connect()).collect();
    at_once(clients, |mut client| {
        for channel in channels {
            client.ask(
                channel,
                Some(&user_data("ann"))
                    .filter(|_| channel.starts_with("presence-"))
                    .map(String::as_str),
            );
        }
        let mut succeeded = 0;
        while succeeded < channels.len() {
            succeeded += usize::from(client.message().event().ends_with(":subscription_succeeded"));
        }
        client
    })
}

// webhooks: P1, P2
#[test]
fn who_moves_to_another_node_within_the_grace_has_not_left() {
    let mut stage = Stage::with(app(), &["grace_ms = 5000"], Via::Redis, 3);
    let (public, presence) = (channels("room", CHANNELS), channels("presence-room", CHANNELS));
    let all = [public.clone(), presence.clone()].concat();
    let mut client = stage.member(0, "ann", &all);
    for round in 0..rounds() {
        for node in [1, 2, 0] {
            // Who comes before it has left, and who leaves before it comes.
            if round % 2 == 0 {
                let former = std::mem::replace(&mut client, stage.member(node, "ann", &all));
                former.leave();
            } else {
                client.leave();
                client = stage.member(node, "ann", &all);
            }
        }
    }
    client.leave();
    stage.expect_names(&public, &["channel_occupied", "channel_vacated"]);
    stage.expect_names(
        &presence,
        &["channel_occupied", "member_added", "member_removed", "channel_vacated"],
    );
    stage.converges(&[0, 1, 2], &Truth::new());
    stage.is_verified(1, &Truth::new());
}

// webhooks: P1, P2, P9
#[test]
fn whoever_comes_and_goes_on_any_node_the_receiver_knows_what_is_so() {
    let mut stage = Stage::with(app(), &[SHORT_GRACE], Via::Redis, 3);
    let mut dice = Dice::from_environment();
    let mut people: Vec<Option<(Client, Vec<String>)>> = (0..30).map(|_| None).collect();
    for _ in 0..rounds() {
        for _ in 0..150 {
            let at = dice.below(people.len());
            people[at] = match people[at].take() {
                Some((client, _)) if dice.once_in(2) => {
                    client.leave();
                    None
                }
                _ => {
                    let mut some = channels("presence-room", CHANNELS);
                    some.extend(channels("room", CHANNELS));
                    some.retain(|_| dice.once_in(10));
                    // Every third is the second tab of a user.
                    let user = format!("user-{}", at * 2 / 3);
                    Some((member(&stage.cluster[dice.below(3)], &user, &some), some))
                }
            };
        }
        let mut truth = Truth::new();
        for (at, person) in people.iter_mut().enumerate() {
            let Some((client, some)) = person else { continue };
            client.drain();
            are_on(&mut truth, &format!("user-{}", at * 2 / 3), some);
        }
        stage.converges(&[0, 1, 2], &truth);
        stage.is_verified(2, &truth);
    }
}
