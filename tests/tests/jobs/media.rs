//! Pictures and films: what is made is opened by decoders that are not ours, and an encoder lives no longer than its
//! attempt.

use std::{
    io::{Cursor, Read},
    process::Command,
    time::{Duration, Instant},
};

use fourwire_tests::{
    jobs::{check, download, reaches, submit, upload},
    server::TestServer,
    wait,
    worker::Worker,
};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::{Value, json};

/// A picture with a colour for each corner.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbaImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgba([220, 30, 30, 255]),
        (false, true) => Rgba([30, 180, 30, 255]),
        (true, false) => Rgba([30, 30, 220, 255]),
        (false, false) => Rgba([230, 230, 30, 255]),
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(pixels).write_to(&mut file, ImageFormat::Png).expect("written");
    file.into_inner()
}

/// A film with sound, of so many seconds.
fn film(server: &TestServer, seconds: u32, size: &str) -> Vec<u8> {
    let path = server.data().with_file_name("film.mp4");
    let line = format!(
        "ffmpeg -v error -y -f lavfi -i testsrc2=size={size}:rate=25:duration={seconds} \
         -f lavfi -i sine=duration={seconds} -metadata location=+52.5+013.4/ -metadata title=\"$(printf '\\377 noise')\" -c:v libx264 -preset ultrafast {}",
        path.display()
    );
    let status = Command::new("sh").args(["-c", &line]).status();
    assert!(status.is_ok_and(|status| status.success()), "ffmpeg is needed: apt-get install ffmpeg");
    std::fs::read(path).expect("a film")
}

/// What ffprobe says of a file.
fn probe(server: &TestServer, file: &[u8]) -> Value {
    let path = server.data().with_file_name("probed");
    std::fs::write(&path, file).expect("written");
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_format", "-show_streams"]).arg(path);
    let out = command.output().expect("ffprobe is needed: apt-get install ffmpeg");
    serde_json::from_slice(&out.stdout).expect("JSON")
}

async fn encode(server: &TestServer, upload: &Value, mut input: Value) -> u64 {
    input["upload"] = upload["id"].clone();
    submit(server, &json!({ "kind": "media.encode", "input": input, "max_attempts": 20 })).await
}

