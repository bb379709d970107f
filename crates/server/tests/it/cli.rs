//! The command line beside `serve`: what it prints, how it ends, and that a running server follows.

mod apps;
mod client;
mod keys;
pub(crate) mod listen;
mod running;
mod subscribe;
mod tokens;
mod webhooks;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bellwire_testkit::Server;
use serde_json::Value;

use crate::support::{binary, server};

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It went well; what it printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It went well and printed one line of JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let out = self.ok();
        assert_eq!(out.matches('\n').count(), 1, "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// It ended with this code, printed nothing, and says all of these words on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in: {}", self.err);
        }
    }
}

/// The command in this folder, without anything of the tester's own environment.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("BELLWIRE_") || n.starts_with("PUSHER_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the command in this folder.
pub(crate) fn run_in(folder: &Path, args: &[&str]) -> Run {
    Run::of(command(folder, args).output().unwrap())
}

/// Runs the command where the server's config file is.
pub(crate) fn run(server: &Server, args: &[&str]) -> Run {
    run_in(server.dir(), args)
}

/// Runs a client command against the server.
fn ask(server: &Server, args: &[&str]) -> Run {
    run(server, &[args, &["--host", &address(server)]].concat())
}

/// Like [`ask`], with something on stdin.
fn ask_with_stdin(server: &Server, args: &[&str], stdin: &str) -> Run {
    let host = address(server);
    let args = [args, &["--host", &host]].concat();
    let mut child = command(server.dir(), &args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    Run::of(child.wait_with_output().unwrap())
}

fn address(server: &Server) -> String {
    let scheme = if server.target().tls { "https" } else { "http" };
    format!("{scheme}://{}", server.target().addr)
}

// contract: 12.1
#[test]
fn help_tells_the_exit_codes_and_a_wrong_line_is_code_2() {
    let here = std::env::temp_dir();
    let help = run_in(&here, &["--help"]).ok();
    assert!(help.contains("Exit codes:") && help.contains("cannot be reached"), "{help}");
    for wrong in [&["no-such-command"][..], &["apps"], &["apps", "show"], &["trigger", "a"]] {
        assert_eq!(run_in(&here, wrong).code, 2, "{wrong:?}");
    }
}

// contract: 12.1
#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run_in(&std::env::temp_dir(), &["completions", shell]).ok();
        assert!(script.contains("check-config") && script.contains("subscribe"), "{shell}");
    }
    run_in(&std::env::temp_dir(), &["completions", "csh"]).fails(2, &["bash"]);
}

// contract: 12.1
#[test]
fn a_config_is_checked_for_people_and_for_programs() {
    let server = server();
    let checked = run(&server, &["check-config", "--config", "bellwire.toml"]);
    assert_eq!(checked.ok(), "ok: 1 app(s)\n");
    assert_eq!(run(&server, &["check-config", "--json"]).json()["ok"], true);
    run(&server, &["check-config", "-c", "missing.toml"]).fails(1, &["missing.toml"]);
}
