//! People, accounts, their apps and plans, as the management API has them.

mod apps;
mod audit;
pub(crate) mod browser;
mod invitations;
mod isolation;
mod plans;
mod pusher_cli;
mod sessions;
mod setup;
