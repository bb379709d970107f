//! What goes on in an app now, and what went on: people, connections, the console, statistics and
//! errors.

mod connections;
mod console;
mod errors;
mod members;
mod stats;
mod users;

use std::sync::Arc;

use bellwire_hub::looking::Wanted;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;
use super::input;
use super::problem::Problem;

/// The paths of what goes on.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(members::list))
        .routes(routes!(users::list))
        .routes(routes!(users::disconnect))
        .routes(routes!(connections::list))
        .routes(routes!(connections::show))
        .routes(routes!(connections::disconnect))
        .routes(routes!(console::follow))
        .routes(routes!(stats::show))
        .routes(routes!(errors::list))
}

/// Things of a page, unless somebody says otherwise, and at most.
const PAGE: (u32, u32) = (50, 200);

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Only those that have this in what is known of them, in whatever case.
    #[param(example = "ann")]
    q: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Things of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

impl PageQuery {
    fn limit(&self) -> Result<usize, Problem> {
        Ok(input::limit(self.limit.as_deref(), PAGE.0, PAGE.1)? as usize)
    }

    /// What is wanted of a list by name.
    fn wanted(&self) -> Result<Wanted<'_>, Problem> {
        let (q, after) = (self.q.as_deref(), self.cursor.as_deref());
        let limit = self.limit()?;
        Ok(Wanted { q: q.unwrap_or_default(), after: after.unwrap_or_default(), limit })
    }
}
