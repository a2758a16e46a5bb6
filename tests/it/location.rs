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

/// What a sync said is wrong: where, and why. It tells each of its requests.
async fn errors(bot: &Bot) -> Vec<(String, String)> {
    let before = bot.github.counts();
    let summary = bot.sync().await;
    let after = bot.github.counts();
    let told = summary.sources[0].api_requests;
    assert_eq!((told.graphql, told.rest), (after.graphql - before.graphql, after.rest - before.rest));
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
    let entities = bot.app().catalog.load();
    assert_eq!(entities.entries().len(), 4, "the Location and three; a star does not match a slash");
    drop(entities);
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
async fn page_of_repositories_is_expanded_in_few_requests_and_only_when_it_changed() {
    let names: Vec<String> = (0..40).map(|at| format!("mono-{at}")).collect();
    let text = location("root", &["./services/*.yaml"]);
    let descriptors: Vec<(String, String)> =
        names.iter().map(|name| (name.clone(), text.replace("name: root", &format!("name: {name}")))).collect();
    let descriptors: Vec<(&str, &str)> = descriptors.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let bot = Bot::of_descriptors(&descriptors).await;
    for name in &names {
        bot.github.push_file(name, "services/one.yaml", component(&format!("{name}-one"), "team-a"));
    }
    let summary = bot.sync().await;
    let asked = bot.github.counts();
    let told = summary.sources[0].api_requests;
    assert_eq!((summary.sources[0].added, told.graphql, told.rest), (80, asked.graphql, asked.rest), "each request is told");
    assert!(asked.graphql <= 6 && asked.rest == 0, "40 repositories cost {asked:?}");
    bot.github.reset_counts();
    let summary = bot.sync().await;
    assert_eq!((summary.sources[0].changed, summary.sources[0].removed, summary.sources[0].unchanged), (0, 0, 80));
    assert!(bot.github.counts().graphql <= 2, "nothing changed, nothing is read: {:?}", bot.github.counts());
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_read_by_the_same_rules_and_never_left() {
    let root = tempfile::TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("secret.yaml", &component("secret", "team-a"));
    write("other/catalog-info.yaml", &component("other", "team-a"));
    write("mono/services/basket/catalog-info.yaml", &component("basket", "team-a"));
    let targets = ["./services/*/catalog-info.yaml", "../secret.yaml", "./link.yaml", "./folder/secret.yaml"];
    write("mono/catalog-info.yaml", &location("root", &targets));
    std::os::unix::fs::symlink(root.path().join("secret.yaml"), root.path().join("mono/link.yaml")).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("mono/folder")).unwrap();
    let directory = steward::directory::DirectorySource {
        path: root.path().to_owned(),
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        layout: Default::default(),
    };
    let source = steward::sync::Source::Directory { id: "folder".to_owned(), directory };
    let (kinds, elsewhere) = (Default::default(), Default::default());
    let read = steward::sync::read_without_store(&source, &kinds, &elsewhere, crate::bot::morning()).await;
    let parts = read.unwrap();
    let mut names: Vec<&str> = parts.claims.iter().map(|claim| claim.entity.entity_ref.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["component:default/basket", "component:default/other", "location:default/root"]);
    let broken: Vec<&str> = parts.broken.iter().map(|file| file.message.as_str()).collect();
    assert_eq!(broken, ["../secret.yaml is not read: it leads out of the repository"], "the first of three is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn globs_over_folders_stay_between_slashes_unless_they_say_otherwise() {
    let root = tempfile::TempDir::new().unwrap();
    for (path, name) in
        [("catalog.yaml", "top"), ("services/one/catalog.yaml", "one"), ("services/one/deep/catalog.yaml", "deep")]
    {
        let path = root.path().join("mono").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, component(name, "team-a")).unwrap();
    }
    for (glob, expected) in [
        ("*.yaml", &["top"][..]),
        ("./services/*/catalog.yaml", &["one"]),
        ("services/**/catalog.yaml", &["deep", "one"]),
        ("**/catalog.yaml", &["deep", "one", "top"]),
    ] {
        let directory = steward::directory::DirectorySource {
            path: root.path().to_owned(),
            catalog_paths: vec![glob.to_owned()],
            layout: Default::default(),
        };
        let source = steward::sync::Source::Directory { id: "folder".to_owned(), directory };
        let (kinds, elsewhere) = (Default::default(), Default::default());
        let read = steward::sync::read_without_store(&source, &kinds, &elsewhere, crate::bot::morning()).await;
        let parts = read.unwrap();
        let mut names: Vec<&str> = parts.claims.iter().map(|claim| claim.entity.entity_ref.as_str()).collect();
        names.sort_unstable();
        let expected: Vec<String> = expected.iter().map(|name| format!("component:default/{name}")).collect();
        assert_eq!(names, expected, "{glob}");
    }
}
