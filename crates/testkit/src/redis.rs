//! Redis servers, the sentinels that watch them, and clusters of them.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::daemon::{Daemon, certificate, free_address};

/// A Redis that keeps nothing.
#[derive(Debug)]
pub struct Redis {
    daemon: Daemon,
    password: Option<String>,
}

impl Redis {
    /// One that lets everybody in.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One with more options than a port.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let mut redis = Self::prepared();
        redis.daemon.arguments(&["--port", &redis.address().port().to_string()]);
        redis.daemon.arguments(options);
        redis.daemon.start();
        redis
    }

    /// One that wants a password.
    #[must_use]
    pub fn with_password(password: &str) -> Self {
        let mut redis = Self::start_with(&["--requirepass", password, "--masterauth", password]);
        redis.password = Some(password.into());
        redis
    }

    /// One that speaks TLS only, with the certificate of the receiver of webhooks.
    #[must_use]
    pub fn with_tls() -> Self {
        let mut redis = Self::prepared();
        for (name, text) in certificate() {
            std::fs::write(redis.daemon.dir().join(name), text).unwrap();
        }
        let port = redis.address().port().to_string();
        redis.daemon.arguments(&["--port", "0", "--tls-port", &port]);
        redis.daemon.arguments(&["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"]);
        redis.daemon.arguments(&["--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no"]);
        redis.daemon.start();
        redis
    }

    fn prepared() -> Self {
        let mut daemon = Daemon::new("redis-server", free_address());
        daemon.arguments(&["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        Self { daemon, password: None }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it again, at the same place.
    pub fn start_again(&mut self) {
        self.daemon.start();
    }

    /// What it answers to a command.
    #[must_use]
    pub fn ask(&self, command: &[&str]) -> String {
        ask(self.address(), self.password.as_deref(), command)
    }
}

/// A master, a replica, and three sentinels that watch them as `main`.
#[derive(Debug)]
pub struct Watched {
    /// The first master and its replica.
    pub servers: [Redis; 2],
    sentinels: Vec<Daemon>,
}

impl Watched {
    /// Starts all, and waits until the sentinels know of each other and of the replica.
    #[must_use]
    pub fn start() -> Self {
        let master = Redis::start();
        let port = master.address().port().to_string();
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
        let sentinels = (0..3).map(|_| sentinel(&port)).collect();
        let watched = Self { servers: [master, replica], sentinels };
        watched.wait_until_they_agree();
        watched
    }

    /// Where the sentinels listen.
    #[must_use]
    pub fn sentinels(&self) -> Vec<SocketAddr> {
        self.sentinels.iter().map(Daemon::address).collect()
    }

    /// Makes the replica the master, as if somebody had asked for it.
    pub fn fail_over(&self) {
        let command = ["SENTINEL", "FAILOVER", "main"];
        assert_eq!(ask(self.sentinels[0].address(), None, &command).trim(), "OK");
    }

    fn wait_until_they_agree(&self) {
        let master = ["SENTINEL", "MASTER", "main"];
        wait_until("the sentinels agree", || {
            self.sentinels.iter().all(|sentinel| {
                let told = ask(sentinel.address(), None, &master);
                let of = |name: &str| told.lines().skip_while(|line| *line != name).nth(1);
                of("num-slaves") == Some("1") && of("num-other-sentinels") == Some("2")
            })
        });
        wait_until("the replica follows", || {
            self.servers[1].ask(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }
}

fn sentinel(port: &str) -> Daemon {
    let address = free_address();
    let mut daemon = Daemon::new("redis-sentinel", address);
    let config = format!(
        "port {}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {port} 2\n\
         sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
        address.port()
    );
    std::fs::write(daemon.dir().join("sentinel.conf"), config).unwrap();
    daemon.arguments(&["sentinel.conf"]);
    daemon.start();
    daemon
}

/// Three masters that share the slots.
#[derive(Debug)]
pub struct Cluster {
    /// The masters.
    pub servers: Vec<Redis>,
}

impl Cluster {
    /// Starts them, and waits until every one knows of the others.
    #[must_use]
    pub fn start() -> Self {
        let servers: Vec<_> = (0..3).map(|_| member()).collect();
        let addresses: Vec<_> = servers.iter().map(|one| one.address().to_string()).collect();
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(&addresses)
            .args(["--cluster-yes"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { servers };
        wait_until("the cluster stands", || {
            cluster.servers.iter().all(|one| {
                let info = one.ask(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        });
        cluster
    }

    /// Gives a slot from one master to another.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        let [source, target] = [from, to].map(|one| self.servers[one].ask(&["CLUSTER", "MYID"]));
        let set = |one: usize, state: &str, peer: &str| {
            let command = ["CLUSTER", "SETSLOT", &slot, state, peer.trim()];
            assert_eq!(self.servers[one].ask(&command).trim(), "OK");
        };
        set(to, "IMPORTING", &source);
        set(from, "MIGRATING", &target);
        set(to, "NODE", &target);
        set(from, "NODE", &target);
    }
}

fn member() -> Redis {
    let bus = free_address().port().to_string();
    Redis::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus])
}

fn ask(address: SocketAddr, password: Option<&str>, command: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-h", &address.ip().to_string(), "-p", &address.port().to_string()])
        .args(command)
        .envs(password.map(|password| ("REDISCLI_AUTH", password)))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
