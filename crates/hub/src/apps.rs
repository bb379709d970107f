//! All apps of the running server, found by key and by id; replaced as a whole when somebody
//! changes one, without a restart.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use bellwire_protocol::{AppId, AppKey, AppSecret, Signer};

use crate::app::{App, Key, Live, Owned, Settings};
use crate::owner::{Owner, Purse};

/// An app as it is written down, in the store or in the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec {
    /// Decimal digits.
    pub id: AppId,
    /// Toggles and limits.
    pub settings: Settings,
    /// At least one pair; any order.
    pub keys: Vec<KeySpec>,
    /// Who answers for it, if anybody does.
    pub owner: Option<Owner>,
    /// Whether the operator's config declares it: nobody else can change it.
    pub is_declared: bool,
    /// When it was made, in milliseconds since the epoch, if anybody knows.
    pub created_at_ms: Option<u64>,
}

impl AppSpec {
    /// An app for which nobody answers.
    #[must_use]
    pub fn new(id: AppId, settings: Settings, keys: Vec<KeySpec>) -> Self {
        Self { id, settings, keys, owner: None, is_declared: false, created_at_ms: None }
    }
}

/// One pair of credentials as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// The public half.
    pub key: AppKey,
    /// The secret half.
    pub secret: AppSecret,
    /// Only active keys are good for anything.
    pub active: bool,
    /// Milliseconds since the epoch; a key without a date counts as older than any dated one.
    pub created_at_ms: Option<u64>,
}

/// The port to the place where apps are kept.
pub trait AppStore: Send + Sync {
    /// What can go wrong there.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Every app, with its keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn apps(&self) -> Result<Vec<AppSpec>, Self::Error>;

    /// One app, with its keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn app(&self, id: &AppId) -> Result<Option<AppSpec>, Self::Error>;

    /// Writes an app down, new or changed, with exactly these keys.
    ///
    /// # Errors
    /// When the store cannot be written, or a key belongs to another app.
    fn put(&self, app: &AppSpec) -> Result<(), Self::Error>;

    /// Writes an app down if there is none at all; whether there was none.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_first(&self, app: &AppSpec) -> Result<bool, Self::Error>;

    /// Forgets an app and its keys; whether there was one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn delete(&self, id: &AppId) -> Result<bool, Self::Error>;

    /// A number that changes when anybody has written, in this process or another.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn version(&self) -> Result<u64, Self::Error>;
}

/// The apps of the running server.
#[derive(Debug, Default)]
pub struct Apps {
    catalogue: ArcSwap<Catalogue>,
    next_handle: AtomicU32,
}

#[derive(Debug, Default)]
struct Catalogue {
    /// Active and inactive keys; the caller asks the app whether the key is good.
    by_key: HashMap<AppKey, Arc<App>>,
    by_id: HashMap<AppId, Arc<App>>,
    /// What the apps of each owner have used, by the owner's id.
    purses: HashMap<Box<str>, Arc<Purse>>,
}

/// Why a list of apps cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// Two apps have one id.
    #[error("app {0} is there twice")]
    Id(AppId),
    /// Two keys are the same, in one app or in two.
    #[error("app key {key} is there twice (apps {first} and {second})")]
    Key {
        /// The key.
        key: AppKey,
        /// One app that has it.
        first: AppId,
        /// The other, perhaps the same.
        second: AppId,
    },
}

impl Apps {
    /// The app that a key opens: the key is active and its app not deleted.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<Arc<App>> {
        let app = self.catalogue.load().by_key.get(key).cloned()?;
        let good = app.live().signer(key).is_some();
        good.then_some(app)
    }

    /// The app with an id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Arc<App>> {
        self.catalogue.load().by_id.get(id).cloned()
    }

    /// Every app.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<App>> {
        self.catalogue.load().by_id.values().cloned().collect()
    }

    /// Makes these the apps of the server, at once. Apps that stay keep their connections and
    /// counts. Returns the apps that were there and are now gone or disabled: their connections
    /// must end.
    ///
    /// # Errors
    /// When two apps share an id or a key; nothing changes then.
    pub fn replace(&self, specs: Vec<AppSpec>) -> Result<Vec<Arc<App>>, Clash> {
        find_clash(&specs)?;
        let before = self.catalogue.load_full();
        let mut next = Catalogue::default();
        let mut ended = Vec::new();
        for spec in specs {
            let live = live(&spec, next.owned(&spec, &before));
            let keys: Vec<AppKey> = spec.keys.iter().map(|k| k.key.clone()).collect();
            let app = match before.by_id.get(&spec.id) {
                Some(app) => {
                    if app.live().settings.enabled && !live.settings.enabled {
                        ended.push(Arc::clone(app));
                    }
                    app.replace(live);
                    Arc::clone(app)
                }
                None => Arc::new(App::new(spec.id.clone(), self.handle(), live)),
            };
            next.by_key.extend(keys.into_iter().map(|key| (key, Arc::clone(&app))));
            next.by_id.insert(spec.id, app);
        }
        for app in before.by_id.values().filter(|app| !next.by_id.contains_key(&app.id)) {
            let settings = app.live().settings.clone();
            app.replace(Live {
                settings,
                keys: Vec::new(),
                owner: None,
                is_declared: false,
                deleted: true,
            });
            ended.push(Arc::clone(app));
        }
        self.catalogue.store(Arc::new(next));
        Ok(ended)
    }

    /// Adds up what the apps of each owner have used. Call it about twice a second.
    pub fn add_up(&self, now_ms: u64) {
        let catalogue = self.catalogue.load();
        let mut sums: HashMap<&str, u64> = HashMap::new();
        for app in catalogue.by_id.values() {
            if let Some(owner) = &app.live().owner
                && let Some((id, _)) = catalogue.purses.get_key_value(&owner.by.id)
            {
                *sums.entry(id).or_default() += app.usage.messages_today(now_ms);
            }
        }
        for (id, purse) in &catalogue.purses {
            purse.count(sums.get(&**id).copied().unwrap_or(0));
        }
    }

    fn handle(&self) -> u32 {
        self.next_handle.fetch_add(1, Ordering::Relaxed)
    }
}

