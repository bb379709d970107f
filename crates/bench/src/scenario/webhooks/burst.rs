//! Many channels that come and go as fast as the server goes.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Options;
use crate::client::Client;
use crate::metrics::Buckets;
use crate::receiver::{Receiver, Tally};
use crate::report::{Figure, Report, figure};
use crate::scenario::churn::Churn;
use crate::scenario::load_channel;
use crate::scenario::meter::{Meter, Used};
use crate::scenario::stage::Stage;
use crate::target::Target;

/// What came of it.
pub(super) struct Burst {
    /// Events that each run of these channels makes, endpoint by endpoint.
    wanted: u64,
    /// What the endpoints heard.
    tally: Tally,
    /// From the first POST to the last.
    span: Duration,
    /// From the first subscription until the server had taken every word.
    load: Duration,
    /// From the first subscription to the last POST.
    whole: Option<Duration>,
    /// Transactions of webhooks.
    commits: Option<Buckets>,
    /// CPU, from the first subscription until all was over.
    used: Used,
}

/// # Errors
/// When the server cannot be driven or measured.
pub(super) fn run(options: &Options, stage: &Stage, report: &mut Report) -> Result<Burst> {
    let (mut client, channel) = (Client::new()?, load_channel());
    let endpoint = stage.target.endpoint();
    client.open_all(&endpoint, options.connections, |_| Rc::clone(&channel))?;
    let commits_before = commits(&stage.target);
    let mut churn = Churn::new(&client, 0..options.channels, options.ahead);
    let (meter, began) = (Meter::start(&stage.target)?, Instant::now());
    churn.press_below(&mut client, || limit(options, &stage.receiver))?;
    let load = began.elapsed();
    let expected = 2 * u64::from(options.channels);
    await_events(&mut churn, &mut client, &stage.receiver, expected)?;
    let used = meter.stop()?;
    // What comes twice may come a little later.
    let late = Instant::now() + LATE;
    churn.wait(&mut client, || Instant::now() < late)?;
    let name = &stage.target.name;
    churn.check(report, name, options.channels.into());
    check(report, name, options, &stage.receiver);
    let heard = stage.receiver.heard();
    Ok(Burst {
        wanted: expected * options.endpoints.max(1) as u64,
        tally: heard.total(),
        span: heard.span(),
        load,
        whole: heard.last().map(|last| last.saturating_duration_since(began)),
        commits: commits(&stage.target).zip(commits_before).map(|(now, then)| now.since(&then)),
        used,
    })
}

/// The server's histogram of its transactions.
pub(super) fn commits(target: &Target) -> Option<Buckets> {
    Some(target.metrics()?.buckets("bellwire_webhook_commit_seconds"))
}

/// How far the load may go while the receiver is where it is.
fn limit(options: &Options, receiver: &Receiver) -> u32 {
    if options.outstanding == 0 {
        return u32::MAX;
    }
    let told = receiver.heard().each().map(|tally| tally.vacated).min();
    let told = told.map_or(u32::MAX, |told| u32::try_from(told).unwrap_or(u32::MAX));
    told.saturating_add(options.outstanding)
}

/// Waits until every endpoint has heard so many events, or none hears anything more.
///
/// # Errors
/// When the poll fails.
pub(in crate::scenario) fn await_events(
    churn: &mut Churn,
    client: &mut Client,
    receiver: &Receiver,
    each: u64,
) -> Result<()> {
    let mut before = receiver.heard().total();
    let mut moved = Instant::now();
    churn.wait(client, || {
        let heard = receiver.heard();
        let (total, is_short) = (heard.total(), heard.each().any(|tally| tally.events() < each));
        if total != before {
            (before, moved) = (total, Instant::now());
        }
        is_short && moved.elapsed() < PATIENCE
    })
}

