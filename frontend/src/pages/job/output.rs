//! What a job has left behind: a preview of its first bytes, and the whole to download.

use fourwire_shared::job::{Job, JobId, ResultInfo};
use yew::prelude::*;

use crate::{
    charts::units::bytes,
    fetch,
    jobs::{api, keys},
    json::pretty,
};

/// Bytes that are read for the preview.
const PREVIEW_BYTES: u64 = 32 << 10;
/// Rows of a table that are shown, and lines of a text.
const ROWS_MAX: usize = 20;
const LINES_MAX: usize = 200;

/// How a result can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Table,
    Json,
    Text,
    Picture,
    Film,
    Pdf,
    /// Only downloaded.
    No,
}

fn look(result: &ResultInfo) -> Look {
    if result.is_picture() {
        return Look::Picture;
    }
    match result.content_type.split(';').next().unwrap_or_default().trim() {
        "text/csv" => Look::Table,
        "application/json" => Look::Json,
        "application/jsonl" => Look::Text,
        text if text.starts_with("text/") => Look::Text,
        "application/pdf" => Look::Pdf,
        film if film.starts_with("video/") => Look::Film,
        _ => Look::No,
    }
}

/// The properties of [`Output`].
#[derive(PartialEq, Properties)]
pub(super) struct OutputProps {
    pub(super) id: JobId,
    pub(super) result: ResultInfo,
}

/// A job's result.
#[component]
pub(super) fn Output(OutputProps { id, result }: &OutputProps) -> Html {
    let url = keys::linked(&format!("{}/result", api::path(*id)), *id);
    let shown_inline = keys::linked(&format!("{}/result?inline=true", api::path(*id)), *id);
    let text = use_state_eq(|| None::<Result<String, &'static str>>);
    let look = look(result);
    {
        let (text, url) = (text.setter(), url.clone());
        use_effect_with(look, move |look| {
            if matches!(look, Look::Table | Look::Json | Look::Text) {
                wasm_bindgen_futures::spawn_local(async move { text.set(Some(first(&url).await)) });
            }
        });
    }
    let is_part = result.bytes > PREVIEW_BYTES;
    let shown = match (look, &*text) {
        (Look::Picture, _) => {
            html! { <img class="job-picture" src={url.clone()} alt={format!("The result: {}", result.name)} /> }
        }
        (Look::Film, _) => {
            html! { <video class="job-picture" src={url.clone()} controls=true preload="metadata" aria-label={format!("The result: {}", result.name)}></video> }
        }
        (Look::Pdf, _) => {
            html! { <iframe class="job-pdf" src={shown_inline} title={format!("The result: {}", result.name)} /> }
        }
        (Look::No, _) => html! {},
        (_, None) => html! { <div class="skeleton topics-skeleton"></div> },
        (_, Some(Err(problem))) => html! { <p class="muted">{ *problem }</p> },
        (Look::Table, Some(Ok(text))) => sheet(&rows(text, is_part)),
        (Look::Json, Some(Ok(text))) if !is_part => code(&pretty(text)),
        (_, Some(Ok(text))) => code(text),
    };
    html! {
        <section class="card" aria-labelledby="result-title" data-testid="job-result">
            <div class="card-head">
                <h2 id="result-title">{ "Result" }</h2>
                <a class="button primary" href={url} download={result.name.clone()} data-testid="job-download">{ format!("Download {} ({})", result.name, bytes(result.bytes as f64)) }</a>
            </div>
            <div class="card-body job-preview" data-testid="job-preview">{ shown }</div>
        </section>
    }
}

/// The first bytes as text, without what may be half a letter at their end.
async fn first(url: &str) -> Result<String, &'static str> {
    let range = format!("bytes=0-{}", PREVIEW_BYTES - 1);
    let request = fetch::Request { url, headers: &[("range", &range)], ..fetch::Request::default() };
    let answer = fetch::fetch(request).await.map_err(|_| "The server cannot be reached.")?;
    match answer.status() {
        200 | 206 => {}
        416 => return Ok(String::new()),
        404 => return Err("The result is not kept any more."),
        _ => return Err("The result cannot be read now."),
    }
    let text = fetch::text(&answer).await.ok_or("The result did not come whole.")?;
    Ok(text.trim_end_matches('\u{fffd}').to_owned())
}

fn code(text: &str) -> Html {
    let lines: Vec<&str> = text.lines().take(LINES_MAX).collect();
    html! { <pre tabindex="0">{ lines.join("\n") }</pre> }
}

/// The first rows of a comma-separated text (RFC 4180); where it is only a part of one, its last row is left out.
fn rows(text: &str, is_part: bool) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                if rows.len() > ROWS_MAX {
                    return rows;
                }
            }
            letter => cell.push(letter),
        }
    }
    if !is_part && (!row.is_empty() || !cell.is_empty()) {
        row.push(cell);
        rows.push(row);
    }
    rows
}

fn sheet(rows: &[Vec<String>]) -> Html {
    let Some((head, rest)) = rows.split_first() else {
        return html! { <p class="muted">{ "It is empty." }</p> };
    };
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="The first rows of the result">
            <table class="rows sheet">
                <thead><tr>{ for head.iter().map(|cell| html! { <th scope="col">{ cell }</th> }) }</tr></thead>
                <tbody>{ for rest.iter().take(ROWS_MAX).map(|row| html! { <tr>{ for row.iter().map(|cell| html! { <td>{ cell }</td> }) }</tr> }) }</tbody>
            </table>
        </div>
    }
}

/// Whether a job has something to show.
pub(super) fn output(job: &Job) -> Html {
    match &job.result {
        Some(result) => html! { <Output id={job.id} result={result.clone()} /> },
        None => html! {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_quotes_and_half_a_row_is_none() {
        let text = "a,b\r\n\"x,\"\"y\"\"\nz\",\n1,2";
        assert_eq!(rows(text, false), [vec!["a", "b"], vec!["x,\"y\"\nz", ""], vec!["1", "2"]]);
        assert_eq!(rows(text, true).len(), 2);
        assert_eq!(rows("", false), Vec::<Vec<String>>::new());
        assert_eq!(rows(&"x\n".repeat(99), false).len(), ROWS_MAX + 1);
    }

    #[test]
    fn a_result_is_shown_as_what_it_is() {
        let of = |content_type: &str| {
            look(&ResultInfo { name: "x".to_owned(), content_type: content_type.to_owned(), bytes: 1 })
        };
        assert_eq!(of("text/csv; charset=utf-8"), Look::Table);
        assert_eq!((of("image/png"), of("application/pdf")), (Look::Picture, Look::Pdf));
        assert_eq!((of("image/avif"), of("video/webm")), (Look::Picture, Look::Film));
        assert_eq!((of("application/gzip"), of("image/svg+xml")), (Look::No, Look::No));
    }
}
