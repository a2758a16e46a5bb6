//! The outline of a GraphQL answer: its data, what GitHub says went wrong and where, and whether it may be taken as it is.
//! Must not look inside a repository.

use std::collections::HashSet;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    client::Answer,
    error::{Fault, GithubError},
};

/// Tells whether an answer on which GitHub ran out of time or resources may be taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overload {
    AskForLess,
    /// It was asked for twice: where so few items alone are said to have gone wrong, it is theirs, and not that there are many.
    BlameFew(usize),
    /// One repository alone cannot be asked for less.
    TakeWhatCame,
}

/// What came, and what did not.
#[derive(Debug)]
pub(super) struct Outline<D> {
    pub(super) data: Option<D>,
    pub(super) errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
struct Envelope<D> {
    data: Option<D>,
    errors: Option<Vec<GraphqlError>>,
}

/// GraphQL's error with GitHub's `type`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GraphqlError {
    pub(super) message: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    path: Option<Vec<Segment>>,
    extensions: Option<Extensions>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Segment {
    Index(usize),
    Field(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Extensions {
    code: Option<String>,
}

/// A fault of one repository: the field it empties, if only one.
#[derive(Debug)]
pub(super) struct NodeFault {
    pub(super) field: Option<String>,
    /// GitHub says that there is no such thing.
    pub(super) is_absence: bool,
    pub(super) said: String,
}

impl NodeFault {
    /// Of the repository as a whole.
    pub(super) fn new(said: String) -> Self {
        Self { field: None, is_absence: false, said }
    }
}

/// Reads an answer's outline, or says what is wrong with all of it. `is_empty` tells of data that hold nothing to take.
pub(super) fn parse_outline<D: DeserializeOwned>(
    answer: &Answer,
    overload: Overload,
    is_empty: impl Fn(&D) -> bool,
) -> Result<Outline<D>, Fault> {
    let Envelope { data, errors } = serde_json::from_slice::<Envelope<D>>(&answer.body)
        .map_err(|error| Fault::Transient(format!("the answer is not whole: {error} ({} bytes)", answer.body.len())))?;
    let errors = errors.unwrap_or_default();
    let is_empty = data.as_ref().is_none_or(is_empty);
    if let Some(error) = errors.iter().find(|error| error.is_overload()) {
        let is_taken = match overload {
            Overload::AskForLess => false,
            Overload::BlameFew(most) => are_of_few(&errors, most),
            Overload::TakeWhatCame => true,
        };
        if is_empty || !is_taken {
            return Err(Fault::TooHeavy(error.message.clone()));
        }
    }
    Ok(Outline { data, errors })
}

/// Whether all that tells of an overload names single items, and no more than these many.
fn are_of_few(errors: &[GraphqlError], most: usize) -> bool {
    let overloads = errors.iter().filter(|error| error.is_overload());
    // A limit is reached by all together, wherever GitHub noticed it.
    let items: Option<HashSet<String>> = overloads.map(|error| error.item().filter(|_| !error.is_limit())).collect();
    items.is_some_and(|items| items.len() <= most)
}

/// Why there is no owner in the answer.
pub(super) fn absence_fault(errors: Vec<GraphqlError>, owner: &str) -> Fault {
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

/// Why there are no data at all, where no owner was asked for.
pub(super) fn emptiness_fault(errors: Vec<GraphqlError>) -> Fault {
    match errors.into_iter().next() {
        Some(GraphqlError { message: said, extensions: Some(Extensions { code: Some(_) }), .. }) => {
            Fault::Final(GithubError::Rejected { status: 200, said })
        }
        Some(GraphqlError { message, .. }) => Fault::Transient(message),
        None => Fault::Transient("the answer holds no data".to_owned()),
    }
}

impl GraphqlError {
    /// GitHub names its resource limits by type, its timeouts only by their text.
    fn is_overload(&self) -> bool {
        self.is_limit()
            || self.kind.as_deref() == Some("TIMEOUT")
            || ["Something went wrong while executing your query", "imeout", "timed out", "respond to your request in time"]
                .iter()
                .any(|text| self.message.contains(text))
    }

    fn is_limit(&self) -> bool {
        matches!(self.kind.as_deref(), Some("RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED"))
    }

    /// The one item that it is about: of a list, or behind a numbered alias.
    fn item(&self) -> Option<String> {
        let path = self.path.as_deref()?;
        let is_index = |segment: &Segment| matches!(segment, Segment::Index(_));
        let end = match path.first()? {
            Segment::Field(field) if numbered(field, "repository").is_some() => path.len().min(2),
            Segment::Field(_) | Segment::Index(_) => path.iter().position(is_index)? + 1,
        };
        Some(format!("{:?}", &path[..end]))
    }

    /// Whether it says that there is no such thing, and nothing else of it.
    fn is_absence(&self) -> bool {
        self.kind.as_deref() == Some("NOT_FOUND")
    }

    /// The fault, and the place in the list behind `lead`, where it is about one of its items: `lead` is the end of the way there.
    pub(super) fn in_list(&self, lead: &[&str]) -> Option<(usize, NodeFault)> {
        let path = self.path.as_deref()?;
        let is_lead = |window: &[Segment]| {
            window.iter().zip(lead).all(|(segment, name)| matches!(segment, Segment::Field(field) if field == name))
        };
        let at = path.windows(lead.len()).position(is_lead)? + lead.len();
        let Segment::Index(index) = path.get(at)? else { return None };
        Some((*index, self.fault(path.get(at + 1))))
    }

    /// The same where the items are fields with numbered aliases, `repository0`.
    pub(super) fn in_aliases(&self, alias: &str) -> Option<(usize, NodeFault)> {
        let path = self.path.as_deref()?;
        let Segment::Field(field) = path.first()? else { return None };
        let index = numbered(field, alias)?;
        Some((index, self.fault(path.get(1))))
    }

    fn fault(&self, segment: Option<&Segment>) -> NodeFault {
        let field = match segment {
            Some(Segment::Field(name)) => Some(name.clone()),
            Some(Segment::Index(_)) | None => None,
        };
        NodeFault { field, is_absence: self.is_absence(), said: self.message.clone() }
    }
}

/// The number of an alias, `file3`.
pub(super) fn numbered(field: &str, alias: &str) -> Option<usize> {
    field.strip_prefix(alias)?.parse().ok()
}
