//! What the hub does for a subscription, and what it tells the workers.

use std::sync::Arc;

use anyhow::ensure;
use bellwire_hub::{App, Apps, Conn, Hub};
use bellwire_protocol::ChannelName;
use bellwire_protocol::presence::Member;

use super::Work;
use super::house::{self, NOW_MS, Nobody};

/// Subscriptions that are about to be made.
struct Subscriptions {
    hub: Hub,
    worker: Arc<Nobody>,
    app: Arc<App>,
    wishes: Vec<Wish>,
    /// Messages that each of them has to lead to.
    messages: usize,
}

struct Wish {
    channel: ChannelName,
    conn: Conn,
    member: Option<Member>,
}

/// Members of a presence room after the subscription that is counted.
const MEMBERS: usize = 100;

/// Subscriptions to one channel, which has a subscriber.
pub(super) fn to_a_channel(count: usize) -> anyhow::Result<Box<dyn Work>> {
    let channel: ChannelName = "private-room-1".parse()?;
    let wish = |slot: usize| Wish { channel: channel.clone(), conn: conn(slot), member: None };
    let all: Vec<Wish> = (0..=count).map(wish).collect();
    subscriptions(all, 1, 1)
}

/// One subscription to each of so many rooms, which have all other members.
pub(super) fn to_presence_rooms(count: usize) -> anyhow::Result<Box<dyn Work>> {
    let mut all = Vec::new();
    for number in 0..MEMBERS {
        for room in 0..count {
            all.push(Wish {
                channel: format!("presence-room-{room}").parse()?,
                conn: conn(all.len()),
                member: Some(member(number)?),
            });
        }
    }
    subscriptions(all, (MEMBERS - 1) * count, 2)
}

/// Makes the first of them; the others are to be counted.
fn subscriptions(
    mut all: Vec<Wish>,
    first: usize,
    messages: usize,
) -> anyhow::Result<Box<dyn Work>> {
    let (hub, worker) = house::hub();
    let app = house::app(&Apps::default())?;
    let wishes = all.split_off(first);
    for Wish { channel, conn, member } in all {
        hub.subscribe(NOW_MS, &app, &channel, conn, member.as_ref())?;
    }
    let heard = worker.heard();
    let messages = heard + messages * wishes.len();
    Ok(Box::new(Subscriptions { hub, worker, app, wishes, messages }))
}

impl Work for Subscriptions {
    fn run(&mut self) {
        for Wish { channel, conn, member } in &self.wishes {
            let id = self.hub.subscribe(NOW_MS, &self.app, channel, *conn, member.as_ref());
            std::hint::black_box(&id);
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let heard = self.worker.heard();
        ensure!(heard == self.messages, "{heard} messages instead of {}", self.messages);
        Ok(())
    }
}

fn conn(slot: usize) -> Conn {
    Conn::new(0, slot as u32, 1)
}

fn member(number: usize) -> anyhow::Result<Member> {
    let info = format!(r#"{{"name":"Somebody {number}","avatar":"/avatars/{number}.png"}}"#);
    Ok(Member { id: format!("user-{number}").parse()?, info: Some(info.into()) })
}
