//! `publish:github:pull-request`: the workspace as a commit on a branch of its own, and the pull request from there.

use serde_json::{Map, Value as Json, json};

use super::{
    doing::{Doing, There, Trouble, failed},
    outside::object,
    policy::Whole,
    repository::{is_marked, read_entries, with_trailer},
};
use crate::{
    github::make::{Commit, Contents, MakeError, NewCommit, NewPull, Pull, TreeEntry},
    store::DeedState,
};

impl Doing<'_> {
    pub(super) async fn propose(&mut self) -> Result<Map<String, Json>, Trouble> {
        self.check_policies(Whole::Change)?;
        let there = self.there()?;
        let target = there.full_name();
        let made = match self.again_on_new(|| there.maker.find_repository(&there.owner, &there.name)).await? {
            Ok(Some(made)) => made,
            Ok(None) => return failed(format!("{target} is not there, or Steward may not see it")),
            Err(error) => return failed(format!("{target} cannot be read: {error}")),
        };
        let base = self.text("targetBranchName").unwrap_or(&made.default_branch).to_owned();
        let branch = self.text("branchName").unwrap_or_default().to_owned();
        if branch == base {
            return failed(format!("branchName and the branch it is to be merged into are both {base}"));
        }
        if !self.ensure_branch(&there, &base, &branch).await? {
            self.say("nothing would change, so nothing was proposed");
            return Ok(Map::new());
        }
        let pull = self.ensure_pull(&there, &base, &branch).await?;
        self.ask_people(&there, pull.number).await?;
        let output = json!({ "remoteUrl": pull.html_url, "pullRequestNumber": pull.number, "targetBranchName": base });
        Ok(object(output))
    }

    /// The branch with this run's commit; false where nothing changes and nothing is to be made then.
    async fn ensure_branch(&mut self, there: &There, base: &str, branch: &str) -> Result<bool, Trouble> {
        let target = there.full_name();
        let told = |error: MakeError| Trouble::Failed(format!("{target} cannot be read: {error}"));
        let intent = self.intend("branch", &format!("{target} {branch}"), json!({ "base": base })).await?;
        if let Some(result) = intent.done() {
            return Ok(result["is_made"] != json!(false));
        }
        let maker = &there.maker;
        let existing = match self.again_on_new(|| maker.find_branch(&target, branch)).await?.map_err(told)? {
            Some(sha) => Some(self.again(|| maker.load_commit(&target, &sha)).await?.map_err(told)?),
            None => None,
        };
        if let Some(head) = existing.as_ref().filter(|head| is_marked(&head.message, &self.run.marker)) {
            self.done(&intent, &json!({ "commit": head.sha })).await?;
            return Ok(true);
        }
        if existing.is_some() && self.is("update") != Some(true) {
            let said = format!("{target} has a branch {branch} already, which is not of this run; choose another, or set update");
            return self.not_done(&intent, said).await;
        }
        let onto = match &existing {
            Some(head) => head.clone(),
            None => match self.again_on_new(|| maker.load_commit(&target, base)).await? {
                Ok(head) => head,
                Err(error) => return self.not_done(&intent, format!("{target} has no branch {base}: {error}")).await,
            },
        };
        let entries = self.changed_entries(there, &onto).await?;
        let tree = match entries.is_empty() {
            true => onto.tree.clone(),
            false => {
                let made = self.again(|| maker.make_tree(&target, &entries, Some(&onto.tree))).await?;
                made.map_err(|error| Trouble::Failed(format!("the files were not put into {target}: {error}")))?
            }
        };
        if tree == onto.tree && self.is("createWhenEmpty") == Some(false) {
            self.settle(&intent, DeedState::NotDone, &json!({ "is_made": false })).await?;
            return Ok(false);
        }
        let (name, email) = self.author();
        let author = (self.is("forceEmptyGitAuthor") != Some(true)).then_some((name.as_str(), email.as_str()));
        let message = with_trailer(self.text("commitMessage").or(self.text("title")).unwrap_or_default(), &self.run.marker);
        let new = NewCommit { message: &message, author, tree: &tree, parent: Some(&onto.sha) };
        let commit = self.again(|| maker.commit(&target, &new)).await?;
        let commit = commit.map_err(|error| Trouble::Failed(format!("nothing was committed to {target}: {error}")))?;
        let pointed = match existing {
            Some(_) => self.again(|| maker.move_branch(&target, branch, &commit)).await?,
            None => {
                self.again(|| async {
                    match maker.create_branch(&target, branch, &commit).await {
                        // Of an attempt of which no answer came: it was not there a moment ago.
                        Err(error) if error.is_taken() || matches!(error, MakeError::Unsure { .. }) => {
                            match maker.find_branch(&target, branch).await? {
                                Some(found) => {
                                    let head = maker.load_commit(&target, &found).await?;
                                    if is_marked(&head.message, &self.run.marker) { Ok(()) } else { Err(error) }
                                }
                                None => Err(MakeError::NotNow { said: error.to_string(), wait: None }),
                            }
                        }
                        other => other,
                    }
                })
                .await?
            }
        };
        if let Err(error) = pointed {
            return match error {
                MakeError::Refused { said, .. } => {
                    self.not_done(&intent, format!("the branch {branch} of {target} was not made: {said}")).await
                }
                MakeError::NotNow { .. } | MakeError::Unsure { .. } => {
                    failed(format!("the branch {branch} of {target} may or may not have been made: {error}"))
                }
            };
        }
        self.done(&intent, &json!({ "commit": commit })).await?;
        self.say(format!("committed {} files to {branch} of {target}", entries.len()));
        Ok(true)
    }

    /// The workspace's files and those that go.
    async fn changed_entries(&mut self, there: &There, onto: &Commit) -> Result<Vec<TreeEntry>, Trouble> {
        let target = there.full_name();
        let (source, into) = (self.text("sourcePath").unwrap_or_default(), self.text("targetPath").unwrap_or_default());
        let mut entries = read_entries(&self.folder, source, into).map_err(Trouble::Failed)?;
        let gone = self.texts("filesToDelete");
        if gone.is_empty() {
            return Ok(entries);
        }
        let known = self.again(|| there.maker.load_tree(&target, &onto.tree)).await?;
        let known = known.map_err(|error| Trouble::Failed(format!("{target} cannot be read: {error}")))?;
        for path in gone {
            let path = path.trim_start_matches("./").trim_start_matches('/').to_owned();
            let is_there = known.as_ref().is_none_or(|known| known.iter().any(|(known, ..)| *known == path));
            match is_there {
                true => {
                    entries.retain(|entry| entry.path != path);
                    entries.push(TreeEntry { path, mode: "100644", contents: Contents::Gone });
                }
                false => self.say(format!("{path} is not there")),
            }
        }
        Ok(entries)
    }

    async fn ensure_pull(&mut self, there: &There, base: &str, branch: &str) -> Result<Pull, Trouble> {
        let target = there.full_name();
        let maker = &there.maker;
        let (title, body) = (self.text("title").unwrap_or_default(), self.text("description").unwrap_or_default());
        let intent = self.intend("pull-request", &format!("{target} {branch}"), json!({ "base": base })).await?;
        let found = match self.again(|| maker.find_pull(&target, branch)).await? {
            Ok(found) => found,
            Err(error) => return failed(format!("the pull requests of {target} cannot be read: {error}")),
        };
        // Its branch is this run's, so it can be no other's; or it is to be brought up to date.
        if let Some(pull) = found {
            if self.is("update") == Some(true) {
                self.again(|| maker.change_pull(&target, pull.number, title, body)).await?.ok();
            }
            self.done(&intent, &json!({ "number": pull.number, "url": pull.html_url })).await?;
            self.say(format!("{} is open already", pull.html_url));
            return Ok(pull);
        }
        let new = NewPull { title, body, head: branch, base, draft: self.is("draft").unwrap_or(false) };
        let opened = self.again(|| async {
            match maker.open_pull(&target, &new).await {
                Err(error) if error.is_taken() || matches!(error, MakeError::Unsure { .. }) => {
                    match maker.find_pull(&target, branch).await? {
                        Some(pull) => Ok(pull),
                        None => Err(MakeError::NotNow { said: error.to_string(), wait: None }),
                    }
                }
                other => other,
            }
        });
        match opened.await? {
            Ok(pull) => {
                self.done(&intent, &json!({ "number": pull.number, "url": pull.html_url })).await?;
                self.say(format!("opened {}", pull.html_url));
                Ok(pull)
            }
            Err(MakeError::Refused { said, .. }) => {
                self.not_done(&intent, format!("no pull request was opened in {target}: {said}")).await
            }
            Err(error) => failed(format!("a pull request may or may not have been opened in {target}: {error}")),
        }
    }

    /// Whom GitHub does not know holds nothing up: as in Backstage.
    async fn ask_people(&mut self, there: &There, number: i64) -> Result<(), Trouble> {
        let (target, maker) = (there.full_name(), &there.maker);
        let (users, teams) = (self.texts("reviewers"), self.texts("teamReviewers"));
        if !users.is_empty() || !teams.is_empty() {
            let asked = self.again(|| maker.ask_reviewers(&target, number, &users, &teams)).await?;
            if let Err(error) = asked {
                self.warnings.push(format!("nobody was asked to review: {error}"));
            }
        }
        let assignees = self.texts("assignees");
        if !assignees.is_empty()
            && let Err(error) = self.again(|| maker.assign(&target, number, &assignees)).await?
        {
            self.warnings.push(format!("it was assigned to nobody: {error}"));
        }
        Ok(())
    }
}
