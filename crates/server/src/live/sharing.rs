//! Consoles across nodes: what happens here is passed on to where somebody looks, in groups, and
//! what happens elsewhere comes in.

use std::sync::Arc;
use std::time::Duration;

use bellwire_cluster::Consoles;
use bellwire_live::sharing::{Elsewhere, Said};
use bellwire_protocol::AppId;
use tokio::runtime::Handle;

use super::Live;
use super::consoles::Others;

/// Between two messages of a node.
const EVERY: Duration = Duration::from_millis(100);

impl Live {
    /// There may be other nodes; they know this one by its name. As long as nobody looks there,
    /// nothing is done.
    pub(crate) fn share(&self, me: &str, elsewhere: Arc<dyn Elsewhere>, runtime: &Handle) {
        self.consoles.share(Others { me: me.into(), elsewhere });
        let consoles = Arc::clone(&self.consoles);
        runtime.spawn(async move {
            loop {
                if consoles.pass_on() {
                    tokio::time::sleep(EVERY).await;
                } else {
                    consoles.somebody_elsewhere().await;
                }
            }
        });
    }
}

impl Consoles for Live {
    fn looked_at(&self, app: &AppId, looks: bool) -> bool {
        if !looks {
            self.consoles.leave_elsewhere(app);
            return true;
        }
        let found = self.apps.by_id(app.as_str());
        found.inspect(|app| self.consoles.look_elsewhere(app)).is_some()
    }

    fn hear(&self, app: &AppId, said: Said) {
        self.consoles.hear(app, said);
    }
}
