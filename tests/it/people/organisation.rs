//! GitHub's teams and members.

use super::*;
use crate::{bot::Bot, fake_github::org::People};

async fn github(people: People) -> FakeGithub {
    let github = FakeGithub::start("acme").await;
    github.model(|model| model.people = people);
    github
}

#[tokio::test(flavor = "multi_thread")]
async fn fourteen_thousand_members_cost_a_request_a_hundred() {
    let github = github(People::generated(14_000, 6_000)).await;
    let parts = read(&organisation(&github)).await.unwrap();
    let requests = github.counts().graphql;
    println!("{requests} requests for 14,000 members, 141 teams, one of 6,000");
    // The members, two pages of teams, the rest of the large one, and the question whether there is an identity provider.
    assert_eq!(requests, 140 + 2 + 59 + 1);
    assert_eq!(parts.broken, []);
    let catalog = Catalog::build(parts);
    assert_eq!(catalog.entries().len(), 14_000 + 141);
    assert_eq!(catalog.related(&group("everybody"), RelationType::HasMember).len(), 6_000);
    assert_eq!(catalog.related(&group("team-005"), RelationType::HasMember).len(), 10);
    let groups: Vec<String> = catalog.groups_of(&user("user-00050")).iter().map(|group| group.name().to_owned()).collect();
    assert_eq!(groups, ["everybody", "team-000", "team-001", "team-005"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_member_rewrites_one_file() {
    let hub = github(People::generated(5_000, 100)).await;
    let source = organisation(&hub);
    let files = |parts: &Parts| {
        let mut files = std::collections::BTreeMap::new();
        for claim in &parts.claims {
            files.entry(claim.origin.path.to_string()).or_insert_with(Vec::new).push(format!("{:?}", claim.entity));
        }
        files
    };
    let before = files(&read(&source).await.unwrap());
    hub.model(|model| model.people.members[77].name = Some("Ada".to_owned()));
    hub.model(|model| model.people.add_member("somebody-new", "New", &[]));
    let after = files(&read(&source).await.unwrap());
    let changed = after.iter().filter(|(path, text)| before.get(*path) != Some(text)).count();
    assert!((1..=2).contains(&changed), "{changed} of {} files", after.len());
    assert!(after.values().all(|claims| claims.len() <= 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_not_see_teams_says_which_scope_it_lacks_and_repositories_go_on() {
    let bot = Bot::of_descriptors(&[]).await;
    bot.github.model(|model| model.people.hidden = vec!["teams"]);
    let error = read(&organisation(&bot.github)).await.unwrap_err();
    assert!(error.contains("does not show the organisation's teams and members"), "{error}");
    assert!(error.contains("read:org"), "{error}");
    assert!(!bot.sync().await.sources[0].failed);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_identities_out_of_sight_are_no_error() {
    let mut people = People::default();
    people.add_member("Ada", "Ada Lovelace", &["ada@acme.example"]);
    people.identities = Some(vec![("Ada".to_owned(), "ada@acme.example".to_owned())]);
    people.hidden = vec!["addresses", "identities"];
    let github = github(people).await;
    let parts = read(&organisation(&github)).await.unwrap();
    let catalog = Catalog::build(parts);
    let ada = &catalog.find(&user("ada")).unwrap().entity;
    assert_eq!((ada.label(), ada.email.as_deref()), ("Ada Lovelace", None));
    assert_eq!(ada.annotation("github.com/user-login"), Some("Ada"));
    github.model(|model| model.people.hidden.clear());
    let catalog = Catalog::build(read(&organisation(&github)).await.unwrap());
    assert_eq!(catalog.find(&user("ada")).unwrap().entity.email.as_deref(), Some("ada@acme.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_github_cuts_short_changes_nothing() {
    let mut people = People::generated(250, 10);
    people.cut_members_to = Some(120);
    let github = github(people).await;
    let error = read(&organisation(&github)).await.unwrap_err();
    assert!(error.contains("GitHub counts 250 members of acme and gave 120"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_lose_nobody() {
    use crate::fake_github::{Announced, Fault};
    for fault in [
        Fault::Status(502),
        Fault::CutShort,
        Fault::GraphqlTimeout,
        Fault::Limited { status: 429, secs: 1, announced: Announced::RetryAfter },
        Fault::Limited { status: 200, secs: 1, announced: Announced::Reset },
    ] {
        let github = github(People::generated(300, 150)).await;
        github.second_lasts(std::time::Duration::from_millis(1));
        github.fail_each_page_once(fault.clone());
        let catalog = Catalog::build(read(&organisation(&github)).await.unwrap());
        assert_eq!(catalog.entries().len(), 300 + 141, "after {fault:?}");
        assert_eq!(catalog.related(&group("everybody"), RelationType::HasMember).len(), 150, "after {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_reference_takes_are_made_fit_and_stay_apart() {
    let mut people = People::default();
    people.add_member("Ada-", "Ada", &[]);
    people.add_member("ada_acme", "Ada of Acme", &[]);
    people.add_team(&"x".repeat(90), None, &["Ada-"]);
    people.add_team(&format!("{}y", "x".repeat(89)), None, &["ada_acme"]);
    let github = github(people).await;
    let parts = read(&organisation(&github)).await.unwrap();
    assert_eq!(parts.broken, []);
    let catalog = Catalog::build(parts);
    assert_eq!(catalog.entries().len(), 4);
    assert_eq!(catalog.groups_of(&user("ada_acme")).len(), 1);
    assert_ne!(catalog.groups_of(&user("ada_acme")), catalog.groups_of(&user("ada")));
}
