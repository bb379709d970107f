//! This node's lease: until when it may believe that the others count on it. It is measured by a clock
//! that only goes forward, from before the database was asked, so that it never lasts longer here
//! than there, whatever the clocks say and however long this process was stopped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwire_webhooks::node::NodeId;
use bellwire_webhooks::service::Fence;

/// The lease.
#[derive(Debug)]
pub(crate) struct Lease {
    /// From when milliseconds count.
    begun: Instant,
    /// When it is over.
    ends_ms: AtomicU64,
    /// Which node this is now.
    node: AtomicU64,
}

impl Lease {
    /// The lease of a node that asked for it at that time.
    pub(super) fn new(node: NodeId, asked: Instant, lease: Duration) -> Self {
        let ends_ms = AtomicU64::new(millis(lease));
        Self { begun: asked, ends_ms, node: AtomicU64::new(node.number()) }
    }

    /// Which node this is now.
    pub(crate) fn node(&self) -> NodeId {
        NodeId::of(self.node.load(Ordering::Relaxed))
    }

    /// It goes on, counted from when that was asked for.
    pub(super) fn extend(&self, asked: Instant, lease: Duration) {
        let ends_ms = millis(asked.duration_since(self.begun) + lease);
        self.ends_ms.store(ends_ms, Ordering::Relaxed);
    }

    /// It is over.
    pub(super) fn end(&self) {
        self.ends_ms.store(0, Ordering::Relaxed);
    }

    /// This is another node from now on.
    pub(super) fn renew(&self, node: NodeId, asked: Instant, lease: Duration) {
        self.node.store(node.number(), Ordering::Relaxed);
        self.extend(asked, lease);
    }

    /// Whether it holds.
    pub(crate) fn holds(&self) -> bool {
        millis(self.begun.elapsed()) < self.ends_ms.load(Ordering::Relaxed)
    }
}

impl Fence for Lease {
    fn may_send(&self) -> bool {
        self.holds()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_and_goes_on_from_when_it_was_asked_for() {
        let long_ago = Instant::now() - Duration::from_secs(60);
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
        let lease = Lease::new(NodeId::of(1), long_ago, minute);
        assert!(!lease.holds());
        lease.extend(long_ago, hour);
        assert!(lease.holds());
        lease.end();
        assert!(!lease.holds());
        lease.renew(NodeId::of(2), Instant::now(), hour);
        assert!(lease.may_send());
        assert_eq!(lease.node(), NodeId::of(2));
    }
}
