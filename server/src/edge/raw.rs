//! Refusals below hyper: written as bytes, to a peer whose request hyper could not read or is not to read.

use std::time::{Duration, SystemTime};

use fourwire_shared::{Code, Problem};
use http::StatusCode;

use super::Socket;

/// How long a refusal may take to leave. It is a few hundred bytes, so only a dead peer needs longer.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(1);

/// The whole response that refuses with `problem` and closes the connection.
pub(super) fn refusal(problem: &Problem) -> Vec<u8> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A struct of strings and numbers always serialises.
    let body = serde_json::to_string(problem).unwrap_or_default();
    let retry = problem.retry_after_ms.map(|ms| format!("retry-after: {}\r\n", ms.div_ceil(1_000).max(1)));
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n{}connection: close\r\ncontent-length: {}\r\ndate: {}\r\n\r\n{body}",
        retry.unwrap_or_default(),
        body.len(),
        httpdate::HttpDate::from(SystemTime::now()),
    )
    .into_bytes()
}

/// Refuses and closes.
pub(super) async fn refuse(mut socket: Socket, problem: &Problem) {
    if socket.write(&refusal(problem), REFUSAL_DEADLINE).await.is_ok() {
        socket.finish().await;
    }
}

/// What is wrong with a head that hyper could not read; `head` is what has arrived of it.
pub(super) fn head_fault(error: &hyper::Error, head: &[u8], target_bytes_max: usize) -> Option<Code> {
    if error.is_parse_too_large() {
        return Some(if is_target_long(head, target_bytes_max) {
            Code::UriTooLong
        } else {
            Code::HeadersTooLarge
        });
    }
    error.is_parse().then_some(Code::BadRequest)
}

/// Whether the first line, as far as it has arrived, names a target of more than `bytes_max`.
fn is_target_long(head: &[u8], bytes_max: usize) -> bool {
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty());
    let target = line.and_then(|line| line.split(|byte| *byte == b' ').nth(1));
    target.is_some_and(|target| target.len() > bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_whole_response_with_its_problem() {
        let problem = Problem::new(Code::TooManyConnections).retry_after_ms(1_500);
        let text = String::from_utf8(refusal(&problem)).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        for line in ["content-type: application/problem+json", "retry-after: 2", "connection: close"] {
            assert!(head.lines().any(|have| have == line), "{line} in {head}");
        }
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(serde_json::from_str::<Problem>(body).expect("a problem"), problem);
    }

    #[test]
    fn a_head_is_too_large_by_its_target_or_by_its_headers() {
        for (head, long) in [
            ("GET /aaaaaaaaaaaaaaaa HTTP/1.1\r\nhost: x\r\n", true),
            ("\r\nGET /aaaaaaaaaaaaaaaa", true),
            ("GET /a HTTP/1.1\r\nx: aaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("GET", false),
            ("", false),
        ] {
            assert_eq!(is_target_long(head.as_bytes(), 10), long, "{head:?}");
        }
    }
}
