//! One request to a provider, tried again where that may help. Must not know what the answer means.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;

use crate::{
    error::chain,
    requests::Requests,
    web::{build_client, read_at_most},
};

/// One request and its whole answer; the next round is a minute away.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts at a question.
const MAX_ATTEMPTS: u32 = 3;
/// After a first fault; doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// Who asks for a longer pause is asked again in the next round.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A page of a hundred with everything a provider adds to them.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// How much of a refusal is repeated.
const WHY: usize = 200;

#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Another try may succeed.
    #[error("{0}")]
    Passing(String),
    /// With the status and the answer's body, which may say why.
    #[error("{why}")]
    Refused { status: u16, why: String, body: Option<Value> },
}

/// A client whose questions carry these headers.
pub(super) fn client(headers: header::HeaderMap) -> Result<Client, String> {
    build_client(REQUEST_TIMEOUT, |client| client.default_headers(headers))
}

/// Asks until it is answered or hopeless. Only for what may be asked twice.
pub(super) async fn ask(request: impl Fn() -> RequestBuilder) -> Result<Value, AskError> {
    let mut wait = FIRST_WAIT;
    let mut attempt = 1;
    loop {
        let (said, asked) = match once(request()).await {
            Ok(answer) => return Ok(answer),
            Err(Fault::Final(error)) => return Err(error),
            Err(Fault::Passing { said, wait }) => (said, wait),
        };
        let pause = asked.unwrap_or(wait);
        if attempt == MAX_ATTEMPTS || pause > LONGEST_WAIT {
            return Err(AskError::Passing(said));
        }
        tokio::time::sleep(pause).await;
        wait *= 2;
        attempt += 1;
    }
}

enum Fault {
    Final(AskError),
    Passing { said: String, wait: Option<Duration> },
}

async fn once(request: RequestBuilder) -> Result<Value, Fault> {
    Requests::REST.note();
    let passing = |said: String| Fault::Passing { said, wait: None };
    let response = request.send().await.map_err(|error| {
        passing(match error.is_timeout() {
            true => "it did not answer in time".to_owned(),
            false => format!("it cannot be reached: {}", chain(&error.without_url())),
        })
    })?;
    let status = response.status();
    let pause = announced(&response);
    let body = read_whole(response).await.map_err(passing)?;
    let value: Option<Value> = serde_json::from_slice(&body).ok();
    match status {
        status if status.is_success() && body.is_empty() => Ok(Value::Null),
        status if status.is_success() => value.ok_or_else(|| passing("its answer is no JSON".to_owned())),
        StatusCode::TOO_MANY_REQUESTS => {
            let secs = pause.map(|pause| format!(" for another {} s", pause.as_secs())).unwrap_or_default();
            Err(Fault::Passing { said: format!("it takes no more questions{secs} (429)"), wait: pause })
        }
        status if status.is_server_error() => {
            Err(Fault::Passing { said: format!("it has a fault of its own ({})", status.as_u16()), wait: pause })
        }
        status => {
            let why = why(status, value.as_ref());
            Err(Fault::Final(AskError::Refused { status: status.as_u16(), why, body: value }))
        }
    }
}

/// `Retry-After`, or PagerDuty's `ratelimit-reset`, both in seconds.
fn announced(response: &Response) -> Option<Duration> {
    let secs = ["retry-after", "ratelimit-reset"].iter().find_map(|name| {
        let value = response.headers().get(*name)?.to_str().ok()?;
        value.trim().parse::<f64>().ok().filter(|secs| secs.is_finite() && *secs >= 0.0)
    });
    secs.map(|secs| Duration::from_secs_f64(secs.min(86_400.0)))
}

async fn read_whole(response: Response) -> Result<Vec<u8>, String> {
    let read = read_at_most(response, MAX_ANSWER_BYTES).await;
    let read = read.map_err(|error| format!("its answer broke off: {}", chain(&error.without_url())))?;
    read.ok_or_else(|| format!("its answer is longer than {MAX_ANSWER_BYTES} bytes"))
}

/// "it answers 403: Access Denied": with PagerDuty's own words where it has some.
fn why(status: StatusCode, body: Option<&Value>) -> String {
    let error = body.map(|body| &body["error"]);
    let words = error.and_then(|error| error["message"].as_str().or_else(|| error.as_str()));
    let more = error.and_then(|error| error["errors"][0].as_str());
    let words = match (words, more) {
        (Some(words), Some(more)) => Some(format!("{words}: {more}")),
        (words, _) => words.map(str::to_owned),
    };
    match words {
        Some(words) => format!("it answers {}: {}", status.as_u16(), words.chars().take(WHY).collect::<String>()),
        None if matches!(status.as_u16(), 401 | 403) => format!("it does not accept the token ({})", status.as_u16()),
        None => format!("it answers {}", status.as_u16()),
    }
}
