//! The router, and the description of the API that is made of the same list of handlers: what is not
//! described is not there.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Server};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::{Desk, actions, deliveries, endpoints, replays, state};

/// What does not come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bellwire management API",
        description = "Webhooks, what became of their deliveries, and what was announced. Tokens are \
            made with `bellwire tokens create` and open all apps or one. Times are RFC 3339 in UTC; \
            where one is given it may also be a number of milliseconds since 1970. Unknown keys and \
            parameters are refused. Refusals are `application/problem+json` (RFC 9457)."
    ),
    tags(
        (name = "webhooks", description = "Where webhooks go"),
        (name = "deliveries", description = "What was sent, and what became of it"),
        (name = "replays", description = "Sending again"),
        (name = "state", description = "What was announced: snapshot, log and gaps")
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Bearer)
)]
struct Description;

/// The one way in.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let description = "A token of `bellwire tokens create`.";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
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
    OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::patch, endpoints::remove))
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
                for parameter in operation["parameters"].as_array().unwrap() {
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
