//! `bellwire tokens`: what opens the management API. Only the SHA-256 of a token is kept.

use anyhow::Context as _;
use bellwire_protocol::AppId;
use bellwire_store::Token;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::output::{Output, note};
use super::place::Place;
use super::table::Table;
use crate::moment::{Moment, date};
use crate::ops::clock::now_ms;
use crate::ops::random::random_hex;

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
    /// What it is for, so that it can be told from others
    #[arg(long, default_value = "")]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

/// Random letters and digits of a token: 238 bits.
const LENGTH: usize = 40;
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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
        let token = Token {
            id: format!("tok_{}", random_hex::<6>()?),
            name: self.name,
            app: self.app,
            created_at_ms: now_ms(),
            last_used_ms: None,
        };
        cellar.store_or_new()?.put_token(&token, &Sha256::digest(&text).into())?;
        let mut table = Table::default();
        table.row(["id", &token.id]);
        table.row(["opens", opens(&token)]);
        table.row(["token", &text]);
        let json = json!({
            "id": token.id,
            "name": token.name,
            "app_id": token.app.as_ref().map(AppId::as_str),
            "token": text,
        });
        self.output.show(&json, table)
    }
}

fn list(output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let tokens = cellar.store()?.tokens()?;
    let mut table = Table::default();
    if tokens.is_empty() {
        note("there are no tokens yet; `bellwire tokens create` makes one");
    } else {
        table = Table::with_head(&["id", "name", "opens", "created", "last used"]);
    }
    for token in &tokens {
        let used = token.last_used_ms.map_or_else(|| "-".into(), date);
        let created = date(token.created_at_ms);
        table.row([&token.id, &token.name, opens(token), &created, &used]);
    }
    let json = tokens.iter().map(|token| {
        json!({
            "id": token.id,
            "name": token.name,
            "app_id": token.app.as_ref().map(AppId::as_str),
            "created_at": Moment(token.created_at_ms),
            "last_used_at": token.last_used_ms.map(Moment),
        })
    });
    output.show(&json.collect(), table)
}

fn revoke(id: &str, output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    if !cellar.store()?.revoke_token(id)? {
        let why = format!("there is no token {id} in {}", cellar.folder());
        return Err(
            Failure::not_found(why).hint("`bellwire tokens list` shows those that are there")
        );
    }
    output.show(&json!({ "id": id, "revoked": true }), format!("token {id} is revoked"))
}

fn opens(token: &Token) -> &str {
    token.app.as_ref().map_or("all apps", AppId::as_str)
}

fn new_token() -> anyhow::Result<String> {
    let mut text = String::from("blw_");
    while text.len() < "blw_".len() + LENGTH {
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random).context("the system has no random numbers")?;
        // Above four times 62, the first letters would be likelier than the others.
        let even = random.iter().filter(|byte| **byte < 248);
        let letters = even.map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
        text.extend(letters.take("blw_".len() + LENGTH - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_40_letters_and_digits_of_all_kinds() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let token = new_token().unwrap();
            let random = token.strip_prefix("blw_").unwrap();
            assert_eq!(random.len(), LENGTH);
            assert!(random.bytes().all(|byte| LETTERS.contains(&byte)), "{random}");
            seen.extend(random.bytes());
        }
        assert_eq!(seen.len(), LETTERS.len());
    }
}
