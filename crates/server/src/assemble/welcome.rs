//! The first start: makes an app if there is none, and says how to use it; and while nobody runs the
//! server, how to become its operator.

use bellwire_accounts::Secret;
use bellwire_hub::{AppSpec, Settings};
use bellwire_store::Store;

use crate::config::Config;
use crate::ops::clock::now_ms;
use crate::ops::random::{free_app_id, new_key, random_letters};

/// What is said at the start.
pub(crate) struct Welcome {
    /// The app that was made, if there was none.
    first_app: Option<AppSpec>,
    /// Whether nobody runs the server yet.
    needs_operator: bool,
    /// What makes somebody the first operator, on every node, until there is one.
    pub(crate) setup: Secret,
}

impl Welcome {
    /// Looks what is there, and makes an app if there is none anywhere.
    pub(super) fn prepare(config: &Config, store: &dyn Store) -> anyhow::Result<Self> {
        let (first_app, needs_operator) = (first_app(config, store)?, !store.has_operator()?);
        let fresh = Secret::new(random_letters()?);
        let setup = if needs_operator { store.setup(fresh)? } else { fresh };
        Ok(Self { first_app, needs_operator, setup })
    }

    /// Says how to go on. This is the one time that the secrets are printed.
    #[expect(clippy::print_stdout, reason = "people read it where they started the server")]
    pub(super) fn print(&self, port: u16, tls: bool, prefix: &str) {
        let scheme = if tls { "https" } else { "http" };
        let base = format!("{scheme}://127.0.0.1:{port}{prefix}");
        if self.first_app.is_some() || self.needs_operator {
            println!("\n  Bellwire is listening on {base}");
        }
        if let Some(app) = &self.first_app {
            println!("{}", how_to_use(app, port, tls, prefix));
        }
        if self.needs_operator {
            let link = format!("{base}/dashboard/setup#{}", self.setup.reveal());
            println!("\n  The dashboard waits for its operator. Open once:\n\n    {link}\n");
        }
    }
}

/// Makes an app if there is none anywhere. Its toggles are on, so that everything can be tried.
fn first_app(config: &Config, store: &dyn Store) -> anyhow::Result<Option<AppSpec>> {
    if !config.apps.is_empty() || !store.apps()?.is_empty() {
        return Ok(None);
    }
    let settings = Settings {
        name: "First app".into(),
        client_events: true,
        subscription_count: true,
        watchlist: true,
        ..Settings::default()
    };
    let app = AppSpec::new(free_app_id(|_| false)?, settings, vec![new_key(now_ms())?]);
    // Another node that starts just now may have been first.
    Ok(store.put_first(&app)?.then_some(app))
}

fn how_to_use(app: &AppSpec, port: u16, tls: bool, prefix: &str) -> String {
    let id = &app.id;
    let Some(pair) = app.keys.first() else { return String::new() };
    let (key, secret) = (&pair.key, pair.secret.reveal());
    let (scheme, port_option) = if tls { ("https", "wssPort") } else { ("http", "wsPort") };
    let path = if prefix.is_empty() { String::new() } else { format!(" wsPath: \"{prefix}\",") };
    format!(
        r#"
  A first app was made (bellwire apps show {id} --reveal shows it again):

    app id   {id}
    key      {key}
    secret   {secret}

  In the browser, with pusher-js:

    const pusher = new Pusher("{key}", {{
      cluster: "", wsHost: "127.0.0.1", {port_option}: {port},{path} forceTLS: {tls},
      enabledTransports: ["ws", "wss"],
    }});
    pusher.subscribe("my-channel").bind("my-event", (data) => console.log(data));

  From a server, or right here:

    bellwire trigger my-channel my-event '{{"hello":"world"}}' \
      --host {scheme}://127.0.0.1:{port}{prefix} --app-id {id} --key {key} --secret {secret}"#
    )
}
