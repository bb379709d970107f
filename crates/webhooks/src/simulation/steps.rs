//! What happens to a run, by chance: facts, time, moods, crashes, changes of mind; in the end, calm.

use super::agenda::Act;
use super::laws::Lawful;
use super::orders::DiskMood;
use super::run::Run;
use crate::event::LANES;
use crate::outbox::Outbox;

impl Run {
    /// Lives the whole life.
    pub(super) fn live(&mut self) -> Lawful {
        self.opens()?;
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.calm()
    }

    /// Most are there from the start.
    fn opens(&mut self) -> Lawful {
        for client in 0..self.world.clients.len() {
            if self.chance.one_in(4) {
                continue;
            }
            let facts = self.world.arrives(self.now_ms, client);
            self.happen(facts)?;
            let rooms = self.world.halls[self.world.clients[client].hall].rooms.len();
            for _ in 0..self.chance.between(1, 3) {
                let room = self.chance.index(rooms);
                let facts = self.world.toggles(self.now_ms, client, room);
                self.happen(facts)?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Lawful {
        let trouble = self.plan.trouble;
        match self.chance.below(1_000) {
            0..450 => self.people_move(),
            450..700 => self.short_while(),
            700..790 => self.while_of(100, 4_000),
            790..840 => self.while_of(3_000, 20_000),
            840..845 => self.while_of(60_000, 400_000),
            845..900 if trouble.receivers => self.mood_changes(),
            900..920 if trouble.disk => self.disk_changes(),
            920..926 if trouble.crashes => self.crashes(),
            926..930 if trouble.crashes => self.restarts(),
            930..965 if trouble.people => self.change_of_mind(),
            965..970 if trouble.overflow => self.loses(),
            970..980 => self.sweeps(),
            _ => self.short_while(),
        }
    }

    fn short_while(&mut self) -> Lawful {
        self.while_of(0, 40)
    }

    fn while_of(&mut self, first_ms: u64, last_ms: u64) -> Lawful {
        let ms = self.chance.between(first_ms, last_ms);
        self.pass(ms)
    }

    /// Somebody does something.
    fn people_move(&mut self) -> Lawful {
        let client = self.chance.index(self.world.clients.len());
        let hall = self.world.clients[client].hall;
        let room = self.chance.index(self.world.halls[hall].rooms.len());
        let now_ms = self.now_ms;
        let facts = match self.chance.below(100) {
            0..10 => self.world.arrives(now_ms, client),
            10..30 => self.world.toggles(now_ms, client, room),
            30..40 => self.blip(client),
            40..43 => return self.all_blip(hall),
            43..80 => return self.talk(client),
            80..87 => self.world.publishes(now_ms, hall, room),
            87..92 => {
                self.world.forgets(hall, room);
                Vec::new()
            }
            92..94 => return self.crowd(hall, room),
            _ => self.world.departs(now_ms, client),
        };
        self.happen(facts)
    }

    /// A client loses its connection and comes back, perhaps within the grace.
    fn blip(&mut self, client: usize) -> Vec<bellwire_hub::Fact> {
        let back_ms = self.chance.between(0, 2 * self.plan.settle.grace_ms);
        self.later(back_ms, Act::Arrives(client));
        self.world.departs(self.now_ms, client)
    }

    /// Everybody on an app loses the connection at once.
    fn all_blip(&mut self, hall: usize) -> Lawful {
        let clients = 0..self.world.clients.len();
        let mut facts = Vec::new();
        for client in clients.skip(hall).step_by(self.world.halls.len()) {
            facts.extend(match self.chance.below(2) {
                0 => self.blip(client),
                _ => self.world.departs(self.now_ms, client),
            });
        }
        self.happen(facts)
    }

    /// A client says a few things.
    fn talk(&mut self, client: usize) -> Lawful {
        let mut facts = Vec::new();
        for _ in 0..self.chance.between(1, 5) {
            let is_poison = self.chance.one_in(6);
            facts.extend(self.world.says(self.now_ms, client, is_poison));
        }
        self.happen(facts)
    }

    /// A crowd comes, changes, goes.
    fn crowd(&mut self, hall: usize, room: usize) -> Lawful {
        let crowd = self.chance.pick(&[0, 99, 101, 104, 110]);
        let facts = self.world.crowds(self.now_ms, hall, room, crowd);
        self.happen(facts)
    }

    fn mood_changes(&mut self) -> Lawful {
        let deed = self.people().mood_changes();
        self.trace(|| deed.what);
        Ok(())
    }

    fn change_of_mind(&mut self) -> Lawful {
        let deed = self.people().change_of_mind();
        self.trace(|| deed.what);
        for (after_ms, endpoint, on) in deed.switches {
            self.later(after_ms, Act::Switched(endpoint, on));
        }
        let later_ms = self.chance.between(1, 300);
        // Much may happen at the same time.
        let next_ms = self.agenda.next_ms().filter(|_| self.chance.one_in(2));
        let later_ms = next_ms.map_or(later_ms, |next_ms| next_ms.saturating_sub(self.now_ms));
        self.later(later_ms, Act::Configured);
        Ok(())
    }

    fn disk_changes(&mut self) -> Lawful {
        self.disk_mood =
            self.chance.pick(&[DiskMood::Well, DiskMood::Well, DiskMood::Slow, DiskMood::Failing]);
        let mood = self.disk_mood;
        self.trace(|| format!("the disk is {mood:?}"));
        Ok(())
    }

    fn crashes(&mut self) -> Lawful {
        let here = self.clients_here();
        let has_arrived = self.chance.one_in(2);
        let down_ms = self.chance.pick(&[1, 500, 5_000, 60_000, 600_000]);
        for client in here {
            let reconnect_ms = self.plan.settle.reconnect_ms;
            let back_ms = match self.chance.below(4) {
                0 | 1 => self.chance.below(reconnect_ms),
                2 => self.chance.between(reconnect_ms, 6 * reconnect_ms),
                _ => continue,
            };
            self.later(down_ms + back_ms, Act::Arrives(client));
        }
        self.crash(has_arrived, down_ms)
    }

    /// The server ends in order, and everybody returns to the next.
    fn restarts(&mut self) -> Lawful {
        let here = self.clients_here();
        self.close();
        for client in &here {
            let facts = self.world.departs(self.now_ms, *client);
            self.happen(facts)?;
            self.while_of(0, 20)?;
        }
        // Some take longer than a grace to go.
        self.while_of(0, 5_000)?;
        if self.is_busy() {
            self.while_of(0, 2_000)?;
        }
        let (has_arrived, down_ms) = (self.chance.one_in(2), self.chance.between(1, 5_000));
        for client in here {
            let back_ms = self.chance.below(self.plan.settle.reconnect_ms);
            self.later(down_ms + back_ms, Act::Arrives(client));
        }
        self.crash(has_arrived, down_ms)
    }

    fn clients_here(&self) -> Vec<usize> {
        let clients = self.world.clients.iter().enumerate();
        clients.filter(|(_, client)| client.is_here).map(|(at, _)| at).collect()
    }

    /// The service had no room even to leave a fact for the engine.
    fn loses(&mut self) -> Lawful {
        let app = self.chance.pick(&self.plan.apps).id;
        let lane = self.chance.below(u64::from(LANES)) as u8;
        let count = self.chance.between(1, 3);
        self.engine.lost(self.now_ms, &app, lane, count);
        self.obey()
    }

    fn sweeps(&mut self) -> Lawful {
        let Some(retention) = self.plan.retention else { return Ok(()) };
        let swept = self.disk.sweep(&retention, self.now_ms).unwrap();
        self.trace(|| format!("{swept:?}"));
        self.engine.swept(swept);
        self.obey()
    }
}
