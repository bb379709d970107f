//! `bellwire listen`: a webhook receiver for tries. It prints every POST, checks its signatures, its
//! age and its place, and answers as it is told to.

mod check;
mod journal;
mod post;
mod report;
mod secrets;
mod serving;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bellwire_protocol::AppSecret;
use bellwire_webhooks::secret::key_of;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use super::output::{Output, note};
use super::place::{Place, apart};
use crate::moment::span_ms;
use secrets::Secrets;
use serving::{Receiver, Script};

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Listen {
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// The address; 0.0.0.0 lets other machines in
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    address: IpAddr,
    /// A key and its secret, for X-Pusher-Signature; once for each [default: those of --data-dir or
    /// --config]
    #[arg(long, value_name = "KEY=SECRET", value_parser = app_secret)]
    app_secret: Vec<(String, AppSecret)>,
    /// A secret of an endpoint, for Webhook-Signature; once for each [default: those of --data-dir or
    /// --config]
    #[arg(long, value_name = "WHSEC", value_parser = key_of)]
    signing_secret: Vec<Vec<u8>>,
    /// Answer with this status instead of 204
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..=599))]
    status: Option<u16>,
    /// Answer so only the first N requests, the later ones with 204
    #[arg(long, value_name = "N", requires = "status")]
    first: Option<u64>,
    /// Answer so late, like 500ms or 2s
    #[arg(long, value_name = "TIME", value_parser = delay)]
    delay: Option<Duration>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

const EXAMPLES: &str = "\
Signs: ✓ right, ✗ wrong, – not checked. A POST whose Webhook-Id was accepted before is a DUPLICATE; one
that follows a sequence that never came says what is missing.

Examples:
  bellwire listen                              on port 9000, with the secrets of a server in this folder
  bellwire listen --status 503 --first 3       three failures: watch the same webhook come again
  bellwire listen --delay 11s                  too late: the server waits for 10 s
  bellwire listen --app-secret KEY=SECRET      for a server elsewhere";

impl Listen {
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)?;
        runtime.block_on(self.live())
    }

    async fn live(self) -> Result<(), Failure> {
        let wanted = SocketAddr::new(self.address, self.port);
        let listener = TcpListener::bind(wanted).await.map_err(|error| {
            Failure::failed(format!("cannot listen on {wanted}: {error}"))
                .hint("--port takes another port, --address another address")
        })?;
        let address = listener.local_addr().map_err(anyhow::Error::from)?;
        let url = format!("http://{}/", reachable(address));
        let app = only_app(&self.place)?;
        let flags = self.place.flags();
        let given: HashMap<_, _> = self.app_secret.into_iter().collect();
        let secrets = Secrets::new(given, self.signing_secret, self.place)?;
        let script = Script { status: self.status, first: self.first, delay: self.delay };
        let (receiver, mut broken) = Receiver::new(secrets, script, self.output);
        let [mut interrupt, mut terminate] = [SignalKind::interrupt(), SignalKind::terminate()]
            .map(|kind| signal(kind).map_err(anyhow::Error::from));
        let (interrupt, terminate) = (as_mut(&mut interrupt)?, as_mut(&mut terminate)?);
        note(format!("listening on {url} until Ctrl-C"));
        note(format!("to add it: bellwire webhooks add {app} {url}{flags}"));
        tokio::select! {
            () = receiver.serve(listener) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            failure = broken.recv() => return failure.map_or(Ok(()), Err),
        }
        note(receiver.summary());
        Ok(())
    }
}

fn as_mut<T>(result: &mut Result<T, anyhow::Error>) -> Result<&mut T, Failure> {
    result.as_mut().map_err(|error| Failure::failed(format!("{error:#}")))
}

/// An address that can be dialled on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The app that is meant where there is only one.
fn only_app(place: &Place) -> Result<String, Failure> {
    let apps = apart(|| place.look()?.apps())?;
    Ok(match &apps[..] {
        [only] => only.spec.id.to_string(),
        _ => "APP_ID".into(),
    })
}

fn app_secret(text: &str) -> Result<(String, AppSecret), String> {
    let (key, secret) = text.split_once('=').ok_or("expected KEY=SECRET")?;
    let secret = secret.parse().map_err(|error| format!("{error}"))?;
    Ok((key.to_owned(), secret))
}

fn delay(text: &str) -> Result<Duration, &'static str> {
    span_ms(text).map(Duration::from_millis).ok_or("expected a time like 500ms or 2s")
}
