//! Randomness that nobody can foresee, and that a test can.

use std::{fmt, sync::Arc};

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills 32 bytes, or says that it could not.
type Fill = dyn Fn(&mut [u8; 32]) -> bool + Send + Sync;

/// A source of random bytes; cloning it copies a pointer.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// A source of one's own; it says whether it could.
    pub fn from_fn(fill: impl Fn(&mut [u8; 32]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// 32 bytes; nothing where the system has none to give.
    pub(super) fn bytes(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        (self.0)(&mut bytes).then_some(bytes)
    }

    /// A number below `bound`; for choices, not for secrets.
    pub(super) fn below(&self, bound: u64) -> u64 {
        let bytes = self.bytes().unwrap_or_default();
        let number = bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % bound.max(1)
    }
}

impl Default for Random {
    /// The system's. 32 bytes are never given in part.
    fn default() -> Self {
        Self::from_fn(|bytes| getrandom(&mut bytes[..], GetRandomFlags::empty()) == Ok(32))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
