//! The server under load: one that runs already, one that the harness starts, or the floor.

mod running;
pub(crate) mod sockudo;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal};

use crate::cli::TargetArgs;
use crate::metrics::Metrics;
use crate::net;
use crate::proc::{self, Memory};
use crate::program;
use crate::sign::Credentials;
use crate::socket::{Door, Endpoint};
use crate::target::running::{Home, Running};
use crate::tls::{Certificate, Pair, Trust};

/// A server that takes load.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its column in reports.
    pub(crate) name: String,
    /// Where it listens for WebSocket and HTTP.
    pub(crate) address: SocketAddr,
    /// The same, with whom to trust there.
    pub(crate) door: Door,
    /// Where events are published: the same, or another node.
    pub(crate) api: Door,
    /// Where it serves `/metrics` without a token, if it does.
    pub(crate) admin: Option<SocketAddr>,
    /// Whose memory and CPU are measured; `None` leaves those figures out.
    pub(crate) pid: Option<u32>,
    /// The app it is used as.
    pub(crate) credentials: Credentials,
    /// The process, if the harness started it.
    child: Option<Running>,
}

impl Target {
    /// The server that the arguments describe.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub(crate) fn from_args(args: &TargetArgs) -> Result<Self> {
        Self::from_args_with(args, "")
    }

    /// The same; one that is started has further lines of `[[apps]]` in its config.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub(crate) fn from_args_with(args: &TargetArgs, app: &str) -> Result<Self> {
        if args.floor {
            return Self::floor();
        }
        let Some(address) = args.addr else {
            let Some(bin) = args.server() else {
                bail!("give --bin PATH, or --addr HOST:PORT of a running server, or --floor");
            };
            return Self::start_with(&bin, args, app);
        };
        let door = Door { address, trust: args.tls.trust(address.ip())? };
        let api = args
            .publish_addr
            .map_or_else(|| door.clone(), |address| Door { address, trust: door.trust.clone() });
        Ok(Self {
            name: args.name.clone(),
            address,
            door,
            api,
            admin: args.admin,
            pid: args.pid,
            credentials: credentials(args),
            child: None,
        })
    }

    /// Starts `bin` with a config of its own in a temporary directory.
    ///
    /// # Errors
    /// When it does not start, or is not up within a minute.
    pub(crate) fn start(bin: &Path, args: &TargetArgs) -> Result<Self> {
        Self::start_with(bin, args, "")
    }

    /// The same with more in its config: further lines of `[[apps]]`, then whole tables.
    ///
    /// # Errors
    /// When it does not start, or is not up within a minute.
    pub(crate) fn start_with(bin: &Path, args: &TargetArgs, more: &str) -> Result<Self> {
        let (address, admin) = (net::free_address()?, net::free_address()?);
        let home = Home::create(address.port())?;
        let (pair, trust) = certificate(args, address, home.path())?.unzip();
        let config = config_text(args, address, admin, home.path(), pair.as_ref())? + more;
        fs::write(home.path().join(CONFIG), config)?;
        let running = Running::spawn(&mut command(bin, &home)?, home)?;
        let door = Door { address, trust };
        Self::started(&args.name, door, Some(admin), credentials(args), running)
    }

    /// A server that has just been spawned, once it is ready.
    ///
    /// # Errors
    /// When it ends, or is not up within a minute.
    fn started(
        name: &str,
        door: Door,
        admin: Option<SocketAddr>,
        credentials: Credentials,
        running: Running,
    ) -> Result<Self> {
        let mut target = Self {
            name: name.to_owned(),
            address: door.address,
            api: door.clone(),
            door,
            admin,
            pid: Some(running.process.id()),
            credentials,
            child: Some(running),
        };
        target.wait_until_ready()?;
        Ok(target)
    }

    /// Kills the server as a crash would, starts `bin` on the same folder, and tells how long that
    /// took until it was ready.
    ///
    /// # Errors
    /// When the harness did not start it, or it does not come back.
    pub(crate) fn crash_and_return(&mut self, bin: &Path) -> Result<Duration> {
        let running = self.child.as_mut().context("not started by the harness")?;
        let home = running.home.as_ref().context("the floor has nothing to return to")?;
        running.process.kill()?;
        running.process.wait()?;
        let began = Instant::now();
        running.process = home.spawn(&mut command(bin, home)?)?;
        self.pid = Some(running.process.id());
        self.wait_until_ready()?;
        Ok(began.elapsed())
    }

    /// Bytes that the server keeps on disk; `None` if the harness did not start it.
    pub(crate) fn disk_bytes(&self) -> Option<u64> {
        let files = fs::read_dir(self.child.as_ref()?.home.as_ref()?.path().join("data")).ok()?;
        Some(files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum())
    }

    /// Starts this program again as the bare `send` loop.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn floor() -> Result<Self> {
        Self::send_loop(FLOOR, &[])
    }

    /// The same loop, but it reads all that waits before it sends.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn joining_floor() -> Result<Self> {
        Self::send_loop(JOINING, &["--joining"])
    }

    fn send_loop(name: &str, options: &[&str]) -> Result<Self> {
        let mut command = program::floor_server()?;
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().context("the floor's output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().context("the floor did not say where it listens")?;
        Ok(Self {
            name: name.into(),
            address,
            door: Door { address, trust: None },
            api: Door { address, trust: None },
            admin: None,
            pid: Some(process.id()),
            credentials: Credentials {
                app_id: "1".into(),
                key: "floor".into(),
                secret: "floor".into(),
            },
            child: Some(Running { process, home: None }),
        })
    }

    /// Where its clients connect.
    pub(crate) fn endpoint(&self) -> Rc<Endpoint> {
        Endpoint::new(self.door.clone(), &self.credentials.key)
    }

    /// Sends SIGTERM to a server that the harness started.
    ///
    /// # Errors
    /// When the harness did not start it, or it is gone.
    pub(crate) fn terminate(&self) -> Result<()> {
        let running = self.child.as_ref().context("not started by the harness")?;
        Ok(rustix::process::kill_process(Pid::from_child(&running.process), Signal::TERM)?)
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    /// When the harness did not start it.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        let running = self.child.as_mut().context("not started by the harness")?;
        Ok(running.process.try_wait()?)
    }

    /// The last lines of what the server logged.
    pub(crate) fn log_tail(&self) -> String {
        let home = self.child.as_ref().and_then(|running| running.home.as_ref());
        home.map(Home::log_tail).unwrap_or_default()
    }

    /// What its process has in memory; `None` if that is not known.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn memory(&self) -> Result<Option<Memory>> {
        self.pid.map(proc::memory).transpose()
    }

    /// What the admin listener tells; `None` where there is none.
    pub(crate) fn metrics(&self) -> Option<Metrics> {
        let (status, body) = get(self.admin?, "/metrics").ok()?;
        (status == 200).then(|| Metrics::new(body))
    }

    /// The sum of a counter over its labels; `None` where there is none.
    pub(crate) fn counter(&self, name: &str) -> Option<f64> {
        self.metrics()?.sum(name)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.exited()? {
                bail!("the server ended at once: {status}\n{}", self.log_tail());
            }
            // The admin listener speaks no TLS, and opens together with the others.
            if get(self.admin.unwrap_or(self.address), "/ready")
                .is_ok_and(|(status, _)| status == 200)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server is not ready after {} s\n{}", PATIENCE.as_secs(), self.log_tail())
    }
}

