//! `bellwire-bench`: the load generator as a program of its own.

use std::process::ExitCode;

use anyhow::Result;
use bellwire_bench::{Bench, Program};
use clap::Parser;

/// Puts load on a Pusher-compatible server and reports what it costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    bench: Bench,
}

fn main() -> Result<ExitCode> {
    let passed = Cli::parse().bench.run(Program::Alone)?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
