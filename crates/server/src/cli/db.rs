//! `bellwire db`: the database of a cluster is made ready, and gets what a single server had.

use std::path::PathBuf;

use bellwire_store::{Postgres, Sqlite};
use serde_json::{Map, json};

use super::failure::Failure;
use super::output::{Output, note};
use super::place::Place;
use super::table::Table;
use crate::config::Location;
use crate::ops::folder;

#[derive(clap::Subcommand)]
pub(super) enum Db {
    /// Bring the tables to this version's, as a node does when it starts; nodes of the version before
    /// run on meanwhile
    Migrate {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Copy all that a single server keeps to the database of a cluster, in which there is nothing yet.
    /// The server has to be stopped; what it had stays as it is
    Copy(Copy),
}

#[derive(clap::Args)]
pub(super) struct Copy {
    /// The data folder of the single server [default: what the config file says, else
    /// ./bellwire-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Its config file [default: bellwire.toml in this folder, if there is one]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database of the cluster, postgres://user:password@host:port/name [default: what the config
    /// file or BELLWIRE_DATABASE says; other users of this machine see command lines]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Db {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Migrate { output, place } => migrate(output, &place),
            Self::Copy(copy) => copy.run(),
        }
    }
}

/// The database that is named, which is a cluster's.
pub(super) fn wanted(place: &Place) -> Result<Location, Failure> {
    place.database()?.ok_or_else(no_database)
}

fn no_database() -> Failure {
    Failure::usage("no database of a cluster is named").hint(
        "BELLWIRE_DATABASE, [server] database in the config file or the flag names one: \
         postgres://user:password@host:port/name. Without one a server keeps all in its data folder, \
         and looks after that itself",
    )
}

fn migrate(output: Output, place: &Place) -> Result<(), Failure> {
    let (database, tables) = Postgres::migrate(wanted(place)?.reveal())?;
    let (name, from, to) = (database.place(), tables.found, tables.known);
    let text = match from {
        0 => format!("{name}: made the tables, version {to}"),
        _ if from == to => format!("{name}: the tables are of version {to} already"),
        _ => format!("{name}: the tables are of version {to} now, and were of {from}"),
    };
    output.show(&json!({ "database": name, "from": from, "to": to }), text)
}

impl Copy {
    fn run(self) -> Result<(), Failure> {
        let place = Place::of_one(self.data_dir, self.config);
        let folder = place.data_dir()?;
        let name = folder.display();
        if !folder.join(bellwire_store::FILE).exists() {
            return Err(Failure::not_found(format!("there is no Bellwire database in {name}"))
                .hint("--data-dir names the data folder of the single server"));
        }
        let to = self.to.map(Location::from);
        let to = to.map_or_else(|| place.configured_database(), |to| Ok(Some(to)))?;
        let to = to.ok_or_else(no_database)?;
        let Some(_lock) = folder::lock(&folder)? else {
            return Err(Failure::failed(format!("a server runs on {name}"))
                .hint("stop it first: what it writes during the copy would be lost"));
        };
        let to = Postgres::open(to.reveal())?;
        let from = Sqlite::open(&folder)?;
        let copied = bellwire_store::copy(&from, &to)?.0;
        let mut table = Table::with_head(&["table", "rows"]);
        for (name, rows) in &copied {
            table.row([*name, &rows.to_string()]);
        }
        let rows: Map<_, _> =
            copied.into_iter().map(|(name, rows)| (name.to_owned(), rows.into())).collect();
        let json = json!({ "from": name.to_string(), "to": to.place(), "rows": rows });
        self.output.show(&json, table)?;
        note(format!(
            "all of {name} is in {} now. Next: give every node this database ([server] database or \
             BELLWIRE_DATABASE) and the same [cluster] bus, start one, and look with `bellwire cluster \
             status`. {name} stays as it is; start no server on it without the database any more",
            to.place()
        ));
        Ok(())
    }
}
