//! Exports read back: the same rows as CSV, as JSON Lines and as Parquet, by readers that are not ours.

use bytes::Bytes;
use fourwire_tests::{
    house::Visitor,
    jobs::{check, download, reaches, submit},
    server::TestServer,
    wait,
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use serde_json::{Value, json};

async fn exported(server: &TestServer, input: &Value) -> (String, Bytes) {
    let id = submit(server, &json!({ "kind": "export", "input": input })).await;
    reaches(server, id, "completed").await;
    let (kind, _, file) = download(server, id).await;
    (kind, file.into())
}

/// Rows as JSON. A time is what it was written from.
fn rows(file: Bytes) -> Vec<Value> {
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let row = |row: parquet::record::Row| {
        let cell = |(name, field): (&String, &Field)| {
            let value = match field {
                Field::Null => Value::Null,
                Field::Long(number) | Field::TimestampMicros(number) => json!(number),
                Field::Str(text) => json!(text),
                Field::Bytes(text) => json!(String::from_utf8_lossy(text.data())),
                other => panic!("{name}: {other:?}"),
            };
            (name.clone(), value)
        };
        Value::Object(row.get_column_iter().map(cell).collect())
    };
    reader.get_row_iter(None).expect("rows").map(|one| row(one.expect("a row"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_the_same_in_each_format() {
    let mut server = TestServer::start().await;
    for number in 0..40 {
        let data = json!({ "n": number, "text": format!("Grüße, \"{number}\"\n") });
        server.publish("kept", &data).await;
    }
    let (kind, lines) = exported(&server, &json!({ "topic": "kept", "format": "jsonl" })).await;
    assert_eq!(kind, "application/jsonl");
    let lines: Vec<Value> = std::str::from_utf8(&lines)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (kind, file) = exported(&server, &json!({ "topic": "kept", "format": "parquet" })).await;
    assert_eq!(kind, "application/vnd.apache.parquet");
    let columns = rows(file);
    assert_eq!((lines.len(), columns.len()), (40, 40));
    for (line, row) in lines.iter().zip(&columns) {
        assert_eq!((&line["seq"], &line["at"]), (&row["seq"], &row["at"]));
        let data: Value = serde_json::from_str(row["data"].as_str().expect("text")).expect("JSON");
        assert_eq!(line["data"], data);
    }

    // A table with values that are missing, and one that is empty.
    let (_, file) = exported(&server, &json!({ "table": "jobs", "format": "parquet" })).await;
    let reader = SerializedFileReader::new(file.clone()).expect("a Parquet file");
    let schema = format!("{:?}", reader.metadata().file_metadata().schema());
    assert!(schema.contains("Timestamp") && schema.contains("String"), "{schema}");
    let jobs = rows(file);
    assert_eq!(
        (&jobs[0]["job"], &jobs[0]["kind"], &jobs[0]["error"]),
        (&json!(1), &json!("export"), &Value::Null)
    );
    assert_eq!((&jobs[2]["state"], &jobs[2]["finished_at"]), (&json!("running"), &Value::Null));
    let (_, file) = exported(&server, &json!({ "table": "lots", "format": "parquet" })).await;
    assert_eq!(rows(file), Vec::<Value>::new());

    let twice = json!({ "kind": "export", "input": { "table": "lots", "format": "parquet", "gzip": true } });
    assert_eq!(server.post("/v1/jobs", &twice).await["field"], "input.gzip");
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_table_has_its_rows_and_nothing_of_them_is_private() {
    let mut server = TestServer::start().await;
    let (seller, ada) = (Visitor::join(&server, "Sal").await, Visitor::join(&server, "Ada").await);
    let lot = seller.offer("clock", &json!({ "title": "A clock", "start": 100, "buy_now": 500 })).await;
    ada.bid(lot, "one", &json!({ "amount": 100, "max": 300 })).await.expect("an answer");
    let other = Visitor::join(&server, "Bo").await;
    other.bid(lot, "two", &json!({ "buy_now": true })).await.expect("an answer");
    let http = reqwest::Client::new();
    let put = async |path: &str, body: Value| {
        let told = http.put(server.at(path)).json(&body).send().await.expect("an answer");
        assert_eq!(told.status(), 201, "{path}");
    };
    put("/v1/mail/suppressed/a@example.org", json!({ "why": "she wants none" })).await;
    for name in ["-early", "yearly"] {
        let job = json!({ "kind": "noop", "input": {} });
        put(&format!("/v1/schedules/{name}"), json!({ "cron": "0 0 1 1 *", "job": job })).await;
    }
    let secret = "a-secret-that-nobody-else-has-0000000000";
    let private = json!({ "kind": "ml.predict", "input": { "model": 4_242 }, "secret": secret });
    let private = submit(&server, &private).await;
    wait::until("the private job to fail", async || {
        let told = server.get("/v1/jobs?kind=ml.predict&state=discarded").await;
        (told["jobs"][0]["id"] == json!(private)).then_some(())
    })
    .await;

    let mut all = String::new();
    for (table, column, values) in [
        ("lots", "title", json!(["A clock"])),
        ("bids", "bidder", json!([ada.id, other.id])),
        ("bidders", "name", json!(["Sal", "Ada", "Bo"])),
        ("settlements", "winner", json!([other.id])),
        ("queues", "queue", json!(["default"])),
        ("schedules", "schedule", json!(["-early", "yearly"])),
        ("suppressed", "email", json!(["a@example.org"])),
        ("jobs", "job", Value::Null),
        ("attempts", "job", Value::Null),
    ] {
        let (_, lines) = exported(&server, &json!({ "table": table, "format": "jsonl" })).await;
        let text = std::str::from_utf8(&lines).expect("UTF-8");
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let found: Vec<&Value> = rows.iter().map(|row| &row[column]).collect();
        match values.as_array() {
            Some(values) => assert_eq!(found, values.iter().collect::<Vec<_>>(), "{table}: {text}"),
            None => assert!(found.contains(&&json!(private)), "{table}: {text}"),
        }
        all += text;
        let (_, columns) = exported(&server, &json!({ "table": table, "format": "parquet" })).await;
        let columns = self::rows(columns);
        assert!(columns.len() >= rows.len() && columns[0][column] == rows[0][column], "{table}");
    }
    for word in [secret, "a-key-that-nobody", "max\"", "made no model"] {
        assert!(!all.contains(word), "{word} is nobody's business: {all}");
    }
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}
