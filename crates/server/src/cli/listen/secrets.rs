//! The secrets with which POSTs are checked: those of the command line, and those of a server on this
//! machine, which are read again when they do not fit, because they change.

use std::collections::HashMap;

use bellwire_protocol::AppSecret;
use bellwire_webhooks::secret::key_of;

use super::super::failure::Failure;
use super::super::place::{Place, apart};
use super::check::{self, Mark, Verdict};
use super::post::Post;

/// All secrets that are known.
pub(super) struct Secrets {
    /// Of the command line: secrets by app key.
    given: HashMap<String, AppSecret>,
    /// Of the command line: the keys that signing secrets stand for.
    given_signing: Vec<Vec<u8>>,
    place: Place,
    /// Of the server.
    found: HashMap<String, Found>,
}

/// What the server knows of an app key.
struct Found {
    secret: AppSecret,
    /// The keys that the signing secrets of its app's endpoints stand for.
    signing: Vec<Vec<u8>>,
}

impl Secrets {
    pub(super) fn new(
        given: HashMap<String, AppSecret>,
        given_signing: Vec<Vec<u8>>,
        place: Place,
    ) -> Result<Self, Failure> {
        let mut secrets = Self { given, given_signing, place, found: HashMap::new() };
        secrets.look()?;
        Ok(secrets)
    }

    /// Both signatures of a POST.
    pub(super) fn check(&mut self, post: &Post) -> (Verdict, Verdict) {
        let verdicts = self.verdicts(post);
        // What cannot be read now was readable at the start, and will be again.
        if verdicts.0.mark == Mark::Good && verdicts.1.mark == Mark::Good || self.look().is_err() {
            return verdicts;
        }
        self.verdicts(post)
    }

    fn verdicts(&self, post: &Post) -> (Verdict, Verdict) {
        let key = post.header("x-pusher-key").unwrap_or_default();
        let found = self.found.get(key);
        let secret = self.given.get(key).or(found.map(|found| &found.secret));
        let found_signing = found.map_or(&[][..], |found| &found.signing);
        let signing = [&self.given_signing[..], found_signing].concat();
        let secret = secret.map(|secret| secret.reveal().as_bytes());
        (check::pusher(post, secret), check::standard(post, &signing))
    }

    /// Reads what the server has.
    fn look(&mut self) -> Result<(), Failure> {
        self.found = apart(|| read(&self.place))?;
        Ok(())
    }
}

fn read(place: &Place) -> Result<HashMap<String, Found>, Failure> {
    let cellar = place.look()?;
    let store = cellar.store().ok();
    let mut known = HashMap::new();
    for app in cellar.apps()? {
        let endpoints = match store {
            Some(store) => store.endpoints(Some(&app.spec.id))?,
            None => Vec::new(),
        };
        let texts = endpoints.iter().flat_map(|endpoint| &endpoint.secrets);
        let signing: Vec<_> = texts.filter_map(|secret| key_of(&secret.text).ok()).collect();
        for key in app.spec.keys {
            let found = Found { secret: key.secret, signing: signing.clone() };
            known.insert(key.key.to_string(), found);
        }
    }
    Ok(known)
}
