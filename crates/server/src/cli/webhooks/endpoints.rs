//! Endpoints: list, add, set, remove, rotate their secrets.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use bellwire_protocol::AppId;
use bellwire_webhooks::endpoint::{Disabled, Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::ids::EndpointId;
use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, note, one_line};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use super::forms;
use super::terms::{self, Clears, Wishes};
use crate::moment::{Moment, date};
use crate::ops::clock::now_ms;
use crate::ops::random::random_hex;
use crate::ops::webhooks::new_secret;
use crate::views::webhook::Webhook;

const HOUR_MS: u64 = 3_600_000;

#[derive(clap::Args)]
pub(in super::super) struct List {
    /// Only those of this app
    #[arg(value_name = "APP_ID")]
    app: Option<AppId>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        if let Some(app) = &self.app {
            desk.expect_app(app)?;
        }
        let endpoints = desk.store()?.endpoints(self.app.as_ref())?;
        if endpoints.is_empty() {
            note("there are no endpoints yet; `bellwire webhooks add APP_ID URL` makes one");
        }
        let mut table = Table::with_head(&["id", "app", "state", "source", "hears", "url"]);
        for endpoint in &endpoints {
            let (state, hears) = (forms::state(endpoint), forms::hears(&endpoint.terms));
            let Endpoint { id, app, terms, origin, .. } = endpoint;
            table.row([
                id.as_str(),
                app.as_str(),
                &state,
                forms::source(*origin),
                &hears,
                &terms.url,
            ]);
        }
        if endpoints.is_empty() {
            table = Table::default();
        }
        let json = endpoints.iter().map(|endpoint| json!(Webhook::of(endpoint)));
        self.output.show(&json.collect(), table)
    }
}

#[derive(clap::Args)]
pub(in super::super) struct Add {
    /// The app's id
    #[arg(value_name = "APP_ID")]
    app: AppId,
    /// Where its events go, http:// or https://
    url: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    place: Place,
}

impl Add {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut cellar = self.place.look()?;
        cellar.app(&self.app)?;
        let mut terms = Terms::new(&self.url);
        self.wishes.apply(&mut terms);
        terms::check(&terms, cellar.require_https)?;
        let store = cellar.store_or_new()?;
        if store.endpoints(Some(&self.app))?.iter().any(|other| other.terms.url == terms.url) {
            note(format!("app {} has another endpoint with this URL; both hear", self.app));
        }
        let secret =
            SigningSecret { text: new_secret()?, created_at_ms: now_ms(), expires_at_ms: None };
        let endpoint = Endpoint {
            id: format!("ep_{}", random_hex::<10>()?).parse().map_err(anyhow::Error::from)?,
            app: self.app,
            terms,
            origin: Origin::Stored,
            created_at_ms: now_ms(),
            disabled: None,
            failing_since_ms: None,
            secrets: vec![secret.clone()],
        };
        store.put_endpoint(&endpoint)?;
        let mut json = json!(Webhook::of(&endpoint));
        json["secret"] = secret.text.as_str().into();
        self.output.show(&json, secret_table(&endpoint.id, &secret))
    }
}

fn secret_table(id: &EndpointId, secret: &SigningSecret) -> Table {
    let mut table = Table::default();
    table.row(["endpoint", id.as_str()]);
    table.row(["signing secret", &secret.text]);
    table
}

#[derive(clap::Args)]
pub(in super::super) struct Set {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT_ID")]
    id: EndpointId,
    /// Where its events go from now on; deliveries that wait go there too
    #[arg(long)]
    url: Option<String>,
    /// Let it hear again
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Let it hear nothing; what it misses is recorded as a gap
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    clears: Clears,
    #[command(flatten)]
    place: Place,
}

impl Set {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        let before = desk.endpoint(&self.id)?;
        let mut terms = before.terms.clone();
        self.clears.apply(&mut terms)?;
        terms.url = self.url.unwrap_or(terms.url);
        self.wishes.apply(&mut terms);
        terms::check(&terms, desk.requires_https())?;
        let is_on = before.disabled.is_none();
        let turns_on = self.enable && !is_on;
        let turns_off = self.disable && is_on;
        if terms != before.terms || self.disable {
            desk.changeable(&self.id)?;
        }
        if turns_on && is_orphan(&before) {
            let why = format!("the config file does not name endpoint {} any more", self.id);
            return Err(
                Failure::failed(why).hint("name it there again, then send SIGHUP to the server")
            );
        }
        let store = desk.store()?;
        if terms != before.terms {
            store.set_terms(&self.id, &terms)?;
        }
        if turns_on || turns_off {
            store.set_enabled(&self.id, turns_on, now_ms())?;
        }
        let now = desk.endpoint(&self.id)?;
        if now == before {
            note(format!("endpoint {} was like that before", self.id));
        }
        self.output.show(&json!(Webhook::of(&now)), forms::changed(&before, &now))
    }
}

/// Whether it is of the config file, which does not name it any more: no other reason disables an
/// endpoint of the file by hand.
fn is_orphan(endpoint: &Endpoint) -> bool {
    let is_off_by_hand = |disabled: &Disabled| disabled.reason == "manual";
    endpoint.origin == Origin::File && endpoint.disabled.as_ref().is_some_and(is_off_by_hand)
}

#[derive(clap::Args)]
pub(in super::super) struct Remove {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT_ID")]
    id: EndpointId,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Remove {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        let endpoint = desk.endpoint(&self.id)?;
        // What the file names no more would stay for ever otherwise.
        if !is_orphan(&endpoint) {
            desk.changeable(&self.id)?;
        }
        let id = &self.id;
        if !self.yes && !confirmed(&endpoint)? {
            return Err(Failure::failed(format!("endpoint {id} was not removed")));
        }
        desk.store()?.remove_endpoint(id)?;
        let json = json!({ "id": id.as_str(), "removed": true });
        self.output.show(&json, format!("endpoint {id} is removed"))
    }
}

fn confirmed(endpoint: &Endpoint) -> Result<bool, Failure> {
    let id = &endpoint.id;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("nobody is here to confirm that endpoint {id} goes"))
            .hint("without a terminal, --yes confirms it"));
    }
    let url = one_line(&endpoint.terms.url);
    eprint!("Remove endpoint {id} ({url}) with its history? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("no answer can be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[derive(clap::Args)]
pub(in super::super) struct RotateSecret {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT_ID")]
    id: EndpointId,
    /// Sign with the older secrets too for so many hours, so that receivers have time to change
    #[arg(long, value_name = "HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u64).range(0..=720))]
    overlap_hours: u64,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl RotateSecret {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        desk.changeable(&self.id)?;
        let created_at_ms = now_ms();
        let until_ms = created_at_ms + self.overlap_hours * HOUR_MS;
        let secret = SigningSecret { text: new_secret()?, created_at_ms, expires_at_ms: None };
        desk.store()?.rotate(&self.id, &secret, until_ms)?;
        let mut table = secret_table(&self.id, &secret);
        table.row(["older secrets until", &date(until_ms)]);
        let json = json!({
            "id": self.id.as_str(),
            "secret": secret.text,
            "overlap_until": Moment(until_ms),
        });
        self.output.show(&json, table)
    }
}
