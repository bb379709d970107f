//! Writes statistics and errors down: every ten seconds, and when somebody asks for them. A crash
//! loses what came after that.

use std::collections::HashMap;
use std::sync::PoisonError;

use bellwire_hub::App;
use bellwire_live::chart::{HOUR_S, MINUTE_S, Range};
use bellwire_live::errors::Group;
use bellwire_live::rollup::Rollup;
use bellwire_live::{Point, RETENTION};
use bellwire_protocol::AppId;
use bellwire_store::StoreError;

use super::Live;
use crate::ops::clock::now_ms;

const DAY_MS: u64 = 86_400_000;
/// Points that wait for a store that fails; then only hours do.
const WAITING_MAX: usize = 50_000;

/// What is counted and not kept yet.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// By app, length and beginning.
    waiting: HashMap<(AppId, u64, u64), Rollup>,
    /// The minute for which connections were last written down, and how many there were.
    quiet: HashMap<AppId, (u64, u64)>,
}

impl Live {
    /// Takes over how many messages of this day others have counted: former runs, and the nodes that
    /// share the store. What this one has counted must be kept.
    pub(crate) fn look_elsewhere(&self) -> Result<(), StoreError> {
        let now_ms = now_ms();
        let midnight_s = (now_ms - now_ms % DAY_MS) / 1000;
        // Before the store is asked: what comes meanwhile is in no sum.
        let apps = self.apps.all();
        let here: Vec<u64> = apps.iter().map(|app| app.usage.messages_here(now_ms)).collect();
        let kept: HashMap<AppId, u64> = self.store.messages(midnight_s)?.into_iter().collect();
        for (app, here) in apps.iter().zip(here) {
            let all = kept.get(&app.id).copied().unwrap_or(0);
            app.usage.set_messages_elsewhere(now_ms, all.saturating_sub(here));
        }
        Ok(())
    }

    /// Keeps what has come since this was last called; whoever calls may have to wait for the disk.
    pub(crate) fn keep(&self) -> Result<(), StoreError> {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = now_ms();
        for app in self.apps.all() {
            recorder.gather(&app, now_ms);
        }
        let errors = self.errors().take();
        let points = recorder.points();
        if points.is_empty() && errors.is_empty() {
            return Ok(());
        }
        match self.store.keep(&points, &errors) {
            Ok(()) => recorder.waiting.clear(),
            Err(error) => {
                recorder.hold_to_limit();
                self.errors().put_back(errors);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Lets go of what is too old; whether there may be more of it.
    pub(crate) fn sweep(&self) -> Result<bool, StoreError> {
        Ok(self.store.sweep(now_ms() / 1000, &RETENTION)? > 0)
    }

    /// The statistics of an app over a range, up to now: its points, each with when it begins.
    pub(crate) fn statistics(
        &self,
        app: &App,
        range: &Range,
        now_s: u64,
    ) -> Result<Vec<(u64, Rollup)>, StoreError> {
        self.keep()?;
        let kept = self.store.points(&app.id, range.of_s, range.from_s(now_s))?;
        Ok(range.series(now_s, &kept))
    }

    /// What went wrong in an app, the latest first.
    pub(crate) fn mistakes(&self, app: &App) -> Result<Vec<Group>, StoreError> {
        self.keep()?;
        self.store.errors(&app.id)
    }
}

impl Recorder {
    /// Takes what an app has counted.
    fn gather(&mut self, app: &App, now_ms: u64) {
        // Crossing midnight is noticed by asking.
        app.usage.messages_today(now_ms);
        let connections = app.usage.all_connections();
        let rollup = Rollup::of(app.usage.statistics.take(connections), connections);
        let now_s = now_ms / 1000;
        let is_news = self.is_news(app, now_s / MINUTE_S, rollup.connections);
        if rollup.is_quiet() && !is_news {
            return;
        }
        for step_s in [MINUTE_S, HOUR_S] {
            let key = (app.id.clone(), step_s, now_s - now_s % step_s);
            self.waiting.entry(key).or_default().add(&rollup);
        }
    }

    /// Whether these connections have to be written down even if they do nothing: once a minute.
    fn is_news(&mut self, app: &App, minute: u64, connections: u64) -> bool {
        if connections == 0 {
            return self.quiet.remove(&app.id).is_some_and(|(_, before)| before > 0);
        }
        let told = Some((minute, connections));
        self.quiet.insert(app.id.clone(), (minute, connections)) != told
    }

    fn points(&self) -> Vec<Point> {
        let point = |((app, step_s, at_s), more): (&(AppId, u64, u64), &Rollup)| Point {
            app: app.clone(),
            step_s: *step_s,
            at_s: *at_s,
            more: more.clone(),
        };
        self.waiting.iter().map(point).collect()
    }

    /// While the store fails, memory does not grow with every minute.
    fn hold_to_limit(&mut self) {
        if self.waiting.len() > WAITING_MAX {
            self.waiting.retain(|(_, step_s, _), _| *step_s == HOUR_S);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwire_hub::statistics::Counted;
    use bellwire_hub::{AppSpec, Apps, Settings};

    use super::*;

    const MINUTE_MS: u64 = MINUTE_S * 1000;

    fn app() -> Arc<App> {
        let apps = Apps::default();
        let spec = AppSpec::new("1".parse().unwrap(), Settings::default(), Vec::new());
        apps.replace(vec![spec]).unwrap();
        apps.by_id("1").unwrap()
    }

    /// The minutes that are to be written down after a look at this time.
    fn minutes(recorder: &mut Recorder, app: &App, now_ms: u64) -> usize {
        recorder.gather(app, now_ms);
        let points = recorder.points();
        recorder.waiting.clear();
        points.iter().filter(|point| point.step_s == MINUTE_S).count()
    }

    #[test]
    fn an_app_that_does_nothing_costs_no_rows_and_quiet_connections_one_a_minute() {
        let (app, mut recorder) = (app(), Recorder::default());
        assert_eq!(minutes(&mut recorder, &app, MINUTE_MS), 0);
        assert!(app.take_connection());
        let at = |second: u64| 100 * MINUTE_MS + second * 1000;
        let looks =
            [0, 10, 50, 60, 70, 119, 120].map(|second| minutes(&mut recorder, &app, at(second)));
        assert_eq!(looks, [1, 0, 0, 1, 0, 0, 1]);
        app.release_connection();
        let looks = [130, 140, 200].map(|second| minutes(&mut recorder, &app, at(second)));
        assert_eq!(looks, [1, 0, 0]);
    }

    #[test]
    fn what_cannot_be_kept_is_added_to_what_comes() {
        let (app, mut recorder) = (app(), Recorder::default());
        for _ in 0..3 {
            app.usage.statistics.count(Counted::Api, 2);
            recorder.gather(&app, MINUTE_MS);
        }
        let points = recorder.points();
        assert_eq!(points.len(), 2);
        assert!(points.iter().all(|point| point.more.messages.api == 6));
    }
}
