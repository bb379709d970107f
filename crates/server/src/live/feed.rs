//! The console of an app as server-sent events: whoever reads fetches the news, ten times a second at
//! most, so that those who tell wait for nobody.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bellwire_live::line::{Filter, Line, LogType};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, Sleep, sleep};

use super::consoles::Looking;
use crate::views::line::LogLine;

/// Between two looks at the console.
const LOOK: Duration = Duration::from_millis(100);
/// After so long without a word a comment is sent, so that proxies keep the connection.
const SILENCE: Duration = Duration::from_secs(15);
/// How often it is told what was left out.
const SAMPLED: Duration = Duration::from_secs(1);
/// When the answer ends; readers ask again, and whoever may look no more is refused then.
pub(crate) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Lines from before that a new reader gets.
const RECENT: usize = 100;

/// What one reader sees.
pub(crate) struct Feed {
    looking: Looking,
    filter: Filter,
    /// The line to go on with.
    next_id: u64,
    /// What this reader has not been told of yet.
    sampled: Sampled,
    wake: Pin<Box<Sleep>>,
    started: Instant,
    said: Instant,
    /// What there is to say at once.
    first: Option<String>,
}

/// What a busy app's reader sees and does not see.
struct Sampled {
    /// Lines shown since it was last told.
    shown: u64,
    /// Lines missed because they were gone.
    missed: u64,
    /// What the console had left out when it was last told, by type.
    before: [u64; LogType::ALL.len()],
    told: Instant,
}

impl Feed {
    /// What this reader wants to see, from now on; of those before, only what a console holds that
    /// somebody looks at already.
    pub(crate) fn new(looking: Looking, filter: Filter) -> Self {
        let console = &looking.console;
        let now = Instant::now();
        let next_id = console.next_id();
        let recent = console.recent(RECENT);
        let recent: Vec<&Arc<Line>> =
            recent.iter().filter(|line| line.id < next_id && filter.takes(line)).collect();
        let mut first = event("hello", &json!({ "recent": recent.len() }));
        recent.iter().for_each(|line| first.push_str(&said(line, looking.node())));
        let before = console.left_out();
        let sampled = Sampled { shown: 0, missed: 0, before, told: now };
        let wake = Box::pin(sleep(LOOK));
        let first = Some(first);
        Self { looking, filter, next_id, sampled, wake, started: now, said: now, first }
    }

    /// What is new for this reader; nothing mostly.
    fn news(&mut self, now: Instant) -> String {
        let news = self.looking.console.since(self.next_id);
        self.next_id = news.lines.last().map_or(self.next_id, |line| line.id + 1);
        self.sampled.missed += news.missed;
        let mut out = String::new();
        for line in news.lines.iter().filter(|line| self.filter.takes(line)) {
            self.sampled.shown += 1;
            out.push_str(&said(line, self.looking.node()));
        }
        if now - self.sampled.told >= SAMPLED {
            out.push_str(&self.sampled.tell(self.looking.console.left_out(), now));
        }
        if out.is_empty() && now - self.said >= SILENCE {
            out.push_str(":\n\n");
        }
        out
    }
}

impl Sampled {
    fn tell(&mut self, left_out: [u64; LogType::ALL.len()], now: Instant) -> String {
        let more = left_out.iter().zip(self.before).map(|(now, before)| now - before);
        let types: serde_json::Map<_, _> = LogType::ALL
            .into_iter()
            .zip(more)
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| (kind.name().to_owned(), count.into()))
            .collect();
        let counted: u64 = types.values().filter_map(serde_json::Value::as_u64).sum();
        let (shown, missed) = (std::mem::take(&mut self.shown), std::mem::take(&mut self.missed));
        (self.before, self.told) = (left_out, now);
        if counted + missed == 0 {
            return String::new();
        }
        let told = json!({ "shown": shown, "left_out": counted + missed, "types": types });
        event("sampled", &told)
    }
}

fn said(line: &Line, here: Option<&str>) -> String {
    let text = serde_json::to_string(&LogLine::of(line, here)).unwrap_or_default();
    format!("id: {}\ndata: {text}\n\n", line.id)
}

fn event(name: &str, data: &impl Serialize) -> String {
    let mut text = format!("event: {name}\ndata: ");
    // Writing to a string cannot fail.
    let _ = write!(text, "{}\n\n", serde_json::to_string(data).unwrap_or_default());
    text
}

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first.into()))));
        }
        while self.wake.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now - self.started >= LONGEST || self.looking.app.live().deleted {
                return Poll::Ready(None);
            }
            self.wake.as_mut().reset(now + LOOK);
            let news = self.news(now);
            if !news.is_empty() {
                self.said = now;
                return Poll::Ready(Some(Ok(Frame::data(news.into()))));
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use bellwire_hub::{AppSpec, Apps, Settings};
    use http_body_util::BodyExt as _;

    use super::super::consoles::Consoles;
    use super::*;

    fn looking(consoles: &Arc<Consoles>) -> Looking {
        let apps = Apps::default();
        let spec = AppSpec::new("1".parse().unwrap(), Settings::default(), Vec::new());
        apps.replace(vec![spec]).unwrap();
        consoles.look(apps.by_id("1").unwrap()).unwrap()
    }

    async fn text(feed: &mut Feed) -> String {
        let frame = feed.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_hears_hello_what_was_before_and_what_comes() {
        let consoles = Arc::new(Consoles::default());
        let first = looking(&consoles);
        let add = |text: &str, kind| {
            let console = Arc::clone(&first.console);
            console.add(5_000, kind, || Line::new(kind, 5_000, text));
        };
        add("before", LogType::Presence);
        add("unwanted", LogType::Error);
        let filter = Filter::new(vec![LogType::Presence], "", "");
        let mut feed = Feed::new(looking(&consoles), filter);
        let hello = text(&mut feed).await;
        assert!(hello.starts_with("event: hello\ndata: {\"recent\":1}\n\nid: "), "{hello}");
        assert!(hello.contains("before") && !hello.contains("unwanted"), "{hello}");
        add("after", LogType::Presence);
        let news = text(&mut feed).await;
        assert!(news.contains("\"detail\":\"after\"") && news.ends_with("\n\n"), "{news}");
        assert_eq!(text(&mut feed).await, ":\n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_app_is_sampled_and_says_so() {
        let consoles = Arc::new(Consoles::default());
        let mut feed = Feed::new(looking(&consoles), Filter::default());
        text(&mut feed).await;
        let kind = LogType::ApiMessage;
        for _ in 0..150 {
            feed.looking.console.add(5_000, kind, || Line::new(kind, 5_000, "x"));
        }
        assert_eq!(text(&mut feed).await.matches("data: ").count(), 100);
        let sampled = text(&mut feed).await;
        let expected = r#"{"left_out":50,"shown":100,"types":{"api_message":50}}"#;
        assert_eq!(sampled, format!("event: sampled\ndata: {expected}\n\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_after_a_while() {
        let consoles = Arc::new(Consoles::default());
        let mut feed = Feed::new(looking(&consoles), Filter::default());
        let mut words = 0;
        while feed.frame().await.is_some() {
            words += 1;
        }
        assert!(words > 50, "{words}");
    }
}
