//! `bellwire users`: people who are signed in.

use serde_json::json;

use super::failure::Failure;
use super::output::{Output, one_line};
use super::remote::Remote;

#[derive(clap::Subcommand)]
pub(super) enum Users {
    /// End every connection that is signed in as a user; the user may connect again
    Terminate {
        /// The user's id
        #[arg(value_name = "USER_ID")]
        id: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        remote: Remote,
    },
}

impl Users {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::Terminate { id, output, remote } = self;
        let answer = remote.api()?.post(&["users", &id, "terminate_connections"], &json!({}))?;
        output.show(&answer, format!("ended the connections of user {}", one_line(&id)))
    }
}
