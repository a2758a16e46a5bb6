//! What GitHub means by an answer that says no. Must not ask anything.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{
    budget::announced_wait,
    error::{Fault, GithubError},
};

/// Of what GitHub says about a fault, enough to understand it.
const MAX_SAID_CHARS: usize = 300;
/// GitHub puts errors before or after the data; a limit is told within so many bytes of either end.
const ERROR_BYTES: usize = 4 * 1024;

/// What a status that says no means. <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
pub(super) fn fault(address: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let said = format!("{}: {}", status.as_u16(), said(body));
    match status {
        StatusCode::UNAUTHORIZED => Fault::Final(GithubError::BadToken),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            let wait_secs = announced_wait(headers);
            if wait_secs.is_some() || ["rate limit", "abuse detection"].iter().any(|text| said.contains(text)) {
                return Fault::Limited { wait_secs, said };
            }
            // GitHub names its limits; a 429 that does not comes from something on the way.
            if status == StatusCode::TOO_MANY_REQUESTS {
                return Fault::Transient(said);
            }
            if said.contains("installation has been suspended") {
                return Fault::Final(GithubError::Suspended { said });
            }
            Fault::Final(GithubError::Forbidden { said })
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Fault::TooHeavy(said),
        _ if status.is_server_error() => Fault::Transient(said),
        _ if status.is_client_error() => Fault::Final(GithubError::Rejected { status: status.as_u16(), said }),
        _ => Fault::Final(GithubError::NotGithub { address: address.to_owned(), said }),
    }
}

/// GraphQL tells of limits in a 200 as well.
pub(super) fn graphql_limit(headers: &HeaderMap, body: &[u8]) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        errors: Option<Vec<Error>>,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        message: String,
        #[serde(default, rename = "type")]
        kind: Option<String>,
    }
    let ends = [&body[..body.len().min(ERROR_BYTES)], &body[body.len().saturating_sub(ERROR_BYTES)..]];
    let is_likely = ends.iter().any(|end| {
        let text = String::from_utf8_lossy(end);
        text.contains("rate limit") || text.contains("RATE_LIMIT")
    });
    if !is_likely {
        return None;
    }
    let Envelope { errors } = serde_json::from_slice(body).ok()?;
    let error = errors?.into_iter().find(|error| {
        matches!(error.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT")) || error.message.contains("rate limit")
    })?;
    Some(Fault::Limited { wait_secs: announced_wait(headers), said: error.message })
}

/// GitHub's own words about a fault, shortened.
pub(super) fn said(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
        /// Objects, texts, or one text, as the part of GitHub has it that answers.
        #[serde(default)]
        errors: serde_json::Value,
    }
    let text = match serde_json::from_slice::<Said>(body) {
        Ok(Said { message, errors }) => {
            let errors = errors.as_array().cloned().unwrap_or_else(|| vec![errors]);
            let errors = errors.iter().filter_map(|error| error["message"].as_str().or(error.as_str()));
            [message.as_str()].into_iter().chain(errors).collect::<Vec<_>>().join(" ")
        }
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(4 * MAX_SAID_CHARS)]).into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(MAX_SAID_CHARS).collect() }
}
