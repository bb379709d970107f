//! The query string of a signed request: decoded, keys folded to lower case and sorted, as the
//! signature wants it (contract 13.2–13.6, 13.10).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Why a query string cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// A percent escape stands for bytes that are not UTF-8.
    #[error("Query string is not UTF-8")]
    NotUtf8,
    /// A parameter appears twice, perhaps in another case.
    #[error("Duplicate parameter: {0}")]
    Duplicate(String),
}

/// Decoded parameters, keys in lower case, sorted by key; the values of `key[]` keep their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads what stands behind the `?`.
    ///
    /// # Errors
    /// When an escape is not UTF-8 or a key that is no array appears twice.
    pub fn parse(raw: &'a str) -> Result<Self, InvalidQuery> {
        let mut params = raw
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((fold(decode(key)?), decode(value)?))
            })
            .collect::<Result<Vec<_>, _>>()?;
        params.sort_by(|(a, _), (b, _)| a.cmp(b));
        let twice = params.windows(2).find(|pair| pair[0].0 == pair[1].0 && !is_array(&pair[0].0));
        match twice {
            Some(pair) => Err(InvalidQuery::Duplicate(pair[0].0.to_string())),
            None => Ok(Self(params)),
        }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn one(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(k, _)| k.as_ref().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// The values of `key[]`, in the order of the request.
    pub fn many(&self, key: &'a str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(k, _)| k.strip_suffix("[]") == Some(key))
            .map(|(_, value)| value.as_ref())
    }

    /// The names of all parameters, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    /// What the signature covers: method, path and every parameter but `auth_signature`.
    #[must_use]
    pub fn string_to_sign(&self, method: &str, path: &str) -> String {
        let mut text = String::with_capacity(256);
        text.push_str(method);
        text.push('\n');
        text.push_str(path);
        text.push('\n');
        let signed = self.0.iter().filter(|(key, _)| key != "auth_signature");
        for (at, (key, value)) in signed.enumerate() {
            if at > 0 {
                text.push('&');
            }
            text.push_str(key);
            text.push('=');
            text.push_str(value);
        }
        text
    }

    /// The query with `k[0]=a&k[1]=b` joined to `k=a,b`, if it has such keys: PHP's SDK sends the
    /// one and signs the other (contract 13.6).
    #[must_use]
    pub fn with_numbered_keys_joined(&self) -> Option<Self> {
        self.keys().find(|key| numbered(key).is_some())?;
        let mut renamed: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(key, value)| (numbered(key).unwrap_or(key), value.as_ref()))
            .collect();
        renamed.sort_by_key(|(key, _)| *key);
        let mut joined: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(renamed.len());
        for (key, value) in renamed {
            match joined.last_mut() {
                Some((last, values)) if last == key && !is_array(key) => {
                    values.to_mut().push(',');
                    values.to_mut().push_str(value);
                }
                _ => joined.push((key.to_owned().into(), value.to_owned().into())),
            }
        }
        Some(Self(joined))
    }
}

fn is_array(key: &str) -> bool {
    key.ends_with("[]")
}

fn numbered(key: &str) -> Option<&str> {
    let (name, index) = key.strip_suffix(']')?.rsplit_once('[')?;
    let is_number = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(name)
}

fn fold(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(key.to_ascii_lowercase())
    } else {
        key
    }
}

/// Form decoding: `+` is a space, `%XX` a byte.
fn decode(text: &str) -> Result<Cow<'_, str>, InvalidQuery> {
    if !text.bytes().any(|b| b == b'+' || b == b'%') {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| InvalidQuery::NotUtf8)?;
    Ok(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // contract: 13.2, 13.10
    #[test]
    fn keys_are_folded_and_sorted_and_values_are_not_escaped() {
        let query = Query::parse("b=2&Name=Something%20else&a=x%2Cy+z&auth_signature=no").unwrap();
        assert_eq!(
            query.string_to_sign("GET", "/apps/3/channels"),
            "GET\n/apps/3/channels\na=x,y z&b=2&name=Something else"
        );
    }

    // contract: 13.3
    #[test]
    fn arrays_keep_their_order_and_nil_is_empty() {
        let query = Query::parse("channels[]=b&channels%5B%5D=a&data").unwrap();
        assert_eq!(query.string_to_sign("POST", "/p"), "POST\n/p\nchannels[]=b&channels[]=a&data=");
        assert_eq!(query.many("channels").collect::<Vec<_>>(), ["b", "a"]);
    }

    // contract: 13.10
    #[test]
    fn folding_that_makes_duplicates_is_refused() {
        assert_eq!(Query::parse("Info=a&info=b"), Err(InvalidQuery::Duplicate("info".into())));
        assert_eq!(Query::parse("a=%FF"), Err(InvalidQuery::NotUtf8));
    }

    // contract: 13.6
    #[test]
    fn numbered_keys_join_as_php_signs_them() {
        let query = Query::parse("info[0]=a&info[1]=b&z=1").unwrap();
        let joined = query.with_numbered_keys_joined().unwrap();
        assert_eq!(joined.string_to_sign("GET", "/p"), "GET\n/p\ninfo=a,b&z=1");
        assert_eq!(Query::parse("info=a").unwrap().with_numbered_keys_joined(), None);
        let apart = Query::parse("info[0]=a&info[0]b=x&info[1]=b").unwrap();
        let joined = apart.with_numbered_keys_joined().unwrap();
        assert_eq!(joined.keys().collect::<Vec<_>>(), ["info", "info[0]b"]);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(raw in "[a-cA-C%=&+\\[\\]0-9\u{e4}]{0,60}") {
            if let Ok(query) = Query::parse(&raw) {
                let _ = query.string_to_sign("GET", "/");
                let _ = query.with_numbered_keys_joined();
            }
        }
    }
}
