//! The URL of a bus, taken apart. What is wrong is said by naming the part, never by showing it:
//! there may be a password in it.

use percent_encoding::percent_decode_str;

use crate::error::BusError;

/// Where the engine is and how it lets us in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) kind: Kind,
    /// One or more, in the order given.
    pub(crate) hosts: Vec<Host>,
    pub(crate) is_tls: bool,
    pub(crate) login: Login,
}

/// Which engine, and what only it has.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One Redis or Valkey.
    Redis { db: i64 },
    /// A Redis that sentinels watch.
    Sentinel { service: String, db: i64, login: Login },
    /// A Redis cluster.
    Cluster,
    /// NATS.
    Nats,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    /// A name or an address, without brackets.
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// Who we say we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl Address {
    /// Takes a URL apart.
    pub(crate) fn parse(url: &str) -> Result<Self, BusError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("scheme", SCHEMES))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let login = Login::parse(login)?;
        let (kind, is_tls, port) = match scheme {
            "redis" | "rediss" => (redis(path, query)?, scheme == "rediss", 6379),
            "redis+sentinel" | "rediss+sentinel" => {
                (sentinel(path, query)?, scheme == "rediss+sentinel", 26_379)
            }
            "redis+cluster" | "rediss+cluster" => {
                bare(path, query)?;
                (Kind::Cluster, scheme == "rediss+cluster", 6379)
            }
            "nats" | "tls" => {
                bare(path, query)?;
                (Kind::Nats, scheme == "tls", 4222)
            }
            _ => return Err(wrong("scheme", SCHEMES)),
        };
        let hosts: Vec<_> =
            hosts.split(',').map(|host| Host::parse(host, port)).collect::<Result<_, _>>()?;
        if hosts.len() > 1 && matches!(kind, Kind::Redis { .. }) {
            return Err(wrong("host", "one host; several need redis+sentinel or redis+cluster"));
        }
        Ok(Self { kind, hosts, is_tls, login })
    }
}

impl Host {
    /// `name`, `name:port`, `[v6]` or `[v6]:port`.
    fn parse(text: &str, default: u16) -> Result<Self, BusError> {
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, port)) => (name, Some(port.strip_prefix(':').unwrap_or("?"))),
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "-_.:%".contains(c);
        if name.is_empty() || !name.chars().all(is_legal) {
            return Err(wrong("host", "a name or an address; several are joined by commas"));
        }
        let port = match port.map(str::parse) {
            None => default,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(wrong("port", "a number from 1 to 65535")),
        };
        Ok(Self { name: name.into(), port })
    }
}

impl Login {
    /// `user:password`, `:password` or `user`; what has a special meaning in URLs is written as `%xx`.
    fn parse(text: &str) -> Result<Self, BusError> {
        let (user, password) = match text.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (text, None),
        };
        let user = Some(user).filter(|user| !user.is_empty());
        let plain = |text: Option<&str>, part| text.map(|text| decoded(text, part)).transpose();
        Ok(Self { user: plain(user, "user")?, password: plain(password, "password")? })
    }
}

/// `/db`, or nothing.
fn redis(path: &str, query: &str) -> Result<Kind, BusError> {
    no_query(query)?;
    Ok(Kind::Redis { db: number(path)? })
}

/// `/service` or `/service/db`; sentinels may have a password of their own.
fn sentinel(path: &str, query: &str) -> Result<Kind, BusError> {
    let (service, db) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(wrong("path", "the name of the service that the sentinels watch"));
    }
    let mut login = Login::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sentinel_user", user)) => login.user = Some(decoded(user, "sentinel_user")?),
            Some(("sentinel_password", password)) => {
                login.password = Some(decoded(password, "sentinel_password")?);
            }
            _ => return Err(wrong("query", "sentinel_user=… and sentinel_password=…")),
        }
    }
    Ok(Kind::Sentinel { service: decoded(service, "path")?, db: number(db)?, login })
}

fn bare(path: &str, query: &str) -> Result<(), BusError> {
    no_query(query)?;
    if path.is_empty() { Ok(()) } else { Err(wrong("path", "left out")) }
}

fn no_query(query: &str) -> Result<(), BusError> {
    if query.is_empty() { Ok(()) } else { Err(wrong("query", "left out")) }
}

fn number(db: &str) -> Result<i64, BusError> {
    if db.is_empty() {
        return Ok(0);
    }
    let db: u16 = db.parse().map_err(|_| wrong("path", "the number of a database"))?;
    Ok(db.into())
}

fn decoded(text: &str, part: &'static str) -> Result<String, BusError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| wrong(part, "text in UTF-8, written as %xx where needed"))
}

fn wrong(part: &'static str, expected: &'static str) -> BusError {
    BusError::Url { part, expected }
}

const SCHEMES: &str = "one of redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster, \
                       rediss+cluster, nats and tls, followed by ://";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"))
    }

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.into(), port }
    }

    #[test]
    fn a_redis_has_a_host_a_login_and_a_database() {
        let address = parsed("rediss://ann:s%40cret@cache.example:6380/3");
        assert!(address.is_tls && address.kind == Kind::Redis { db: 3 });
        assert_eq!(address.hosts, [host("cache.example", 6380)]);
        assert_eq!(address.login.user.as_deref(), Some("ann"));
        assert_eq!(address.login.password.as_deref(), Some("s@cret"));
        let short = parsed("redis://:secret@[::1]");
        assert_eq!(short.hosts, [host("::1", 6379)]);
        assert_eq!(short.hosts[0].to_string(), "[::1]:6379");
        assert_eq!(short.login.user, None);
        assert!(short.kind == Kind::Redis { db: 0 });
    }

    #[test]
    fn several_servers_are_joined_by_commas() {
        let address = parsed("redis+sentinel://a,b:1/main/2?sentinel_password=x%26y");
        assert_eq!(address.hosts, [host("a", 26_379), host("b", 1)]);
        let Kind::Sentinel { service, db, login } = address.kind else { panic!() };
        assert_eq!((service.as_str(), db), ("main", 2));
        assert_eq!(login.password.as_deref(), Some("x&y"));
        assert_eq!(parsed("redis+cluster://a:7000,b:7001").hosts.len(), 2);
        assert_eq!(parsed("nats://token@a,b/").hosts, [host("a", 4222), host("b", 4222)]);
        assert!(parsed("tls://u:p@a").is_tls);
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        for (url, part) in [
            ("hunter2", "scheme"),
            ("http://:hunter2@a", "scheme"),
            ("redis://:hunter2@", "host"),
            ("redis://:hunter2@a,b", "host"),
            ("redis://:hunter2@a b", "host"),
            ("redis://:hunter2@a:0", "port"),
            ("redis://:hunter2@a:x", "port"),
            ("redis://:hunter2@[::1]x", "port"),
            ("redis://:hunter2@a/x", "path"),
            ("redis://:hunter2@a/0?x", "query"),
            ("redis://:hunter2%ff@a", "password"),
            ("redis+sentinel://:hunter2@a", "path"),
            ("redis+sentinel://:hunter2@a/main?x=hunter2", "query"),
            ("redis+cluster://:hunter2@a/1", "path"),
            ("nats://:hunter2@a/1", "path"),
        ] {
            let error = Address::parse(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            let text = error.to_string();
            assert!(text.contains(part), "{url}: {text}");
            assert!(!text.contains("hunter2"), "{url}: {text}");
        }
    }
}
