//! Refusals: `application/problem+json` (RFC 9457) with a stable code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{auction::Money, frame::Data};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// Every code that a refusal can carry. A code never changes its meaning; `docs/PROTOCOL.md` lists them all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as the protocol spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What happened, in a few words that are the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// A topic name breaks the rules.
    BadTopic = "bad_topic", 400, "Not a topic name";
    /// A subscription names no topic.
    NoTopics = "no_topics", 400, "No topic was named";
    /// A subscription names more topics than allowed.
    TooManyTopics = "too_many_topics", 400, "Too many topics for one subscription";
    /// `after` is not a cursor.
    BadCursor = "bad_cursor", 400, "Not a cursor";
    /// Another query parameter is malformed.
    BadParameter = "bad_parameter", 400, "A query parameter is malformed";
    /// A body is not JSON, or not an object where one is needed.
    BadJson = "bad_json", 400, "Not JSON";
    /// A WebSocket message is no command.
    BadCommand = "bad_command", 400, "Not a command";
    /// An idempotency key is empty, too long, or holds characters that are not visible ASCII.
    BadIdempotencyKey = "bad_idempotency_key", 400, "Not an idempotency key";
    /// A command that moves money has no idempotency key.
    IdempotencyKeyRequired = "idempotency_key_required", 400, "The command needs an idempotency key";
    /// The request is malformed below the level of a route.
    BadRequest = "bad_request", 400, "The request is malformed";
    /// The request does not say who asks, or says it wrongly.
    Unauthorized = "unauthorized", 401, "Who asks is not known";
    /// Who asks may not have it.
    Forbidden = "forbidden", 403, "It belongs to somebody else";
    /// A feature owns the topic.
    TopicReserved = "topic_reserved", 403, "The topic is written by the server alone";
    /// A browser of a foreign origin asked.
    OriginRefused = "origin_refused", 403, "Requests from this origin are not allowed";
    /// No route has this path.
    NotFound = "not_found", 404, "There is nothing at this address";
    /// Nobody has declared or published to the topic.
    TopicUnknown = "topic_unknown", 404, "The topic does not exist";
    /// There is no lot with this number.
    AuctionUnknown = "auction_unknown", 404, "There is no such lot";
    /// There is no job with this number, or not any more.
    JobUnknown = "job_unknown", 404, "There is no such job";
    /// No job was ever submitted to this queue.
    QueueUnknown = "queue_unknown", 404, "There is no such queue";
    /// There is no schedule with this name.
    ScheduleUnknown = "schedule_unknown", 404, "There is no such schedule";
    /// The job has left no file behind, or its file is not kept any more.
    ResultUnknown = "result_unknown", 404, "The job has no result";
    /// The route has other methods.
    MethodNotAllowed = "method_not_allowed", 405, "The address does not have this method";
    /// The request took too long to arrive.
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive";
    /// The topic exists with another policy or durability.
    TopicConflict = "topic_conflict", 409, "The topic is declared otherwise";
    /// The bid is below the least that is accepted, which `least` tells.
    BidTooLow = "bid_too_low", 409, "The bid is too low";
    /// The bidder leads, and does not raise her maximum.
    AlreadyLeading = "already_leading", 409, "You lead already";
    /// Sellers do not bid for their own lots.
    OwnLot = "own_lot", 409, "The lot is your own";
    /// The lot is not open yet.
    LotNotOpen = "lot_not_open", 409, "The lot is not open yet";
    /// The lot is closed, or its time is over.
    LotClosed = "lot_closed", 409, "The lot is closed";
    /// The lot cannot be bought at once, or not any more.
    BuyNowGone = "buy_now_gone", 409, "The lot cannot be bought at once";
    /// The bidder's available money does not cover what would be held.
    InsufficientFunds = "insufficient_funds", 409, "The money is not there";
    /// A job with this unique key is not over; `current` is that job.
    JobNotUnique = "job_not_unique", 409, "Such a job is under way";
    /// The job is over: there is nothing to cancel.
    JobOver = "job_over", 409, "The job is over";
    /// The job is not over: it cannot be deleted, and one that runs cannot be tried again.
    JobNotOver = "job_not_over", 409, "The job is not over";
    /// The attempt is not under way any more: what its worker says of it is not heard.
    AttemptLost = "attempt_lost", 409, "The attempt is not under way any more";
    /// The topic has ended.
    TopicEnded = "topic_ended", 410, "The topic has ended";
    /// The lot is not in the version that the request names; `current` is what it is.
    StaleVersion = "stale_version", 412, "The lot has changed";
    /// The body is larger than allowed.
    PayloadTooLarge = "payload_too_large", 413, "The body is too large";
    /// The request's URL is longer than allowed.
    UriTooLong = "uri_too_long", 414, "The address is too long";
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported_media_type", 415, "The body must be application/json";
    /// The `Host` is not one that this server answers to.
    HostUnknown = "host_unknown", 421, "This server does not answer to that host";
    /// A field has a value that is not allowed.
    BadField = "bad_field", 422, "A field has a value that is not allowed";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The idempotency key belongs to another request";
    /// The route is a WebSocket's.
    UpgradeRequired = "upgrade_required", 426, "This address speaks WebSocket";
    /// The caller has too much going on at once.
    TooManyRequests = "too_many_requests", 429, "Too much at once";
    /// As many jobs wait as may wait.
    QueueFull = "queue_full", 429, "Too many jobs are waiting";
    /// The request's headers are larger than allowed.
    HeadersTooLarge = "headers_too_large", 431, "The headers are too large";
    /// A fault of the server.
    Internal = "internal", 500, "The server has failed";
    /// The server is shutting down.
    Draining = "draining", 503, "The server is shutting down";
    /// The server holds as many connections as it may.
    TooManyConnections = "too_many_connections", 503, "The server is full";
    /// Too many bid for the lot at once.
    LotBusy = "lot_busy", 503, "Too many bid for the lot";
    /// The log's queue is full.
    Busy = "busy", 503, "The server is busy";
    /// There are as many topics as there may be.
    TopicsExhausted = "topics_exhausted", 503, "There are too many topics";
    /// The disk is full or refuses writes; nothing was stored.
    StorageUnavailable = "storage_unavailable", 503, "The server cannot write at present";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal, as its reader gets it. Servers make one with [`Problem::new`]; clients parse whatever came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI reference that names the kind: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, the same for each refusal with this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code; text, so that an old client can read a new server.
    pub code: String,
    /// What happened this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The parameter or body field at fault, dotted where nested: `retain.events`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When to try again, in ms from now; on HTTP also the `Retry-After` header, in whole seconds rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The least amount that would do, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Money>,
    /// The state that the refusal was decided on, as the address would give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Current>,
}

/// A state within a problem: JSON as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Current(pub Data);

impl PartialEq for Current {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Problem {
    /// A refusal with this code.
    pub fn new(code: Code) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code: code.as_str().to_owned(),
            detail: None,
            field: None,
            retry_after_ms: None,
            least: None,
            current: None,
        }
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// Says what amount would do.
    #[must_use]
    pub fn least(mut self, least: Money) -> Self {
        self.least = Some(least);
        self
    }

    /// Says on what state it was decided.
    #[must_use]
    pub fn current(mut self, state: Data) -> Self {
        self.current = Some(Current(state));
        self
    }

    /// Whether it is a refusal with this code.
    pub fn is(&self, code: Code) -> bool {
        self.code == code.as_str()
    }
}

impl Problem {
    /// What is wrong, in words alone.
    pub fn words(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.title)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words(), self.code)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_rfc_9457_says() {
        let problem = Problem::new(Code::BadTopic).field("topics").detail("a topic token holds only a-z");
        let json = r#"{"type":"/problems/bad_topic","title":"Not a topic name","status":400,"code":"bad_topic","detail":"a topic token holds only a-z","field":"topics"}"#;
        assert_eq!(serde_json::to_string(&problem).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Problem>(json).expect("a problem"), problem);
    }
}
