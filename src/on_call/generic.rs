//! Any system that answers JSON over HTTP, read as the settings say. Must not know what is behind it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use reqwest::{Client, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use serde_json_path::JsonPath;

use super::{
    Found, Page, PageError, Paged,
    ask::{AskError, ask, client},
};
use crate::{
    address_template::{AddressTemplate, Filling},
    catalog::live::{HTTP, OnCallPerson, ScheduleKey, Shift},
    settings::HttpOnCallSettings,
};

/// Questions under way at once: nobody knows how much such a system takes.
const AT_ONCE: usize = 8;
/// People of one shift that are kept; a path that matches more is a wrong one.
const MOST_PEOPLE: usize = 20;

#[derive(Debug)]
pub(super) struct Generic {
    http: Client,
    url: AddressTemplate,
    page: Option<AddressTemplate>,
    page_url: Option<AddressTemplate>,
    now: JsonPath,
    next: Option<JsonPath>,
    email: Option<JsonPath>,
    next_email: Option<JsonPath>,
    until: Option<JsonPath>,
}

impl Generic {
    pub(super) fn connect(settings: &HttpOnCallSettings) -> Result<Self, String> {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        for (name, value) in &settings.headers {
            let bad = |what: &str| format!("on_call.http.headers: {what} of {name:?} cannot be sent");
            let name = header::HeaderName::try_from(name.as_str()).map_err(|_| bad("the name"))?;
            let mut value = header::HeaderValue::try_from(value.expose_secret()).map_err(|_| bad("the value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let template = |text: &String| AddressTemplate::parse(text);
        let path = |text: &String| JsonPath::parse(text).map_err(|error| format!("{text:?} is not a JSONPath: {error}"));
        Ok(Self {
            http: client(headers)?,
            url: template(&settings.url)?,
            page: settings.page.as_ref().map(template).transpose()?,
            page_url: settings.page_url.as_ref().map(template).transpose()?,
            now: path(&settings.now)?,
            next: settings.next.as_ref().map(path).transpose()?,
            email: settings.email.as_ref().map(path).transpose()?,
            next_email: settings.next_email.as_ref().map(path).transpose()?,
            until: settings.until.as_ref().map(path).transpose()?,
        })
    }

    pub(super) async fn read(&self, wanted: &BTreeSet<&str>, now: DateTime<Utc>, found: &mut Found) {
        let asked = wanted.iter().map(|id| async move { ((*id).to_owned(), self.read_one(id, now).await) });
        let mut answers = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((id, answer)) = answers.next().await {
            found.insert(ScheduleKey { provider: HTTP.to_owned(), id }, answer);
        }
    }

    async fn read_one(&self, id: &str, now: DateTime<Utc>) -> Result<Shift, String> {
        let url = fill(&self.url, id).ok_or_else(|| format!("{id:?} makes no address"))?;
        let answer = ask(|| self.http.get(&url)).await.map_err(|error| error.to_string())?;
        let until = self.until.as_ref().and_then(|path| path.query(&answer).first().and_then(Value::as_str));
        let until = match until {
            Some(text) => {
                let parsed = DateTime::parse_from_rfc3339(text.trim());
                Some(parsed.map_err(|_| format!("the end of the shift is {text:?}, which is no RFC 3339 time"))?.to_utc())
            }
            None => None,
        };
        Ok(Shift {
            now: people(&answer, &self.now, self.email.as_ref()),
            until,
            next: self.next.as_ref().map_or_else(Vec::new, |next| people(&answer, next, self.next_email.as_ref())),
            next_from: None,
            url: self.page.as_ref().and_then(|page| fill(page, id)),
            title: None,
            outside_id: None,
            read_at: Some(now),
            fault: None,
        })
    }

    pub(super) async fn page(&self, page: &Page<'_>) -> Result<Paged, PageError> {
        let template = self.page_url.as_ref().ok_or_else(|| PageError::Refused("on_call.http.page_url is not set".to_owned()))?;
        let id = &page.schedule.id;
        let url = fill(template, id).ok_or_else(|| PageError::Refused(format!("{id:?} makes no address")))?;
        let body = json!({
            "schedule": id,
            "title": page.title,
            "details": page.details,
            "entity": page.entity,
            "requested_by": page.requested_by,
            "key": page.key,
        });
        let body = body.to_string();
        let request = || self.http.post(&url).header(header::CONTENT_TYPE, "application/json").body(body.clone());
        match ask(request).await {
            Ok(answer) => {
                let url = ["html_url", "url"].iter().find_map(|name| answer[*name].as_str()).map(str::to_owned);
                let assigned = answer["assigned"].as_array().into_iter().flatten().filter_map(Value::as_str);
                Ok(Paged { url, assigned: assigned.map(str::to_owned).take(MOST_PEOPLE).collect() })
            }
            Err(AskError::Passing(why)) => Err(PageError::Passing(why)),
            Err(AskError::Refused { why, .. }) => Err(PageError::Refused(why)),
        }
    }
}

fn fill(template: &AddressTemplate, id: &str) -> Option<String> {
    template.fill(Filling { value: id, ..Filling::default() })
}

/// Names with the addresses at the same places; where the numbers differ nobody knows whose is whose.
fn people(answer: &Value, names: &JsonPath, emails: Option<&JsonPath>) -> Vec<OnCallPerson> {
    let texts = |path: &JsonPath| -> Vec<String> {
        let found = path.query(answer);
        found.iter().filter_map(|value| value.as_str()).map(|text| text.trim().to_owned()).collect()
    };
    let names = texts(names);
    let emails = emails.map(texts).filter(|emails| emails.len() == names.len()).unwrap_or_default();
    let named = names.into_iter().enumerate().filter(|(_, name)| !name.is_empty());
    let person = |(at, name): (usize, String)| OnCallPerson {
        name,
        email: emails.get(at).filter(|email| email.contains('@')).cloned(),
        outside_id: None,
        url: None,
        user: None,
        level: 1,
    };
    named.map(person).take(MOST_PEOPLE).collect()
}
