//! `bellwire tokens`: what opens the management API. Only the SHA-256 of a token is kept.

use bellwire_accounts::{AccountId, Scope, Secret, Token, TokenId};
use bellwire_protocol::AppId;
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, note};
use super::place::Place;
use super::table::Table;
use crate::moment::{Moment, date};
use crate::ops::clock::now_ms;
use crate::ops::random::{new_token, random_hex};

#[derive(clap::Subcommand)]
pub(super) enum Tokens {
    /// Make a token, good at once; it is shown this one time
    Create(Create),
    /// List the tokens, without what opens anything
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make a token good for nothing, at once and for good
    Revoke {
        /// The token's id, as `tokens list` shows it
        #[arg(value_name = "TOKEN_ID")]
        id: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// Open only what is this app's [default: every app's]
    #[arg(long, value_name = "APP_ID")]
    app: Option<AppId>,
    /// Open it for looking only
    #[arg(long)]
    read_only: bool,
    /// What it is for, so that it can be told from others
    #[arg(long, default_value = "")]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Tokens {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List { output, place } => list(output, &place),
            Self::Revoke { id, output, place } => revoke(&id, output, &place),
        }
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let mut cellar = self.place.look()?;
        if let Some(app) = &self.app {
            cellar.app(app)?;
        }
        let text = new_token()?;
        let id = format!("{}{}", TokenId::PREFIX, random_hex::<6>()?);
        let token = Token {
            id: id.parse().map_err(anyhow::Error::from)?,
            name: self.name,
            account: None,
            app: self.app,
            scope: if self.read_only { Scope::Read } else { Scope::Write },
            created_by: "the command line".into(),
            created_at_ms: now_ms(),
            last_used_ms: None,
        };
        cellar.store_or_new()?.put_token(&token, &Secret::new(&text).digest())?;
        let mut table = Table::default();
        table.row(["id", token.id.as_str()]);
        table.row(["opens", opens(&token)]);
        table.row(["scope", token.scope.name()]);
        table.row(["token", &text]);
        let json = json!({
            "id": token.id.as_str(),
            "name": token.name,
            "app_id": token.app.as_ref().map(AppId::as_str),
            "scope": token.scope.name(),
            "token": text,
        });
        self.output.show(&json, table)
    }
}

fn list(output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let tokens = cellar.store()?.tokens(None)?;
    let mut table = Table::default();
    if tokens.is_empty() {
        note("there are no tokens yet; `bellwire tokens create` makes one");
    } else {
        table = Table::with_head(&["id", "name", "opens", "scope", "created", "last used"]);
    }
    for token in &tokens {
        let used = token.last_used_ms.map_or_else(|| "-".into(), date);
        let created = date(token.created_at_ms);
        let scope = token.scope.name();
        table.row([token.id.as_str(), &token.name, opens(token), scope, &created, &used]);
    }
    let json = tokens.iter().map(|token| {
        json!({
            "id": token.id.as_str(),
            "name": token.name,
            "account_id": token.account.as_ref().map(AccountId::as_str),
            "app_id": token.app.as_ref().map(AppId::as_str),
            "scope": token.scope.name(),
            "created_at": Moment(token.created_at_ms),
            "last_used_at": token.last_used_ms.map(Moment),
        })
    });
    output.show(&json.collect(), table)
}

fn revoke(id: &str, output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    // A text that no token can have is the name of none.
    let known = id.parse::<TokenId>().ok();
    let store = cellar.store()?;
    if !known.map(|id| store.revoke_token(&id)).transpose()?.unwrap_or(false) {
        let why = format!("there is no token {id} in {}", cellar.folder());
        return Err(
            Failure::not_found(why).hint("`bellwire tokens list` shows those that are there")
        );
    }
    output.show(&json!({ "id": id, "revoked": true }), format!("token {id} is revoked"))
}

fn opens(token: &Token) -> &str {
    match (&token.app, &token.account) {
        (Some(app), _) => app.as_str(),
        (None, Some(account)) => account.as_str(),
        (None, None) => "all apps",
    }
}
