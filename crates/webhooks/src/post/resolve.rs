//! From a host name to addresses.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// An answer on its way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Finds the addresses of hosts.
pub trait Resolve: Send + Sync {
    /// The addresses of a host, best first, each with the port.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

/// Asks the system, as every other program on the machine does.
#[derive(Debug)]
pub struct System {
    /// A question blocks a thread, and goes on doing so when nobody waits for the answer any more: a
    /// thousand dead names must not take all threads of the runtime.
    questions: Arc<Semaphore>,
}

/// Questions to the system at the same time.
const QUESTIONS: usize = 128;

impl Default for System {
    fn default() -> Self {
        Self { questions: Arc::new(Semaphore::new(QUESTIONS)) }
    }
}

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            let question = Arc::clone(&self.questions).acquire_owned().await;
            let host = host.to_owned();
            let ask = move || {
                let _question = question;
                (host, port).to_socket_addrs().map(Iterator::collect)
            };
            spawn_blocking(ask).await.map_err(io::Error::other)?
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn odd_forms_of_addresses_are_addresses_to_the_system() {
        let system = System::default();
        for odd in ["0x7f.1", "2130706433", "127.1", "0177.0.0.1"] {
            let addresses = system.resolve(odd, 80).await.unwrap();
            let expected = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
            assert_eq!(addresses, [expected], "{odd}");
        }
    }

    #[tokio::test]
    async fn a_name_of_nobody_is_an_error() {
        // RFC 6761: `invalid` has no names.
        assert!(System::default().resolve("nobody.invalid", 80).await.is_err());
    }
}
