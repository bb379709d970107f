//! A future that wakes itself while it is polled is polled again at once.
//!
//! hyper hands a body from its connection to the handler within one task, and wakes that task for it.
//! tokio takes such a wake for a task that yields, and wakes another thread to share the work: for every
//! request with a body, at several times the price of the request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// How often a future is polled in a row before others have their turn.
const POLLS_MAX: usize = 4;

const IDLE: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

/// Polls a future until it has settled: until it waits for something else than itself.
pub(super) async fn settled<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut watcher: Option<Arc<Watcher>> = None;
    std::future::poll_fn(move |context| {
        let known = watcher.take().filter(|watcher| watcher.task.will_wake(context.waker()));
        let known = known.unwrap_or_else(|| Arc::new(Watcher::of(context.waker())));
        let polled = known.poll(future.as_mut());
        watcher = Some(known);
        polled
    })
    .await
}

/// Stands between a future and its task.
struct Watcher {
    task: Waker,
    state: AtomicU8,
}

impl Watcher {
    fn of(task: &Waker) -> Self {
        Self { task: task.clone(), state: AtomicU8::new(IDLE) }
    }

    fn poll<F: Future>(self: &Arc<Self>, mut future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        let mut context = Context::from_waker(&waker);
        for _ in 0..POLLS_MAX {
            self.state.store(POLLING, Ordering::SeqCst);
            let polled = future.as_mut().poll(&mut context);
            let woken = self.state.swap(IDLE, Ordering::SeqCst) == WOKEN;
            if polled.is_ready() || !woken {
                return polled;
            }
        }
        self.task.wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Watcher {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self.state.compare_exchange(POLLING, WOKEN, Ordering::SeqCst, Ordering::SeqCst);
        if noted == Err(IDLE) {
            self.task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A future that wakes itself so often before it is done.
    fn restless(mut wakes: usize) -> impl Future<Output = ()> {
        std::future::poll_fn(move |context| {
            if wakes == 0 {
                return Poll::Ready(());
            }
            wakes -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[test]
    fn what_wakes_itself_is_polled_again_and_its_task_hears_nothing() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut future = std::pin::pin!(settled(restless(3)));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        assert_eq!(task.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_never_settles_lets_others_have_their_turn() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut future = std::pin::pin!(settled(restless(POLLS_MAX + 1)));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.0.load(Ordering::SeqCst), 1);
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn a_wake_from_outside_reaches_the_task() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut future = std::pin::pin!(settled(receiver));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        sender.send(7).unwrap();
        assert_eq!(task.0.load(Ordering::SeqCst), 1);
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
}
