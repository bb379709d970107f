//! What a command prints: text for people, or with `--json` one JSON value for programs. Notes that
//! are no result go to stderr.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write as _;

use serde_json::Value;

use super::failure::Failure;

/// The form of the output.
#[derive(Clone, Copy, clap::Args)]
pub(super) struct Output {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Whether programs read it.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result in the form that was asked for.
    pub(super) fn show(self, json: &Value, text: impl Display) -> Result<(), Failure> {
        if self.json { line(&json.to_string()) } else { line(text.to_string().trim_end()) }
    }
}

/// Prints one line, or nothing of nothing.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}\n").as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::unwritten(&error))
}

/// Says something that is not the result.
pub(super) fn note(text: impl Display) {
    eprintln!("{text}");
}

/// Text that others wrote, as one line that cannot steer a terminal.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_a_terminal_or_break_a_line() {
        assert_eq!(one_line("grüße, {\"a\":1}"), "grüße, {\"a\":1}");
        assert_eq!(one_line("a\nb\u{1b}[31m\u{9b}"), "a\\nb\\u{1b}[31m\\u{9b}");
    }
}
