//! SQLite keeps the contracts.

use bellwire_store::{Durability, Sqlite};
use bellwire_webhooks::outbox::Outbox;

use crate::contract::Place;

/// A store in a folder that goes with it.
struct Folder {
    store: Sqlite,
    _folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Sqlite::open(folder.path()).unwrap(), _folder: folder }
    }
}

impl Place for Folder {
    type Ledger = Sqlite;

    fn ledger(&self) -> &Sqlite {
        &self.store
    }

    fn accounts(&self) -> &impl bellwire_accounts::AccountStore {
        &self.store
    }

    fn outbox(&self) -> Box<dyn Outbox> {
        Box::new(self.store.outbox(Durability::Process).unwrap())
    }
}

mod keeps_the_contract_of_the_outbox {
    use super::Folder;
    crate::contract::outbox_contract!(Folder::new);
    crate::contract::retention_contract!(Folder::new);
}

mod keeps_the_contract_of_accounts {
    use super::Folder;
    crate::contract::accounts_contract!(Folder::new);
}

mod keeps_the_contract_of_the_ledger {
    use super::Folder;
    crate::contract::ledger_contract!(Folder::new);
}
