//! People from a CSV file. Must not decide what a person is called in the catalog.

use std::{fs::File, io::Read, path::Path};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Listed, Listing, PeopleError, title_of};
use crate::catalog::{SweepError, people::TeamRecord};

/// 100,000 people take about 20 MB; what is longer is no list of people.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Bad lines that are told one by one; the rest is counted.
const TOLD_LINES: usize = 20;
/// The same where the whole file is refused, which is one message.
const TOLD_WITH_FILE: usize = 5;
/// Above this share of bad lines the file is damaged, not its lines.
const MOST_BAD_LINES: f64 = 0.1;
/// So few bad lines are no damage, however small the file.
const FEW_BAD_LINES: usize = 3;

/// What a column may be called, and what it holds.
const COLUMNS: [(Column, &[&str]); 13] = [
    (Column::Id, &["id", "employee_id", "employee id", "hr_id"]),
    (Column::Name, &["name", "full_name", "full name", "display_name"]),
    (Column::Email, &["email", "e-mail", "mail", "work_email"]),
    (Column::Github, &["github", "github_login"]),
    (Column::Slack, &["slack", "slack_id"]),
    (Column::Discord, &["discord", "discord_id"]),
    (Column::Pagerduty, &["pagerduty", "pagerduty_id"]),
    (Column::Title, &["title", "job_title", "job title"]),
    (Column::Teams, &["team", "teams"]),
    (Column::TeamParent, &["team_parent", "team parent", "department"]),
    (Column::Manager, &["manager", "manager_id", "manager_email"]),
    (Column::Active, &["active"]),
    (Column::LeftOn, &["left_on", "left on", "left", "end_date"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Name,
    Email,
    Github,
    Slack,
    Discord,
    Pagerduty,
    Title,
    Teams,
    TeamParent,
    Manager,
    Active,
    LeftOn,
}

pub(super) fn read(path: &Path) -> Result<Listed, PeopleError> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| PeopleError::Unreadable { path: shown.clone(), why: error.to_string() };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let bad = |why: String| PeopleError::BadFile { path: shown.clone(), why };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(bad(format!("it is longer than {} MB, which no list of people is", MAX_FILE_BYTES / 1024 / 1024)));
    }
    // Spreadsheets put a mark in front of UTF-8.
    parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes), &shown)
}

fn parse(bytes: &[u8], shown: &str) -> Result<Listed, PeopleError> {
    let bad = |why: String| PeopleError::BadFile { path: shown.to_owned(), why };
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Spreadsheets of half of Europe separate by semicolons.
    let has = |mark: u8| first_line.iter().filter(|byte| **byte == mark).count();
    let delimiter = if has(b';') > has(b',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| bad(format!("its header line cannot be read: {error}")))?.clone();
    let columns = columns(&header);
    let names_nobody = ![Column::Email, Column::Github, Column::Id].iter().any(|wanted| columns.contains(&Some(*wanted)));
    if names_nobody {
        let why = "its first line names no column `email`, `github` or `id`; write a header, as in `id,name,email,github,team`";
        return Err(bad(why.to_owned()));
    }
    let mut listed = Listed { errors: misspelt(&header, &columns, shown), ..Listed::default() };
    let mut told: Vec<(u64, String)> = Vec::new();
    let mut lines = 0_usize;
    for record in reader.records() {
        lines += 1;
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                match listing(&record, &columns, header.len()) {
                    Ok((listing, parent)) => {
                        note_parent(&mut listed.teams, &listing, parent);
                        listed.people.push(listing);
                    }
                    Err(why) => told.push((line, why)),
                }
            }
            Err(error) => told.push((error.position().map_or(0, csv::Position::line), error.to_string())),
        }
    }
    if told.len() > FEW_BAD_LINES && told.len() as f64 > lines as f64 * MOST_BAD_LINES {
        let first: Vec<_> = told.iter().take(TOLD_WITH_FILE).map(|(line, why)| format!("line {line}: {why}")).collect();
        let first = first.join("; ");
        return Err(bad(format!("{} of {lines} lines cannot be read, so none is taken; {first}", told.len())));
    }
    if listed.people.is_empty() {
        return Err(bad("it lists nobody".to_owned()));
    }
    let more = told.len().saturating_sub(TOLD_LINES);
    let error = |(line, message): (u64, String)| SweepError { location: format!("{shown}:{line}"), message };
    listed.errors.extend(told.into_iter().take(TOLD_LINES).map(error));
    if more > 0 {
        listed.errors.push(SweepError { location: shown.to_owned(), message: format!("{more} more lines cannot be read") });
    }
    Ok(listed)
}

