//! A server, and beside it whom it is compared with, each measured several times in turn.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::report::{Figure, Report};
use crate::scenario::in_turn;
use crate::target::{FLOOR, JOINING, Target, sockudo};

/// Who is measured and how often.
#[derive(Debug, Args)]
pub(super) struct Rivals {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// Alternates with the floor and prints both and their ratio.
    #[arg(long)]
    compare: bool,
    /// Measures this Sockudo program too. What it loses or fails at is noted and fails no check.
    #[arg(long, value_name = "PATH")]
    sockudo: Option<PathBuf>,
    /// How often each is measured; medians are printed. Alone 1 is the default, beside another 3.
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
        self.measure_all(&self.contestants(), title, app, one_round)
    }

    /// The same, with the loop that joins beside the loop that does not.
    ///
    /// # Errors
    /// When a server cannot be started, driven or measured.
    pub(super) fn measure_joining(
        &self,
        title: &str,
        app: &str,
        one_round: impl Fn(&mut Target, &mut Report) -> Result<Vec<Figure>>,
    ) -> Result<Report> {
        let mut contestants = self.contestants();
        if self.compare {
            contestants.insert(2, Contestant::Joining);
        }
        self.measure_all(&contestants, title, app, one_round)
    }

    fn measure_all(
        &self,
        contestants: &[Contestant<'_>],
        title: &str,
        app: &str,
        one_round: impl Fn(&mut Target, &mut Report) -> Result<Vec<Figure>>,
    ) -> Result<Report> {
        let rounds = self.rounds.unwrap_or(if contestants.len() > 1 { 3 } else { 1 });
        let names: Vec<&str> = contestants.iter().map(|one| self.name(one)).collect();
        let tls = if self.target.tls.tls { ", TLS" } else { "" };
        in_turn(format!("{title}{tls}, {rounds} rounds"), rounds, &names, |index, report| {
            match &contestants[index] {
                Contestant::Server => {
                    one_round(&mut Target::from_args_with(&self.target, app)?, report)
                }
                Contestant::Floor => one_round(&mut Target::floor()?, report),
                Contestant::Joining => one_round(&mut Target::joining_floor()?, report),
                Contestant::Sockudo(bin) => Ok(peer_round(bin, report, &one_round)),
            }
        })
    }

    /// Everybody, in the order of their columns.
    fn contestants(&self) -> Vec<Contestant<'_>> {
        let mut all = vec![Contestant::Server];
        all.extend(self.compare.then_some(Contestant::Floor));
        all.extend(self.sockudo.as_deref().map(Contestant::Sockudo));
        all
    }

    fn name(&self, contestant: &Contestant<'_>) -> &str {
        match contestant {
            Contestant::Server if !self.target.floor => &self.target.name,
            Contestant::Server | Contestant::Floor => FLOOR,
            Contestant::Joining => JOINING,
            Contestant::Sockudo(_) => sockudo::NAME,
        }
    }
}

/// Somebody who is measured.
enum Contestant<'a> {
    /// The server that the arguments describe.
    Server,
    /// The send loop.
    Floor,
    /// The send loop that joins what waits.
    Joining,
    /// Sockudo, and where its program is.
    Sockudo(&'a Path),
}

/// A round of a peer. What it loses or cannot do is a finding, not a failure of ours: it is noted, and
/// where nothing could be measured there are no figures.
fn peer_round(
    bin: &Path,
    report: &mut Report,
    one_round: impl Fn(&mut Target, &mut Report) -> Result<Vec<Figure>>,
) -> Vec<Figure> {
    let mut aside = Report::default();
    let measured = Target::sockudo(bin).and_then(|mut target| one_round(&mut target, &mut aside));
    let broken = aside.checks.into_iter().filter(|check| !check.holds).map(|check| check.says);
    report.notes.extend(broken);
    measured.unwrap_or_else(|error| {
        report.notes.push(format!("{}: {error:#}", sockudo::NAME));
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_does_not_even_start_is_noted_and_fails_nothing() {
        let mut report = Report::default();
        let figures = peer_round(Path::new("/no/such/program"), &mut report, |_, _| Ok(Vec::new()));
        assert!(figures.is_empty() && report.passed());
        assert!(report.notes[0].starts_with("sockudo: cannot start"), "{:?}", report.notes);
    }
}
