//! One page of a sweep: the query that asks for it and the outline of its answer. Must not look inside a repository.

use std::{collections::HashMap, time::Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    WantedFile,
    budget::announced_wait,
    client::Answer,
    error::{Fault, GithubError},
};

/// The query, written for the default paths, so that it can be held against GitHub's published schema.
const SWEEP: &str = include_str!("sweep.graphql");

/// The query for these files; with none it brings facts alone.
pub(super) fn sweep_query(files: &[WantedFile]) -> String {
    const BEGIN: &str = "# files: begin\n";
    const END: &str = "# files: end";
    let (head, rest) = SWEEP.split_once(BEGIN).expect("the query carries the marker");
    let (_, tail) = rest.split_once(END).expect("the query carries the marker");
    let aliases: String = files.iter().enumerate().map(|(index, file)| alias(index, &file.path)).collect();
    if files.is_empty() {
        // GitHub rejects a fragment that nothing uses.
        let (body, _) = tail.split_once("fragment Text").expect("the query defines it last");
        return format!("{head}{body}");
    }
    format!("{head}{aliases}{tail}")
}

fn alias(index: usize, path: &str) -> String {
    let expression = serde_json::Value::String(format!("HEAD:{path}")); // JSON's escapes are GraphQL's too
    format!("        file{index}: object(expression: {expression}) {{ ...Text }}\n")
}

#[derive(Debug, Serialize)]
pub(super) struct PageVariables<'a> {
    pub(super) owner: &'a str,
    pub(super) first: usize,
    pub(super) after: Option<&'a str>,
}

/// A page as it came, its repositories not yet looked into.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) total: u64,
    /// The cursor of the page after it.
    pub(super) next: Option<String>,
    pub(super) nodes: Vec<Option<Box<RawValue>>>,
    /// What GitHub says went wrong inside a repository, by the repository's place on the page.
    pub(super) faults: HashMap<usize, Vec<NodeFault>>,
    /// What it says without naming a repository.
    pub(super) remarks: Vec<String>,
    pub(super) asked_at: Instant,
}

/// A fault of one repository: the field it empties, if only one.
#[derive(Debug)]
pub(super) struct NodeFault {
    pub(super) field: Option<String>,
    pub(super) said: String,
}

/// Tells whether a page on which GitHub ran out of time or resources may be taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overload {
    AskForLess,
    /// One repository alone cannot be asked for less.
    TakeWhatCame,
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Data>,
    errors: Option<Vec<GraphqlError>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    repository_owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    repositories: Connection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    total_count: u64,
    page_info: PageInfo,
    nodes: Option<Vec<Option<Box<RawValue>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// GraphQL's error with GitHub's `type`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GraphqlError {
    message: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    path: Option<Vec<Segment>>,
    extensions: Option<Extensions>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Segment {
    Index(usize),
    Field(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Extensions {
    code: Option<String>,
}

/// Reads an answer's outline, or says what is wrong with all of it.
pub(super) fn parse_page(
    answer: &Answer,
    variables: &PageVariables<'_>,
    overload: Overload,
    asked_at: Instant,
) -> Result<Page, Fault> {
    let Envelope { data, errors } = serde_json::from_slice(&answer.body)
        .map_err(|error| Fault::Transient(format!("the answer is not whole: {error} ({} bytes)", answer.body.len())))?;
    let errors = errors.unwrap_or_default();
    let owner = data.and_then(|data| data.repository_owner);
    if let Some(fault) = limit_fault(&errors, answer) {
        return Err(fault);
    }
    if let Some(error) = errors.iter().find(|error| error.is_overload())
        && (owner.is_none() || overload == Overload::AskForLess)
    {
        return Err(Fault::TooHeavy(error.message.clone()));
    }
    let Some(Owner { repositories }) = owner else {
        return Err(absence_fault(errors, variables.owner));
    };
    let Some(nodes) = repositories.nodes else {
        return Err(Fault::Transient("the page came without its repositories".to_owned()));
    };
    let next = match repositories.page_info {
        PageInfo { has_next_page: false, .. } => None,
        PageInfo { end_cursor: Some(cursor), .. } if Some(cursor.as_str()) != variables.after => Some(cursor),
        PageInfo { .. } => return Err(Fault::Transient("the page names no page after it, though there is one".to_owned())),
    };
    let total = repositories.total_count;
    let mut page = Page { total, next, nodes, faults: HashMap::new(), remarks: Vec::new(), asked_at };
    for error in errors {
        match error.node() {
            Some((index, field)) => page.faults.entry(index).or_default().push(NodeFault { field, said: error.message }),
            None => page.remarks.push(error.message),
        }
    }
    Ok(page)
}

/// GitHub tells of its primary limit in a 200.
fn limit_fault(errors: &[GraphqlError], answer: &Answer) -> Option<Fault> {
    let error = errors.iter().find(|error| {
        matches!(error.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT")) || error.message.contains("rate limit")
    })?;
    Some(Fault::Limited { wait_secs: announced_wait(&answer.headers), said: error.message.clone() })
}

/// Why there is no owner in the answer.
fn absence_fault(errors: Vec<GraphqlError>, owner: &str) -> Fault {
    let unknown = GithubError::UnknownOwner { owner: owner.to_owned() };
    let Some(GraphqlError { message: said, kind, extensions, path: _ }) = errors.into_iter().next() else {
        return Fault::Final(unknown);
    };
    match kind.as_deref() {
        Some("NOT_FOUND") => Fault::Final(unknown),
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => Fault::Final(GithubError::Forbidden { said }),
        // The query does not fit this GitHub's schema: an Enterprise Server too old for it.
        _ if extensions.is_some_and(|extensions| extensions.code.is_some()) => {
            Fault::Final(GithubError::Rejected { status: 200, said })
        }
        Some(_) | None => Fault::Transient(said),
    }
}

impl GraphqlError {
    /// GitHub names its resource limits by type, its timeouts only by their text.
    fn is_overload(&self) -> bool {
        matches!(self.kind.as_deref(), Some("RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED" | "TIMEOUT"))
            || ["Something went wrong while executing your query", "imeout", "timed out", "respond to your request in time"]
                .iter()
                .any(|text| self.message.contains(text))
    }

    /// The repository on the page that it is about, and the field inside of it.
    fn node(&self) -> Option<(usize, Option<String>)> {
        let path = self.path.as_ref()?;
        let at = path.iter().position(|segment| matches!(segment, Segment::Field(name) if name == "nodes"))?;
        let Segment::Index(index) = path.get(at + 1)? else { return None };
        let field = match path.get(at + 2) {
            Some(Segment::Field(name)) => Some(name.clone()),
            Some(Segment::Index(_)) | None => None,
        };
        Some((*index, field))
    }
}
