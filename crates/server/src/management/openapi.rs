//! The router, and the description of the API that is made of the same list of handlers: what is not
//! described is not there.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Server};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use super::problem::Problem;
use super::{Desk, accounts, apps, channels, cluster, live, people, webhooks};

/// What does not come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bellwire management API",
        description = "Accounts, apps, webhooks, what became of their deliveries, and what was \
            announced: all that the dashboard does. Tokens are made in the dashboard, for one account, \
            or with `bellwire tokens create`, for all apps or one. People sign in instead, and send \
            `X-CSRF-Token` with every change. Times are RFC 3339 in UTC; \
            where one is given it may also be a number of milliseconds since 1970. Unknown keys and \
            parameters are refused. Refusals are `application/problem+json` (RFC 9457)."
    ),
    tags(
        (name = "people", description = "Signing in, and what is one's own"),
        (name = "accounts", description = "Who belongs together, and how much they may use"),
        (name = "apps", description = "Apps and their keys"),
        (name = "live", description = "What goes on now, and what went on"),
        (name = "webhooks", description = "Where webhooks go"),
        (name = "deliveries", description = "What was sent, and what became of it"),
        (name = "replays", description = "Sending again"),
        (name = "state", description = "What was announced: snapshot, log and gaps"),
        (name = "cluster", description = "The nodes of the server, for operators")
    ),
    components(schemas(Problem)),
    security(("token" = []), ("session" = [])),
    modifiers(&Bearer)
)]
struct Description;

/// The ways in.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let description = "A token of the dashboard or of `bellwire tokens create`.";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            super::auth::COOKIE,
            "The session of somebody who signed in; changes need `X-CSRF-Token` too.",
        ));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// The router and the description, as JSON, of a server whose paths have this prefix.
pub(super) fn router(path_prefix: &str) -> (Router<Arc<Desk>>, Bytes) {
    let (router, mut openapi) = OpenApiRouter::with_openapi(Description::openapi())
        .nest("/management/v1", paths())
        .split_for_parts();
    let root = if path_prefix.is_empty() { "/" } else { path_prefix };
    openapi.servers = Some(vec![Server::new(root)]);
    // Texts and lists always are JSON.
    let document = openapi.to_pretty_json().unwrap_or_default() + "\n";
    let router = router
        .fallback(async || Problem::not_found("path"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed());
    (router, document.into())
}

fn paths() -> OpenApiRouter<Arc<Desk>> {
    people::paths()
        .merge(accounts::paths())
        .merge(apps::paths())
        .merge(channels::paths())
        .merge(live::paths())
        .merge(webhooks::paths())
        .merge(cluster::paths())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::from_slice(&router("").1).unwrap()
    }

    #[test]
    fn the_openapi_reference_is_generated() {
        let text = String::from_utf8(router("").1.to_vec()).unwrap();
        crate::reference::hold("openapi.json", &text);
    }

    #[test]
    fn the_description_knows_the_prefix_of_the_server() {
        let prefixed: Value = serde_json::from_slice(&router("/ws").1).unwrap();
        assert_eq!(prefixed["servers"][0]["url"], "/ws");
        assert_eq!(document()["servers"][0]["url"], "/");
    }

    #[test]
    fn every_operation_has_words_an_answer_and_the_refusal_of_a_bad_token() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let what = format!("{method} {path}");
                assert!(operation["summary"].is_string(), "{what}");
                assert!(operation["tags"][0].is_string(), "{what}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{what}");
                let refused = &responses["401"]["content"]["application/problem+json"]["schema"];
                assert_eq!(refused["$ref"], "#/components/schemas/Problem", "{what}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{what}: {parameter}");
                }
            }
        }
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    }

    #[test]
    fn every_field_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            for (field, described) in schema["properties"].as_object().into_iter().flatten() {
                let refers = described.get("$ref").is_some() || described.get("oneOf").is_some();
                assert!(refers || described["description"].is_string(), "{name}.{field}");
            }
        }
        let text = document.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
