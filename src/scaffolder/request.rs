//! `http:backstage:request`: to hosts that the configuration allows, and to no other. Nothing shows afterwards whether a
//! request that changes something arrived, so one that was cut off is not sent again.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::{
    doing::{Doing, Trouble, failed},
    outside::object,
};
use crate::web::{Letter, SendError};

/// An answer is read by a template's expressions.
const LONGEST_ANSWER: usize = 1024 * 1024;
const USUAL_TIMEOUT: Duration = Duration::from_secs(60);

impl Doing<'_> {
    pub(super) async fn request(&mut self) -> Result<Map<String, Json>, Trouble> {
        let (method, path) = (self.text("method").unwrap_or("GET"), self.text("path").unwrap_or_default());
        let Ok(mut url) = Url::parse(path) else {
            return failed(format!(
                "{path} is no whole address: there is no Backstage here whose paths it could be; write https://HOST{path}"
            ));
        };
        for (name, value) in self.input["params"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            url.query_pairs_mut().append_pair(name, &value);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if !self.bench.is_allowed_host(&url) {
            return failed(format!(
                "templates may not send requests to {host}; an operator allows hosts by scaffolder.allowed_hosts in steward.yaml"
            ));
        }
        let is_harmless = matches!(method, "GET" | "HEAD" | "OPTIONS");
        let target = format!("{method} {host}{}", url.path());
        let intent = match is_harmless {
            true => None,
            false => Some(self.intend("request", &target, json!({})).await?),
        };
        let unknown = |said: &str| {
            let said = format!("whether {target} was done is not known ({said}); look there, then retry or mark it as done");
            Err(Trouble::Unknown(said))
        };
        if let Some(intent) = &intent {
            if let Some(result) = intent.done() {
                return Ok(object(result.clone()));
            }
            if intent.is_inherited && self.is_taken_over() {
                return unknown("the run was cut off at that moment");
            }
        }
        if self.is("logRequestPath").unwrap_or(true) {
            self.say(target.clone());
        }
        let (headers, body) = self.letter();
        let timeout = self.input["timeout"].as_u64().map_or(USUAL_TIMEOUT, Duration::from_millis);
        let letter = Letter { method, url: &url, headers: &headers, body: body.as_deref(), timeout, max_bytes: LONGEST_ANSWER };
        let sent = match self.bench.web.send(&letter).await {
            Ok(sent) => sent,
            Err(SendError::NotSent(said)) => {
                let reason = format!("{target} was not sent: {said}");
                return match &intent {
                    Some(intent) => self.not_done(intent, reason).await,
                    None => failed(reason),
                };
            }
            Err(SendError::Unsure(said)) if is_harmless => return failed(format!("{target} was not answered: {said}")),
            Err(SendError::Unsure(said)) => return unknown(&said),
        };
        let is_json = sent.headers.iter().any(|(name, value)| name == "content-type" && value.contains("json"));
        let text = String::from_utf8_lossy(&sent.body).into_owned();
        let body = match serde_json::from_str::<Json>(&text) {
            Ok(body) if is_json => body,
            _ => json!({ "message": text }),
        };
        let headers: Map<String, Json> = sent.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let output = object(json!({ "code": sent.status, "headers": headers, "body": body }));
        if let Some(intent) = &intent {
            self.done(intent, &Json::Object(output.clone())).await?;
        }
        self.say(format!("it answered {}", sent.status));
        if sent.status >= 400 {
            let said = format!("{target} answered {}", sent.status);
            match self.is("continueOnBadResponse") {
                Some(true) => self.warnings.push(said),
                Some(false) | None => return failed(said),
            }
        }
        Ok(output)
    }

    fn letter(&self) -> (Vec<(String, String)>, Option<String>) {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers = self.input["headers"].as_object().into_iter().flatten();
        let mut headers: Vec<(String, String)> = headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect();
        let body = match &self.input["body"] {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => {
                if !headers.iter().any(|(name, _)| name == "content-type") {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                Some(other.to_string())
            }
        };
        (headers, body)
    }
}
