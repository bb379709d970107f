//! A command that goes on until it is told to end.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bellwire_testkit::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::command;

/// A command that runs.
pub(super) struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    /// Starts it in this folder.
    pub(super) fn start(folder: &Path, args: &[&str]) -> Self {
        let mut child =
            command(folder, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: lines(out), err: lines(err) }
    }

    /// The next line of its result.
    #[track_caller]
    pub(super) fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("no line came")
    }

    /// The next line of its result, which is JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Waits for a note with these words.
    #[track_caller]
    pub(super) fn note(&self, words: &str) -> String {
        loop {
            let line = self.err.recv_timeout(PATIENCE).expect(words);
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it with a signal; the note with these words that it leaves behind.
    #[track_caller]
    pub(super) fn end_with_note(mut self, signal: Signal, words: &str) -> String {
        self.signal(signal);
        let note = self.note(words);
        assert!(self.child.wait().unwrap().success());
        note
    }

    /// Ends it with a signal; its exit code, and whatever it had printed beyond what was read.
    pub(super) fn end(mut self, signal: Signal) -> (i32, Vec<String>) {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        (status.code().unwrap(), self.out.iter().collect())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
