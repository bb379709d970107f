//! What an endpoint hears and how, as flags.

use bellwire_webhooks::endpoint::Terms;
use bellwire_webhooks::event::{COUNT_CHANGED, Kind};
use clap::builder::PossibleValuesParser;

use super::super::failure::Failure;

/// Flags that set something.
#[derive(clap::Args)]
#[command(next_help_heading = "What it hears, and how")]
pub(super) struct Wishes {
    /// Hear events of this name only; once for each, or with commas between [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = event_names())]
    event: Vec<String>,
    /// Hear only of channels that start so
    #[arg(long, value_name = "TEXT")]
    channel_prefix: Option<String>,
    /// Hear only of channels that end so
    #[arg(long, value_name = "TEXT")]
    channel_suffix: Option<String>,
    /// Send this header with every request; once for each
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Keep trying for so many hours, 1 to 72, with a fresh time in every attempt [default: 290 s]
    #[arg(long, value_name = "HOURS")]
    retry_hours: Option<u8>,
    /// Requests under way at the same time, 1 to 64 [default: 16]
    #[arg(long, value_name = "N")]
    max_in_flight: Option<u8>,
    /// Requests a second at most [default: no limit]
    #[arg(long, value_name = "N")]
    max_per_second: Option<u32>,
    /// A note for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Flags that take something back.
#[derive(clap::Args)]
#[command(next_help_heading = "What it hears no more, or no longer")]
pub(super) struct Clears {
    /// Hear events of every name
    #[arg(long, conflicts_with = "event")]
    no_event: bool,
    /// Hear of channels however they start
    #[arg(long, conflicts_with = "channel_prefix")]
    no_channel_prefix: bool,
    /// Hear of channels however they end
    #[arg(long, conflicts_with = "channel_suffix")]
    no_channel_suffix: bool,
    /// Do not send this header any more; once for each
    #[arg(long, value_name = "NAME")]
    no_header: Vec<String>,
    /// Keep trying for 290 s, as usual
    #[arg(long, conflicts_with = "retry_hours")]
    no_retry_hours: bool,
    /// No limit of requests a second
    #[arg(long, conflicts_with = "max_per_second")]
    no_max_per_second: bool,
    /// No note for people
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
}

impl Wishes {
    /// Changes the terms accordingly; what is not wished for stays.
    pub(super) fn apply(self, terms: &mut Terms) {
        if !self.event.is_empty() {
            terms.events = self.event;
        }
        for (name, value) in self.header {
            forget_header(terms, &name);
            terms.headers.insert(name, value);
        }
        terms.channel_prefix = self.channel_prefix.or(terms.channel_prefix.take());
        terms.channel_suffix = self.channel_suffix.or(terms.channel_suffix.take());
        terms.retry_hours = self.retry_hours.or(terms.retry_hours);
        terms.max_in_flight = self.max_in_flight.unwrap_or(terms.max_in_flight);
        terms.max_per_second = self.max_per_second.or(terms.max_per_second);
        if let Some(description) = self.description {
            terms.description = description;
        }
    }
}

impl Clears {
    /// Takes back what is to be taken back.
    pub(super) fn apply(self, terms: &mut Terms) -> Result<(), Failure> {
        for name in &self.no_header {
            if !forget_header(terms, name) {
                return Err(Failure::not_found(format!("the endpoint sends no header {name:?}")));
            }
        }
        if self.no_event {
            terms.events.clear();
        }
        if self.no_description {
            terms.description.clear();
        }
        terms.channel_prefix = terms.channel_prefix.take().filter(|_| !self.no_channel_prefix);
        terms.channel_suffix = terms.channel_suffix.take().filter(|_| !self.no_channel_suffix);
        terms.retry_hours = terms.retry_hours.filter(|_| !self.no_retry_hours);
        terms.max_per_second = terms.max_per_second.filter(|_| !self.no_max_per_second);
        Ok(())
    }
}

/// Says whether the server would take these terms.
pub(super) fn check(terms: &Terms, require_https: bool) -> Result<(), Failure> {
    terms.check().map_err(Failure::usage)?;
    if require_https && !terms.url.starts_with("https://") {
        let why =
            format!("url: {:?} is not https, as the config file asks (require_https)", terms.url);
        return Err(Failure::usage(why));
    }
    Ok(())
}

/// The names of events, for flags.
pub(super) fn event_names() -> PossibleValuesParser {
    let names = Kind::ALL.iter().map(|kind| kind.name());
    PossibleValuesParser::new(names.chain([COUNT_CHANGED]))
}

/// Pusher's name for an event: the one in the log.
pub(super) fn pushers_name(name: String) -> String {
    if name == COUNT_CHANGED { Kind::SubscriptionCount.name().to_owned() } else { name }
}

/// Names of headers are the same in any case.
fn forget_header(terms: &mut Terms, name: &str) -> bool {
    let before = terms.headers.len();
    terms.headers.retain(|other, _| !other.eq_ignore_ascii_case(name));
    terms.headers.len() < before
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("expected a header like 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        wishes: Wishes,
        #[command(flatten)]
        clears: Clears,
    }

    fn changed(terms: &mut Terms, args: &[&str]) {
        let line = Line::parse_from([&["set"], args].concat());
        line.clears.apply(terms).unwrap();
        line.wishes.apply(terms);
        check(terms, false).unwrap();
    }

    #[test]
    fn what_was_set_can_be_cleared_and_the_rest_stays() {
        let plain = Terms::new("http://a.example/");
        let mut terms = plain.clone();
        let set = [
            "--event=channel_occupied,channel_vacated",
            "--event=subscription_count_changed",
            "--channel-prefix=room-",
            "--channel-suffix=-x",
            "--header=Authorization: Bearer a:b",
            "--retry-hours=72",
            "--max-per-second=5",
            "--description=a note",
        ];
        changed(&mut terms, &set);
        assert_eq!(terms.events.len(), 3);
        assert_eq!(terms.headers["Authorization"], "Bearer a:b");
        changed(&mut terms, &["--header=AUTHORIZATION: other", "--max-in-flight=64"]);
        assert_eq!(terms.headers.len(), 1);
        assert_eq!((terms.retry_hours, terms.max_in_flight), (Some(72), 64));
        let clear = [
            "--no-event",
            "--no-channel-prefix",
            "--no-channel-suffix",
            "--no-header=authorization",
            "--no-retry-hours",
            "--no-max-per-second",
            "--no-description",
            "--max-in-flight=16",
        ];
        changed(&mut terms, &clear);
        assert_eq!(terms, plain);
    }

    #[test]
    fn a_flag_and_its_opposite_do_not_go_together() {
        for pair in [
            ["--event=cache_miss", "--no-event"],
            ["--channel-prefix=a", "--no-channel-prefix"],
            ["--retry-hours=1", "--no-retry-hours"],
            ["--description=a", "--no-description"],
        ] {
            assert!(Line::try_parse_from(["set", pair[0], pair[1]]).is_err(), "{pair:?}");
        }
    }
}
