//! Sockets: descriptor limits, source addresses, non-blocking connects and a fine timer.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Resource, Rlimit};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Raises the descriptor limit as far as it goes and tells how many there are.
pub(crate) fn raise_descriptor_limit() -> u64 {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Refused: the limit stays as it was, and what it was is told.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
    rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Starts connecting to `to`. A loopback server is reached from a source address of our own choice,
/// another one every so many connections: so no address runs out of ports, however many connections
/// came and went before, and finding a free one stays cheap.
///
/// # Errors
/// When the kernel refuses at once; a refusal by the peer comes later, as an event.
pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    if let Some(source) = source_for(to, MADE.fetch_add(1, Ordering::Relaxed)) {
        rustix::net::bind(&socket, &source)?;
    }
    match rustix::net::connect(&socket, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = std::net::TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(TcpStream::from_std(stream))
}

fn source_for(to: SocketAddr, made: usize) -> Option<SocketAddrV4> {
    let IpAddr::V4(address) = to.ip() else {
        return None;
    };
    if !address.is_loopback() {
        return None;
    }
    let run = 1 + (std::process::id() % 250) as u8;
    let block = 1 + (made / PORTS_PER_ADDRESS % 250) as u8;
    Some(SocketAddrV4::new(Ipv4Addr::new(127, 1, run, block), 0))
}

/// A loopback address that nobody listens on at the moment.
///
/// # Errors
/// When no port is free.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A timer with nanoseconds; the poll's own timeout counts whole milliseconds.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The timer descriptor, made readable by the kernel when the moment comes.
    timer: File,
}

impl Alarm {
    /// # Errors
    /// When the kernel has no descriptor left.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer: OwnedFd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { timer: File::from(timer) })
    }

    /// The descriptor to wait on.
    pub(crate) fn as_file(&self) -> &File {
        &self.timer
    }

    /// Goes off once at `at`; at once if that is past. Setting it again forgets the earlier moment.
    ///
    /// # Errors
    /// When the kernel refuses the timer.
    pub(crate) fn set(&self, at: Instant) -> io::Result<()> {
        // Zero would switch the timer off.
        let wait = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

/// Well under the 28,000 ephemeral ports that Linux gives each address, which closed connections keep
/// for a minute.
const PORTS_PER_ADDRESS: usize = 5_000;
/// How many connections this process has made.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_in_a_row_share_an_address_until_it_has_had_enough() {
        let server = SocketAddr::from(([127, 0, 0, 1], 80));
        let source = |made| source_for(server, made).expect("a loopback source").ip().octets();
        assert_eq!(source(0), source(PORTS_PER_ADDRESS - 1));
        assert_ne!(source(0), source(PORTS_PER_ADDRESS));
        assert_eq!(source_for(SocketAddr::from(([192, 0, 2, 1], 80)), 0), None);
    }
}
