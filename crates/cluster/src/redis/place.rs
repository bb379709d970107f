//! Where the Redis is that is spoken to: a fixed address, or what the sentinels say.

use std::sync::Arc;
use std::time::Duration;

use redis::{RedisConnectionInfo, Value, cmd, from_redis_value};
use tokio::sync::Notify;

use super::connection::{Connection, Heard};
use super::words::Words;
use crate::address::{Host, Login};
use crate::dial::{Dialler, within};

/// One server at a time, and how it lets us in.
pub(crate) struct Place {
    pub(crate) dialler: Dialler,
    pub(crate) info: RedisConnectionInfo,
    pub(crate) at: At,
    pub(crate) words: Words,
    /// Who is told that a slot is somebody else's.
    pub(crate) moved: Arc<Notify>,
}

/// Where it is.
pub(crate) enum At {
    /// Always there.
    Host(Host),
    /// Where the sentinels say.
    Watched { sentinels: Vec<Host>, service: String, info: RedisConnectionInfo },
}

impl Place {
    /// Where it is now.
    pub(super) async fn find(&self) -> Result<Host, String> {
        match &self.at {
            At::Host(host) => Ok(host.clone()),
            At::Watched { sentinels, service, info } => {
                let mut whys = Vec::new();
                for sentinel in sentinels {
                    match within(PATIENCE, self.ask(sentinel, service, info)).await {
                        Ok(host) => return Ok(host),
                        Err(why) => whys.push(format!("sentinel {sentinel}: {why}")),
                    }
                }
                Err(whys.join("; "))
            }
        }
    }

    async fn ask(
        &self,
        sentinel: &Host,
        service: &str,
        info: &RedisConnectionInfo,
    ) -> Result<Host, String> {
        let connection = Connection::open(&self.dialler, sentinel, info, Heard::Nothing).await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        match connection.ask(&question).await? {
            Value::Nil => Err(format!("does not know the service {service}")),
            answer => {
                let (name, port) = from_redis_value(answer).map_err(|e| e.to_string())?;
                Ok(Host { name, port })
            }
        }
    }

    /// Whether it is what is wanted; a sentinel may name a master that is one no more.
    pub(super) async fn check(&self, connection: &Connection) -> Result<(), String> {
        if matches!(self.at, At::Host(_)) {
            return Ok(());
        }
        let Value::Array(role) = connection.ask(&cmd("ROLE")).await? else {
            return Err("tells no role".into());
        };
        match role.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(()),
            _ => Err("is not the master any more".into()),
        }
    }
}

/// Who we say we are, and in which database. Redis 6 and Valkey are spoken to in RESP3: messages and
/// answers come apart.
pub(crate) fn info(login: &Login, db: i64) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default()
        .set_protocol(redis::ProtocolVersion::RESP3)
        .set_skip_set_lib_name()
        .set_db(db);
    if let Some(user) = &login.user {
        info = info.set_username(user);
    }
    if let Some(password) = &login.password {
        info = info.set_password(password);
    }
    info
}

/// How long one sentinel is asked before the next one is.
const PATIENCE: Duration = Duration::from_secs(2);
