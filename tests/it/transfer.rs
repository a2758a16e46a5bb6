//! A repository goes from one organisation that is read to another, and no webhook tells of it: the answer never vanishes.

use steward::{
    catalog::{EntityRef, RepositoryKey},
    github::{Auth, Connection, Filters, GithubConfig, GithubSource, Waits},
    store::{Job, LookAt, OfSource},
    sync::Source,
};

use crate::{
    bot::Bot,
    cluster::new_database,
    fake_github::{FakeGithub, TOKEN},
};

fn component(owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: cart\nspec:\n  type: service\n  lifecycle: production\n  owner: {owner}\n"
    )
}

/// `acme` with some repositories and `globex` with none, both read by sources of their own.
async fn two_organisations() -> Bot {
    let github = FakeGithub::start("acme").await;
    github.add_organisation("globex");
    for at in 0..5 {
        github.add_repository(&format!("other-{at}"), &[]);
    }
    github.add_repository("shop", &[("catalog-info.yaml", component("team-a").as_str()), ("runbook.md", "# Restart it\n")]);
    let connection = Connection::new(&github.url, &Auth::Token(TOKEN.into()), Waits::default()).unwrap();
    let config = GithubConfig {
        id: "globex".to_owned(),
        org: "globex".to_owned(),
        connection,
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        filters: Filters::default(),
    };
    let globex = Source::Github(Box::new(GithubSource::new(config).unwrap()));
    let bot = Bot::with_sources(github, new_database().await, vec![globex]).await;
    bot.sync().await;
    bot
}

fn place(bot: &Bot) -> Option<String> {
    let catalog = bot.app().catalog.load();
    let entry = catalog.find(&EntityRef::new("component", "default", "cart"))?;
    assert!(catalog.rivals(&entry.entity.entity_ref).is_empty(), "it is claimed once");
    Some(format!("{}: {}", entry.origin.source, entry.origin.repository))
}

/// Only the organisation that lost it is read.
async fn read_acme(bot: &Bot) {
    bot.app().store.enqueue_job(Job::SyncSource(OfSource { source: "acme".to_owned() })).await.unwrap();
    bot.until_idle().await;
    bot.worker.catch_up().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_lost_it_hands_it_over_and_its_history_goes_on() {
    let bot = two_organisations().await;
    bot.github.push_file("shop", "catalog-info.yaml", component("team-b"));
    bot.sync().await;
    let before = bot.say("/history cart").await;
    bot.github.transfer("shop", "globex");
    read_acme(&bot).await;
    assert_eq!(place(&bot).as_deref(), Some("globex: globex/shop"));
    let after = bot.say("/history cart").await.replace("globex", "acme");
    assert_eq!(after, before, "nothing happened to the entity itself");
    assert!(bot.say("/runbook cart").await.contains("Restart it"));
    bot.sync().await;
    assert_eq!(place(&bot).as_deref(), Some("globex: globex/shop"));
    assert_eq!(bot.say("/history cart").await.replace("globex", "acme"), before);
    assert!(bot.app().store.load_tombstones(20).await.unwrap().is_empty(), "it is not gone");
    bot.github.push_file("shop", "catalog-info.yaml", component("team-c"));
    bot.sync().await;
    assert!(bot.say("/history cart").await.starts_with("cart has been owned by group:default/team-c since 1 January"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_hands_it_over_too_and_it_may_come_back() {
    let bot = two_organisations().await;
    let repository = RepositoryKey {
        id: bot.github.model(|model| model.repo_mut("shop").id),
        node_id: Some(bot.github.node_id("shop")),
        full_name: Some("acme/shop".to_owned()),
    };
    let look = |source: &str| Job::LookAt(LookAt { source: source.to_owned(), repository: repository.clone() });
    for round in 0..2 {
        bot.github.transfer("shop", "globex");
        bot.app().store.enqueue_job(look("acme")).await.unwrap();
        bot.until_idle().await;
        bot.worker.catch_up().await.unwrap();
        assert_eq!(place(&bot).as_deref(), Some("globex: globex/shop"), "round {round}");
        bot.github.model(|model| model.take_back("shop"));
        bot.app().store.enqueue_job(look("acme")).await.unwrap();
        bot.until_idle().await;
        bot.worker.catch_up().await.unwrap();
        assert_eq!(place(&bot).as_deref(), Some("acme: acme/shop"), "round {round}");
    }
    assert_eq!(bot.say("/history cart").await.matches("first seen").count(), 1);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_where_nobody_reads_is_removed() {
    let bot = two_organisations().await;
    bot.github.transfer("shop", "initech");
    read_acme(&bot).await;
    assert_eq!(place(&bot), None);
    let answer = bot.say("/owner cart").await;
    assert!(answer.starts_with("cart was removed on 21 November: its repository, acme/shop, is gone."), "{answer}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_gone_to_one_that_cannot_be_asked_stays() {
    let bot = two_organisations().await;
    bot.github.transfer("shop", "globex");
    bot.github.model(|model| model.others.clear());
    read_acme(&bot).await;
    assert_eq!(place(&bot).as_deref(), Some("acme: acme/shop"), "it answers until globex can be asked");
    bot.github.add_organisation("globex");
    read_acme(&bot).await;
    assert_eq!(place(&bot).as_deref(), Some("globex: globex/shop"));
    bot.halt().await;
}
