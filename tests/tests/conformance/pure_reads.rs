//! A read changes nothing: repeated, it repeats its answer; and a tag says truly whether there is news.

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::{Answer, Request},
    readers::{Seen, pages::Page},
};

use crate::stage::{After, Do, Stage};

async fn poll(stage: &Stage, after: &str, tag: Option<&str>) -> Answer {
    let mut request = Request::get(&format!("/v1/poll?topics=a,b&after={after}"));
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    request.send(stage.port()).await
}

fn tag(answer: &Answer) -> String {
    answer.header("etag").expect("a tag").to_owned()
}

#[tokio::test]
async fn repeating_a_request_repeats_its_answer() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Declare("a", r#"{"retain":{"events":2}}"#)]).await;
    stage.play(&[Do::Publish("a"), Do::Publish("b"), Do::Publish("a"), Do::Publish("a")]).await;
    for wire in [Wire::Poll, Wire::LongPoll] {
        for after in
            [After::Nothing, After::Earliest, After::At(0), After::At(1), After::At(3), After::OtherEpoch]
        {
            let target = format!("{}?topics=a,b&after={}&wait=20", wire.path(), stage.after(after));
            let mut pages = Vec::new();
            for _ in 0..3 {
                let page = Page::new(Request::get(&target).send(stage.port()).await.text());
                pages.push((page.cursor, page.frames, page.more));
            }
            assert!(!pages[0].1.is_empty(), "{target}");
            let frames_repeat = pages.iter().all(|page| page.1 == pages[0].1 && page.2 == pages[0].2);
            assert!(frames_repeat, "{target}: {pages:#?}");
            // Only the page of a reset may take its cursor from the log's head, which moves on.
            let may_move = pages[0].1.iter().any(|frame| frame.is("reset"));
            assert!(may_move || pages.iter().all(|page| page.0 == pages[0].0), "{target}: {pages:#?}");
        }
    }
}

#[tokio::test]
async fn a_tag_is_good_until_there_is_news_for_these_topics() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("b")]).await;
    let first = poll(&stage, "", None).await;
    let cursor = Page::new(first.text()).cursor;
    let empty = poll(&stage, &cursor, Some(&tag(&first))).await;
    // What a client holds after a page with frames may or may not be the tag of the empty one that follows.
    let quiet = if empty.status == 304 { tag(&first) } else { tag(&empty) };
    for _ in 0..20 {
        stage.play(&[Do::Publish("other")]).await;
        let again = poll(&stage, &cursor, Some(&quiet)).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "other topics' traffic spoils nothing");
        assert_eq!(tag(&again), quiet, "a 304 has the tag");
    }
    stage.play(&[Do::Publish("b")]).await;
    let news = poll(&stage, &cursor, Some(&quiet)).await;
    assert_eq!(news.status, 200);
    let page = Page::new(news.text());
    assert_eq!(page.frames.iter().filter_map(Seen::seq).collect::<Vec<_>>(), [stage.numbers.seq(23)]);
    assert_ne!(tag(&news), quiet);
}

#[tokio::test]
async fn tags_differ_between_subscriptions_and_are_compared_as_http_says() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a")]).await;
    let cursor = Page::new(poll(&stage, "", None).await.text()).cursor;
    let empty = poll(&stage, &cursor, None).await;
    assert!(Page::new(empty.text()).frames.is_empty());
    let etag = tag(&empty);
    for (sent, status) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"x\", {etag}"), 304),
        (format!("\"x\",{etag},\"y\""), 304),
        ("*".to_owned(), 304),
        ("\"x\"".to_owned(), 200),
        (etag.trim_matches('"').to_owned(), 200),
        ("\"".to_owned(), 200),
    ] {
        assert_eq!(poll(&stage, &cursor, Some(&sent)).await.status, status, "{sent}");
    }
    let other = Request::get(&format!("/v1/poll?topics=a&after={cursor}")).header("if-none-match", &etag);
    assert_eq!(other.send(stage.port()).await.status, 200, "other topics have another tag");
}

#[tokio::test]
async fn a_tag_never_hides_frames_or_a_reset() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("a")]).await;
    let seen = poll(&stage, &stage.after(After::At(0)), None).await;
    for (after, frames) in [(After::At(0), 2), (After::At(1), 1), (After::OtherEpoch, 6), (After::Nothing, 4)]
    {
        let again = poll(&stage, &stage.after(after), Some(&tag(&seen))).await;
        assert_eq!(again.status, 200, "{after:?}");
        assert_eq!(Page::new(again.text()).frames.len(), frames, "{after:?}");
    }
    let star = poll(&stage, &stage.after(After::At(0)), Some("*")).await;
    assert_eq!(star.status, 200, "`*` asks for a page that is not empty too");
}

#[tokio::test]
async fn a_quiet_topic_is_reset_once() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a"), Do::Publish("b"), Do::Restart]).await;
    let mut after = stage.after(After::At(2));
    let first = poll(&stage, &after, None).await;
    assert_eq!(Page::new(first.text()).frames.iter().filter(|frame| frame.is("reset")).count(), 2);
    let mut tags = tag(&first);
    after = Page::new(first.text()).cursor;
    for _ in 0..3 {
        stage.play(&[Do::Publish("other")]).await;
        let next = poll(&stage, &after, Some(&tags)).await;
        if next.status == 304 {
            continue;
        }
        let page = Page::new(next.text());
        assert_eq!(page.frames, [], "a reset that repeats itself");
        (tags, after) = (tag(&next), page.cursor);
    }
    assert_eq!(poll(&stage, &after, Some(&tags)).await.status, 304);
}

#[tokio::test]
async fn a_long_poll_waits_as_long_as_it_is_asked_to() {
    let mut stage = Stage::new().await;
    stage.play(&[Do::Publish("a")]).await;
    let after = stage.after(After::At(1));
    for (wait, least_ms, most_ms) in [("0", 0, 1_500), ("1", 750, 3_000)] {
        let start = tokio::time::Instant::now();
        let target = format!("/v1/long-poll?topics=a&after={after}&wait={wait}");
        let answer = Request::get(&target).send(stage.port()).await;
        let took = start.elapsed().as_millis();
        assert!((least_ms..most_ms).contains(&took), "wait={wait} took {took} ms");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let page = Page::new(answer.text());
        assert_eq!((page.frames.len(), page.more, page.cursor), (0, false, after.clone()));
    }
}

#[tokio::test]
async fn the_advice_for_the_next_poll_is_jittered() {
    let stage = Stage::new().await;
    let mut advice = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let page = Page::new(poll(&stage, "now", None).await.text());
        assert!((500..=4_000).contains(&page.poll_ms), "{}", page.poll_ms);
        advice.insert(page.poll_ms);
    }
    assert!(advice.len() > 3, "{advice:?}");
}

#[tokio::test]
async fn a_cursor_of_no_use_elsewhere_is_refused_but_one_of_a_past_history_is_not() {
    let stage = Stage::new().await;
    for (after, status) in [("x", 400), ("x.", 400), ("x.01", 400), ("x.1.", 400), ("NOW", 400), ("x.1", 200)]
    {
        let answer = poll(&stage, after, None).await;
        assert_eq!(answer.status, status, "{after}: {}", answer.text());
    }
}