/// How `bin` is started on the config of its folder.
fn command(bin: &Path, home: &Home) -> Result<Command> {
    // The server runs in another folder than we do.
    let mut command = Command::new(std::path::absolute(bin)?);
    command.args(["serve", "--config"]).arg(home.path().join(CONFIG));
    Ok(command)
}

fn credentials(args: &TargetArgs) -> Credentials {
    Credentials { app_id: args.app_id.clone(), key: args.key.clone(), secret: args.secret.clone() }
}

/// The files of a certificate made for this server, and the trust in it; `None` without TLS.
fn certificate(
    args: &TargetArgs,
    address: SocketAddr,
    home: &Path,
) -> Result<Option<(Pair, Trust)>> {
    if !args.tls.tls {
        return Ok(None);
    }
    let certificate = Certificate::for_loopback()?;
    let pair = certificate.write(home)?;
    Ok(Some((pair, Trust::in_authority(address.ip(), certificate.der)?)))
}

fn config_text(
    args: &TargetArgs,
    address: SocketAddr,
    admin: SocketAddr,
    home: &Path,
    tls: Option<&Pair>,
) -> Result<String> {
    let mut text = format!(
        "[server]\nlisten = \"{address}\"\nadmin_listen = \"{admin}\"\ndata_dir = {:?}\n\
         drain_window_s = {}\nworkers = {}\nlog = \"warn\"\n",
        home.join("data"),
        args.drain_window_s,
        args.workers,
    );
    if let Some(Pair { cert, key }) = tls {
        writeln!(text, "tls = {{ cert = {cert:?}, key = {key:?} }}")?;
    }
    write!(
        text,
        "\n[[apps]]\nid = {:?}\nkey = {:?}\nsecret = {:?}\n",
        args.app_id, args.key, args.secret
    )?;
    Ok(text)
}

/// A plain GET on a connection of its own.
fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// The column of the send loop in reports.
pub(crate) const FLOOR: &str = "floor";
/// The column of the send loop that joins.
pub(crate) const JOINING: &str = "joining";
/// The config of a server that the harness starts.
const CONFIG: &str = "bellwire.toml";
/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(60);
