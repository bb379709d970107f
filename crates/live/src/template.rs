//! What messages have in common that differ only in whom they name.

use crate::line::beginning;

/// Bytes of a message that are looked at, and of its template.
const BYTES: usize = 1_024;
const TEMPLATE_BYTES: usize = 240;
/// Digits of a number that is a limit and not a name.
const LIMIT_DIGITS: usize = 6;
/// Characters of a word; what is longer is no word.
const WORD_CHARS: usize = 40;

/// A message without what only this one says: channels, names, ids, signatures.
pub(crate) fn template(message: &str, channel: Option<&str>) -> String {
    let message = beginning(message, BYTES);
    let message = match channel.filter(|channel| !channel.is_empty()) {
        Some(channel) => message.replace(channel, "…"),
        None => message.to_owned(),
    };
    let mut template = String::new();
    let mut quoted = false;
    for word in message.split_whitespace() {
        let was_quoted = quoted;
        let quotes = word.matches('\'').count() % 2 == 1 && !is_possessive(word);
        quoted ^= quotes;
        let word = if was_quoted || quotes { "…" } else { common(word) };
        if word == "…" && template.ends_with('…') {
            continue;
        }
        if !template.is_empty() {
            template.push(' ');
        }
        template.push_str(word);
    }
    beginning(&template, TEMPLATE_BYTES).to_owned()
}

fn is_possessive(word: &str) -> bool {
    word.ends_with("n't") || word.ends_with("'s")
}

/// The word, if it is one that others would say too.
fn common(word: &str) -> &str {
    let core = word.trim_matches(|c: char| ",.;:!?()[]".contains(c));
    let has_digit = core.bytes().any(|byte| byte.is_ascii_digit());
    let is_limit = core.len() <= LIMIT_DIGITS && core.bytes().all(|byte| byte.is_ascii_digit());
    let is_named = core.contains([':', '{', '}', '"', '\'', '…']) && !core.starts_with("https:");
    let is_name = (has_digit && !is_limit) || is_named || core.chars().count() > WORD_CHARS;
    let is_link = core.starts_with("https://");
    let is_hash = ["SHA256", "MD5", "UTF-8", "HmacSHA256Hex"].contains(&core);
    if is_name && !is_link && !is_hash { "…" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_left_out() {
        let signature = |socket: &str, hex: &str| {
            let text = format!(
                "Invalid signature: Expected HMAC SHA256 hex digest of {socket}:private-a:{{\"id\": \"a \
                 b\"}}, but got {hex}"
            );
            template(&text, Some("private-a"))
        };
        let expected = "Invalid signature: Expected HMAC SHA256 hex digest of … but got …";
        assert_eq!(signature("12.34", "0bad0bad"), expected);
        assert_eq!(signature("5678.9", "ffff0000ffff"), expected);
    }

    #[test]
    fn limits_and_words_stay() {
        for text in [
            "Client event rejected: rate limit of 10 per second exceeded",
            "The data of this client event exceeds the allowed maximum (10240 bytes)",
            "Account over quota",
        ] {
            assert_eq!(template(text, None), text);
        }
        let text = "Auth info required to subscribe to private-chat";
        assert_eq!(template(text, Some("private-chat")), "Auth info required to subscribe to …");
        let text = "Invalid key in subscription auth data: 'my key'";
        assert_eq!(template(text, None), "Invalid key in subscription auth data: …");
        let text = "Timestamp expired: Given timestamp (1700000000) not within 600s";
        assert_eq!(template(text, None), "Timestamp expired: Given timestamp … not within …");
    }

    #[test]
    fn a_template_is_short_whatever_was_said() {
        let long = "word ".repeat(10_000);
        assert!(template(&long, None).len() <= TEMPLATE_BYTES);
        assert_eq!(template(&"x".repeat(10_000), None), "…");
        assert_eq!(template("", Some("")), "");
    }
}
