//! The playground's routes. Anyone who reaches them may act as anyone, so they are for loopback only: a foreign page,
//! or a foreign name that resolves to this machine, is turned away. Must not answer anything itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, RawForm, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, stream};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    catalog::Sought,
    chat::{self, Account, Act, Choice, LineFault, Reply, Status, Text},
    commands,
    playground::{
        self, Board, Feed,
        complete::complete,
        form::render_form,
        page::{Page, default_login, render_page},
        parse::{self, Fields},
        render::{
            Said, What, render_exchange, render_form_opened, render_misunderstood, render_posted, render_reply, render_text,
        },
    },
};

/// A form's page with long answers fits easily; nothing else is posted.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Below the usual minute after which proxies close a silent connection.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Only our own files, no inline script or style, nobody may frame us.
const CONTENT_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Sent by our script, which wants the answer alone and not a page around it.
const FRAGMENT: &str = "steward-fragment";

/// The playground's routes; `own_host` is a name (without port) under which it is also served besides loopback's.
pub fn routes(own_host: Option<Arc<str>>) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(show_page))
        .route("/playground/style.css", get(|| asset("text/css; charset=utf-8", playground::STYLE)))
        .route("/playground/script.js", get(|| asset("text/javascript; charset=utf-8", playground::SCRIPT)))
        .route("/playground/mark.svg", get(|| asset("image/svg+xml", playground::MARK)))
        .route("/playground/say", post(say))
        .route("/playground/press", post(press))
        .route("/playground/submit", post(submit))
        .route("/playground/back", post(back))
        .route("/playground/complete", get(offer))
        .route("/playground/events", get(events))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(own_host, guard))
}

async fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text)
}

/// Turns foreign pages away and adds the headers that every answer carries.
async fn guard(State(own_host): State<Option<Arc<str>>>, request: Request, next: Next) -> Response {
    let mut response = match check_origin(request.method(), request.headers(), own_host.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `Host` must be ours, else a foreign name bound to 127.0.0.1 could read answers (DNS rebinding); what a browser says of
/// the page that asks must be our own origin. Programs that say nothing of it (curl) are no page.
fn check_origin(method: &Method, headers: &HeaderMap, own_host: Option<&str>) -> Result<(), &'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").ok_or("The request names no host.")?;
    if !is_own_host(host, own_host) {
        return Err("The playground answers under its own address only, http://127.0.0.1 or localhost.");
    }
    let is_visit = method == Method::GET && text("sec-fetch-mode") == Some("navigate");
    let refusal = Err("Another page asked for this; the playground answers its own page only.");
    match text("sec-fetch-site") {
        Some("same-origin" | "none") | None => {}
        // Following a link to the page is fine: it changes nothing.
        Some(_) if is_visit => {}
        Some(_) => return refusal,
    }
    match text("origin") {
        None => Ok(()),
        Some(origin) if origin.split_once("://").is_some_and(|(_, origin_host)| origin_host == host) => Ok(()),
        Some(_) => refusal,
    }
}

fn is_own_host(host: &str, own_host: Option<&str>) -> bool {
    // `[::1]:7007` holds colons of its own.
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    ["127.0.0.1", "localhost", "::1"].contains(&name) || own_host.is_some_and(|own| own.eq_ignore_ascii_case(name))
}

#[derive(Debug, Deserialize)]
struct Visit {
    /// The login to act as.
    #[serde(rename = "as")]
    login: Option<String>,
}

async fn show_page(State(app): State<Arc<App>>, Query(visit): Query<Visit>) -> Markup {
    let catalog = app.catalog.load();
    let login = visit.login.unwrap_or_else(|| default_login(&catalog, &app.settings.access.admins));
    let account = parse::parse_account(&Fields::one("as", &login), &catalog);
    draw_page(&app, &account, None, None)
}

async fn say(State(app): State<Arc<App>>, headers: HeaderMap, RawForm(body): RawForm) -> Markup {
    let fields = Fields::parse(&body);
    let line = parse::parse_line(fields.text("line"));
    let is_line = fields.text("line").trim_start().starts_with('/') || app.live.custom().all(&app.commands).is_command(&line);
    let what = if is_line { What::Line(&line) } else { What::Asked(&line) };
    answer(&app, &headers, &fields, Act::Say { line: line.clone() }, what).await
}

async fn press(State(app): State<Arc<App>>, headers: HeaderMap, RawForm(body): RawForm) -> Markup {
    let fields = Fields::parse(&body);
    let line = parse::parse_line(fields.text("press"));
    answer(&app, &headers, &fields, Act::Press { line: line.clone() }, What::Line(&line)).await
}

async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    turn_page(&app, &headers, &Fields::parse(&body), Act::Submit).await
}

async fn back(State(app): State<Arc<App>>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    turn_page(&app, &headers, &Fields::parse(&body), Act::Back).await
}

async fn turn_page(app: &App, headers: &HeaderMap, fields: &Fields, act: fn(chat::Submission) -> Act) -> Response {
    let Some(submission) = parse::parse_submission(fields) else {
        return (StatusCode::BAD_REQUEST, "This form has lost its place. Close it and open it again.").into_response();
    };
    answer(app, headers, fields, act(submission), What::Sent(fields.text("title"))).await.into_response()
}

