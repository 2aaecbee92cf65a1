//! The checksum of an event's row. SQLite checks the shape of its pages, not what is in them; a byte that changed on the
//! disk would otherwise reach every reader as if it had been published.

use crate::log::store::StoredEvent;

/// FNV-1a, 32 bits (Fowler, Noll, Vo): every change of a single byte changes it, and it costs one multiplication a byte.
/// It guards against faults, not against people.
pub(super) fn checksum(event: &StoredEvent) -> u32 {
    let numbers = [event.seq.get(), event.prev.get(), event.at, event.frame_bytes];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).chain(event.data.bytes());
    bytes.fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
