//! `bellwire webhooks`: endpoints, what became of deliveries, and sending again. All of it works on
//! the server's data folder; a running server notices changes within a fraction of a second.

mod deliveries;
mod desk;
mod endpoints;
mod forms;
mod replay;
mod replays;
mod show;
mod state;
mod terms;
mod test;
mod watch;

use super::failure::Failure;

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Webhooks {
    /// List the endpoints
    List(endpoints::List),
    /// Send an app's events to a URL; the endpoint's secret is shown this one time
    Add(endpoints::Add),
    /// Change what an endpoint hears and how, or enable or disable it
    Set(endpoints::Set),
    /// Remove an endpoint with its history
    Remove(endpoints::Remove),
    /// Send a test event to an endpoint
    Test(test::Test),
    /// Give an endpoint a new secret for the Standard Webhooks headers, shown this one time
    RotateSecret(endpoints::RotateSecret),
    /// List deliveries, newest first
    Deliveries(deliveries::Deliveries),
    /// Show a delivery with every attempt, or an endpoint
    Show(show::Show),
    /// Send again: a delivery, all that failed, or a part of the log
    Replay(replay::Replay),
    /// List replays, newest first
    Replays(replays::Replays),
    /// List what receivers of an app missed, newest first
    Gaps(state::Gaps),
    /// Show what is announced in an app: its occupied channels and their members
    Snapshot(state::Snapshot),
    /// Check that every log alternates and agrees with what is announced; exit code 1 if not
    Verify(state::Verify),
}

const EXAMPLES: &str = "\
Try it, with app 1001:
  bellwire listen                                              a receiver that prints what comes
  bellwire webhooks add 1001 http://127.0.0.1:9000/            from now on it hears of everything
  bellwire webhooks deliveries 1001                            what was sent, newest first
  bellwire webhooks show msg_…                                 one of them, with every attempt
  bellwire webhooks replay --endpoint ep_… --failed            what failed, once more";

impl Webhooks {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Add(add) => add.run(),
            Self::Set(set) => set.run(),
            Self::Remove(remove) => remove.run(),
            Self::Test(test) => test.run(),
            Self::RotateSecret(rotate) => rotate.run(),
            Self::Deliveries(deliveries) => deliveries.run(),
            Self::Show(show) => show.run(),
            Self::Replay(replay) => replay.run(),
            Self::Replays(replays) => replays.run(),
            Self::Gaps(gaps) => gaps.run(),
            Self::Snapshot(snapshot) => snapshot.run(),
            Self::Verify(verify) => verify.run(),
        }
    }
}
