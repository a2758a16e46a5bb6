//! PagerDuty's REST API v2 (<https://developer.pagerduty.com/api-reference>): services, on-calls, incidents.
//! Must not keep a user's data beyond the answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use reqwest::{Client, header};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::{
    Found, Page, PageError, Paged,
    ask::{AskError, ask, client},
};
use crate::{
    catalog::live::{OnCallPerson, PAGERDUTY, ScheduleKey, Shift},
    settings::PagerDutySettings,
};

/// What PagerDuty's own plugin for Backstage reads, in its order.
pub(super) const ANNOTATIONS: [&str; 2] = ["pagerduty.com/integration-key", "pagerduty.com/service-id"];

/// PagerDuty gives 100 at most.
const PAGE: usize = 100;
/// PagerDuty's offsets end at 10,000.
const MAX_PAGES: usize = 100;
/// Escalation policies in one question: their numbers stay well below what an address may hold.
const POLICIES: usize = 50;
/// Questions under way at once; PagerDuty takes 960 a minute.
const AT_ONCE: usize = 4;
/// Which policy a service has changes seldom, …
const DIRECTORY_KEPT: TimeDelta = TimeDelta::hours(1);
/// … and one that was not there is looked for again after this.
const LOOKED_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// How far ahead the next ones are looked for: longer than any usual rotation, shorter than PagerDuty's 90 days.
const AHEAD: TimeDelta = TimeDelta::days(28);
/// PagerDuty's longest title.
const TITLE: usize = 1_024;

#[derive(Debug)]
pub(super) struct PagerDuty {
    http: Client,
    api: Url,
    from: Option<String>,
    directory: Mutex<Directory>,
}

