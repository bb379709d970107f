//! A browser with its cookie, and a server that somebody runs.

use bellwire_testkit::{App, Config, Request, Response, Server};
use serde_json::{Value, json};

use crate::support::serve;

/// Where everything is.
pub(super) const BASE: &str = "/management/v1";
/// What people of these tests know.
pub(super) const PASSWORD: &str = "correct horse";

/// Somebody's browser.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(super) cookie: Option<String>,
    pub(super) csrf: String,
    /// What the last sign-in said.
    pub(super) session: Value,
}

impl Browser {
    /// A request as the dashboard makes it.
    pub(super) fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request::new(method, &format!("{BASE}{path}"));
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", &format!("other=1; bellwire_session={cookie}"));
        }
        if method != "GET" {
            request = request.header("X-CSRF-Token", &self.csrf);
        }
        request
    }

    /// Asks without a body.
    #[track_caller]
    pub(super) fn ask(&self, server: &Server, method: &str, path: &str) -> Response {
        server.http(&self.request(method, path))
    }

    /// Asks with a body.
    #[track_caller]
    pub(super) fn tell(&self, server: &Server, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path).header("Content-Type", "application/json");
        server.http(&request.body(body.to_string()))
    }

    /// What is there.
    #[track_caller]
    pub(crate) fn get(&self, server: &Server, path: &str) -> Value {
        self.ask(server, "GET", path).ok()
    }

    /// Makes something; what it is.
    #[track_caller]
    pub(super) fn make(&self, server: &Server, path: &str, body: &Value) -> Value {
        let response = self.tell(server, "POST", path, body);
        assert_eq!(response.status, 201, "{}", response.text());
        response.json()
    }

    /// Keeps the cookie and the token of an answer.
    #[track_caller]
    pub(crate) fn signed_in(response: &Response) -> Self {
        assert!(matches!(response.status, 200 | 201), "{}", response.text());
        let line = response.header("set-cookie").expect("a cookie");
        let cookie = line.strip_prefix("bellwire_session=").unwrap().split(';').next().unwrap();
        let session = response.json();
        let csrf = session["csrf_token"].as_str().unwrap().to_owned();
        Self { cookie: Some(cookie.to_owned()), csrf, session }
    }

    /// Signs in.
    #[track_caller]
    pub(super) fn sign_in(server: &Server, email: &str, password: &str) -> Self {
        let body = json!({ "email": email, "password": password });
        Self::signed_in(&Self::default().tell(server, "POST", "/session", &body))
    }

    /// The first account that they see.
    pub(super) fn account(&self) -> String {
        self.session["accounts"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// A server with an operator, who owns the account `Main`.
pub(super) fn operated() -> (Server, Browser) {
    operated_with(Config::with(App::new(1)))
}

/// The same with a config.
pub(super) fn operated_with(config: Config) -> (Server, Browser) {
    let server = serve(config);
    let operator = Browser::signed_in(&set_up(&server, &setup_token(&server)));
    (server, operator)
}

/// Becomes the first operator.
pub(crate) fn set_up(server: &Server, token: &str) -> Response {
    let body = json!({
        "token": token, "name": "Ada", "email": "ada@example.com", "password": PASSWORD,
    });
    Browser::default().tell(server, "POST", "/setup", &body)
}

/// What stands behind the `#` of the last link that the server has printed.
#[track_caller]
pub(crate) fn setup_token(server: &Server) -> String {
    crate::support::eventually("the link is printed", || server.stdout().contains("/setup#"));
    let text = server.stdout();
    let link = text.lines().rfind(|line| line.contains("/dashboard/setup#")).unwrap();
    link.trim().split_once('#').unwrap().1.to_owned()
}

/// Somebody new in an account, by an invitation.
#[track_caller]
pub(super) fn invited(
    server: &Server,
    owner: &Browser,
    account: &str,
    role: &str,
    email: &str,
) -> Browser {
    let path = format!("/accounts/{account}/invitations");
    let made = owner.make(server, &path, &json!({ "role": role }));
    let body = json!({
        "token": link_token(&made), "name": role, "email": email, "password": PASSWORD,
    });
    Browser::signed_in(&Browser::default().tell(server, "POST", "/invitation/accept", &body))
}

/// What stands behind the `#` of an invitation's link.
pub(super) fn link_token(invitation: &Value) -> String {
    invitation["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

/// A new account with an owner of its own.
#[track_caller]
pub(super) fn another_account(server: &Server, operator: &Browser, plan: &Value) -> Browser {
    let body = json!({ "name": "Another", "plan": plan });
    let account = operator.make(server, "/accounts", &body);
    let id = account["id"].as_str().unwrap();
    invited(server, operator, id, "owner", "eve@example.com")
}

/// A new app of an account.
#[track_caller]
pub(super) fn new_app(server: &Server, who: &Browser, account: &str) -> Value {
    who.make(server, "/apps", &json!({ "account_id": account, "name": "Chat" }))
}

/// The answer to an event of an app.
pub(super) fn published(server: &Server, app: &App, channel: &str) -> Response {
    let event = json!({ "name": "e", "channel": channel, "data": "x" });
    server.api_of(app).events(&event)
}

/// The path of something that was made.
pub(super) fn path(of: &str, made: &Value) -> String {
    format!("{of}/{}", made["id"].as_str().unwrap())
}
