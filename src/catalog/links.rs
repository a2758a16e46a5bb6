//! Links by rule: which addresses the annotations of an entity lead to.
//! Must not ask anybody: what a rule makes of a value is an address or nothing.

use std::collections::BTreeMap;

use super::Entity;
use crate::address_template::{AddressTemplate, Filling};

/// The organisation's own rules, then those that are built in.
#[derive(Debug, Clone, Default)]
pub struct LinkRules {
    own: Vec<LinkRule>,
    hosts: BTreeMap<Host, String>,
}

/// One rule of the configuration.
#[derive(Debug, Clone)]
pub struct LinkRule {
    pub annotation: String,
    pub title: String,
    pub url: AddressTemplate,
}

/// What an organisation runs at an address of its own; without it the links to it are not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    Argocd,
    Azure,
    Backstage,
    Datadog,
    Github,
    Gitlab,
    Grafana,
    Jenkins,
    Jira,
    Kubernetes,
    Pagerduty,
    Sentry,
    Sonarqube,
}

impl Host {
    /// By the configuration's word.
    pub fn by_key(key: &str) -> Option<Self> {
        Some(match key {
            "argocd" => Self::Argocd,
            "azure" => Self::Azure,
            "backstage" => Self::Backstage,
            "datadog" => Self::Datadog,
            "github" => Self::Github,
            "gitlab" => Self::Gitlab,
            "grafana" => Self::Grafana,
            "jenkins" => Self::Jenkins,
            "jira" => Self::Jira,
            "kubernetes" => Self::Kubernetes,
            "pagerduty" => Self::Pagerduty,
            "sentry" => Self::Sentry,
            "sonarqube" => Self::Sonarqube,
            _ => return None,
        })
    }
}

/// A link with its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitledLink {
    pub title: String,
    pub url: String,
}

/// An annotation that many catalogs use, and what it means.
struct BuiltIn {
    annotation: &'static str,
    title: &'static str,
    address: fn(&Asked<'_>) -> Option<String>,
}

/// One value that is to become an address.
struct Asked<'a> {
    rules: &'a LinkRules,
    entity: &'a Entity,
    value: &'a str,
}

/// In the order in which they are shown: what an incident needs first.
const BUILT_IN: [BuiltIn; 24] = [
    BuiltIn { annotation: "grafana/overview-dashboard", title: "Dashboard", address: |asked| address(asked.value) },
    BuiltIn { annotation: "grafana/dashboard-selector", title: "Dashboards", address: grafana },
    BuiltIn { annotation: "datadoghq.com/dashboard-url", title: "Datadog", address: |asked| address(asked.value) },
    BuiltIn { annotation: "datadoghq.com/service", title: "Datadog service", address: datadog },
    BuiltIn { annotation: "datadoghq.com/service-name", title: "Datadog service", address: datadog },
    BuiltIn { annotation: "sentry.io/project-slug", title: "Sentry", address: sentry },
    BuiltIn {
        annotation: "pagerduty.com/service-id",
        title: "PagerDuty",
        address: |asked| asked.at(Host::Pagerduty, "/service-directory/{{ value }}"),
    },
    BuiltIn {
        annotation: "argocd/app-name",
        title: "Argo CD",
        address: |asked| asked.at(Host::Argocd, "/applications/{{ value }}"),
    },
    BuiltIn {
        annotation: "argocd/app-selector",
        title: "Argo CD",
        address: |asked| asked.at(Host::Argocd, "/applications?labels={{ value }}"),
    },
    BuiltIn {
        annotation: "backstage.io/kubernetes-id",
        title: "Kubernetes",
        address: |asked| asked.at(Host::Kubernetes, "/#/search?q={{ value }}"),
    },
    BuiltIn { annotation: "jenkins.io/job-full-name", title: "Jenkins", address: jenkins },
    BuiltIn {
        annotation: "circleci.com/project-slug",
        title: "CircleCI",
        address: |asked| asked.filled("https://app.circleci.com/pipelines/{{ path }}"),
    },
    BuiltIn { annotation: "terraform.io/workspace", title: "Terraform", address: terraform },
    BuiltIn {
        annotation: "sonarqube.org/project-key",
        title: "SonarQube",
        address: |asked| asked.at(Host::Sonarqube, "/dashboard?id={{ value }}"),
    },
    BuiltIn {
        annotation: "rollbar.com/project-slug",
        title: "Rollbar",
        address: |asked| asked.filled("https://rollbar.com/{{ path }}"),
    },
    BuiltIn {
        annotation: "snyk.io/org-name",
        title: "Snyk",
        address: |asked| asked.filled("https://app.snyk.io/org/{{ value }}"),
    },
    BuiltIn {
        annotation: "quay.io/repository-slug",
        title: "Quay",
        address: |asked| asked.filled("https://quay.io/repository/{{ path }}"),
    },
    BuiltIn { annotation: "jira/project-key", title: "Jira", address: |asked| asked.at(Host::Jira, "/browse/{{ value }}") },
    BuiltIn { annotation: "backstage.io/source-location", title: "Code", address: source_location },
    BuiltIn {
        annotation: "github.com/project-slug",
        title: "GitHub",
        address: |asked| asked.at_or(Host::Github, "https://github.com", "/{{ path }}"),
    },
    BuiltIn {
        annotation: "gitlab.com/project-slug",
        title: "GitLab",
        address: |asked| asked.at_or(Host::Gitlab, "https://gitlab.com", "/{{ path }}"),
    },
    BuiltIn { annotation: "dev.azure.com/project-repo", title: "Azure Repos", address: azure },
    BuiltIn { annotation: "backstage.io/adr-location", title: "Decisions", address: |asked| address(asked.value) },
    BuiltIn {
        annotation: "backstage.io/techdocs-ref",
        title: "TechDocs",
        address: |asked| asked.at(Host::Backstage, "/docs/{{ namespace }}/{{ kind }}/{{ name }}"),
    },
];

