//! Sockudo as a rival, set to look its best: one node, everything in memory, no metrics, no log, no
//! rate limits, limits so wide that no scenario meets them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::net;
use crate::sign::Credentials;
use crate::socket::Door;
use crate::target::Target;
use crate::target::running::{Home, Running};

/// Its column in reports.
pub(crate) const NAME: &str = "sockudo";

impl Target {
    /// Starts `bin`, a Sockudo 5, with a config of its own in a temporary directory.
    ///
    /// # Errors
    /// When it does not start, or is not up within a minute.
    pub(crate) fn sockudo(bin: &Path) -> Result<Self> {
        let address = net::free_address()?;
        let home = Home::create(address.port())?;
        let file = home.path().join("sockudo.toml");
        let app = Credentials {
            app_id: "1001".into(),
            key: "bench-key".into(),
            secret: "bench-secret".into(),
        };
        fs::write(&file, config_text(address, &app))?;
        let mut command = Command::new(std::path::absolute(bin)?);
        command.arg("--config").arg(&file).env("RUST_LOG", "off");
        let door = Door { address, trust: None };
        Self::started(NAME, door, None, app, Running::spawn(&mut command, home)?)
    }
}

fn config_text(address: SocketAddr, app: &Credentials) -> String {
    let Credentials { app_id, key, secret } = app;
    format!(
        "host = \"{}\"\nport = {}\n{SETTINGS}\n\
         [[app_manager.array.apps]]\nid = {app_id:?}\nkey = {key:?}\nsecret = {secret:?}\n\
         enabled = true\n{APP}",
        address.ip(),
        address.port(),
    )
}

/// What is not the default of its own example, and why: nothing outside the process (`memory`, `local`),
/// nothing counted or limited on the side. The queue of a client has its default length: it is allocated
/// whole for each connection, and with a million places no connection comes about at all. A full one drops
/// messages instead of closing, so that the others are measured to the end.
const SETTINGS: &str = r#"debug = false
mode = "production"

[adapter]
driver = "local"
enable_socket_counting = false

[cache]
driver = "memory"

[queue]
driver = "memory"

[rate_limiter]
enabled = false
driver = "memory"

[metrics]
enabled = false

[presence]
max_members_per_channel = 100000

[websocket]
max_messages = 1000
disconnect_on_buffer_full = false
compression = "disabled"

[delta_compression]
enabled = false

[tag_filtering]
enabled = false

[idempotency]
enabled = false

[event_name_filtering]
enabled = false

[app_manager]
driver = "memory"
"#;

/// Follows the app's credentials.
const APP: &str = "
[app_manager.array.apps.policy.limits]
max_connections = 1000000
max_client_events_per_second = 1000000
max_presence_members_per_channel = 100000

[app_manager.array.apps.policy.features]
enable_client_messages = true
";
