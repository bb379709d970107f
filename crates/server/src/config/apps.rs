//! Apps of the config file and of the environment.

use anyhow::{Context as _, anyhow, bail};
use bellwire_hub::{AppSpec, KeySpec, Settings};
use serde::Deserialize;

use super::webhooks::RawEndpoint;
use crate::moment::rfc_3339;

/// `[[apps]]`.
#[derive(Deserialize)]
pub(super) struct RawApp {
    id: String,
    key: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    keys: Vec<RawKey>,
    #[serde(default)]
    pub(super) webhooks: Vec<RawEndpoint>,
    /// Every other key; [`Settings`] refuses those that it does not know.
    #[serde(flatten)]
    settings: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    key: String,
    secret: String,
    #[serde(default = "yes")]
    active: bool,
    created_at: Option<String>,
}

fn yes() -> bool {
    true
}

impl RawApp {
    /// The app, if every field is in order.
    pub(super) fn check(self) -> anyhow::Result<AppSpec> {
        let id = self.id.clone();
        self.checked().with_context(|| format!("[[apps]] id = {id:?}"))
    }

    fn checked(self) -> anyhow::Result<AppSpec> {
        let mut keys = Vec::new();
        match (self.key, self.secret) {
            (Some(key), Some(secret)) => keys.push(key_spec(&key, &secret, true, None)?),
            (None, None) if !self.keys.is_empty() => {}
            (Some(_), None) => bail!("key without secret"),
            (None, Some(_)) => bail!("secret without key"),
            (None, None) => bail!("needs key and secret, or a list of keys"),
        }
        for key in self.keys {
            let created = key.created_at.as_deref();
            keys.push(key_spec(&key.key, &key.secret, key.active, created)?);
        }
        let settings: Settings = toml::Value::Table(self.settings).try_into()?;
        settings.check().map_err(|sentence| anyhow!(sentence))?;
        Ok(AppSpec { is_declared: true, ..AppSpec::new(self.id.parse()?, settings, keys) })
    }
}

fn key_spec(
    key: &str,
    secret: &str,
    active: bool,
    created_at: Option<&str>,
) -> anyhow::Result<KeySpec> {
    let created_at_ms = created_at.map(date_ms).transpose()?;
    Ok(KeySpec { key: key.parse()?, secret: secret.parse()?, active, created_at_ms })
}

/// Milliseconds since the epoch of an RFC 3339 date, which is in UTC if it has no offset.
fn date_ms(text: &str) -> anyhow::Result<u64> {
    let in_utc = || rfc_3339(&format!("{text}Z"));
    let ms = rfc_3339(text).or_else(in_utc).with_context(|| {
        format!("created_at = {text:?}: expected a date like 2026-01-01T00:00:00Z")
    })?;
    u64::try_from(ms).with_context(|| format!("created_at = {text:?}: before 1970"))
}

/// The app of `PUSHER_APP_ID`, `PUSHER_APP_KEY` and `PUSHER_APP_SECRET`, unless the file has it.
pub(super) fn from_environment(
    environment: &dyn Fn(&str) -> Option<String>,
    apps: &[AppSpec],
) -> anyhow::Result<Option<AppSpec>> {
    let read = |name| environment(name).filter(|value| !value.is_empty());
    let names = ["PUSHER_APP_ID", "PUSHER_APP_KEY", "PUSHER_APP_SECRET"];
    let [id, key, secret] = names.map(read);
    let (Some(id), Some(key), Some(secret)) = (id.clone(), key.clone(), secret.clone()) else {
        if id.is_none() && key.is_none() && secret.is_none() {
            return Ok(None);
        }
        bail!("PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET go together: one is missing");
    };
    if apps.iter().any(|app| app.id.as_str() == id) {
        return Ok(None);
    }
    let keys = vec![key_spec(&key, &secret, true, None).context("the environment's PUSHER_APP_*")?];
    let settings = Settings { name: "Environment".into(), ..Settings::default() };
    let id = id.parse().context("the environment's PUSHER_APP_ID")?;
    Ok(Some(AppSpec { is_declared: true, ..AppSpec::new(id, settings, keys) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_without_an_offset_is_in_utc() {
        for text in ["2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T01:00:00+01:00"] {
            assert_eq!(date_ms(text).unwrap(), 1_767_225_600_000, "{text}");
        }
        for (text, why) in [
            ("2026-01-01", ": expected a date like 2026-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59Z", ": before 1970"),
        ] {
            let error = date_ms(text).unwrap_err().to_string();
            assert!(error.ends_with(why), "{error}");
        }
    }
}
