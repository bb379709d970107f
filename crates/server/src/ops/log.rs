//! Logs: for people on a terminal, as JSON otherwise, always on standard error.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Libraries that tell of every event what we tell once, in words of their own. The config stands
/// above it: whoever names them hears them.
const QUIET: &str = "async_nats=warn,postgres=warn,tokio_postgres=warn,";

/// Starts logging. `RUST_LOG` stands above the config.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let (wanted, quiet) = match std::env::var("RUST_LOG") {
        Ok(wanted) => (wanted, ""),
        Err(_) => (config.log.clone(), QUIET),
    };
    let filter = EnvFilter::try_new(format!("{quiet}{wanted}"))
        .with_context(|| format!("[server] log = {wanted:?}: expected a filter like \"info\""))?;
    let pretty = match config.log_format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if pretty {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
    Ok(())
}
