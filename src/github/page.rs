//! Pages of repositories: the outline of the answers that bring them. Must not look inside a repository.

use std::{collections::HashMap, time::Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    client::Answer,
    error::Fault,
    outline::{GraphqlError, NodeFault, Outline, Overload, absence_fault, parse_outline},
};

#[derive(Debug, Serialize)]
pub(super) struct PageVariables<'a> {
    pub(super) owner: &'a str,
    pub(super) first: usize,
    pub(super) after: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<Order>,
}

/// GitHub's `RepositoryOrder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Order {
    pub(super) field: OrderField,
    pub(super) direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum OrderField {
    PushedAt,
    UpdatedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Direction {
    Desc,
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

/// The first pages of what was pushed to and of what changed latest.
#[derive(Debug)]
pub(super) struct LatestPages {
    pub(super) pushed: Page,
    pub(super) updated: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<O> {
    repository_owner: Option<O>,
}

#[derive(Deserialize)]
struct Swept {
    repositories: Connection,
}

#[derive(Deserialize)]
struct Latest {
    pushed: Connection,
    updated: Connection,
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

/// Reads the outline of one page, or says what is wrong with all of it.
pub(super) fn parse_page(
    answer: &Answer,
    variables: &PageVariables<'_>,
    overload: Overload,
    asked_at: Instant,
) -> Result<Page, Fault> {
    let (owner, mut errors) = owner::<Swept>(answer, variables.owner, overload)?;
    let mut page = Page::new(owner.repositories, variables.after, asked_at)?;
    page.take_faults("repositories", &mut errors);
    page.remarks = errors.into_iter().map(|error| error.message).collect();
    Ok(page)
}

/// The same of both lists of the latest.
pub(super) fn parse_latest(
    answer: &Answer,
    owner_login: &str,
    overload: Overload,
    asked_at: Instant,
) -> Result<LatestPages, Fault> {
    let (owner, mut errors) = owner::<Latest>(answer, owner_login, overload)?;
    let mut pushed = Page::new(owner.pushed, None, asked_at)?;
    let mut updated = Page::new(owner.updated, None, asked_at)?;
    pushed.take_faults("pushed", &mut errors);
    updated.take_faults("updated", &mut errors);
    pushed.remarks = errors.into_iter().map(|error| error.message).collect();
    Ok(LatestPages { pushed, updated })
}

fn owner<O: serde::de::DeserializeOwned>(
    answer: &Answer,
    login: &str,
    overload: Overload,
) -> Result<(O, Vec<GraphqlError>), Fault> {
    let Outline { data, errors } = parse_outline(answer, overload, |data: &Data<O>| data.repository_owner.is_none())?;
    match data.and_then(|data| data.repository_owner) {
        Some(owner) => Ok((owner, errors)),
        None => Err(absence_fault(errors, login)),
    }
}

impl Page {
    fn new(connection: Connection, after: Option<&str>, asked_at: Instant) -> Result<Self, Fault> {
        let Some(nodes) = connection.nodes else {
            return Err(Fault::Transient("the page came without its repositories".to_owned()));
        };
        let next = match connection.page_info {
            PageInfo { has_next_page: false, .. } => None,
            PageInfo { end_cursor: Some(cursor), .. } if Some(cursor.as_str()) != after => Some(cursor),
            PageInfo { .. } => return Err(Fault::Transient("the page names no page after it, though there is one".to_owned())),
        };
        let total = connection.total_count;
        Ok(Self { total, next, nodes, faults: HashMap::new(), remarks: Vec::new(), asked_at })
    }

    /// Takes what is said of this page's repositories out of the errors.
    fn take_faults(&mut self, connection: &str, errors: &mut Vec<GraphqlError>) {
        errors.retain(|error| match error.in_list(&[connection, "nodes"]) {
            Some((index, fault)) => {
                self.faults.entry(index).or_default().push(fault);
                false
            }
            None => true,
        });
    }
}
