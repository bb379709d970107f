//! Apps of the config file and of the environment.

use anyhow::{Context as _, anyhow, bail};
use bellwire_hub::{AppSpec, KeySpec, Settings};
use serde::Deserialize;

use super::webhooks::RawEndpoint;

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
        Ok(AppSpec { id: self.id.parse()?, settings, keys })
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

/// Milliseconds since the epoch of an RFC 3339 date.
fn date_ms(text: &str) -> anyhow::Result<u64> {
    let expected = "expected a date like 2026-01-01T00:00:00Z";
    let date: toml::value::Datetime =
        text.parse().with_context(|| format!("created_at = {text:?}: {expected}"))?;
    let (Some(day), Some(time)) = (date.date, date.time) else {
        bail!("created_at = {text:?}: {expected}");
    };
    let offset_min = match date.offset {
        Some(toml::value::Offset::Custom { minutes }) => i64::from(minutes),
        _ => 0,
    };
    let days = days_since_epoch(i64::from(day.year), i64::from(day.month), i64::from(day.day));
    let seconds =
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second)
            - offset_min * 60;
    let ms = (days * 86_400 + seconds) * 1000 + i64::from(time.nanosecond / 1_000_000);
    u64::try_from(ms).with_context(|| format!("created_at = {text:?}: before 1970"))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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
    Ok(Some(AppSpec { id, settings, keys }))
}
