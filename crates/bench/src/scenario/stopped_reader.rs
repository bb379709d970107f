//! Many readers on one channel, one of which stops reading while large events come as fast as the API
//! accepts them. The server must close that one, and the others must get every event, all in the same
//! order, and the events of one publisher in the order they were sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::cli::TargetArgs;
use crate::client::Client;
use crate::progress;
use crate::report::{Column, Figure, Report, figure};
use crate::scenario::load_channel;
use crate::scenario::meter::{Meter, Used};
use crate::scenario::payload::{self, Reader};
use crate::scenario::saturate::Counters;
use crate::sign::Event;
use crate::socket::{Answer, Closing, Hearer};
use crate::target::Target;

/// Options of `stopped-reader`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server.
    #[command(flatten)]
    target: TargetArgs,
    /// How many connections listen, the one that stops among them.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// How many events.
    #[arg(long, default_value_t = 20_000)]
    events: u32,
    /// Size of an event's data.
    #[arg(long, default_value_t = 1000)]
    bytes: usize,
    /// Keep-alive connections that publish.
    #[arg(long, default_value_t = 8)]
    publishers: usize,
    /// Events in each request (up to 10).
    #[arg(long, default_value_t = 1)]
    batch: u32,
    /// Requests per second; 0: as fast as they are accepted.
    #[arg(long, default_value_t = 0)]
    rate: u32,
}

/// # Errors
/// When the server cannot be driven or measured.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let target = Target::from_args(&options.target)?;
    let (mut client, channel) = (Client::new()?, load_channel());
    client.open_all(&target.endpoint(), options.subscribers, |_| channel.clone())?;
    client.add_publishers(&target.api, options.publishers)?;
    client.stop_reading(STOPPED)?;
    progress("signing");
    let requests = requests(options, &target);
    progress("publishing");
    let rss_before = target.memory()?;
    let (counters, meter) = (Counters::read(&target), Meter::start(&target)?);
    let order = press(&mut client, options, &requests)?;
    let (used, counted) = (meter.stop()?, Counters::read(&target).since(&counters));
    let rss_after = target.memory()?;
    progress("reading the stopped one to its end");
    let closed = client.drain_stopped(STOPPED, Duration::from_secs(5));
    let mut figures = figures(&order, &used);
    let grown = rss_before
        .zip(rss_after)
        .map(|(before, after)| (after.rss as f64 - before.rss as f64) / 1e6);
    figures.push(figure("rss_grown_mb", "server's memory grew by", "MB", grown));
    figures.extend(counted.figures());
    let title = format!(
        "stopped-reader: {} subscribers, {} events of {} bytes, {} publishers",
        options.subscribers, options.events, options.bytes, options.publishers
    );
    let columns = vec![Column { name: target.name, figures }];
    let mut report = Report { title, columns, ..Report::default() };
    report.check(closed, "the one that stopped reading was closed");
    judge(&mut report, &order, options);
    Ok(report)
}

fn figures(order: &Order, used: &Used) -> Vec<Figure> {
    let per_second = order.delivered as f64 / used.took.as_secs_f64();
    let server_cpu = used.server_us_each(order.delivered);
    vec![
        figure("delivered", "deliveries", "", order.delivered as f64),
        figure("deliveries_per_s", "deliveries", "/s", per_second),
        figure("server_cpu_us", "server CPU per delivery", "µs", server_cpu),
        figure("others_percent", "others on the machine", "%", used.others_percent),
    ]
}

fn judge(report: &mut Report, order: &Order, options: &Options) {
    let others = options.subscribers - 1;
    let complete = order.places.iter().skip(1).filter(|&&place| place == options.events as usize);
    let complete = complete.count();
    report.check(
        complete == others,
        format!("{complete} of {others} others received all {} events", options.events),
    );
    report.check(
        order.out_of_order == 0,
        format!("{} deliveries out of the common order", order.out_of_order),
    );
    report.check(order.keeps_publishers_order(), "events of each publisher came as it sent them");
    report.check(
        order.closings.is_empty(),
        format!("{} others closed {:?}", order.closings.len(), order.closings.first()),
    );
    report.check(order.refused.is_none(), format!("refused publishes: {:?}", order.refused));
}

