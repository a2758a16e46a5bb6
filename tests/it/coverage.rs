//! Which components have docs and runbooks, and which links are dead: found out slowly, kindly, and never inside.

use chrono::TimeDelta;
use steward::{
    chat::{Does, Status},
    web::{Web, WebError},
};

use crate::{
    bot::{Bot, Places},
    cluster::connect,
    fake_web::{FakeWeb, Page},
    shop::shop,
};

const PEOPLE: &str = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team-a\nspec:\n  type: team\n  children: []\n  \
                      profile: { displayName: Team A }\n";

fn component(name: &str, owner: &str, links: &[String], annotations: &str) -> String {
    let links: String = links.iter().map(|url| format!("    - {{ url: \"{url}\", title: Link }}\n")).collect();
    let links = if links.is_empty() { String::new() } else { format!("  links:\n{links}") };
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  annotations: {{ {annotations} }}\n{links}\
         spec: {{ type: service, lifecycle: production, owner: {owner} }}\n"
    )
}

/// Everything that is due is asked for, and what came of it is in memory.
async fn ask_all(bot: &Bot) {
    let (store, clock) = (&bot.app().store, &bot.app().clock);
    bot.worker.check_links().await.unwrap();
    while store.has_due_links(clock.now()).await.unwrap() {
        bot.worker.check_links().await.unwrap();
    }
    bot.worker.read_coverage().await.unwrap();
}

