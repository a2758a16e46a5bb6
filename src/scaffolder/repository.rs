//! `publish:github`, `github:repo:create` and `github:repo:push`. A repository is made once: one that is there already is taken
//! for this run's only where it can be no other's.

use std::{fs, path::Path};

use chrono::TimeDelta;
use serde_json::{Map, Value as Json, json};

use super::{
    doing::{Doing, Intent, There, Trouble, failed, pauses},
    outside::object,
    policy::Whole,
};
use crate::{
    github::make::{Contents, Head, Made, MakeError, MergeSettings, NewCommit, NewRepository, TreeEntry, Visibility},
    store::DeedState,
    template::workspace::{Kind, Workspace, mode_of},
};

/// By so much GitHub's clock may be behind ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);
/// The trailer of a commit by which a run knows its own.
const TRAILER: &str = "Steward-Run";
const MESSAGE: &str = "initial commit";

impl Doing<'_> {
    pub(super) async fn publish(&mut self) -> Result<Map<String, Json>, Trouble> {
        self.check_policies(Whole::Repository)?;
        let there = self.there()?;
        let made = self.ensure_repository(&there, true).await?;
        self.set_up(&there).await?;
        let pushed = self.fill(&there, &made).await?;
        if self.is("protectDefaultBranch").unwrap_or(true) {
            self.protect_branch(&there, &pushed.branch, self.is("protectEnforceAdmins").unwrap_or(true)).await?;
        }
        let mut output = outputs(&made, &pushed.branch);
        output.insert("commitHash".to_owned(), json!(pushed.commit));
        Ok(output)
    }

    pub(super) async fn create(&mut self) -> Result<Map<String, Json>, Trouble> {
        self.check_policies_ahead()?;
        let there = self.there()?;
        let made = self.ensure_repository(&there, self.is("autoInit").unwrap_or(false)).await?;
        self.set_up(&there).await?;
        Ok(outputs(&made, &made.default_branch))
    }

    pub(super) async fn push(&mut self) -> Result<Map<String, Json>, Trouble> {
        self.check_policies(Whole::Repository)?;
        let there = self.there()?;
        let (owner, name) = (there.owner.as_str(), there.name.as_str());
        let made = match self.again_on_new(|| there.maker.find_visible(owner, name)).await? {
            Ok(made) => made,
            Err(error) if error.is_missing() => {
                return failed(format!("{} is not there, or Steward may not see it", there.full_name()));
            }
            Err(error) => return failed(format!("{} cannot be read: {error}", there.full_name())),
        };
        let pushed = self.fill(&there, &made).await?;
        if self.is("protectDefaultBranch").unwrap_or(true) {
            self.protect_branch(&there, &pushed.branch, self.is("protectEnforceAdmins").unwrap_or(true)).await?;
        }
        let mut output = outputs(&made, &pushed.branch);
        output.insert("commitHash".to_owned(), json!(pushed.commit));
        Ok(output)
    }

    /// Makes the repository, or finds the one that this run has made.
    async fn ensure_repository(&mut self, there: &There, auto_init: bool) -> Result<Made, Trouble> {
        let (target, owner) = (there.full_name(), there.owner.as_str());
        let visibility: Visibility = serde_json::from_value(self.input["repoVisibility"].clone()).unwrap_or(Visibility::Private);
        let intent = self.intend("repository", &target, json!({ "visibility": visibility })).await?;
        if let Some(result) = intent.done()
            && let Ok(made) = serde_json::from_value::<Made>(result.clone())
        {
            self.say(format!("{} is made already", made.full_name));
            return Ok(made);
        }
        let kind = match self.again(|| there.maker.find_owner(owner)).await? {
            Ok(Some(kind)) => kind,
            Ok(None) if !intent.is_inherited => {
                return self.not_done(&intent, format!("GitHub has no organisation or user {owner}")).await;
            }
            Ok(None) => return failed(format!("GitHub has no organisation or user {owner}")),
            Err(error) => return failed(format!("{owner} cannot be read: {error}")),
        };
        let new = self.new_repository(&there.name, visibility, auto_init);
        // Whether an attempt may have made it of which nobody heard.
        let mut is_doubtful = intent.is_inherited;
        let mut pauses = pauses();
        loop {
            let error = match there.maker.create_repository(owner, kind, &new).await {
                Ok(made) => {
                    self.done(&intent, &json!(made)).await?;
                    self.say(format!("made {}", made.full_name));
                    return Ok(made);
                }
                Err(error) => error,
            };
            match &error {
                MakeError::Refused { .. } if error.is_taken() => {
                    return match is_doubtful {
                        true => self.adopt(there, &intent).await,
                        false => {
                            self.not_done(
                                &intent,
                                format!("{target} exists already, and is not of this run; choose another name"),
                            )
                            .await
                        }
                    };
                }
                MakeError::Refused { said, .. } if is_doubtful => {
                    return failed(format!("GitHub refuses now to make {target}: {said}. It may have been made before"));
                }
                MakeError::Refused { said, .. } => {
                    return self.not_done(&intent, format!("GitHub refuses to make {target}: {said}")).await;
                }
                MakeError::Unsure { .. } => is_doubtful = true,
                MakeError::NotNow { .. } => {}
            }
            let wait = if let MakeError::NotNow { wait: Some(wait), .. } = &error { *wait } else { Default::default() };
            match pauses.next() {
                // A name can be taken only once, so asking again makes no second one.
                Some(pause) => self.pause(pause.max(wait)).await?,
                None if is_doubtful => return failed(format!("{target} may or may not have been made: {error}")),
                None => return self.not_done(&intent, format!("{target} was not made: {error}")).await,
            }
        }
    }

    /// Takes a repository for this run's, where it can be no other's.
    async fn adopt(&mut self, there: &There, intent: &Intent) -> Result<Made, Trouble> {
        let (target, owner, name) = (there.full_name(), there.owner.as_str(), there.name.as_str());
        let made = match self.again_on_new(|| there.maker.find_visible(owner, name)).await? {
            Ok(made) => made,
            Err(error) => return failed(format!("{target} exists and cannot be looked at: {error}")),
        };
        match self.again_on_new(|| is_ours(there, &made, intent.deed.intended_at, &self.run.marker)).await? {
            Ok(true) => {
                self.done(intent, &json!(made)).await?;
                self.say(format!("found {target}, which this run had made"));
                Ok(made)
            }
            Ok(false) => self.not_done(intent, format!("{target} exists and is not of this run")).await,
            Err(error) => failed(format!("{target} exists and cannot be looked at: {error}")),
        }
    }

    fn new_repository(&self, name: &str, visibility: Visibility, auto_init: bool) -> NewRepository {
        let text = |key: &str| self.text(key).map(str::to_owned);
        NewRepository {
            name: name.to_owned(),
            visibility,
            auto_init,
            description: text("description"),
            homepage: text("homepage"),
            has_projects: self.is("hasProjects"),
            has_wiki: self.is("hasWiki"),
            has_issues: self.is("hasIssues"),
            merges: MergeSettings {
                delete_branch_on_merge: self.is("deleteBranchOnMerge"),
                allow_merge_commit: self.is("allowMergeCommit"),
                allow_squash_merge: self.is("allowSquashMerge"),
                allow_rebase_merge: self.is("allowRebaseMerge"),
                allow_auto_merge: self.is("allowAutoMerge"),
                squash_merge_commit_title: text("squashMergeCommitTitle"),
                squash_merge_commit_message: text("squashMergeCommitMessage"),
                allow_update_branch: self.is("allowUpdateBranch"),
            },
            custom_properties: self.input["customProperties"].as_object().cloned().unwrap_or_default(),
        }
    }

    /// Puts the workspace into a repository that nobody has put anything into, as one commit.
    async fn fill(&mut self, there: &There, made: &Made) -> Result<Pushed, Trouble> {
        let target = there.full_name();
        let intent = self.intend("push", &target, json!({ "began_as": made.default_branch })).await?;
        let began_as = intent.deed.detail["began_as"].as_str().unwrap_or(&made.default_branch).to_owned();
        let branch = self.text("defaultBranch").unwrap_or(&began_as).to_owned();
        if let Some(commit) = intent.done().and_then(|result| result["commit"].as_str()) {
            return Ok(Pushed { branch, commit: commit.to_owned() });
        }
        let entries = match read_entries(&self.folder, self.text("sourcePath").unwrap_or_default(), "") {
            Ok(entries) if entries.is_empty() => return self.not_done(&intent, "there is no file to be published").await,
            Ok(entries) => entries,
            Err(reason) => return self.not_done(&intent, reason).await,
        };
        // Which branch is the default one may have changed under the hands of a replica that died.
        let now_default = match self.again_on_new(|| there.maker.find_visible(&there.owner, &there.name)).await? {
            Ok(now) => now.default_branch,
            Err(error) => return failed(format!("{target} cannot be looked at: {error}")),
        };
        let looked = self.again_on_new(|| async {
            let head = there.maker.load_head(&target, &now_default).await?;
            Ok(match find_ours(&head, &self.run.marker) {
                Some(commit) => Looked::Ours(commit),
                None if !there.maker.is_untouched(&target, &head).await? => Looked::Touched,
                None if head == Head::Empty => Looked::Empty,
                None => Looked::Begun,
            })
        });
        let commit = match looked.await? {
            Ok(Looked::Ours(commit)) => commit,
            Ok(Looked::Touched) => {
                return self.not_done(&intent, format!("{target} is not empty; nothing was put into it")).await;
            }
            Ok(looked @ (Looked::Empty | Looked::Begun)) => self.commit_all(there, &looked, &entries).await?,
            Err(error) => return failed(format!("{target} cannot be looked at: {error}")),
        };
        self.point(there, &began_as, &branch, &commit).await?;
        self.done(&intent, &json!({ "commit": commit, "branch": branch })).await?;
        self.say(format!("put {} files into {target}, branch {branch}", entries.len()));
        Ok(Pushed { branch, commit })
    }

    async fn commit_all(&mut self, there: &There, looked: &Looked, entries: &[TreeEntry]) -> Result<String, Trouble> {
        let target = there.full_name();
        if matches!(looked, Looked::Empty) {
            let text = format!("# {}\n", there.name);
            let begun = self.again_on_new(|| there.maker.begin_repository(&target, &text)).await?;
            begun.map_err(|error| Trouble::Failed(format!("{target} was not begun: {error}")))?;
        }
        let (name, email) = self.author();
        let author = Some((name.as_str(), email.as_str()));
        let message = with_trailer(self.text("gitCommitMessage").unwrap_or(MESSAGE), &self.run.marker);
        let committed = self.again_on_new(|| async {
            let tree = there.maker.make_tree(&target, entries, None).await?;
            let new = NewCommit { message: &message, author, tree: &tree, parent: None };
            there.maker.commit(&target, &new).await
        });
        committed.await?.map_err(|error| Trouble::Failed(format!("the files were not put into {target}: {error}")))
    }

    /// Lets the branch, and the default one, be the commit; all of it may be done again.
    async fn point(&mut self, there: &There, began_as: &str, branch: &str, commit: &str) -> Result<(), Trouble> {
        let target = there.full_name();
        let told = |error: MakeError| Trouble::Failed(format!("{target} has the files, but no branch that shows them: {error}"));
        if branch == began_as {
            return self.again_on_new(|| there.maker.force_branch(&target, branch, commit)).await?.map_err(told);
        }
        let created = self.again_on_new(|| async {
            match there.maker.create_branch(&target, branch, commit).await {
                // Of ours, or of an attempt of which no answer came.
                Err(error) if error.is_taken() || matches!(error, MakeError::Unsure { .. }) => {
                    there.maker.force_branch(&target, branch, commit).await
                }
                other => other,
            }
        });
        created.await?.map_err(told)?;
        let change = json!({ "default_branch": branch });
        self.again_on_new(|| there.maker.change_repository(&target, &change)).await?.map_err(told)?;
        if let Err(error) = self.again(|| there.maker.delete_branch(&target, began_as)).await? {
            self.warnings.push(format!("the branch {began_as} with which GitHub began stays: {error}"));
        }
        Ok(())
    }

    /// Who commits are by: as the template says, else who asked for the run.
    pub(super) fn author(&self) -> (String, String) {
        let profile = &self.run.user["entity"]["spec"]["profile"];
        let name = self.text("gitAuthorName").or(profile["displayName"].as_str()).unwrap_or(&self.run.account.name);
        let email = self.text("gitAuthorEmail").or(profile["email"].as_str()).unwrap_or("steward@users.noreply.github.com");
        let name = if name.is_empty() { "Steward" } else { name };
        (name.to_owned(), email.to_owned())
    }
}

