//! A second look at single repositories: what is gone is gone only where GitHub says so.

use serde_json::json;
use steward::{
    catalog::{Contents, Looked, RepositoryKey},
    github::{GithubError, GithubSource},
};

use sqlx::Row;

use crate::{
    bot::Bot,
    cluster::connect,
    fake_github::{Announced, FakeGithub, Fault},
    github::{config, generated},
};

fn key(fake: &FakeGithub, name: &str) -> RepositoryKey {
    let id = fake.model(|model| model.find_repo(name).expect("the fake has it").id);
    RepositoryKey { id, node_id: Some(fake.node_id(name)), full_name: Some(format!("acme/{name}")) }
}

fn by_name(fake: &FakeGithub, name: &str) -> RepositoryKey {
    RepositoryKey { node_id: None, ..key(fake, name) }
}

async fn look(fake: &FakeGithub, keys: &[RepositoryKey]) -> Looked {
    let source = GithubSource::new(config(fake)).expect("the config is good");
    source.look(keys).await.expect("GitHub answers")
}

fn found(looked: &Looked) -> Vec<String> {
    let text = |contents: &Contents| match contents {
        Contents::Bytes(bytes) => String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned(),
        Contents::Unreadable(why) => why.clone(),
    };
    let line = |read: &steward::catalog::RepositoryRead| {
        let files: Vec<_> = read.files.read().iter().map(|file| format!("{} {}", file.path, text(&file.contents))).collect();
        format!("{}: {}", read.repository.full_name, files.join(", "))
    };
    looked.found.iter().map(line).collect()
}

#[tokio::test]
async fn one_request_looks_at_many() {
    let fake = generated(30).await;
    for name in ["payments-api", "search-api-00001", "orders-api-00002"] {
        fake.push_file(name, "catalog-info.yaml", format!("name: {name}\n"));
    }
    let keys = [key(&fake, "orders-api-00002"), key(&fake, "payments-api"), key(&fake, "search-api-00001")];
    fake.rename("search-api-00001", "searching");
    let looked = look(&fake, &keys).await;
    assert_eq!(
        found(&looked),
        [
            "acme/orders-api-00002: catalog-info.yaml name: orders-api-00002",
            "acme/payments-api: catalog-info.yaml name: payments-api, docs/runbook.md # payments-api is down",
            "acme/searching: catalog-info.yaml name: search-api-00001",
        ]
    );
    assert_eq!((&looked.gone[..], &looked.errors[..], fake.counts().graphql), (&[][..], &[][..], 1));
}

#[tokio::test]
async fn without_an_id_the_name_leads_there_and_is_checked_by_the_number() {
    let fake = generated(30).await;
    let keys = [by_name(&fake, "payments-api"), by_name(&fake, "search-api-00001")];
    fake.rename("search-api-00001", "searching");
    let looked = look(&fake, &keys).await;
    assert_eq!(looked.found.iter().map(|read| read.repository.id).collect::<Vec<_>>(), [keys[0].id, keys[1].id]);
    // Another took the name: where the one meant went, nobody can say.
    fake.rename("payments-api", "paying");
    fake.add_repository("payments-api", &[]);
    let looked = look(&fake, &keys[..1]).await;
    assert_eq!((looked.found.len(), &looked.gone[..], looked.errors.len()), (0, &[][..], 1));
    // With its id it is found under its new name.
    let looked = look(&fake, &[key(&fake, "paying")]).await;
    assert_eq!(looked.found[0].repository.full_name, "acme/paying");
}

#[tokio::test]
async fn what_is_deleted_or_another_owners_is_gone() {
    let fake = generated(30).await;
    let keys = [key(&fake, "payments-api"), key(&fake, "search-api-00001"), by_name(&fake, "orders-api-00002")];
    let reused = key(&fake, "identity-api-00003");
    fake.delete("payments-api");
    fake.transfer("search-api-00001", "elsewhere");
    fake.delete("orders-api-00002");
    fake.delete("identity-api-00003");
    fake.add_repository("identity-api-00003", &[]);
    let keys = [&keys[..], &[reused]].concat();
    let looked = look(&fake, &keys).await;
    let mut gone = looked.gone.clone();
    gone.sort_unstable();
    assert_eq!((found(&looked), gone), (vec![], keys.iter().map(|key| key.id).collect()));
    assert_eq!(looked.errors, []);
}

#[tokio::test]
async fn an_id_of_another_age_is_not_the_end_of_a_repository() {
    let fake = generated(3).await;
    let old = RepositoryKey { node_id: Some("MDEwOlJlcG9zaXRvcnk3MDAwMDE=".to_owned()), ..key(&fake, "payments-api") };
    let looked = look(&fake, &[old]).await;
    assert_eq!((looked.found.len(), &looked.gone[..]), (1, &[][..]));
}

