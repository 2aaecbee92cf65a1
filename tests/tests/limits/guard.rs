//! Which hosts the server answers to, and whose pages may ask.

use fourwire_tests::{raw::Request, raw::websocket, server::TestServer};

const ALLOWED: &str = "https://app.example.org";

async fn server() -> TestServer {
    TestServer::with().args(["--allow-origin", ALLOWED, "--allow-host", "fourwire.example.org"]).start().await
}

#[tokio::test]
async fn only_known_hosts_are_answered() {
    let server = server().await;
    let port = server.port();
    for (host, known) in [
        ("localhost".to_owned(), true),
        (format!("localhost:{port}"), true),
        ("LOCALHOST".to_owned(), true),
        (format!("127.0.0.1:{port}"), true),
        ("127.3.2.1".to_owned(), true),
        (format!("[::1]:{port}"), true),
        ("fourwire.example.org".to_owned(), true),
        ("fourwire.example.org:8080".to_owned(), true),
        ("example.org".to_owned(), false),
        ("evil.fourwire.example.org".to_owned(), false),
        ("localhost.evil.example".to_owned(), false),
        ("10.0.0.1".to_owned(), false),
    ] {
        for target in ["/v1/time", "/v1/poll?topics=a", "/"] {
            let answer = Request::get(target).header("host", &host).send(port).await;
            if known {
                assert_ne!(answer.status, 421, "{host} {target}");
            } else {
                assert_eq!(answer.problem(), "421 host_unknown", "{host} {target}");
            }
        }
        for target in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(
                Request::get(target).header("host", &host).send(port).await.status,
                200,
                "{host} {target}"
            );
        }
    }
}

#[tokio::test]
async fn only_pages_of_known_origins_may_ask() {
    let server = server().await;
    let own = server.url().to_owned();
    for (origin, allowed) in [
        (own.as_str(), true),
        (ALLOWED, true),
        ("https://evil.example", false),
        ("http://app.example.org", false),
        ("https://app.example.org.evil.example", false),
        ("https://app.example.org:444", false),
        ("null", false),
    ] {
        let host = own.trim_start_matches("http://");
        for request in [
            Request::get("/v1/time"),
            Request::get("/v1/poll?topics=a"),
            Request::get("/v1/long-poll?topics=a&wait=0"),
            Request::new("POST", "/v1/topics/a").json("1"),
        ] {
            let answer = request.header("host", host).header("origin", origin).send(server.port()).await;
            if allowed {
                assert!(matches!(answer.status, 200 | 201), "{origin}: {}", answer.text());
                if origin == ALLOWED {
                    assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
                    assert!(answer.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")));
                    assert!(answer.header("access-control-expose-headers").is_some());
                }
            } else {
                assert_eq!(answer.problem(), "403 origin_refused", "{origin}");
                assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
            }
        }
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_open_a_stream() {
    let server = server().await;
    let upgrade = websocket::upgrade("/v1/ws?topics=a").header("origin", "https://evil.example");
    assert_eq!(upgrade.send(server.port()).await.problem(), "403 origin_refused");
    let sse = Request::get("/v1/sse?topics=a").header("origin", "https://evil.example");
    assert_eq!(sse.send(server.port()).await.problem(), "403 origin_refused");

    let mut connection = fourwire_tests::raw::Connection::open(server.port()).await;
    connection.send(&Request::get("/v1/sse?topics=a").header("origin", ALLOWED).bytes()).await;
    let head = connection.head().await.expect("an answer");
    assert_eq!((head.status, head.header("access-control-allow-origin")), (200, Some(ALLOWED)));
    let mut connection = fourwire_tests::raw::Connection::open(server.port()).await;
    connection.send(&websocket::upgrade("/v1/ws?topics=a").header("origin", ALLOWED).bytes()).await;
    assert_eq!(connection.head().await.expect("an answer").status, 101);
}

#[tokio::test]
async fn a_preflight_says_what_a_known_origin_may_do() {
    let server = server().await;
    let preflight = async |origin: &str, target: &str| {
        let request = Request::new("OPTIONS", target)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,idempotency-key");
        request.send(server.port()).await
    };
    for target in ["/v1/topics/a", "/v1/poll?topics=a", "/v1/sse?topics=a"] {
        let answer = preflight(ALLOWED, target).await;
        assert_eq!(answer.status, 204, "{target}");
        let list = |name: &str| answer.header(name).unwrap_or_default().to_ascii_lowercase();
        assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
        assert!(list("access-control-allow-methods").contains("post"));
        for header in ["content-type", "idempotency-key", "if-none-match", "last-event-id"] {
            assert!(list("access-control-allow-headers").contains(header), "{header}");
        }
        assert!(list("access-control-max-age").parse::<u64>().is_ok());
    }
    assert_eq!(preflight("https://evil.example", "/v1/topics/a").await.problem(), "403 origin_refused");
}

#[tokio::test]
async fn a_refusal_can_be_read_by_the_page_that_gets_it() {
    let server = server().await;
    let answer = Request::get("/v1/topics/unheard-of").header("origin", ALLOWED).send(server.port()).await;
    assert_eq!(answer.problem(), "404 topic_unknown topic");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
}
