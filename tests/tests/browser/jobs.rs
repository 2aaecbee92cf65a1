//! The pages of jobs in a real browser: a job from its form to its result while the wire is switched, one that outlives
//! its server, and many at once.

use fourwire_tests::{
    browser::{Browser, SERVER_GONE},
    jobs::submit,
    server::TestServer,
    wait,
};
use serde_json::{Value, json};

const JOB: &str = "[data-testid=job]";

/// Chooses an option of a select.
async fn choose(browser: &Browser, css: &str, value: &str) {
    browser.click(&format!("{css} option[value='{value}']")).await;
}

async fn text_with(browser: &Browser, css: &str, part: &str) -> String {
    wait::until(format_args!("{css} says {part:?}"), async || {
        browser.text(css).await.filter(|text| text.contains(part))
    })
    .await
}

#[tokio::test]
async fn a_job_goes_from_its_form_to_its_result_on_any_wire() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/jobs")).await;
    browser.prefer("sse").await;
    text_with(&browser, "[data-testid=jobs-empty]", "export").await;
    browser.click("[data-testid=job-new]").await;
    choose(&browser, "#job-kind", "experiment.contention").await;
    browser.fill("#job-input-bidders", "8").await;
    browser.fill("#job-input-seconds", "many").await;
    browser.click("[data-testid=job-send]").await;
    text_with(&browser, "#job-input-seconds-fault", "whole number").await;
    browser.fill("#job-input-seconds", "1").await;
    browser.fill("#job-input-rounds", "0").await;
    browser.click("[data-testid=job-send]").await;
    text_with(&browser, "#job-input-rounds-fault", "from 1 to 10").await;
    browser.fill("#job-input-rounds", "2").await;
    browser.click("[data-testid=job-send]").await;

    browser.wait_for(JOB, "data-state", "running").await;
    text_with(&browser, "[data-testid=job-message]", "bidding").await;
    for wire in ["ws", "long-poll", "poll"] {
        let before = browser.attribute("[data-testid=job-done]", "data-value").await;
        browser.prefer(wire).await;
        browser.wait_for_change("[data-testid=job-done]", "data-value", before.as_deref()).await;
    }
    browser.wait_for(JOB, "data-state", "completed").await;
    text_with(&browser, "[data-testid=job-log]", "bidding").await;
    text_with(&browser, "[data-testid=job-preview]", "\"verdict\"").await;
    browser.wait_for("[data-testid=attempt]", "data-outcome", "completed").await;
    let input = browser.text("[data-testid=job-input]").await.unwrap_or_default();
    assert!(input.contains("\"bidders\": 8"), "{input}");
    let fetched = "const done = arguments[arguments.length - 1];
        fetch(document.querySelector('[data-testid=job-download]').href).then(r => r.json()).then(done)";
    let result = browser.run_async(fetched, vec![]).await;
    assert_eq!(result["state"], "done");
    browser.click("[data-testid=job-report]").await;
    text_with(&browser, "main h1", "Who wins under contention").await;
    browser.close(&["the server responded with a status of 422"]).await;
}

#[tokio::test]
async fn a_page_sees_its_job_through_the_death_of_the_server() {
    for wire in ["ws", "sse", "long-poll", "poll"] {
        let mut server = TestServer::start().await;
        let browser = Browser::open().await;
        let id = submit(
            &server,
            &json!({
                "kind": "experiment.contention", "max_attempts": 5,
                "input": { "seconds": 1, "rounds": 2, "bidders": 4, "lots": 1 },
            }),
        )
        .await;
        browser.goto(&server.at(&format!("/jobs/{id}"))).await;
        browser.prefer(wire).await;
        browser.wait_for(JOB, "data-state", "running").await;
        text_with(&browser, "[data-testid=job-log]", "bidding").await;
        server.kill().await;
        server.start_again().await;
        browser.wait_for(JOB, "data-attempt", "2").await;
        browser
            .wait_for("[data-testid=attempt][data-number='1']", "data-outcome", "lost with its process")
            .await;
        browser.wait_for(JOB, "data-state", "completed").await;
        let log = browser.text("[data-testid=job-log]").await.unwrap_or_default();
        assert!(log.contains("try 1") && log.contains("try 2"), "what was said before the kill stays: {log}");
        browser.close(SERVER_GONE).await;
    }
}

