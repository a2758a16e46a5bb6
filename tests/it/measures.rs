//! What a platform team reads of a month: how often things went well, and who asked.

use steward::catalog::live::Share;

use crate::runs::desk::{Desk, SERVICE};

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_told_in_shares_and_what_never_happened_is_no_share() {
    let desk = Desk::of(SERVICE).await;
    let bot = &desk.bot;
    let before = bot.say("/catalog metrics").await;
    assert!(before.starts_with("What is in memory"), "{before}");
    bot.worker.read_measures().await.unwrap();
    let none = bot.say("/catalog metrics").await;
    assert!(none.contains("Template adoption") && none.contains("nothing to count yet"), "{none}");
    desk.run("orders").await;
    desk.github().add_repository("orders-2", &[("README.md", "there already")]);
    desk.run("orders-2").await;
    bot.sync().await;
    bot.ask("guest", "/catalog sync").await;
    bot.ask("guest", "/owner orders").await;
    bot.worker.read_measures().await.unwrap();
    let measures = bot.app().live.load().measures.as_ref().clone().unwrap();
    assert_eq!(measures.runs, Share { part: 1, all: 2 });
    assert_eq!(measures.failed_actions, Share { part: 1, all: 5 });
    assert_eq!((measures.adoption.part, measures.drift), (1, Share { part: 0, all: 1 }));
    assert_eq!((measures.refused.part, measures.active_week > 0), (1, true));
    assert!(measures.syncs.all > 0 && measures.providers["source:acme"].ratio() == Some(1.0), "{measures:?}");
    let told = bot.say("/catalog metrics").await;
    assert!(told.contains("50.0\u{a0}%") && told.contains("1 of 2 runs came to their end"), "{told}");
    // Written down by day: what another replica counts is added, and what is older than a month is left out.
    bot.worker.read_measures().await.unwrap();
    assert_eq!(bot.app().live.load().measures.as_ref().as_ref().unwrap().runs, measures.runs);
    let template = desk.github().model(|model| {
        let head = model.find_repo("templates").unwrap().head().unwrap();
        String::from_utf8(head.files["catalog-info.yaml"].to_vec()).unwrap()
    });
    desk.github().push_file("templates", "catalog-info.yaml", template.replace("title: A service", "title: A better service"));
    bot.sync().await;
    bot.pass(chrono::TimeDelta::days(35));
    bot.worker.read_measures().await.unwrap();
    let later = bot.app().live.load().measures.as_ref().clone().unwrap();
    assert_eq!((later.runs.all, later.refused.all, later.drift), (0, 0, Share { part: 1, all: 1 }));
    desk.bot.halt().await;
}
