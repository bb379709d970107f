//! Fault 10: what nobody may read is in no log and in no request.

use bellwire_testkit::{Answer, Config, DeadPort, Receiver, Webhook};
use serde_json::json;

use super::stage::{HOOK, SHORT_GRACE, Stage, app, mark};

const SIGNING: &str = "whsec_c2VjcmV0LW9mLXRoZS1lbmRwb2ludC0wMTIzNDU2Nzg=";

// contract: 16.2
// webhooks: fault 10
#[test]
fn secrets_data_and_headers_are_in_no_log_and_secrets_in_no_request() {
    let receiver = Receiver::start();
    let dead = DeadPort::take();
    let app = app()
        .webhook(
            Webhook::to(&receiver.url(HOOK))
                .secret(SIGNING)
                .header("Authorization", "Bearer h1dden-header"),
        )
        .webhook(Webhook::to(&dead.url("/")).secret(SIGNING).header("X-Token", "h1dden-header"));
    let config = Config::with(app).setting("log = \"trace\"");
    let mut stage = Stage::over(receiver, config, &[SHORT_GRACE]);
    stage.hook.then(Answer::status(500).body("h1dden-answer")).then(Answer::reset());
    let mut client = stage.member("ann", &["presence-a"]);
    client.trigger("presence-a", "client-x", &json!("h1dden-payload"));
    mark(&stage.hook, &mut client, "presence-a");
    let requests = stage.hook.requests();
    drop(client);
    stage.server.terminate();
    stage.server.wait();
    let log = stage.server.stderr();
    assert!(log.contains("webhook"), "the log at trace says nothing of webhooks");
    let signature = requests[0].signature();
    let encoded = SIGNING.trim_start_matches("whsec_");
    for hidden in ["secret-1", encoded, "secret-of-the-endpoint", signature, "h1dden-"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    for request in requests {
        let head = String::from_utf8_lossy(&request.head).into_owned();
        for hidden in ["secret-1", encoded, "secret-of-the-endpoint"] {
            assert!(!head.contains(hidden), "{hidden} is in {head}");
            assert!(!request.text().contains(hidden), "{hidden} is in {request}");
        }
    }
}
