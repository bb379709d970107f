//! `bellwire serve` and `bellwire check-config`.

use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::assemble;
use crate::config::Config;
use crate::http::tls::Certificate;
use crate::ops::log;

/// Runs the server until it is told to stop.
pub(super) fn serve(file: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    log::start(&config)?;
    assemble::run(&config, file)
}

/// Says whether a config file can be used.
pub(super) fn check(file: Option<&Path>, output: Output) -> Result<(), Failure> {
    let config = Config::read(file)?;
    if let Some((cert, key)) = &config.tls {
        Certificate::read(cert, key)?;
    }
    let apps = config.apps.len();
    output.show(&json!({ "ok": true, "apps": apps }), format!("ok: {apps} app(s)"))
}
