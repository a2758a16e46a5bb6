//! People through the whole of Steward: read, stored, answered, gone.

use steward::sync::{SourceSummary, SyncOrder, SyncSummary};

use super::*;
use crate::{bot::Bot, cluster::new_database};

const SHIP: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ship }
spec: { type: service, lifecycle: production, owner: captains }
";

async fn shipped() -> FakeGithub {
    let github = FakeGithub::start("acme").await;
    github.add_repository("ship", &[("catalog-info.yaml", SHIP)]);
    github.model(|model| {
        model.people.add_member("Ada", "Ada Lovelace", &[]);
        model.people.add_member("grace", "Grace Hopper", &[]);
        model.people.add_team("captains", None, &["Ada"]);
        model.people.add_team("crew", Some("captains"), &["grace"]);
    });
    github
}

fn of<'s>(summary: &'s SyncSummary, id: &str) -> &'s SourceSummary {
    summary.sources.iter().find(|source| source.id == id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_and_people_answer_and_those_who_go_are_marked() {
    let github = shipped().await;
    let source = organisation(&github);
    let bot = Bot::with_sources(github, new_database().await, vec![source]).await;
    let summary = bot.sync().await;
    let people = of(&summary, "acme-people");
    assert_eq!((people.entities, people.added), (4, 4));
    assert!(bot.say("/owner ship").await.contains("captains"));
    assert!(bot.say("/whois captains").await.contains("Ada Lovelace"));
    assert!(bot.say("/whois grace").await.contains("GitHub grace: a member on GitHub"));
    assert_eq!(of(&bot.sync().await, "acme-people").unchanged, 4, "the same again writes nothing");

    bot.github.model(|model| {
        model.people.teams.retain(|team| team.slug != "captains");
        model.people.members.retain(|member| member.login != "Ada");
    });
    bot.sync().await;
    let gone = bot.say("/owner ship").await;
    assert!(gone.contains("Team captains no longer exists on GitHub; gone since 2026-11-21"), "{gone}");
    let ada = bot.say("/whois ada lovelace").await;
    assert!(ada.starts_with("Ada Lovelace no longer exists on GitHub; gone since"), "{ada}");
    // A restart knows it from disk and database.
    let bot = bot.restart().await;
    assert!(bot.say("/whois captains").await.contains("Still named as the owner of ship"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_half_of_its_people_is_held_back_until_it_is_confirmed() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("people.csv");
    let write = |people: usize| {
        let lines: String = (0..people).map(|index| format!("e{index},p{index}@acme.example,crew\n")).collect();
        std::fs::write(&path, format!("id,email,team\n{lines}")).unwrap();
    };
    write(20);
    let bot = Bot::with_sources(shipped().await, new_database().await, vec![of_file(&path)]).await;
    bot.sync().await;
    let known = || bot.app().catalog.load().find(&user("e19")).is_some();
    assert!(known());
    write(9);
    let summary = bot.sync().await;
    assert!(summary.held_back);
    let told = &of(&summary, "hr").errors[0].message;
    assert!(told.starts_with("11 of 21 people and teams are gone (52 %): nothing was changed"), "{told}");
    assert!(known(), "everybody still answers");
    let shown = bot.say("/catalog").await;
    assert!(shown.contains("no longer shows 11 of its 21 people and teams"), "{shown}");
    bot.sync_with(SyncOrder::FULL).await;
    assert!(!known());
    assert!(bot.say("/whois e19").await.contains("no longer exists in HR's list; gone since"));
    assert!(!bot.say("/catalog").await.contains("no longer shows"));
    bot.halt().await;
}