impl LinkRules {
    /// Hosts are addresses without a slash at the end.
    pub fn new(own: Vec<LinkRule>, hosts: BTreeMap<Host, String>) -> Self {
        let hosts = hosts.into_iter().map(|(host, address)| (host, address.trim_end_matches('/').to_owned())).collect();
        Self { own, hosts }
    }

    /// What the annotations lead to: own rules first, each address once.
    pub fn links_of(&self, entity: &Entity) -> Vec<TitledLink> {
        let own = self.own.iter().filter_map(|rule| {
            let value = entity.annotation(&rule.annotation)?.trim();
            Some(TitledLink { title: rule.title.clone(), url: rule.url.fill(filling(entity, value))? })
        });
        let is_own = |annotation: &str| self.own.iter().any(|rule| rule.annotation == annotation);
        let built_in = BUILT_IN.iter().filter(|rule| !is_own(rule.annotation)).filter_map(|rule| {
            let value = entity.annotation(rule.annotation)?.trim();
            let url = (rule.address)(&Asked { rules: self, entity, value })?;
            Some(TitledLink { title: rule.title.to_owned(), url })
        });
        let mut links: Vec<TitledLink> = Vec::new();
        for link in own.chain(built_in) {
            let same = |known: &TitledLink| known.url.trim_end_matches('/') == link.url.trim_end_matches('/');
            if !links.iter().any(same) {
                links.push(link);
            }
        }
        links
    }
}

impl Asked<'_> {
    fn filled(&self, template: &str) -> Option<String> {
        self.fill(template, self.value)
    }

    fn fill(&self, template: &str, value: &str) -> Option<String> {
        AddressTemplate::parse(template).ok()?.fill(filling(self.entity, value))
    }

    /// At the organisation's own address, if it is known.
    fn at(&self, host: Host, path: &str) -> Option<String> {
        self.filled(&format!("{}{path}", self.rules.hosts.get(&host)?))
    }

    fn at_or(&self, host: Host, public: &str, path: &str) -> Option<String> {
        let host = self.rules.hosts.get(&host).map_or(public, String::as_str);
        self.filled(&format!("{host}{path}"))
    }
}

fn filling<'a>(entity: &'a Entity, value: &'a str) -> Filling<'a> {
    let of = &entity.entity_ref;
    Filling { value, name: of.name(), namespace: of.namespace(), kind: of.kind() }
}

/// A value that is an address by itself, as it is.
fn address(value: &str) -> Option<String> {
    let url = url::Url::parse(value).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    is_plain.then(|| url.to_string())
}

/// A tag (`payments-api`), or an expression of Backstage's plugin that names one (`tags @> 'payments-api'`).
fn grafana(asked: &Asked<'_>) -> Option<String> {
    let tag = match asked.value.split_once("tags @>") {
        None => asked.value,
        Some((_, tag)) => tag.trim().trim_start_matches(['\'', '"']).split(['\'', '"']).next()?,
    };
    let is_tag = |tag: &str| !tag.contains(|letter: char| letter.is_whitespace() || "()@=<>|&!'\"".contains(letter));
    let host = asked.rules.hosts.get(&Host::Grafana)?;
    is_tag(tag).then(|| asked.fill(&format!("{host}/dashboards?tag={{{{ value }}}}"), tag))?
}

fn datadog(asked: &Asked<'_>) -> Option<String> {
    asked.at_or(Host::Datadog, "https://app.datadoghq.com", "/apm/services/{{ value }}")
}

/// `organisation/project`, or a project alone where the organisation's address is known.
fn sentry(asked: &Asked<'_>) -> Option<String> {
    let (organisation, project) = match asked.value.split_once('/') {
        Some((organisation, project)) => (Some(organisation), project),
        None => (None, asked.value),
    };
    match (asked.rules.hosts.get(&Host::Sentry), organisation) {
        (Some(host), _) => asked.fill(&format!("{host}/projects/{{{{ value }}}}/"), project),
        (None, Some(organisation)) => {
            asked.fill("https://sentry.io/organizations/{{ path }}/", &format!("{organisation}/projects/{project}"))
        }
        (None, None) => None,
    }
}

/// `folder/job`, with `instance:` before it where there are several.
fn jenkins(asked: &Asked<'_>) -> Option<String> {
    let host = asked.rules.hosts.get(&Host::Jenkins)?;
    let job = asked.value.split_once(':').map_or(asked.value, |(_, job)| job);
    let path = job.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/job/");
    asked.fill(&format!("{host}/job/{{{{ path }}}}/"), &path)
}

fn terraform(asked: &Asked<'_>) -> Option<String> {
    let organisation = asked.entity.annotation("terraform.io/organization")?;
    asked.fill("https://app.terraform.io/app/{{ path }}", &format!("{organisation}/workspaces/{}", asked.value))
}

/// `project/repository`.
fn azure(asked: &Asked<'_>) -> Option<String> {
    let host = asked.rules.hosts.get(&Host::Azure)?;
    let (project, repository) = asked.value.split_once('/')?;
    asked.fill(&format!("{host}/{{{{ path }}}}"), &format!("{project}/_git/{repository}"))
}

/// `url:https://…`; other kinds of locations are no addresses.
fn source_location(asked: &Asked<'_>) -> Option<String> {
    address(asked.value.strip_prefix("url:")?)
}
