//! Channels of an app as they are now, and publishing to them.

mod events;
mod list;
mod show;

use std::sync::Arc;

use bellwire_protocol::{ChannelKind, ChannelName};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Desk;

/// The paths of channels.
pub(super) fn paths() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(events::create))
}

/// What people call a kind of channels, and whether it remembers its last event.
fn kind(channel: &ChannelName) -> &'static str {
    match channel.kind() {
        ChannelKind::Public | ChannelKind::Cache => "public",
        ChannelKind::Private | ChannelKind::PrivateCache => "private",
        ChannelKind::Encrypted | ChannelKind::EncryptedCache => "encrypted",
        ChannelKind::Presence | ChannelKind::PresenceCache => "presence",
        ChannelKind::ServerToUser => "server-to-user",
    }
}

/// The names that [`kind`] gives to what lists show.
const KINDS: [&str; 4] = ["public", "private", "encrypted", "presence"];
