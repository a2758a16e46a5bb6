//! Filters of a GitHub source: what they leave out keeps its facts, and no file of it is read.

use steward::{
    catalog::{Files, Visibility},
    github::{Filters, GithubConfig, GithubSource},
};

use crate::{
    fake_github::FakeGithub,
    github::{Swept, config, try_sweep},
};

const FILE: (&str, &str) = ("catalog-info.yaml", "a: 1\n");

async fn organisation() -> FakeGithub {
    let fake = FakeGithub::start("acme").await;
    for name in ["plain", "old", "copy", "open", "payments-api", "payments-api-docs"] {
        fake.add_repository(name, &[FILE]);
    }
    fake.archive("old");
    fake.model(|model| {
        model.repo_mut("copy").fork = true;
        model.repo_mut("open").visibility = "public".to_owned();
        model.repo_mut("plain").topics = vec!["Tier-1".to_owned()];
    });
    fake
}

async fn filtered(fake: &FakeGithub, filters: Filters) -> Swept {
    try_sweep(GithubConfig { filters, ..config(fake) }).await.expect("the sweep reaches its end")
}

/// Those left out, each with the filter's word.
fn left_out(swept: &Swept) -> Vec<String> {
    assert_eq!(swept.repositories.len(), 6);
    let mut lines = Vec::new();
    for read in &swept.repositories {
        let name = read.repository.full_name.trim_start_matches("acme/");
        match &read.repository.excluded {
            Some(word) => {
                assert_eq!(read.files, Files::Read(Vec::new()), "{name}");
                lines.push(format!("{name} {word}"));
            }
            None => assert_eq!(read.files.read().len(), 1, "{name}"),
        }
    }
    lines
}

#[tokio::test]
async fn each_filter_leaves_out_what_it_names_and_keeps_the_facts() {
    let fake = organisation().await;
    let none = Filters::default;
    let name = |pattern: &str| Filters { repository: Some(pattern.to_owned()), ..none() };
    let cases: Vec<(Filters, &[&str])> = vec![
        (none(), &[]),
        (Filters { leave_archived: true, ..none() }, &["old archived"]),
        (Filters { leave_forks: true, leave_archived: true, ..none() }, &["old archived", "copy fork"]),
        // The whole name, so `payments-api` does not take `payments-api-docs` in.
        (name("payments-api|plain"), &["old repository", "copy repository", "open repository", "payments-api-docs repository"]),
        (
            Filters { topics: vec!["tier-1".to_owned(), "tier-0".to_owned()], ..none() },
            &["old topics", "copy topics", "open topics", "payments-api topics", "payments-api-docs topics"],
        ),
        (Filters { visibility: vec![Visibility::Private, Visibility::Internal], ..none() }, &["open visibility"]),
    ];
    for (filters, wanted) in cases {
        let swept = filtered(&fake, filters.clone()).await;
        assert_eq!(left_out(&swept), wanted, "{filters:?}");
        assert!(swept.find("old").repository.archived && swept.find("old").repository.head.is_some());
    }
}

#[tokio::test]
async fn one_branch_is_read_where_it_exists() {
    let fake = organisation().await;
    let sha = fake.model(|model| model.push_branch("plain", "release/1", "catalog-info.yaml", b"a: release\n"));
    let filters = Filters { branch: Some("release/1".to_owned()), ..Filters::default() };
    let swept = filtered(&fake, filters.clone()).await;
    assert_eq!(swept.text("plain", "catalog-info.yaml"), "a: release\n");
    let plain = &swept.find("plain").repository;
    assert_eq!(plain.head.as_ref().map(|head| &head.sha), Some(&sha));
    assert_eq!(plain.default_branch.as_deref(), Some("main"));
    assert_eq!(left_out(&swept).len(), 5);
    assert_eq!(swept.find("old").repository.excluded.as_deref(), Some("branch"));
    assert_eq!(swept.find("old").repository.head, None);
    let reading = |filters| GithubSource::new(GithubConfig { filters, ..config(&fake) }).expect("it is good").reading();
    assert_ne!(reading(filters), reading(Filters::default()));
}
