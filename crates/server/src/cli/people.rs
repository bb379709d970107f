//! `bellwire people`: those who sign in to the dashboard of a server on this machine.

use anyhow::Context as _;
use bellwire_accounts::{Account, Email, Password, PasswordHash, Person, PersonId, Role};
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, note};
use super::place::{Cellar, Place};
use super::table::Table;
use crate::ops::clock::now_ms;
use crate::ops::people::{hash, settle};
use crate::ops::random::{new_id, random_letters};

#[derive(clap::Subcommand)]
pub(super) enum People {
    /// List them
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Remove somebody for good; their sessions end at once
    Remove {
        /// By which they sign in
        #[arg(value_name = "EMAIL")]
        email: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Make somebody an operator, who runs the server: sees all accounts, makes accounts, sets plans.
    /// A new one gets a password, which is shown this one time
    CreateOperator {
        /// By which they sign in
        #[arg(value_name = "EMAIL")]
        email: String,
        /// What people call them
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Give somebody another password, which is shown this one time, and end their sessions
    ResetPassword {
        /// By which they sign in
        #[arg(value_name = "EMAIL")]
        email: String,
        #[command(flatten)]
        given: Given,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

/// Where a password comes from.
#[derive(clap::Args)]
pub(super) struct Given {
    /// Read the password from stdin instead of making one
    #[arg(long)]
    password_stdin: bool,
}

impl People {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { output, place } => list(output, &place),
            Self::Remove { email, output, place } => remove(&email, output, &place),
            Self::CreateOperator { email, name, given, output, place } => {
                create_operator(&email, name, &given, output, &place)
            }
            Self::ResetPassword { email, given, output, place } => {
                reset_password(&email, &given, output, &place)
            }
        }
    }
}

fn list(output: Output, place: &Place) -> Result<(), Failure> {
    let cellar = place.look()?;
    let (mut table, mut json) = (Table::default(), Vec::new());
    let people = cellar.store()?.people()?;
    if people.is_empty() {
        note("there is nobody yet; `bellwire people create-operator` makes the first");
    } else {
        table = Table::with_head(&["e-mail", "name", "operator", "accounts"]);
    }
    for person in &people {
        let of = |(account, role): &(Account, Role)| format!("{} ({})", account.name, role.name());
        let accounts: Vec<String> =
            cellar.store()?.memberships(&person.id)?.iter().map(of).collect();
        let operator = if person.is_operator { "yes" } else { "no" };
        table.row([person.email.as_str(), &person.name, operator, &accounts.join(", ")]);
        json.push(json!({
            "id": person.id.as_str(),
            "email": person.email.as_str(),
            "name": person.name,
            "operator": person.is_operator,
            "accounts": accounts,
        }));
    }
    output.show(&json.into(), table)
}

fn remove(email: &str, output: Output, place: &Place) -> Result<(), Failure> {
    let email = checked(email)?;
    let cellar = place.look()?;
    let person = known(&cellar, &email)?;
    if !cellar.store()?.remove_person(&person.id)? {
        let why = format!("{email} is the only owner of an account");
        return Err(Failure::failed(why).hint("make somebody else an owner first"));
    }
    let json = json!({ "email": email.as_str(), "removed": true });
    output.show(&json, format!("{email} is removed"))
}

fn known(cellar: &Cellar, email: &Email) -> Result<Person, Failure> {
    let known = cellar.store()?.person_by_email(email)?;
    let why = || format!("nobody signs in as {email} in {}", cellar.folder());
    known
        .map(|(person, _)| person)
        .ok_or_else(|| Failure::not_found(why()).hint("`bellwire people list` shows those who do"))
}

fn create_operator(
    email: &str,
    name: Option<String>,
    given: &Given,
    output: Output,
    place: &Place,
) -> Result<(), Failure> {
    let email = checked(email)?;
    let mut cellar = place.look()?;
    let store = cellar.store_or_new()?;
    if let Some((known, _)) = store.person_by_email(&email)? {
        let person = Person { is_operator: true, name: name.unwrap_or(known.name), ..known };
        store.put_person(&person, None)?;
        settle(store, &person)?;
        note("they were known already; the password stays");
        return shown(&email, None, output);
    }
    let (password, hash) = given.password()?;
    let person = Person {
        id: new_id(PersonId::PREFIX)?,
        name: name.unwrap_or_else(|| email.to_string()),
        email,
        is_operator: true,
        created_at_ms: now_ms(),
    };
    store.put_person(&person, Some(&hash))?;
    settle(store, &person)?;
    shown(&person.email, password, output)
}

fn reset_password(
    email: &str,
    given: &Given,
    output: Output,
    place: &Place,
) -> Result<(), Failure> {
    let email = checked(email)?;
    let cellar = place.look()?;
    let (store, person) = (cellar.store()?, known(&cellar, &email)?);
    let (password, hash) = given.password()?;
    store.put_person(&person, Some(&hash))?;
    store.end_sessions(&person.id, None)?;
    shown(&email, password, output)
}

fn checked(email: &str) -> Result<Email, Failure> {
    email.parse().map_err(|unfit| Failure::usage(format!("{email:?}: {unfit}")))
}

impl Given {
    /// What is kept of the password, and itself if it was made here.
    fn password(&self) -> Result<(Option<String>, PasswordHash), Failure> {
        let text = match self.password_stdin {
            true => read_line()?,
            false => random_letters()?.chars().take(20).collect(),
        };
        let password = Password::new(&text)
            .map_err(|unfit| Failure::usage(format!("the password: {unfit}")))?;
        Ok(((!self.password_stdin).then_some(text), hash(&password)?))
    }
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("stdin cannot be read as UTF-8")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn shown(email: &Email, password: Option<String>, output: Output) -> Result<(), Failure> {
    let mut table = Table::default();
    table.row(["e-mail", email.as_str()]);
    let mut json = json!({ "email": email.as_str() });
    if let Some(password) = password {
        table.row(["password", &password]);
        json["password"] = password.into();
    }
    output.show(&json, table)
}
