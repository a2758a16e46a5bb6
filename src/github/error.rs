//! What can end a sweep, each with what to do about it. Must not retry or wait.

use crate::error::UserError;

/// Why GitHub could not be read.
///
/// Nothing in it carries the token. A fault that concerns one repository only is no error of the sweep; it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// A value of the configuration cannot work.
    #[error("{key}: {why}")]
    Config { key: &'static str, why: String },
    #[error("GitHub does not accept the token")]
    BadToken,
    #[error("GitHub does not accept the key of the GitHub App {app}")]
    BadApp { app: String },
    #[error("the GitHub App {app} is not installed on {owner}")]
    NotInstalled { app: String, owner: String },
    #[error("the GitHub App's installation is suspended: {said}")]
    Suspended { said: String },
    /// GitHub knows the token and refuses: a scope, single sign-on or an address list.
    #[error("GitHub refuses the token: {said}")]
    Forbidden { said: String },
    /// The token may not see who is in the organisation.
    #[error("GitHub does not show the organisation's teams and members: {said}")]
    OrgForbidden { said: String },
    #[error("GitHub has no organisation or user {owner} that the token may see")]
    UnknownOwner { owner: String },
    /// Nothing answers as GitHub does at this address.
    #[error("{address} does not answer as GitHub's API: {said}")]
    NotGithub { address: String, said: String },
    #[error("GitHub's rate limit asks for a wait of {wait_secs} s, longer than the {longest_secs} s that Steward waits")]
    LimitTooLong { wait_secs: u64, longest_secs: u64 },
    /// Others were before it for longer than it may wait.
    #[error("other requests to GitHub kept this one waiting for {waited_secs} s")]
    Crowded { waited_secs: u64 },
    #[error("GitHub did not answer well in {attempts} attempts, the last: {last}")]
    Unavailable { attempts: u32, last: String },
    /// GitHub understood and will not do it.
    #[error("GitHub rejected the request: {said}")]
    Rejected { status: u16, said: String },
    /// A request that may create something got no good answer; asking again might create it twice.
    #[error("GitHub may or may not have done it: {said}")]
    Unsure { said: String },
    #[error("the HTTP client could not be made")]
    Client { source: octocrab::Error },
    /// The reader of the pages went away.
    #[error("the sweep was stopped")]
    Stopped,
}

impl GithubError {
    /// What a person can do about it, one sentence; `None` where only Steward's developers can.
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Config { key, .. } => format!("Correct {key} in steward.yaml."),
            Self::BadToken => "Make a new token on GitHub (Settings, Developer settings) and set it as GITHUB_TOKEN.".to_owned(),
            Self::BadApp { .. } => "Check auth.app.id, and that private_key_file is a key of this App that is not deleted on GitHub; \
                                    check the machine's clock too."
                .to_owned(),
            Self::NotInstalled { owner, .. } => format!(
                "Install the App on {owner} (its page on GitHub, Install App), or correct org or auth.app.installation_id."
            ),
            Self::Suspended { .. } => "Unsuspend it on GitHub: the organisation's settings, GitHub Apps, Configure.".to_owned(),
            Self::Forbidden { said } if said.contains("by integration") => {
                "Give the GitHub App the permission on its page on GitHub, and accept it in the organisation's settings.".to_owned()
            }
            Self::Forbidden { .. } => "Give the token read access to the organisation's repositories (classic: the scope `repo`; \
                                       fine-grained: Contents and Metadata), and authorise it for single sign-on if the organisation has it."
                .to_owned(),
            Self::OrgForbidden { .. } => "Give the token the scope `read:org` (fine-grained, or an App: the organisation permission \
                                          Members, read), or set org_data.teams and org_data.users to false."
                .to_owned(),
            Self::UnknownOwner { owner } => {
                format!("Check the spelling of {owner} and that the token's owner is a member of it.")
            }
            Self::NotGithub { .. } => {
                "Set api_url to https://api.github.com, or to https://HOST/api/v3 for an Enterprise Server.".to_owned()
            }
            Self::LimitTooLong { .. } => {
                "Wait for the limit to reset, or give Steward a token of its own that nothing else uses up.".to_owned()
            }
            Self::Crowded { .. } => "Nothing: it is tried again by itself.".to_owned(),
            Self::Unavailable { .. } => "Look at githubstatus.com and at the network; the next sync tries again by itself.".to_owned(),
            Self::Client { .. } => {
                "Install the machine's certificate authorities (Debian: apt-get install ca-certificates).".to_owned()
            }
            Self::Rejected { .. } | Self::Unsure { .. } | Self::Stopped => return None,
        };
        Some(advice)
    }
}

impl From<&GithubError> for UserError {
    fn from(error: &GithubError) -> Self {
        let text = error.to_string();
        let mut letters = text.chars();
        let what = letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default();
        let told = Self::new(what).kept("What was read before stays.");
        match error.advice() {
            Some(advice) => told.next(advice),
            None => told,
        }
    }
}

/// One attempt that did not succeed, and what may be tried after it.
#[derive(Debug)]
pub(super) enum Fault {
    /// GitHub could not do so much at once: ask for less.
    TooHeavy(String),
    /// A rate limit, with the wait that GitHub announced, if it did.
    Limited {
        wait_secs: Option<u64>,
        said: String,
    },
    /// Likely to go away.
    Transient(String),
    Final(GithubError),
}
