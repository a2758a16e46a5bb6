//! `steward ask`: one chat command on the terminal, from the same code as every chat.
//! Must not answer anything itself.

mod terminal;

use serde_json::{Value, json};

use crate::chat::{Response, Status};

pub use terminal::{Colour, DEFAULT_WIDTH, render_text};

/// The object of `steward ask --format json`.
pub fn render_json(response: &Response) -> Value {
    let text = render_text(response, DEFAULT_WIDTH, Colour::Off);
    match response {
        Response::Reply(reply) => json!({
            "status": reply.status.as_str(),
            "command": reply.command,
            "refs": reply.refs,
            "text": text,
            "read_from": reply.provenance.as_ref().map(|provenance| &provenance.read_from),
            "synced_at": reply.provenance.as_ref().and_then(|provenance| provenance.synced_at).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }),
        Response::Form(form) => json!({
            "status": Status::Refused.as_str(),
            "command": form.id,
            "refs": [form.state.subject],
            "text": text,
            "read_from": null,
            "synced_at": null,
        }),
        Response::Choices(choices) => json!({
            "status": Status::Answered.as_str(),
            "command": "",
            "refs": choices.iter().map(|choice| &choice.value).collect::<Vec<_>>(),
            "text": text,
            "read_from": null,
            "synced_at": null,
        }),
    }
}

/// Whether something was found: the exit status of `steward ask`.
pub fn is_success(response: &Response) -> bool {
    match response {
        Response::Reply(reply) => match reply.status {
            Status::Answered | Status::Ambiguous => true,
            Status::NotFound | Status::Refused | Status::Error => false,
        },
        Response::Choices(_) => true,
        // A terminal cannot show one, so nothing was done.
        Response::Form(_) => false,
    }
}
