//! Persons and teams: how sources that are no repository bring them, how the claims of several merge, and which accounts
//! are one person. Pure; must not decide what a person may do.

mod merge;
mod roster;
mod ties;

pub use merge::{Difference, Said, merge};
pub use roster::{PersonRecord, Roster, TeamRecord, annotation, entity_name};
pub use ties::{AccountKind, Evidence, Link, MappedPerson, Person, Tie, TieIndex, parse_mapping};

/// Ends the id of the source that holds the teams and members of an organisation whose repositories another source reads.
const OF_PEOPLE: &str = "-people";

/// How GitHub ends the login of an App that acts by itself.
const BOT: &str = "[bot]";

/// Whether a login at GitHub is that of no person.
pub fn is_bot(login: &str) -> bool {
    login.ends_with(BOT)
}

/// The id of the source of an organisation's people, beside that of its repositories.
pub fn people_source(repositories: &str) -> String {
    format!("{repositories}{OF_PEOPLE}")
}

/// The source of the repositories beside which this one holds the people, going by the id alone.
pub fn beside(source_id: &str) -> Option<&str> {
    source_id.strip_suffix(OF_PEOPLE)
}
