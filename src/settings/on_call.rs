//! Who is asked who is on call, and which annotations become links.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// The providers; each is polled every minute for the entities that name a schedule of it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OnCallSettings {
    pub pagerduty: Option<PagerDutySettings>,
    pub http: Option<HttpOnCallSettings>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDutySettings {
    /// A REST API key; one that may only read is enough unless people page from chat.
    #[schemars(with = "String")]
    pub token: SecretString,
    #[serde(default = "pagerduty_api")]
    pub api_url: String,
    /// The e-mail address of the PagerDuty user in whose name incidents are opened; without it nobody can be paged from chat.
    #[serde(default)]
    pub from: Option<String>,
}

fn pagerduty_api() -> String {
    "https://api.pagerduty.com".to_owned()
}

/// Any system that answers JSON over HTTP.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpOnCallSettings {
    /// The annotation of entities that names their schedule.
    pub annotation: String,
    /// Asked for one schedule; `{{ value }}` is the annotation's value: `https://oncall.example.com/api/{{ value }}`.
    pub url: String,
    /// Sent along, for instance `Authorization`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretString>,
    /// Where in the answer the names of those on call stand, as a JSONPath (RFC 9535): `$.on_call[*].name`.
    pub now: String,
    /// The same for those who are next.
    #[serde(default)]
    pub next: Option<String>,
    /// The same for their e-mail addresses, in the order of the names.
    #[serde(default)]
    pub email: Option<String>,
    /// Where the end of the present shift stands, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Where a person can look at the schedule; `{{ value }}` as above.
    #[serde(default)]
    pub page: Option<String>,
}

/// An annotation that becomes a titled link.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSettings {
    /// `grafana/dashboard-selector`.
    pub annotation: String,
    pub title: String,
    /// `{{ value }}` is the annotation's value, made safe for an address; `{{ name }}`, `{{ namespace }}` and
    /// `{{ kind }}` are the entity's.
    pub url: String,
}
