//! The HR system or identity provider as a source: a CSV file or SCIM 2.0, brought as one repository of persons and teams.
//! Must not know what is stored of them, nor who is tied to whom.

mod csv_file;
mod scim;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use tokio::sync::mpsc;

pub use scim::{ScimConfig, ScimWaits};

use crate::catalog::{
    Authority, SourcePage, SweepError, SweepReport,
    people::{PersonRecord, Roster, TeamRecord, annotation, entity_name},
};
use scim::ScimClient;

/// Where the people are listed.
#[derive(Debug)]
enum Origin {
    File(PathBuf),
    Scim(ScimClient),
}

/// One list of people.
#[derive(Debug)]
pub struct PeopleSource {
    id: String,
    origin: Origin,
}

/// Why the list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("{path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("{path}: {why}")]
    BadFile { path: String, why: String },
    #[error("{url} does not answer as SCIM 2.0: {why}")]
    Scim { url: String, why: String },
    #[error("scim.token: {0}")]
    BadToken(String),
    #[error("the sweep was stopped")]
    Stopped,
}

impl PeopleSource {
    pub fn of_file(id: String, path: PathBuf) -> Self {
        Self { id, origin: Origin::File(path) }
    }

    /// Checks the values; sends nothing.
    pub fn of_scim(id: String, config: ScimConfig) -> Result<Self, PeopleError> {
        Ok(Self { id, origin: Origin::Scim(ScimClient::new(config)?) })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads the whole list and sends it as one repository.
    ///
    /// A list with nobody in it, or cut short, is an error and changes nothing; single bad lines are in the report.
    pub async fn sweep(&self, pages: mpsc::Sender<SourcePage>) -> Result<SweepReport, PeopleError> {
        let asked_at = Instant::now();
        let (read, name) = match &self.origin {
            Origin::File(path) => {
                let read = tokio::task::block_in_place(|| csv_file::read(path))?;
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (read, format!("{} ({file})", self.id))
            }
            Origin::Scim(client) => (client.read().await?, format!("{} (SCIM)", self.id)),
        };
        let Listed { people, teams, errors } = read;
        let repository = roster(people, teams).into_repository(&self.id, name, None, Authority::People);
        let page = SourcePage { repositories: vec![repository], total: Some(1), asked_at };
        pages.send(page).await.map_err(|_| PeopleError::Stopped)?;
        Ok(SweepReport { errors, ..SweepReport::default() })
    }
}

/// A list as it was read.
#[derive(Debug, Default)]
struct Listed {
    people: Vec<Listing>,
    /// Teams that say more of themselves than their name.
    teams: Vec<TeamRecord>,
    errors: Vec<SweepError>,
}

/// One person as listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Listing {
    /// The list's own number or key.
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    github: Option<String>,
    slack: Option<String>,
    discord: Option<String>,
    pagerduty: Option<String>,
    title: Option<String>,
    teams: Vec<String>,
    /// Another person's id, address or name.
    manager: Option<String>,
    /// Set for those who are no longer there: the day, or `yes`.
    left: Option<String>,
}

impl Listing {
    /// What the person is called in references: the list's own key outlives a change of name or address.
    fn key(&self) -> Option<String> {
        let local = self.email.as_deref().and_then(|email| email.split('@').next());
        let key = self.id.as_deref().or(local).or(self.github.as_deref()).or(self.name.as_deref());
        key.map(str::to_owned).filter(|key| !key.trim().is_empty())
    }
}

/// How a team's name is shown, where it is more than a short name that others may have given a title.
fn title_of(team: &str) -> Option<String> {
    (entity_name(team) != team).then(|| team.to_owned())
}

/// Persons and teams of a list. Who left is kept and marked, and is in no team any more.
fn roster(listed: Vec<Listing>, mut teams: Vec<TeamRecord>) -> Roster {
    let mut keys: Vec<(String, Listing)> = Vec::with_capacity(listed.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for listing in listed {
        let Some(key) = listing.key() else { continue };
        let times = seen.entry(key.to_lowercase()).or_default();
        *times += 1;
        // Two of one address in different domains, or one listed twice.
        let key = if *times == 1 { key } else { format!("{key}-{times}") };
        keys.push((key, listing));
    }
    let mut by_name: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (key, listing) in &keys {
        for name in [&listing.id, &listing.email, &listing.name].into_iter().flatten() {
            // A name of two persons is nobody's.
            let known = by_name.entry(name.to_lowercase()).or_insert_with(|| Some(key.clone()));
            if known.as_ref() != Some(key) {
                *known = None;
            }
        }
    }
    let mut people = Vec::with_capacity(keys.len());
    for (key, listing) in keys {
        let manager = listing.manager.as_deref().and_then(|manager| by_name.get(&manager.to_lowercase()).cloned().flatten());
        let mut annotations = BTreeMap::new();
        let mut note = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                annotations.insert(key.to_owned(), value);
            }
        };
        note(annotation::HR_ID, listing.id);
        note(annotation::GITHUB_LOGIN, listing.github);
        note(annotation::SLACK_ID, listing.slack);
        note(annotation::DISCORD_ID, listing.discord);
        note(annotation::PAGERDUTY_ID, listing.pagerduty);
        note(annotation::JOB_TITLE, listing.title);
        let has_left = listing.left.is_some();
        note(annotation::LEFT, listing.left);
        for team in &listing.teams {
            let is_known = teams.iter().any(|known| known.key.eq_ignore_ascii_case(team));
            if !is_known {
                teams.push(TeamRecord { key: team.clone(), title: title_of(team), ..TeamRecord::default() });
            }
        }
        let in_teams = if has_left { Vec::new() } else { listing.teams };
        people.push(PersonRecord {
            key,
            display_name: listing.name,
            email: listing.email,
            teams: in_teams,
            manager,
            url: None,
            annotations,
        });
    }
    Roster { teams, people }
}
