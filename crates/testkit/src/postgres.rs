//! A PostgreSQL server of one's own, in a temporary folder, and databases on it for each test.
//!
//! A shell stands between the server and us and waits for the end of its input, which comes when we
//! let go of it or die, in whatever way: then it stops the server and takes the folder away.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    /// The shell around it; its input keeps the server alive, and a line there starts it again.
    shell: Child,
    /// What the shell says.
    output: Mutex<BufReader<ChildStdout>>,
    /// Where its data is.
    folder: PathBuf,
    port: u16,
    binaries: PathBuf,
    /// How many databases have been made.
    made: AtomicU32,
}

/// A database on a server. It goes with the server: to drop one alone makes the server sync all it has,
/// which takes longer than most tests.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

/// Everybody is let in from this machine; the user is this one.
const USER: &str = "bellwire";
/// Who needs a password on a strict server; it is the name.
pub const GUEST: &str = "guest";
/// Where distributions keep the server.
const PLACES: [&str; 2] = ["/usr/lib/postgresql", "/usr/pgsql"];
/// What the shell does. PostgreSQL does not run as root, so then it runs as somebody else.
const SCRIPT: &str = r#"
    trap "" INT TERM HUP
    folder=$(mktemp -d "${TMPDIR:-/tmp}/bellwire-postgres.XXXXXX") || exit 1
    as=
    if [ "$(id -u)" = 0 ]; then
        user=$(id -un postgres 2>/dev/null || echo nobody)
        chown "$user" "$folder"
        as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
    fi
    cd "$folder"
    $as "$BINARIES/initdb" -D data -A trust -U "$ADMIN" -E UTF8 --locale=C -N >log 2>&1 &&
        $as tee data/server.crt <<<"$CERT" >/dev/null &&
        $as sh -c 'umask 077; cat >data/server.key' <<<"$KEY" &&
        $as sh -c 'cat - data/pg_hba.conf >hba; mv hba data/pg_hba.conf' <<<"$RULES" &&
        $as "$BINARIES/pg_ctl" -D data -w -t 60 -l "$folder/server.log" -o "$SETTINGS -k $folder" start >>log 2>&1 ||
        { cat log server.log 2>/dev/null; rm -rf "$folder"; exit 1; }
    echo "ready $folder"
    while read -r _; do
        # The last process of a killed server may hold its memory for a moment.
        for _ in 1 2 3 4 5 6 7 8 9; do
            $as "$BINARIES/pg_ctl" -D data -w -t 60 -l "$folder/server.log" -o "$SETTINGS -k $folder" start >>log 2>&1 && break
            sleep 0.3
        done
        echo "ready $folder"
    done
    $as "$BINARIES/pg_ctl" -D data -m immediate stop >/dev/null 2>&1
    rm -rf "$folder"
"#;

