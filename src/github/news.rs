//! What happened lately to repositories of which no webhook tells: asked of GitHub when somebody wants to know.
//! Gives the same events, by the same numbers, as webhooks do.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    GithubSource,
    ask::Asking,
    client::Answer,
    error::{Fault, GithubError},
    outline::{Outline, Overload, emptiness_fault, parse_outline},
    query::{fill, named},
    webhook::line,
};
use crate::catalog::{EventKind, RepositoryEvent};

const DOCUMENT: &str = include_str!("news.graphql");

/// What is asked of each, by the name it has in the answer, and the fragment.
const PARTS: [(&str, &str); 3] = [("merged", "Merged"), ("deployed", "Deployed"), ("ran", "Ran")];

/// Repositories asked about at once: each is some hundred objects to GitHub.
pub const MOST_NEWS: usize = 10;

impl GithubSource {
    /// Asks for what was merged, deployed and failed lately in at most [`MOST_NEWS`] repositories by `acme/payments-api`.
    ///
    /// One list for each name; `None` where GitHub shows nothing of the repository. What else the token may not see
    /// (deployments, runs, pull requests) is left out.
    pub async fn read_news(&self, names: &[String]) -> Result<Vec<Option<Vec<RepositoryEvent>>>, GithubError> {
        let line = |(index, name): (usize, &String)| {
            let (owner, name) = name.split_once('/').unwrap_or((&self.org, name));
            let repository = named(owner, name);
            let part = |(part, fragment)| format!("  {part}{index}: {repository} {{ ...{fragment} }}\n");
            PARTS.map(part).concat()
        };
        let query = fill(DOCUMENT, "names", &names.iter().take(MOST_NEWS).enumerate().map(line).collect::<String>());
        let asking = Asking::for_look(self);
        let mut patience = asking.patience();
        loop {
            let answer = asking.query(&query, serde_json::json!({})).await;
            match answer.and_then(|answer| parse(&answer, names.len())) {
                Ok(news) => return Ok(news),
                Err(fault) => patience.bear(fault).await?,
            }
        }
    }
}

fn parse(answer: &Answer, count: usize) -> Result<Vec<Option<Vec<RepositoryEvent>>>, Fault> {
    type Data = HashMap<String, Option<Repository>>;
    let Outline { data, errors } = parse_outline(answer, Overload::TakeWhatCame, Data::is_empty)?;
    let Some(mut data) = data else { return Err(emptiness_fault(errors)) };
    let mut take = |part: &str, index: usize| data.remove(&format!("{part}{index}")).flatten();
    let mut events = |index: usize| {
        let shown: Vec<Repository> = PARTS.iter().filter_map(|(part, _)| take(part, index)).collect();
        (!shown.is_empty()).then(|| shown.into_iter().flat_map(Repository::events).collect())
    };
    Ok((0..count).map(&mut events).collect())
}

/// One part of a repository, the others empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    database_id: Option<i64>,
    pull_requests: Option<Nodes<PullRequest>>,
    deployments: Option<Nodes<Deployment>>,
    default_branch_ref: Option<Branch>,
}

/// What GitHub fails to give is null, alone or as a whole.
#[derive(Debug, Deserialize)]
struct Nodes<T> {
    nodes: Option<Vec<Option<T>>>,
}

impl<T> Nodes<T> {
    fn into_items(nodes: Option<Self>) -> impl Iterator<Item = T> {
        nodes.and_then(|nodes| nodes.nodes).unwrap_or_default().into_iter().flatten()
    }
}

#[derive(Debug, Deserialize)]
struct Actor {
    login: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    number: Option<i64>,
    title: Option<String>,
    url: Option<String>,
    merged_at: Option<DateTime<Utc>>,
    author: Option<Actor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    database_id: Option<i64>,
    environment: Option<String>,
    description: Option<String>,
    #[serde(rename = "ref")]
    git_ref: Option<Named>,
    creator: Option<Actor>,
    latest_status: Option<DeploymentStatus>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentStatus {
    state: Option<String>,
    created_at: Option<DateTime<Utc>>,
    log_url: Option<String>,
    environment_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    history: Option<Nodes<Commit>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    message_headline: Option<String>,
    check_suites: Option<Nodes<CheckSuite>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckSuite {
    conclusion: Option<String>,
    updated_at: Option<DateTime<Utc>>,
    creator: Option<Actor>,
    /// None where another App made the suite.
    workflow_run: Option<WorkflowRun>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkflowRun {
    database_id: Option<i64>,
    url: Option<String>,
    workflow: Option<Named>,
}

impl Repository {
    fn events(self) -> Vec<RepositoryEvent> {
        let Some(repository_id) = self.database_id else { return Vec::new() };
        let merges = Nodes::into_items(self.pull_requests).filter_map(|pull| pull.event(repository_id));
        let deployments = Nodes::into_items(self.deployments).filter_map(|deployment| deployment.event(repository_id));
        let history = self.default_branch_ref.and_then(|branch| branch.target).and_then(|target| target.history);
        let runs = Nodes::into_items(history).flat_map(|commit| {
            let headline = commit.message_headline;
            Nodes::into_items(commit.check_suites).filter_map(move |suite| suite.event(repository_id, headline.as_deref()))
        });
        merges.chain(deployments).chain(runs).collect()
    }
}

fn login(actor: Option<Actor>) -> Option<String> {
    line(actor?.login.as_deref())
}

impl PullRequest {
    fn event(self, repository_id: i64) -> Option<RepositoryEvent> {
        let number = self.number?;
        Some(RepositoryEvent {
            repository_id,
            kind: EventKind::Merge,
            outside_id: number,
            at: self.merged_at?,
            title: line(self.title.as_deref()).unwrap_or_else(|| format!("#{number}")),
            url: line(self.url.as_deref()),
            author: login(self.author),
            state: None,
            environment: None,
        })
    }
}

impl Deployment {
    fn event(self, repository_id: i64) -> Option<RepositoryEvent> {
        let status = self.latest_status?;
        let git_ref = self.git_ref.and_then(|git_ref| git_ref.name);
        let title = line(self.description.as_deref()).or_else(|| line(git_ref.as_deref()));
        Some(RepositoryEvent {
            repository_id,
            kind: EventKind::Deployment,
            outside_id: self.database_id?,
            at: status.created_at?,
            title: title.unwrap_or_else(|| "Deployment".to_owned()),
            url: line(status.log_url.as_deref()).or_else(|| line(status.environment_url.as_deref())),
            author: login(self.creator),
            // Webhooks write them small.
            state: line(status.state.as_deref()).map(|state| state.to_lowercase()),
            environment: line(self.environment.as_deref()),
        })
    }
}

impl CheckSuite {
    fn event(self, repository_id: i64, headline: Option<&str>) -> Option<RepositoryEvent> {
        let run = self.workflow_run?;
        let name = run.workflow.and_then(|workflow| workflow.name);
        Some(RepositoryEvent {
            repository_id,
            kind: EventKind::Workflow,
            outside_id: run.database_id?,
            at: self.updated_at?,
            title: line(headline).or_else(|| line(name.as_deref())).unwrap_or_else(|| "Workflow run".to_owned()),
            url: line(run.url.as_deref()),
            author: login(self.creator),
            state: Some(line(self.conclusion.as_deref())?.to_lowercase()),
            environment: None,
        })
    }
}
