//! The first operator, by the link that the server prints while there is none.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::{SessionView, agent, signed_in};
use super::{Newcomer, email, hashed, name, new_password, opens};
use crate::management::Desk;
use crate::management::auth::From;
use crate::management::input::Given;
use crate::management::problem::{BadBody, Problem, Refusals, TooMany};
use crate::ops::people::settle;

/// Whether there is anybody who runs the server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setup {
    /// Whether nobody does yet: the link that `bellwire serve` prints makes somebody.
    needed: bool,
}

/// Who will run the server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstOperator {
    /// What stands behind the `#` of the link.
    token: String,
    /// What people call them.
    #[schema(example = "Ada")]
    name: String,
    /// By which they sign in.
    #[schema(example = "ada@example.com")]
    email: String,
    /// 10 to 200 characters.
    password: String,
}

/// Whether the server waits for its first operator
#[utoipa::path(
    get, path = "/setup", tag = "people", operation_id = "show_setup", security(()),
    responses((status = 200, description = "Whether it does", body = Setup), Refusals)
)]
pub(super) async fn show(State(desk): State<Arc<Desk>>) -> Result<Json<Setup>, Problem> {
    let has_operator = desk.ask(|desk| Ok(desk.store.has_operator()?)).await?;
    Ok(Json(Setup { needed: !has_operator }))
}

/// Become the first operator
///
/// With the token of the link that `bellwire serve` prints while there is none. The account `Main` is
/// made for them, with every app that belongs to nobody.
#[utoipa::path(
    post, path = "/setup", tag = "people", operation_id = "set_up", security(()),
    request_body = FirstOperator,
    responses((status = 201, description = "Signed in", body = SessionView), BadBody, TooMany, Refusals)
)]
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    Extension(from): Extension<From>,
    headers: HeaderMap,
    Given(given): Given<FirstOperator>,
) -> Result<Response, Problem> {
    let place = from.place();
    desk.may_try("the first operator", &place)?;
    if !opens(&given.token, &desk.setup) {
        let why = "The link is not good: it is what the server printed when it started last";
        return Err(Problem::refused(why));
    }
    desk.throttle().succeeded("the first operator", &place);
    let (name, email) = (name(&given.name)?, email(&given.email)?);
    new_password(&given.password)?;
    let agent = agent(&headers);
    let password = desk.compare(move |_| hashed(&given.password)).await?;
    let newcomer = Newcomer { name, email, password };
    let begun = desk.change_apps(move |desk| {
        if desk.store.has_operator()? {
            return Err(Problem::refused("The link was used: this server has an operator"));
        }
        let person = desk.welcome(newcomer, true)?;
        settle(&*desk.store, &person).map_err(|error| Problem::internal(&error))?;
        tracing::info!(email = %person.email, "the first operator has come");
        desk.begin(person, from, agent)
    });
    Ok(signed_in(&desk, from, StatusCode::CREATED, &begun.await?))
}
