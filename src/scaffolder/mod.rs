//! Runs of Software Templates, done for real: steps journaled in the store, what they touch outside done once.
//! Must not know chat's forms, nor who may run what: commands have decided that.

mod archive;
mod catalog;
mod clean_up;
mod doing;
mod engine;
mod folder;
mod outside;
mod policy;
mod pull;
mod repository;
mod request;
mod settings;
mod skeleton;
mod small;

use std::{path::PathBuf, sync::Arc};

use url::Url;

use crate::{
    app::App,
    github::{GithubSource, find_source},
    web::Web,
};

pub use clean_up::clean_up;
pub use engine::run_on;
pub use folder::PublishFolder;

/// What runs work with.
#[derive(Debug, Clone)]
pub struct Workbench {
    app: Arc<App>,
    /// Where repositories are made, and skeletons read.
    githubs: Vec<GithubSource>,
    /// Sources on this disk, by id.
    folders: Vec<(String, PathBuf)>,
    /// Reads files of hosts that the configuration allows, and sends requests to them.
    web: Web,
}

impl Workbench {
    /// `folders` are the sources on this disk, by id.
    pub fn new(app: Arc<App>, githubs: Vec<GithubSource>, folders: Vec<(String, PathBuf)>) -> Self {
        let hosts = app.settings.scaffolder.allowed_hosts.iter();
        let allowed: Vec<Url> = hosts
            .flat_map(|host| [format!("https://{host}"), format!("http://{host}")])
            .filter_map(|url| url.parse().ok())
            .collect();
        let web = Web::new(&allowed);
        Self { app, githubs, folders, web }
    }

    fn find_github(&self, host: &str, owner: &str) -> Option<&GithubSource> {
        find_source(&self.githubs, host, owner)
    }

    fn is_allowed_host(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let fits = |allowed: &String| allowed.eq_ignore_ascii_case(host) || with_port.as_deref() == Some(allowed.as_str());
        self.app.settings.scaffolder.allowed_hosts.iter().any(fits)
    }
}
