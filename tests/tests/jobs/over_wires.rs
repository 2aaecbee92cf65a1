//! Every wire tells of a job from where it stands to its end.

use fourwire_server::client::{Driver, Told};
use fourwire_shared::{
    After, Topic, Wire,
    session::{Applied, Preference, Settings},
};
use fourwire_tests::{
    jobs::{check, submit},
    server::TestServer,
    wait::PATIENCE,
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// What a wire tells of a topic until its end: the states, in order.
async fn states(server: &TestServer, id: u64, wire: Wire) -> Vec<String> {
    let topic: Topic = format!("job.{id}").parse().expect("a topic");
    let mut settings = Settings::new(vec![topic]);
    (settings.preference, settings.after) = (Preference::Fixed(wire), After::Snapshot);
    let mut driver = Driver::new(server.url(), settings).expect("a client");
    let mut states: Vec<String> = Vec::new();
    let all = async {
        while let Some(told) = driver.next().await {
            let data = match &told {
                Told::Applied(Applied::Snapshot { data, .. }) => data,
                Told::Applied(Applied::Event(event)) => &event.data,
                Told::Applied(Applied::End { .. }) => return,
                _ => continue,
            };
            let job: Value = serde_json::from_str(data.get()).expect("JSON");
            states.push(job["state"].as_str().expect("a job").to_owned());
        }
    };
    timeout(PATIENCE, all).await.expect("its end");
    driver.close().await;
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wire_sees_a_job_to_its_end() {
    let mut server = TestServer::start().await;
    for wire in Wire::ALL {
        let experiment = json!({
            "kind": "experiment.contention",
            "input": { "seconds": 1, "rounds": 1, "bidders": 4, "strategies": ["queue"] },
        });
        let id = submit(&server, &experiment).await;
        let told = states(&server, id, wire).await;
        assert_eq!(told.last().map(String::as_str), Some("completed"), "{wire:?}: {told:?}");
        // Whoever comes late gets the state and the end.
        assert_eq!(states(&server, id, wire).await, ["completed"], "{wire:?}");
    }
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}