/// How many encoders there are whose command line has this in it. What watches them is a shell.
fn encoders(of: &str) -> usize {
    let is_one = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).replace('\0', " ");
        let is_encoder = line.starts_with("ffmpeg ") || line.contains("exe encode-picture ");
        is_encoder && !line.starts_with("sh ") && line.contains(of)
    };
    let all = std::fs::read_dir("/proc").expect("processes");
    let lines = all.filter_map(|one| std::fs::read(one.ok()?.path().join("cmdline")).ok());
    lines.filter(|line| is_one(line)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_made_in_each_size_and_format() {
    let mut server = TestServer::start().await;
    let sent = upload(&server, "Four%20colours.png", picture(120, 80)).await;
    let id =
        encode(&server, &sent, json!({ "formats": ["avif", "webp", "jpeg"], "widths": [60, 500, 30] })).await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!((&job["progress"]["done"], &job["progress"]["total"]), (&json!(9), &json!(9)), "{job}");
    let (kind, name, file) = download(&server, id).await;
    assert_eq!(
        (kind.as_str(), name.as_str()),
        ("application/zip", "attachment; filename=\"Four_colours.zip\"")
    );
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).expect("a ZIP");
    let mut names = Vec::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).expect("an entry");
        let (name, mut bytes) = (entry.name().expect("UTF-8").into_owned(), Vec::new());
        entry.read_to_end(&mut bytes).expect("its bytes");
        let width: u32 = name.split(['-', '.']).nth(1).and_then(|width| width.parse().ok()).expect("a width");
        if name.ends_with("avif") {
            let told = &probe(&server, &bytes)["streams"][0];
            assert_eq!((&told["codec_name"], &told["width"]), (&json!("av1"), &json!(width)), "{name}");
        } else {
            let read = image::load_from_memory(&bytes).expect("a picture").to_rgba8();
            assert_eq!(read.dimensions(), (width, width * 2 / 3), "{name}");
            let corner = read.get_pixel(3, 3).0;
            assert!(corner[0] > 180 && corner[1] < 90 && corner[2] < 90, "{name}: {corner:?}");
        }
        names.push(name);
    }
    // Nothing gets wider than it was.
    let expected: Vec<String> = [30, 60, 120]
        .iter()
        .flat_map(|width| ["avif", "webp", "jpg"].map(|ending| format!("Four_colours-{width}.{ending}")))
        .collect();
    assert_eq!(names, expected);

    // One is the result as it is, and can be shown.
    let id = encode(&server, &sent, json!({})).await;
    reaches(&server, id, "completed").await;
    let (kind, name, file) = download(&server, id).await;
    assert_eq!(
        (kind.as_str(), name.as_str()),
        ("image/webp", "attachment; filename=\"Four_colours-120.webp\"")
    );
    assert_eq!(image::load_from_memory(&file).expect("a picture").width(), 120);
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_encoded_is_refused_with_its_reason() {
    let server = TestServer::with().args(["--media-pixels-max", "5000"]).start().await;
    let sent = upload(&server, "a.png", picture(60, 40)).await;
    for (input, field) in [
        (json!({ "formats": [] }), "input.formats"),
        (json!({ "formats": ["webp", "mp4"] }), "input.formats"),
        (json!({ "formats": ["tiff"] }), "input.formats[0]"),
        (json!({ "widths": [8] }), "input.widths"),
        (json!({ "widths": vec![20; 17] }), "input.widths"),
        (json!({ "quality": 0 }), "input.quality"),
    ] {
        let mut input = input;
        input["upload"] = sent["id"].clone();
        let told = server.post("/v1/jobs", &json!({ "kind": "media.encode", "input": input })).await;
        assert_eq!((&told["code"], &told["field"]), (&json!("bad_field"), &json!(field)), "{told}");
    }
    let text = upload(&server, "a.csv", "a,b\n1,2\n").await;
    let large = upload(&server, "b.png", picture(100, 60)).await;
    // A playlist that names a file of the server's.
    let list = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    let list = upload(&server, "a.m3u8", list).await;
    for (upload, formats, why) in [
        (&text, "webp", "no picture that can be read"),
        (&large, "webp", "--media-pixels-max"),
        (&text, "mp4", "ffmpeg refuses it"),
        (&list, "mp4", "not on whitelist"),
    ] {
        let id = encode(&server, upload, json!({ "formats": [formats] })).await;
        let job = reaches(&server, id, "discarded").await;
        let error = job["error"].as_str().unwrap_or_default();
        assert!(error.contains(why), "{error:?} does not say {why:?}");
        assert_eq!(job["used"], 1, "what is no picture is none the next time: {job}");
        assert!(!error.contains("/uploads/"), "{error}");
    }
    let server = TestServer::with().args(["--ffmpeg", "no-such-encoder"]).start().await;
    let sent = upload(&server, "a.gif", "GIF89a").await;
    let id = encode(&server, &sent, json!({ "formats": ["mp4"] })).await;
    let job = reaches(&server, id, "discarded").await;
    let error = job["error"].as_str().unwrap_or_default();
    assert!(error.contains("no-such-encoder does not run here"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_made_smaller_and_keeps_its_sound_and_no_place() {
    let server = TestServer::start().await;
    let sent = upload(&server, "holiday.mp4", film(&server, 2, "320x240")).await;
    let id = encode(&server, &sent, json!({ "formats": ["mp4"], "widths": [161], "quality": 50 })).await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!(job["progress"]["unit"], "s of film", "{job}");
    assert_eq!(job["progress"]["done"], job["progress"]["total"], "{job}");
    let (kind, name, file) = download(&server, id).await;
    assert_eq!((kind.as_str(), name.as_str()), ("video/mp4", "attachment; filename=\"holiday-161.mp4\""));
    let told = probe(&server, &file);
    let streams = told["streams"].as_array().expect("streams");
    let codecs: Vec<&Value> = streams.iter().map(|stream| &stream["codec_name"]).collect();
    assert_eq!(codecs, ["h264", "aac"], "{told}");
    assert_eq!((&streams[0]["width"], &streams[0]["height"]), (&json!(160), &json!(120)), "an even size");
    assert!(!told.to_string().contains("52.5"), "where it was taken is left out: {told}");
    // Both formats at once, from a picture that moves.
    let path = server.data().with_file_name("moves.gif");
    let line =
        format!("ffmpeg -v error -y -f lavfi -i testsrc2=size=64x48:rate=10:duration=1 {}", path.display());
    assert!(Command::new("sh").args(["-c", &line]).status().expect("ffmpeg").success());
    let sent = upload(&server, "moves.gif", std::fs::read(path).expect("a film")).await;
    let id = encode(&server, &sent, json!({ "formats": ["webm", "mp4"] })).await;
    reaches(&server, id, "completed").await;
    let (_, _, file) = download(&server, id).await;
    let zip = zip::ZipArchive::new(Cursor::new(file)).expect("a ZIP");
    let names: Vec<_> = zip.file_names().map(|name| name.expect("UTF-8").into_owned()).collect();
    assert_eq!(names, ["moves.mp4", "moves.webm"]);
}

/// A picture of noise, which is the most work.
fn noise() -> Vec<u8> {
    let mut number = 1_u32;
    let pixels = image::RgbImage::from_fn(1_200, 900, |_, _| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(number >> 24) as u8, (number >> 16) as u8, (number >> 8) as u8])
    });
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, ImageFormat::Bmp).expect("written");
    file.into_inner()
}

