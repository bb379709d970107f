//! JSON that is passed on rather than understood: string literals spliced as they came, values
//! compacted without reading their numbers.

use std::borrow::Cow;

use memchr::memchr;
use serde_json::value::RawValue;

/// A JSON string literal, quotes included, exactly as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonStr<'a>(Cow<'a, str>);

impl<'a> JsonStr<'a> {
    /// The literal, if the value is a string.
    #[must_use]
    pub fn from_raw(raw: &'a RawValue) -> Option<Self> {
        raw.get().starts_with('"').then(|| Self(Cow::Borrowed(raw.get())))
    }

    /// The literal of a text.
    #[must_use]
    pub fn encode(text: &str) -> JsonStr<'static> {
        // Room for an escape here and there; JSON within JSON has many.
        let mut literal = Vec::with_capacity(text.len() + text.len() / 4 + 2);
        push_string(&mut literal, text);
        JsonStr(Cow::Owned(into_text(literal)))
    }

    /// The literal, quotes included.
    #[must_use]
    pub fn literal(&self) -> &str {
        &self.0
    }

    /// The text that the literal stands for; borrowed when nothing is escaped. A lone surrogate
    /// becomes U+FFFD.
    #[must_use]
    pub fn decode(&self) -> Cow<'_, str> {
        let inner = &self.0[1..self.0.len() - 1];
        if !has_escapes(inner) {
            return Cow::Borrowed(inner);
        }
        match serde_json::from_str::<String>(&self.0) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Owned(decode_with_lone_surrogates(inner)),
        }
    }

    /// The text that the literal stands for, borrowed from where it came if nothing is escaped.
    #[must_use]
    pub fn into_text(self) -> Cow<'a, str> {
        match &self.0 {
            Cow::Borrowed(literal) if !has_escapes(literal) => {
                Cow::Borrowed(&literal[1..literal.len() - 1])
            }
            _ => Cow::Owned(self.decode().into_owned()),
        }
    }

    /// Whether the text that the literal stands for has more UTF-8 bytes than this.
    #[must_use]
    pub fn is_longer_than(&self, bytes: usize) -> bool {
        // No text is longer than its literal.
        self.0.len() - 2 > bytes && self.decoded_len() > bytes
    }

    /// UTF-8 bytes of the text that the literal stands for, without decoding it.
    #[must_use]
    pub fn decoded_len(&self) -> usize {
        let inner = &self.0.as_bytes()[1..self.0.len() - 1];
        let mut len = inner.len();
        let mut at = 0;
        while let Some(step) = memchr(b'\\', &inner[at..]) {
            at += step;
            let (source, decoded) = escape_sizes(&inner[at..]);
            len = len - source + decoded;
            at += source;
        }
        len
    }
}

fn has_escapes(literal: &str) -> bool {
    memchr(b'\\', literal.as_bytes()).is_some()
}

/// Bytes that the escape at the start takes, and UTF-8 bytes that it stands for.
fn escape_sizes(escape: &[u8]) -> (usize, usize) {
    if escape.get(1) != Some(&b'u') {
        return (2, 1);
    }
    match hex4(escape.get(2..6)) {
        0..0x80 => (6, 1),
        0x80..0x800 => (6, 2),
        0xD800..0xDC00 if escape.get(6..8) == Some(b"\\u") => match hex4(escape.get(8..12)) {
            0xDC00..0xE000 => (12, 4),
            _ => (6, 3),
        },
        _ => (6, 3),
    }
}

fn hex4(digits: Option<&[u8]>) -> u32 {
    digits
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0xFFFD)
}

fn decode_with_lone_surrogates(inner: &str) -> String {
    let mut repaired = String::with_capacity(inner.len() + 2);
    let mut at = 0;
    while let Some(step) = inner[at..].find('\\') {
        repaired.push_str(&inner[at..at + step]);
        at += step;
        let escape = &inner.as_bytes()[at..];
        let (source, _) = escape_sizes(escape);
        let lone = escape.get(1) == Some(&b'u')
            && source == 6
            && (0xD800..0xE000).contains(&hex4(escape.get(2..6)));
        repaired.push_str(if lone { "\\ufffd" } else { &inner[at..at + source] });
        at += source;
    }
    repaired.push_str(&inner[at..]);
    serde_json::from_str(&format!("\"{repaired}\"")).unwrap_or(repaired)
}

/// Appends the literal of a text.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    // Without an early end, so that many bytes are looked at in one step.
    let plain =
        text.bytes().fold(true, |plain, b| plain & (b >= 0x20) & (b != b'"') & (b != b'\\'));
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    // Writing to a Vec cannot fail, nor can a str fail to be a JSON string.
    let _ = serde_json::to_writer(out, text);
}

/// The value without the white space between its tokens. Numbers keep their digits (contract 5.13).
#[must_use]
pub fn compact(raw: &str) -> Cow<'_, str> {
    // Without an early end, so that many bytes are looked at in one step.
    let is_space = |b| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    if !raw.bytes().fold(false, |spaced, b| spaced | is_space(b)) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in raw.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// What serde writes is UTF-8; this states it without a panic.
pub(crate) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// Reads a field that may be absent, keeping `null` apart from absence.
pub(crate) fn present<'de, D>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    <&RawValue as serde::Deserialize>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literal(text: &str) -> JsonStr<'_> {
        JsonStr(Cow::Borrowed(text))
    }

    #[test]
    fn the_length_of_escapes_is_that_of_what_they_mean() {
        for (source, len) in [
            (r#""""#, 0),
            (r#""abc""#, 3),
            (r#""a\"b\\c\n""#, 6),
            (r#""\u0041\u00eb\u20ac""#, 6),
            (r#""\ud83d\ude00""#, 4),
            (r#""\ud83dx""#, 4),
            ("\"ë😀\"", 6),
        ] {
            assert_eq!(literal(source).decoded_len(), len, "{source}");
            assert_eq!(literal(source).decode().len(), len, "{source}");
        }
    }

    // contract: 5.13
    #[test]
    fn compacting_touches_neither_strings_nor_digits() {
        let wide = "{ \"a b\" : [ 1.0 , 9007199254740993123 ] ,\n \"q\\\" \" : null }";
        assert_eq!(compact(wide), r#"{"a b":[1.0,9007199254740993123],"q\" ":null}"#);
    }

    proptest! {
        #[test]
        fn encode_then_decode_is_the_text(text in any::<String>()) {
            let encoded = JsonStr::encode(&text);
            prop_assert_eq!(encoded.decode(), text.as_str());
            prop_assert_eq!(encoded.decoded_len(), text.len());
            prop_assert!(!encoded.is_longer_than(text.len()));
            prop_assert!(text.is_empty() || encoded.is_longer_than(text.len() - 1));
        }
    }
}
