//! What this page asks the server for beside its four lanes: a test stream, and the cursor where all lanes start.

use fourwire_shared::{
    Cursor, Topic,
    lab::{Stream, StreamSpec},
};

use crate::api::{self, Failure};

/// Why the server did not do it, in words for the user.
pub type Refusal = String;

/// Starts a test stream.
pub async fn make_stream(spec: StreamSpec) -> Result<Stream, Refusal> {
    api::make_stream(spec).await.map_err(|failure| failure.words())
}

/// Keeps a test stream alive, and changes it. False only where the server says that it is gone: one that does not
/// answer may be restarting, and that is part of the show.
pub async fn renew_stream(id: &str, spec: StreamSpec) -> bool {
    let renewed = api::renew_stream(id, spec).await;
    !matches!(renewed, Err(Failure::Refused(problem)) if matches!(problem.status, 404 | 410))
}

/// Ends a test stream. If that fails, its lease runs out.
pub fn drop_stream(id: &str) {
    let id = id.to_owned();
    wasm_bindgen_futures::spawn_local(async move {
        let _ = api::drop_stream(&id).await;
    });
}

/// The log's cursor now, so that all lanes start at the same place.
pub async fn cursor_now(topic: &Topic) -> Result<Cursor, Refusal> {
    api::cursor_now(topic).await.map_err(|failure| failure.words())
}
