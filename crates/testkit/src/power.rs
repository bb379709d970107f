//! Loss of power: a shim remembers what a process wrote and did not sync, and takes it back.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk that can lose its power.
#[derive(Debug)]
pub struct Power {
    folder: PathBuf,
    journal: PathBuf,
    shim: PathBuf,
}

impl Power {
    /// Watches the files below `folder`; `scratch` takes the shim and its journal and lies elsewhere.
    #[must_use]
    pub fn watching(folder: &Path, scratch: &Path) -> Self {
        let shim = scratch.join("powerloss.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/powerloss.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&shim, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(built.expect("a C compiler").success(), "the shim does not compile");
        let folder = folder.canonicalize().expect("the folder is there");
        Self { folder, journal: scratch.join("journal"), shim }
    }

    /// What the process that is to be watched needs in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        vec![
            ("LD_PRELOAD".into(), text(&self.shim)),
            ("POWERLOSS_DIR".into(), text(&self.folder)),
            ("POWERLOSS_JOURNAL".into(), text(&self.journal)),
        ]
    }

    /// From now on the disk is full, or has room again.
    ///
    /// # Panics
    /// When the scratch folder cannot be written.
    pub fn fill(&self, is_full: bool) {
        let flag = self.journal.with_extension("full");
        if is_full {
            fs::write(flag, "").expect("the flag");
        } else {
            fs::remove_file(flag).expect("it was full");
        }
    }

    /// Takes back everything that was not synced, after the process was killed. Returns how many
    /// changes that were.
    ///
    /// # Panics
    /// When the journal or a file cannot be read or written.
    pub fn lose(&self) -> usize {
        let journal = fs::read(&self.journal).unwrap_or_default();
        let mut unsynced: HashMap<PathBuf, Vec<Change>> = HashMap::new();
        let mut rest = &journal[..];
        while let Some(entry) = Entry::take(&mut rest) {
            let changes = unsynced.entry(entry.path).or_default();
            match entry.change {
                Some(change) => changes.push(change),
                None => changes.clear(),
            }
        }
        let mut lost = 0;
        for (path, changes) in unsynced {
            // A file that is gone since was removed for good.
            let Ok(file) = OpenOptions::new().write(true).open(&path) else { continue };
            lost += changes.len();
            for change in changes.iter().rev() {
                change.undo(&file);
            }
        }
        fs::write(&self.journal, "").expect("the journal begins anew");
        lost
    }
}

/// An entry of the journal; the shim says how it is laid out.
struct Entry {
    path: PathBuf,
    /// None: the file was synced.
    change: Option<Change>,
}

struct Change {
    size_before: u64,
    offset: u64,
    bytes_before: Vec<u8>,
}

impl Entry {
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let mut at = *rest;
        let kind = *bytes(&mut at, 1)?.first()?;
        let name = u32::from_ne_bytes(bytes(&mut at, 4)?.try_into().ok()?);
        let path = String::from_utf8(bytes(&mut at, name as usize)?.to_vec()).ok()?;
        let mut number = || Some(u64::from_ne_bytes(bytes(&mut at, 8)?.try_into().ok()?));
        let (size_before, offset, length) = (number()?, number()?, number()?);
        let bytes_before = bytes(&mut at, length as usize)?.to_vec();
        *rest = at;
        let change = (kind != b'S').then_some(Change { size_before, offset, bytes_before });
        Some(Self { path: path.into(), change })
    }
}

fn bytes<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

impl Change {
    fn undo(&self, file: &File) {
        file.write_all_at(&self.bytes_before, self.offset).expect("the old bytes");
        file.set_len(self.size_before).expect("the old size");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_gone_and_what_was_synced_stays() {
        let home = tempfile::tempdir().unwrap();
        let (folder, scratch) = (home.path().join("data"), home.path().join("scratch"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&scratch).unwrap();
        let power = Power::watching(&folder, &scratch);
        let file = folder.join("file");
        let script = "printf kept > file; sync file; printf more >> file; printf K 1<> file";
        let status = Command::new("sh")
            .args(["-c", script])
            .current_dir(&folder)
            .envs(power.environment())
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(fs::read(&file).unwrap(), b"Keptmore");
        assert_eq!(power.lose(), 2);
        assert_eq!(fs::read(&file).unwrap(), b"kept");
    }

    #[test]
    fn a_full_disk_refuses_every_change() {
        let home = tempfile::tempdir().unwrap();
        let (folder, scratch) = (home.path().join("data"), home.path().join("scratch"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&scratch).unwrap();
        let power = Power::watching(&folder, &scratch);
        let write = || {
            let mut command = Command::new("sh");
            command.args(["-c", "printf x >> file"]).current_dir(&folder);
            command.envs(power.environment()).status().unwrap().success()
        };
        assert!(write());
        power.fill(true);
        assert!(!write());
        power.fill(false);
        assert!(write());
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"xx");
    }
}
