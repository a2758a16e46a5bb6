//! The page on which secrets of a run are entered: chats have no masked field. Must not keep anything itself: what is
//! entered is sealed and handed to the store.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use tracing::warn;

use crate::{
    app::{App, sealed_about},
    store::{Run, RunId, RunState},
};

/// A private key with its certificate has some 10 KB.
const MOST_BYTES: usize = 64 * 1024;

/// Nothing is kept by a browser or a proxy, nothing runs in the page, and no other site is told its address.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1d1c1d;background:#fff}\
h1{font-size:1.3rem}label{display:block;margin:1rem 0 .25rem;font-weight:600}\
input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #868686;border-radius:4px;color:inherit;background:inherit}\
button{margin-top:1.5rem;font:inherit;font-weight:600;padding:.5rem 1.25rem;border:0;border-radius:4px;background:#007a5a;color:#fff}\
small{color:#616061}@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1a1d21}small{color:#ababad}}";

/// The parts of the address.
type Address = Path<(i64, i64, String)>;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/secrets/{run}/{until}/{signature}", get(show).post(take)).layer(DefaultBodyLimit::max(MOST_BYTES))
}

async fn show(State(app): State<Arc<App>>, address: Address) -> Response {
    match find(&app, &address).await {
        Ok(run) => page(StatusCode::OK, &form(&run, None)),
        Err(refusal) => refusal,
    }
}

async fn take(State(app): State<Arc<App>>, address: Address, Form(given): Form<BTreeMap<String, String>>) -> Response {
    let run = match find(&app, &address).await {
        Ok(run) => run,
        Err(refusal) => return refusal,
    };
    let wanted = run.secrets.iter().map(|secret| (secret.name.as_str(), given.get(&secret.name).map_or("", String::as_str)));
    let secrets: BTreeMap<&str, &str> = wanted.collect();
    if let Some(missing) = run.secrets.iter().find(|secret| secrets[secret.name.as_str()].is_empty()) {
        let said = format!("{} is still to be entered.", missing.title);
        return page(StatusCode::UNPROCESSABLE_ENTITY, &form(&run, Some(&said)));
    }
    let Some(seal) = &app.seal else { return gone() };
    let plain = serde_json::to_vec(&secrets).expect("texts are plain data");
    match app.store.seal_secrets(run.id, &seal.seal(&sealed_about(&run), &plain)).await {
        Ok(true) => page(
            StatusCode::OK,
            &html! {
                h1 { "Thank you. “" (run.title) "” begins." }
                p { "Its progress is in the chat, where you asked for it. You can close this page." }
            },
        ),
        Ok(false) => gone(),
        Err(error) => {
            warn!(%error, "secrets of a run could not be kept");
            let said = "Steward's database is away, so nothing was kept. Please send them again in a minute.";
            page(StatusCode::SERVICE_UNAVAILABLE, &form(&run, Some(said)))
        }
    }
}

/// The run whose secrets are waited for, where the address is good.
async fn find(app: &App, Path((id, until, signature)): &Address) -> Result<Run, Response> {
    let id = RunId(*id);
    if !app.is_secret_page(id, *until, signature, app.clock.now()) {
        return Err(gone());
    }
    match app.store.load_run(id).await {
        Ok(Some(run)) if run.state == RunState::Secrets => Ok(run),
        Ok(_) => Err(gone()),
        Err(error) => {
            warn!(%error, "a run could not be loaded");
            let said = html! { h1 { "Steward's database is away" } p { "Please try again in a minute." } };
            Err(page(StatusCode::SERVICE_UNAVAILABLE, &said))
        }
    }
}

/// Used, too old, or made up: whoever comes is not told which.
fn gone() -> Response {
    let said = html! {
        h1 { "This address is no longer good" }
        p { "Secrets are entered once, within a day. " code { "/tasks" } " in the chat shows how it stands with your run." }
    };
    page(StatusCode::GONE, &said)
}

fn form(run: &Run, fault: Option<&str>) -> Markup {
    let one = run.secrets.len() == 1;
    html! {
        h1 { "“" (run.title) "” needs " @if one { "a secret" } @else { "secrets" } }
        p { small { "Kept encrypted until run " (run.id) " ends, and never shown again: not in chat, not in a log." } }
        @if let Some(fault) = fault { p role="alert" { strong { (fault) } } }
        form method="post" autocomplete="off" {
            @for secret in &run.secrets {
                label for=(secret.name) { (secret.title) }
                input type="password" id=(secret.name) name=(secret.name) required autocomplete="new-password" spellcheck="false";
            }
            button { "Send" }
        }
    }
}

fn page(status: StatusCode, inside: &Markup) -> Response {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Steward: secrets of a run" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { (inside) }
        }
    };
    (status, HEADERS, whole).into_response()
}