impl Postgres {
    /// Starts a server.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with("", "")
    }

    /// Starts a server that lets [`GUEST`] in only over TLS, with a password. Its certificate is
    /// that of the receiver of webhooks.
    #[must_use]
    #[track_caller]
    pub fn start_strict() -> Self {
        let rules = format!("hostssl all {GUEST} all scram-sha-256\nhost all {GUEST} all reject");
        let server = Self::start_with("-c ssl=on", &rules);
        server.ask("postgres", &format!("CREATE ROLE {GUEST} SUPERUSER LOGIN PASSWORD '{GUEST}'"));
        server
    }

    #[track_caller]
    fn start_with(settings: &str, rules: &str) -> Self {
        let binaries = binaries();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c max_connections=200 \
             -c shared_buffers=32MB {settings}"
        );
        let mut shell = Command::new("bash")
            .args(["-c", SCRIPT])
            .env("BINARIES", &binaries)
            .env("ADMIN", USER)
            .env("SETTINGS", settings)
            .env("RULES", rules)
            .env("CERT", include_str!("../fixtures/receiver-cert.pem"))
            .env("KEY", include_str!("../fixtures/receiver-key.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cannot run a shell");
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let mut word = String::new();
        output.read_line(&mut word).unwrap();
        let Some(folder) = word.trim_end().strip_prefix("ready ").map(PathBuf::from) else {
            output.read_to_string(&mut word).unwrap();
            panic!("PostgreSQL does not start: {word}");
        };
        let made = AtomicU32::new(0);
        Self { shell, output: Mutex::new(output), folder, port, binaries, made }
    }

    /// Kills every process of it at once, as if the machine had lost its power, but that the disk keeps
    /// what was written and not synced.
    #[track_caller]
    pub fn kill(&self) {
        let processes = self.processes();
        let names = processes.iter().map(u32::to_string);
        Command::new("kill").arg("-9").args(names).status().expect("cannot run kill");
        while processes.iter().any(|process| is_alive(*process)) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts again after it was killed, with the data that it had.
    #[track_caller]
    pub fn start_again(&self) {
        let mut input = self.shell.stdin.as_ref().unwrap();
        input.write_all(b"start\n").unwrap();
        let mut word = String::new();
        self.output.lock().unwrap().read_line(&mut word).unwrap();
        self.ask("postgres", "SELECT 1");
    }

    /// Kills it, puts a copy of its data aside, and starts it again.
    #[track_caller]
    pub fn keep_a_copy(&self) {
        self.kill();
        copy(&self.folder.join("data"), &self.folder.join("copy"));
        self.start_again();
    }

    /// Kills it, and goes on with the copy that was put aside: what came after that is forgotten, like
    /// by a failover to a copy that lagged. `meanwhile` is done before it starts again.
    #[track_caller]
    pub fn fall_back(&self, meanwhile: impl FnOnce()) {
        self.kill();
        std::fs::remove_dir_all(self.folder.join("data")).unwrap();
        copy(&self.folder.join("copy"), &self.folder.join("data"));
        meanwhile();
        self.start_again();
    }

    /// The processor time that its processes have taken, in milliseconds; those that have ended and
    /// whose parent has noticed count too.
    #[must_use]
    pub fn cpu_ms(&self) -> u64 {
        self.processes().into_iter().filter_map(cpu_ms_of).sum()
    }

    /// The first process, and those that it has started.
    fn processes(&self) -> Vec<u32> {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let first: u32 = file.lines().next().unwrap().parse().unwrap();
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let parent = |process: u32| stat(process)?.get(1)?.parse().ok();
        all.filter(|process| *process == first || parent(*process) == Some(first)).collect()
    }

    /// The server of this process, which all of its tests share.
    #[must_use]
    #[track_caller]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes an empty database.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> Database<'_> {
        self.database_like("template0")
    }

    /// Makes a database with what another has, to which nobody may be connected.
    #[must_use]
    #[track_caller]
    pub fn database_like(&self, template: &str) -> Database<'_> {
        let name = format!("test_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let database = Database { server: self, name };
        let name = &database.name;
        self.ask("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        database
    }

    /// Where it listens, on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks as a person does; what the answer prints.
    #[track_caller]
    fn ask(&self, database: &str, sql: &str) -> String {
        let url = self.url(database);
        let output = Command::new(self.binaries.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &url])
            .output()
            .expect("cannot run psql");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {told}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

impl Database<'_> {
    /// How a server finds it.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements behind everybody's back; what the last one prints, a row a line.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> String {
        self.server.ask(&self.name, sql)
    }

    /// Cuts every connection to it, as a server that starts again does; how many there were.
    #[track_caller]
    pub fn cut_connections(&self) -> usize {
        let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.ask(sql).lines().count()
    }
}

/// The processor time that this process has taken, in milliseconds.
#[must_use]
pub fn cpu_ms() -> u64 {
    cpu_ms_of(std::process::id()).unwrap_or(0)
}

/// What a process took itself, and its children that have ended.
fn cpu_ms_of(process: u32) -> Option<u64> {
    let fields = stat(process)?;
    // In hundredths of a second.
    let ticks: Option<u64> =
        fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum();
    Some(ticks? * 10)
}

/// What the system says of a process, from its state on.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

/// Copies a folder with all that is in it, and whose it is.
#[track_caller]
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cannot run cp");
    assert!(status.success(), "{} cannot be copied", from.display());
}

fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|fields| fields[0] != "Z")
}

/// The newest server of this machine.
#[track_caller]
fn binaries() -> PathBuf {
    let versions = PLACES.iter().filter_map(|place| std::fs::read_dir(Path::new(place)).ok());
    let folders = versions.flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = folders.filter(|folder| folder.join("initdb").exists()).max();
    newest.expect("PostgreSQL is not installed on this machine")
}
