//! A PagerDuty with state: services, who has duty when, incidents; it fails when told to, and refuses what PagerDuty would.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub const TOKEN: &str = "u+fakePagerDutyToken";

/// One stretch of duty: policy, step, person, from, to.
#[derive(Debug, Clone)]
pub struct Duty {
    pub policy: &'static str,
    pub level: u32,
    pub user: &'static str,
    pub from: Option<&'static str>,
    pub to: Option<&'static str>,
}

#[derive(Default)]
pub struct Model {
    /// Id, name, integration key, escalation policy.
    pub services: Vec<(&'static str, &'static str, &'static str, &'static str)>,
    pub duties: Vec<Duty>,
    pub incidents: Vec<Value>,
    /// Status and headers of the next answers.
    pub faults: VecDeque<(u16, Vec<(&'static str, &'static str)>)>,
    /// Paths with queries, as they came.
    pub asked: Vec<String>,
    pub page: Option<usize>,
}

pub struct FakePagerDuty {
    pub url: String,
    model: Arc<Mutex<Model>>,
    server: JoinHandle<()>,
}

impl FakePagerDuty {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let model: Arc<Mutex<Model>> = Arc::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&model));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self { url, model, server }
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("no test panics while it holds this lock")
    }

    pub fn service(&self, id: &'static str, name: &'static str, key: &'static str, policy: &'static str) {
        self.model().services.push((id, name, key, policy));
    }

    pub fn duty(
        &self,
        policy: &'static str,
        level: u32,
        user: &'static str,
        from: Option<&'static str>,
        to: Option<&'static str>,
    ) {
        self.model().duties.push(Duty { policy, level, user, from, to });
    }

    pub fn fail(&self, status: u16, headers: &[(&'static str, &'static str)]) {
        self.model().faults.push_back((status, headers.to_vec()));
    }
}

impl Drop for FakePagerDuty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(model): State<Arc<Mutex<Model>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    let mut model = model.lock().expect("no test panics while it holds this lock");
    let asked = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    model.asked.push(asked);
    if let Some(refusal) = refuse(&parts.headers) {
        return refusal;
    }
    if let Some((status, headers)) = model.faults.pop_front() {
        let status = StatusCode::from_u16(status).expect("a status");
        let mut response = (status, Json(json!({ "error": { "message": "Fake Fault", "code": 2000 } }))).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().expect("a header"));
        }
        return response;
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    match (parts.method.as_str(), parts.uri.path()) {
        ("GET", "/services") => list(&model, &query, "services", services(&model)),
        ("GET", "/oncalls") => list(&model, &query, "oncalls", oncalls(&model, &query)),
        ("POST", "/incidents") => create(&mut model, &parts.headers, &body),
        _ => error(404, 2100, "Not Found"),
    }
}

fn error(status: u16, code: u32, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({ "error": { "message": message, "code": code } }))).into_response()
}

fn refuse(headers: &HeaderMap) -> Option<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("authorization") != format!("Token token={TOKEN}") {
        return Some(error(401, 2006, "Unauthorized"));
    }
    (header("accept") != "application/vnd.pagerduty+json;version=2").then(|| error(406, 2001, "Not Acceptable"))
}

fn list(model: &Model, query: &[(String, String)], name: &str, all: Vec<Value>) -> Response {
    let number = |name: &str| query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok());
    let (limit, offset) = (number("limit").unwrap_or(25), number("offset").unwrap_or(0));
    if limit > 100 {
        return error(400, 2001, "Invalid Input Provided");
    }
    let limit = model.page.unwrap_or(limit);
    let more = all.len() > offset + limit;
    // A fake that pages smaller would be asked for the wrong offsets, so its pages begin where the asker's do.
    let items: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Json(json!({ name: items, "limit": limit, "offset": offset, "total": null, "more": more })).into_response()
}