#[tokio::test]
async fn queues_are_paused_and_many_jobs_are_cancelled_at_once() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/jobs")).await;
    browser.wait_for("[data-testid=connection]", "data-state", "live").await;
    submit(&server, &json!({ "kind": "export", "input": { "table": "lots" } })).await;
    browser.wait_for("[data-job='1']", "data-state", "completed").await;
    browser.click("[data-queue=default] [data-testid=queue-pause]").await;
    browser.wait_for("[data-queue=default]", "data-paused", "true").await;
    for _ in 0..3 {
        submit(&server, &json!({ "kind": "export", "input": { "table": "lots" } })).await;
    }
    browser.wait_for("[data-queue=default]", "data-waiting", "3").await;
    // Only those of a state, and the address keeps it over a reload.
    choose(&browser, "#jobs-state", "available").await;
    let rows = async |browser: &Browser| {
        browser.run("return document.querySelectorAll('[data-testid=job-row]').length", vec![]).await
    };
    wait::until("three rows", async || (rows(&browser).await == 3).then_some(())).await;
    browser.goto(browser.run("return location.href", vec![]).await.as_str().expect("an address")).await;
    wait::until("three rows again", async || (rows(&browser).await == 3).then_some(())).await;
    browser.click("[data-testid=jobs] thead input").await;
    browser.click("[data-testid=jobs-cancel]").await;
    text_with(&browser, "[data-testid=said]", "3 jobs cancelled").await;
    text_with(&browser, "[data-testid=jobs-empty]", "No job is like that").await;
    choose(&browser, "#jobs-state", "cancelled").await;
    wait::until("the cancelled ones", async || (rows(&browser).await == 3).then_some(())).await;
    browser.click("[data-queue=default] [data-testid=queue-pause]").await;
    browser.wait_for("[data-queue=default]", "data-paused", "false").await;
    // A retry of what is over is a new job, which runs now.
    browser.click("[data-testid=jobs] tbody input").await;
    browser.click("[data-testid=jobs-retry]").await;
    text_with(&browser, "[data-testid=said]", "1 job tried again").await;
    choose(&browser, "#jobs-state", "").await;
    browser.wait_for("[data-job='5']", "data-state", "completed").await;
    let told: Value = server.get("/v1/jobs/5").await;
    assert!(told["retry_of"].as_u64().is_some_and(|id| (2..=4).contains(&id)), "{told}");
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_report_reads_without_scripts_and_prints() {
    let server = TestServer::start().await;
    let spec = json!({
        "kind": "experiment.contention", "input": { "seconds": 1, "rounds": 2, "bidders": 4, "strategies": ["queue", "optimistic"] },
    });
    let id = submit(&server, &spec).await;
    let browser = Browser::open().await;
    browser.without_scripts().await;
    // It follows the job to its end by itself.
    browser.goto(&server.at(&format!("/reports/{id}"))).await;
    text_with(&browser, "main dl", "running").await;
    text_with(&browser, "main dl", "completed").await;
    assert_eq!(browser.text("h1").await.as_deref(), Some("Who wins under contention, and what it costs"));
    text_with(&browser, ".good", "Everything adds up").await;
    let drawn = browser.run("return document.querySelectorAll('svg rect').length", vec![]).await;
    assert_eq!(drawn, 4, "two charts of two strategies");
    text_with(&browser, "table", "optimistic").await;
    let meta = "return ['description', 'og:title', 'og:description'].map(n =>
        document.querySelector(`meta[name='${n}'], meta[property='${n}']`)?.content?.length > 10)";
    assert_eq!(browser.run(meta, vec![]).await, json!([true, true, true]));
    let again = browser.attribute("meta[http-equiv=refresh]", "content").await;
    assert_eq!(again, None, "what is final is not asked for again");
    browser.goto(&server.at("/reports/999")).await;
    text_with(&browser, "h1", "There is no such report").await;
    browser.close(&["the server responded with a status of 404"]).await;
}