/// Every request, signed, with the number of its first event.
fn requests(options: &Options, target: &Target) -> VecDeque<(u32, Vec<u8>)> {
    let (channel, batch) = (load_channel(), options.batch.max(1));
    let firsts = (0..options.events).step_by(batch as usize);
    firsts
        .map(|first| {
            let last = (first + batch).min(options.events);
            let data: Vec<String> =
                (first..last).map(|number| payload::data(number, options.bytes)).collect();
            let events: Vec<Event<'_>> =
                data.iter().map(|data| Event { channel: &channel, data }).collect();
            (first, target.credentials.publish(target.address, &events))
        })
        .collect()
}

/// Publishes all, then waits until the others have all or nothing moves.
fn press(
    client: &mut Client,
    options: &Options,
    requests: &VecDeque<(u32, Vec<u8>)>,
) -> Result<Order> {
    let mut order = Order::new(options);
    let mut waiting = requests.iter();
    let mut due = Instant::now();
    let pause = Duration::from_secs(1).checked_div(options.rate).unwrap_or_default();
    let wanted = u64::from(options.events) * (options.subscribers as u64 - 1);
    loop {
        while due <= Instant::now()
            && let Some(publisher) = client.free_publisher()
            && let Some((first, request)) = waiting.next()
        {
            due += pause;
            for number in *first..(first + options.batch.max(1)).min(options.events) {
                order.sender[number as usize] = publisher;
            }
            client.publish(publisher, request)?;
        }
        let done = order.delivered >= wanted && order.answered == requests.len();
        if done || order.moved.elapsed() > PATIENCE {
            return Ok(order);
        }
        if due > Instant::now() {
            client.wake_at(due)?;
        }
        client.turn(Duration::from_millis(100), &mut order)?;
    }
}

/// The one order in which all must receive. Whoever is ahead extends it; all others are held to it.
struct Order {
    /// Finds sequence numbers.
    reader: Reader,
    /// Which publisher sent each event.
    sender: Vec<usize>,
    /// Events as they came to the reader that is ahead.
    common: Vec<u32>,
    /// How many each connection has received.
    places: Vec<usize>,
    /// Deliveries that differ from the common order.
    out_of_order: u64,
    /// Deliveries in all.
    delivered: u64,
    /// Publishes answered.
    answered: usize,
    /// The first status other than 200.
    refused: Option<u16>,
    /// Connections that closed.
    closings: Vec<Closing>,
    /// When something last arrived.
    moved: Instant,
}

impl Order {
    fn new(options: &Options) -> Self {
        Self {
            reader: Reader::default(),
            sender: vec![0; options.events as usize],
            common: Vec::with_capacity(options.events as usize),
            places: vec![0; options.subscribers],
            out_of_order: 0,
            delivered: 0,
            answered: 0,
            refused: None,
            closings: Vec::new(),
            moved: Instant::now(),
        }
    }

    /// Each publisher waits for an answer before its next, so its events must come in rising order.
    fn keeps_publishers_order(&self) -> bool {
        let mut last = vec![None; self.sender.iter().max().map_or(0, |max| max + 1)];
        self.common.iter().all(|&number| {
            let Some(&sender) = self.sender.get(number as usize) else {
                return false;
            };
            let before = last[sender].replace(number);
            before < Some(number)
        })
    }
}

impl Hearer for Order {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        let Some(number) = self.reader.sequence(payload) else { return };
        let place = &mut self.places[socket];
        match self.common.get(*place) {
            Some(expected) => self.out_of_order += u64::from(*expected != number),
            None => self.common.push(number),
        }
        *place += 1;
        self.delivered += 1;
        self.moved = at;
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.closings.push(closing);
    }

    fn answered(&mut self, answer: Answer) {
        self.answered += 1;
        self.moved = answer.at;
        if answer.status != 200 {
            self.refused.get_or_insert(answer.status);
        }
    }
}

/// Which connection stops.
const STOPPED: usize = 0;
/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);