fn services(model: &Model) -> Vec<Value> {
    let service = |(id, name, key, policy): &(&str, &str, &str, &str)| {
        json!({
            "id": id, "type": "service", "name": name, "summary": name, "html_url": format!("https://acme.pagerduty.com/service-directory/{id}"),
            "escalation_policy": { "id": policy, "type": "escalation_policy", "summary": format!("Policy {policy}"),
                                   "html_url": format!("https://acme.pagerduty.com/escalation_policies/{policy}") },
            "integrations": [{ "id": format!("I{id}"), "type": "events_api_v2_inbound_integration", "integration_key": key }],
        })
    };
    model.services.iter().map(service).collect()
}

fn oncalls(model: &Model, query: &[(String, String)]) -> Vec<Value> {
    let time = |text: &str| -> DateTime<Utc> { text.parse().expect("a time") };
    let one = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (since, until) = (time(one("since").expect("since")), time(one("until").expect("until")));
    let policies: Vec<&str> =
        query.iter().filter(|(key, _)| key == "escalation_policy_ids[]").map(|(_, value)| value.as_str()).collect();
    let with_users = query.iter().any(|(key, value)| key == "include[]" && value == "users");
    let mut duties: Vec<&Duty> = model.duties.iter().filter(|duty| policies.contains(&duty.policy)).collect();
    duties.retain(|duty| duty.to.is_none_or(|to| time(to) > since) && duty.from.is_none_or(|from| time(from) < until));
    duties.sort_by_key(|duty| (duty.policy, duty.level, duty.user, duty.from.map(time)));
    if one("earliest") == Some("true") {
        duties.dedup_by_key(|duty| (duty.policy, duty.level, duty.user));
    }
    let duty = |duty: &Duty| {
        let id = format!("P{}", duty.user.to_uppercase());
        let mut user = json!({ "id": id, "type": "user_reference", "summary": duty.user, "html_url": format!("https://acme.pagerduty.com/users/{id}") });
        if with_users {
            user["type"] = json!("user");
            user["name"] = json!(duty.user);
            user["email"] = json!(format!("{}@example.com", duty.user));
        }
        json!({ "escalation_policy": { "id": duty.policy, "type": "escalation_policy_reference", "summary": duty.policy },
                "escalation_level": duty.level, "schedule": null, "user": user, "start": duty.from, "end": duty.to })
    };
    duties.into_iter().map(duty).collect()
}

fn create(model: &mut Model, headers: &HeaderMap, body: &Bytes) -> Response {
    if !headers.get("from").is_some_and(|from| from.to_str().is_ok_and(|from| from.contains('@'))) {
        return error(400, 2001, "Requester User Not Found");
    }
    if headers.get("content-type").is_none_or(|kind| kind != "application/json") {
        return error(400, 2001, "Invalid Input Provided");
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return error(400, 2001, "Invalid JSON") };
    let incident = body["incident"].clone();
    let is_valid =
        incident["type"] == "incident" && incident["title"].is_string() && incident["service"]["type"] == "service_reference";
    let service = model.services.iter().find(|(id, ..)| incident["service"]["id"] == *id).copied();
    let (true, Some((_, _, _, policy))) = (is_valid, service) else { return error(400, 2001, "Invalid Input Provided") };
    if model.incidents.iter().any(|open| open["incident_key"] == incident["incident_key"]) {
        let body = json!({ "error": { "message": "Arguments Caused Error", "code": 2002,
            "errors": ["Open incident with matching dedup key already exists on this service"] } });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let number = model.incidents.len() + 1;
    let first = model.duties.iter().find(|duty| duty.policy == policy && duty.level == 1).map(|duty| duty.user);
    let mut made = incident;
    made["id"] = json!(format!("Q{number}"));
    made["html_url"] = json!(format!("https://acme.pagerduty.com/incidents/Q{number}"));
    made["status"] = json!("triggered");
    made["assignments"] = json!([{ "at": "2026-11-21T09:00:00Z", "assignee": { "type": "user_reference", "summary": first } }]);
    model.incidents.push(made.clone());
    (StatusCode::CREATED, Json(json!({ "incident": made }))).into_response()
}
