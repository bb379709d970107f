//! Random names and secrets.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::Context as _;
use bellwire_hub::KeySpec;
use bellwire_protocol::AppId;

/// Random bytes in hex.
pub(crate) fn random_hex<const BYTES: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A token: easily known for what it is, and 238 random bits.
pub(crate) fn new_token() -> anyhow::Result<String> {
    Ok(format!("blw_{}", random_letters()?))
}

/// Random letters and digits: 238 bits.
pub(crate) fn random_letters() -> anyhow::Result<String> {
    let mut text = String::with_capacity(LENGTH);
    while text.len() < LENGTH {
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random).context("the system has no random numbers")?;
        // Above four times 62, the first letters would be likelier than the others.
        let even = random.iter().filter(|byte| **byte < 248);
        let letters = even.map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
        text.extend(letters.take(LENGTH - text.len()));
    }
    Ok(text)
}

/// A random name of something with this prefix.
pub(crate) fn new_id<T: FromStr<Err: Display>>(prefix: &str) -> anyhow::Result<T> {
    let id = format!("{prefix}{}", random_hex::<8>()?);
    id.parse().map_err(|error: T::Err| anyhow::anyhow!("{id}: {error}"))
}

/// An id that no app has: six digits, as Pusher's have.
pub(crate) fn free_app_id(is_taken: impl Fn(&AppId) -> bool) -> anyhow::Result<AppId> {
    loop {
        let random = getrandom::u32().context("the system has no random numbers")?;
        let id: AppId = (100_000 + random % 900_000).to_string().parse()?;
        if !is_taken(&id) {
            return Ok(id);
        }
    }
}

/// A new pair of credentials, active.
pub(crate) fn new_key(now_ms: u64) -> anyhow::Result<KeySpec> {
    Ok(KeySpec {
        key: random_hex::<10>()?.parse()?,
        secret: random_hex::<16>()?.parse()?,
        active: true,
        created_at_ms: Some(now_ms),
    })
}

const LENGTH: usize = 40;
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

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
