//! Repositories that nobody has described: who is asked about them, what can be done, and how it ends.

use chrono::TimeDelta;
use expect_test::expect;
use steward::{
    chat::{Reply, Response},
    cli::ask::{Colour, render_text},
    hygiene::round::{Occasion, Round, look},
    settings::{CheckSetting, Settings},
};

use super::{begin_rounds, lines, outline, reply, repositories, said};
use crate::{
    bot::{Bot, morning},
    cluster::{connect, new_database},
    fake_github::FakeGithub,
    shop::check,
};

const TILL: &str = "descriptor-missing:component:default/till";
const WISHES: &str = "descriptor-missing:component:default/wish-list";

const FROM_AFAR: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: nightly-jobs
  description: Runs at night.
  annotations: { github.com/project-slug: Acme/scripts, backstage.io/techdocs-ref: dir:. }
spec: { type: worker, lifecycle: experimental, owner: team-cart, system: shop }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: health
  description: Looks whether all is well.
  annotations: { backstage.io/source-location: 'url:https://github.com/acme/probes/tree/main/', backstage.io/techdocs-ref: dir:. }
spec: { type: worker, lifecycle: experimental, owner: team-cart, system: shop }
";

/// An organisation in which somebody works on `till` and `wish-list`, neither of which has a descriptor; on a library on
/// which few lean, on one that is kept elsewhere, on what is archived and on what was left alone for long nobody is asked.
async fn bot_with(change: impl FnOnce(&mut Settings)) -> Bot {
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    let attic = [("README.md", "Old.")];
    github.add_repository("attic", &attic);
    github.model(|model| model.now = morning() - TimeDelta::days(9));
    for name in ["till", "wish-list", "money-lib", "dust"] {
        github.add_repository(name, &[("README.md", "New.")]);
    }
    // What it would be stands in another repository already.
    github.add_repository("wishes-jobs", &[("README.md", "Moved.")]);
    // Entries of one repository say that their code is in these.
    for name in ["scripts", "probes"] {
        github.add_repository(name, &[("README.md", "Described from afar.")]);
    }
    github.add_repository("central", &[("catalog-info.yaml", FROM_AFAR)]);
    github.archive("dust");
    let mut settings = Settings::default();
    settings.hygiene.catch_all = Some("#catalog".to_owned());
    change(&mut settings);
    let bot = Bot::with_settings(github, new_database().await, settings).await;
    bot.sync().await;
    bot
}

fn told(bot: &Bot) -> Vec<Reply> {
    let board = bot.app().outbox.playground.as_ref().unwrap();
    board.messages("#catalog").iter().map(|posted| posted.reply.clone()).collect()
}

/// Title, last line of the body and buttons of the card about a repository, as it stands now.
fn card(bot: &Bot, repository: &str) -> String {
    let shown = told(bot).pop().expect("it was told");
    let card = shown.cards.iter().find(|card| card.title.to_plain().contains(repository)).expect("it was spelt out");
    outline(card)
}

/// What a round now would ask of nobody in particular, had it never asked before.
async fn asked(bot: &Bot) -> Vec<String> {
    let mut look = look(bot.app()).await.unwrap();
    look.told.clear();
    let round: Round = look.plan(bot.app(), Occasion::ByHand(None));
    let nobody = round.messages.into_iter().filter(|message| message.team == "nobody");
    nobody.flat_map(|message| message.findings).map(|finding| finding.id).collect()
}

