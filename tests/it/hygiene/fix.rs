//! Fix: from the form to the pull request, and from its merge to the finding that is struck.

use expect_test::expect;
use serde_json::json;
use steward::{
    catalog::{Authority, EntityRef, Repository, live::Undescribed},
    chat::Value,
    directory::DirectorySource,
    hygiene::{
        check::wants_descriptor,
        fix::owners::{CodeOwner, owners_of},
        track,
    },
    settings::{LevelSettings, TrackSettings},
    sync::Source,
};

use super::{CART, audited, field_names, form, lines, said, shop};
use crate::{
    bot::Bot,
    cluster::new_database,
    fake_github::{FakeGithub, Fault},
    shop::check,
};

const DESCRIBE: &str = "hygiene fix description-missing:component:default/cart";

/// The text of a file on the branch of a pull request.
pub fn proposed(bot: &Bot, repository: &str, path: &str) -> String {
    bot.github.model(|model| {
        let pull = model.made.pulls.iter().rfind(|pull| pull["repository"] == repository).expect("it is opened");
        let branch = pull["head"]["ref"].as_str().unwrap().to_owned();
        String::from_utf8(model.repo_mut(repository).branches[&branch].files[path].to_vec()).unwrap()
    })
}

fn pulls(bot: &Bot) -> usize {
    bot.github.model(|model| model.made.pulls.len())
}

pub async fn lead(bot: &Bot, login: &str) -> String {
    bot.messages(&Bot::conversation(login), 1).await.last().unwrap().lead.to_plain()
}