/// Asks Steward and draws what was said with its answer: alone for our script, else as a page.
async fn answer(app: &App, headers: &HeaderMap, fields: &Fields, act: Act, what: What<'_>) -> Markup {
    let account = parse::parse_account(fields, &app.catalog.load());
    let said = Said { name: &account.name, what, at: app.clock.now() };
    let response = commands::respond(app, parse::request(account.clone(), act)).await;
    let at = app.clock.now();
    let (log, form) = match response {
        chat::Response::Reply(reply) => {
            let render = if is_understood(app, what, &reply) { render_reply } else { render_misunderstood };
            (Some(render_exchange(&said, &render(&reply, at))), None)
        }
        chat::Response::Choices(choices) => (Some(render_exchange(&said, &render_choices(&choices))), None),
        chat::Response::Form(form) => {
            // Turning a page is no new line of the conversation.
            let opened = match said.what {
                What::Line(line) | What::Asked(line) => Some(render_exchange(&said, &render_form_opened(&form.title, line, at))),
                What::Sent(_) => None,
            };
            (opened, Some(render_form(&form, &account.id)))
        }
    };
    if headers.contains_key(FRAGMENT) {
        html! { @if let Some(log) = log { (log) } @if let Some(form) = form { (form) } }
    } else {
        draw_page(app, &account, Some(log.unwrap_or_default()), form)
    }
}

/// An empty line is answered with help; a form was understood when it was opened.
fn is_understood(app: &App, what: What<'_>, reply: &Reply) -> bool {
    match what {
        // Some questions are understood only by the names in them.
        What::Line(_) | What::Asked(_) if reply.status == Status::Answered => true,
        What::Line(line) | What::Asked(line) => {
            let parsed = app.live.custom().all(&app.commands).parse_line(line).map(|_| ());
            matches!(parsed, Ok(()) | Err(LineFault::Empty))
        }
        What::Sent(_) => true,
    }
}

/// Choices belong to a field that completes; elsewhere they are only named.
fn render_choices(choices: &[Choice]) -> Markup {
    html! { ul { @for choice in choices { li { (render_text(&Text::plain(&choice.label))) } } } }
}

fn draw_page(app: &App, account: &Account, log: Option<Markup>, form: Option<Markup>) -> Markup {
    let cursor = app.outbox.playground.as_ref().map(Board::newest_cursor).unwrap_or_default();
    let catalog = app.catalog.load();
    render_page(&Page { account, catalog: &catalog, commands: app.live.custom().all(&app.commands), cursor: &cursor, log, form })
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    typed: String,
    #[serde(rename = "as", default)]
    login: String,
    /// Set in a form's look-up field, with `field`.
    form: Option<String>,
    #[serde(default)]
    field: String,
    /// What the form is about.
    #[serde(default)]
    subject: String,
}

#[derive(Debug, Serialize)]
struct Offers {
    choices: Vec<Choice>,
}

async fn offer(State(app): State<Arc<App>>, Query(query): Query<Typed>) -> Json<Offers> {
    let catalog = app.catalog.load();
    let Typed { typed, login, form, field, subject } = query;
    let account = parse::parse_account(&Fields::one("as", &login), &catalog);
    let choices = match form {
        None => {
            let health = commands::StoreHealth::Absent;
            let asking = commands::Asking::new(&catalog, app.clock.now(), &account, None, &[], health);
            let live = app.live.load();
            let whose = Sought { taste: &live.taste, ..asking.sought("") };
            complete(app.live.custom().all(&app.commands), &catalog, whose, &typed)
        }
        Some(form) => match commands::respond(&app, parse::request(account, Act::Complete { form, subject, field, typed })).await
        {
            chat::Response::Choices(choices) => choices,
            chat::Response::Reply(_) | chat::Response::Form(_) => Vec::new(),
        },
    };
    Json(Offers { choices })
}

#[derive(Debug, Deserialize)]
struct Follow {
    #[serde(rename = "as", default)]
    login: String,
    since: Option<String>,
}

/// What Steward posts of itself in this account's conversation and in shared channels, as it happens.
async fn events(State(app): State<Arc<App>>, headers: HeaderMap, Query(query): Query<Follow>) -> Response {
    let Some(board) = app.outbox.playground.clone() else {
        return (StatusCode::NOT_FOUND, "No messages are posted here.").into_response();
    };
    let account = parse::parse_account(&Fields::one("as", &query.login), &app.catalog.load());
    // The browser sends the last id it saw when it connects again by itself.
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let since = last_seen.or(query.since.as_deref());
    let feed = board.follow(&playground::channel_of(&account.id), since);
    Sse::new(stream_events(app, board, feed)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn stream_events(app: Arc<App>, board: Board, feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((app, board, feed), |(app, board, mut feed)| async move {
        let posted = feed.next().await?;
        let html = render_posted(&posted, app.clock.now()).into_string();
        let event = Event::default().event("message").id(board.cursor(posted.number)).data(html);
        Some((Ok(event), (app, board, feed)))
    })
}
