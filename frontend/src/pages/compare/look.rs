//! How a wire looks and is called on this page.

use fourwire_shared::Wire;

pub use crate::components::wire_name as name;

use crate::charts::{Dash, marks::Shape};

/// The custom property of its colour.
pub const fn token(wire: Wire) -> &'static str {
    match wire {
        Wire::Poll => "--wire-poll",
        Wire::LongPoll => "--wire-long",
        Wire::Sse => "--wire-sse",
        Wire::WebSocket => "--wire-ws",
    }
}

/// Its mark.
pub const fn shape(wire: Wire) -> Shape {
    match wire {
        Wire::Poll => Shape::Circle,
        Wire::LongPoll => Shape::Diamond,
        Wire::Sse => Shape::Triangle,
        Wire::WebSocket => Shape::Square,
    }
}

/// Its line style.
pub const fn dash(wire: Wire) -> Dash {
    match wire {
        Wire::Poll => Dash::Dotted,
        Wire::LongPoll => Dash::DashDot,
        Wire::Sse => Dash::Dashed,
        Wire::WebSocket => Dash::Solid,
    }
}
