//! Icons and marks: plain functions, since a component of its own costs some kilobytes of code each. Drawn in the text's colour. All are decoration: the words beside them say the same.

use fourwire_shared::Wire;
use yew::prelude::*;

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A screen: as the system has it.
    System,
    /// A sun.
    Light,
    /// A moon.
    Dark,
    /// Two bars.
    Pause,
    /// A triangle.
    Play,
    /// Two sheets.
    Copy,
    /// An arrow down.
    Chevron,
    /// A triangle with a mark: something to look at.
    Warning,
    /// A tick.
    Check,
    /// A cross.
    Close,
    /// A padlock.
    Lock,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::System => "M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5",
            Self::Light => {
                "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.3v1.5M8 13.2v1.5M1.3 8h1.5M13.2 8h1.5M3.3 3.3l1 1M11.7 11.7l1 1M3.3 12.7l1-1M11.7 4.3l1-1"
            }
            Self::Dark => "M13.4 9.7A5.8 5.8 0 0 1 6.3 2.6a5.8 5.8 0 1 0 7.1 7.1z",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Play => "M5 3.2v9.6L12.5 8z",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Chevron => "M4 6l4 4 4-4",
            Self::Warning => "M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.5v.2",
            Self::Check => "M3 8.5l3.2 3.2L13 4.8",
            Self::Close => "M4 4l8 8M12 4l-8 8",
            Self::Lock => "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
        }
    }

    /// The icon at 16 px.
    pub fn view(self) -> Html {
        html! {
            <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
                <path d={self.path()} />
            </svg>
        }
    }
}

/// Four wires that become one log.
pub fn logo() -> Html {
    html! {
        <svg class="logo" viewBox="0 0 28 28" width="28" height="28" aria-hidden="true" focusable="false">
            <path class="logo-poll" d="M3 5h6c5 0 5 9 10 9h6" />
            <path class="logo-long" d="M3 11h5c5 0 5 3 10 3" />
            <path class="logo-sse" d="M3 17h5c5 0 5-3 10-3" />
            <path class="logo-ws" d="M3 23h6c5 0 5-9 10-9" />
        </svg>
    }
}

/// The wire's mark: one shape and one colour each, ● poll, ◆ long poll, ▲ SSE, ■ WebSocket.
pub fn wire_mark(wire: Wire) -> Html {
    let (class, path) = match wire {
        Wire::Poll => ("mark mark-poll", "M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6z"),
        Wire::LongPoll => ("mark mark-long", "M6 .6 11.4 6 6 11.4.6 6z"),
        Wire::Sse => ("mark mark-sse", "M6 1 11.5 10.8H.5z"),
        Wire::WebSocket => ("mark mark-ws", "M1.4 1.4h9.2v9.2H1.4z"),
    };
    html! {
        <svg {class} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" focusable="false"><path d={path} /></svg>
    }
}

/// A wire's name in words.
pub const fn wire_name(wire: Wire) -> &'static str {
    match wire {
        Wire::Poll => "Polling",
        Wire::LongPoll => "Long polling",
        Wire::Sse => "SSE",
        Wire::WebSocket => "WebSocket",
    }
}