pub async fn until_said(bot: &Bot, login: &str, begins: &str) {
    bot.until(begins, async |_| lead(bot, login).await.starts_with(begins)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_changes_only_its_line_is_followed_and_struck_when_it_is_merged() {
    let bot = shop().await;
    let opened = bot.open_form("ana", DESCRIBE).await;
    assert_eq!(field_names(&opened), ["description", "runbook"]);
    check(
        &opened.intro.to_plain(),
        expect![
            "Cart has no description. Write one sentence in metadata.description. This proposes the change to acme/cart/catalog-info.yaml as a pull request; nothing else in it changes. What else is missing there can be filled in with it."
        ],
    );
    let missing = form(bot.submit("ana", &opened, &[("runbook", "docs/runbook.md")]).await);
    assert_eq!(missing.fields[0].error.as_deref(), Some("This is what is missing: please fill it in."));
    let bad = form(bot.submit("ana", &opened, &[("description", "Holds what people mean to buy."), ("runbook", "a b")]).await);
    assert!(bad.fields[1].error.as_deref().is_some_and(|error| error.contains("docs/runbook.md")));

    let outside = [("description", "Holds what people mean to buy."), ("runbook", "../../etc/passwd")];
    let outside = form(bot.submit("ana", &opened, &outside).await);
    let fault = outside.fields.iter().find(|field| field.name == "runbook").and_then(|field| field.error.as_deref());
    assert!(fault.is_some_and(|fault| fault.starts_with("That path leads out of the repository.")), "{fault:?}");
    let answers = [("description", "Holds what people mean to buy."), ("runbook", "docs/runbook.md")];
    let begun = said(bot.submit("ana", &opened, &answers).await);
    assert_eq!(begun, "A change of Cart is being proposed to acme/cart. How it goes on is shown here.");
    until_said(&bot, "ana", "Proposed: ").await;
    let message = bot.messages(&Bot::conversation("ana"), 1).await;
    assert_eq!(message.len(), 1, "one message follows it");
    check(
        &steward::cli::ask::render_text(&steward::chat::Response::Reply(message[0].clone()), 100, steward::cli::ask::Colour::Off),
        expect![[r#"
            Proposed: description and runbook of Cart in acme/cart#1 <https://github.com/acme/cart/pull/1>. It
            waits for review.

              - No description of Cart
              - No runbook of Cart
                --- a/catalog-info.yaml
                +++ b/catalog-info.yaml
                @@ -6,6 +6,8 @@
                     title: 'Cart'
                     annotations:
                         backstage.io/techdocs-ref: dir:.
                +        steward.dev/runbook: docs/runbook.md
                +    description: Holds what people mean to buy.
                 spec:
                     owner: team-cart
                     type: service
            Asked for by Ana Silva.

            → Pull request        https://github.com/acme/cart/pull/1
            → What is open there  /hygiene component:default/cart
        "#]],
    );

    // Comments, order, quotes and indentation are the author's still.
    let diff = similar::TextDiff::from_lines(CART, proposed(&bot, "cart", "catalog-info.yaml")).unified_diff().to_string();
    check(
        &diff,
        expect![[r#"
        @@ -6,6 +6,8 @@
             title: 'Cart'
             annotations:
                 backstage.io/techdocs-ref: dir:.
        +        steward.dev/runbook: docs/runbook.md
        +    description: Holds what people mean to buy.
         spec:
             owner: team-cart
             type: service
    "#]],
    );
    bot.github.model(|model| {
        let pull = &model.made.pulls[0];
        assert_eq!(pull["title"], "Set description and runbook of Cart");
        assert!(pull["body"].as_str().unwrap().contains("Asked for by Ana Silva in chat"), "{pull}");
        assert!(pull["head"]["ref"].as_str().unwrap().starts_with("steward/fix-cart-"), "{pull}");
        // Who asked does not review.
        assert_eq!(pull["asked"]["reviewers"], serde_json::json!(["bo-l"]));
        assert_eq!(pull["asked"]["team_reviewers"], serde_json::json!(["cart-people"]));
        assert_eq!(pull["assignees"], serde_json::json!(["bo-l"]));
        let branch = pull["head"]["ref"].as_str().unwrap().to_owned();
        let message = model.repo_mut("cart").branches[&branch].message.clone();
        assert!(message.contains("Co-authored-by: Ana Silva <4711+ana-s@users.noreply.github.com>"), "{message}");
    });
    let shown = bot.ask("ana", "hygiene cart").await;
    assert!(!lines(&shown).iter().any(|line| line == DESCRIBE), "what is proposed is not asked for again");
    let again = bot.ask("ana", DESCRIBE).await;
    assert_eq!(again.lead.to_plain(), "A fix is proposed already: acme/cart#1.");

    bot.github.end_pull("cart", 1, true);
    bot.worker.follow_fixes().await.unwrap();
    until_said(&bot, "ana", "✓ Merged: ").await;
    let messages = bot.messages(&Bot::conversation("ana"), 1).await;
    assert_eq!(messages.len(), 1, "it took the place of the one before");
    bot.sync().await;
    let open = bot.say_as("ana", "hygiene cart").await;
    assert!(open.starts_with("✓ Nothing is open for Cart."), "{open}");
    let audited = audited(&bot).await;
    let (command, subject, result) = &audited[0];
    assert_eq!((command.as_str(), subject.as_str()), ("hygiene fix", "component:default/cart"));
    assert_eq!(result.as_deref(), Some("proposed: https://github.com/acme/cart/pull/1"));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_is_closed_leaves_the_finding_open_and_can_be_asked_for_again() {
    let bot = shop().await;
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    until_said(&bot, "ana", "Proposed: ").await;
    bot.github.end_pull("cart", 1, false);
    bot.worker.follow_fixes().await.unwrap();
    until_said(&bot, "ana", "Closed without being merged: ").await;
    assert_eq!(field_names(&bot.open_form("ana", DESCRIBE).await)[0], "description");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_steward_may_only_read_the_permission_is_named_and_the_change_is_shown() {
    let bot = shop().await;
    bot.github.set_read_only(true);
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    until_said(&bot, "ana", "Not proposed: ").await;
    let message = bot.messages(&Bot::conversation("ana"), 1).await.pop().unwrap();
    let shown = format!("{:?}", message.cards);
    assert!(shown.contains("“Contents: write” and “Pull requests: write” for acme/cart"), "{shown}");
    assert!(shown.contains("+    description: Holds things."), "{shown}");
    assert_eq!(lines(&message)[0], DESCRIBE);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_leads_to_no_second_pull_request() {
    for (method, part) in [("POST", "/pulls"), ("POST", "/git/refs"), ("POST", "/git/commits")] {
        let bot = shop().await;
        bot.github.fail_on(method, part, Fault::After(502));
        let opened = bot.open_form("ana", DESCRIBE).await;
        bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
        until_said(&bot, "ana", "Proposed: ").await;
        assert_eq!(pulls(&bot), 1, "{part}");
        let branches = bot.github.model(|model| model.repo_mut("cart").branches.len());
        assert_eq!(branches, 1, "{part}");
        bot.halt().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_alike_are_one_form_and_one_pull_request_a_repository() {
    let bot = shop().await;
    let reply = bot.ask("ana", "hygiene").await;
    let all = "hygiene fixall lifecycle-unknown:group:default/team-cart";
    assert!(lines(&reply).contains(&all.to_owned()), "{:?}", lines(&reply));
    let opened = bot.open_form("ana", all).await;
    assert_eq!(field_names(&opened), ["lifecycle"]);
    let begun = said(bot.submit("ana", &opened, &[("lifecycle", "production")]).await);
    assert_eq!(begun, "A change of 2 entries is being proposed to acme/wishes. How it goes on is shown here.");
    until_said(&bot, "ana", "Proposed: ").await;
    assert_eq!(pulls(&bot), 1);
    let text = proposed(&bot, "wishes", "catalog-info.yaml");
    assert_eq!(text.matches("lifecycle: production").count(), 2, "{text}");
    assert_eq!(text.replace("production", "soon"), super::WISHES);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_tells_of_the_merge_at_once() {
    let bot = shop().await;
    let opened = bot.open_form("ana", DESCRIBE).await;
    bot.submit("ana", &opened, &[("description", "Holds things.")]).await;
    until_said(&bot, "ana", "Proposed: ").await;
    bot.github.end_pull("cart", 1, true);
    let payload = json!({ "action": "closed", "number": 1, "pull_request": { "number": 1, "merged": true } });
    assert_eq!(bot.github_event("pull_request", &bot.payload_of("cart", payload)).await, 202);
    until_said(&bot, "ana", "✓ Merged: ").await;
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_github_the_change_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("till")).unwrap();
    let text = CART.replace("name: cart", "name: till").replace("'Cart'", "'Till'");
    std::fs::write(folder.path().join("till/catalog-info.yaml"), text).unwrap();
    let directory = DirectorySource {
        path: folder.path().to_owned(),
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        layout: Default::default(),
    };
    let source = Source::Directory { id: "folder".to_owned(), directory };
    let github = FakeGithub::start("acme").await;
    github.add_repository("org", &[("catalog-info.yaml", super::ORG)]);
    let bot = Bot::with_sources(github, new_database().await, vec![source]).await;
    bot.sync().await;
    let opened = bot.open_form("ana", "hygiene fix description-missing:component:default/till").await;
    bot.submit("ana", &opened, &[("description", "Takes the money.")]).await;
    until_said(&bot, "ana", "Not proposed: ").await;
    let message = bot.messages(&Bot::conversation("ana"), 1).await.pop().unwrap();
    let shown = format!("{:?}", message.cards);
    assert!(shown.contains("is a folder and not on GitHub, so it cannot be proposed there. This is the change."), "{shown}");
    assert!(shown.contains("+    description: Takes the money."), "{shown}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_a_descriptor_gets_its_first_from_what_it_shows() {
    let bot = shop().await;
    bot.github.model(|model| model.now = bot.app().clock.now());
    let files =
        [("Dockerfile", "FROM scratch"), ("mkdocs.yml", "site_name: Till"), ("docs/runbook.md", "# Till"), ("src/a.go", "")];
    bot.github.add_repository("till", &files);
    // On a library only few lean.
    bot.github.add_repository("money-lib", &[("README.md", "Adds up.")]);
    bot.github.model(|model| {
        model.change("till", |repo| {
            repo.description = Some("Takes: the money".to_owned());
            repo.topics = vec!["go".to_owned(), "tier-1".to_owned()];
        });
    });
    bot.sync().await;
    let list = bot.ask("ana", "hygiene undescribed").await;
    assert_eq!(list.lead.to_plain(), "One repository that somebody works on has no descriptor.");
    assert_eq!(lines(&list), ["hygiene describe acme/till"]);
    let opened = bot.open_form("ana", "hygiene describe acme/till").await;
    assert_eq!(field_names(&opened), ["owner", "type", "lifecycle", "description", "system"]);
    assert_eq!(opened.fields[0].value, Some(Value::Text("group:default/team-cart".to_owned())));
    let answers = [
        ("owner", "group:default/team-cart"),
        ("type", "service"),
        ("lifecycle", "production"),
        ("description", "Takes: the money"),
        ("system", "system:default/shop"),
    ];
    let begun = said(bot.submit("ana", &opened, &answers).await);
    assert_eq!(begun, "A first descriptor is being proposed to acme/till. How it goes on is shown here.");
    until_said(&bot, "ana", "Proposed: ").await;
    let text = proposed(&bot, "till", "catalog-info.yaml");
    check(
        &text,
        expect![[r#"
        apiVersion: backstage.io/v1alpha1
        kind: Component
        metadata:
          name: till
          description: "Takes: the money"
          annotations:
            github.com/project-slug: acme/till
            backstage.io/techdocs-ref: dir:.
            steward.dev/runbook: docs/runbook.md
          tags:
            - go
            - tier-1
        spec:
          type: service
          lifecycle: production
          owner: team-cart
          system: shop
    "#]],
    );
    bot.github.end_pull("till", 1, true);
    bot.sync().await;
    let entity = EntityRef::new("component", "default", "till");
    let catalog = bot.app().catalog.load();
    assert_eq!(catalog.find(&entity).unwrap().entity.owner(), Some(&EntityRef::new("group", "default", "team-cart")));
    // What is pushed to no more is left in peace.
    bot.github.add_repository("dust", &[("README.md", "Old.")]);
    bot.sync().await;
    bot.pass(chrono::TimeDelta::days(400));
    let none = bot.ask("ana", "hygiene undescribed").await.lead.to_plain();
    assert_eq!(none, "✓ Every repository that somebody works on has a descriptor.");
    bot.halt().await;
}

#[test]
fn a_library_is_to_be_described_once_many_lean_on_it() {
    let asked = |full_name: &str, topics: &[&str], consumers: i64| {
        let mut repository = Repository::without_git(1, full_name.to_owned(), None, Authority::Descriptor);
        repository.topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        wants_descriptor(&Undescribed { source: "acme".to_owned(), repository, consumers })
    };
    assert!(asked("acme/till", &[], 0) && asked("acme/library-of-congress", &[], 0));
    assert!(!asked("acme/money-lib", &[], 3) && !asked("acme/money", &["sdk"], 0));
    assert!(asked("acme/money-lib", &[], 4) && asked("acme/money", &["sdk"], 4));
}

#[test]
fn the_last_line_of_codeowners_that_fits_counts() {
    let text =
        "* @everybody\n*.yaml @acme/yaml # a note\n/docs/ @writer\napps/ @acme/apps\n/build/*.md a@example.com\n# no\n/secret\n";
    let owners = |path: &str| {
        let word = |owner: CodeOwner| match owner {
            CodeOwner::Person(login) => login,
            CodeOwner::Team(_, slug) => slug,
            CodeOwner::Email(email) => email,
        };
        owners_of(text, path).into_iter().map(word).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(owners("a/b/c.txt"), "everybody");
    assert_eq!(owners("deep/catalog-info.yaml"), "yaml");
    assert_eq!(owners("docs/deep/a.yaml"), "writer");
    assert_eq!(owners("other/docs/a.txt"), "everybody");
    assert_eq!(owners("x/apps/y/z"), "apps");
    assert_eq!(owners("build/a.md"), "a@example.com");
    assert_eq!(owners("build/deep/a.md"), "everybody");
    assert_eq!(owners("secret/key"), "");
}

#[test]
fn a_track_names_the_level_that_all_things_have_and_what_the_next_one_lacks() {
    let mut world = crate::world::World::new();
    world.group("team-a");
    world.component("one").owner("team-a").describe("Does things.");
    world.component("two").owner("team-a");
    let catalog = world.catalog();
    let level = |name: &str, checks: &[&str]| LevelSettings {
        name: name.to_owned(),
        checks: checks.iter().map(|check| (*check).to_owned()).collect(),
    };
    let mut of = TrackSettings {
        name: "Readiness".to_owned(),
        kinds: vec!["component".to_owned()],
        types: vec!["service".to_owned()],
        levels: vec![level("bronze", &["owner-missing"]), level("silver", &["description-missing", "docs-missing"])],
    };
    let rules = steward::hygiene::check::Rules::default();
    let (on_call, coverage) = Default::default();
    let facts = steward::hygiene::check::Facts {
        catalog: &catalog,
        on_call: &on_call,
        coverage: &coverage,
        rules: &rules,
        now: crate::world::now(),
    };
    let findings = steward::hygiene::check::check_all(&facts);
    let open: Vec<_> = findings.iter().collect();
    let entities = ["one", "two"].map(|name| EntityRef::new("component", "default", name));
    let things: Vec<_> = entities.iter().map(|entity| &catalog.find(entity).unwrap().entity).collect();
    let both = track::stand(&of, &things, &open).unwrap();
    assert_eq!((both.things, both.level.map(|level| level.name.as_str())), (2, Some("bronze")));
    let next = both.next.unwrap();
    assert_eq!((next.level.name.as_str(), next.things.len()), ("silver", 2));
    assert_eq!(next.checks, [("docs-missing", 2), ("description-missing", 1)]);
    of.types = vec!["library".to_owned()];
    assert_eq!(track::stand(&of, &things, &open), None);
}
