//! `bellwire webhooks replays`.

use bellwire_protocol::AppId;
use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, note};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use super::forms;
use crate::moment::date;
use crate::views::replay::ReplayView;

#[derive(clap::Args)]
pub(in super::super) struct Replays {
    /// Only those of this app
    #[arg(value_name = "APP_ID")]
    app: Option<AppId>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Replays {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        if let Some(app) = &self.app {
            desk.expect_app(app)?;
        }
        let replays = desk.store()?.replays(self.app.as_ref())?;
        let mut table = Table::default();
        if replays.is_empty() {
            note(
                "there are no replays yet; `bellwire webhooks replay --help` tells how to ask for one",
            );
        } else {
            let head =
                ["id", "asked for", "endpoint", "state", "total", "delivered", "failed", "of"];
            table = Table::with_head(&head);
        }
        for replay in &replays {
            let progress = replay.progress;
            let (id, asked) = (replay.id.to_string(), date(replay.created_at_ms));
            let [total, delivered, failed] =
                [replay.total, progress.delivered, progress.failed].map(|n| n.to_string());
            let (endpoint, of) = (replay.endpoint.as_str(), forms::replay_of(&replay.of));
            let state = progress.state.name();
            table.row([&id, &asked, endpoint, state, &total, &delivered, &failed, &of]);
        }
        let json = replays.iter().map(|replay| json!(ReplayView::of(replay)));
        self.output.show(&json.collect(), table)
    }
}
