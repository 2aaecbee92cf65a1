//! Who may read a topic, found out on a wire.

use fourwire_server::client::{Driver, Told};
use fourwire_shared::{
    After, Topic, Wire,
    session::{Preference, Settings},
};
use tokio::time::timeout;

use crate::{server::TestServer, wait::PATIENCE};

/// Whether a wire gives a topic to whoever shows this secret, or nothing.
///
/// # Panics
/// When it neither gives nor refuses.
pub async fn reads(server: &TestServer, topic: &str, wire: Wire, secret: Option<&str>) -> bool {
    let topic: Topic = topic.parse().unwrap_or_else(|error| panic!("{topic}: {error}"));
    let mut settings = Settings::new(vec![topic]);
    (settings.preference, settings.after) = (Preference::Fixed(wire), After::Snapshot);
    let driver = Driver::new(server.url(), settings);
    let driver = match secret {
        Some(secret) => driver.and_then(|driver| driver.with_secret(secret)),
        None => driver,
    };
    let mut driver = driver.expect("a client");
    let first = async {
        loop {
            match driver.next().await {
                Some(Told::Applied(_)) => return true,
                Some(Told::Notice(_)) => {}
                None => return false,
            }
        }
    };
    let read = timeout(PATIENCE, first).await.expect("a frame or an end");
    driver.close().await;
    read
}
