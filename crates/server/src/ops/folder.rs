//! The data folder: one server at a time, or their state would be overwritten.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;

/// Locks a folder for as long as the file is kept, and makes it if it is not there; nothing, if
/// another has locked it.
pub(crate) fn lock(folder: &Path) -> anyhow::Result<Option<File>> {
    let name = folder.display();
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the data folder {name} cannot be made"))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("bellwire.lock"))
        .with_context(|| format!("the data folder {name} cannot be written"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("the data folder {name} cannot be locked"))
        }
    }
}
