//! The first descriptor: what is read of a repository that has none, whose it is guessed to be, and what is said of it.

use expect_test::expect;
use serde_json::json;
use steward::{
    chat::{FieldKind, Form, Value},
    settings::Settings,
};

use super::{
    fix::{proposed, until_said},
    lines, said, shop,
};
use crate::{
    bot::{Bot, form},
    cluster::new_database,
    fake_github::{FakeGithub, Fault},
    shop::check,
};

const PACKAGE: &str = r#"{
  "name": "till", "private": true, "description": "Takes the money: cash, cards.",
  "homepage": "https://till.example.com/", "main": "index.js",
  "scripts": { "start": "node ." }, "dependencies": { "express": "^5.0.0" }
}"#;

/// A repository that was pushed to the day before.
async fn bot_with(files: &[(&str, &str)]) -> Bot {
    let bot = shop().await;
    bot.github.add_repository("till", files);
    bot.github.model(|model| {
        model.change("till", |repo| {
            repo.topics = vec!["tier-1".to_owned()];
            repo.language = Some("TypeScript".to_owned());
        });
    });
    bot
}

/// Has each of these write a commit, the last the latest, and reads the organisation.
async fn commits(bot: &Bot, logins: &[Option<&str>]) {
    bot.github.model(|model| {
        for (at, login) in logins.iter().enumerate() {
            model.push("till", &[("README.md", Some(format!("Draft {at}.").as_bytes()))]);
            model.repo_mut("till").commits.last_mut().unwrap().login = login.map(str::to_owned);
        }
    });
    bot.sync().await;
    let pushed = bot.github.model(|model| model.find_repo("till").unwrap().pushed_at.unwrap());
    bot.pass(pushed - bot.app().clock.now() + chrono::TimeDelta::days(1));
}

/// Sends the form with the owner emptied, as a platform sends it.
async fn describe(bot: &Bot, more: &[(&str, &str)]) -> Form {
    let opened = bot.open_form("ana", "hygiene describe acme/till").await;
    let answers: Vec<(&str, &str)> =
        [("owner", ""), ("type", ""), ("lifecycle", "production")].into_iter().chain(more.iter().copied()).collect();
    let begun = said(bot.submit("ana", &opened, &answers).await);
    assert_eq!(begun, "A first descriptor is being proposed to acme/till. How it goes on is shown here.");
    opened
}

fn body(bot: &Bot) -> String {
    bot.github.model(|model| model.made.pulls.last().expect("it is opened")["body"].as_str().unwrap().to_owned())
}

async fn message(bot: &Bot) -> String {
    let reply = bot.messages(&Bot::conversation("ana"), 1).await.pop().unwrap();
    steward::cli::ask::render_text(&steward::chat::Response::Reply(reply), 160, steward::cli::ask::Colour::Off)
}

