//! `bellwire webhooks show`: a delivery with every attempt, as text or as a curl command that repeats
//! it, or an endpoint.

use std::fmt::Write as _;
use std::str::FromStr;

use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::Batch;
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::ledger::Delivery;
use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, line, note, one_line};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use super::forms;
use crate::moment::{Moment, date, span};
use crate::views::delivery;
use crate::views::webhook::Webhook;

#[derive(clap::Args)]
pub(in super::super) struct Show {
    /// A delivery (msg_…) or an endpoint (ep_…)
    #[arg(value_name = "ID")]
    id: Id,
    /// Print a curl command that repeats the delivery's first request, with every header
    #[arg(long, conflicts_with = "json")]
    curl: bool,
    /// Show the values of the endpoint's own headers too
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

/// What can be shown.
#[derive(Debug, Clone)]
enum Id {
    Delivery(BatchId),
    Endpoint(EndpointId),
}

impl FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a delivery, msg_ and 16 hex digits, or an endpoint, ep_…";
        let endpoint = || text.parse().map(Self::Endpoint);
        text.parse().map(Self::Delivery).or_else(|_| endpoint()).map_err(|_| expected)
    }
}

impl Show {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        match self.id {
            Id::Endpoint(_) if self.curl => {
                Err(Failure::usage("--curl repeats a delivery: expected msg_ and 16 hex digits"))
            }
            Id::Endpoint(id) => {
                let endpoint = desk.endpoint(&id)?;
                self.output.show(&json!(Webhook::of(&endpoint)), forms::endpoint_table(&endpoint))
            }
            Id::Delivery(id) => {
                let found = desk.store()?.delivery(id)?;
                let (delivery, attempts) = found.ok_or_else(|| desk.no_delivery(id))?;
                let url = desk.endpoint(&delivery.batch.endpoint)?.terms.url;
                if self.curl {
                    return line(&curl(&url, &delivery.batch, &attempts));
                }
                let json = forms::detail(&delivery, &attempts, self.reveal);
                self.output.show(&json, text(&url, &delivery, &attempts, self.reveal))
            }
        }
    }
}

/// A delivery for people.
fn text(url: &str, delivery: &Delivery, attempts: &[Attempt], reveal: bool) -> String {
    let mut text = format!("{}\n", head(url, delivery));
    let sent = attempts.last().map_or("", |attempt| attempt.answer.request_head.trim_end());
    let sent = delivery::head(sent, reveal);
    for line in sent.lines() {
        let _ = writeln!(text, "{}", one_line(line));
    }
    if !sent.is_empty() {
        text.push('\n');
    }
    for line in pretty(&delivery.batch).lines() {
        let _ = writeln!(text, "{}", one_line(line));
    }
    for attempt in attempts {
        write_attempt(&mut text, attempt);
    }
    text
}

fn head(url: &str, delivery: &Delivery) -> Table {
    let batch = &delivery.batch;
    let mut table = Table::default();
    table.row(["delivery", &batch.id.to_string()]);
    table.row(["app", batch.app.as_str()]);
    table.row(["endpoint", &format!("{} {url}", batch.endpoint)]);
    table.row(["created", &Moment(batch.time_ms).to_string()]);
    table.row(["status", &status(delivery)]);
    if let (Some(first), Some(last)) = (batch.seqs.first(), batch.seqs.last()) {
        let sequence = if first == last { last.to_string() } else { format!("{first} to {last}") };
        let follows = match batch.previous {
            0 => String::new(),
            previous => format!(", follows {previous}"),
        };
        table.row(["sequence", &format!("{sequence}{follows}")]);
    }
    if let Some(gap) = batch.gap {
        table.row(["gap before it", &forms::gap_text(gap)]);
    }
    if let Some(replay) = batch.replay {
        table.row(["replay", &replay.to_string()]);
    }
    if let Some(parent) = batch.parent {
        table
            .row([if batch.replay.is_some() { "repeats" } else { "half of" }, &parent.to_string()]);
    }
    table
}

fn status(delivery: &Delivery) -> String {
    let word = delivery::status(delivery.status);
    let attempts = match delivery.attempts {
        0 => "not sent yet".into(),
        1 => "1 attempt".into(),
        n => format!("{n} attempts"),
    };
    match delivery.ended_at_ms {
        Some(at_ms) => format!("{word} {}, {attempts}", date(at_ms)),
        None => format!("{word}, {attempts}, tried until {}", date(delivery.batch.deadline_ms)),
    }
}

/// The body with an event a line. Nothing of it is read, so it is what receivers got.
fn pretty(batch: &Batch) -> String {
    let events: Vec<&str> = batch.bodies().iter().map(|body| body.get()).collect();
    format!("{{\"time_ms\":{},\"events\":[\n  {}\n]}}", batch.time_ms, events.join(",\n  "))
}

fn write_attempt(text: &mut String, attempt: &Attempt) {
    let answer = &attempt.answer;
    let took = span(u64::from(answer.duration_ms));
    let _ = write!(
        text,
        "\nattempt {}  {}  {} after {took}",
        attempt.number,
        Moment(attempt.at_ms),
        forms::result(attempt),
    );
    if let Some(remote) = &answer.remote {
        let _ = write!(text, "  from {}", one_line(remote));
    }
    if let Some(rest_ms) = answer.retry_after_ms {
        let _ = write!(text, "  asks for a rest of {}", span(rest_ms));
    }
    text.push('\n');
    for line in answer.detail.lines().chain(answer.body.lines()) {
        let _ = writeln!(text, "  {}", one_line(line));
    }
}

