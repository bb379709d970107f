//! One server process in a temporary folder of its own: started on a free port, killed on drop.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Api, App, Client, Config, Connection, PATIENCE, Request, Target};

/// A running server.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    child: Child,
    config: Config,
    target: Target,
    admin: SocketAddr,
    dir: TempDir,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    /// What its environment has beside ours.
    environment: Vec<(String, String)>,
}

/// What a server left behind that would not start.
#[derive(Debug)]
pub struct Refusal {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Everything it wrote to stderr.
    pub stderr: String,
}

impl Server {
    /// Starts `binary` with `config` and waits until `/up` answers.
    #[must_use]
    #[track_caller]
    pub fn start(binary: &Path, config: Config) -> Self {
        Self::start_in(binary, config, Vec::new())
    }

    /// Like [`start`](Self::start), with variables of its environment.
    #[must_use]
    #[track_caller]
    pub fn start_in(binary: &Path, config: Config, environment: Vec<(String, String)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let addr = free_address();
        let admin = free_address();
        write_config(dir.path(), &config, addr, admin);
        let mut child = spawn(binary, &dir.path().join("bellwire.toml"), &environment);
        let (stdout, stderr) = (Arc::default(), Arc::default());
        collect(child.stdout.take().unwrap(), &stdout);
        collect(child.stderr.take().unwrap(), &stderr);
        let target = Target { addr, tls: config.certificate().is_some() };
        let binary = binary.to_owned();
        let mut server =
            Self { binary, child, config, target, admin, dir, stdout, stderr, environment };
        server.wait_until_up();
        server
    }

    /// Runs `binary` on a config file that holds `toml`, in which `{dir}` stands for a temporary
    /// folder, and waits for it to give up.
    #[must_use]
    #[track_caller]
    pub fn refused(binary: &Path, toml: &str) -> Refusal {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bellwire.toml");
        let toml = toml
            .replace("{dir}", dir.path().to_str().unwrap())
            .replace("{listen}", &free_address().to_string());
        fs::write(&file, toml).unwrap();
        Self::refused_file(binary, &file)
    }

    /// Like [`refused`](Self::refused), for a file that is there already, or is not.
    #[must_use]
    #[track_caller]
    pub fn refused_file(binary: &Path, file: &Path) -> Refusal {
        let mut child = spawn(binary, file, &[]);
        let stderr = Arc::default();
        collect(child.stderr.take().unwrap(), &stderr);
        let status = wait_for(&mut child);
        if status.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let stderr = finished_stderr(&stderr);
        let status = status.unwrap_or_else(|| panic!("the server did not give up\n{stderr}"));
        Refusal { code: status.code(), stderr }
    }

    /// Where it listens.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Where the admin listener is, if a setting uses `{admin}`.
    #[must_use]
    pub fn admin(&self) -> Target {
        Target { addr: self.admin, tls: false }
    }

