//! A data directory that is no good: one clear line that says what is wrong and where, an exit code, and no half-open store.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use fourwire_tests::{
    process::{self, Finished},
    scratch::Scratch,
    server::TestServer,
};
use serde_json::json;

const DATABASE: &str = "fourwire.db";

async fn serve(data: &Path) -> Finished {
    process::run(&["serve", "--listen", "127.0.0.1:0", "--data", &data.display().to_string()]).await
}

/// It does not start, and says so in one line that names the directory.
fn check_refusal(name: &str, data: &Path, finished: &Finished, words: &[&str]) {
    assert!(!matches!(finished.code, None | Some(0)), "{name}: {finished:?}");
    assert!(!finished.stdout.contains("http://"), "{name}: it says that it listens: {finished:?}");
    let said: Vec<&str> = finished.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(said.len(), 1, "{name}: one message: {finished:?}");
    assert!(said[0].contains(&data.display().to_string()), "{name}: it names {}: {said:?}", data.display());
    assert!(!said[0].contains("panicked"), "{name}: {said:?}");
    let lower = said[0].to_lowercase();
    assert!(words.iter().any(|word| lower.contains(word)), "{name}: none of {words:?} in {said:?}");
}

/// A directory that a server has used and left: `events` large ones are in it.
async fn used(scratch: &Scratch, events: usize) -> std::path::PathBuf {
    let data = scratch.path().join("data");
    let mut server = TestServer::with().data(&data).start().await;
    let _ = server.declare("a", &json!({ "durable": true, "retain": { "bytes": 16_777_216 } })).await;
    for n in 0..events {
        let _ = server.publish("a", &json!({ "n": n, "pad": "x".repeat(20_000) })).await;
    }
    assert_eq!(server.terminate().await.code(), Some(0));
    data
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let server = TestServer::start().await;
    let finished = serve(&server.data()).await;
    check_refusal("in use", &server.data(), &finished, &["in use", "another", "lock"]);
    assert!(server.publish("a", &json!(1)).await["seq"].is_u64(), "the first is not disturbed");
}

#[tokio::test]
async fn a_lock_that_a_killed_server_left_is_no_hindrance() {
    let mut server = TestServer::start().await;
    server.kill().await;
    server.start_again().await;
}

#[tokio::test]
async fn a_file_where_a_directory_should_be_is_refused() {
    let scratch = Scratch::new("file");
    let data = scratch.path().join("data");
    fs::write(&data, "not a directory").expect("a file");
    check_refusal("a file", &data, &serve(&data).await, &["directory"]);
    let below = data.join("below");
    check_refusal("below a file", &below, &serve(&below).await, &["directory"]);
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    for (name, bytes) in
        [("text", b"this is no database, but it is a long text\n".repeat(400)), ("zeros", vec![0; 65_536])]
    {
        let scratch = Scratch::new("foreign");
        let data = scratch.path().join("data");
        fs::create_dir_all(&data).expect("a directory");
        fs::write(data.join(DATABASE), &bytes).expect("a file");
        check_refusal(
            name,
            &data,
            &serve(&data).await,
            &["damaged", "not a", "corrupt", "no database", "not ours"],
        );
        assert_eq!(
            fs::read(data.join(DATABASE)).expect("it is still there"),
            bytes,
            "{name}: nothing is overwritten"
        );
    }
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let scratch = Scratch::new("damaged");
    let data = used(&scratch, 40).await;
    let path = data.join(DATABASE);
    let size = fs::metadata(&path).expect("it is there").len();
    assert!(size > 200_000, "{size}");
    let file = OpenOptions::new().write(true).open(&path).expect("it can be written");
    file.write_all_at(&[0xA5; 3_000], 8_192).expect("bytes are overwritten");
    let finished = serve(&data).await;
    check_refusal("flipped bytes", &data, &finished, &["damaged", "corrupt", "malformed"]);
}

#[tokio::test]
async fn a_database_that_was_cut_is_refused() {
    let scratch = Scratch::new("cut");
    let data = used(&scratch, 40).await;
    let file = OpenOptions::new().write(true).open(data.join(DATABASE)).expect("it can be written");
    file.set_len(50_000).expect("it is cut");
    check_refusal("cut", &data, &serve(&data).await, &["damaged", "corrupt", "malformed"]);
}

/// SQLite's `user_version` lies at byte 60, its `application_id` at 68.
#[tokio::test]
async fn a_newer_or_a_foreign_database_is_refused() {
    for (name, at, words) in [
        ("newer", 60, &["newer"][..]),
        ("foreign", 68, &["not a", "another", "not ours", "foreign", "belongs"]),
    ] {
        let scratch = Scratch::new(name);
        let data = used(&scratch, 1).await;
        let mut file: File =
            OpenOptions::new().write(true).open(data.join(DATABASE)).expect("it can be written");
        file.seek(SeekFrom::Start(at)).expect("a place");
        file.write_all(&0x0000_7fff_u32.to_be_bytes()).expect("it is written");
        check_refusal(name, &data, &serve(&data).await, words);
    }
}

#[tokio::test]
async fn bad_arguments_are_told_in_a_line() {
    for args in [
        &["serve", "--listen", "nowhere"][..],
        &["serve", "--heartbeat-ms", "never"],
        &["serve", "--no-such-flag"],
        &["serve", "--config", "/nonexistent/fourwire.toml"],
        &["fly"],
    ] {
        let finished = process::run(args).await;
        assert!(!matches!(finished.code, None | Some(0)), "{args:?}: {finished:?}");
        assert!(
            !finished.stderr.is_empty() && !finished.stderr.contains("panicked"),
            "{args:?}: {finished:?}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let server = TestServer::start().await;
    let scratch = Scratch::new("port");
    let listen = format!("127.0.0.1:{}", server.port());
    let data = scratch.path().join("data").display().to_string();
    let finished = process::run(&["serve", "--listen", &listen, "--data", &data]).await;
    assert!(!matches!(finished.code, None | Some(0)), "{finished:?}");
    assert!(finished.stderr.contains(&listen), "{finished:?}");
}