/// What a repository holds that is to be filled.
enum Looked {
    Empty,
    /// What GitHub begins one with, and nothing else.
    Begun,
    /// A commit of this run.
    Ours(String),
    Touched,
}

struct Pushed {
    branch: String,
    commit: String,
}

fn outputs(made: &Made, branch: &str) -> Map<String, Json> {
    let remote = made.clone_url.clone().unwrap_or_else(|| format!("{}.git", made.html_url));
    object(json!({ "remoteUrl": remote, "repoContentsUrl": format!("{}/blob/{branch}", made.html_url) }))
}

/// Whether a repository can be no other's than this run's: it carries the run's marker, or was made after the run meant to and
/// nobody has put anything into it.
pub(super) async fn is_ours(
    there: &There,
    made: &Made,
    intended_at: chrono::DateTime<chrono::Utc>,
    marker: &str,
) -> Result<bool, MakeError> {
    let head = there.maker.load_head(&made.full_name, &made.default_branch).await?;
    if find_ours(&head, marker).is_some() {
        return Ok(true);
    }
    let is_younger = made.created_at.is_some_and(|at| at >= intended_at - CLOCKS_DIFFER);
    Ok(is_younger && there.maker.is_untouched(&made.full_name, &head).await?)
}

/// The commit that this run has made.
pub(super) fn find_ours(head: &Head, marker: &str) -> Option<String> {
    match head {
        Head::Empty => None,
        Head::Commits(commits) => {
            commits.iter().find(|commit| is_marked(&commit.message, marker)).map(|commit| commit.sha.clone())
        }
    }
}

