//! Several nodes from the outside: they are one server, whatever is killed, frozen or cut. Each test
//! runs over Redis; those at the core over NATS, too. `ROUNDS`, `CLIENTS`, `FREEZE_S` and
//! `SEED` are numbers of the environment.

mod alone;
mod chaos;
mod connections;
mod consoles;
mod copies;
mod crashes;
mod freezes;
mod partitions;
mod rolling;
mod rules;
mod stage;
mod takeovers;
mod transitions;

/// Makes tests of functions that take what carries live messages.
macro_rules! over_redis_and_nats {
    ($($name:ident)*) => {
        mod over_redis {
            $(#[test] fn $name() { super::$name(bellwire_testkit::Via::Redis); })*
        }
        mod over_nats {
            $(#[test] fn $name() { super::$name(bellwire_testkit::Via::Nats); })*
        }
    };
}
use over_redis_and_nats;
