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
    check(
        &bot.say("/uses org.apache.logging.log4j:log4j-core <2.17").await,
        expect![[r#"
        3 components ship org.apache.logging.log4j:log4j-core <2.17; 3 teams own them.

          - cart 2.14.1: Team A in #team-a, part of Till
          - tax 2.15.0: Team C, no channel known, part of Till
          - stock 2.0-beta9, 2.16.0: Team B in #team-b, part of Till, archived
        The packages of 5 of 6 repositories are known, read just now. For 1 GitHub has no dependency graph
        that Steward may see.

        Look at these yourself: their versions cannot be compared
          - acme/old ^2.1

        Read from the catalog, synced just now
    "#]],
    );
    check(
        &bot.say("/uses log4j-core [2.0,2.17)").await,
        expect![[r#"
        “log4j-core” is the name of 2 packages. Which one?

          - maven:org.apache.logging.log4j:log4j-core: in 5 repositories
          - maven:com.example:log4j-core: in 1 repository
        → maven:org.apache.logging.log4j:log4j-core  /uses maven:org.apache.logging.log4j:log4j-core [2.0,2.17)
        → maven:com.example:log4j-core               /uses maven:com.example:log4j-core [2.0,2.17)
    "#]],
    );
    check(
        &bot.say("/uses lodash ^4.17.0").await,
        expect![[r#"
        1 component ships lodash ^4.17.0; Team A owns it.

          - cart 4.17.20: Team A in #team-a, part of Till
        The packages of 5 of 6 repositories are known, read just now. For 1 GitHub has no dependency graph
        that Steward may see.

        Read from the catalog, synced just now
    "#]],
    );
    check(
        &bot.say("/uses npm:lodash =>nonsense").await,
        expect![[r#"
        “=>nonsense” is no range of versions: npm does not know it. lodash is a package of npm. Write for
        example ^4.17.0 or <4.17.21.

        → About uses  /help uses
    "#]],
    );
    check(
        &bot.say("/uses left-pad").await,
        expect![[r#"
        No component is known to ship “left-pad”.

        The packages of 5 of 6 repositories are known, read just now. For 1 GitHub has no dependency graph
        that Steward may see.

        Read from the catalog, synced just now
    "#]],
    );
    bot.halt().await;
}

/// So many services with log4j 2.0 and up, of three teams in turn.
async fn twenty() -> Bot {
    let names: Vec<(String, &str, String)> = (0..20)
        .map(|at| (format!("service-{at:02}"), ["team-a", "team-b", "team-c"][at % 3], format!("{LOG4J}2.{at}.0")))
        .collect();
    let purls: Vec<[&str; 1]> = names.iter().map(|(_, _, purl)| [purl.as_str()]).collect();
    let repositories: Vec<(&str, &str, &[&str])> =
        names.iter().zip(&purls).map(|((name, owner, _), purls)| (name.as_str(), *owner, &purls[..])).collect();
    bot_of(&repositories).await
}

fn tell_button(reply: &Reply) -> Option<(String, String)> {
    reply.buttons.iter().find_map(|button| match (&button.does, &button.confirm) {
        (Does::Say(line), Some(question)) => Some((line.clone(), question.clone())),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_owning_team_is_told_once_a_day_by_whoever_the_catalog_knows() {
    let bot = twenty().await;
    assert_eq!(read(&bot).await, 2 * 20 + 1, "a report and its fetching each; the repository of the teams has no graph");
    let answer = bot.ask("ana", "/uses log4j-core <2.17").await;
    assert_eq!(answer.lead.to_plain(), "17 components ship org.apache.logging.log4j:log4j-core <2.17; 3 teams own them.");
    assert_eq!(answer.refs.len(), 17);
    let (line, question) = tell_button(&answer).expect("a button");
    assert_eq!(question, "Send 3 teams one message each?");

    // Who is not known may look, not act.
    assert_eq!(tell_button(&bot.ask("guest", "/uses log4j-core <2.17").await), None);
    let refused = bot.say(&line).await;
    assert!(refused.contains("for people whom the catalog knows"), "{refused}");
    assert!(audit_lines(&bot).await.is_empty());

    check(
        &bot.say_as("ana", &line).await,
        expect![[r#"
        2 teams were told of org.apache.logging.log4j:log4j-core <2.17.

          - Team A in #team-a
          - Team B in #team-b
          ! No channel of theirs is known here; please tell them yourself: Team C.
    "#]],
    );
    let messages = bot.messages("#team-b", 1).await;
    check(
        &render(&messages[0]),
        expect![[r#"
        Team B: 6 components of yours ship org.apache.logging.log4j:log4j-core <2.17.

          - service-01 component:service-01: 2.1.0 in acme/service-01
          - service-04 component:service-04: 2.4.0 in acme/service-04
          - service-07 component:service-07: 2.7.0 in acme/service-07
          - service-10 component:service-10: 2.10.0 in acme/service-10
          - service-13 component:service-13: 2.13.0 in acme/service-13
          - service-16 component:service-16: 2.16.0 in acme/service-16
          Ana Silva asked Steward to tell you.
        → Who else ships it  /uses maven:org.apache.logging.log4j:log4j-core <2.17
    "#]],
    );
    assert_eq!(bot.messages("#team-a", 1).await.len(), 1);
    bot.until("each message has its end", async |_| {
        audit_lines(&bot).await.iter().all(|(.., result)| result.as_deref() == Some("sent"))
    })
    .await;
    let lines = audit_lines(&bot).await;
    let subjects: Vec<&str> = lines.iter().map(|(_, subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["group:default/team-a", "group:default/team-b"]);

    let again = bot.say_as("ana", &line).await;
    assert!(again.starts_with("Nobody more was told of"), "{again}");
    assert!(again.contains("Told of the same within the last day already: Team A, Team B."), "{again}");
    // Another range is another matter, and so is another day.
    assert!(bot.say_as("ana", "/uses log4j-core <2.2 tell").await.starts_with("2 teams were told"));
    bot.pass(TimeDelta::hours(24));
    assert!(bot.say_as("ana", &line).await.starts_with("2 teams were told"));
    assert_eq!(bot.messages("#team-b", 3).await.len(), 3);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_reads_what_changed_by_itself_and_asks_nothing_twice() {
    let bot = bot_of(&[("cart", "team-a", &[&format!("{LOG4J}2.14.1")]), ("mail", "team-b", &[])]).await;
    bot.until("the queue's job has read them", async |app| {
        app.store.load_package_targets("acme", app.clock.now(), 9).await.is_ok_and(|targets| targets.is_empty())
    })
    .await;
    assert!(bot.say("/uses log4j-core").await.starts_with("1 component ships"));
    bot.sync().await;
    assert_eq!(read(&bot).await, 0, "no head changed");
    bot.github.model(|model| model.ship("cart", &[&format!("{LOG4J}2.17.1"), "pkg:npm/left-pad@1.0.0"]));
    bot.github.push_file("cart", "README.md", "# Cart");
    bot.sync().await;
    assert_eq!(read(&bot).await, 2, "one head changed");
    assert!(bot.say("/uses log4j-core <2.17").await.starts_with("No component is known to ship"));
    assert!(bot.say("/uses left-pad").await.starts_with("1 component ships"));
    // What is gone ships nothing.
    bot.github.delete("cart");
    bot.sync().await;
    assert!(bot.say("/uses left-pad").await.starts_with("No component is known to ship"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_is_asked_in_its_own_way() {
    let bot = bot_of(&[("cart", "team-a", &[&format!("{LOG4J}2.14.1")]), ("mail", "team-b", &[&format!("{LOG4J}2.15.0")])]).await;
    bot.github.model(|model| model.graph.kind = Kind::Whole);
    read(&bot).await;
    let asked = bot.github.model(|model| model.graph.asked.clone());
    assert_eq!(asked, ["cart sbom/report", "cart sbom", "mail sbom", "org sbom"], "it makes no reports, which is learnt once");
    assert!(bot.say("/uses log4j-core").await.starts_with("2 components ship"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_costs_one_question_until_the_head_changes() {
    let bot = bot_of(&[("cart", "team-a", &[]), ("mail", "team-b", &[])]).await;
    bot.github.model(|model| model.graph.forbidden = true);
    assert_eq!(read(&bot).await, 3);
    bot.pass(TimeDelta::days(30));
    bot.sync().await;
    assert_eq!(read(&bot).await, 0);
    let answer = bot.ask("guest", "/uses log4j-core").await;
    let covered = "The packages of 0 of 3 repositories are known. For 3 GitHub has no dependency graph that Steward may see.";
    assert_eq!(answer.cards[0].footer.to_plain(), covered);
    bot.github.model(|model| {
        model.graph.forbidden = false;
        model.graph.packages.clear();
    });
    // Where graphs are off both ways say 404, so one way is enough after the first.
    for name in ["cart", "mail", "org"] {
        bot.github.push_file(name, "README.md", "more");
    }
    bot.sync().await;
    assert_eq!(read(&bot).await, 4);
    bot.github.model(|model| model.ship("cart", &[&format!("{LOG4J}2.14.1")]));
    bot.github.push_file("cart", "README.md", "and more");
    bot.sync().await;
    assert_eq!(read(&bot).await, 1);
    assert!(bot.say("/uses log4j-core").await.starts_with("1 component ships"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_takes_its_time_is_fetched_later() {
    let bot = bot_of(&[("cart", "team-a", &[&format!("{LOG4J}2.14.1")])]).await;
    bot.github.model(|model| model.graph.looks = 6);
    read(&bot).await;
    assert!(bot.say("/uses log4j-core").await.starts_with("Nothing is known"));
    bot.pass(TimeDelta::seconds(30));
    read(&bot).await;
    assert!(bot.say("/uses log4j-core").await.starts_with("1 component ships"));
    let ordered = bot.github.model(|model| model.graph.asked.iter().filter(|asked| *asked == "cart sbom/report").count());
    assert_eq!(ordered, 1 + 5 + 2, "one was ordered; all others look for it");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_github_lose_nothing_that_was_read() {
    let bot = bot_of(&[("cart", "team-a", &[&format!("{LOG4J}2.14.1")])]).await;
    read(&bot).await;
    bot.github.push_file("cart", "README.md", "more");
    bot.sync().await;
    bot.github.plan([Some(Fault::Status(502))]);
    read(&bot).await;
    assert!(bot.say("/uses log4j-core").await.starts_with("1 component ships"), "the former list stays");
    assert_eq!(read(&bot).await, 0, "not at once again");
    bot.pass(TimeDelta::hours(1));
    assert_eq!(read(&bot).await, 2);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_along_with_another_package_says_so() {
    let bot = bot_of(&[("cart", "team-a", &["pkg:npm/express@4.18.0"])]).await;
    bot.github.model(|model| {
        let through = Some("pkg:npm/express@4.18.0".to_owned());
        let listed = Listed { purl: "pkg:npm/qs@6.5.2".to_owned(), version: "6.5.2".to_owned(), through };
        model.graph.packages.get_mut("cart").unwrap().push(listed);
    });
    read(&bot).await;
    assert!(bot.say("/uses qs <6.5.3").await.contains("- cart 6.5.2: Team A in #team-a, part of Till, through another package"));
    assert!(!bot.say("/uses express").await.contains("through another"));
    bot.halt().await;
}

#[test]
fn without_a_store_uses_says_what_is_missing() {
    check(
        &crate::shop::shop().bot().say("/uses log4j-core <2.17"),
        expect![[r#"
        What each repository ships is kept in PostgreSQL, which cannot be reached now.
        Whose a component is, /owner knows without.

        → About owner  /help owner
    "#]],
    );
}

async fn audit_lines(bot: &Bot) -> Vec<(String, String, Option<String>)> {
    use sqlx::Row;
    let mut connection = crate::cluster::connect(&bot.database).await;
    let rows = sqlx::query("select command, subject, result from audit order by id").fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

fn render(reply: &Reply) -> String {
    use steward::cli::ask::{Colour, render_text};
    render_text(&steward::chat::Response::Reply(reply.clone()), 100, Colour::Off)
}