/// A private job is for the browser that made it, and for whoever gets its link.
#[tokio::test]
async fn a_private_job_is_seen_by_whoever_has_its_secret_link() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    browser.goto(&server.at("/jobs")).await;
    browser.click("[data-testid=job-new]").await;
    browser.click("#job-private").await;
    // It stays so, whatever is chosen then.
    choose(&browser, "#job-kind", "noop").await;
    browser.fill("#job-input-ms", "60000").await;
    browser.click("[data-testid=job-send]").await;
    // Its topics are read on each wire, which shows the secret in its own way.
    browser.wait_for(JOB, "data-state", "running").await;
    text_with(&browser, "[data-testid=job-private]", "Private").await;
    for wire in ["ws", "sse", "long-poll", "poll"] {
        browser.prefer(wire).await;
        browser.wait_for("[data-testid=connection]", "data-wire", wire).await;
        browser.wait_for("[data-testid=connection]", "data-state", "live").await;
    }
    browser.prefer("ws").await;
    browser.goto(&server.at("/jobs")).await;
    text_with(&browser, "[data-job='1'] [data-testid=job-private]", "Private").await;
    browser.click("[data-job='1'] a").await;
    browser.wait_for(JOB, "data-state", "running").await;
    browser.click("[data-testid=job-cancel]").await;
    browser.wait_for(JOB, "data-state", "cancelled").await;
    browser.click("[data-testid=job-retry]").await;
    browser.wait_for(JOB, "data-job", "2").await;
    browser.wait_for(JOB, "data-state", "running").await;
    let secret = "return JSON.parse(localStorage['fourwire.job-secrets']).find(([id]) => id === 2)[1]";
    let secret = browser.run(secret, vec![]).await.as_str().expect("a secret").to_owned();
    browser.click("[data-testid=job-cancel]").await;
    browser.wait_for(JOB, "data-state", "cancelled").await;
    browser.click("[data-testid=job-report]").await;
    text_with(&browser, "main h1", "Job 2: noop").await;
    browser.close(&[]).await;

    let browser = Browser::open().await;
    browser.goto(&server.at("/jobs/2")).await;
    text_with(&browser, "main h1", "This job is private").await;
    browser.screenshot("job-private").await;
    browser.goto(&server.at(&format!("/jobs/2?key={secret}"))).await;
    browser.wait_for(JOB, "data-state", "cancelled").await;
    let address = browser.run("return location.search", vec![]).await;
    let shows = address.as_str().is_some_and(|address| address.contains(&secret));
    assert!(!shows, "an address is easily shown by accident: {address}");
    browser.close(&["the server responded with a status of 401"]).await;
}

/// From the form to what Chromium itself can open: an AVIF, and a film.
#[tokio::test]
async fn a_picture_and_a_film_are_made_and_looked_at() {
    let server = TestServer::start().await;
    let browser = Browser::open().await;
    let picture = server.data().with_file_name("leaf.png");
    let pixels = image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([x as u8, 160, y as u8]));
    pixels.save_with_format(&picture, image::ImageFormat::Png).expect("written");
    let film = server.data().with_file_name("moves.gif");
    let line =
        format!("ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=10:duration=1 {}", film.display());
    let made = std::process::Command::new("sh").args(["-c", &line]).status().expect("ffmpeg is needed");
    assert!(made.success(), "{line}");
    let format = |place: usize| format!("#job-input-formats label:nth-of-type({place}) input");
    for (file, formats, widths, shown, size) in [
        (&picture, [1, 2], "120", "img", "[e.naturalWidth, e.naturalHeight]"),
        (&film, [2, 5], "64", "video", "[e.videoWidth, e.readyState > 0 ? 1 : 0]"),
    ] {
        browser.goto(&server.at("/jobs")).await;
        browser.click("[data-testid=job-new]").await;
        choose(&browser, "#job-kind", "media.encode").await;
        browser.put_file("#job-input-upload", file).await;
        browser.wait_for("[data-testid=file-field]", "data-state", "sent").await;
        // WebP is chosen at first.
        for place in formats {
            browser.click(&format(place)).await;
        }
        browser.fill("#job-input-widths", "wide").await;
        browser.click("[data-testid=job-send]").await;
        text_with(&browser, "#job-input-widths-fault", "whole numbers").await;
        browser.fill("#job-input-widths", widths).await;
        browser.click("[data-testid=job-send]").await;
        browser.wait_for(JOB, "data-state", "completed").await;
        let script = format!(
            "const e = document.querySelector('[data-testid=job-preview] {shown}'); return e && {size}"
        );
        let expected = if shown == "img" { json!([120, 80]) } else { json!([64, 1]) };
        wait::until(format_args!("{shown} is shown"), async || {
            (browser.run(&script, vec![]).await == expected).then_some(())
        })
        .await;
        browser.screenshot(&format!("job-{shown}")).await;
        if shown == "img" {
            // Its report shows it too, to whoever gets the link.
            browser.click("[data-testid=job-report]").await;
            let script = "return document.querySelector('main img')?.naturalWidth";
            wait::until("the picture in the report", async || {
                (browser.run(script, vec![]).await == 120).then_some(())
            })
            .await;
        }
    }
    browser.close(&[]).await;
}

