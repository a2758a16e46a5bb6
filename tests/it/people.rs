//! Teams and members of an organisation, the HR system's list, and how they become one.

mod journey;
mod link;
mod list;
mod organisation;
mod scim;

use std::path::Path;

use steward::{
    catalog::{Authority, Catalog, EntityRef, Parts, RelationType, kinds::CustomKinds, people::AccountKind},
    github::{Auth, Connection, OrgSource, OrgWanted, Waits},
    people::PeopleSource,
    sync::{Elsewhere, Source, read_without_store},
};

use crate::{
    app::test_now,
    fake_github::{FakeGithub, TOKEN},
};

pub fn quick() -> Waits {
    let ms = std::time::Duration::from_millis;
    Waits {
        first: ms(1),
        longest: ms(2),
        unannounced: ms(5),
        longest_limit: ms(1_000),
        longest_look: ms(400),
        announced_second: ms(1),
        ..Waits::default()
    }
}

pub fn organisation(github: &FakeGithub) -> Source {
    let connection = Connection::new(&github.url, &Auth::Token(TOKEN.into()), quick()).unwrap();
    let wanted = OrgWanted { teams: true, users: true };
    Source::Organisation(OrgSource::new("acme-people".to_owned(), "acme".to_owned(), connection, wanted))
}

pub fn of_file(path: &Path) -> Source {
    Source::People(PeopleSource::of_file("hr".to_owned(), path.to_owned()))
}

/// What a source brings, or why it does not.
pub async fn read(source: &Source) -> Result<Parts, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let elsewhere = Elsewhere::default();
    read_without_store(source, &CustomKinds::default(), &elsewhere, test_now()).await.map_err(|error| error.message)
}

/// Several sources in one catalog.
pub fn together(all: impl IntoIterator<Item = Parts>) -> Parts {
    let mut whole = Parts::default();
    for parts in all {
        whole.claims.extend(parts.claims);
        whole.sources.extend(parts.sources);
        whole.broken.extend(parts.broken);
    }
    whole
}

pub fn user(name: &str) -> EntityRef {
    EntityRef::new("user", "default", name)
}

pub fn group(name: &str) -> EntityRef {
    EntityRef::new("group", "default", name)
}

pub fn members(catalog: &Catalog, name: &str) -> Vec<String> {
    let members = catalog.related(&group(name), RelationType::HasMember);
    members.iter().map(|member| member.name().to_owned()).collect()
}
