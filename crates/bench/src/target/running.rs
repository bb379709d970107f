//! A process of the harness, and the folder that it runs in.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// A process of ours; it ends with this value.
#[derive(Debug)]
pub(super) struct Running {
    /// The process itself. The standard input of the floor is a pipe that ends when we do.
    pub(super) process: Child,
    /// Its config, data and log, unless it is the floor.
    pub(super) home: Option<Home>,
}

/// The folder of a server that the harness starts; removed at the end.
#[derive(Debug)]
pub(super) struct Home(PathBuf);

impl Running {
    /// # Errors
    /// When it does not start.
    pub(super) fn spawn(command: &mut Command, home: Home) -> Result<Self> {
        Ok(Self { process: home.spawn(command)?, home: Some(home) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only when the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Home {
    /// # Errors
    /// When the temporary directory takes no folder.
    pub(super) fn create(number: u16) -> Result<Self> {
        let name = format!("bellwire-bench-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Starts a program in here, with all that it says in the log.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        let log = OpenOptions::new().append(true).create(true).open(self.log())?;
        command
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    /// The last lines of the log.
    pub(super) fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What remains lies in the temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}
