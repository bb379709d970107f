//! The first start, without a file and without an environment: makes an app and says how to use it.

use bellwire_hub::{AppSpec, AppStore as _, KeySpec, Settings};
use bellwire_protocol::{AppId, AppKey, AppSecret};
use bellwire_store::Sqlite;

use crate::config::Config;
use crate::ops::clock::now_ms;
use crate::ops::random::random_hex;

/// The app that was made at the first start.
pub(crate) struct FirstApp {
    id: AppId,
    key: AppKey,
    secret: AppSecret,
}

/// Makes an app if there is none anywhere. Its toggles are on, so that everything can be tried.
pub(super) fn first_app(config: &Config, store: &Sqlite) -> anyhow::Result<Option<FirstApp>> {
    if !config.apps.is_empty() || !store.apps()?.is_empty() {
        return Ok(None);
    }
    let app = FirstApp {
        id: (100_000 + getrandom::u32()? % 900_000).to_string().parse()?,
        key: random_hex::<10>()?.parse()?,
        secret: random_hex::<16>()?.parse()?,
    };
    let settings = Settings {
        name: "First app".into(),
        client_events: true,
        subscription_count: true,
        watchlist: true,
        ..Settings::default()
    };
    let (key, secret) = (app.key.clone(), app.secret.clone());
    let key = KeySpec { key, secret, active: true, created_at_ms: Some(now_ms()) };
    store.put(&AppSpec { id: app.id.clone(), settings, keys: vec![key] })?;
    Ok(Some(app))
}

/// Says how to use the app. This is the one time that its secret is printed.
#[expect(clippy::print_stdout, reason = "people read it where they started the server")]
pub(super) fn print(app: &FirstApp, port: u16, tls: bool) {
    let FirstApp { id, key, secret } = app;
    let secret = secret.reveal();
    let (scheme, port_option) = if tls { ("https", "wssPort") } else { ("http", "wsPort") };
    println!(
        r#"
  Bellwire is listening on {scheme}://127.0.0.1:{port}

  A first app was made (bellwire apps show {id} --reveal shows it again):

    app id   {id}
    key      {key}
    secret   {secret}

  In the browser, with pusher-js:

    const pusher = new Pusher("{key}", {{
      cluster: "", wsHost: "127.0.0.1", {port_option}: {port}, forceTLS: {tls},
      enabledTransports: ["ws", "wss"],
    }});
    pusher.subscribe("my-channel").bind("my-event", (data) => console.log(data));

  From a server, or right here:

    bellwire trigger my-channel my-event '{{"hello":"world"}}' \
      --host {scheme}://127.0.0.1:{port} --app-id {id} --key {key} --secret {secret}
"#
    );
}
