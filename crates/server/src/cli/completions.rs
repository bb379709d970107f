//! `bellwire completions`: what shells complete.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::failure::Failure;
use super::output::line;

/// Prints the script for a shell.
pub(super) fn print(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "bellwire", &mut script);
    line(String::from_utf8_lossy(&script).trim_end())
}
