//! Which components ship a package: from the fake's dependency graph to the teams' channels.

use chrono::TimeDelta;
use expect_test::expect;
use steward::chat::{Does, Reply};

use crate::{
    bot::Bot,
    fake_github::{
        Fault,
        sbom::{Kind, Listed},
    },
    shop::check,
};

const TEAMS: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-a, title: Team A, annotations: { slack.com/channel: '#team-a' } }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-b, title: Team B, annotations: { steward.dev/channel: '#team-b' } }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-c, title: Team C }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ana }
spec: { memberOf: [team-a], profile: { displayName: Ana Silva } }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: till, title: Till }
spec: { owner: team-a }
";

const LOG4J: &str = "pkg:maven/org.apache.logging.log4j/log4j-core@";

fn component(name: &str, owner: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name} }}\nspec: {{ type: service, lifecycle: production, owner: {owner}, system: till }}\n"
    )
}

/// These repositories, each with a component of its name, its owner and what it ships.
async fn bot_of(repositories: &[(&str, &str, &[&str])]) -> Bot {
    // As `main` does; a second time does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let texts: Vec<(&str, String)> = repositories.iter().map(|(name, owner, _)| (*name, component(name, owner))).collect();
    let mut descriptors: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    descriptors.push(("org", TEAMS));
    let bot = Bot::of_descriptors(&descriptors).await;
    bot.github.model(|model| {
        for (name, _, purls) in repositories {
            model.ship(name, purls);
        }
    });
    bot.sync().await;
    bot
}

/// One turn of the job; how many questions it cost.
async fn read(bot: &Bot) -> usize {
    let before = bot.github.model(|model| model.graph.asked.len());
    bot.worker.read_packages(&bot.worker.sources[0]).await.unwrap();
    bot.github.model(|model| model.graph.asked.len()) - before
}

#[tokio::test(flavor = "multi_thread")]
async fn components_that_ship_a_package_are_told_with_version_and_owner() {
    let bot = bot_of(&[
        ("cart", "team-a", &[&format!("{LOG4J}2.14.1"), "pkg:npm/lodash@4.17.20", "pkg:npm/%40types/lodash@4.14.0"]),
        ("mail", "team-b", &[&format!("{LOG4J}2.17.1")]),
        ("stock", "team-b", &[&format!("{LOG4J}2.0-beta9"), &format!("{LOG4J}2.16.0")]),
        ("tax", "team-c", &[&format!("{LOG4J}2.15.0"), "pkg:maven/com.example/log4j-core@1.0"]),
        ("old", "nobody", &["pkg:maven/org.apache.logging.log4j/log4j-core ^2.1"]),
    ])
    .await;
    bot.github.archive("stock");
    bot.sync().await;
    assert!(bot.say("/uses log4j-core").await.starts_with("Nothing is known of “log4j-core”"), "not before it was read");
    read(&bot).await;
    check(&bot.say("/uses org.apache.logging.log4j:log4j-core <2.17").await, expect![[r#"
        3 components ship org.apache.logging.log4j:log4j-core <2.17; 3 teams own them.

          - cart 2.14.1: Team A in #team-a, part of Till
          - tax 2.15.0: Team C, no channel known, part of Till
          - stock 2.0-beta9, 2.16.0: Team B in #team-b, part of Till, archived
        Packages are known of 5 of 6 repositories, read just now. Of 1, GitHub has no dependency graph, or
        does not show it.

        Look at these yourself: their versions cannot be compared
          - acme/old ^2.1

        Read from the catalog, synced just now
    "#]]);
    check(&bot.say("/uses log4j-core [2.0,2.17)").await, expect![[r#"
        “log4j-core” is the name of 2 packages. Which one?

          - maven:org.apache.logging.log4j:log4j-core: in 5 repositories
          - maven:com.example:log4j-core: in 1 repository
        → maven:org.apache.logging.log4j:log4j-core  /uses maven:org.apache.logging.log4j:log4j-core [2.0,2.17)
        → maven:com.example:log4j-core               /uses maven:com.example:log4j-core [2.0,2.17)
    "#]]);
    check(&bot.say("/uses lodash ^4.17.0").await, expect![[r#"
        1 component ships lodash ^4.17.0; 1 team owns it.

          - cart 4.17.20: Team A in #team-a, part of Till
        Packages are known of 5 of 6 repositories, read just now. Of 1, GitHub has no dependency graph, or
        does not show it.

        Read from the catalog, synced just now
    "#]]);
    check(&bot.say("/uses npm:lodash =>nonsense").await, expect![[r#"
        “=>nonsense” is no range of versions: npm does not know it. lodash is a package of npm. Write for
        example ^4.17.0 or <4.17.21.

        → About uses  /help uses
    "#]]);
    check(&bot.say("/uses left-pad").await, expect![[r#"
        No component is known to ship “left-pad”.

        Packages are known of 5 of 6 repositories, read just now. Of 1, GitHub has no dependency graph, or
        does not show it.

        Read from the catalog, synced just now
    "#]]);
    bot.halt().await;
}
