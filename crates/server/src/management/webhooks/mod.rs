//! Webhooks: where they go, what became of their deliveries, sending again, and what was announced.

mod actions;
mod answers;
mod deliveries;
mod endpoints;
mod health;
mod replays;
mod snapshot;
mod state;
mod terms;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;

/// The paths of webhooks.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::patch, endpoints::remove))
        .routes(routes!(health::list))
        .routes(routes!(health::show))
        .routes(routes!(actions::enable))
        .routes(routes!(actions::disable))
        .routes(routes!(actions::rotate))
        .routes(routes!(actions::test))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::replay))
        .routes(routes!(replays::create))
        .routes(routes!(replays::list))
        .routes(routes!(replays::show))
        .routes(routes!(replays::cancel))
        .routes(routes!(state::snapshot))
        .routes(routes!(state::log))
        .routes(routes!(state::gaps))
}
