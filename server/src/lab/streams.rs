//! The streams that run: what is wanted of each, until when, and how far it has come.
//!
//! One lock, held for a look-up. A stream is either in here or over: whether a lease has run out is decided under the
//! lock, so that a renewal that was confirmed is never overtaken by the end.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use fourwire_shared::{Seq, lab::StreamSpec};
use tokio::{sync::watch, time::Instant};

use super::payload::state;
use crate::log::Snapshot;

/// Characters of an id: 36^10 are enough that nobody guesses another's, and that none comes twice.
const ID_CHARS: usize = 10;

/// What is wanted of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) spec: StreamSpec,
    /// The end of the lease.
    pub(super) until: Instant,
}

/// All streams that run, by id.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<String, Running>>);

struct Running {
    wishes: watch::Sender<Wish>,
    last: Option<(Seq, u64)>,
}

impl Streams {
    /// A new stream: its id, and where its wishes come from. The channel closes when it is removed.
    pub(super) fn add(&self, wish: Wish) -> (String, watch::Receiver<Wish>) {
        let mut streams = self.lock();
        loop {
            if let Entry::Vacant(free) = streams.entry(random_id()) {
                let id = free.key().clone();
                let (sender, wishes) = watch::channel(wish);
                free.insert(Running { wishes: sender, last: None });
                return (id, wishes);
            }
        }
    }

    /// Whether the stream runs; then it has the new wish, and runs until its end.
    pub(super) fn renew(&self, id: &str, wish: Wish) -> bool {
        // A stream whose task is gone without having been removed is ending with the server.
        self.lock().get(id).is_some_and(|running| running.wishes.send(wish).is_ok())
    }

    /// Whether it ran until now.
    pub(super) fn remove(&self, id: &str) -> bool {
        self.lock().remove(id).is_some()
    }

    /// Removes the stream if its lease is over at `now`. Whether it is gone.
    pub(super) fn expire(&self, id: &str, now: Instant) -> bool {
        let mut streams = self.lock();
        if streams.get(id).is_some_and(|running| running.wishes.borrow().until > now) {
            return false;
        }
        streams.remove(id);
        true
    }

    /// The stream's `n`th event is in the log as `seq`.
    pub(super) fn progressed(&self, id: &str, seq: Seq, n: u64) {
        if let Some(running) = self.lock().get_mut(id) {
            running.last = Some((seq, n));
        }
    }

    /// Whether it runs.
    pub(super) fn contains(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// The state of a stream that runs and has begun.
    pub(super) fn snapshot(&self, id: &str) -> Option<Snapshot> {
        let (seq, n) = self.lock().get(id)?.last?;
        Some(Snapshot { seq, data: state(n) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        // Nothing is left half done where a panic could strike.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Letters and digits nobody can foresee: the standard library's hasher is keyed by the system's random source.
fn random_id() -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut rest = RandomState::new().hash_one(0);
    let mut id = String::with_capacity(ID_CHARS);
    for _ in 0..ID_CHARS {
        id.push(char::from(ALPHABET[(rest % 36) as usize]));
        rest /= 36;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, time::Duration};

    fn wish(rate: u32, until: Instant) -> Wish {
        Wish { spec: StreamSpec { rate, payload_bytes: 50 }, until }
    }

    #[test]
    fn ids_are_parts_of_topic_names_and_differ() {
        let ids: HashSet<String> = (0..1_000).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 1_000);
        for id in ids {
            assert!(format!("lab.stream.{id}").parse::<fourwire_shared::Topic>().is_ok(), "{id}");
        }
    }

    #[test]
    fn a_lease_runs_out_unless_it_was_renewed() {
        let (streams, start) = (Streams::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        let (id, wishes) = streams.add(wish(1, at(10)));
        assert!(!streams.expire(&id, at(9)));
        assert!(streams.renew(&id, wish(2, at(19))));
        assert_eq!(*wishes.borrow(), wish(2, at(19)));
        assert!(!streams.expire(&id, at(10)));
        assert!(streams.expire(&id, at(19)));
        assert!(!streams.renew(&id, wish(3, at(30))), "what has ended is not renewed");
        assert!(wishes.has_changed().is_err(), "its task is told");
    }

    #[test]
    fn the_state_is_that_of_the_last_event_and_gone_with_the_stream() {
        let streams = Streams::default();
        let (id, _wishes) = streams.add(wish(1, Instant::now()));
        assert!(streams.snapshot(&id).is_none());
        streams.progressed(&id, Seq::new(70), 3);
        let snapshot = streams.snapshot(&id).expect("a state");
        assert_eq!((snapshot.seq, snapshot.data.get()), (Seq::new(70), r#"{"n":3}"#));
        assert!(streams.remove(&id) && !streams.remove(&id));
        assert!(streams.snapshot(&id).is_none());
    }
}
