//! Single repositories, by GitHub's id or by name: for a second look, and for the files of new commits.
//! Must not call a repository gone unless GitHub says that there is no such thing.

use std::{collections::HashMap, time::Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    GithubSource,
    ask::{Asking, Attempts, LARGEST_PAGE, Next, PortionSize},
    client::Answer,
    error::{Fault, GithubError},
    outline::{NodeFault, Outline, Overload, absence_fault, parse_outline},
    read::Reader,
};
use crate::catalog::{Looked, RepositoryKey, RepositoryRead};

/// Repositories asked for by name at once: each is a field of its own.
const MAX_NAMES: usize = 50;

impl GithubSource {
    /// Looks at some repositories, whatever is known of them.
    ///
    /// What went to another owner is gone, too. An id that GitHub does not know is tried by name first: ids have changed
    /// their form before. `Err` means that GitHub could not be asked, not without a long wait, or does not show the owner.
    pub async fn look(&self, keys: &[RepositoryKey]) -> Result<Looked, GithubError> {
        let asking = Asking::for_look(self);
        let mut reader = Reader::new(&asking, None);
        let mut looked = Looked { found: Vec::new(), gone: Vec::new(), errors: Vec::new(), asked_at: Instant::now() };
        let (by_id, mut by_name): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.node_id.is_some());
        let ids: Vec<_> = by_id.iter().filter_map(|key| key.node_id.clone()).collect();
        let mut nodes = Nodes::by_id(&ids);
        while let Some(batch) = nodes.load(&mut reader).await? {
            for (index, outcome) in batch.outcomes {
                match outcome {
                    Outcome::Read(read) if read.repository.id == by_id[index].id => self.settle(*read, &mut looked),
                    Outcome::Read(_) | Outcome::Absent => by_name.push(by_id[index]),
                    Outcome::Failed => {}
                }
            }
        }
        let mut named: Vec<(&RepositoryKey, (String, String))> = Vec::new();
        for key in by_name {
            match key.full_name.as_deref().and_then(|name| name.split_once('/')) {
                Some((owner, name)) => named.push((key, (owner.to_owned(), name.to_owned()))),
                None if key.node_id.is_some() => looked.gone.push(key.id),
                None => reader.blame(format!("repository {}", key.id), "neither its name nor GitHub's id of it is known"),
            }
        }
        let (keys, names): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        let mut nodes = Nodes::by_name(&names);
        while let Some(batch) = nodes.load(&mut reader).await? {
            for (index, outcome) in batch.outcomes {
                let key = keys[index];
                match outcome {
                    Outcome::Read(read) if read.repository.id == key.id => self.settle(*read, &mut looked),
                    // Its id is gone as well, and another has its name now.
                    Outcome::Read(_) if key.node_id.is_some() => looked.gone.push(key.id),
                    Outcome::Read(read) => {
                        let message = format!("another repository has this name now; where number {} went is not known", key.id);
                        reader.blame(read.repository.full_name, message);
                    }
                    Outcome::Absent => looked.gone.push(key.id),
                    Outcome::Failed => {}
                }
            }
        }
        reader.add_globbed(&mut looked.found).await?;
        looked.errors = reader.errors;
        Ok(looked)
    }

    /// What belongs to another owner now is gone from here.
    fn settle(&self, read: RepositoryRead, looked: &mut Looked) {
        let owner = read.repository.full_name.split('/').next().unwrap_or_default();
        if !owner.eq_ignore_ascii_case(&self.org) {
            looked.gone.push(read.repository.id);
        } else if !looked.found.iter().any(|found| found.repository.id == read.repository.id) {
            looked.found.push(read);
        }
    }
}

/// Single repositories, asked for as many at once as GitHub can answer.
pub(super) struct Nodes<'k> {
    keys: Keys<'k>,
    at: usize,
    size: PortionSize,
}

