//! Whether the name of a repository that a run would make is free: in the catalog, on GitHub, in the folder that stands for it.
//! Must not hold a form up: who cannot be asked quickly is not waited for.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;

use crate::{
    app::App,
    catalog::{Catalog, Entry, address::is_address},
    commands::answer::names::label,
    github::find_source,
    scaffolder::PublishFolder,
    template::{
        expression::read_repo_url,
        plan::{Fate, LATER, Planned},
    },
};

/// Slack shows nothing of a page that comes after 3 s, and the rest of its making takes some of them.
const LONGEST_ASK: Duration = Duration::from_millis(1_500);
/// Repositories that one run is asked about; hardly any makes two.
const MOST_ASKED: usize = 4;

/// A repository that a run would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToBeMade {
    host: String,
    pub owner: String,
    pub name: String,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Free,
    /// What is there, for people.
    Taken(String),
    /// Why nobody knows, for people.
    NotAsked(String),
}

impl ToBeMade {
    /// `None` where the place is not whole yet.
    pub fn read(url: &str) -> Option<Self> {
        let parts = read_repo_url(url).ok().filter(|_| !url.contains(LATER))?;
        let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part.clone());
        let [host, owner, name] = ["host", "owner", "repo"].map(part);
        Some(Self { host: host?, owner: owner?, name: name.filter(|name| !name.is_empty())? })
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// What the steps would make anew.
pub fn to_be_made(planned: &[Planned<'_>]) -> Vec<ToBeMade> {
    let makes = |planned: &&Planned<'_>| {
        planned.fate != Fate::LeftOut && matches!(planned.step.action.id.as_str(), "publish:github" | "github:repo:create")
    };
    let urls = planned.iter().filter(makes).flat_map(|planned| &planned.inputs).map(|input| &input["repoUrl"]);
    let mut found: Vec<ToBeMade> = Vec::new();
    for made in urls.filter_map(Json::as_str).filter_map(ToBeMade::read) {
        if !found.contains(&made) && found.len() < MOST_ASKED {
            found.push(made);
        }
    }
    found
}

/// What is said where a folder stands for the code host.
pub fn folder_for(app: &App, planned: &[Planned<'_>]) -> Option<String> {
    let root = app.settings.scaffolder.publish_folder.as_ref()?;
    let is_connected = |made: &ToBeMade| find_source(&app.githubs, &made.host, &made.owner).is_some();
    let made = to_be_made(planned).into_iter().find(|made| !is_connected(made))?;
    let place = PublishFolder::at(root, &made.owner, &made.name)?.place();
    Some(format!("No GitHub is connected here: what would be a repository is put into the folder {}.", place.display()))
}

/// Asks about all of them at once.
pub async fn ask(app: &App, catalog: &Catalog, all: &[ToBeMade]) -> Vec<Standing> {
    join_all(all.iter().map(|one| ask_one(app, catalog, one))).await
}

async fn ask_one(app: &App, catalog: &Catalog, made: &ToBeMade) -> Standing {
    let full_name = made.full_name();
    if let Some(entry) = find_entry(catalog, &full_name) {
        let entity = label(catalog, &entry.entity.entity_ref);
        return Standing::Taken(format!(
            "{} is there already: {entity} is read from it. Choose another name.",
            entry.origin.repository
        ));
    }
    if let Some(github) = find_source(&app.githubs, &made.host, &made.owner) {
        let asked = async {
            let maker = github.connection().maker(None).map_err(|error| error.to_string())?;
            maker.find_repository(&made.owner, &made.name).await.map_err(|error| error.to_string())
        };
        let not_asked = |why: &str| {
            tracing::info!(repository = full_name, why, "whether a repository's name is free could not be asked");
            Standing::NotAsked(format!("Whether {full_name} is free could not be checked: GitHub did not say so in time."))
        };
        return match tokio::time::timeout(LONGEST_ASK, asked).await {
            Ok(Ok(None)) => Standing::Free,
            // GitHub leads on from a former name, and gives it to nobody else without breaking what follows it.
            Ok(Ok(Some(found))) if !found.full_name.eq_ignore_ascii_case(&full_name) => Standing::Taken(format!(
                "{full_name} is a former name of {}, and still leads there. Choose another name.",
                found.full_name
            )),
            Ok(Ok(Some(found))) => Standing::Taken(format!("{} is on GitHub already. Choose another name.", found.full_name)),
            Ok(Err(why)) => not_asked(&why),
            Err(_) => not_asked("no answer in time"),
        };
    }
    let folder = app.settings.scaffolder.publish_folder.as_ref();
    let folder = folder.and_then(|root| PublishFolder::at(root, &made.owner, &made.name)?.find());
    match folder {
        Some(place) => Standing::Taken(format!("The folder {} is there already. Choose another name.", place.display())),
        None => Standing::Free,
    }
}

/// What is read from a repository of this name; the first of several.
fn find_entry<'c>(catalog: &'c Catalog, full_name: &str) -> Option<&'c Entry> {
    let is_in = |entry: &&std::sync::Arc<Entry>| {
        entry.origin.repository.eq_ignore_ascii_case(full_name) && !is_address(&entry.origin.path)
    };
    catalog.entries().iter().find(is_in).map(|entry| &**entry)
}
