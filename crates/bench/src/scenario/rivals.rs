//! A server, and the floor beside it if asked for, each measured several times in turn.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::report::{Figure, Report};
use crate::scenario::in_turn;
use crate::target::Target;

/// Who is measured and how often.
#[derive(Debug, Args)]
pub(super) struct Rivals {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// Alternates with the floor and prints both and their ratio.
    #[arg(long)]
    compare: bool,
    /// How often each is measured; medians are printed. Without --compare 1 is the default, with it 3.
    #[arg(long)]
    rounds: Option<usize>,
}

impl Rivals {
    /// The program of a server that is started; `None` if none is.
    pub(super) fn server(&self) -> Option<PathBuf> {
        self.target.server()
    }

    /// Measures everybody in turn, each time in a process that has done nothing before (but a server
    /// at --addr is the one that it is). `app` is what a server that is started has in its config
    /// besides: lines of `[[apps]]`.
    ///
    /// # Errors
    /// When a server cannot be started, driven or measured.
    pub(super) fn measure(
        &self,
        title: &str,
        app: &str,
        one_round: impl Fn(&mut Target, &mut Report) -> Result<Vec<Figure>>,
    ) -> Result<Report> {
        let rounds = self.rounds.unwrap_or(if self.compare { 3 } else { 1 });
        let first = if self.target.floor { FLOOR } else { &*self.target.name };
        let names = [first, FLOOR];
        let names = if self.compare { &names[..] } else { &names[..1] };
        let tls = if self.target.tls.tls { ", TLS" } else { "" };
        in_turn(format!("{title}{tls}, {rounds} rounds"), rounds, names, |index, report| {
            let mut target = match index {
                0 => Target::from_args_with(&self.target, app)?,
                _ => Target::floor()?,
            };
            one_round(&mut target, report)
        })
    }
}

/// The column of the send loop.
const FLOOR: &str = "floor";
