//! Who looks at the console of an app, here and on other nodes, and what is passed on between them.
//! Where nobody looks elsewhere, nothing is.

use std::sync::atomic::Ordering;

use bellwire_live::sharing::{Elsewhere, Said};
use bellwire_protocol::AppId;
use std::collections::HashMap;

use super::{Link, count, lock};
use crate::envelope::Payload;
use crate::lines;
use crate::roster::Told;
use crate::subject::Address;

/// The consoles of this node. Called where messages are read, and with nothing locked: it must be as
/// quick as a push.
pub trait Consoles: Send + Sync {
    /// Whether somebody looks at the console of an app on another node, now that this has changed.
    /// False: the app is not known here.
    fn looked_at(&self, app: &AppId, looks: bool) -> bool;

    /// Another node has passed on what happened there.
    fn hear(&self, app: &AppId, said: Said);
}

/// The apps at whose consoles somebody looks here, and whether others are heard there: they are
/// asked to pass on when they are.
pub(super) type Looks = HashMap<AppId, bool>;

impl Elsewhere for Link {
    fn look(&self, app: &AppId, looks: bool) {
        let subject = self.subjects.console(app);
        let mut all = lock(&self.looks);
        // What was passed on before, to others, is no loss.
        self.losses.forget(subject.as_str());
        let Some(bus) = self.bus.get() else { return };
        if looks {
            all.insert(app.clone(), false);
            bus.subscribe(&subject);
        } else {
            all.remove(app);
            bus.unsubscribe(&subject);
            self.say(app, Told::Looks(false));
        }
    }

    /// In order, if it is called by one thread at a time.
    fn pass_on(&self, app: &AppId, said: &Said) {
        let subject = self.subjects.console(app);
        for message in lines::encode(said) {
            count(&self.counts.lines);
            // What did not go out is counted by the bus.
            let _ = self.send(&subject, Payload::Lines(message));
        }
    }

    fn is_anywhere(&self) -> bool {
        self.counts.neighbours.load(Ordering::Relaxed) > 0
    }
}

impl Link {
    /// The consoles of this node are these.
    pub fn set_consoles(&self, consoles: std::sync::Arc<dyn Consoles>) {
        // There is one house.
        let _ = self.consoles.set(consoles);
    }

    /// What others pass on of an app is heard from now on.
    pub(super) fn sees(&self, app: &AppId) {
        let mut all = lock(&self.looks);
        if let Some(is_heard) = all.get_mut(app) {
            *is_heard = true;
            self.say(app, Told::Looks(true));
        }
    }

    /// Tells the others again where somebody looks here.
    pub(super) fn tell_looks(&self) {
        let all = lock(&self.looks);
        let heard = all.iter().filter(|(_, is_heard)| **is_heard);
        heard.for_each(|(app, _)| self.say(app, Told::Looks(true)));
    }

    /// Lines of another node.
    pub(super) fn lines(&self, subject: &str, said: Said) {
        let Some(Address::Console(app)) = self.subjects.address(subject) else { return };
        if let Some(consoles) = self.consoles.get() {
            consoles.hear(&app, said);
        }
    }
}
