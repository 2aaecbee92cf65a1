//! Wake-ups: one flag and one waker a subscription, registered with each of its topics for as long as it lives.
//!
//! No wake-up is lost, because of two orders. A reader clears its flag, then looks at the head; the sequencer moves the
//! head, then sets the flags. Whichever comes first, the reader either sees the new head or finds its flag set.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use fourwire_shared::{Wire, command::Subscribers};
use futures_util::task::AtomicWaker;
use slab::Slab;

/// The flag and the waker of one subscription.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    news: AtomicBool,
    waker: AtomicWaker,
}

impl Waiter {
    /// Says that all news up to now will be looked at. To be called before looking.
    pub(super) fn clear(&self) {
        self.news.swap(false, Ordering::AcqRel);
    }

    /// Ready once there may be news.
    pub(super) fn poll_news(&self, context: &Context<'_>) -> Poll<()> {
        if self.news.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.waker.register(context.waker());
        // Looked at again, for news that came before the waker was registered.
        if self.news.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Sets the flag; the waker, unless the subscription knows already.
    fn notify(&self) -> Option<Waker> {
        if self.news.swap(true, Ordering::AcqRel) { None } else { self.waker.take() }
    }
}

/// The subscriptions of one topic.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    list: Mutex<Slab<Arc<Waiter>>>,
    by_wire: [AtomicU32; 4],
}

impl Waiters {
    /// Adds one; the key takes it out again.
    pub(super) fn join(&self, waiter: &Arc<Waiter>, wire: Wire) -> usize {
        self.by_wire[wire.index()].fetch_add(1, Ordering::Relaxed);
        self.list.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(waiter))
    }

    /// Takes one out.
    pub(super) fn leave(&self, key: usize, wire: Wire) {
        self.by_wire[wire.index()].fetch_sub(1, Ordering::Relaxed);
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.try_remove(key);
        if list.is_empty() {
            *list = Slab::new(); // gives back what a crowd has taken
        }
    }

    /// Whether nobody is subscribed.
    pub(super) fn is_empty(&self) -> bool {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// How many are subscribed, by wire.
    pub(super) fn count(&self) -> Subscribers {
        let count = |wire: Wire| u64::from(self.by_wire[wire.index()].load(Ordering::Relaxed));
        Subscribers {
            poll: count(Wire::Poll),
            long_poll: count(Wire::LongPoll),
            sse: count(Wire::Sse),
            ws: count(Wire::WebSocket),
        }
    }

    /// Sets all flags and adds to `wake` those that must be woken, which is for when no lock is held.
    pub(super) fn notify(&self, wake: &mut Vec<Waker>) {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        wake.extend(list.iter().filter_map(|(_, waiter)| waiter.notify()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_before_the_first_look_is_not_lost_and_is_told_once() {
        let (waiters, waiter) = (Waiters::default(), Arc::new(Waiter::default()));
        let key = waiters.join(&waiter, Wire::Sse);
        let context = Context::from_waker(Waker::noop());
        assert_eq!(waiter.poll_news(&context), Poll::Pending);

        let mut wake = Vec::new();
        waiters.notify(&mut wake);
        waiters.notify(&mut wake);
        assert_eq!((wake.len(), waiter.poll_news(&context)), (1, Poll::Ready(())));

        waiter.clear();
        assert_eq!(waiter.poll_news(&context), Poll::Pending);
        assert_eq!(waiters.count().sse, 1);
        waiters.leave(key, Wire::Sse);
        assert!(waiters.is_empty() && waiters.count() == Subscribers::default());
    }
}
