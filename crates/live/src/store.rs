//! The port to where statistics and errors are kept.

use bellwire_protocol::AppId;

use crate::chart::{HOUR_S, MINUTE_S};
use crate::errors::Group;
use crate::rollup::Rollup;

/// What was counted of an app in a part of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Whose.
    pub app: AppId,
    /// How long the point is.
    pub step_s: u64,
    /// When it begins, in seconds since the epoch.
    pub at_s: u64,
    /// What is to be added to it.
    pub more: Rollup,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Points of a minute.
    pub minutes_s: u64,
    /// Points of an hour.
    pub hours_s: u64,
    /// Errors, after they came last.
    pub errors_s: u64,
    /// Errors of one app.
    pub errors_max: usize,
}

/// How long everybody keeps them.
pub const RETENTION: Retention = Retention {
    minutes_s: 48 * HOUR_S,
    hours_s: 91 * 24 * HOUR_S,
    errors_s: 30 * 24 * HOUR_S,
    errors_max: 200,
};

impl Retention {
    /// How long points of a length are kept.
    #[must_use]
    pub fn of_points(&self, step_s: u64) -> u64 {
        if step_s == MINUTE_S { self.minutes_s } else { self.hours_s }
    }
}

/// Keeps statistics and errors.
pub trait LiveStore: Send + Sync {
    /// What can go wrong there.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Adds to points and to errors, all of it or nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn keep(&self, points: &[Point], errors: &[(AppId, Group)]) -> Result<(), Self::Error>;

    /// The kept points of an app of this length that begin from then on, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn points(
        &self,
        app: &AppId,
        step_s: u64,
        from_s: u64,
    ) -> Result<Vec<(u64, Rollup)>, Self::Error>;

    /// Messages of every app in the hours that begin from then on.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn messages(&self, from_s: u64) -> Result<Vec<(AppId, u64)>, Self::Error>;

    /// The errors of an app, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn errors(&self, app: &AppId) -> Result<Vec<Group>, Self::Error>;

    /// Lets go of what is too old, a part of it at a time; how many rows went.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn sweep(&self, now_s: u64, retention: &Retention) -> Result<usize, Self::Error>;
}