/// A file of many lots, and how many of them are refused.
fn many_lots(bytes: usize) -> (String, usize, usize) {
    let about = "As good as new, and never used but once. ".repeat(45);
    let (mut file, mut rows, mut refused) = ("title;start;description\n".to_owned(), 0, 0);
    while file.len() < bytes {
        let price = if rows % 500 == 499 { "free" } else { "12,50" };
        refused += usize::from(price == "free");
        file.push_str(&format!("Lot {rows};{price};\"{about}\"\n"));
        rows += 1;
    }
    (file, rows, refused)
}

/// Fifty megabytes from the form to the last row: the wire is switched on the way, and the server is killed half-way.
#[tokio::test]
async fn a_large_file_is_imported_through_the_death_of_the_server() {
    let (file, rows, refused) = many_lots(50 << 20);
    let mut server = TestServer::with().args(["--auction-lots-max", "100000"]).start().await;
    let browser = Browser::open().await;
    let path = server.data().with_file_name("lots-to-import.csv");
    std::fs::write(&path, &file).expect("written");
    browser.goto(&server.at("/jobs")).await;
    browser.click("[data-testid=job-new]").await;
    choose(&browser, "#job-kind", "import.csv").await;
    browser.put_file("#job-input-upload", &path).await;
    browser.wait_for("[data-testid=file-field]", "data-state", "sent").await;
    std::fs::remove_file(&path).expect("removed");
    browser.click("[data-testid=job-send]").await;
    let done = async |browser: &Browser| browser.number("[data-testid=job-done]").await.unwrap_or_default();
    let mut due = 1.0;
    for wire in ["poll", "long-poll", "sse", "ws"] {
        browser.prefer(wire).await;
        wait::until(format_args!("more rows by {wire}"), async || (done(&browser).await > due).then_some(()))
            .await;
        due = done(&browser).await;
    }
    wait::within(4 * wait::PATIENCE, "half of the file", async || {
        (done(&browser).await > file.len() as f64 / 2.0).then_some(())
    })
    .await;
    server.kill().await;
    server.start_again().await;
    wait::within(4 * wait::PATIENCE, "the end of the import", async || {
        (browser.attribute(JOB, "data-state").await.as_deref() == Some("completed")).then_some(())
    })
    .await;
    browser.wait_for(JOB, "data-attempt", "2").await;
    let imported = format!("{} imported, {refused} refused", spaced(rows - refused));
    text_with(&browser, "[data-testid=job-message]", &imported).await;
    text_with(&browser, "[data-testid=job-preview]", "free").await;
    let fetched = "const done = arguments[arguments.length - 1];
        fetch(document.querySelector('[data-testid=job-download]').href).then(r => r.text()).then(done)";
    let result = browser.run_async(fetched, vec![]).await;
    let result = result.as_str().expect("a file");
    assert_eq!(result.lines().count(), refused + 1);
    for (index, line) in result.lines().skip(1).enumerate() {
        let row = index * 500 + 499;
        assert!(line.starts_with(&format!("Lot {row},free,")), "{line:.80}");
        assert!(line.contains(&format!(",{},start,An amount", row + 2)), "{}", &line[line.len() - 80..]);
    }
    assert!(server.terminate().await.success());
    let report = fourwire_tests::house::check(&server).await;
    assert!(report.violations.is_empty(), "{:?}", report.violations);
    assert_eq!(report.lots, (rows - refused) as u64);
    assert_eq!(fourwire_tests::jobs::check(&server).await.findings, Vec::<String>::new());
    browser.close(SERVER_GONE).await;
}

/// Digits in groups of three, as the page writes them.
fn spaced(number: usize) -> String {
    let (thousands, rest) = (number / 1_000, number % 1_000);
    if thousands == 0 { rest.to_string() } else { format!("{thousands}\u{202f}{rest:03}") }
}
