//! SQLite keeps the contracts.

use bellwire_store::{Durability, Sqlite};
use bellwire_webhooks::outbox::Outbox;

use crate::contract::Place;

/// A store in a folder that goes with it.
pub(crate) struct Folder {
    store: Sqlite,
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Sqlite::open(folder.path()).unwrap(), folder }
    }
}

impl Place for Folder {
    type Store = Sqlite;

    fn store(&self) -> &Sqlite {
        &self.store
    }

    fn again(&self) -> Sqlite {
        Sqlite::open(self.folder.path()).unwrap()
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

mod keeps_the_contract_of_apps {
    use super::Folder;
    crate::contract::apps_contract!(Folder::new);
}

mod keeps_the_contract_of_live {
    use super::Folder;
    crate::contract::live_contract!(Folder::new);
}

mod keeps_the_contract_of_accounts {
    use super::Folder;
    crate::contract::accounts_contract!(Folder::new);
}

mod keeps_the_contract_of_the_ledger {
    use super::Folder;
    crate::contract::ledger_contract!(Folder::new);
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Sqlite::open(&file.join("below")).unwrap_err();
    assert!(error.to_string().contains("cannot open the database"), "{error}");
}