fn value(form: &Form, name: &str) -> Option<String> {
    let field = form.fields.iter().find(|field| field.name == name).unwrap();
    field.value.as_ref().map(|value| Value::as_text(value).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_empty_is_read_in_the_repository_and_the_pull_request_says_where() {
    let bot = bot_with(&[
        ("Dockerfile", "FROM scratch"),
        ("package.json", PACKAGE),
        (".github/CODEOWNERS", "* @acme/team-shop\n/docs/ @writer\n"),
        (".github/workflows/test.yml", "on: push"),
        (".circleci/config.yml", "version: 2.1"),
        ("Jenkinsfile", "pipeline {}"),
        ("sonar-project.properties", "# ours\nsonar.projectKey = acme_till\n"),
    ])
    .await;
    commits(&bot, &[Some("ana-s"), Some("ana-s")]).await;
    let before = bot.github.log().len();
    let opened = describe(&bot, &[]).await;
    // The form itself asks GitHub nothing.
    assert_eq!(value(&opened, "type"), None);
    until_said(&bot, "ana", "Proposed: ").await;
    check(
        &proposed(&bot, "till", "catalog-info.yaml"),
        expect![[r#"
        apiVersion: backstage.io/v1alpha1
        kind: Component
        metadata:
          name: till
          description: "Takes the money: cash, cards."
          annotations:
            github.com/project-slug: acme/till
            circleci.com/project-slug: github/acme/till
            sonarqube.org/project-key: acme_till
          links:
            - url: https://till.example.com/
              title: Homepage
          tags:
            - tier-1
            - typescript
        spec:
          type: service
          lifecycle: production
          owner: team-shop
    "#]],
    );
    check(
        &body(&bot),
        expect![[r#"
            What was wrong:

            - **acme/till**: no descriptor. Somebody works on it, and whoever asks what it is, or who answers for it, finds nothing.

            What this changes, and nothing else:

            - `catalog-info.yaml`: new

            Where what it says comes from:

            - lifecycle: said in the form
            - owner `team-shop`, a guess: named in CODEOWNERS of acme/till. Please correct it where it is wrong.
            - type `service`: Dockerfile
            - description: package.json
            - project at CircleCI `github/acme/till`: .circleci/config.yml
            - project at SonarQube `acme_till`: sonar-project.properties
            - link `https://till.example.com/`: package.json
            - tags: topics and main language on GitHub
            - CI: GitHub Actions (.github/workflows/test.yml), CircleCI (.circleci/config.yml), Jenkins (Jenkinsfile)

            Asked for by Ana Silva in chat; proposed by Steward.
        "#]],
    );
    check(
        &message(&bot).await,
        expect![[r#"
            Proposed: a first descriptor in acme/till#1 <https://github.com/acme/till/pull/1>. It waits for review.

              - No descriptor of acme/till
              - Owner: team-shop, a guess: named in CODEOWNERS of acme/till
                --- /dev/null
                +++ b/catalog-info.yaml
                @@ -0,0 +1,19 @@
                +apiVersion: backstage.io/v1alpha1
                +kind: Component
                +metadata:
                +  name: till
                +  description: "Takes the money: cash, cards."
                +  annotations:
                +    github.com/project-slug: acme/till
                +    circleci.com/project-slug: github/acme/till
                +    sonarqube.org/project-key: acme_till
                +  links:
                +    - url: https://till.example.com/
                +      title: Homepage
                +  tags:
                +    - tier-1
                +    - typescript
                +spec:
                +  type: service
                +  lifecycle: production
                +  owner: team-shop
            Asked for by Ana Silva.

            → Pull request  https://github.com/acme/till/pull/1
        "#]],
    );
    let log = bot.github.log();
    // Without the hashes, which are the fake's own.
    let place = |line: &String| {
        line.rsplit_once('/').filter(|(_, last)| last.len() == 40).map_or(line.clone(), |(place, _)| place.to_owned())
    };
    let read: Vec<String> = log[before..].iter().take_while(|line| !line.contains("/pulls")).map(place).collect();
    check(
        &read.join("\n"),
        expect![[r#"
            GET /repos/acme/till/commits
            GET /repos/acme/till/git/trees
            GET /repos/acme/till/contents/package.json
            GET /repos/acme/till/contents/sonar-project.properties
            GET /repos/acme/till/contents/.github/CODEOWNERS"#]],
    );
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wrote_most_of_it_is_guessed_where_codeowners_names_nobody_known() {
    let bot = bot_with(&[("go.mod", "module till"), ("CODEOWNERS", "* @acme/strangers @nobody\n")]).await;
    let wrote =
        [Some("renovate[bot]"), Some("ana-s"), Some("stranger"), None, Some("ana-s"), Some("renovate[bot]"), Some("ana-s")];
    commits(&bot, &wrote).await;
    describe(&bot, &[("description", "Takes the money.")]).await;
    until_said(&bot, "ana", "Proposed: ").await;
    let text = proposed(&bot, "till", "catalog-info.yaml");
    assert!(text.contains("\n  owner: team-cart\n") && text.contains("\n  type: library\n"), "{text}");
    check(
        &body(&bot),
        expect![[r#"
            What was wrong:

            - **acme/till**: no descriptor. Somebody works on it, and whoever asks what it is, or who answers for it, finds nothing.

            What this changes, and nothing else:

            - `catalog-info.yaml`: new

            Where what it says comes from:

            - lifecycle, description: said in the form
            - owner `team-cart`, a guess: wrote 3 of the last 6 commits. Please correct it where it is wrong.
            - type `library`: go.mod
            - tags: topics and main language on GitHub

            Asked for by Ana Silva in chat; proposed by Steward.
        "#]],
    );
    let message = message(&bot).await;
    assert!(message.contains("Owner: team-cart, a guess: wrote 3 of the last 6 commits"), "{message}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_all_is_counts_where_the_line_of_the_descriptor_names_nobody_known() {
    let owners = "* @ana-s\n*.yaml @acme/strangers\n";
    let bot = bot_with(&[("CODEOWNERS", owners)]).await;
    commits(&bot, &[Some("stranger")]).await;
    describe(&bot, &[]).await;
    until_said(&bot, "ana", "Proposed: ").await;
    let body = body(&bot);
    let said = "- owner `team-cart`, a guess: Ana Silva, who is in it, is named in CODEOWNERS of acme/till.";
    assert!(body.contains(said), "{body}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_it_long_ago_is_not_guessed() {
    let bot = bot_with(&[("CODEOWNERS", "# nobody yet\n")]).await;
    commits(&bot, &[Some("ana-s"), Some("ana-s")]).await;
    bot.pass(chrono::TimeDelta::days(200));
    describe(&bot, &[]).await;
    until_said(&bot, "ana", "Not proposed: ").await;
    let message = message(&bot).await.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "its CODEOWNERS names no team of the catalog, and nobody has committed for 180 days. Please choose one.";
    assert!(message.contains(said), "{message}");
    bot.halt().await;
}

/// An organisation's own words are not the ones that a repository is told by.
#[tokio::test(flavor = "multi_thread")]
async fn where_types_are_agreed_on_one_of_them_is_chosen() {
    let github = FakeGithub::start("acme").await;
    super::repositories(&github);
    github.add_repository("till", &[("Dockerfile", "FROM scratch")]);
    let mut settings = Settings::default();
    settings.hygiene.rules.types = vec!["backend".to_owned(), "frontend".to_owned()];
    let bot = Bot::with_settings(github, new_database().await, settings).await;
    commits(&bot, &[None]).await;
    let opened = bot.open_form("ana", "hygiene describe acme/till").await;
    let FieldKind::Select { choices } = &opened.fields[1].kind else { panic!("{:?}", opened.fields[1]) };
    assert_eq!(choices.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>(), ["backend", "frontend"]);
    let unsaid = form(bot.submit("ana", &opened, &[("owner", "team-cart"), ("type", ""), ("lifecycle", "production")]).await);
    assert_eq!(unsaid.fields[1].error.as_deref(), Some("This is needed: please fill it in."));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_guessed_somebody_has_to_choose_and_nothing_said_is_lost() {
    let bot = bot_with(&[("README.md", "Old.")]).await;
    commits(&bot, &[Some("stranger"), Some("ana-s")]).await;
    describe(&bot, &[("description", "Takes the money."), ("system", "system:default/shop")]).await;
    until_said(&bot, "ana", "Not proposed: ").await;
    assert_eq!(bot.github.model(|model| model.made.pulls.len()), 0);
    check(
        &message(&bot).await,
        expect![[r#"
            Not proposed: a first descriptor in acme/till.

              ! Nobody is named as its owner, and none can be guessed: it has no CODEOWNERS, and no team wrote most of its commits of the last 180 days. Please choose one.
              - No descriptor of acme/till
            Asked for by Ana Silva.

            → Describe again  /hygiene describe acme/till
        "#]],
    );
    let told = bot.messages(&Bot::conversation("ana"), 1).await.pop().unwrap();
    assert_eq!(lines(&told)[0], "hygiene describe acme/till");
    let again = bot.open_form("ana", "hygiene describe acme/till").await;
    let values = ["owner", "type", "lifecycle", "description", "system"].map(|name| value(&again, name));
    let expected = [None, None, Some("production"), Some("Takes the money."), Some("system:default/shop")];
    assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
    // What is wrong is shown, and what was emptied stays empty.
    let wrong = form(
        bot.submit("ana", &again, &[("owner", "group:default/nobody"), ("lifecycle", "production"), ("description", "")]).await,
    );
    assert!(wrong.fields[0].error.is_some() && value(&wrong, "description").is_none_or(|text| text.is_empty()));
    let answers = [("owner", "group:default/team-shop"), ("lifecycle", "production"), ("description", "Takes the money.")];
    bot.submit("ana", &again, &answers).await;
    bot.until("it is proposed", async |_| bot.github.model(|model| model.made.pulls.len() == 1)).await;
    let text = proposed(&bot, "till", "catalog-info.yaml");
    assert!(text.contains("owner: team-shop") && !body(&bot).contains("guess"), "{text}{}", body(&bot));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_refuses_to_show_is_left_out_and_named_where_an_owner_hangs_on_it() {
    let files = [("package.json", PACKAGE), ("CODEOWNERS", "* @acme/team-shop\n")];
    let bot = bot_with(&files).await;
    commits(&bot, &[Some("ana-s"), Some("ana-s")]).await;
    bot.github.fail_on("GET", "/contents/package.json", Fault::Status(403));
    bot.github.fail_on("GET", "/contents/CODEOWNERS", Fault::Status(403));
    describe(&bot, &[]).await;
    until_said(&bot, "ana", "Proposed: ").await;
    let text = proposed(&bot, "till", "catalog-info.yaml");
    assert!(!text.contains("description") && text.contains("owner: team-cart"), "{text}");
    bot.halt().await;

    let bot = bot_with(&files[..1]).await;
    commits(&bot, &[Some("ana-s"), Some("ana-s")]).await;
    bot.github.fail_on("GET", "/till/commits", Fault::Status(403));
    bot.github.fail_on("GET", "/till/commits", Fault::Status(403));
    describe(&bot, &[]).await;
    until_said(&bot, "ana", "Not proposed: ").await;
    let message = message(&bot).await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(message.contains("its commits cannot be read (403: Resource not accessible by personal access token)"), "{message}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_merges_there_is_the_forms_first_guess_with_its_reason() {
    let bot = bot_with(&[("README.md", "New.")]).await;
    commits(&bot, &[None]).await;
    let own = bot.open_form("ana", "hygiene describe acme/till").await;
    assert_eq!(value(&own, "owner").as_deref(), Some("group:default/team-cart"));
    for (number, login) in [(1, "ana-s"), (2, "ana-s"), (3, "stranger")] {
        let at = bot.app().clock.now() - chrono::TimeDelta::hours(number);
        let pull = json!({ "number": number, "merged": true, "merged_at": at, "title": "Count", "user": { "login": login } });
        let payload = json!({ "action": "closed", "number": number, "pull_request": pull });
        assert_eq!(bot.github_event("pull_request", &bot.payload_of("till", payload)).await, 202);
    }
    let id = bot.github.model(|model| model.find_repo("till").unwrap().id);
    let all = chrono::DateTime::<chrono::Utc>::MIN_UTC;
    bot.worker.read_recent().await.unwrap();
    bot.until("the merges are known", async |app| app.live.load().recent.of_repository("acme", id, all).count() == 3).await;
    // Somebody of no team at all.
    let opened = bot.open_form("pat", "hygiene describe acme/till").await;
    assert_eq!(value(&opened, "owner").as_deref(), Some("group:default/team-cart"));
    check(
        &opened.intro.to_plain(),
        expect![
            "acme/till has no descriptor; it was pushed to yesterday. This proposes catalog-info.yaml with what you say here and what the repository shows. What you leave empty is read there: the owner is guessed from CODEOWNERS, else from who wrote the last commits, and the pull request says so. The owner below is a guess: team-cart made 2 of the 3 changes that were merged there lately."
        ],
    );
    bot.halt().await;
}
