//! The sample company's rota, as an on-call provider of one's own would serve it: `steward demo` reads it like any other.
//! Must not be served elsewhere, and wakes nobody.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::{app::App, settings::HttpOnCallSettings};

/// It travels in the binary, as the sample company does.
const ROTA: &str = include_str!("../../fixtures/rota.yaml");

/// What the demo serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct SampleOnCall(Arc<BTreeMap<String, Turns>>);

#[derive(Debug, Deserialize)]
struct Turns {
    title: String,
    people: Vec<String>,
}

impl SampleOnCall {
    pub fn load() -> anyhow::Result<Self> {
        Ok(serde_yaml::from_str(ROTA)?)
    }

    /// How a provider of this kind is set up; `address` is where this process serves it.
    pub fn settings(address: &str) -> HttpOnCallSettings {
        let url = format!("{address}/sample/on-call/{{{{ value }}}}");
        HttpOnCallSettings {
            annotation: "pagerduty.com/service-id".to_owned(),
            url: url.clone(),
            headers: BTreeMap::new(),
            now: "$.now[*].name".to_owned(),
            next: Some("$.next[*].name".to_owned()),
            email: Some("$.now[*].email".to_owned()),
            next_email: Some("$.next[*].email".to_owned()),
            until: Some("$.until".to_owned()),
            page: Some(url.clone()),
            page_url: Some(url),
        }
    }
}

pub fn routes(rota: SampleOnCall) -> Router<Arc<App>> {
    let (shown, woken) = (rota.clone(), rota);
    let show = move |State(app): State<Arc<App>>, Path(service): Path<String>| {
        let shift = shown.0.get(&service).map(|turns| shift(turns, app.clock.now()));
        std::future::ready(or_missing(shift))
    };
    let wake = move |Path(service): Path<String>| {
        let said = "Nobody (this is the sample company: no telephone rang)";
        let answer = woken.0.contains_key(&service).then(|| json!({ "assigned": [said] }));
        std::future::ready(or_missing(answer))
    };
    Router::new().route("/sample/on-call/{service}", get(show).post(wake))
}

fn or_missing(answer: Option<serde_json::Value>) -> Response {
    answer.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |answer| Json(answer).into_response())
}

/// Whose week it is, and whose the next one.
fn shift(turns: &Turns, now: DateTime<Utc>) -> serde_json::Value {
    // 1970-01-05 was a Monday; a week begins at 09:00.
    let first = DateTime::UNIX_EPOCH + TimeDelta::days(4) + TimeDelta::hours(9);
    let week = (now - first).num_weeks();
    let person = |week: i64| {
        let count = i64::try_from(turns.people.len().max(1)).unwrap_or(1);
        let at = usize::try_from(week.rem_euclid(count)).unwrap_or_default();
        let names = turns.people.get(at).into_iter();
        names.map(|name| json!({ "name": name, "email": format!("{name}@example.com") })).collect::<Vec<_>>()
    };
    let until = first + TimeDelta::weeks(week + 1);
    json!({ "schedule": turns.title, "now": person(week), "until": until.to_rfc3339(), "next": person(week + 1) })
}
