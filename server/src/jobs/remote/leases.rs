//! Who may still be heard: the attempts that workers in other processes have under way, and until when each must have
//! signed again. Nothing of it is on the disk, and the time is the machine's own, which nobody sets.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use fourwire_shared::job::JobId;
use tokio::sync::Notify;

use crate::jobs::office::lock;

/// The leases.
#[derive(Default)]
pub(in crate::jobs) struct Leases {
    held: Mutex<HashMap<JobId, Lease>>,
    /// There is one, where there was none.
    some: Notify,
}

struct Lease {
    attempt: u32,
    until: Instant,
    cancelled: bool,
    /// The newest thing that its work has written. What was sent before it and arrives after it comes too late.
    step: u64,
}

/// Whether somebody is still heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is.
    Yes,
    /// It is, and somebody wants its job ended.
    Cancelled,
    /// It is not.
    No,
}

impl Leases {
    /// A worker has begun an attempt, or may go on with one after a restart.
    pub(super) fn begin(&self, id: JobId, attempt: u32, now: Instant, length: Duration) {
        let lease = Lease { attempt, until: now + length, cancelled: false, step: 0 };
        lock(&self.held).insert(id, lease);
        self.some.notify_one();
    }

    /// A worker signs for an attempt. One whose lease is over and was not taken yet is heard again.
    pub(super) fn sign(&self, id: JobId, attempt: u32, now: Instant, length: Duration) -> Heard {
        let mut leases = lock(&self.held);
        match leases.get_mut(&id).filter(|lease| lease.attempt == attempt) {
            Some(lease) => {
                lease.until = now + length;
                if lease.cancelled { Heard::Cancelled } else { Heard::Yes }
            }
            None => Heard::No,
        }
    }

    /// Whether an attempt may write its work's `step`: it is heard, and has written nothing later. A step may be written
    /// again: the answer to the first time may be lost. It is not kept over a restart, which no message survives.
    pub(in crate::jobs) fn may_write(&self, id: JobId, attempt: u32, step: u64) -> bool {
        let mut leases = lock(&self.held);
        let lease = leases.get_mut(&id).filter(|lease| lease.attempt == attempt && lease.step <= step);
        lease.map(|lease| lease.step = step).is_some()
    }

    /// An attempt has ended.
    pub(super) fn end(&self, id: JobId, attempt: u32) {
        let mut leases = lock(&self.held);
        if leases.get(&id).is_some_and(|lease| lease.attempt == attempt) {
            leases.remove(&id);
        }
    }

    /// Somebody wants a job ended: its worker is told with the next beat.
    pub(in crate::jobs) fn cancel(&self, id: JobId) {
        if let Some(lease) = lock(&self.held).get_mut(&id) {
            lease.cancelled = true;
        }
    }

    /// The attempts whose lease is over. From here on none of them is heard: what it says comes too late.
    pub(super) fn take_over(&self, now: Instant) -> Vec<(JobId, u32)> {
        let over = lock(&self.held).extract_if(|_, lease| lease.until <= now).collect::<Vec<_>>();
        over.into_iter().map(|(id, lease)| (id, lease.attempt)).collect()
    }

    /// When the next one is over, if there is any.
    fn next(&self) -> Option<Instant> {
        lock(&self.held).values().map(|lease| lease.until).min()
    }

    /// Waits until there is one: when the next one is over. While nobody works elsewhere it costs nothing.
    pub(super) async fn next_end(&self) -> Instant {
        loop {
            match self.next() {
                Some(at) => return at,
                None => self.some.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn only_who_holds_the_lease_is_heard_and_only_in_time() {
        let (leases, now, id) = (Leases::default(), Instant::now(), JobId::new(7));
        assert_eq!(leases.sign(id, 1, now, S), Heard::No);
        leases.begin(id, 1, now, S);
        assert_eq!((leases.take_over(now), leases.next()), (vec![], Some(now + S)));
        assert_eq!(leases.sign(id, 1, now + S / 2, S), Heard::Yes);
        assert_eq!(leases.take_over(now + S), vec![]);
        assert_eq!(leases.take_over(now + 2 * S), vec![(id, 1)]);
        assert_eq!(leases.sign(id, 1, now, S), Heard::No, "it comes too late");
        assert!(!leases.may_write(id, 1, 9), "it writes nothing either");
        leases.begin(id, 2, now, S);
        assert_eq!(leases.sign(id, 1, now, S), Heard::No, "another attempt has its place");
        let written = [(2, 1), (2, 1), (2, 3), (2, 2), (1, 4)];
        let written = written.map(|(attempt, step)| leases.may_write(id, attempt, step));
        assert_eq!(written, [true, true, true, false, false], "a step may come again, and not late");
        leases.end(id, 1);
        leases.cancel(id);
        assert_eq!(leases.sign(id, 2, now, S), Heard::Cancelled);
        leases.end(id, 2);
        assert_eq!((leases.sign(id, 2, now, S), leases.next()), (Heard::No, None));
    }
}
