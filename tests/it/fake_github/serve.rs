//! The model over HTTP: authorisation, rate limits and planned faults around GraphQL and REST.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State as Extract,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::{
    Announced, Closed, Fault, State, Window,
    app::Given,
    device,
    graphql::{Limits, Outcome, execute},
    rest,
};

const LIMIT: u64 = 5_000;
/// A window of GitHub's primary limit.
const WINDOW_SECS: u64 = 3_600;

#[derive(Clone)]
struct Served {
    url: String,
    state: Arc<Mutex<State>>,
}

pub async fn serve(listener: tokio::net::TcpListener, url: String, state: Arc<Mutex<State>>) {
    let app = Router::new().fallback(handle).with_state(Served { url, state });
    axum::serve(listener, app).await.expect("the listener stays");
}

async fn handle(
    Extract(served): Extract<Served>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Infallible> {
    let delay = served.state.lock().expect("no test panics while it holds this lock").delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut state = served.state.lock().expect("no test panics while it holds this lock");
    let path = uri.path().strip_prefix("/api/v3").unwrap_or(uri.path());
    let is_graphql = matches!(uri.path(), "/graphql" | "/api/graphql");
    let resource = if is_graphql { "graphql" } else { "core" };
    if is_graphql {
        state.counts.graphql += 1;
    } else {
        state.counts.rest += 1;
    }
    let mut response = state.answer(&served.url, &method, path, is_graphql, uri.query(), &headers, &body);
    let (remaining, secs) = state.window(resource);
    let out = response.headers_mut();
    let ahead_secs = state.app.as_ref().map_or(0, |app| app.ahead_secs);
    let now = Utc::now() + TimeDelta::seconds(ahead_secs);
    if ahead_secs != 0 {
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        out.insert("date", date.parse().expect("a header"));
    }
    if state.tells_limits {
        let reset = now.timestamp() as u64 + secs;
        let numbers = [("limit", LIMIT), ("remaining", remaining), ("used", LIMIT - remaining), ("reset", reset)];
        for (name, number) in numbers {
            let name = format!("x-ratelimit-{name}").parse::<axum::http::HeaderName>().expect("a header's name");
            out.entry(name).or_insert_with(|| number.into());
        }
        out.insert("x-ratelimit-resource", resource.parse().expect("a header"));
    }
    out.insert("x-github-request-id", "FAKE:1".parse().expect("a header"));
    if !state.scopes.is_empty() {
        out.insert("x-oauth-scopes", state.scopes.parse().expect("a header"));
    }
    Ok(response)
}

pub fn message(status: u16, text: &str) -> Response {
    let body = json!({ "message": text, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() });
    respond(status, &body)
}

pub fn respond(status: u16, body: &Json) -> Response {
    let headers = [("content-type", "application/json; charset=utf-8")];
    (StatusCode::from_u16(status).expect("a status"), headers, body.to_string()).into_response()
}

impl State {
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    fn answer(
        &mut self,
        url: &str,
        method: &Method,
        path: &str,
        graphql: bool,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response {
        if !headers.contains_key("user-agent") {
            return message(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
            );
        }
        if let Some(response) = device::answer(&mut self.model.device, method, path, headers, body) {
            return response;
        }
        if let Some(response) = super::sbom::storage(&self.model, path, headers) {
            return response;
        }
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let given = given.strip_prefix("Bearer ").or_else(|| given.strip_prefix("token ")).unwrap_or_default();
        let request = if graphql { serde_json::from_slice::<Json>(body).unwrap_or_default() } else { Json::Null };
        let operation = request["query"].as_str().and_then(|query| query.split("query ").nth(1)?.split(['(', ' ', '{']).next());
        self.log.push(operation.map_or_else(|| format!("{method} {path}"), str::to_owned));
        if let Some(response) = self.app.as_mut().and_then(|app| app.answer(method, path, given)) {
            return response;
        }
        let is_bad = self.token.as_deref().is_some_and(|token| token != given) || given.is_empty();
        match self.app.as_mut().map(|app| app.look_up(given)) {
            Some(Given::Good) => {}
            Some(Given::Suspended) => return message(403, "This installation has been suspended"),
            Some(Given::Unknown) | None if is_bad => return message(401, "Bad credentials"),
            Some(Given::Unknown) | None => {}
        }
        let resource = if graphql { "graphql" } else { "core" };
        if let Some(response) = self.closed_answer(resource) {
            self.counts.too_early += 1;
            return response;
        }
        if path != "/rate_limit" && !self.spend(resource) {
            self.counts.too_early += 1;
            return message(403, "API rate limit exceeded for user ID 4242.");
        }
        if let Some(query) = request["query"].as_str()
            && !self.queries.iter().any(|known| known == query)
        {
            self.queries.push(query.to_owned());
        }
        let fault = self.next_fault(graphql, &request, method, path);
        if let Some(Fault::Limited { status, secs, announced }) = fault {
            let until = Instant::now() + self.second.saturating_mul(u32::try_from(secs).unwrap_or(u32::MAX));
            self.closed.insert(resource, Closed { until, status, announced });
            return self.closed_answer(resource).expect("it was closed just now");
        }
        match fault {
            Some(Fault::Status(status)) => message(status, status_text(status)),
            Some(Fault::Moved { status, location }) => {
                let mut response = message(status, "Moved Permanently");
                response.headers_mut().insert("location", location.parse().expect("a header"));
                response
            }
            Some(Fault::GraphqlTimeout) => respond(200, &json!({ "data": null, "errors": [{ "message": TIMEOUT }] })),
            fault if graphql && method == Method::POST => self.graphql(&request, fault),
            fault => {
                let query = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
                let asked = rest::Asked { url, method, path, query, headers, body, used: &self.used, limit: LIMIT };
                let answer = rest::answer(&mut self.model, &asked);
                // What was asked for is done all the same.
                match fault {
                    Some(Fault::BrokenOff) => break_off(&answer),
                    Some(Fault::After(status)) => message(status, status_text(status)),
                    _ => answer,
                }
            }
        }
    }

    fn next_fault(&mut self, graphql: bool, request: &Json, method: &Method, path: &str) -> Option<Fault> {
        let mut planned_for = self.planned_for.iter();
        if let Some(at) = planned_for.position(|(of, part, _)| of == method.as_str() && path.contains(part.as_str())) {
            return Some(self.planned_for.remove(at).2);
        }
        if let Some(planned) = self.planned.pop_front() {
            return planned;
        }
        if !graphql {
            return None;
        }
        if let Some(fault) = &self.each_page_once
            && self.seen_pages.insert(page_of(request))
        {
            return Some(fault.clone());
        }
        let ids = request["variables"]["ids"].as_array().map_or(0, Vec::len) as i64;
        let first = request["variables"]["first"].as_i64().unwrap_or(ids);
        self.heavy_above.as_ref().filter(|(most, _)| first > *most).map(|(_, fault)| fault.clone())
    }

    fn graphql(&mut self, request: &Json, fault: Option<Fault>) -> Response {
        let limits = Limits {
            limit: LIMIT,
            remaining: LIMIT - self.used.get("graphql").copied().unwrap_or_default(),
            reset_at: (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true),
            end_early: fault == Some(Fault::EndsEarly),
        };
        let Outcome { mut body, largest_first } = execute(&self.model, &limits, request);
        self.counts.page_sizes.push(largest_first);
        if fault == Some(Fault::ResourceLimits) {
            run_out(&mut body);
        }
        let text = body.to_string();
        let headers = [("content-type", "application/json; charset=utf-8")];
        match fault {
            Some(Fault::CutShort) => (headers, text[..floor(&text)].to_owned()).into_response(),
            Some(Fault::BrokenOff) => {
                let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
                (headers, broken_off(half)).into_response()
            }
            _ => (headers, text).into_response(),
        }
    }

    /// Takes one of what is left; `false` where nothing is.
    fn spend(&mut self, resource: &'static str) -> bool {
        self.windows.retain(|_, window| window.resets_at > Instant::now());
        match self.windows.get_mut(resource) {
            None => true,
            Some(Window { left: 0, .. }) => false,
            Some(window) => {
                window.left -= 1;
                true
            }
        }
    }

    /// What is left of a resource, and for how many seconds.
    fn window(&self, resource: &'static str) -> (u64, u64) {
        match self.windows.get(resource) {
            None => (LIMIT - self.used.get(resource).copied().unwrap_or_default(), WINDOW_SECS),
            Some(window) => {
                let left = window.resets_at.saturating_duration_since(Instant::now());
                (window.left, (left.as_secs_f64() / self.second.as_secs_f64()).ceil() as u64)
            }
        }
    }

    fn closed_answer(&mut self, resource: &'static str) -> Option<Response> {
        let Closed { until, status, announced } = self.closed.get(resource)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.closed.remove(resource);
            return None;
        }
        let secs = left.as_secs_f64() / self.second.as_secs_f64();
        let secs = secs.ceil() as u64;
        let text = match announced {
            Announced::Reset => "API rate limit exceeded for user ID 4242.",
            Announced::RetryAfter | Announced::Nothing => {
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            }
        };
        // GraphQL tells of its primary limit in the body of a 200.
        let mut response = match status {
            200 => respond(200, &json!({ "errors": [{ "type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": text }] })),
            status => message(*status, text),
        };
        let headers = response.headers_mut();
        match announced {
            Announced::RetryAfter => drop(headers.insert("retry-after", secs.into())),
            Announced::Reset => {
                headers.insert("x-ratelimit-remaining", 0.into());
                headers.insert("x-ratelimit-reset", (Utc::now().timestamp() as u64 + secs).into());
            }
            Announced::Nothing => {}
        }
        Some(response)
    }
}

/// The connection goes away behind these bytes.
fn broken_off(begin: Bytes) -> Body {
    let parts = [Ok(begin), Err(std::io::Error::other("the fake breaks off"))];
    Body::from_stream(futures_util::stream::iter(parts))
}

/// The same answer, of which no more than the begin arrives.
fn break_off(answer: &Response) -> Response {
    (answer.status(), broken_off(Bytes::from_static(b"{"))).into_response()
}

/// Which page it is, whatever its size.
fn page_of(request: &Json) -> String {
    let query = request["query"].as_str().unwrap_or_default();
    let name = query.split(['(', '{']).next().unwrap_or_default();
    format!("{name} {} {}", request["variables"]["after"], request["variables"]["order"])
}

const TIMEOUT: &str = "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. \
                       Please include `FAKE:1` when reporting this issue.";

fn status_text(status: u16) -> &'static str {
    match status {
        502 => {
            "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request and contact us if the problem persists."
        }
        403 => "Resource not accessible by personal access token",
        _ => "Server Error",
    }
}

/// Takes the second half of the repositories away, as GitHub does when a query used too much.
fn run_out(body: &mut Json) {
    let lists = [
        &["repositoryOwner", "repositories", "nodes"][..],
        &["repositoryOwner", "pushed", "nodes"],
        &["repositoryOwner", "updated", "nodes"],
        &["nodes"],
    ];
    let mut errors = Vec::new();
    for list in lists {
        let Some(nodes) = body.pointer_mut(&format!("/data/{}", list.join("/"))).and_then(Json::as_array_mut) else { continue };
        let half = nodes.len() / 2;
        for (index, node) in nodes.iter_mut().enumerate().skip(half) {
            *node = Json::Null;
            let mut path: Vec<Json> = list.iter().map(|name| json!(name)).collect();
            path.push(json!(index));
            let text = "Resource limits for this query exceeded.";
            errors.push(json!({ "type": "RESOURCE_LIMITS_EXCEEDED", "path": path, "message": text }));
        }
    }
    if errors.is_empty() {
        return;
    }
    body["errors"] = Json::Array(errors);
}

/// The middle of a text, at a character's border.
fn floor(text: &str) -> usize {
    (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
