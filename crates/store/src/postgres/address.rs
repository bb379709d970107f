//! Where the database is, and how to get there.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::config::{Host, SslMode, TargetSessionAttrs};
use ::postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::Session;
use super::{told, with_causes};
use crate::StoreError;

/// A database on a server. What it shows of itself has no password.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    /// There if the connection is to be encrypted.
    tls: Option<MakeRustlsConnect>,
}

/// How long a server may take to answer a knock.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection may be silent on what was sent.
const SILENCE: Duration = Duration::from_secs(10);
/// Every connection begins with this: nobody waits for long for what another has locked, and who falls
/// silent in the middle of a transaction, like a node that is stopped, loses what it has locked.
const SETTINGS: &str = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'";

impl Address {
    /// Opens a connection.
    pub(crate) fn connect(&self) -> Result<Session, StoreError> {
        let client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let refused = |why| StoreError::Connect { server: self.to_string(), why };
        let client: Client = client.map_err(|error| refused(told(&error)))?;
        let mut session = Session::new(client);
        session.batch(SETTINGS)?;
        Ok(session)
    }
}

impl FromStr for Address {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let unreadable = |why: &str| StoreError::Url(why.into());
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(unreadable("it does not begin with postgres://"));
        }
        let (url, roots) = without_roots(url);
        // A password that is not escaped would be taken for a host or a database, and be shown.
        if url.matches('@').count() > 1 || url.matches('?').count() > 1 || url.contains('#') {
            return Err(unreadable("write @ / ? # of a name or a password as %40 %2F %3F %23"));
        }
        let mut config: Config = url.parse().map_err(|error| StoreError::Url(misread(&error)))?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(unreadable("it has to name a host and a database"));
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(roots.as_deref())?),
            SslMode::Prefer if url.contains("sslmode=prefer") => {
                return Err(unreadable("sslmode is disable or require"));
            }
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        be_choosy(&mut config);
        Ok(Self { config, tls })
    }
}

/// A server that has vanished is to be noticed soon, and one that only answers questions at once.
fn be_choosy(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config.keepalives_idle(SILENCE).keepalives_interval(SILENCE / 5).keepalives_retries(3);
    // Of several servers only one can be written to, and which one may change.
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name("bellwire");
    }
}

/// What is wrong with a URL. Only what names nothing but an option of ours is repeated.
fn misread(error: &::postgres::Error) -> String {
    let text = with_causes(error);
    match text.split_once("invalid value for option") {
        Some((_, option)) => format!("the value of{option} is not good"),
        None => "it has to be postgres://user:password@host:port/database".into(),
    }
}

/// The URL without the file of certificates, which the driver does not know, and that file.
fn without_roots(url: &str) -> (String, Option<String>) {
    let Some((place, options)) = url.split_once('?') else { return (url.into(), None) };
    let name = "sslrootcert=";
    let (roots, others): (Vec<&str>, Vec<&str>) =
        options.split('&').partition(|option| option.starts_with(name));
    let roots = roots.first().map(|option| option[name.len()..].to_owned());
    match others.is_empty() {
        true => (place.into(), roots),
        false => (format!("{place}?{}", others.join("&")), roots),
    }
}

fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let mut trusted = RootCertStore::empty();
    match roots {
        None => trusted.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let unusable = |why: String| StoreError::Url(format!("sslrootcert={file}: {why}"));
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| unusable(error.to_string()))?;
            for certificate in certificates {
                trusted.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Url(error.to_string()))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            let comma = if at > 0 { "," } else { "" };
            match host {
                Host::Tcp(host) => write!(f, "{comma}{host}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
