//! A report as HTML, rendered by Leptos on the server. There is no script of ours in it, its styles are within, and its
//! charts are SVG: a saved copy is whole.

use leptos::{either::Either, html, nonce::use_nonce, prelude::*};

use super::{Bar, Bars, Curve, Curves, Part, Report, Table};

const STYLE: &str = include_str!("report.css");

/// The drawing's units: names before the bars, labels behind them.
const LEFT: f64 = 120.0;
const RIGHT: f64 = 460.0;
const LINE: usize = 34;

/// The whole document.
pub(super) fn document(report: Report) -> impl IntoView {
    let Report { title, about, facts, parts, links, again_s } = report;
    let again = again_s.map(|seconds| view! { <meta http-equiv="refresh" content=seconds.to_string() /> });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <title>{format!("{title} · Fourwire")}</title>
                <meta name="description" content=about.clone() />
                <meta name="color-scheme" content="light dark" />
                <meta property="og:type" content="article" />
                <meta property="og:site_name" content="Fourwire" />
                {open_graph("og:title", title.clone())}
                {open_graph("og:description", about.clone())}
                <meta name="twitter:card" content="summary" />
                <link rel="icon" href="data:," />
                {again}
                <style nonce=use_nonce() inner_html=STYLE />
            </head>
            <body>
                <header>
                    <a class="brand" href="/">"Fourwire"</a>
                    <nav aria-label="More">
                        {links.into_iter().map(|(href, words)| view! { <a href=href>{words}</a> }).collect_view()}
                    </nav>
                </header>
                <main>
                    <h1>{title}</h1>
                    <p class="about">{about}</p>
                    <dl>{facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view()}</dl>
                    {parts.into_iter().map(part).collect_view()}
                </main>
                <footer>"Made by the server that did the work: one run on one machine."</footer>
            </body>
        </html>
    }
}

/// A line for whoever shows a preview of a link. Leptos has no such attribute of its own.
fn open_graph(property: &'static str, content: String) -> impl IntoView {
    html::meta().attr("property", property).attr("content", content)
}

fn part(part: Part) -> AnyView {
    match part {
        Part::Words(words) => view! { <p class="lead">{words}</p> }.into_any(),
        Part::Verdict { words, violations } => verdict(words, violations).into_any(),
        Part::Trouble { title, words } => {
            view! { <section class="bad" role="note"><h2>{title}</h2><p>{words}</p></section> }.into_any()
        }
        Part::Bars(bars) => chart(bars).into_any(),
        Part::Curves(curves) => lines(curves).into_any(),
        Part::Table(table) => sheet(table).into_any(),
        Part::Picture { href, name } => {
            view! { <figure><img src=href alt=format!("The result: {name}") /></figure> }.into_any()
        }
        Part::Code { title, text } => {
            view! { <section><h2>{title}</h2><pre>{text}</pre></section> }.into_any()
        }
    }
}

fn verdict(words: String, violations: Vec<String>) -> impl IntoView {
    if violations.is_empty() {
        return Either::Left(view! { <p class="good">"✓ " {words} " Everything adds up."</p> });
    }
    let found = violations.into_iter().map(|one| view! { <li>{one}</li> }).collect_view();
    Either::Right(view! {
        <section class="bad" role="note"><h2>"What does not add up"</h2><p>{words}</p><ul>{found}</ul></section>
    })
}

fn chart(Bars { title, bars }: Bars) -> impl IntoView {
    let high = bars.len() * LINE;
    let label = format!("{title}: a table says the same.");
    let bars = bars.into_iter().enumerate().map(|(index, one)| bar(index, one)).collect_view();
    view! {
        <figure tabindex="0" aria-label=title>
            <figcaption>{title.clone()}</figcaption>
            <svg viewBox=format!("0 0 640 {high}") role="img" aria-label=label>{bars}</svg>
        </figure>
    }
}

fn bar(index: usize, Bar { name, from, to, dots, label }: Bar) -> impl IntoView {
    let middle = (index * LINE + LINE / 2) as f64;
    let x = |part: f64| LEFT + part * (RIGHT - LEFT);
    let dots =
        dots.into_iter().map(|dot| view! { <circle cx=px(x(dot)) cy=px(middle) r="4" /> }).collect_view();
    view! {
        <g class=format!("bar bar-{}", index % 4)>
            <text x="0" y=px(middle + 4.0)>{name}</text>
            <rect x=px(x(from)) y=px(middle - 8.0) width=px((x(to) - x(from)).max(2.0)) height="16" rx="3" />
            {dots}
            <text x=px(RIGHT + 16.0) y=px(middle + 4.0)>{label}</text>
        </g>
    }
}

/// The height of a drawing with lines, without its words.
const HIGH: f64 = 180.0;

fn lines(Curves { title, axis, lines }: Curves) -> impl IntoView {
    let label = format!("{title}: {axis}.");
    let lines = lines.into_iter().enumerate().map(|(index, one)| line(index, one)).collect_view();
    view! {
        <figure tabindex="0" aria-label=title>
            <figcaption>{title.clone()}</figcaption>
            <svg viewBox="0 0 640 220" role="img" aria-label=label>
                <path class="axis" d="M0 190H640" />
                {lines}
                <text x="0" y="212">{axis}</text>
            </svg>
        </figure>
    }
}

fn line(index: usize, Curve { name, values }: Curve) -> impl IntoView {
    let last = values.len().saturating_sub(1).max(1) as f64;
    let point = |(place, value): (usize, &f64)| {
        format!("{},{}", px(place as f64 / last * 640.0), px(4.0 + (1.0 - value) * HIGH))
    };
    let points = values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ");
    view! {
        <g class=format!("bar line bar-{}", index % 4)>
            <polyline points=points />
            <text x="440" y=px(20.0 + 20.0 * index as f64)>"— " {name}</text>
        </g>
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn sheet(Table { title, head, rows, numbers_from }: Table) -> impl IntoView {
    let class = move |column: usize| if column >= numbers_from { "num" } else { "" };
    let head = head.into_iter().enumerate();
    let head =
        head.map(|(column, cell)| view! { <th scope="col" class=class(column)>{cell}</th> }).collect_view();
    let row = |cells: Vec<String>| {
        let cells = cells.into_iter().enumerate();
        let cells = cells.map(|(column, cell)| view! { <td class=class(column)>{cell}</td> }).collect_view();
        view! { <tr>{cells}</tr> }
    };
    let rows = rows.into_iter().map(row).collect_view();
    view! {
        <section>
            <h2>{title.clone()}</h2>
            <div class="scroll" tabindex="0" role="region" aria-label=title>
                <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
            </div>
        </section>
    }
}