/// What is open in the database.
async fn open(bot: &Bot) -> Vec<String> {
    let rows =
        sqlx::query_scalar("select key from findings where closed_at is null and check_id = 'descriptor-missing' order by key");
    rows.fetch_all(&mut connect(&bot.database).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_settles_what_nobody_owns_is_asked_until_it_is_described() {
    let bot = bot_with(|_| {}).await;
    begin_rounds(&bot).await;
    let message = bot.messages("#catalog", 1).await.pop().unwrap();
    check(
        &render_text(&Response::Reply(message), 100, Colour::Off),
        expect![[r#"
            Nobody owns these: 2 repositories could use a hand. The first: acme/wish-list, no descriptor.

            No descriptor: acme/wish-list
              acme/wish-list has no catalog-info.yaml; it was pushed to on 12 November. Somebody works on it,
              and whoever asks what it is, or who answers for it, finds nothing.
              Describe it: a short form writes its first catalog-info.yaml and proposes it.
            → Describe  /hygiene describe acme/wish-list
            → Snooze    /hygiene snooze descriptor-missing:component:default/wish-list
            Medium · open since 24 November

            No descriptor: acme/till
              acme/till has no catalog-info.yaml; it was pushed to on 12 November. Somebody works on it, and
              whoever asks what it is, or who answers for it, finds nothing.
              Describe it: a short form writes its first catalog-info.yaml and proposes it.
            → Describe  /hygiene describe acme/till
            → Snooze    /hygiene snooze descriptor-missing:component:default/till
            Medium · open since 24 November
        "#]],
    );
    assert_eq!(open(&bot).await, [TILL, WISHES]);
    let all = bot.say_as("pat", "hygiene everyone").await;
    assert!(all.contains("Nobody     2     0"), "{all}");
    let estimate = bot.app().live.load().coverage.estimate.unwrap();
    assert_eq!((estimate.judged_wrong, estimate.others_wrong), (0, 0), "no entry is wrong by it");

    // Whoever describes it is followed in the message that asked for it.
    let opened = bot.open_form("ana", "hygiene describe acme/till").await;
    let answers = [("owner", "group:default/team-cart"), ("type", "service"), ("lifecycle", "production")];
    let begun = said(bot.submit("ana", &opened, &answers).await);
    assert_eq!(begun, "A first descriptor is being proposed to acme/till. How it goes on is shown here.");
    let stands = async |wanted: &str| bot.until(wanted, async |_| card(&bot, "acme/till") == wanted).await;
    let pull = "https://github.com/acme/till/pull/1";
    stands(&format!("No descriptor: acme/till | A fix is proposed: acme/till#1. It waits for review. | {pull} snooze")).await;
    let body = bot.github.model(|model| model.made.pulls[0]["body"].as_str().unwrap().to_owned());
    assert!(body.contains("- **acme/till**: no descriptor. "), "{body}");
    let follows = bot.messages(&Bot::conversation("ana"), 1).await.pop().unwrap();
    assert_eq!(follows.lead.to_plain(), "Proposed: a first descriptor in acme/till#1. It waits for review.");
    assert!(format!("{:?}", follows.cards).contains("No descriptor of acme/till"), "{follows:?}");
    assert_eq!(lines(&follows), Vec::<String>::new(), "the catalog has nothing of it yet");
    assert_eq!(asked(&bot).await, [WISHES], "it is not asked for again while that is open");
    for line in [format!("hygiene fix {TILL}"), "hygiene describe acme/till".to_owned()] {
        assert_eq!(bot.ask("bo", &line).await.lead.to_plain(), "A fix is proposed already: acme/till#1.");
    }

    bot.github.end_pull("till", 1, true);
    bot.worker.follow_fixes().await.unwrap();
    stands("~No descriptor: acme/till~ | Merged: acme/till#1. | ").await;
    assert_eq!(card(&bot, "acme/wish-list").split(" | ").last(), Some("describe snooze"), "the other stands as it was");
    bot.sync().await;
    bot.worker.check_and_look().await.unwrap();
    assert_eq!(open(&bot).await, [WISHES]);
    let gone = bot.ask("ana", &format!("hygiene fix {TILL}")).await.lead.to_plain();
    assert_eq!(gone, "✓ Not open any more: no descriptor of till.");

    // What is left alone is silent, and comes back by itself.
    let opened = bot.open_form("bo", &format!("hygiene snooze {WISHES}")).await;
    assert!(opened.intro.to_plain().starts_with("acme/wish-list: no descriptor."), "{:?}", opened.intro);
    let snoozed = reply(bot.submit("bo", &opened, &[("span", "month"), ("reason", "It may go.")]).await);
    assert_eq!(
        snoozed.lead.to_plain(),
        "Snoozed until 24 December: acme/wish-list, no descriptor. Then it comes back by itself."
    );
    assert!(snoozed.refs.is_empty(), "it is in no catalog");
    assert_eq!(asked(&bot).await, Vec::<String>::new());
    bot.pass(TimeDelta::days(7));
    bot.worker.hold_round().await.unwrap();
    assert_eq!(told(&bot).len(), 1);
    let aside = bot.say_as("bo", "hygiene nobody").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(aside.contains("acme/wish-list: no descriptor, snoozed until 2026-12-24"), "{aside}");
    let woken = bot.ask("bo", &format!("hygiene wake {WISHES}")).await;
    assert_eq!(woken.lead.to_plain(), "Counts again: no descriptor of acme/wish-list.");
    assert_eq!(lines(&woken), ["hygiene nobody"]);
    assert_eq!(asked(&bot).await, [WISHES]);

    // Nobody pushes to it any more: it is left in peace.
    bot.pass(TimeDelta::days(180));
    bot.worker.check_and_look().await.unwrap();
    assert_eq!((open(&bot).await.len(), asked(&bot).await.len()), (0, 0));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_with_its_buttons_wherever_findings_are() {
    let bot = bot_with(|_| {}).await;
    let nobody = bot.say_as("ana", "hygiene nobody").await;
    check(
        &nobody,
        expect![[r#"
            2 findings are open that nobody answers for, the gravest first.

            acme/wish-list: no descriptor
              acme/wish-list has no catalog-info.yaml; it was pushed to on 12 November. Somebody works on it,
              and whoever asks what it is, or who answers for it, finds nothing.
              Describe it: a short form writes its first catalog-info.yaml and proposes it. New.
            → Describe  /hygiene describe acme/wish-list
            → Snooze    /hygiene snooze descriptor-missing:component:default/wish-list
            → Exempt    /hygiene exempt descriptor-missing:component:default/wish-list

            acme/till: no descriptor
              acme/till has no catalog-info.yaml; it was pushed to on 12 November. Somebody works on it, and
              whoever asks what it is, or who answers for it, finds nothing.
              Describe it: a short form writes its first catalog-info.yaml and proposes it. New.
            → Describe  /hygiene describe acme/till
            → Snooze    /hygiene snooze descriptor-missing:component:default/till
            → Exempt    /hygiene exempt descriptor-missing:component:default/till

            → Repositories without a descriptor  /hygiene undescribed
        "#]],
    );
    for typed in ["acme/wish-list", "https://github.com/acme/wish-list", "component:default/wish-list"] {
        let one = bot.ask("ana", &format!("hygiene {typed}")).await;
        assert_eq!(one.lead.to_plain(), "acme/wish-list: 1 finding is open.", "{typed}");
        assert_eq!(lines(&one)[0], "hygiene describe acme/wish-list");
    }
    let list = bot.ask("ana", "hygiene undescribed").await;
    assert_eq!(list.lead.to_plain(), "2 repositories that somebody works on have no descriptor, the latest first.");
    assert_eq!(lines(&list), ["hygiene describe acme/wish-list", "hygiene describe acme/till"]);
    let form = bot.open_form("ana", &format!("hygiene fix {WISHES}")).await;
    assert_eq!(form.title, "Describe");
    let refused = bot.ask("ana", &format!("hygiene notours {WISHES}")).await;
    assert_eq!(
        refused.lead.to_plain(),
        "Nobody owns acme/wish-list yet, since nobody has described it. Whoever describes it says whose it is."
    );
    assert_eq!(lines(&refused), ["hygiene describe acme/wish-list"]);

    let opened = bot.open_form("ana", &format!("hygiene exempt {WISHES}")).await;
    bot.submit("ana", &opened, &[("reason", "A toy."), ("until", "2027-05-01")]).await;
    let asked = bot.messages("#platform", 1).await.pop().unwrap();
    assert_eq!(asked.lead.to_plain(), "Ana Silva asks that acme/wish-list be exempt until 1 May 2027: no descriptor.");
    let granting = bot.open_form("pat", &lines(&asked)[0]).await;
    let granted = said(bot.submit("pat", &granting, &[("reason", "A toy."), ("until", "2027-05-01")]).await);
    assert_eq!(granted, "Exempt until 1 May 2027: acme/wish-list, no descriptor. Then it comes back by itself.");
    let preview = bot.say_as("pat", "hygiene preview").await.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(preview.contains("nobody in #catalog: 1 finding, first acme/till: no descriptor"), "{preview}");
    let round = look(bot.app()).await.unwrap().plan(bot.app(), Occasion::ByHand(None)).to_string();
    assert!(round.contains("  * medium   descriptor-missing   acme/till\n"), "{round}");
    let nobody = bot.say_as("ana", "hygiene nobody").await;
    assert!(nobody.starts_with("1 finding is open that nobody answers for."), "{nobody}");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_on_which_many_lean_is_asked_about() {
    let bot = bot_with(|_| {}).await;
    let mut connection = connect(&bot.database).await;
    for statement in [
        "insert into package_reads (source_id, repository_id, head, asked_at, outcome)
         select source_id, repository_id, 'x', now(), 'read' from repositories
         where full_name in ('acme/org', 'acme/cart', 'acme/wishes', 'acme/till') on conflict do nothing",
        "insert into packages (source_id, repository_id, ecosystem, name, name_key, tail_key, version)
         select source_id, repository_id, 'npm', '@acme/money-lib', '@acme/money-lib', 'money-lib', '1.0.0' from repositories
         where full_name in ('acme/org', 'acme/cart', 'acme/wishes', 'acme/till')",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    bot.sync().await;
    assert!(asked(&bot).await.contains(&"descriptor-missing:component:default/money-lib".to_owned()));
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_switches_it_off_and_makes_it_graver() {
    let set =
        |setting| move |settings: &mut Settings| _ = settings.hygiene.checks.insert("descriptor-missing".to_owned(), setting);
    let off = bot_with(set(CheckSetting::Off)).await;
    assert_eq!(asked(&off).await, Vec::<String>::new());
    let none = off.ask("ana", &format!("hygiene fix {TILL}")).await.lead.to_plain();
    assert_eq!(none, "✓ Not open any more: no descriptor of acme/till.");
    // The list stays.
    assert!(off.say_as("ana", "hygiene undescribed").await.starts_with("2 repositories"));
    off.halt().await;
    let grave = bot_with(set(CheckSetting::Critical)).await;
    let nobody = grave.say_as("ana", "hygiene nobody").await;
    assert!(nobody.starts_with("2 findings are open that nobody answers for, critical, the gravest first."), "{nobody}");
    grave.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_hears_of_a_new_one_and_of_a_description_without_syncing_itself() {
    let bot = bot_with(|_| {}).await;
    let other = Bot::beside(bot.github.clone(), bot.database.clone()).await;
    let known = |app: &steward::app::App| {
        let known = app.live.load().coverage.undescribed.clone().unwrap_or_default();
        known.iter().map(|of| of.repository.full_name.clone()).collect::<Vec<_>>().join(" ")
    };
    other.until("all are known", async |app| known(app) == "acme/wishes-jobs acme/money-lib acme/wish-list acme/till").await;
    bot.github.add_repository("loyalty", &[("README.md", "New.")]);
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: till}\n\
                spec: {type: service, lifecycle: production, owner: team-cart}\n";
    bot.github.push_file("till", "catalog-info.yaml", text);
    bot.sync().await;
    other.until("it follows", async |app| known(app) == "acme/loyalty acme/wishes-jobs acme/money-lib acme/wish-list").await;
    other.halt().await;
    bot.halt().await;
}
