//! Who is asked who is on call, and which annotations become links.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::address_template::AddressTemplate;

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
    /// The same for e-mail addresses of those on call, in the order of the names: so their chat accounts are known.
    #[serde(default)]
    pub email: Option<String>,
    /// The same for those who are next.
    #[serde(default)]
    pub next_email: Option<String>,
    /// Where the end of the present shift stands, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Where a person can look at the schedule; `{{ value }}` as above.
    #[serde(default)]
    pub page: Option<String>,
    /// Asked by POST, with a JSON of `schedule`, `title`, `details`, `entity`, `requested_by` and `key` (the same each time
    /// one page is sent), to wake whoever is on call; without it nobody can be paged from chat. `{{ value }}` as above.
    #[serde(default)]
    pub page_url: Option<String>,
}

/// An annotation that becomes a titled link.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSettings {
    /// `grafana/dashboard-selector`.
    pub annotation: String,
    pub title: String,
    /// `{{ value }}` is the annotation's value, made safe for an address (`{{ path }}` the same with its slashes kept);
    /// `{{ name }}`, `{{ namespace }}` and `{{ kind }}` are the entity's.
    pub url: String,
}

/// Addresses of the organisation's own installations. Links to what is not named here are left out, but for those that have
/// a public address (Datadog, GitHub, GitLab, Sentry with `organisation/project`).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkHosts {
    /// For `argocd/app-name` and `argocd/app-selector`.
    pub argocd: Option<String>,
    /// With the organisation, `https://dev.azure.com/acme`; for `dev.azure.com/project-repo`.
    pub azure: Option<String>,
    /// For `backstage.io/techdocs-ref`.
    pub backstage: Option<String>,
    /// Another site than `https://app.datadoghq.com`.
    pub datadog: Option<String>,
    /// An Enterprise Server's, for `github.com/project-slug`.
    pub github: Option<String>,
    /// A GitLab of your own, for `gitlab.com/project-slug`.
    pub gitlab: Option<String>,
    /// For `grafana/dashboard-selector`.
    pub grafana: Option<String>,
    /// For `jenkins.io/job-full-name`.
    pub jenkins: Option<String>,
    /// For `jira/project-key`.
    pub jira: Option<String>,
    /// A Kubernetes Dashboard, for `backstage.io/kubernetes-id`.
    pub kubernetes: Option<String>,
    /// `https://acme.pagerduty.com`, for `pagerduty.com/service-id`.
    pub pagerduty: Option<String>,
    /// `https://acme.sentry.io`, for `sentry.io/project-slug`.
    pub sentry: Option<String>,
    /// For `sonarqube.org/project-key`.
    pub sonarqube: Option<String>,
}

impl LinkHosts {
    /// Those that are set, by key.
    pub fn named(&self) -> Vec<(&'static str, &str)> {
        let Self {
            argocd,
            azure,
            backstage,
            datadog,
            github,
            gitlab,
            grafana,
            jenkins,
            jira,
            kubernetes,
            pagerduty,
            sentry,
            sonarqube,
        } = self;
        let all = [
            ("argocd", argocd),
            ("azure", azure),
            ("backstage", backstage),
            ("datadog", datadog),
            ("github", github),
            ("gitlab", gitlab),
            ("grafana", grafana),
            ("jenkins", jenkins),
            ("jira", jira),
            ("kubernetes", kubernetes),
            ("pagerduty", pagerduty),
            ("sentry", sentry),
            ("sonarqube", sonarqube),
        ];
        all.into_iter().filter_map(|(name, address)| Some((name, address.as_deref()?))).collect()
    }
}

/// What types alone do not hold; gives the key and what is wrong with it.
pub(super) fn check(on_call: &OnCallSettings, links: &[LinkSettings], hosts: &LinkHosts) -> Result<(), (String, String)> {
    let template = |key: String, text: &str| AddressTemplate::parse(text).map(|_| ()).map_err(|message| (key, message));
    for (at, link) in links.iter().enumerate() {
        if link.annotation.trim().is_empty() || link.title.trim().is_empty() {
            let name = if link.annotation.trim().is_empty() { "annotation" } else { "title" };
            return Err((format!("links[{at}].{name}"), "is empty".to_owned()));
        }
        template(format!("links[{at}].url"), &link.url)?;
    }
    for (name, address) in hosts.named() {
        let example = format!("{}/{{{{ value }}}}", address.trim_end_matches('/'));
        if AddressTemplate::parse(&example).is_err() || address.contains(['{', '?', '#']) {
            let message = format!("{address:?} is not the address of a host; write one such as https://{name}.example.com");
            return Err((format!("link_hosts.{name}"), message));
        }
    }
    if let Some(pagerduty) = &on_call.pagerduty {
        let url = url::Url::parse(&pagerduty.api_url);
        if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            let message = format!("{:?} is not an address; write https://api.pagerduty.com", pagerduty.api_url);
            return Err(("on_call.pagerduty.api_url".to_owned(), message));
        }
        if let Some(from) = pagerduty.from.as_ref().filter(|from| !from.contains('@')) {
            let message = format!("{from:?} is not an e-mail address; PagerDuty wants that of one of its users");
            return Err(("on_call.pagerduty.from".to_owned(), message));
        }
    }
    let Some(http) = &on_call.http else { return Ok(()) };
    let key = |name: &str| format!("on_call.http.{name}");
    if http.annotation.trim().is_empty() {
        return Err((key("annotation"), "is empty; name the annotation that holds an entity's schedule".to_owned()));
    }
    template(key("url"), &http.url)?;
    for (name, text) in [("page", &http.page), ("page_url", &http.page_url)] {
        text.as_ref().map_or(Ok(()), |text| template(key(name), text))?;
    }
    let paths = [
        ("now", Some(&http.now)),
        ("next", http.next.as_ref()),
        ("email", http.email.as_ref()),
        ("next_email", http.next_email.as_ref()),
        ("until", http.until.as_ref()),
    ];
    for (name, path) in paths.into_iter().filter_map(|(name, path)| Some((name, path?))) {
        if let Err(error) = serde_json_path::JsonPath::parse(path) {
            let message = format!("{path:?} is not a JSONPath ({error}); write one such as $.on_call[*].name");
            return Err((key(name), message));
        }
    }
    Ok(())
}
