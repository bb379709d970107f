//! The program that this command line is part of: it says how to start ourselves again as the floor,
//! and whether we are a server ourselves.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The program that this command line is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The load generator and nothing else.
    Alone,
    /// The server, with the load generator as its command `bench`.
    Server,
}

/// Said once, before anything else.
pub(crate) fn set(program: Program) {
    // A second run in one process says the same again.
    let _ = PROGRAM.set(program);
}

/// This program as a server to be started; `None` if it is none, or the kernel does not say where it
/// lies.
pub(crate) fn own_server() -> Option<PathBuf> {
    PROGRAM.get().filter(|program| **program == Program::Server)?;
    std::env::current_exe().ok()
}

/// The command that starts the floor.
///
/// # Errors
/// When the kernel does not say where this program lies.
pub(crate) fn floor_server() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    if PROGRAM.get() == Some(&Program::Server) {
        command.arg("bench");
    }
    command.arg("floor-server");
    Ok(command)
}

static PROGRAM: OnceLock<Program> = OnceLock::new();
