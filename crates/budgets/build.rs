//! Says which files of the server this program is made of. The compiler knows it too, but by their full
//! paths: where two checkouts share a target directory, one would be asked for the other.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    for path in ["build.rs", "../server/src/gateway", "../server/src/ops/clock.rs"] {
        writeln!(std::io::stdout(), "cargo::rerun-if-changed={path}")?;
    }
    Ok(())
}
