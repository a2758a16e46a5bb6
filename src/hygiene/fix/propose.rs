//! The pull request that mends findings: the file as it is now with the values changed, on a branch of its own.
//! Doing it again finds what was done before. Must not decide what is changed, nor tell anybody.

use similar::TextDiff;

use super::owners::{CODE_OWNERS, CodeOwner, owners_of};
use crate::{
    catalog::{
        EntityRef,
        descriptor::{Verdict, parse_descriptor},
        kinds::CustomKinds,
    },
    github::{
        GithubError, GithubSource,
        make::{Commit, Contents, MakeError, Maker, NewCommit, NewPull, Pull, TreeEntry},
    },
    hygiene::edit::{Change, edit},
    store::{Fix, FixedFile},
};

/// The trailer of a commit by which a fix knows its own.
const TRAILER: &str = "Steward-Fix";

/// People and teams that are asked to look at one pull request: GitHub takes no more than 15 of each.
const MOST_REVIEWERS: usize = 15;

/// Lines of unchanged text around a change.
const AROUND: usize = 3;

/// What is said of a fix on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Name and address of whoever asked, for `Co-authored-by`.
    pub author: Option<(String, String)>,
    /// Their login, who is not asked to review.
    pub login: Option<String>,
}

/// Why there is no pull request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It would not be otherwise the next time.
    #[error("{0}")]
    Refused(String),
    /// It may go later.
    #[error("{0}")]
    Later(String),
}

/// A file with its values changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub path: String,
    /// `None`: the file is new.
    pub before: Option<String>,
    pub after: String,
}

/// The change as `git diff` would write it.
pub fn patch(edited: &[Edited]) -> String {
    let mut out = String::new();
    for Edited { path, before, after } in edited {
        let diff = TextDiff::from_lines(before.as_deref().unwrap_or_default(), after);
        let old = if before.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
        out.push_str(&diff.unified_diff().context_radius(AROUND).header(&old, &format!("b/{path}")).to_string());
    }
    out
}

/// Applies what a fix changes to its files; `text` gives a file as it is now. Files that are right by now are left out.
pub fn edit_files(
    files: &[FixedFile],
    custom_kinds: &CustomKinds,
    text: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Edited>, Trouble> {
    let mut edited: Vec<Edited> = Vec::new();
    for file in files {
        let at = edited.iter().position(|known| known.path == file.path);
        let before = match at {
            Some(at) => Some(edited[at].after.clone()),
            None => text(&file.path),
        };
        let after = match (&file.contents, &before) {
            (Some(contents), None) => contents.clone(),
            (Some(_), Some(_)) => return Err(Trouble::Refused(format!("{} is there by now", file.path))),
            (None, None) => return Err(Trouble::Refused(format!("{} is gone", file.path))),
            (None, Some(before)) => edit_file(file, before, custom_kinds)?,
        };
        match at {
            Some(at) => edited[at].after = after,
            None => edited.push(Edited { path: file.path.clone(), before, after }),
        }
    }
    edited.retain(|file| file.before.as_ref() != Some(&file.after));
    Ok(edited)
}

fn edit_file(file: &FixedFile, before: &str, custom_kinds: &CustomKinds) -> Result<String, Trouble> {
    let documents = parse_descriptor(before.as_bytes(), custom_kinds);
    let is_it = |entity: Option<&EntityRef>| entity == Some(&file.entity);
    let of_it = documents.iter().find(|document| match &document.verdict {
        Verdict::Valid { entity, .. } => entity.entity_ref == file.entity,
        Verdict::Invalid { .. } | Verdict::YamlError { .. } => is_it(document.entity_ref()),
    });
    let Some(document) = of_it else {
        return Err(Trouble::Refused(format!("{} does not declare {} any more", file.path, file.entity)));
    };
    let changes: Vec<Change> = file.changes.iter().map(Change::from).collect();
    edit(before, document.doc_index, &changes, custom_kinds).map_err(|fault| Trouble::Refused(format!("{}: {fault}", file.path)))
}

/// What came of a proposal.
#[derive(Debug)]
pub struct Proposed {
    pub pull: Result<Pull, Trouble>,
    /// The change as lines: whoever gets no pull request can make it by hand.
    pub patch: Option<String>,
}

/// Makes the pull request, or finds the one that was made.
pub async fn propose(github: &GithubSource, fix: &Fix, said: &Said, custom_kinds: &CustomKinds) -> Proposed {
    let maker = match github.connection().maker(None) {
        Ok(maker) => maker,
        Err(error) => return Proposed { pull: Err(Trouble::Refused(error.to_string())), patch: None },
    };
    let mut patch = None;
    let pull = Proposal { github, maker, fix, said, custom_kinds }.make(&mut patch).await;
    Proposed { pull, patch }
}

struct Proposal<'a> {
    github: &'a GithubSource,
    maker: Maker,
    fix: &'a Fix,
    said: &'a Said,
    custom_kinds: &'a CustomKinds,
}