    /// The config it was last given.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its temporary folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its config file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join("bellwire.toml")
    }

    /// A connected client of the first app, past `connection_established`.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> Client {
        self.connect_to(self.config.first_app())
    }

    /// A connected client of `app`.
    #[must_use]
    #[track_caller]
    pub fn connect_to(&self, app: &App) -> Client {
        let path = format!("/app/{}?protocol=7&client=js&version=8.6.0", app.key);
        let mut client = self.open(&path);
        client.sign_with(&app.key, &app.secret);
        client.expect_established();
        client
    }

    /// A client that has upgraded on `path` and read nothing yet; it signs as the first app.
    #[must_use]
    #[track_caller]
    pub fn open(&self, path: &str) -> Client {
        self.open_with(path, &[])
    }

    /// Like [`open`](Self::open), with headers of its own.
    #[must_use]
    #[track_caller]
    pub fn open_with(&self, path: &str, headers: &[(&str, &str)]) -> Client {
        let app = self.config.first_app();
        let mut client = Client::open(self.target, path, headers);
        client.sign_with(&app.key, &app.secret);
        client
    }

    /// The HTTP API as the first app.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api_of(self.config.first_app())
    }

    /// The HTTP API as `app`.
    #[must_use]
    pub fn api_of(&self, app: &App) -> Api {
        Api::new(self.target, &app.id, &app.key, &app.secret)
    }

    /// Sends one unsigned HTTP request on a connection of its own.
    #[must_use]
    #[track_caller]
    pub fn http(&self, request: &Request) -> crate::Response {
        Connection::open(self.target).exchange(request)
    }

    /// Writes `config` over the file and sends SIGHUP. Address and folder stay.
    pub fn reload(&mut self, config: Config) {
        write_config(self.dir.path(), &config, self.target.addr, self.admin);
        self.config = config;
        self.hang_up();
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops it in the middle of whatever it does (SIGSTOP). Its sockets stay.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on where it was frozen.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// What its environment has beside ours.
    #[must_use]
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Kills it and waits for its end.
    #[track_caller]
    pub fn crash(&mut self) {
        self.kill();
        self.wait();
    }

    /// Starts it again after its end, on the same ports and in the same folder, and waits until
    /// `/up` answers. What it writes to stderr is added to what it wrote before.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(!self.is_running(), "the server is still running");
        self.child = spawn(&self.binary, &self.config_file(), &self.environment);
        collect(self.child.stdout.take().unwrap(), &self.stdout);
        collect(self.child.stderr.take().unwrap(), &self.stderr);
        self.wait_until_up();
    }

    /// Kills it and starts it again on a disk that can lose its power.
    #[track_caller]
    pub fn restart_on(&mut self, power: &crate::Power) {
        self.crash();
        self.environment = power.environment();
        self.restart();
    }

    /// Like [`restart`](Self::restart), with another config.
    #[track_caller]
    pub fn restart_with(&mut self, config: Config) {
        write_config(self.dir.path(), &config, self.target.addr, self.admin);
        self.config = config;
        self.restart();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        wait_for(&mut self.child).expect("the server is still running")
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has written to stdout so far, in all its lives.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// What it has written to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Resident memory in bytes.
    #[must_use]
    pub fn rss_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes * 1024
    }

    #[track_caller]
    fn wait_until_up(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                let said = finished_stderr(&self.stderr);
                panic!("the server ended at once ({status}):\n{said}");
            }
            if Connection::try_open(self.target)
                .and_then(|mut c| c.try_exchange(&Request::get("/up")))
                .is_ok_and(|response| response.status == 200)
            {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("/up never answered 200:\n{}", self.stderr());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- stderr of the server\n{}", self.stderr());
        }
    }
}

/// A port nobody listens on. On Linux every call gets a loopback address of its own, so servers that
/// start at once, in this process or another, cannot take each other's port between this look and the
/// server's bind.
fn free_address() -> SocketAddr {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let ip = if cfg!(target_os = "linux") {
        let [_, _, middle, low] = std::process::id().to_be_bytes();
        let call = CALLS.fetch_add(1, Ordering::Relaxed) % 254 + 1;
        Ipv4Addr::new(127, call as u8, middle, low.clamp(1, 254))
    } else {
        Ipv4Addr::LOCALHOST
    };
    let listener = TcpListener::bind((IpAddr::V4(ip), 0)).unwrap();
    listener.local_addr().unwrap()
}

fn write_config(dir: &Path, config: &Config, listen: SocketAddr, admin: SocketAddr) {
    if let Some((cert, key)) = config.certificate() {
        fs::write(dir.join("cert.pem"), cert).unwrap();
        fs::write(dir.join("key.pem"), key).unwrap();
    }
    let toml = config.to_toml(&listen.to_string(), &admin.to_string(), dir.to_str().unwrap());
    fs::write(dir.join("bellwire.toml"), toml).unwrap();
}

fn spawn(binary: &Path, file: &Path, environment: &[(String, String)]) -> Child {
    Command::new(binary)
        .arg("serve")
        .arg("--config")
        .arg(file)
        .env_remove("RUST_LOG")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}", binary.display()))
}

fn collect(pipe: impl Read + Send + 'static, text: &Arc<Mutex<String>>) {
    let lines = BufReader::new(pipe);
    let shared = Arc::clone(text);
    thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut text = shared.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    });
}

/// The text once the reading thread has let go of it, which it does at the end of the pipe.
fn finished_stderr(text: &Arc<Mutex<String>>) -> String {
    let deadline = Instant::now() + PATIENCE;
    while Arc::strong_count(text) > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2));
    }
    text.lock().unwrap().clone()
}

fn wait_for(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}