#[tokio::test]
async fn what_github_cannot_say_is_an_error_and_nothing_is_gone() {
    let fake = generated(30).await;
    let keys = [key(&fake, "payments-api"), key(&fake, "search-api-00001")];
    fake.break_repository("payments-api");
    let looked = look(&fake, &keys).await;
    assert_eq!((looked.found.len(), &looked.gone[..], looked.errors.len()), (1, &[][..], 1));
    assert_eq!(looked.errors[0].message, "Something is wrong with payments-api");
    let unknown = RepositoryKey { id: 7, node_id: None, full_name: None };
    let looked = look(&fake, &[unknown]).await;
    assert_eq!((&looked.gone[..], looked.errors.len()), (&[][..], 1));
}

#[tokio::test]
async fn while_the_owner_is_out_of_sight_nothing_is_gone() {
    let fake = generated(3).await;
    let keys = [key(&fake, "payments-api")];
    // The organisation has another name now; its repositories are under that.
    fake.model(|model| model.owner.login = "acme-inc".to_owned());
    let source = GithubSource::new(config(&fake)).expect("the config is good");
    let error = source.look(&keys).await.err();
    assert!(matches!(error, Some(GithubError::UnknownOwner { .. })), "{error:?}");
}

#[tokio::test]
async fn more_than_a_hundred_take_more_requests_and_faults_lose_none() {
    let fake = generated(250).await;
    let names: Vec<_> = fake.model(|model| model.repos.iter().map(|repo| repo.name.clone()).collect());
    let keys: Vec<_> = names.iter().map(|name| key(&fake, name)).collect();
    assert_eq!((look(&fake, &keys).await.found.len(), fake.counts().graphql), (250, 3));
    let keys_by_name: Vec<_> = names.iter().map(|name| by_name(&fake, name)).collect();
    fake.reset_counts();
    assert_eq!((look(&fake, &keys_by_name).await.found.len(), fake.counts().graphql), (250, 5));
    for fault in [Fault::Status(502), Fault::ResourceLimits, Fault::GraphqlTimeout] {
        fake.fail_pages_above(30, fault);
        assert_eq!(look(&fake, &keys).await.found.len(), 250);
    }
}

const TEXT: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: payments\nspec:\n  type: service\n  \
                    lifecycle: production\n  owner: OWNER\n";

/// A look that the queue holds: how often it was tried, whether anybody is at it, and why it failed.
async fn waiting_look(bot: &Bot) -> Option<(i16, bool, String)> {
    let query = "select attempts, locked_at is not null as locked, coalesce(last_error, '') as said \
                 from graphile_worker._private_jobs where key like 'look:%'";
    let row = sqlx::query(query).fetch_optional(&mut connect(&bot.database).await).await.unwrap()?;
    Some((row.get("attempts"), row.get("locked"), row.get("said")))
}

async fn push(bot: &Bot, owner: &str) {
    bot.github.push_file("payments", "catalog-info.yaml", TEXT.replace("OWNER", owner));
    let payload = bot.payload_of("payments", json!({ "ref": "refs/heads/main" }));
    assert_eq!(bot.github_event("push", &payload).await, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_failed_is_tried_again_by_the_queue() {
    let bot = Bot::of_descriptors(&[("payments", &TEXT.replace("OWNER", "team-a"))]).await;
    bot.sync().await;
    // For a while the organisation is not in sight.
    bot.github.model(|model| model.owner.login = "acme-inc".to_owned());
    push(&bot, "team-b").await;
    bot.until("it failed once", async |_| {
        waiting_look(&bot).await.is_some_and(|(_, _, said)| said.contains("no organisation or user acme"))
    })
    .await;
    bot.github.model(|model| model.owner.login = "acme".to_owned());
    bot.until("it is tried again", async |_| bot.say("/owner payments").await.contains("team-b")).await;
    // The answer is there with the look's transaction, and its job goes after that.
    bot.until("its job is done", async |_| waiting_look(&bot).await.is_none()).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_limit_does_not_keep_looks_in_their_places() {
    let bot = Bot::of_descriptors(&[("payments", &TEXT.replace("OWNER", "team-a"))]).await;
    bot.sync().await;
    bot.github.plan([Some(Fault::Limited { status: 403, secs: 600, announced: Announced::RetryAfter })]);
    push(&bot, "team-b").await;
    bot.until("it left its place", async |_| {
        waiting_look(&bot)
            .await
            .is_some_and(|(attempts, is_locked, said)| attempts > 0 && !is_locked && said.contains("rate limit asks for a wait"))
    })
    .await;
    assert!(bot.say("/owner payments").await.contains("team-a"), "what was known stays");
    assert_eq!(bot.github.counts().too_early, 0);
    bot.halt().await;
}
