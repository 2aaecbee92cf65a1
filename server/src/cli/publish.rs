//! `fourwire publish`: one event.

use std::{io::Read, process::ExitCode};

use anyhow::Context;
use clap::Args;
use fourwire_shared::Topic;
use http::header;

use super::{ask, print};

/// The largest event that is read from standard input, in bytes. The server has its own bound, which is lower.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// Arguments of `fourwire publish`.
#[derive(Args, Clone, Debug)]
pub(super) struct PublishArgs {
    /// The topic; it is made if there is none of that name.
    topic: Topic,
    /// The event, as JSON; `-` reads it from standard input.
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    data: String,
    /// An idempotency key: publishing again with the same key gives the first answer, and no second event.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The server.
    #[arg(long, env = "FOURWIRE_URL", default_value = "http://127.0.0.1:4400", value_name = "URL")]
    url: String,
}

/// Publishes, and prints what the server answers.
pub(super) async fn publish(args: PublishArgs) -> anyhow::Result<ExitCode> {
    let address = ask::address(&args.url, &format!("/v1/topics/{}", args.topic))?;
    let mut request = reqwest::Client::new().post(address).header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = &args.key {
        request = request.header("idempotency-key", key);
    }
    let answer = ask::text(ask::ask(request.body(data(args.data)?)).await?).await?;
    print(&format!("{}\n", answer.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

fn data(argument: String) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .context("the event cannot be read from standard input")?;
    Ok(text)
}
