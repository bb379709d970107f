//! How the first people come: by the link that the server prints, or by the command line.

use bellwire_accounts::{Account, AccountId, AccountStore, Person, Plan, Role};

use crate::ops::clock::now_ms;
use crate::ops::random::new_id;

/// Gives an operator an account, if there is none yet, with every app that belongs to nobody.
pub(crate) fn settle<S: AccountStore>(store: &S, person: &Person) -> anyhow::Result<()> {
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
