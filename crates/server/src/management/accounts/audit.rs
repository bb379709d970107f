//! Who changed what in an account, and when.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bellwire_accounts::{AuditFilter, Entry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::management::Desk;
use crate::management::auth::OfAccount;
use crate::management::input::{self, Asked};
use crate::management::paths::AccountPath;
use crate::management::problem::{BadQuery, Problem, Refusals};
use crate::moment::Moment;

/// Entries of a page, unless somebody says otherwise, and at most.
const PAGE: (u32, u32) = (50, 200);

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// By whoever has this id.
    #[param(example = "usr_0123456789abcdef")]
    actor: Option<String>,
    /// This action, or all that begin with it and a dot.
    #[param(example = "webhook")]
    action: Option<String>,
    /// Of this app.
    #[param(example = "1001")]
    app_id: Option<String>,
    /// Not before: RFC 3339, or milliseconds since 1970.
    #[param(example = "2026-11-21T09:30:00Z")]
    from: Option<String>,
    /// Not after.
    to: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Entries of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

/// A page of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// Newest first.
    entries: Vec<EntryView>,
    /// The `cursor` of the next page; `null`: there is none.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    /// Its id.
    #[schema(example = "42")]
    id: String,
    /// When.
    at: Moment,
    actor: ActorView,
    /// What was done.
    #[schema(example = "app.changed")]
    action: String,
    /// In which app.
    #[schema(required, example = "1001")]
    app_id: Option<String>,
    /// To what, as people know it.
    #[schema(example = "Chat")]
    target: String,
    /// What is different since.
    changes: Vec<ChangeView>,
}

/// Who changed something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
struct ActorView {
    /// `user` or `token`.
    #[schema(example = "user")]
    kind: &'static str,
    /// Their id.
    #[schema(example = "usr_0123456789abcdef")]
    id: String,
    /// What people call them.
    #[schema(example = "Ada")]
    name: String,
    /// From where.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
}

/// One field that is different since.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeView {
    /// Which.
    #[schema(example = "settings.client_events")]
    field: String,
    /// What it was.
    #[schema(value_type = Value)]
    from: Value,
    /// What it is.
    #[schema(value_type = Value)]
    to: Value,
}

impl EntryView {
    fn of(entry: Entry) -> Self {
        let changes = entry.changes.into_iter().map(|change| ChangeView {
            field: change.field,
            from: change.from,
            to: change.to,
        });
        Self {
            id: entry.id.to_string(),
            at: Moment(entry.at_ms),
            actor: ActorView {
                kind: entry.actor.kind.name(),
                id: entry.actor.id,
                name: entry.actor.name,
                address: entry.actor.address,
            },
            action: entry.action,
            app_id: entry.app.map(|app| app.to_string()),
            target: entry.target,
            changes: changes.collect(),
        }
    }
}

/// List what was done
///
/// Newest first, a page at a time. Kept for a year; secrets are never in it.
#[utoipa::path(
    get, path = "/accounts/{account_id}/audit", tag = "accounts", operation_id = "list_audit",
    params(AccountPath, AuditQuery),
    responses((status = 200, description = "A page", body = AuditPage), BadQuery, Refusals)
)]
pub(crate) async fn list(
    State(desk): State<Arc<Desk>>,
    of: OfAccount,
    Asked(query): Asked<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = input::limit(query.limit.as_deref(), PAGE.0, PAGE.1)?;
    let expected = "expected the next_cursor of the page before";
    let from_ms = input::moment("from", query.from.as_deref())?;
    let to_ms = input::moment("to", query.to.as_deref())?;
    input::span(("from", from_ms), ("to", to_ms))?;
    let filter = AuditFilter {
        account: Some(of.account.id),
        app: input::parameter("app_id", query.app_id.as_deref(), "expected the id of an app")?,
        actor: query.actor,
        action: query.action,
        from_ms,
        to_ms,
        before: input::parameter("cursor", query.cursor.as_deref(), expected)?,
        limit: limit + 1,
    };
    let mut found = desk.ask(move |desk| Ok(desk.store.audit(&filter)?)).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().map(|entry| entry.id.to_string());
    let entries = found.into_iter().map(EntryView::of).collect();
    Ok(Json(AuditPage { entries, next_cursor: last.filter(|_| has_more) }))
}