impl Catalogue {
    /// The owner of an app with the purse of that owner, which outlives changes.
    fn owned(&mut self, spec: &AppSpec, before: &Self) -> Option<Owned> {
        let by = spec.owner.clone()?;
        let purse = self
            .purses
            .entry(by.id.clone())
            .or_insert_with(|| before.purses.get(&by.id).cloned().unwrap_or_default());
        Some(Owned { purse: Arc::clone(purse), by })
    }
}

/// Says whether a list of apps can be served.
///
/// # Errors
/// The first id or key that is there twice.
pub fn find_clash(specs: &[AppSpec]) -> Result<(), Clash> {
    let mut ids = HashMap::new();
    let mut keys: HashMap<&AppKey, &AppId> = HashMap::new();
    for spec in specs {
        if ids.insert(&spec.id, ()).is_some() {
            return Err(Clash::Id(spec.id.clone()));
        }
        for key in &spec.keys {
            if let Some(first) = keys.insert(&key.key, &spec.id) {
                return Err(Clash::Key {
                    key: key.key.clone(),
                    first: first.clone(),
                    second: spec.id.clone(),
                });
            }
        }
    }
    Ok(())
}

fn live(spec: &AppSpec, owner: Option<Owned>) -> Live {
    let mut keys: Vec<&KeySpec> = spec.keys.iter().collect();
    keys.sort_by_key(|key| key.created_at_ms.unwrap_or(0));
    let keys = keys.into_iter().map(|key| Key {
        key: key.key.clone(),
        signer: Signer::new(&key.secret),
        active: key.active,
    });
    Live {
        settings: spec.settings.clone(),
        keys: keys.collect(),
        owner,
        is_declared: spec.is_declared,
        deleted: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str, keys: &[(&str, bool)]) -> AppSpec {
        let keys = keys.iter().map(|(key, active)| KeySpec {
            key: key.parse().unwrap(),
            secret: "secret".parse().unwrap(),
            active: *active,
            created_at_ms: None,
        });
        AppSpec::new(id.parse().unwrap(), Settings::default(), keys.collect())
    }

    // contract: 15.1
    #[test]
    fn only_active_keys_open_an_app_and_a_change_takes_effect_at_once() {
        let apps = Apps::default();
        apps.replace(vec![spec("1", &[("a", true), ("b", false)])]).unwrap();
        assert!(apps.by_key("a").is_some());
        assert!(apps.by_key("b").is_none());
        let app = apps.by_id("1").unwrap();
        apps.replace(vec![spec("1", &[("a", false), ("b", true)])]).unwrap();
        assert!(apps.by_key("a").is_none());
        assert!(Arc::ptr_eq(&apps.by_key("b").unwrap(), &app));
        assert!(app.live().signer("a").is_none());
    }

    #[test]
    fn an_app_that_is_gone_or_disabled_is_named() {
        let apps = Apps::default();
        apps.replace(vec![spec("1", &[("a", true)]), spec("2", &[("b", true)])]).unwrap();
        let mut disabled = spec("1", &[("a", true)]);
        disabled.settings.enabled = false;
        let mut ended: Vec<String> =
            apps.replace(vec![disabled]).unwrap().iter().map(|app| app.id.to_string()).collect();
        ended.sort();
        assert_eq!(ended, ["1", "2"]);
        assert!(apps.by_id("2").is_none());
    }

    #[test]
    fn ids_and_keys_are_there_once() {
        let apps = Apps::default();
        assert!(apps.replace(vec![spec("1", &[]), spec("1", &[])]).is_err());
        let clash = apps.replace(vec![spec("1", &[("a", true)]), spec("2", &[("a", true)])]);
        assert!(clash.unwrap_err().to_string().contains("app key a"));
    }

    #[test]
    fn what_the_apps_of_an_owner_use_is_added_up_and_survives_a_change() {
        let apps = Apps::default();
        let owned = |id: &str, max| AppSpec {
            owner: Some(Owner {
                id: "acc".into(),
                max_connections_per_app: max,
                max_messages_per_day: 9,
            }),
            ..spec(id, &[])
        };
        apps.replace(vec![owned("1", 5), owned("2", 5), spec("3", &[])]).unwrap();
        for id in ["1", "2", "3"] {
            apps.by_id(id).unwrap().usage.count_messages(4);
        }
        apps.add_up(86_400_000);
        apps.replace(vec![owned("1", 7), owned("2", 7)]).unwrap();
        let app = apps.by_id("1").unwrap();
        let owner = app.live().owner.clone().unwrap();
        assert_eq!((owner.purse.messages_today(), owner.by.max_messages_per_day), (8, 9));
        assert_eq!(app.live().max_connections(), 7);
        apps.add_up(86_400_000 * 2);
        assert_eq!(owner.purse.messages_today(), 0, "another day");
    }

    // contract: 15.2
    #[test]
    fn keys_are_kept_oldest_first() {
        let mut app = spec("1", &[("new", true), ("undated", true), ("old", true)]);
        app.keys[0].created_at_ms = Some(20);
        app.keys[2].created_at_ms = Some(10);
        let order: Vec<String> =
            live(&app, None).keys.iter().map(|key| key.key.to_string()).collect();
        assert_eq!(order, ["undated", "old", "new"]);
    }
}