async fn is_making(server: &TestServer, id: u64) {
    wait::until("the encoder to be on its way", async || {
        let job = server.get(&format!("/v1/jobs/{id}")).await;
        job["progress"]["message"].as_str().is_some_and(|told| told.starts_with("making")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_takes_long_is_cancelled_at_once() {
    let mut server = TestServer::start().await;
    let here = server.data().display().to_string();
    let sent = upload(&server, "noise.bmp", noise()).await;
    let id = encode(&server, &sent, json!({ "formats": ["avif"] })).await;
    is_making(&server, id).await;
    assert_eq!(encoders(&here), 1);
    let asked = Instant::now();
    server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).await;
    reaches(&server, id, "cancelled").await;
    assert_eq!(encoders(&here), 0, "it is not encoded any more");
    // A job that does not listen is given up after ten seconds.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let id = encode(&server, &sent, json!({ "formats": ["avif"] })).await;
    is_making(&server, id).await;
    server.kill().await;
    wait::until("no encoder", async || (encoders(&here) == 0).then_some(())).await;
}

/// The encoder is cancelled with its job, and dies with its server, though nobody is left to kill it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_encoder_outlives_its_attempt() {
    let mut server = TestServer::start().await;
    let here = server.data().display().to_string();
    let long = film(&server, 40, "640x480");
    let sent = upload(&server, "long.mp4", long.clone()).await;
    let slow = json!({ "formats": ["webm"], "quality": 95 });
    let goes_on = async |server: &TestServer, id: u64| {
        wait::until("the encoder to be on its way", async || {
            let job = server.get(&format!("/v1/jobs/{id}")).await;
            job["progress"]["done"].as_u64().is_some_and(|done| done > 0).then_some(())
        })
        .await;
    };
    let none = async || wait::until("no encoder", async || (encoders(&here) == 0).then_some(())).await;

    let id = encode(&server, &sent, slow.clone()).await;
    goes_on(&server, id).await;
    assert_eq!(encoders(&here), 1);
    let asked = Instant::now();
    server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).await;
    reaches(&server, id, "cancelled").await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    none().await;

    let id = encode(&server, &sent, slow).await;
    goes_on(&server, id).await;
    server.kill().await;
    none().await;
    server.start_again().await;
    goes_on(&server, id).await;
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).await["attempt"], 2);
    server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).await;
    reaches(&server, id, "cancelled").await;
    assert!(server.terminate().await.success());
    none().await;
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_elsewhere_reads_what_was_sent_to_the_server() {
    let server = TestServer::with().args(["--job-queues-elsewhere", "heavy"]).start().await;
    let mut worker = Worker::start(&server, "artist", "heavy").await;
    let sent = upload(&server, "a-b.png", picture(64, 64)).await;
    let input = json!({ "upload": sent["id"], "formats": ["jpeg"], "widths": [32] });
    let id = submit(&server, &json!({ "kind": "media.encode", "queue": "heavy", "input": input })).await;
    reaches(&server, id, "completed").await;
    let told = server.get(&format!("/v1/jobs/{id}/attempts")).await;
    assert_eq!(told["attempts"][0]["worker"], "artist", "{told}");
    let (kind, name, file) = download(&server, id).await;
    assert_eq!((kind.as_str(), name.as_str()), ("image/jpeg", "attachment; filename=\"a-b-32.jpg\""));
    assert_eq!(image::load_from_memory(&file).expect("a picture").width(), 32);

    // Asked to end, it does not wait for its encoder.
    let sent = upload(&server, "noise.bmp", noise()).await;
    let input = json!({ "upload": sent["id"], "formats": ["avif"] });
    let id = submit(&server, &json!({ "kind": "media.encode", "queue": "heavy", "input": input })).await;
    is_making(&server, id).await;
    let asked = Instant::now();
    worker.signal("TERM");
    assert!(worker.ended().await.success(), "{}", worker.log());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    let job = reaches(&server, id, "available").await;
    assert_eq!((&job["used"], &job["attempt"]), (&json!(0), &json!(1)));
}
