//! Who looks here and elsewhere, and what becomes of it.

use bellwire_hub::{AppSpec, Apps, Settings};
use bellwire_live::line::{Line, LogType};

use super::*;

fn app() -> Arc<App> {
    let apps = Apps::default();
    let spec = AppSpec::new("1".parse().unwrap(), Settings::default(), Vec::new());
    apps.replace(vec![spec]).unwrap();
    apps.by_id("1").unwrap()
}

/// The way to other nodes, and what went there.
#[derive(Default)]
struct Way {
    told: Mutex<Vec<bool>>,
    said: Mutex<Vec<Said>>,
}

impl Elsewhere for Way {
    fn look(&self, _: &AppId, looks: bool) {
        self.told.lock().unwrap().push(looks);
    }

    fn pass_on(&self, _: &AppId, said: &Said) {
        self.said.lock().unwrap().push(said.clone());
    }

    fn is_anywhere(&self) -> bool {
        true
    }
}

fn shared() -> (Arc<Way>, Arc<Consoles>) {
    let (way, consoles) = (Arc::new(Way::default()), Arc::new(Consoles::default()));
    consoles.share(Others { me: "a".into(), elsewhere: Arc::clone(&way) as _ });
    (way, consoles)
}

fn happens(consoles: &Consoles, app: &App, text: &str) {
    let kind = LogType::Presence;
    if let Some(console) = consoles.of(&app.id) {
        console.add(5_000, kind, || Line::new(kind, 5_000, text));
    }
}

#[test]
fn a_console_is_there_while_anybody_looks() {
    let (consoles, app) = (Arc::new(Consoles::default()), app());
    assert!(consoles.of(&app.id).is_none());
    let first = consoles.look(Arc::clone(&app)).unwrap();
    let second = consoles.look(Arc::clone(&app)).unwrap();
    assert!(Arc::ptr_eq(&first.console, &second.console));
    assert!(app.interest.is_there(Listener::Console));
    drop(first);
    assert!(consoles.of(&app.id).is_some());
    drop(second);
    assert!(consoles.of(&app.id).is_none());
    assert!(!app.interest.is_there(Listener::Console));
    assert_eq!(consoles.count.load(Ordering::Relaxed), 0);
}

#[test]
fn a_crowd_of_readers_is_refused() {
    let (consoles, app) = (Arc::new(Consoles::default()), app());
    let mut all: Vec<Looking> =
        (0..READERS_MAX).map(|_| consoles.look(Arc::clone(&app)).unwrap()).collect();
    assert!(consoles.look(Arc::clone(&app)).is_none());
    all.pop();
    assert!(consoles.look(Arc::clone(&app)).is_some());
}

#[test]
fn the_others_are_told_of_the_first_who_looks_and_of_the_last() {
    let ((way, consoles), app) = (shared(), app());
    let first = consoles.look(Arc::clone(&app)).unwrap();
    let second = consoles.look(Arc::clone(&app)).unwrap();
    drop(first);
    assert_eq!(*way.told.lock().unwrap(), [true]);
    drop(second);
    assert_eq!(*way.told.lock().unwrap(), [true, false]);
}

#[test]
fn who_looks_elsewhere_keeps_a_console_open_and_gets_what_happens() {
    let ((way, consoles), app) = (shared(), app());
    assert!(!consoles.pass_on());
    consoles.look_elsewhere(&app);
    assert!(app.interest.is_there(Listener::Console));
    happens(&consoles, &app, "far");
    assert!(consoles.pass_on() && consoles.pass_on());
    let said = std::mem::take(&mut *way.said.lock().unwrap());
    let [only] = &said[..] else { panic!("{said:?}") };
    assert_eq!((&*only.node, &*only.lines[0].detail), ("a", "far"));
    assert!(way.told.lock().unwrap().is_empty(), "nobody looks here");
    consoles.leave_elsewhere(&app.id);
    assert!(!app.interest.is_there(Listener::Console));
    happens(&consoles, &app, "unseen");
    assert!(!consoles.pass_on() && way.said.lock().unwrap().is_empty());
}

#[test]
fn who_looks_here_and_who_looks_elsewhere_leave_by_themselves() {
    let ((_, consoles), app) = (shared(), app());
    let here = consoles.look(Arc::clone(&app)).unwrap();
    consoles.look_elsewhere(&app);
    drop(here);
    assert!(consoles.of(&app.id).is_some());
    let here = consoles.look(Arc::clone(&app)).unwrap();
    consoles.leave_elsewhere(&app.id);
    assert!(consoles.of(&app.id).is_some() && !consoles.pass_on());
    drop(here);
    assert!(consoles.of(&app.id).is_none());
}

#[test]
fn what_others_say_is_seen_by_who_looks_here_and_by_nobody_else() {
    let ((way, consoles), app) = (shared(), app());
    let line = Line::new(LogType::Error, 1, "there");
    let said = Said { node: "b".into(), lines: vec![line], left_out: Default::default() };
    consoles.look_elsewhere(&app);
    consoles.hear(&app.id, said.clone());
    assert!(consoles.of(&app.id).unwrap().recent(9).is_empty());
    let here = consoles.look(Arc::clone(&app)).unwrap();
    consoles.hear(&app.id, said);
    assert_eq!(here.console.recent(9)[0].node.as_deref(), Some("b"));
    assert!(consoles.pass_on() && way.said.lock().unwrap().is_empty(), "nothing goes back");
}
