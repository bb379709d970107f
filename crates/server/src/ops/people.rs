//! People, as both the management API and the command line make them.

use anyhow::Context as _;
use bellwire_accounts::{
    Account, AccountId, AccountStore, Password, PasswordHash, Person, Plan, Role,
};

use crate::ops::clock::now_ms;
use crate::ops::random::new_id;

/// Gives an operator an account, if there is none yet, with every app that belongs to nobody.
pub(crate) fn settle<S: AccountStore + ?Sized>(store: &S, person: &Person) -> anyhow::Result<()> {
    if !store.accounts()?.is_empty() {
        return Ok(());
    }
    let account = Account {
        id: new_id(AccountId::PREFIX)?,
        name: "Main".into(),
        plan: Plan::default(),
        created_at_ms: now_ms(),
    };
    store.put_account(&account)?;
    store.put_member(&account.id, &person.id, Role::Owner, now_ms())?;
    store.adopt_apps(&account.id)?;
    Ok(())
}

/// What is kept of a password; it takes a while on purpose.
pub(crate) fn hash(password: &Password) -> anyhow::Result<PasswordHash> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).context("the system has no random numbers")?;
    Ok(password.hash(&salt)?)
}
