//! `bellwire bench`: the load generator. It shares nothing with the server but the program.

use bellwire_bench::Program;

pub(super) use bellwire_bench::Bench;

use super::failure::Failure;

/// Runs the scenario and prints its report.
pub(super) fn run(bench: &Bench) -> Result<(), Failure> {
    if bench.run(Program::Server)? {
        return Ok(());
    }
    Err(Failure::failed("a check of this scenario did not hold"))
}
