//! A folder that stands for the code host where no GitHub is connected: what would be the repository OWNER/NAME becomes the
//! folder of that name in it. Must not write over anything: what lies there is another's, unless it carries this run's marker.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use serde_json::{Map, Value as Json, json};
use url::Url;

use super::{
    doing::{Doing, Intent, Trouble, failed},
    outside::object,
    policy::Whole,
    repository::read_entries,
};
use crate::{
    catalog::{RepositoryKey, number_of},
    github::make::{Contents, TreeEntry},
    settings::PUBLISHED,
    store::LookAt,
    template::workspace::Workspace,
};

/// A file in each folder that a run has made, by which the run knows it again.
const MARKER: &str = ".steward-run";
/// As on GitHub.
const LONGEST_NAME: usize = 100;
/// How a link is told from a file among the entries of a commit.
const LINK: &str = "120000";

/// One repository's place in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishFolder {
    /// That of all owners, absolute.
    root: PathBuf,
    owner: String,
    name: String,
}

/// What lies at a repository's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    Nothing,
    /// A folder into which nobody has put anything.
    Empty(By),
    Filled(By),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Us,
    Another,
}

impl PublishFolder {
    /// `None` where one of the names could be no folder's.
    pub fn at(root: &Path, owner: &str, name: &str) -> Option<Self> {
        let root = std::path::absolute(root).ok()?;
        (is_plain(owner) && is_plain(name)).then(|| Self { root, owner: owner.to_owned(), name: name.to_owned() })
    }

    /// `acme/shop`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub fn place(&self) -> PathBuf {
        self.root.join(&self.owner).join(&self.name)
    }

    /// What is there under this name, however its letters are written: GitHub makes no difference either.
    pub fn find(&self) -> Option<PathBuf> {
        find_in(&find_in(&self.root, &self.owner)?, &self.name)
    }

    /// How a source tells of it.
    pub(super) fn look(&self) -> LookAt {
        let full_name = self.full_name();
        let repository = RepositoryKey { id: number_of(&full_name), node_id: None, full_name: Some(full_name) };
        LookAt { source: PUBLISHED.to_owned(), repository }
    }

    /// Repository and path that an address of a file in `root` names; no other file of this disk can be named so.
    pub(super) fn of_address(root: &Path, address: &Url) -> Option<(Self, String)> {
        let path = (address.scheme() == "file").then(|| address.to_file_path().ok()).flatten()?;
        let inner = path.strip_prefix(std::path::absolute(root).ok()?).ok()?;
        let steps = inner.components().map(|step| match step {
            Component::Normal(step) => step.to_str(),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        });
        let steps: Vec<&str> = steps.collect::<Option<_>>()?;
        let [owner, name, path @ ..] = steps.as_slice() else { return None };
        Some((Self::at(root, owner, name)?, path.join("/")))
    }

    fn lies(&self, marker: &str) -> io::Result<Lies> {
        let Some(place) = self.find() else { return Ok(Lies::Nothing) };
        if !fs::symlink_metadata(&place)?.is_dir() {
            return Ok(Lies::Filled(By::Another));
        }
        let written = fs::read_to_string(place.join(MARKER)).unwrap_or_default();
        let by = if written.trim() == marker { By::Us } else { By::Another };
        let holds = |name: io::Result<fs::DirEntry>| name.map(|entry| entry.file_name() != MARKER);
        let is_filled = fs::read_dir(&place)?.map(holds).collect::<io::Result<Vec<_>>>()?.contains(&true);
        Ok(if is_filled { Lies::Filled(by) } else { Lies::Empty(by) })
    }

    /// Writes all of it beside its place and then puts it there in one go, so that nobody ever sees half of it.
    /// `seen` is what lies there as far as is known; what came in between is told, and stays.
    fn put(&self, marker: &str, epoch: i64, entries: &[TreeEntry], seen: Lies) -> Result<Lies, String> {
        let told = |error: io::Error| format!("{} cannot be written: {error}", self.place().display());
        // Another replica may be at it too, and not know yet that it has lost the run.
        let staged = self.root.join(&self.owner).join(format!(".{}.{marker}.{epoch}", self.name));
        let put = || -> Result<Lies, String> {
            remove(&staged).map_err(told)?;
            fs::create_dir_all(&staged).map_err(told)?;
            write_all(&staged, entries)?;
            fs::write(staged.join(MARKER), format!("{marker}\n")).map_err(told)?;
            let place = self.find().unwrap_or_else(|| self.place());
            // A folder takes the place of an empty one only.
            let taken_off = match seen {
                Lies::Empty(_) => fs::read(place.join(MARKER)).ok().filter(|_| fs::remove_file(place.join(MARKER)).is_ok()),
                Lies::Nothing | Lies::Filled(_) => None,
            };
            let renamed = fs::rename(&staged, &place);
            if let (Err(_), Some(marker)) = (&renamed, taken_off) {
                fs::write(place.join(MARKER), marker).map_err(told)?;
            }
            match renamed {
                Ok(()) => Ok(if entries.is_empty() { Lies::Empty(By::Us) } else { Lies::Filled(By::Us) }),
                Err(error) => match self.lies(marker).map_err(told)? {
                    Lies::Nothing => Err(told(error)),
                    lies => Ok(lies),
                },
            }
        };
        let done = put();
        // What was not put in its place goes.
        remove(&staged).map_err(told).and(done)
    }

    /// Removes it where this run has made it; false where it is not there.
    pub(super) fn take_back(&self, marker: &str) -> Result<bool, String> {
        let told = |error: io::Error| format!("{} cannot be removed: {error}", self.place().display());
        match (self.lies(marker).map_err(told)?, self.find()) {
            (Lies::Empty(By::Us) | Lies::Filled(By::Us), Some(place)) => remove(&place).map_err(told).map(|()| true),
            (Lies::Empty(By::Another) | Lies::Filled(By::Another), Some(_)) => Err("it is not of this run".to_owned()),
            (_, _) => Ok(false),
        }
    }
}