/// Services as they were when they were listed.
#[derive(Debug, Default)]
struct Directory {
    by_id: HashMap<String, Service>,
    /// Integration keys and the services they belong to.
    by_key: HashMap<String, String>,
    read_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Service {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    escalation_policy: Option<Reference>,
    #[serde(default)]
    integrations: Option<Vec<Integration>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Reference {
    id: String,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Integration {
    #[serde(default)]
    integration_key: Option<String>,
}

/// One person for one stretch of time at one step of a policy.
#[derive(Debug, Clone, Deserialize)]
struct Duty {
    escalation_policy: Reference,
    #[serde(default = "first")]
    escalation_level: u32,
    #[serde(default)]
    user: Option<User>,
    /// None: for ever.
    #[serde(default)]
    start: Option<DateTime<Utc>>,
    #[serde(default)]
    end: Option<DateTime<Utc>>,
}

fn first() -> u32 {
    1
}

#[derive(Debug, Clone, Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

impl PagerDuty {
    pub(super) fn connect(settings: &PagerDutySettings) -> Result<Self, String> {
        let bad = |what: &str| format!("on_call.pagerduty: {what}");
        let api = format!("{}/", settings.api_url.trim_end_matches('/'));
        let api = Url::parse(&api).map_err(|_| bad("api_url is not an address"))?;
        let token = format!("Token token={}", settings.token.expose_secret().trim());
        let mut token = header::HeaderValue::try_from(token).map_err(|_| bad("the token has characters no token has"))?;
        token.set_sensitive(true);
        let headers = header::HeaderMap::from_iter([
            (header::AUTHORIZATION, token),
            (header::ACCEPT, header::HeaderValue::from_static("application/vnd.pagerduty+json;version=2")),
            (header::CONTENT_TYPE, header::HeaderValue::from_static("application/json")),
        ]);
        Ok(Self { http: client(headers)?, api, from: settings.from.clone(), directory: Mutex::default() })
    }

    /// `wanted` holds numbers of services and keys of integrations.
    pub(super) async fn read(&self, wanted: &BTreeSet<&str>, now: DateTime<Utc>, found: &mut Found) {
        if wanted.is_empty() {
            return;
        }
        let key = |id: &str| ScheduleKey { provider: PAGERDUTY.to_owned(), id: id.to_owned() };
        let mut directory = self.directory.lock().await;
        let listed = self.refresh(&mut directory, wanted, now).await;
        let mut of_policy: BTreeMap<String, Vec<(&str, Service)>> = BTreeMap::new();
        for id in wanted {
            match (directory.find(id), &listed) {
                (Some(service), _) => match &service.escalation_policy {
                    Some(policy) => of_policy.entry(policy.id.clone()).or_default().push((*id, service.clone())),
                    None => drop(found.insert(key(id), Ok(nobody(service, now)))),
                },
                (None, Err(fault)) => drop(found.insert(key(id), Err(fault.clone()))),
                // A key may send events, so it is not repeated.
                (None, Ok(())) => {
                    let said = "PagerDuty has no service of this number or key, or the token may not see it".to_owned();
                    found.insert(key(id), Ok(Shift { read_at: Some(now), ..Shift::unknown(said) }));
                }
            }
        }
        drop(directory);
        let policies: Vec<String> = of_policy.keys().cloned().collect();
        let asked = policies.chunks(POLICIES).map(|chunk| async move { (chunk, self.duties(chunk, now).await) });
        let mut answers = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((chunk, answer)) = answers.next().await {
            for policy in chunk {
                for (id, service) in of_policy.get(policy).into_iter().flatten() {
                    let shift = match &answer {
                        Ok(duties) => Ok(shift(service, duties.iter().filter(|duty| duty.escalation_policy.id == *policy), now)),
                        Err(fault) => Err(fault.clone()),
                    };
                    found.insert(key(id), shift);
                }
            }
        }
    }

    /// Lists the services where that is due. What is known stays if it cannot be done.
    async fn refresh(&self, directory: &mut Directory, wanted: &BTreeSet<&str>, now: DateTime<Utc>) -> Result<(), String> {
        let age = directory.read_at.map(|at| now - at);
        let lacks = wanted.iter().any(|id| directory.find(id).is_none());
        let is_due = age.is_none_or(|age| age >= DIRECTORY_KEPT || (lacks && age >= LOOKED_AGAIN));
        if !is_due {
            return Ok(());
        }
        let mut fresh = Directory { read_at: Some(now), ..Directory::default() };
        let parameters = [("include[]", "escalation_policies"), ("include[]", "integrations")].map(|(a, b)| (a, b.to_owned()));
        let services: Vec<Service> = self.list("services", &parameters).await?;
        for service in services {
            for integration in service.integrations.iter().flatten() {
                fresh.by_key.extend(integration.integration_key.clone().map(|key| (key, service.id.clone())));
            }
            fresh.by_id.insert(service.id.clone(), service);
        }
        *directory = fresh;
        Ok(())
    }

    /// Who has duty now, and each person's first duty after that.
    async fn duties(&self, policies: &[String], now: DateTime<Utc>) -> Result<Vec<Duty>, String> {
        let mut parameters = vec![
            ("include[]", "users".to_owned()),
            ("earliest", "true".to_owned()),
            ("since", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ("until", (now + AHEAD).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ("time_zone", "UTC".to_owned()),
        ];
        parameters.extend(policies.iter().map(|policy| ("escalation_policy_ids[]", policy.clone())));
        self.list("oncalls", &parameters).await
    }

    /// Every page of a list.
    async fn list<T: serde::de::DeserializeOwned>(&self, list: &str, parameters: &[(&str, String)]) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        for page in 0..MAX_PAGES {
            let mut url = self.address(list)?;
            let offset = (page * PAGE).to_string();
            let paging = [("limit", PAGE.to_string()), ("offset", offset)];
            url.query_pairs_mut().extend_pairs(parameters.iter().chain(&paging));
            let mut answer = ask(|| self.http.get(url.clone())).await.map_err(|error| format!("PagerDuty: {error}"))?;
            let Value::Array(items) = answer[list].take() else {
                return Err(format!("PagerDuty's answer holds no {list}"));
            };
            let is_empty = items.is_empty();
            for item in items {
                let read = serde_json::from_value(item);
                all.push(read.map_err(|error| format!("PagerDuty's {list} cannot be read: {error}"))?);
            }
            if is_empty || answer["more"].as_bool() != Some(true) {
                return Ok(all);
            }
        }
        tracing::warn!(list, entries = all.len(), "PagerDuty has more than it gives out page by page; the rest is not seen");
        Ok(all)
    }

    fn address(&self, path: &str) -> Result<Url, String> {
        self.api.join(path).map_err(|error| format!("on_call.pagerduty.api_url: {error}"))
    }

    /// Opens an incident; one that is open under the same key is that one.
    pub(super) async fn page(&self, page: &Page<'_>) -> Result<Paged, PageError> {
        let refused = |why: String| PageError::Refused(why);
        let from = self.from.as_deref().ok_or_else(|| refused("on_call.pagerduty.from is not set".to_owned()))?;
        let from =
            header::HeaderValue::try_from(from).map_err(|_| refused("on_call.pagerduty.from cannot be sent".to_owned()))?;
        let service = page.outside_id.unwrap_or(&page.schedule.id);
        let body = json!({ "incident": {
            "type": "incident",
            "title": page.title.chars().take(TITLE).collect::<String>(),
            "service": { "id": service, "type": "service_reference" },
            "urgency": "high",
            "incident_key": page.key,
            "body": { "type": "incident_body", "details": page.details },
        }});
        let body = body.to_string();
        let url = self.address("incidents").map_err(refused)?;
        match ask(|| self.http.post(url.clone()).header(header::FROM, from.clone()).body(body.clone())).await {
            Ok(answer) => {
                let incident = &answer["incident"];
                let names = incident["assignments"].as_array().into_iter().flatten();
                let names = names.filter_map(|assignment| assignment["assignee"]["summary"].as_str());
                Ok(Paged { url: incident["html_url"].as_str().map(str::to_owned), assigned: names.map(str::to_owned).collect() })
            }
            Err(AskError::Refused { status: 400, body: Some(body), .. }) if is_open_already(&body) => Ok(Paged::default()),
            Err(AskError::Refused { why, .. }) => Err(PageError::Refused(why)),
            Err(AskError::Passing(why)) => Err(PageError::Passing(why)),
        }
    }
}

/// An earlier attempt got through whose answer was lost.
fn is_open_already(body: &Value) -> bool {
    let errors = body["error"]["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    errors.chain(body["error"]["message"].as_str()).any(|said| {
        let said = said.to_lowercase();
        said.contains("already exists") && (said.contains("dedup") || said.contains("incident_key") || said.contains("key"))
    })
}

impl Directory {
    fn find(&self, id: &str) -> Option<&Service> {
        self.by_id.get(id).or_else(|| self.by_id.get(self.by_key.get(id)?))
    }
}

fn nobody(service: &Service, now: DateTime<Utc>) -> Shift {
    let policy = service.escalation_policy.as_ref();
    Shift {
        now: Vec::new(),
        until: None,
        next: Vec::new(),
        next_from: None,
        url: service.html_url.clone().or_else(|| policy.and_then(|policy| policy.html_url.clone())),
        title: service
            .name
            .clone()
            .or_else(|| service.summary.clone())
            .or_else(|| policy.and_then(|policy| policy.summary.clone())),
        outside_id: Some(service.id.clone()),
        read_at: Some(now),
        fault: None,
    }
}

/// What one policy's duties mean for a service.
fn shift<'d>(service: &Service, duties: impl Iterator<Item = &'d Duty>, now: DateTime<Utc>) -> Shift {
    let duties: Vec<&Duty> = duties.collect();
    let is_now = |duty: &Duty| duty.start.is_none_or(|start| start <= now) && duty.end.is_none_or(|end| end > now);
    let mut present: Vec<&Duty> = duties.iter().copied().filter(|duty| is_now(duty)).collect();
    present.sort_by_key(|duty| (duty.escalation_level, duty.start));
    let first = present.first().map_or(1, |duty| duty.escalation_level);
    let until = present.iter().filter(|duty| duty.escalation_level == first).filter_map(|duty| duty.end).min();
    let later = || duties.iter().copied().filter(|duty| duty.escalation_level == first && duty.start.is_some_and(|at| at > now));
    let next_from = later().filter_map(|duty| duty.start).min();
    Shift {
        now: people(present.into_iter()),
        until,
        next: people(later().filter(|duty| duty.start == next_from)),
        next_from,
        ..nobody(service, now)
    }
}

/// Each once, at the first step where they are.
fn people<'d>(duties: impl Iterator<Item = &'d Duty>) -> Vec<OnCallPerson> {
    let mut people: Vec<OnCallPerson> = Vec::new();
    for duty in duties {
        let Some(user) = &duty.user else { continue };
        if people.iter().any(|person| person.outside_id.as_ref() == Some(&user.id)) {
            continue;
        }
        let name = user.name.clone().or_else(|| user.summary.clone()).unwrap_or_else(|| user.id.clone());
        let (email, url) = (user.email.clone(), user.html_url.clone());
        people.push(OnCallPerson {
            name,
            email,
            outside_id: Some(user.id.clone()),
            url,
            user: None,
            level: duty.escalation_level,
        });
    }
    people
}
