//! `Auto`: which wire to use when the user leaves it to us.

use crate::wire::Wire;

/// The wires that `Auto` may use, best first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder(Vec<Wire>);

impl Ladder {
    /// These wires, best first; repeated ones fold into one. `None` if there is none.
    pub fn new(wires: impl IntoIterator<Item = Wire>) -> Option<Self> {
        let mut rungs = Vec::new();
        for wire in wires {
            if !rungs.contains(&wire) {
                rungs.push(wire);
            }
        }
        (!rungs.is_empty()).then_some(Self(rungs))
    }

    /// The wires, best first.
    pub fn wires(&self) -> &[Wire] {
        &self.0
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self(vec![Wire::WebSocket, Wire::Sse, Wire::LongPoll, Wire::Poll])
    }
}