impl Doing<'_> {
    /// The folder that stands for what `repoUrl` names; `None` where it is on a GitHub, or no folder stands for one.
    pub(super) fn find_folder(&self) -> Result<Option<PublishFolder>, Trouble> {
        let Some(root) = &self.bench.app.settings.scaffolder.publish_folder else { return Ok(None) };
        if self.text("repoUrl").is_none() {
            return Ok(None);
        }
        let (host, owner, name) = self.named()?;
        if self.bench.find_github(&host, &owner).is_some() {
            return Ok(None);
        }
        match PublishFolder::at(root, &owner, &name) {
            Some(folder) => Ok(Some(folder)),
            None => failed(format!("{owner}/{name} can be no folder's name; use letters, digits, -, _ and .")),
        }
    }

    /// Does what can be done in a folder; the rest is left out, and said to be.
    pub(super) async fn act_in(&mut self, folder: &PublishFolder, action: &str) -> Result<Map<String, Json>, Trouble> {
        let left_out = match action {
            "publish:github" => return self.publish_in(folder).await,
            "github:repo:create" => return self.create_in(folder).await,
            "github:repo:push" => return self.fill_in(folder).await,
            "publish:github:pull-request" => "the pull request",
            "github:branch-protection:create" => "the protection of its branch",
            "github:actions:dispatch" => "the workflow run",
            "github:issues:label" => "the labels",
            "github:webhook" => "the webhook",
            other => other,
        };
        let said = format!("{left_out} is left out: no GitHub is connected, and {} is a folder", folder.full_name());
        self.warnings.push(said);
        Ok(Map::new())
    }

    async fn publish_in(&mut self, folder: &PublishFolder) -> Result<Map<String, Json>, Trouble> {
        self.check_policies(Whole::Repository)?;
        let intent = self.intend_folder(folder).await?;
        if intent.done().is_none() {
            let entries = self.entries_to_publish(&intent).await?;
            match self.lies(folder)? {
                Lies::Nothing => self.put(folder, &intent, &entries, Lies::Nothing).await?,
                Lies::Filled(By::Us) if intent.is_inherited => self.adopt_folder(folder, &intent).await?,
                Lies::Empty(_) | Lies::Filled(_) => return self.is_taken(folder, &intent).await,
            }
        }
        self.outputs(folder)
    }

    async fn create_in(&mut self, folder: &PublishFolder) -> Result<Map<String, Json>, Trouble> {
        self.check_policies_ahead()?;
        let intent = self.intend_folder(folder).await?;
        if intent.done().is_none() {
            match self.lies(folder)? {
                Lies::Nothing => self.put(folder, &intent, &[], Lies::Nothing).await?,
                Lies::Empty(By::Us) if intent.is_inherited => self.adopt_folder(folder, &intent).await?,
                Lies::Empty(_) | Lies::Filled(_) => return self.is_taken(folder, &intent).await,
            }
        }
        self.outputs(folder)
    }

    async fn fill_in(&mut self, folder: &PublishFolder) -> Result<Map<String, Json>, Trouble> {
        self.check_policies(Whole::Repository)?;
        let target = folder.full_name();
        let intent = self.intend("push", &target, json!({ "path": folder.place() })).await?;
        if intent.done().is_none() {
            let entries = self.entries_to_publish(&intent).await?;
            match self.lies(folder)? {
                Lies::Nothing => return self.not_done(&intent, format!("the folder {target} is not there")).await,
                empty @ Lies::Empty(_) => self.put(folder, &intent, &entries, empty).await?,
                Lies::Filled(By::Us) if intent.is_inherited => self.adopt_folder(folder, &intent).await?,
                Lies::Filled(_) => {
                    return self.not_done(&intent, format!("{target} is not empty; nothing was put into it")).await;
                }
            }
        }
        self.outputs(folder)
    }

    async fn intend_folder(&self, folder: &PublishFolder) -> Result<Intent, Trouble> {
        self.intend("folder", &folder.full_name(), json!({ "path": folder.place() })).await
    }

    async fn entries_to_publish(&self, intent: &Intent) -> Result<Vec<TreeEntry>, Trouble> {
        let read = tokio::task::block_in_place(|| read_entries(&self.folder, self.text("sourcePath").unwrap_or_default(), ""));
        match read {
            Ok(entries) if entries.is_empty() => self.not_done(intent, "there is no file to be published").await,
            Ok(entries) => Ok(entries),
            Err(reason) => self.not_done(intent, reason).await,
        }
    }

    fn lies(&self, folder: &PublishFolder) -> Result<Lies, Trouble> {
        let lies = tokio::task::block_in_place(|| folder.lies(&self.run.marker));
        lies.map_err(|error| Trouble::Failed(format!("{} cannot be looked at: {error}", folder.place().display())))
    }

    async fn put(&mut self, folder: &PublishFolder, intent: &Intent, entries: &[TreeEntry], seen: Lies) -> Result<(), Trouble> {
        let (marker, epoch) = (&self.run.marker, self.grip.epoch());
        match tokio::task::block_in_place(|| folder.put(marker, epoch, entries, seen)) {
            Ok(Lies::Filled(By::Us)) => {}
            Ok(Lies::Empty(By::Us)) if entries.is_empty() => {}
            Ok(_) => return self.is_taken(folder, intent).await,
            Err(reason) => return self.not_done(intent, reason).await,
        }
        self.done(intent, &json!({ "path": folder.place() })).await?;
        let what = if entries.is_empty() { "made".to_owned() } else { format!("put {} files into", entries.len()) };
        self.say(format!("no GitHub is connected: {what} the folder {}", folder.place().display()));
        if !entries.is_empty() {
            self.say("topics, access, protection and the like are left out: a folder has none");
        }
        Ok(())
    }

    async fn adopt_folder(&mut self, folder: &PublishFolder, intent: &Intent) -> Result<(), Trouble> {
        self.done(intent, &json!({ "path": folder.place() })).await?;
        self.say(format!("found the folder {}, which this run had made", folder.place().display()));
        Ok(())
    }

    async fn is_taken<T>(&self, folder: &PublishFolder, intent: &Intent) -> Result<T, Trouble> {
        let place = folder.find().unwrap_or_else(|| folder.place());
        let said = format!("{} exists already, and is not of this run; choose another name", place.display());
        self.not_done(intent, said).await
    }

    /// As of a repository; whoever wants to look at it is led to the folder.
    fn outputs(&self, folder: &PublishFolder) -> Result<Map<String, Json>, Trouble> {
        let place = folder.place();
        let Ok(url) = Url::from_file_path(&place) else { return failed(format!("{} has no address", place.display())) };
        Ok(object(json!({ "remoteUrl": url, "repoContentsUrl": url })))
    }
}

/// Letters, digits, `-`, `_` and `.`: one step of a path, and not one that is hidden or leads up.
fn is_plain(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_letter) && !name.starts_with('.')
}

fn find_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    if fs::symlink_metadata(&exact).is_ok() {
        return Some(exact);
    }
    let mut entries = fs::read_dir(folder).ok()?.flatten();
    entries.find(|entry| entry.file_name().eq_ignore_ascii_case(name)).map(|entry| entry.path())
}

fn write_all(folder: &Path, entries: &[TreeEntry]) -> Result<(), String> {
    let told = |error: crate::template::workspace::WorkspaceError| error.to_string();
    // By the workspace's rules: nothing leads out.
    let workspace = Workspace::open(folder).map_err(told)?;
    for TreeEntry { path, mode, contents } in entries {
        let contents = match contents {
            Contents::Text(text) => text.as_bytes(),
            Contents::Binary(bytes) => bytes,
            Contents::Gone => continue,
        };
        match *mode {
            LINK => workspace.link(path, &String::from_utf8_lossy(contents)).map_err(told)?,
            mode => workspace.write(path, contents, u32::from_str_radix(mode, 8).ok()).map_err(told)?,
        }
    }
    Ok(())
}

fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