#[derive(Clone, Copy)]
enum Keys<'k> {
    Ids(&'k [String]),
    /// Owner and name.
    Names(&'k [(String, String)]),
}

/// What one request brought: for each key, by its place among all.
pub(super) struct Batch {
    pub(super) outcomes: Vec<(usize, Outcome)>,
    pub(super) asked_at: Instant,
}

pub(super) enum Outcome {
    Read(Box<RepositoryRead>),
    /// GitHub says that there is no such repository, or none that may be seen.
    Absent,
    /// It is in the reader's errors.
    Failed,
}

/// What came of one repository, not yet looked into.
struct Came {
    raw: Option<Box<RawValue>>,
    faults: Vec<NodeFault>,
}

impl<'k> Nodes<'k> {
    pub(super) fn by_id(ids: &'k [String]) -> Self {
        Self { keys: Keys::Ids(ids), at: 0, size: PortionSize::new(LARGEST_PAGE) }
    }

    fn by_name(names: &'k [(String, String)]) -> Self {
        Self { keys: Keys::Names(names), at: 0, size: PortionSize::new(MAX_NAMES) }
    }

    /// The next of them; `None` behind the last.
    pub(super) async fn load(&mut self, reader: &mut Reader<'_>) -> Result<Option<Batch>, GithubError> {
        let left = match self.keys {
            Keys::Ids(ids) => ids.len() - self.at,
            Keys::Names(names) => names.len() - self.at,
        };
        if left == 0 {
            return Ok(None);
        }
        let mut attempts = Attempts::new(reader.asking);
        loop {
            let count = self.size.now().min(left);
            let asked_at = Instant::now();
            let came = match self.ask(reader.asking, count, attempts.overload(count)).await {
                Ok(came) => came,
                Err(fault) => match attempts.bear(fault, &mut self.size, count).await? {
                    Next::TryAgain => continue,
                    Next::StepPast(said) => {
                        vec![Came { raw: None, faults: vec![NodeFault::new(format!("it could not be read: {said}"))] }]
                    }
                },
            };
            self.size.grow();
            let mut outcomes = Vec::with_capacity(came.len());
            for Came { raw, faults } in came {
                let is_absent = raw.is_none() && faults.iter().any(|fault| fault.is_absence);
                let outcome = if is_absent {
                    Outcome::Absent
                } else {
                    reader.read_node(raw.as_deref(), &faults).await.map_or(Outcome::Failed, |read| Outcome::Read(Box::new(read)))
                };
                outcomes.push((self.at, outcome));
                self.at += 1;
            }
            return Ok(Some(Batch { outcomes, asked_at }));
        }
    }

    async fn ask(&self, asking: &Asking<'_>, count: usize, overload: Overload) -> Result<Vec<Came>, Fault> {
        #[derive(Serialize)]
        struct Variables<'a> {
            owner: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            ids: Option<&'a [String]>,
        }
        let (source, owner) = (asking.source, &asking.source.org);
        match self.keys {
            Keys::Ids(ids) => {
                let ids = Some(&ids[self.at..self.at + count]);
                let answer = asking.query(&source.queries.nodes, Variables { owner, ids }).await?;
                parse_nodes(&answer, owner, count, overload)
            }
            Keys::Names(names) => {
                let names = names[self.at..self.at + count].iter().map(|(owner, name)| (owner.as_str(), name.as_str()));
                let query = source.queries.named(names);
                let answer = asking.query(&query, Variables { owner, ids: None }).await?;
                parse_named(&answer, owner, count, overload)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodesData {
    /// Without the owner in sight, nothing is gone that does not come.
    repository_owner: Option<serde::de::IgnoredAny>,
    nodes: Option<Vec<Option<Box<RawValue>>>>,
}

fn parse_nodes(answer: &Answer, owner: &str, count: usize, overload: Overload) -> Result<Vec<Came>, Fault> {
    let Outline { data, errors } = parse_outline(answer, overload, |data: &NodesData| data.nodes.is_none())?;
    let Some(NodesData { repository_owner: Some(_), nodes: Some(nodes) }) = data else {
        return Err(absence_fault(errors, owner));
    };
    if nodes.len() != count {
        return Err(Fault::Transient(format!("{} repositories came where {count} were asked for", nodes.len())));
    }
    let mut came: Vec<_> = nodes.into_iter().map(|raw| Came { raw, faults: Vec::new() }).collect();
    for error in errors {
        if let Some((index, fault)) = error.in_list(&["nodes"])
            && let Some(came) = came.get_mut(index)
        {
            came.faults.push(fault);
        }
    }
    Ok(came)
}

fn parse_named(answer: &Answer, owner: &str, count: usize, overload: Overload) -> Result<Vec<Came>, Fault> {
    type Data = HashMap<String, Option<Box<RawValue>>>;
    let Outline { data, errors } = parse_outline(answer, overload, Data::is_empty)?;
    let mut data = data.unwrap_or_default();
    if data.remove("repositoryOwner").flatten().is_none() {
        return Err(absence_fault(errors, owner));
    }
    let raw = |index: usize| data.remove(&format!("repository{index}")).flatten();
    let mut came: Vec<_> = (0..count).map(raw).map(|raw| Came { raw, faults: Vec::new() }).collect();
    for error in errors {
        if let Some((index, fault)) = error.in_aliases("repository")
            && let Some(came) = came.get_mut(index)
        {
            came.faults.push(fault);
        }
    }
    Ok(came)
}
