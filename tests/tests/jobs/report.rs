//! Reports as files: of jobs, lots and the machine.

use fourwire_tests::{
    house::Visitor,
    jobs::{reaches, submit},
    raw::Request,
    server::TestServer,
};
use serde_json::{Value, json};

/// The type, the disposition and the bytes of a report.
async fn report(server: &TestServer, input: Value) -> (String, String, Vec<u8>) {
    let id = submit(server, &json!({ "kind": "report.pdf", "input": input })).await;
    reaches(server, id, "completed").await;
    let answer =
        reqwest::get(server.at(&format!("/v1/jobs/{id}/result?inline=true"))).await.expect("an answer");
    let header = |name| answer.headers()[name].to_str().expect("text").to_owned();
    let (content_type, how) = (header("content-type"), header("content-disposition"));
    (content_type, how, answer.bytes().await.expect("a file").to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_lots_and_the_machine_have_a_report_to_send() {
    let server = TestServer::start().await;
    let (seller, ada) = (Visitor::join(&server, "Sal").await, Visitor::join(&server, "Ada").await);
    let lot = seller.offer("clock", &json!({ "title": "A clock", "start": 100 })).await;
    ada.bid(lot, "one", &json!({ "amount": 100 })).await.expect("an answer");
    let scenario = json!({ "kind": "experiment.scenario", "input": { "scenario": "last_ticket" } });
    let job = submit(&server, &scenario).await;
    reaches(&server, job, "completed").await;
    for (input, name) in [
        (json!({ "of": "job", "id": job }), format!("job-{job}.pdf")),
        (json!({ "of": "lot", "id": lot }), format!("lot-{lot}.pdf")),
        (json!({ "of": "dashboard" }), "machine.pdf".to_owned()),
    ] {
        let (content_type, how, file) = report(&server, input).await;
        assert_eq!(content_type, "application/pdf");
        assert_eq!(how, format!("inline; filename=\"{name}\""));
        let text = String::from_utf8_lossy(&file);
        assert!(
            text.starts_with("%PDF-") && text.contains("DejaVuSans") && text.contains("/FontFile2"),
            "{name}"
        );
    }
    for (input, told) in [
        (json!({ "of": "lot" }), "422 bad_field input.id"),
        (json!({ "of": "dashboard", "id": 1 }), "422 bad_field input.id"),
        (json!({ "of": "weather" }), "422 bad_field input.of"),
    ] {
        let spec = json!({ "kind": "report.pdf", "input": input });
        let request = Request::new("POST", "/v1/jobs").json(spec.to_string());
        assert_eq!(request.send(server.port()).await.problem(), told);
    }
    let none = submit(&server, &json!({ "kind": "report.pdf", "input": { "of": "lot", "id": 999 } })).await;
    let told = reaches(&server, none, "discarded").await;
    assert_eq!(told["error"], "there is no lot 999");
}