pub(super) fn is_marked(message: &str, marker: &str) -> bool {
    message.lines().rev().any(|line| line.strip_prefix(TRAILER).and_then(|rest| rest.strip_prefix(": ")) == Some(marker))
}

pub(super) fn with_trailer(message: &str, marker: &str) -> String {
    format!("{}\n\n{TRAILER}: {marker}\n", message.trim_end())
}

/// Every file and link below a folder of the workspace, with its path below `target` of a repository.
pub(super) fn read_entries(workspace: &Path, source: &str, target: &str) -> Result<Vec<TreeEntry>, String> {
    let told = |error: crate::template::workspace::WorkspaceError| error.to_string();
    let workspace = Workspace::open(workspace).map_err(told)?;
    let (source, target) = (workspace.normal(source).map_err(told)?, workspace.normal(target).map_err(told)?);
    let prefix = if source.is_empty() { String::new() } else { format!("{source}/") };
    if !workspace.resolve(&source).map_err(told)?.is_dir() {
        return Err(format!("{source} is no folder of the workspace"));
    }
    let mut entries = Vec::new();
    for entry in workspace.list().map_err(told)? {
        let Some(rest) = entry.path.strip_prefix(&prefix) else { continue };
        let place = workspace.resolve(&entry.path).map_err(told)?;
        let io = |error: std::io::Error| format!("{}: {error}", entry.path);
        let (mode, contents) = match entry.kind {
            Kind::Folder => continue,
            Kind::Link => ("120000", fs::read_link(&place).map_err(io)?.to_string_lossy().into_owned().into_bytes()),
            Kind::File => {
                let mode = mode_of(&fs::symlink_metadata(&place).map_err(io)?).unwrap_or_default();
                (if mode & 0o111 == 0 { "100644" } else { "100755" }, fs::read(&place).map_err(io)?)
            }
        };
        let contents = match String::from_utf8(contents) {
            Ok(text) => Contents::Text(text),
            Err(error) => Contents::Binary(error.into_bytes()),
        };
        let path = if target.is_empty() { rest.to_owned() } else { format!("{target}/{rest}") };
        entries.push(TreeEntry { path, mode, contents });
    }
    Ok(entries)
}

/// The states in which a deed may have left something outside.
pub(super) fn may_be_there(state: DeedState) -> bool {
    matches!(state, DeedState::Intended | DeedState::Done)
}
