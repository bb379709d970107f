//! Rules of the house that a reader of the code may rely on.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn code_of(crates: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    crates.iter().for_each(|name| sources(&root.join(name).join("src"), &mut found));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text.split("#[cfg(test)]").next().unwrap().to_owned())
    };
    found.into_iter().filter(|path| !path.to_str().unwrap().contains("_tests")).map(read).collect()
}

// contract: 4.2
#[test]
fn nobody_but_the_channel_name_looks_at_a_prefix() {
    for (path, code) in code_of(&["protocol", "hub", "store", "server"]) {
        if path.ends_with("protocol/src/channel.rs") {
            continue;
        }
        for (at, line) in code.lines().enumerate() {
            let looks = ["starts_with", "strip_prefix"].iter().any(|word| line.contains(word));
            let prefix = ["\"private-", "\"presence-", "\"cache-", "\"#server"]
                .iter()
                .any(|p| line.contains(p));
            // A query's filter is a prefix by itself, not a channel's name.
            let is_filter = line.contains("prefix.starts_with(\"presence-\")");
            assert!(!looks || !prefix || is_filter, "{}:{}: {line}", path.display(), at + 1);
        }
    }
}

#[test]
fn the_pure_crates_read_no_clock_and_open_no_socket() {
    for (path, code) in code_of(&["protocol", "hub"]) {
        for word in ["Instant::now", "SystemTime::now", "TcpStream", "tokio", "rusqlite"] {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}