/// A command that sends the first request again: of an endpoint with `retry_hours`, later ones had
/// another time in the body, which their signatures belong to.
fn curl(url: &str, batch: &Batch, attempts: &[Attempt]) -> String {
    let first = attempts.first().filter(|attempt| attempt.number == 1);
    let head = first.map_or("", |attempt| attempt.answer.request_head.as_str());
    let mut headers: Vec<&str> = head.lines().skip(1).filter(|line| !is_curls_own(line)).collect();
    if headers.is_empty() {
        note(
            "it has not been sent yet, or its first attempt is not known: the signatures are missing",
        );
        headers.push("Content-Type: application/json");
    }
    let mut command = format!("curl --include --request POST {}", quoted(url));
    for header in headers {
        let _ = write!(command, " \\\n  --header {}", quoted(header.trim()));
    }
    let _ = write!(command, " \\\n  --data-binary {}", quoted(&batch.body(batch.time_ms)));
    command
}

/// Headers that belong to a connection.
fn is_curls_own(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    name.is_empty() || matches!(name.as_str(), "host" | "content-length" | "connection")
}

/// Text as one word of a shell's command line. Control characters, which could steer a terminal, are
/// written in the way that bash, zsh and ksh read.
fn quoted(text: &str) -> String {
    if !text.contains(char::is_control) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(word, "\\{byte:03o}");
                }
            }
            c => word.push(c),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use bellwire_webhooks::attempt::Answer;

    use super::*;

    fn batch(events: &str) -> Batch {
        Batch {
            id: BatchId::of(1),
            app: "1".parse().unwrap(),
            endpoint: "ep_1".parse().unwrap(),
            lane: 0,
            time_ms: 1_000,
            events: events.into(),
            seqs: vec![7, 9],
            previous: 3,
            gap: None,
            deadline_ms: 291_000,
            replay: None,
            parent: None,
        }
    }

    fn attempt(number: u32, head: &str) -> Attempt {
        let answer = Answer { request_head: head.into(), ..Answer::default() };
        Attempt { batch: BatchId::of(1), number, at_ms: 2_000, answer }
    }

    #[test]
    fn the_shell_gets_every_byte_back() {
        for text in ["plain", "it's \"that\"", "$HOME `x` \\n", "tab\tbell\u{7}csi\u{9b}31m'\\"] {
            let print = format!("printf %s {}", quoted(text));
            let printed = Command::new("bash").args(["-c", &print]).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), text);
            assert!(!quoted(text).contains(char::is_control));
        }
    }

    #[test]
    fn the_command_repeats_the_first_request_without_what_is_curls_own() {
        let head =
            "POST /hook HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nX-Pusher-Key: k\r\n";
        let attempts = [attempt(1, head), attempt(2, "POST /hook HTTP/1.1\r\nX-Pusher-Key: late")];
        let command =
            curl("http://a.example/hook?a=1&b=2", &batch("[{\"name\":\"x\"}]"), &attempts);
        assert_eq!(
            command,
            "curl --include --request POST 'http://a.example/hook?a=1&b=2' \\\n  \
             --header 'X-Pusher-Key: k' \\\n  \
             --data-binary '{\"time_ms\":1000,\"events\":[{\"name\":\"x\"}]}'"
        );
    }

    #[test]
    fn a_delivery_is_shown_with_its_events_a_line_each_and_text_of_others_tamed() {
        let mut attempt = attempt(1, "POST / HTTP/1.1\r\nHost: a.example\r\n");
        attempt.answer.body = "no\u{1b}[31m".into();
        attempt.answer.detail = "the answer is no 2xx".into();
        attempt.answer.status = Some(503);
        let batch = batch(r#"[{"name":"b","channel":"x"},{"name":"a","channel":"x"}]"#);
        let status = bellwire_webhooks::ledger::DeliveryStatus::Pending;
        let delivery =
            Delivery { batch, status, ended_at_ms: None, attempts: 1, last: Some(attempt.clone()) };
        let shown = text("http://a.example/", &delivery, &[attempt], false);
        for part in [
            "sequence  7 to 9, follows 3\n",
            "POST / HTTP/1.1\nHost: a.example\n\n",
            "{\"time_ms\":1000,\"events\":[\n  {\"name\":\"b\",\"channel\":\"x\"},\n  {\"name\":\"a\"",
            "attempt 1  1970-01-01T00:00:02.000Z  503 after 0 ms\n",
            "  the answer is no 2xx\n  no\\u{1b}[31m\n",
        ] {
            assert!(shown.contains(part), "{part:?} is not in: {shown}");
        }
    }

    #[test]
    fn an_id_says_what_it_names() {
        assert!(matches!("msg_0000000000000001".parse(), Ok(Id::Delivery(_))));
        assert!(matches!("ep_1".parse(), Ok(Id::Endpoint(_))));
        assert!("rpl_0000000000000001".parse::<Id>().is_err());
    }
}
