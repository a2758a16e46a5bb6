//! Locations: what a descriptor names is read too, as far as it may be, and what is missing is told.

use crate::bot::Bot;

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: service\n  \
         lifecycle: production\n  owner: {owner}\n"
    )
}

fn location(name: &str, targets: &[&str]) -> String {
    let targets: String = targets.iter().map(|target| format!("    - {target}\n")).collect();
    format!("apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: {name}\nspec:\n  targets:\n{targets}")
}

/// What a sync said is wrong: where, and why.
async fn errors(bot: &Bot) -> Vec<(String, String)> {
    let summary = bot.sync().await;
    summary.sources[0].errors.iter().map(|error| (error.location.clone(), error.message.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn monorepo_is_read_by_glob_and_follows_its_files() {
    let bot = Bot::of_descriptors(&[("mono", &location("root", &["./services/*/catalog-info.yaml", "teams.yaml"]))]).await;
    bot.github.push_file("mono", "services/basket/catalog-info.yaml", component("basket", "team-a"));
    bot.github.push_file("mono", "services/checkout/catalog-info.yaml", component("checkout", "team-a"));
    bot.github.push_file("mono", "services/checkout/deep/catalog-info.yaml", component("too-deep", "team-a"));
    bot.github.push_file("mono", "teams.yaml", component("teams", "team-a"));
    assert_eq!(errors(&bot).await, []);
    for name in ["basket", "checkout", "teams"] {
        assert!(bot.say(&format!("/owner {name}")).await.starts_with(&format!("{name} has no known owner")), "{name}");
    }
    assert!(bot.say("/owner too-deep").await.contains("no entry") || !bot.say("/find too-deep").await.contains("too-deep ("));
    bot.github.push_file("mono", "services/basket/catalog-info.yaml", component("basket", "team-b"));
    bot.github.remove_file("mono", "services/checkout/catalog-info.yaml");
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].changed, summary.sources[0].removed), (1, 1));
    assert!(bot.say("/owner basket").await.contains("team-b"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn circle_of_locations_ends() {
    let bot = Bot::of_descriptors(&[("mono", &location("root", &["./a.yaml"]))]).await;
    bot.github.push_file("mono", "a.yaml", location("a", &["./b.yaml"]));
    bot.github.push_file("mono", "b.yaml", location("b", &["./a.yaml", "./catalog-info.yaml", "./c.yaml"]));
    bot.github.push_file("mono", "c.yaml", component("service", "team-a"));
    assert_eq!(errors(&bot).await, []);
    assert!(bot.say("/owner service").await.contains("team-a"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locations_past_the_fifth_are_told_and_not_read() {
    let bot = Bot::of_descriptors(&[("mono", &location("l0", &["./l1.yaml"]))]).await;
    for at in 1..=6 {
        bot.github.push_file("mono", &format!("l{at}.yaml"), location(&format!("l{at}"), &[&format!("./l{}.yaml", at + 1)]));
    }
    let told = errors(&bot).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "acme/mono/l5.yaml:7");
    assert!(told[0].1.starts_with("./l6.yaml is not read: Locations lead on to one another more than 5 times"), "{told:?}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_target_is_told_with_its_line_until_it_is_there() {
    let bot = Bot::of_descriptors(&[("mono", &location("root", &["./gone.yaml", "../outside.yaml", "ftp://x/y"]))]).await;
    let told = errors(&bot).await;
    let expected = [
        ("acme/mono/catalog-info.yaml:7", "./gone.yaml is not read: there is no such file in the repository"),
        ("acme/mono/catalog-info.yaml:8", "../outside.yaml is not read: it leads out of the repository"),
        ("acme/mono/catalog-info.yaml:9", "ftp://x/y is not read: only addresses with http:// or https:// are read"),
    ];
    assert_eq!(told, expected.map(|(place, why)| (place.to_owned(), why.to_owned())));
    assert!(bot.say("/catalog").await.contains("catalog-info.yaml:7"));
    bot.github.push_file("mono", "gone.yaml", component("service", "team-a"));
    bot.github.push_file("mono", "catalog-info.yaml", location("root", &["./gone.yaml"]));
    assert_eq!(errors(&bot).await, []);
    assert!(!bot.say("/catalog").await.contains("catalog-info.yaml:7"));
    assert!(bot.say("/owner service").await.contains("team-a"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn optional_target_may_be_missing() {
    let text = format!("{}  presence: optional\n", location("root", &["./perhaps.yaml"]));
    let bot = Bot::of_descriptors(&[("mono", &text)]).await;
    assert_eq!(errors(&bot).await, []);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_location_keeps_what_it_led_to() {
    let bot = Bot::of_descriptors(&[("mono", &location("root", &["./services/*.yaml"]))]).await;
    bot.github.push_file("mono", "services/a.yaml", component("first", "team-a"));
    bot.github.push_file("mono", "services/b.yaml", component("second", "team-a"));
    bot.sync().await;
    bot.github.push_file("mono", "catalog-info.yaml", "kind: Location\n\tspec: {}\n");
    bot.github.push_file("mono", "services/a.yaml", component("first", "team-b"));
    bot.github.remove_file("mono", "services/b.yaml");
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].changed, summary.sources[0].removed), (1, 1), "{:?}", summary.sources[0].errors);
    assert!(bot.say("/owner first").await.contains("team-b"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_repository_is_read_by_its_address() {
    let address = "https://github.com/acme/shared/blob/main/services/*.yaml";
    let own = "https://github.com/acme/mono/blob/main/own.yaml";
    let bot = Bot::of_descriptors(&[("mono", &location("root", &[address, own]))]).await;
    bot.github.add_repository("shared", &[("services/search.yaml", &component("search", "team-a"))]);
    bot.github.push_file("mono", "own.yaml", component("own", "team-a"));
    assert_eq!(errors(&bot).await, []);
    let answer = bot.say("/owner search").await;
    assert!(
        answer.contains("team-a") && answer.contains("https://github.com/acme/shared/blob/main/services/search.yaml"),
        "{answer}"
    );
    assert!(bot.say("/owner own").await.contains("acme/mono@"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runbook_and_docs_are_read_where_annotations_say() {
    let text = component("service", "team-a").replace(
        "  name: service\n",
        "  name: service\n  annotations:\n    steward.dev/runbook: ops/on-call.md\n    backstage.io/techdocs-ref: dir:./handbook\n",
    );
    let bot = Bot::of_descriptors(&[("service", &text)]).await;
    bot.github.push_file("service", "ops/on-call.md", "# On call\n\n## Roll back\n\nTurn it off and on.\n");
    bot.github.push_file("service", "handbook/docs/index.md", "# Handbook\n");
    bot.github.push_file("service", "handbook/docs/deep/more.md", "# More\n");
    bot.github.push_file("service", "handbook/mkdocs.yml", "site_name: Handbook\n");
    assert_eq!(errors(&bot).await, []);
    assert!(bot.say("/runbook service roll back").await.contains("Turn it off and on."));
    let mut connection = crate::cluster::connect(&bot.database).await;
    let rows = sqlx::query_scalar::<_, String>("select path from files where role = 'doc' order by path");
    let docs = rows.fetch_all(&mut connection).await.unwrap();
    assert_eq!(docs, ["handbook/docs/deep/more.md", "handbook/docs/index.md", "handbook/mkdocs.yml"]);
    bot.halt().await;
}
