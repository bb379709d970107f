//! Running the server: logs, metrics, limits of the machine, apps kept up to date, the way out.

pub(crate) mod apps;
pub(crate) mod cellar;
pub(crate) mod clock;
pub(crate) mod ebb;
pub(crate) mod facts;
pub(crate) mod folder;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod metrics;
pub(crate) mod people;
pub(crate) mod pulse;
pub(crate) mod random;
pub(crate) mod webhooks;
