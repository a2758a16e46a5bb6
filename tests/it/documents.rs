//! Documents at paths that annotations name: read after the sync, cheaply, and gone when their repository has them no more.

use chrono::TimeDelta;
use steward::sync::SyncOrder;

use crate::{bot::Bot, cluster::connect, fake_github::Fault};

fn component(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  annotations: {{ {annotations} }}\n\
         spec: {{ type: service, lifecycle: production, owner: team-a }}\n"
    )
}

const DOCS: &str = "backstage.io/techdocs-ref: 'dir:.'";
const RUNBOOK: &str = "steward.dev/runbook: ops/on-call.md";

/// Stored documents, `service handbook/docs/index.md`.
async fn stored(bot: &Bot) -> Vec<String> {
    let mut connection = connect(&bot.database).await;
    let rows = sqlx::query_scalar::<_, String>(
        "select split_part(full_name, '/', 2) || ' ' || path from files join repositories using (source_id, repository_id)
         where role in ('doc', 'runbook') order by 1",
    );
    rows.fetch_all(&mut connection).await.unwrap()
}

/// Waits until nothing is left to be read.
async fn settle(bot: &Bot) {
    bot.until("all documents are read", async |app| {
        app.store.load_document_targets("acme", None, app.clock.now(), 1).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runbook_and_docs_are_read_where_annotations_say_and_follow_their_files() {
    let both = format!("{RUNBOOK}, 'backstage.io/techdocs-ref': 'dir:./handbook'");
    let bot = Bot::of_descriptors(&[("service", &component("service", &both))]).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\n## Roll back\n\nTurn it off and on.\n");
    bot.github.push_file("service", "handbook/docs/index.md", "# Handbook\n");
    bot.github.push_file("service", "handbook/docs/deep/more.md", "# More\n");
    bot.github.push_file("service", "handbook/mkdocs.yml", "site_name: Handbook\n");
    let summary = bot.sync().await;
    assert_eq!(summary.sources[0].errors, []);
    bot.until("the runbook answers", async |_| bot.say("/runbook service roll back").await.contains("Turn it off and on.")).await;
    let all = [
        "service handbook/docs/deep/more.md",
        "service handbook/docs/index.md",
        "service handbook/mkdocs.yml",
        "service ops/on-call.md",
    ];
    assert_eq!(stored(&bot).await, all);
    // What stands where every source looks comes with the descriptors; a sync leaves the others alone.
    bot.github.push_file("service", "README.md", "# Service\n");
    bot.sync().await;
    assert!(bot.say("/runbook service roll back").await.contains("Turn it off and on."), "never away in between");
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\n## Roll back\n\nAsk Ana.\n");
    bot.github.remove_file("service", "handbook/docs/deep/more.md");
    bot.sync().await;
    bot.until("the new runbook answers", async |_| bot.say("/runbook service roll back").await.contains("Ask Ana.")).await;
    assert_eq!(stored(&bot).await, [all[1], all[2], all[3]]);
    // A broken descriptor still names what it named.
    bot.github.push_file("service", "catalog-info.yaml", "kind: [");
    bot.sync().await;
    settle(&bot).await;
    assert_eq!(stored(&bot).await, [all[1], all[2], all[3]]);
    bot.github.push_file("service", "catalog-info.yaml", component("service", "a: b"));
    bot.sync().await;
    settle(&bot).await;
    assert!(!bot.say("/runbook service roll back").await.contains("Ask Ana."));
    assert_eq!(stored(&bot).await, [] as [&str; 0]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_many_cost_the_sync_nothing_and_the_job_little() {
    let bot = Bot::of_descriptors(&[]).await;
    for at in 0..300 {
        let name = format!("service-{at:03}");
        let annotations = if at % 2 == 0 { DOCS.to_owned() } else { RUNBOOK.to_owned() };
        let text = component(&name, &annotations);
        let files = [("catalog-info.yaml", text.as_str()), ("docs/index.md", "# Docs\n"), ("ops/on-call.md", "# On call\n")];
        bot.github.add_repository(&name, &files);
    }
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].added, summary.sources[0].errors.len()), (300, 0));
    assert_eq!(summary.sources[0].api_requests.graphql, 1 + 3, "the mark and the pages");
    let before = bot.github.counts();
    settle(&bot).await;
    assert_eq!(stored(&bot).await.len(), 300);
    let spent = bot.github.counts().graphql - before.graphql;
    // Fifty at a time: each with the paths it names, then with what is in the folders.
    assert!(spent <= 6 * 3, "{spent}");
    for at in 0..12 {
        bot.github.push_file(&format!("service-{at:03}"), "docs/more.md", "# More\n");
    }
    let summary = bot.sync().await;
    assert!(summary.sources[0].api_requests.graphql <= 3, "{:?}", summary.sources[0].api_requests);
    let before = bot.github.counts();
    settle(&bot).await;
    assert_eq!(stored(&bot).await.len(), 306);
    assert_eq!(bot.github.counts().graphql - before.graphql, 2, "the twelve together");
    let before = bot.github.counts();
    assert_eq!(bot.worker.read_documents(&bot.worker.sources[0]).await.unwrap(), None);
    assert_eq!(bot.github.counts().graphql, before.graphql, "of a head that is known nothing is asked");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_cannot_be_read_stay_and_are_asked_for_again() {
    let bot = Bot::of_descriptors(&[("service", &component("service", RUNBOOK)), ("other", &component("other", DOCS))]).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\n## Roll back\n\nTurn it off and on.\n");
    bot.github.push_file("other", "docs/a.md", "# A\n");
    bot.sync().await;
    settle(&bot).await;
    let before = stored(&bot).await;
    assert_eq!(before, ["other docs/a.md", "service ops/on-call.md"]);
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\n## Roll back\n\nAsk Ana.\n");
    bot.github.push_file("other", "docs/b.md", "# B\n");
    bot.github.break_file("service", "ops/on-call.md");
    bot.sync().await;
    settle(&bot).await;
    assert_eq!(stored(&bot).await, ["other docs/a.md", "other docs/b.md", "service ops/on-call.md"]);
    assert!(bot.say("/runbook service roll back").await.contains("Turn it off and on."));
    bot.github.model(|model| model.repo_mut("service").broken_paths.clear());
    bot.pass(TimeDelta::hours(1));
    bot.worker.read_documents(&bot.worker.sources[0]).await.unwrap();
    bot.until("what was left out is there", async |_| bot.say("/runbook service roll back").await.contains("Ask Ana.")).await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_go_with_their_repository() {
    let bot = Bot::of_descriptors(&[("service", &component("service", RUNBOOK)), ("other", &component("other", DOCS))]).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n");
    bot.sync().await;
    settle(&bot).await;
    assert_eq!(stored(&bot).await, ["service ops/on-call.md"]);
    bot.github.delete("service");
    bot.sync_with(SyncOrder::FULL).await;
    assert!(!bot.say("/runbook service").await.contains("On call"));
    let forgotten = bot.app().clock.now() + TimeDelta::days(31);
    bot.app().store.forget_removed(forgotten).await.unwrap();
    assert_eq!(stored(&bot).await, [] as [&str; 0]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_left_to_the_next_turn() {
    let bot = Bot::of_descriptors(&[("service", &component("service", RUNBOOK))]).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n");
    bot.sync().await;
    settle(&bot).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\nNew.\n");
    bot.sync().await;
    bot.github.plan(std::iter::repeat_n(Some(Fault::Status(401)), 40));
    let again = bot.worker.read_documents(&bot.worker.sources[0]).await.unwrap();
    assert!(again.is_some(), "it goes on later");
    assert_eq!(stored(&bot).await, ["service ops/on-call.md"]);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_a_site_keeps_elsewhere_and_folders_of_runbooks_are_read() {
    let folder = "steward.dev/runbook: ops/";
    let bot = Bot::of_descriptors(&[("site", &component("site", DOCS)), ("desk", &component("desk", folder))]).await;
    bot.github.push_file("site", "mkdocs.yml", "site_name: Site\ndocs_dir: 'handbook'  # moved\nnav:\n  - Home: index.md\n  - Deep:\n    - 'More: of it': deep/more.md\ntheme: !!python/name:x.y\n");
    bot.github.push_file(
        "site",
        "handbook/index.md",
        "# Site\n\n![plan](img/plan.png) and [more](deep/more.md#x).\n\n## Oil the hinges\n\nWith linseed.\n",
    );
    bot.github.push_file("site", "handbook/deep/more.md", "# More\n");
    bot.github.push_file("site", "docs/old.md", "# Old\n");
    bot.github.push_file("site", "runbooks/failover.md", "# Fail over\n\n## Promote\n\nPromote the replica.\n");
    bot.github.push_file("desk", "ops/alerts.md", "# Alerts\n\nMute them, see [the list](../list.md) ![x](x.png).\n");
    bot.sync().await;
    settle(&bot).await;
    let all = [
        "desk ops/alerts.md",
        "site docs/old.md",
        "site handbook/deep/more.md",
        "site handbook/index.md",
        "site mkdocs.yml",
        "site runbooks/failover.md",
    ];
    assert_eq!(stored(&bot).await, all);
    bot.until("the runbooks answer", async |_| {
        bot.say("/runbook site failover").await.contains("Promote the replica.")
            && bot.say("/runbook desk").await.contains("Mute them")
    })
    .await;
    let shown = bot.say("/runbook desk").await;
    let commit = bot.app().catalog.load().runbooks(repository_of(&bot, "desk")).first().unwrap().origin.commit.clone().unwrap();
    assert!(
        shown.contains(&format!("/acme/desk/blob/{commit}/list.md")) && shown.contains(&format!("/blob/{commit}/ops/x.png")),
        "{shown}"
    );
    bot.until("the moved page is found", async |_| bot.say("/docs site linseed").await.contains("Oil the hinges")).await;
    let outline = bot.say("/docs site").await;
    let (home, more) = (outline.find("Home"), outline.find("More: of it"));
    assert!(home.is_some() && home < more && outline.contains("has 4 documents"), "in the order of the site: {outline}");
    // Moved back, the pages are gone from where they were.
    bot.github.push_file("site", "mkdocs.yml", "site_name: Site\n");
    bot.sync().await;
    settle(&bot).await;
    assert_eq!(stored(&bot).await, [all[0], all[1], all[4], all[5]]);
    bot.halt().await;
}

fn repository_of(bot: &Bot, name: &str) -> i64 {
    let entity_ref = steward::catalog::EntityRef::new("component", "default", name);
    bot.app().catalog.load().find(&entity_ref).unwrap().origin.repository_id
}
