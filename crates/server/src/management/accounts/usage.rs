//! What an account has used, beside what it may use.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::Account;
use bellwire_hub::App;
use serde::Serialize;
use utoipa::ToSchema;

use crate::management::Desk;
use crate::management::auth::OfAccount;
use crate::management::paths::AccountPath;
use crate::management::problem::Refusals;
use crate::ops::clock::now_ms;

/// What was used of what there is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Used {
    /// What was used.
    #[schema(example = 80)]
    used: u64,
    /// What there is; `null`: no limit.
    #[schema(required, example = 100)]
    limit: Option<u64>,
    /// Percent of the limit, rounded down.
    #[schema(required, example = 80)]
    percent: Option<u64>,
}

impl Used {
    /// Something of a limit, where 0 is none.
    pub(crate) fn of(used: u64, limit: u64) -> Self {
        let limit = (limit != 0).then_some(limit);
        let percent = limit.map(|limit| used.saturating_mul(100) / limit);
        Self { used, limit, percent }
    }

    /// What was used.
    pub(crate) fn used(self) -> u64 {
        self.used
    }

    /// A sentence, if it is worth one.
    fn warning(self, what: &str) -> Option<String> {
        let (percent, limit) = (self.percent?, self.limit?);
        let used = self.used;
        match percent {
            0..WARN_PERCENT => None,
            WARN_PERCENT..100 => Some(format!("{percent} % of {what} used: {used} of {limit}")),
            100.. => Some(format!("All {what} used: {used} of {limit}")),
        }
    }
}

/// From here on people are warned.
const WARN_PERCENT: u64 = 80;

/// What an account has used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountUsage {
    apps: Used,
    messages_today: Used,
    /// The app that is nearest to its limit of connections, or has most; `null`: there is none.
    #[schema(required)]
    busiest_app: Option<BusyApp>,
    /// What is used up, or nearly so, in sentences.
    warnings: Vec<String>,
}

/// An app with many connections.
#[derive(Debug, Serialize, ToSchema)]
struct BusyApp {
    /// Its id.
    #[schema(example = "1001")]
    app_id: String,
    /// Its name.
    #[schema(example = "Chat")]
    name: String,
    connections: Used,
}

/// Connections of an app now.
pub(crate) fn connections(app: &App) -> Used {
    let now = app.usage.all_connections() as u64;
    Used::of(now, app.live().max_connections() as u64)
}

/// What an account has used
#[utoipa::path(
    get, path = "/accounts/{account_id}/usage", tag = "accounts", operation_id = "show_usage",
    params(AccountPath),
    responses((status = 200, description = "The usage", body = AccountUsage), Refusals)
)]
pub(crate) async fn show(State(desk): State<Arc<Desk>>, of: OfAccount) -> Json<AccountUsage> {
    Json(desk.usage(&of.account))
}

impl Desk {
    fn usage(&self, account: &Account) -> AccountUsage {
        let apps = self.apps_of(account.id.as_str());
        let messages = apps.iter().map(|app| app.usage.messages_today(now_ms())).sum();
        let plan = &account.plan;
        let used_apps = Used::of(apps.len() as u64, plan.max_apps.into());
        let messages = Used::of(messages, plan.max_messages_per_day);
        let nearest = |app: &&Arc<App>| {
            let connections = connections(app);
            (connections.percent.unwrap_or(0), connections.used)
        };
        let busiest = apps.iter().max_by_key(nearest).map(|app| BusyApp {
            app_id: app.id.to_string(),
            name: app.live().settings.name.clone(),
            connections: connections(app),
        });
        let of_apps = apps.iter().filter_map(|app| {
            let what = format!("the connections of {}", app.live().settings.name);
            connections(app).warning(&what)
        });
        let of_account =
            [used_apps.warning("the apps"), messages.warning("the messages of the day")];
        let warnings = of_account.into_iter().flatten().chain(of_apps).take(WARNINGS).collect();
        AccountUsage { apps: used_apps, messages_today: messages, busiest_app: busiest, warnings }
    }

    /// The apps of an account that are served.
    pub(crate) fn apps_of(&self, account: &str) -> Vec<Arc<App>> {
        let mut apps = self.apps.all();
        apps.retain(|app| app.live().owner.as_ref().is_some_and(|owner| *owner.by.id == *account));
        apps
    }
}

/// Sentences at most.
const WARNINGS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_warned_from_80_percent_on() {
        assert_eq!(Used::of(79, 100).warning("the apps"), None);
        assert_eq!(Used::of(8, 10).warning("the apps").unwrap(), "80 % of the apps used: 8 of 10");
        assert_eq!(Used::of(11, 10).warning("the apps").unwrap(), "All the apps used: 11 of 10");
        assert_eq!(Used::of(1 << 60, 0).warning("the apps"), None);
        assert_eq!(Used::of(u64::MAX, 1).percent, Some(u64::MAX));
    }
}