async fn documented(bot: &Bot) {
    bot.until("all documents are read", async |app| {
        app.store.load_document_targets("acme", None, app.clock.now(), 1).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_fail_for_a_day_are_dead_and_live_again_when_something_answers() {
    let web = FakeWeb::start().await;
    // What the operator has named may be inside of the network, as this server is.
    let trusted = web.text("/named.yaml", component("named", "team-a", &[], ""));
    web.text("/alive", "here");
    web.set("/no-head", Page::NoHead);
    web.set("/sign-in", Page::Status(403));
    web.set("/moved", Page::LeadsTo(web.address("/alive")));
    web.set("/circle", Page::LeadsTo(web.address("/circle")));
    web.set("/fault", Page::Status(500));
    let paths = ["/alive", "/no-head", "/sign-in", "/moved", "/circle", "/fault", "/gone", "/gone#part"];
    let mut links: Vec<String> = paths.iter().map(|path| web.address(path)).collect();
    links.extend(["https://github.com/acme/other/wiki", "mailto:a@b.example"].map(str::to_owned));
    let docs = "backstage.io/techdocs-ref: 'dir:.'";
    let descriptors = [
        ("people", PEOPLE.to_owned()),
        ("service", component("service", "team-a", &links, "")),
        ("book", component("book", "nobody-known", &[], docs)),
    ];
    let descriptors: Vec<(&str, &str)> = descriptors.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let bot = Bot::with_places(&descriptors, Places { targets: vec![trusted], ..Places::default() }).await;
    bot.github.push_file(
        "book",
        "docs/index.md",
        format!("# Book\n\nSee [the wiki]({}), [here](#x) or [that](../a.md).\n", web.address("/lost")),
    );
    bot.github.push_file("service", "runbook.md", format!("# Runbook\n\nOpen <{}>.\n", web.address("/gone")));
    bot.sync().await;
    documented(&bot).await;
    ask_all(&bot).await;
    let asked = |path: &str| web.asked().iter().filter(|asked| asked.path == path).count();
    assert_eq!((asked("/alive"), asked("/gone"), asked("/lost")), (2, 2, 2), "HEAD, then GET where that is no good news");
    // A night of maintenance kills nothing.
    assert!(bot.say("/catalog").await.contains("Dead links: none of 8 that were looked at"), "{}", bot.say("/catalog").await);
    ask_all(&bot).await;
    assert_eq!(asked("/gone"), 2, "not asked again at once");
    for _ in 0..2 {
        bot.pass(TimeDelta::hours(12));
        ask_all(&bot).await;
    }
    assert_eq!(asked("/alive"), 2, "what answers is left alone for days");
    let catalog = bot.ask("guest", "/catalog").await;
    let said = bot.say("/catalog").await;
    assert!(said.contains("Dead links: 4 of 8 that were looked at"), "{said}");
    assert!(said.contains("Docs: 1 of 3 components (33 %)") && said.contains("Runbooks: 1 of 3 components (33 %)"), "{said}");
    let does =
        |line: &str| catalog.cards.iter().flat_map(|card| &card.buttons).any(|button| button.does == Does::Say(line.to_owned()));
    assert!(does("catalog dead-links"));
    let said = bot.say("/catalog dead-links").await;
    assert!(said.starts_with("4 dead links, by owner"), "{said}");
    assert!(said.contains("Team A") && said.contains("nobody-known"), "{said}");
    let said = bot.say("/catalog dead-links team-a").await;
    assert!(said.starts_with("3 dead links of Team A."), "{said}");
    for words in ["/gone", "the server answers 404", "/fault", "/circle", "named in", "runbook.md of"] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    assert!(!said.contains("/lost"), "{said}");
    assert_eq!(bot.ask("guest", "/catalog dead-links team-zzz").await.status, Status::NotFound);
    let of_book = steward::catalog::EntityRef::new("component", "default", "book");
    let coverage = bot.app().live.load().coverage;
    assert_eq!(coverage.dead_links_of(&of_book).count(), 1, "other checks can ask");
    // Once something answers it lives, and what nobody names any more is forgotten.
    web.text("/gone", "back");
    web.text("/lost", "back");
    bot.github.push_file("service", "catalog-info.yaml", component("service", "team-a", &[web.address("/gone")], ""));
    bot.sync().await;
    bot.pass(TimeDelta::days(8));
    ask_all(&bot).await;
    let said = bot.say("/catalog").await;
    assert!(said.contains("Dead links: none of 2 that were looked at"), "{said}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_into_the_network_are_never_asked_for() {
    let web = FakeWeb::start().await;
    web.text("/inside", "here");
    let links = [
        web.address("/inside"),
        "http://169.254.169.254/latest/meta-data".into(),
        "http://localhost:7007/metrics".into(),
        "http://10.0.0.1/".into(),
    ];
    let bot = Bot::of_descriptors(&[("service", &component("service", "team-a", &links, ""))]).await;
    bot.sync().await;
    for _ in 0..4 {
        ask_all(&bot).await;
        bot.pass(TimeDelta::days(7));
    }
    assert_eq!(web.asked(), []);
    assert!(bot.say("/catalog").await.contains("Dead links: none of 4"), "nothing is known of them");
    let outside: url::Url = "http://localhost.example.test/".parse().unwrap();
    let by_name = Web::default().probe(&web.address("/inside").replace("127.0.0.1", "localhost").parse().unwrap()).await;
    assert!(matches!(by_name, Err(WebError::NotAllowed { .. })), "{by_name:?}");
    assert!(Web::default().probe(&outside).await.is_err());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_asks_for_links_and_begins_only_where_that_is_wanted() {
    let web = FakeWeb::start().await;
    let trusted = web.text("/named.yaml", component("named", "team-a", &[web.address("/gone")], ""));
    let bot = Bot::with_places(&[], Places { targets: vec![trusted], ..Places::default() }).await;
    bot.sync().await;
    bot.app().store.enqueue_job(steward::store::Job::CheckLinks(TimeDelta::zero())).await.unwrap();
    bot.until("the job has asked", async |_| web.asked().iter().any(|asked| asked.path == "/gone")).await;
    let mut connection = connect(&bot.database).await;
    bot.until("it is written down", async |_| {
        let checked = sqlx::query_scalar::<_, i64>("select count(*) from checked_links where failures = 1");
        checked.fetch_one(&mut connect(&bot.database).await).await.unwrap() == 1
    })
    .await;
    let tables = sqlx::query_scalar::<_, i64>("select count(*) from link_collections").fetch_one(&mut connection).await;
    assert_eq!(tables.unwrap(), 1);
    bot.halt().await;
}

#[test]
fn catalog_names_what_nobody_owns() {
    let mut world = shop();
    assert!(!world.bot().say("catalog").contains("No known owner"));
    world.component("loyalty-service").owner("team-loyalty");
    world.component("reviews").owner("user:default/karen.white");
    assert!(world.bot().say("catalog").contains("  No known owner: loyalty-service, reviews.\n"));
    for name in ["stray-a", "stray-b", "stray-c", "stray-d"] {
        world.component(name);
    }
    let said = world.bot().say("catalog");
    assert!(said.contains("No known owner: loyalty-service, reviews, stray-a, stray-b, stray-c + 1 more."), "{said}");
}
