//! Names that people ask for and that nothing is called.

use steward::{
    chat::Status,
    commands::catalog::gaps::{flush, normalise},
};

use crate::{bot::Bot, shop::shop};

#[test]
fn a_name_is_counted_in_one_form_and_what_may_be_a_person_is_not() {
    for (typed, counted) in [
        ("Stock API", Some("stock-api")),
        ("stock_api?", Some("stock-api")),
        ("`stock-api`", Some("stock-api")),
        ("component:default/stock-api", Some("stock-api")),
        ("https://github.com/acme/stock-api.git", Some("stock-api")),
        ("acme/stock-api/", Some("stock-api")),
        ("stock.api", Some("stock.api")),
        ("Wörterbuch", Some("wörterbuch")),
        ("ada@example.com", None),
        ("<@U0123ABCD>", None),
        ("user:default/ada", None),
        ("why does nothing work here today", None),
        ("x", None),
        ("12345", None),
        ("a<!channel>b", None),
        ("drop table; --", None),
        ("", None),
    ] {
        assert_eq!(normalise(typed).as_deref(), counted, "{typed}");
    }
    assert_eq!(normalise(&"x".repeat(61)), None);
}

#[test]
fn only_what_was_asked_in_vain_is_counted() {
    let bot = shop().bot();
    for line in [
        "owner payments-api",
        "owner paymnts-api",
        "owner payments",
        "find payments",
        "whois jane-doe",
        "uses left-pad",
        "catalog restore some-repository",
        "frobnicate stock",
        "runbook team-payments",
        "find warehouse owner:team-payments",
        "find owner:team-warehouse",
    ] {
        bot.say(line);
    }
    assert_eq!(bot.app.live.gaps.take(), Default::default());
    for line in ["owner warehouse-bridge", "runbook warehouse-bridge", "deps warehouse-bridge up", "find warehouse_bridge"] {
        assert_eq!(bot.reply(line).status, Status::NotFound, "{line}");
    }
    bot.say("who owns zeppelin?");
    let counted = bot.app.live.gaps.take();
    assert_eq!((counted.get("warehouse-bridge"), counted.get("zeppelin"), counted.len()), (Some(&4), Some(&1), 2));
}

#[test]
fn a_flood_of_names_is_bounded() {
    let bot = shop().bot();
    for at in 0..1_200 {
        bot.app.live.gaps.count(format!("name-{at}"));
    }
    let counted = bot.app.live.gaps.take();
    assert_eq!(counted.len(), 1_000);
    bot.app.live.gaps.count("name-0".to_owned());
    bot.app.live.gaps.put_back(counted);
    assert_eq!(bot.app.live.gaps.take().get("name-0"), Some(&2));
}

#[test]
fn without_postgresql_gaps_say_what_is_missing_and_keep_what_was_counted() {
    let bot = shop().bot();
    bot.say("owner zeppelin");
    let reply = bot.reply("catalog gaps");
    assert_eq!(reply.status, Status::Refused);
    assert_eq!(reply.lead.to_plain(), "What people ask for in vain is kept in PostgreSQL, which cannot be reached now.");
    assert_eq!(bot.app.live.gaps.take().get("zeppelin"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_asked_come_first_and_leave_once_they_have_an_entry() {
    let component = |name: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name} }}\nspec: {{ type: service, lifecycle: production, owner: team-a }}\n"
        )
    };
    let cart = component("cart");
    let bot = Bot::of_descriptors(&[("cart", &cart)]).await;
    bot.sync().await;
    let none = bot.say("/catalog gaps").await;
    assert!(none.starts_with("No gaps"), "{none}");
    bot.say("/owner zeppelin").await;
    bot.say("/owner warehouse bridge").await;
    bot.say("/runbook warehouse-bridge").await;
    let told = bot.say("/catalog gaps").await;
    assert!(told.starts_with("2 names are asked for and nothing is called so, the most asked first."), "{told}");
    assert!(told.contains("1. warehouse-bridge: asked for 2 times, last just now"), "{told}");
    assert!(told.contains("2. zeppelin: asked for 1 time,"), "{told}");
    assert!(told.contains("catalog-info.yaml"), "it says what to do: {told}");
    // It outlives the process: what is counted is written down as the catalog is followed.
    bot.say("/owner zeppelin").await;
    bot.until("what was counted is written down", async |app| {
        let gaps = app.store.load_gaps(10).await.unwrap();
        gaps.iter().any(|gap| gap.name == "zeppelin" && gap.asked == 2)
    })
    .await;
    bot.github.add_repository("bridge", &[("catalog-info.yaml", component("warehouse-bridge").as_str())]);
    bot.sync().await;
    let told = bot.say("/catalog gaps").await;
    assert!(told.starts_with("One name is asked for") && told.contains("zeppelin"), "{told}");
    flush(bot.app()).await.unwrap();
    bot.halt().await;
}