/// What each column holds; `None` for those that nobody here needs.
fn columns(header: &StringRecord) -> Vec<Option<Column>> {
    let column = |name: &str| {
        let name = name.trim().to_lowercase();
        COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
    };
    header.iter().map(column).collect()
}

/// Columns that nobody here needs, where their names come near to one that is wanted and missing.
fn misspelt(header: &StringRecord, columns: &[Option<Column>], shown: &str) -> Vec<SweepError> {
    let unknown = header.iter().zip(columns).filter(|(_, column)| column.is_none()).map(|(name, _)| name);
    let near = |name: &str| {
        let missing = COLUMNS.iter().filter(|(column, _)| !columns.contains(&Some(*column)));
        let names = missing.flat_map(|(_, names)| names.iter());
        let distance = |known: &str| strsim::osa_distance(known, &name.to_lowercase());
        names.filter(|known| known.len() > 3).min_by_key(|known| distance(known)).filter(|known| distance(known) == 1).copied()
    };
    let told = unknown.filter_map(|name| {
        let message = format!("the column `{name}` is not known, so nothing is read from it; did you mean `{}`?", near(name)?);
        Some(SweepError { location: format!("{shown}:1"), message })
    });
    told.collect()
}

/// The person of one line, and the parent of their team, where one is named.
fn listing(record: &StringRecord, columns: &[Option<Column>], width: usize) -> Result<(Listing, Option<String>), String> {
    if record.len() != width {
        return Err(format!(
            "it has {} fields where the header has {width}; is a comma in a field without quotes?",
            record.len()
        ));
    }
    let of = |wanted: Column| {
        let mut fields = columns.iter().zip(record).filter(|(column, _)| **column == Some(wanted));
        fields.find_map(|(_, field)| Some(field.trim().to_owned()).filter(|field| !field.is_empty()))
    };
    let left_on = of(Column::LeftOn);
    let left = match (of(Column::Active).map(|active| active.to_lowercase()).as_deref(), left_on) {
        (Some("no" | "false" | "0" | "inactive" | "n"), left_on) => Some(left_on.unwrap_or_else(|| "yes".to_owned())),
        (Some("yes" | "true" | "1" | "active" | "y") | None, left_on) => left_on,
        (Some(other), _) => return Err(format!("active is {other:?}; write yes or no")),
    };
    let email = of(Column::Email);
    if let Some(email) = email.as_deref().filter(|email| !is_address(email)) {
        return Err(format!("email is {email:?}, which is no address"));
    }
    let teams = of(Column::Teams).unwrap_or_default();
    let teams = teams.split([';', '|', ',']).map(str::trim).filter(|team| !team.is_empty()).map(str::to_owned).collect();
    let slack = of(Column::Slack).map(|id| id.to_uppercase());
    let listing = Listing {
        id: of(Column::Id),
        name: of(Column::Name),
        email,
        github: of(Column::Github).map(|login| login.trim_start_matches('@').to_owned()),
        slack,
        discord: of(Column::Discord),
        pagerduty: of(Column::Pagerduty),
        title: of(Column::Title),
        teams,
        manager: of(Column::Manager),
        left,
    };
    match listing.key() {
        Some(_) => Ok((listing, of(Column::TeamParent))),
        None => Err("it names nobody: id, email, github and name are empty".to_owned()),
    }
}

fn note_parent(teams: &mut Vec<TeamRecord>, listing: &Listing, parent: Option<String>) {
    let Some(parent) = parent else { return };
    for team in listing.teams.iter().filter(|team| !team.eq_ignore_ascii_case(&parent)) {
        if !teams.iter().any(|known| known.key.eq_ignore_ascii_case(team)) {
            let title = title_of(team);
            teams.push(TeamRecord { key: team.clone(), title, parent: Some(parent.clone()), ..TeamRecord::default() });
        }
    }
    if !teams.iter().any(|known| known.key.eq_ignore_ascii_case(&parent)) {
        teams.push(TeamRecord { title: title_of(&parent), key: parent, ..TeamRecord::default() });
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace) && !domain.contains('@')
    })
}