impl Proposal<'_> {
    async fn make(&self, shown: &mut Option<String>) -> Result<Pull, Trouble> {
        let repository = self.fix.repository.as_str();
        // What became of it since is followed like that of any other.
        if let Some(pull) = self.maker.find_any_pull(repository, &self.fix.branch).await.map_err(unreadable)? {
            return Ok(pull);
        }
        let Some((owner, name)) = repository.split_once('/') else {
            return Err(Trouble::Refused(format!("{repository} is no repository on GitHub")));
        };
        let made = self.maker.find_repository(owner, name).await.map_err(unreadable)?;
        let Some(made) = made else { return Err(Trouble::Refused(format!("{repository} is gone, or Steward may not see it"))) };
        let base = self.maker.load_commit(repository, &made.default_branch).await.map_err(unreadable)?;
        let edited = self.edited(&base).await?;
        if edited.is_empty() {
            return Err(Trouble::Refused("it is right by now: nothing would change".to_owned()));
        }
        *shown = Some(patch(&edited));
        self.ensure_branch(&base, &edited).await?;
        let pull = self.ensure_pull(&made.default_branch).await?;
        self.ask_people(&base, &edited, pull.number).await;
        Ok(pull)
    }

    async fn edited(&self, base: &Commit) -> Result<Vec<Edited>, Trouble> {
        let mut texts: Vec<(&str, Option<String>)> = Vec::new();
        for file in &self.fix.files {
            if !texts.iter().any(|(path, _)| *path == file.path) {
                texts.push((&file.path, self.load(&base.sha, &file.path).await?));
            }
        }
        let text = |path: &str| texts.iter().find(|(known, _)| *known == path).and_then(|(_, text)| text.clone());
        edit_files(&self.fix.files, self.custom_kinds, text)
    }

    async fn load(&self, commit: &str, path: &str) -> Result<Option<String>, Trouble> {
        let read = self.github.writer().load_file(&self.fix.repository, path, commit).await;
        let Some(bytes) = read.map_err(|error| unread(path, &error))? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| Trouble::Refused(format!("{path} is no text in UTF-8")))
    }

    async fn ensure_branch(&self, base: &Commit, edited: &[Edited]) -> Result<(), Trouble> {
        let Fix { repository, branch, .. } = self.fix;
        let refused = |error: MakeError| self.refused(error, "Contents");
        if let Some(head) = self.maker.find_branch(repository, branch).await.map_err(unreadable)? {
            let head = self.maker.load_commit(repository, &head).await.map_err(unreadable)?;
            return match self.is_ours(&head) {
                true => Ok(()),
                false => Err(Trouble::Refused(format!("{repository} has a branch {branch} that is not Steward's"))),
            };
        }
        let entry =
            |file: &Edited| TreeEntry { path: file.path.clone(), mode: "100644", contents: Contents::Text(file.after.clone()) };
        let entries: Vec<TreeEntry> = edited.iter().map(entry).collect();
        let tree = self.maker.make_tree(repository, &entries, Some(&base.tree)).await.map_err(refused)?;
        let message = self.message();
        let new = NewCommit { message: &message, author: None, tree: &tree, parent: Some(&base.sha) };
        let commit = self.maker.commit(repository, &new).await.map_err(refused)?;
        match self.maker.create_branch(repository, branch, &commit).await {
            Ok(()) => Ok(()),
            // Of an attempt of which no answer came; the next one looks whose it is.
            Err(error) if error.is_taken() => Err(Trouble::Later(error.to_string())),
            Err(error) => Err(refused(error)),
        }
    }

    fn message(&self) -> String {
        let mut message = format!("{}\n\n{TRAILER}: {}\n", self.said.title, self.fix.id);
        if let Some((name, address)) = &self.said.author {
            message.push_str(&format!("Co-authored-by: {name} <{address}>\n"));
        }
        message
    }

    fn is_ours(&self, head: &Commit) -> bool {
        let marker = format!("{TRAILER}: {}", self.fix.id);
        head.message.lines().any(|line| line == marker)
    }

    async fn ensure_pull(&self, base: &str) -> Result<Pull, Trouble> {
        let Fix { repository, branch, .. } = self.fix;
        let new = NewPull { title: &self.said.title, body: &self.said.body, head: branch, base, draft: false };
        match self.maker.open_pull(repository, &new).await {
            Ok(pull) => Ok(pull),
            Err(error) if error.is_taken() || matches!(error, MakeError::Unsure { .. }) => {
                let found = self.maker.find_any_pull(repository, branch).await.map_err(unreadable)?;
                found.ok_or_else(|| Trouble::Later(error.to_string()))
            }
            Err(error) => Err(self.refused(error, "Pull requests")),
        }
    }

    /// Asks those whom CODEOWNERS names. Whom GitHub does not know holds nothing up.
    async fn ask_people(&self, base: &Commit, edited: &[Edited], number: i64) {
        let repository = self.fix.repository.as_str();
        let mut code_owners = None;
        for place in CODE_OWNERS {
            code_owners = self.load(&base.sha, place).await.ok().flatten();
            if code_owners.is_some() {
                break;
            }
        }
        let Some(code_owners) = code_owners else { return };
        let mut owners: Vec<CodeOwner> = edited.iter().flat_map(|file| owners_of(&code_owners, &file.path)).collect();
        owners.sort();
        owners.dedup();
        let (mut people, mut teams) = (Vec::new(), Vec::new());
        for owner in owners {
            match owner {
                CodeOwner::Person(login) => people.push(login),
                CodeOwner::Team(_, slug) => teams.push(slug),
                CodeOwner::Email(_) => {}
            }
        }
        // Nobody reviews what they have asked for themselves.
        people.retain(|login| self.said.login.as_ref().is_none_or(|own| !own.eq_ignore_ascii_case(login)));
        people.truncate(MOST_REVIEWERS);
        teams.truncate(MOST_REVIEWERS);
        let mut wishes = vec![(people.clone(), teams.clone())];
        if !people.is_empty() && !teams.is_empty() {
            // One that GitHub refuses spoils a request for all.
            wishes.extend([(people.clone(), Vec::new()), (Vec::new(), teams)]);
        }
        for (people, teams) in wishes {
            let is_empty = people.is_empty() && teams.is_empty();
            if is_empty || self.maker.ask_reviewers(repository, number, &people, &teams).await.is_ok() {
                break;
            }
        }
        if !people.is_empty()
            && let Err(error) = self.maker.assign(repository, number, &people).await
        {
            tracing::info!(repository, number, %error, "a fix is assigned to nobody");
        }
    }

    /// What GitHub said to a deed, with the permission that would let it.
    fn refused(&self, error: MakeError, permission: &str) -> Trouble {
        match error {
            MakeError::Refused { status: 401 | 403 | 404, said } => Trouble::Refused(format!(
                "GitHub refuses it ({said}). Steward needs to write there: give its App or token the permissions “Contents: \
                 write” and “Pull requests: write” for {} (refused was {permission})",
                self.fix.repository
            )),
            MakeError::Refused { said, .. } => Trouble::Refused(format!("GitHub refuses it: {said}")),
            MakeError::NotNow { .. } | MakeError::Unsure { .. } => Trouble::Later(error.to_string()),
        }
    }
}

fn unreadable(error: MakeError) -> Trouble {
    match error {
        MakeError::Refused { said, .. } => Trouble::Refused(format!("GitHub does not let Steward read it: {said}")),
        MakeError::NotNow { .. } | MakeError::Unsure { .. } => Trouble::Later(error.to_string()),
    }
}

fn unread(path: &str, error: &GithubError) -> Trouble {
    match error {
        GithubError::Rejected { .. } | GithubError::Forbidden { .. } | GithubError::BadToken => {
            Trouble::Refused(format!("{path} cannot be read: {error}"))
        }
        _ => Trouble::Later(format!("{path} cannot be read now: {error}")),
    }
}
