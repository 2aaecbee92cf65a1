//! What a driver may tell a session.

use super::{api::LinkId, settings::Preference};
use crate::{frame::Frame, page::Page, problem::Problem, topic::Topic};

/// What the driver reports. Reports about a link that the session has closed are harmless.
#[derive(Clone, Debug)]
pub enum Input {
    /// The connection stands (status 200, or the WebSocket handshake is over). Optional on the polling wires.
    Opened {
        /// Which.
        link: LinkId,
    },
    /// A frame came on a stream.
    Frame {
        /// On which link.
        link: LinkId,
        /// The frame.
        frame: Frame,
        /// How many bytes of payload it took.
        bytes: u32,
        /// The *server's* clock when the bytes arrived, in µs since the Unix epoch, as the driver estimates it. Feeds the latency histogram.
        arrived_us: Option<u64>,
    },
    /// A poll or a long poll was answered with a page. This also ends the link.
    Page {
        /// Which request.
        link: LinkId,
        /// The page.
        page: Page,
        /// Its `ETag`, to be sent back with the next request.
        etag: Option<String>,
        /// How many bytes of body it took.
        bytes: u32,
        /// As for [`Input::Frame`].
        arrived_us: Option<u64>,
    },
    /// A poll was answered with 304. This also ends the link.
    NotModified {
        /// Which request.
        link: LinkId,
        /// Bytes of payload: usually 0.
        bytes: u32,
    },
    /// Bytes arrived that made no frame (yet): comments, part of a large frame. They prove life and are counted;
    /// do not report them again with the frame.
    Bytes {
        /// On which link.
        link: LinkId,
        /// How many.
        bytes: u32,
    },
    /// The link is gone, or its request has failed.
    Closed {
        /// Which.
        link: LinkId,
        /// Why.
        cause: Cause,
    },
    /// The user chose a wire.
    Prefer(Preference),
    /// Subscribe to exactly these topics from now on. New ones begin with a snapshot; the others go on without a seam.
    Topics(Vec<Topic>),
    /// Another time between polls; `None` takes the server's advice.
    PollEvery(Option<u64>),
    /// The platform believes that there is no network. Only a hint: an open link is kept.
    Offline,
    /// The platform believes that the network is back.
    Online,
    /// The page is hidden, frozen or put aside, or the user paused it: close everything, keep the cursor.
    Pause,
    /// Catch up from the cursor.
    Resume,
    /// Cut the connection as a fault would, and recover as from a fault.
    Cut,
    /// Stop waiting for the next retry and try now.
    RetryNow,
    /// The deadline has passed. Early or doubled ticks are harmless.
    Tick,
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// It could not be reached, or the connection broke.
    Network,
    /// The stream ended without a word.
    Eof,
    /// HTTP said no, before or instead of a stream.
    Refused {
        /// The status.
        status: u16,
        /// The problem document, if the body was one.
        problem: Option<Box<Problem>>,
        /// `Retry-After`, in ms.
        retry_after_ms: Option<u64>,
    },
    /// The server answered 204: every topic of this subscription has ended.
    Done,
    /// A WebSocket close frame with this code. Where there was none (1006) report [`Cause::Network`].
    WebSocket {
        /// The code.
        code: u16,
    },
    /// Bytes came that are not this protocol.
    Protocol,
    /// Nothing was heard for too long. The session says this itself.
    Stalled,
    /// The server had announced it with `closing`. The session says this itself.
    Closing,
    /// [`Input::Cut`]. The session says this itself.
    Cut,
}

impl Cause {
    /// A refusal that carries a problem document.
    pub fn refused(problem: Problem) -> Self {
        Self::Refused {
            status: problem.status,
            retry_after_ms: problem.retry_after_ms,
            problem: Some(Box::new(problem)),
        }
    }
}
