//! First descriptors: reads what a repository shows, has the descriptor written and keeps it. All of it is an extra but the
//! owner, without whom nothing is proposed. Must not decide what is taken for what: hygiene does.

use chrono::TimeDelta;

use super::{Worker, fix::GIVE_UP};
use crate::{
    github::{
        GithubError, GithubSource,
        make::{MakeError, Maker},
    },
    hygiene::{
        fix::{
            first::{MANIFESTS, Manifest, Shown, Told, descriptor, read_manifest, written},
            owners::{CODE_OWNERS, owners_of, owners_of_all},
        },
        guess::{Guess, Home, guess_by_code_owners, guess_by_commits},
    },
    store::{Fix, FixedFile},
};

/// Asked of GitHub for one repository: its commit, its tree, the manifests, CODEOWNERS in its places, the commits.
const MOST_REQUESTS: usize = 10;

/// Whoever wrote before that may be elsewhere by now.
const WROTE_LATELY: TimeDelta = TimeDelta::days(180);

/// A repository at its head, looked at with few requests.
struct Look<'a> {
    github: &'a GithubSource,
    maker: Maker,
    /// `acme/shop`.
    repository: &'a str,
    /// A commit, or `HEAD`.
    head: String,
    /// `None`: GitHub does not give them all.
    paths: Option<Vec<String>>,
    left: usize,
}

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unread {
    /// It would not be otherwise the next time.
    Refused(String),
    /// It may be read later.
    Later(String),
}

impl Worker {
    /// Writes first descriptors from what was said and what the repository shows, once for all tries. The inner `Err` is for
    /// people; `Err` makes the queue try again later.
    pub(super) async fn describe(&self, github: Option<&GithubSource>, fix: &mut Fix) -> Result<Result<(), String>, String> {
        let is_unwritten = |file: &FixedFile| file.is_new && file.contents.is_none();
        if !fix.files.iter().any(is_unwritten) {
            return Ok(Ok(()));
        }
        let store = &self.app.store;
        let repository = store.load_repository(&fix.source, fix.repository_id).await.map_err(|error| error.to_string())?;
        let Some(repository) = repository else { return Ok(Err(format!("{} is gone", fix.repository))) };
        let mut look = None;
        if let Some(github) = github {
            let unread = fix.files.iter().find(|file| file.is_new && !github.is_descriptor(&file.path));
            if let Some(file) = unread {
                return Ok(Err(format!("{} is none of the catalog_paths of the source {}", file.path, fix.source)));
            }
            let head = repository.head.as_ref().map_or("HEAD", |head| &head.sha);
            look = Some(Look::at(github, &fix.repository, head).await?);
        }
        let manifests = match &mut look {
            Some(look) => look.manifests().await,
            None => Vec::new(),
        };
        let paths = look.as_mut().map(|look| look.paths.clone().unwrap_or_default()).unwrap_or_default();
        let shown = Shown {
            full_name: &repository.full_name,
            description: repository.description.as_deref(),
            topics: &repository.topics,
            language: repository.language.as_deref(),
            paths: &paths,
            manifests: &manifests,
        };
        let mut files = fix.files.clone();
        for file in files.iter_mut().filter(|file| is_unwritten(file)) {
            let mut guess = None;
            if said(file, "owner").is_none() {
                match self.guess_owner(look.as_mut(), fix, &file.path).await? {
                    Ok(found) => guess = Some(found),
                    Err(reason) => return Ok(Err(reason)),
                }
            }
            let guessed = guess.as_ref().map(|guess| written(&guess.owner));
            let told = Told {
                owner: said(file, "owner").or(guessed.as_deref()).unwrap_or_default(),
                owner_evidence: guess.as_ref().map(|guess| guess.evidence.as_str()),
                lifecycle: said(file, "lifecycle").unwrap_or_default(),
                system: said(file, "system"),
                spec_type: said(file, "type"),
                description: said(file, "description"),
            };
            let first = descriptor(&shown, &told);
            (file.contents, file.readings) = (Some(first.text), first.readings);
        }
        store.note_fix_files(fix.id, &files).await.map_err(|error| error.to_string())?;
        fix.files = files;
        Ok(Ok(()))
    }

