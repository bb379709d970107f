//! `bellwire`: the server and its command line.

mod api;
mod assemble;
mod cli;
mod cluster;
mod config;
mod gateway;
mod http;
mod live;
mod management;
mod moment;
mod ops;
#[cfg(test)]
mod reference;
mod views;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
