//! Descriptors that never were valid: who hears of them, what can be done about them, and how that ends.

use chrono::TimeDelta;
use expect_test::expect;
use steward::{
    chat::Does,
    hygiene::round::{Occasion, look},
    settings::Settings,
};

use super::{begin_rounds, lines, reply, repositories};
use crate::{
    bot::Bot,
    cluster::{connect, new_database},
    fake_github::FakeGithub,
    shop::check,
};

const GIFTS: &str = "descriptor-invalid:component:default/gift-cards";
const JOBS: &str = "descriptor-invalid:component:default/night-jobs";

const NO_OWNER: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: gift-cards
spec:
  type: service
  lifecycle: production
";

/// It is theirs who are named, whatever else is missing.
const NO_LIFECYCLE: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: night-jobs
spec:
  type: worker
  owner: team-cart
";

async fn bot() -> Bot {
    let github = FakeGithub::start("acme").await;
    repositories(&github);
    github.add_repository("gifts", &[("catalog-info.yaml", NO_OWNER)]);
    github.add_repository("jobs", &[("catalog-info.yaml", NO_LIFECYCLE)]);
    github.add_repository("scrap", &[("catalog-info.yaml", "kind: [Component\n")]);
    let mut settings = Settings::default();
    settings.hygiene.catch_all = Some("#catalog".to_owned());
    let bot = Bot::with_settings(github, new_database().await, settings).await;
    bot.sync().await;
    bot
}

/// Of broken files, what a round now would ask of each team.
async fn asked(bot: &Bot) -> Vec<String> {
    let mut look = look(bot.app()).await.unwrap();
    look.told.clear();
    let round = look.plan(bot.app(), Occasion::ByHand(None));
    let of = |message: &steward::hygiene::round::Planned| {
        let invalid = message.findings.iter().filter(|finding| finding.check == "descriptor-invalid");
        let team = message.team.clone();
        invalid.map(move |finding| format!("{team} {}", finding.called.as_deref().unwrap_or("-"))).collect::<Vec<_>>()
    };
    round.messages.iter().flat_map(of).collect()
}

async fn open(bot: &Bot) -> Vec<String> {
    let rows =
        sqlx::query_scalar("select key from findings where closed_at is null and check_id = 'descriptor-invalid' order by key");
    rows.fetch_all(&mut connect(&bot.database).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_it_is_hears_of_it_until_it_can_be_read() {
    let bot = bot().await;
    let cart = "group:default/team-cart night-jobs (acme/jobs/catalog-info.yaml)";
    let gifts = "nobody gift-cards (acme/gifts/catalog-info.yaml)";
    assert_eq!(asked(&bot).await, [cart, gifts, "nobody acme/scrap/catalog-info.yaml"]);
    begin_rounds(&bot).await;
    let message = bot.messages("#catalog", 1).await.pop().unwrap();
    let card = message.cards.iter().find(|card| card.title.to_plain().contains("gift-cards")).unwrap();
    assert_eq!(card.title.to_plain(), "Its file holds an error: gift-cards (acme/gifts/catalog-info.yaml)");
    let Does::Open(url) = &card.buttons[0].does else { panic!("{:?}", card.buttons) };
    assert!(url.starts_with("https://github.com/acme/gifts/blob/") && url.ends_with("/catalog-info.yaml#L5"), "{url}");
    let said: Vec<&str> = card.buttons.iter().map(|button| button.label.as_str()).collect();
    assert_eq!(said, ["The file", "Snooze"]);
    assert!(message.refs.is_empty(), "none of it is in the catalog");
    assert_eq!(open(&bot).await.len(), 3);
    let estimate = bot.app().live.load().coverage.estimate.unwrap();
    assert_eq!((estimate.judged_wrong, estimate.others_wrong), (0, 0), "no entry is wrong by it");

    let shown = bot.say_as("ana", "hygiene gift-cards").await;
    check(
        &shown.replace(url, "URL"),
        expect![[r#"
            gift-cards (acme/gifts/catalog-info.yaml): 1 finding is open.

              Since 24 November: nothing has changed.

            gift-cards (acme/gifts/catalog-info.yaml): its file holds an error
              gift-cards (acme/gifts/catalog-info.yaml) is not in the catalog (line 5: spec.owner is missing;
              add below spec: owner: team-a). Until it is mended no change to it arrives: its last good version
              answers, or nothing does.
              Mend the file; `steward lint` says where. New.
            → The file  URL
            → Snooze    /hygiene snooze descriptor-invalid:component:default/gift-cards
            → Exempt    /hygiene exempt descriptor-invalid:component:default/gift-cards
        "#]],
    );
    for typed in ["acme/gifts", "gifts", "component:default/gift-cards", "acme/gifts/catalog-info.yaml"] {
        let lead = bot.ask("ana", &format!("hygiene {typed}")).await.lead.to_plain();
        assert_eq!(lead, "gift-cards (acme/gifts/catalog-info.yaml): 1 finding is open.", "{typed}");
    }
    let own = bot.say_as("ana", "hygiene").await;
    assert!(own.contains("night-jobs (acme/jobs/catalog-info.yaml): its file holds an error"), "{own}");

    // No form can mend it, and nobody can hand it over; it can be left alone.
    for act in ["fix", "notours"] {
        let lead = bot.ask("bo", &format!("hygiene {act} {GIFTS}")).await.lead.to_plain();
        assert!(lead.starts_with("No form can mend this, and nothing can be handed over before"), "{lead}");
    }
    let stranger = bot.ask("bo", &format!("hygiene snooze {JOBS}")).await;
    assert!(stranger.lead.to_plain().starts_with("Only people of Team Cart and admins may"), "{stranger:?}");
    assert_eq!(lines(&stranger), Vec::<String>::new(), "nothing of it could be reported");
    let opened = bot.open_form("bo", &format!("hygiene snooze {GIFTS}")).await;
    let snoozed = reply(bot.submit("bo", &opened, &[("span", "month"), ("reason", "It may go.")]).await);
    assert!(snoozed.lead.to_plain().starts_with("Snoozed until 24 December: gift-cards (acme/gifts/"), "{snoozed:?}");
    assert_eq!(asked(&bot).await.len(), 2);
    let woken = bot.ask("bo", &format!("hygiene wake {GIFTS}")).await;
    assert!(woken.lead.to_plain().starts_with("Counts again: its file holds an error of gift-cards"), "{woken:?}");
    assert_eq!(lines(&woken), ["hygiene nobody"]);

    // It is valid by now.
    bot.github.push_file("gifts", "catalog-info.yaml", format!("{NO_OWNER}  owner: team-cart\n"));
    bot.sync().await;
    bot.worker.check_and_look().await.unwrap();
    assert_eq!(open(&bot).await.len(), 2);
    assert!(!asked(&bot).await.contains(&gifts.to_owned()));
    let gone = bot.ask("bo", &format!("hygiene snooze {GIFTS}")).await.lead.to_plain();
    assert_eq!(gone, "✓ Not open any more: its file holds an error of gift-cards.");

    // Broken again, its last good version answers: that is told of the entry.
    bot.github.push_file("gifts", "catalog-info.yaml", NO_OWNER);
    bot.sync().await;
    assert!(asked(&bot).await.contains(&"group:default/team-cart -".to_owned()));
    assert_eq!(asked(&bot).await.len(), 3);
    bot.pass(TimeDelta::hours(1));
    bot.halt().await;
}