fn check(report: &mut Report, name: &str, options: &Options, receiver: &Receiver) {
    let heard = receiver.heard();
    let channels = u64::from(options.channels);
    for (number, tally) in heard.each().enumerate() {
        let (occupied, vacated) = (tally.occupied, tally.vacated);
        let are_all = occupied == channels || options.outstanding == 0;
        report.check(
            are_all && vacated == occupied,
            format!("{name}: endpoint {number} heard {occupied} occupied, {vacated} vacated"),
        );
        check_clean(report, name, number, &tally);
        if options.no_batching {
            report.check(tally.largest <= 1, format!("{name}: one event in each POST"));
        }
    }
}

/// Nothing twice, nothing out of turn, nothing lost on the way.
pub(in crate::scenario) fn check_clean(
    report: &mut Report,
    name: &str,
    number: usize,
    tally: &Tally,
) {
    let Tally { again, out_of_turn, gaps, malformed, .. } = tally;
    report.check(
        tally.is_clean(),
        format!(
            "{name}: endpoint {number} heard {again} POSTs again, {out_of_turn} events out of \
             turn, {gaps} gaps, {malformed} malformed"
        ),
    );
}

impl Burst {
    /// The server's CPU for each event that was to be delivered, whoever listened.
    pub(super) fn server_us(&self) -> Option<f64> {
        self.used.server_us_each(self.wanted)
    }
}

/// The same rows for every column; `own_us` is what webhooks alone have cost.
pub(super) fn figures(burst: Option<&Burst>, own_us: Option<f64>) -> Vec<Figure> {
    let told = burst.filter(|burst| burst.tally.posts > 0);
    let of = |value: fn(&Burst) -> f64| told.map(value);
    let commits = told.and_then(|burst| burst.commits.as_ref());
    let commit = |share| commits.and_then(|commits| commits.percentile_ms(share));
    let whole = told.and_then(|burst| burst.whole).map(|whole| whole.as_secs_f64());
    let load = burst.map(|burst| burst.load.as_secs_f64());
    let waited = burst.and_then(|burst| burst.used.server_waited_ms());
    let others = burst.and_then(|burst| burst.used.others_percent);
    vec![
        figure("load_s", "subscribing and leaving took", "s", load),
        figure("whole_s", "to the last POST", "s", whole),
        figure("passed_over", "channels never told", "", of(passed_over)),
        figure("events", "events delivered", "", of(|burst| burst.tally.events() as f64)),
        figure("events_per_s", "durable events, first to last POST", "/s", of(events_per_s)),
        figure("posts", "POSTs", "", of(|burst| burst.tally.posts as f64)),
        figure("batch_mean", "events in a POST, mean", "", of(batch_mean)),
        figure("batch_max", "events in a POST, most", "", of(|burst| burst.tally.largest as f64)),
        figure("commits", "transactions", "", commits.map(Buckets::count)),
        figure("commit_p50_ms", "transaction p50 (of buckets)", "ms", commit(0.5)),
        figure("commit_p99_ms", "transaction p99 (of buckets)", "ms", commit(0.99)),
        figure("server_cpu_us", "server CPU per event", "µs", burst.and_then(Burst::server_us)),
        figure("own_cpu_us", "of it webhooks", "µs", own_us),
        figure("server_waited_ms", "server waited for a CPU", "ms", waited),
        figure("others_percent", "others on the machine", "%", others),
    ]
}

fn passed_over(burst: &Burst) -> f64 {
    (burst.wanted / 2).saturating_sub(burst.tally.occupied) as f64
}

fn events_per_s(burst: &Burst) -> f64 {
    burst.tally.events() as f64 / burst.span.as_secs_f64().max(1e-9)
}

fn batch_mean(burst: &Burst) -> f64 {
    (burst.tally.events() + burst.tally.others) as f64 / burst.tally.posts.max(1) as f64
}

/// How long no event may arrive before the rest counts as lost: longer than one time-out of the
/// server and the pause after it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How much longer a second delivery is waited for.
const LATE: Duration = Duration::from_millis(300);