    /// Whose it may be: a team that CODEOWNERS names, else the one that writes it. The inner `Err` says that somebody has to
    /// choose, and why.
    async fn guess_owner(&self, look: Option<&mut Look<'_>>, fix: &Fix, path: &str) -> Result<Result<Guess, String>, String> {
        let choose = |why: &str| format!("nobody is named as its owner, and none can be guessed: {why}. Please choose one");
        let Some(look) = look else { return Ok(Err(choose("there are no commits to go by"))) };
        let catalog = self.app.catalog.load();
        let home = Home { source: &fix.source, repository_id: fix.repository_id, repository: &fix.repository };
        let mut faults = Vec::new();
        let named = match look.code_owners().await {
            Ok(Some(text)) => {
                let guess = |owners: Vec<_>| guess_by_code_owners(&catalog, home, &owners);
                if let Some(guess) = guess(owners_of(&text, path)).or_else(|| guess(owners_of_all(&text))) {
                    return Ok(Ok(guess));
                }
                "its CODEOWNERS names no team of the catalog".to_owned()
            }
            Ok(None) => "it has no CODEOWNERS".to_owned(),
            Err(unread) => {
                let words = format!("its CODEOWNERS cannot be read ({})", unread.said());
                faults.push(unread);
                words
            }
        };
        let wrote = match look.authors(self.app.clock.now() - WROTE_LATELY).await {
            Ok(authors) => match guess_by_commits(&catalog, &authors) {
                Some(guess) => return Ok(Ok(guess)),
                None if authors.is_empty() => format!("nobody has committed for {} days", WROTE_LATELY.num_days()),
                None => format!("no team wrote most of its commits of the last {} days", WROTE_LATELY.num_days()),
            },
            Err(unread) => {
                let words = format!("its commits cannot be read ({})", unread.said());
                faults.push(unread);
                words
            }
        };
        let may_go_later = faults.iter().any(|fault| matches!(fault, Unread::Later(_)));
        let reason = choose(&format!("{named}, and {wrote}"));
        if may_go_later && self.app.clock.now() - fix.created_at <= GIVE_UP { Err(reason) } else { Ok(Err(reason)) }
    }
}

/// What somebody said in the form.
fn said<'f>(file: &'f FixedFile, key: &str) -> Option<&'f str> {
    let change = file.changes.iter().find(|change| change.path.last().is_some_and(|last| last == key));
    change.map(|change| change.value.as_str())
}

impl<'a> Look<'a> {
    async fn at(github: &'a GithubSource, repository: &'a str, head: &str) -> Result<Self, String> {
        let maker = github.connection().maker(None).map_err(|error| error.to_string())?;
        let mut look = Self { github, maker, repository, head: head.to_owned(), paths: None, left: MOST_REQUESTS };
        look.left -= 2;
        match look.maker.load_commit(repository, head).await {
            Ok(commit) => {
                look.head = commit.sha;
                let tree = look.maker.load_tree(repository, &commit.tree).await.ok().flatten();
                look.paths = tree.map(|tree| tree.into_iter().map(|(path, ..)| path).collect());
            }
            // It may have been pushed over since it was seen.
            Err(_) => "HEAD".clone_into(&mut look.head),
        }
        Ok(look)
    }

    /// Those of a set of files that may be there.
    fn likely(&self, places: &[&'static str]) -> impl Iterator<Item = &'static str> + use<> {
        let is_there = |place: &&str| self.paths.as_ref().is_none_or(|paths| paths.iter().any(|path| path == place));
        places.iter().copied().filter(is_there).collect::<Vec<_>>().into_iter()
    }

    async fn manifests(&mut self) -> Vec<Manifest> {
        let mut manifests = Vec::new();
        // Where it is not known which there are, asking for each would leave nothing for the owner.
        let most = if self.paths.is_some() { MANIFESTS.len() } else { 1 };
        for path in self.likely(&MANIFESTS).take(most) {
            let read = self.load(path).await.ok().flatten();
            manifests.extend(read.and_then(|bytes| read_manifest(path, &bytes)));
        }
        manifests
    }

    /// The first of its places counts.
    async fn code_owners(&mut self) -> Result<Option<String>, Unread> {
        for place in self.likely(&CODE_OWNERS) {
            if let Some(text) = self.load(place).await? {
                return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(None)
    }

    async fn load(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unread> {
        self.spend()?;
        self.github.writer().load_file(self.repository, path, &self.head).await.map_err(Unread::from)
    }

    async fn authors(&mut self, since: chrono::DateTime<chrono::Utc>) -> Result<Vec<Option<String>>, Unread> {
        self.spend()?;
        self.maker.load_authors(self.repository, since).await.map_err(Unread::from)
    }

    fn spend(&mut self) -> Result<(), Unread> {
        let too_many = || Unread::Refused("Steward has asked GitHub enough".to_owned());
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        Ok(())
    }
}

impl Unread {
    fn said(&self) -> &str {
        match self {
            Self::Refused(said) | Self::Later(said) => said,
        }
    }
}

impl From<MakeError> for Unread {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Refused { said, .. } => Self::Refused(said),
            MakeError::NotNow { said, .. } | MakeError::Unsure { said } => Self::Later(said),
        }
    }
}

impl From<GithubError> for Unread {
    fn from(error: GithubError) -> Self {
        MakeError::from(error).into()
    }
}
