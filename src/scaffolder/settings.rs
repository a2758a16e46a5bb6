//! What belongs to a repository besides its files: who may use it, what its workflows know, how branches are protected.
//! Setting it again changes nothing, so a run that was cut off does it again.

use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

use super::doing::{Doing, There, Trouble, failed};
use crate::github::make::{MakeError, Oidc, Protection, WorkflowAccess};

impl Doing<'_> {
    /// Topics, access, variables, secrets and the rest of a repository that was just made.
    pub(super) async fn set_up(&mut self, there: &There) -> Result<(), Trouble> {
        let wanted = [
            "topics",
            "access",
            "collaborators",
            "repoVariables",
            "secrets",
            "oidcCustomization",
            "workflowAccess",
            "subscribe",
            "allowUpdateBranch",
        ];
        let is_set = |key: &&&str| !matches!(&self.input[**key], Json::Null | Json::Bool(false));
        let named: Vec<&str> = wanted.iter().filter(is_set).copied().collect();
        if named.is_empty() {
            return Ok(());
        }
        let target = there.full_name();
        let intent = self.intend("settings", &target, json!({ "inputs": named })).await?;
        if intent.done().is_some() {
            return Ok(());
        }
        // Once it is found, what is not found is something else: a team, or a person.
        if let Err(error) = self.again_on_new(|| there.maker.find_visible(&there.owner, &there.name)).await? {
            return self.not_done(&intent, format!("{target} cannot be read: {error}")).await;
        }
        for key in named {
            if let Err(reason) = self.set(there, key).await? {
                return self.not_done(&intent, reason).await;
            }
        }
        self.done(&intent, &json!({})).await
    }

    async fn set(&mut self, there: &There, key: &str) -> Result<Result<(), String>, Trouble> {
        let (target, maker) = (there.full_name(), &there.maker);
        let value = &self.input[key];
        let set = match key {
            "topics" => {
                let topics = self.texts("topics");
                self.again(|| maker.set_topics(&target, &topics)).await?
            }
            "access" => {
                let access = value.as_str().unwrap_or_default();
                match access.split_once('/') {
                    Some((_, team)) => self.again(|| maker.add_team(&target, team, "admin")).await?,
                    // Whoever owns it has access.
                    None if access.eq_ignore_ascii_case(&there.owner) => Ok(()),
                    None => self.again(|| maker.add_collaborator(&target, access, "admin")).await?,
                }
            }
            "collaborators" => return self.add_collaborators(there).await,
            "repoVariables" => {
                for (name, value) in pairs(value) {
                    if let Err(error) = self.again(|| maker.set_variable(&target, &name, &value)).await? {
                        return Ok(Err(told(key, &error)));
                    }
                }
                Ok(())
            }
            "secrets" => {
                for (name, value) in pairs(value) {
                    let value = SecretString::from(value);
                    if let Err(error) = self.again(|| maker.set_secret(&target, &name, &value)).await? {
                        return Ok(Err(told(key, &error)));
                    }
                }
                Ok(())
            }
            "oidcCustomization" => {
                let keys = value["includeClaimKeys"].as_array().into_iter().flatten().filter_map(Json::as_str);
                let oidc = Oidc {
                    use_default: value["useDefault"].as_bool().unwrap_or_default(),
                    include_claim_keys: keys.map(str::to_owned).collect(),
                };
                self.again(|| maker.set_oidc(&target, &oidc)).await?
            }
            "workflowAccess" => {
                let access = match value.as_str() {
                    Some("organization") => WorkflowAccess::Organization,
                    Some("user") => WorkflowAccess::User,
                    _ => WorkflowAccess::None,
                };
                self.again(|| maker.set_workflow_access(&target, access)).await?
            }
            "subscribe" => self.again(|| maker.subscribe(&target)).await?,
            _ => {
                let change = json!({ "allow_update_branch": true });
                self.again(|| maker.change_repository(&target, &change)).await?.map(drop)
            }
        };
        Ok(set.map_err(|error| told(key, &error)))
    }

    /// One that GitHub does not know is told of, and holds nothing up: as in Backstage.
    async fn add_collaborators(&mut self, there: &There) -> Result<Result<(), String>, Trouble> {
        let (target, maker) = (there.full_name(), &there.maker);
        for listed in self.input["collaborators"].as_array().into_iter().flatten() {
            let access = listed["access"].as_str().unwrap_or("push");
            let user = listed["user"].as_str().or(listed["username"].as_str());
            let added = match (user, listed["team"].as_str()) {
                (Some(user), _) => self.again(|| maker.add_collaborator(&target, user, access)).await?,
                (None, Some(team)) => self.again(|| maker.add_team(&target, team, access)).await?,
                (None, None) => return Ok(Err("each of collaborators wants user or team, and access".to_owned())),
            };
            if let Err(error) = added {
                let who = user.or(listed["team"].as_str()).unwrap_or_default();
                self.warnings.push(format!("{who} got no access to {target}: {error}"));
            }
        }
        Ok(Ok(()))
    }

    pub(super) async fn protect(&mut self) -> Result<Map<String, Json>, Trouble> {
        let there = self.there()?;
        let branch = match self.text("branch") {
            Some(branch) => branch.to_owned(),
            None => match self.again_on_new(|| there.maker.find_repository(&there.owner, &there.name)).await? {
                Ok(Some(made)) => made.default_branch,
                Ok(None) => return failed(format!("{} is not there, or Steward may not see it", there.full_name())),
                Err(error) => return failed(format!("{} cannot be read: {error}", there.full_name())),
            },
        };
        self.protect_branch(&there, &branch, self.is("enforceAdmins").unwrap_or(true)).await?;
        Ok(Map::new())
    }

    pub(super) async fn protect_branch(&mut self, there: &There, branch: &str, enforce_admins: bool) -> Result<(), Trouble> {
        let target = there.full_name();
        let protection = self.protection(enforce_admins);
        let intent = self.intend("protection", &format!("{target} {branch}"), json!(protection)).await?;
        if intent.done().is_some() {
            return Ok(());
        }
        match self.again_on_new(|| there.maker.protect_branch(&target, branch, &protection)).await? {
            Ok(()) => {
                self.done(&intent, &json!({})).await?;
                self.say(format!("protected {branch} of {target}"));
                Ok(())
            }
            Err(error) if error.wants_larger_plan() => {
                self.settle(&intent, crate::store::DeedState::NotDone, &json!({ "reason": error.to_string() })).await?;
                self.warnings
                    .push(format!("{branch} is not protected: GitHub does so for private repositories in larger plans only"));
                Ok(())
            }
            Err(error) => self.not_done(&intent, format!("{branch} of {target} was not protected: {error}")).await,
        }
    }

    fn protection(&self, enforce_admins: bool) -> Protection {
        let some = |key: &str| Some(self.input[key].clone()).filter(|value| !value.is_null());
        let is = |key: &str| self.is(key).unwrap_or(false);
        let mut reviews = json!({
            "required_approving_review_count": some("requiredApprovingReviewCount").unwrap_or(json!(1)),
            "require_code_owner_reviews": is("requireCodeOwnerReviews"),
            "dismiss_stale_reviews": is("dismissStaleReviews"),
            "require_last_push_approval": is("requireLastPushApproval"),
        });
        if let Some(allowances) = some("bypassPullRequestAllowances") {
            reviews["bypass_pull_request_allowances"] = allowances;
        }
        Protection {
            required_status_checks: Some(json!({
                "strict": self.is("requireBranchesToBeUpToDate").unwrap_or(true),
                "contexts": self.texts("requiredStatusCheckContexts"),
            })),
            enforce_admins,
            required_pull_request_reviews: Some(reviews),
            restrictions: some("restrictions"),
            required_linear_history: is("requiredLinearHistory"),
            required_conversation_resolution: is("requiredConversationResolution"),
            block_creations: is("blockCreations"),
            required_signatures: is("requiredCommitSigning"),
        }
    }
}

fn told(key: &str, error: &MakeError) -> String {
    format!("{key} could not be set: {error}")
}

fn pairs(value: &Json) -> Vec<(String, String)> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}
