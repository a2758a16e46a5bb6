//! The ways in besides commands: questions, somebody's message, a person's home, addresses in messages.

use serde_json::json;
use steward::{
    chat::{Act, Audience, Does, Platform, Reply, Response, Status},
    commands::preview::previews,
    commands::{Asking, StoreHealth, preview},
    slack::render::render_reply_view,
};

use crate::{
    shop::shop,
    world::{Bot, World, now},
};

fn asked(bot: &Bot, text: &str) -> Reply {
    reply(bot, Act::Ask { text: text.to_owned() })
}

fn inspected(bot: &Bot, texts: &[&str]) -> Reply {
    reply(bot, Act::Inspect { texts: texts.iter().map(|text| (*text).to_owned()).collect() })
}

fn reply(bot: &Bot, act: Act) -> Reply {
    match bot.act(act) {
        Response::Reply(reply) => reply,
        other => panic!("a reply was expected, not {other:?}"),
    }
}

/// `owner component:default/ledger`: who answered, about what.
fn told(reply: &Reply) -> String {
    format!("{} {}", reply.command, reply.refs.first().map_or("-", String::as_str))
}

fn lines(reply: &Reply) -> Vec<&str> {
    let all = reply.cards.iter().flat_map(|card| &card.buttons).chain(&reply.buttons);
    let lines = all.filter_map(|button| match &button.does {
        Does::Say(line) => Some(line.as_str()),
        Does::Open(_) => None,
    });
    lines.collect()
}

#[test]
fn a_question_is_answered_as_its_command_is() {
    let bot = shop().bot();
    for (text, line) in [
        ("hey, who owns the payments api right now?", "owner payments-api"),
        ("what breaks if the ledger goes down?", "deps ledger up"),
        ("runbook for payments-api pls", "runbook payments-api"),
        ("how do I roll back payments-api?", "runbook payments-api roll back"),
        ("what does team-payments own", "whois team-payments"),
        ("find out who owns ledger", "owner ledger"),
        ("owner payments-api", "owner payments-api"),
    ] {
        let answer = asked(&bot, text);
        // Whoever hears a question hears its answer.
        assert_eq!(answer, Reply { audience: Audience::Everyone, ..bot.reply(line) }, "{text}");
        assert_eq!(answer.status, Status::Answered, "{text}");
    }
}

#[test]
fn known_names_decide_between_readings() {
    let bot = shop().bot();
    for (text, meant) in [
        ("payments-api", "owner component:default/payments-api"),
        ("payments-api owner?", "owner component:default/payments-api"),
        ("payments-api runbook", "runbook component:default/payments-api"),
        ("who uses payments-api?", "deps component:default/payments-api"),
        ("which services use redis-payments", "deps resource:default/redis-payments"),
        ("who is Ana?", "whois user:default/ana.silva"),
        ("what is fraud-scoring", "owner component:default/fraud-scoring"),
        ("tell me about ledger please", "owner component:default/ledger"),
    ] {
        assert_eq!(told(&asked(&bot, text)), meant, "{text}");
    }
    // Nobody of that name: no look-up, but the reading is there to press.
    let answer = asked(&bot, "who is Zed?");
    assert_eq!(answer.status, Status::NotFound);
    assert!(lines(&answer).contains(&"whois Zed"), "{:?}", lines(&answer));
}

#[test]
fn this_is_what_the_rest_of_the_text_names() {
    let bot = shop().bot();
    let alert = "[FIRING] HighErrorRate\nservice=fraud-scoring severity=page\n\nwho owns this?";
    assert_eq!(told(&asked(&bot, alert)), "owner component:default/fraud-scoring");
    assert_eq!(told(&asked(&bot, "payments-api is throwing 500s, who owns it?")), "owner component:default/payments-api");
    assert_eq!(told(&asked(&bot, "`ledger` is slow. What breaks if it goes down?")), "deps component:default/ledger");
    let both = asked(&bot, "payments-api cannot reach redis-payments, who owns it?");
    assert_eq!(both.status, Status::Ambiguous, "{both:?}");
    assert_eq!(lines(&both)[..2], ["owner component:default/payments-api", "owner resource:default/redis-payments"]);
    let none = asked(&bot, "who owns this?");
    assert_eq!(none.status, Status::NotFound);
    assert!(none.lead.to_plain().starts_with("Which one?"), "{}", none.lead.to_plain());
}

#[test]
fn what_is_not_understood_gets_the_nearest_readings() {
    let bot = shop().bot();
    let answer = asked(&bot, "onwer payments-api");
    assert_eq!(answer.lead.to_plain(), "There is no command “onwer”. Did you mean /owner?");
    assert_eq!(lines(&answer)[0], "owner payments-api");
    for text in
        ["something odd with payments-api here", "payments-api dependancies graph thing", "ping the ledger people i guess"]
    {
        let answer = asked(&bot, text);
        assert_eq!(answer.status, Status::NotFound, "{text}: {}", answer.lead.to_plain());
        let lines = lines(&answer);
        assert_eq!(lines.len(), 4, "{text}: {lines:?}");
        assert!(lines[..3].iter().all(|line| line.contains("payments-api") || line.contains("ledger")), "{text}: {lines:?}");
        for line in lines {
            assert_ne!(bot.reply(line).status, Status::Error, "{line}");
        }
    }
    let answer = asked(&bot, "payments-api dependancies graph thing");
    assert!(lines(&answer)[0].starts_with("deps "), "{:?}", lines(&answer));
}

#[test]
fn talk_is_answered_as_talk() {
    let bot = shop().bot();
    for text in ["thanks!", "hey there :wave:", "good morning everyone", "ok"] {
        let answer = asked(&bot, text);
        assert_eq!((answer.status, answer.refs.len()), (Status::Answered, 0), "{text}");
    }
    for text in ["who is coming to lunch?", "what time is it?", "that depends on what you mean", "lol nice one"] {
        let answer = asked(&bot, text);
        assert_eq!(answer.status, Status::NotFound, "{text}: {}", answer.lead.to_plain());
        assert!(answer.refs.is_empty(), "{text}");
    }
    assert_eq!(asked(&bot, "").command, "help");
    let long = asked(&bot, &"word ".repeat(5_000));
    assert_eq!(long.status, Status::NotFound);
}

#[test]
fn a_message_that_names_one_thing_gets_its_card_and_why() {
    let bot = shop().bot();
    let answer = inspected(&bot, &["[FIRING:1] TooSlow", "service=payments-api pod=payments-api-7d9f6c9b5-x2x4z"]);
    assert_eq!((answer.status, told(&answer).as_str()), (Status::Answered, "owner component:default/payments-api"));
    let text = steward::cli::ask::render_text(&Response::Reply(answer), 100, steward::cli::ask::Colour::Off);
    assert!(text.contains("The message names it: the label service=payments-api."), "{text}");
    let several = inspected(&bot, &["fraud-scoring cannot reach redis-payments"]);
    assert_eq!(several.status, Status::Ambiguous);
    assert_eq!(lines(&several), ["owner component:default/fraud-scoring", "owner resource:default/redis-payments"]);
    let none = inspected(&bot, &["service=payments-gateway is down"]);
    assert_eq!(none.status, Status::NotFound);
    assert_eq!(none.lead.to_plain(), "The message names payments-gateway, which the catalog does not know.");
    let chat = inspected(&bot, &["lunch at noon?"]);
    assert_eq!(chat.lead.to_plain(), "Nothing in this message names anything in the catalog.");
    assert_eq!(lines(&chat), ["help find"]);
    assert_eq!(inspected(&World::new().bot(), &["payments-api"]).lead, bot_of_nothing("owner payments-api"));
}

fn bot_of_nothing(line: &str) -> steward::chat::Text {
    World::new().bot().reply(line).lead
}

#[test]
fn a_persons_home_shows_teams_services_and_what_is_wrong() {
    let mut world = shop();
    world.component("payments-batch").owner("team-payments").broken_for(5, "a tab in line 3");
    let bot = world.bot().by("ana.silva");
    let home = reply(&bot, Act::Visit);
    assert_eq!(home.lead.to_plain(), "Hello Ana Silva. You and your teams own 5 things.");
    assert_eq!(home.refs[0], "component:default/payments-batch", "what is wrong comes first");
    let text = steward::cli::ask::render_text(&Response::Reply(home.clone()), 100, steward::cli::ask::Colour::Off);
    for said in ["Your teams", "#team-payments", "has been broken since", "Payments API", "service, production", "/find WORDS"] {
        assert!(text.contains(said), "{said} is missing:\n{text}");
    }
    for line in lines(&home) {
        assert!(matches!(bot.reply(line).status, Status::Answered | Status::NotFound), "{line}");
    }
    let guest = reply(&shop().bot(), Act::Visit);
    assert!(lines(&guest).contains(&"link"), "{:?}", lines(&guest));
    let lonely = {
        let mut world = shop();
        world.user("eve.solo").display_name("Eve Solo");
        reply(&world.bot().by("eve.solo"), Act::Visit)
    };
    assert_eq!(lonely.lead.to_plain(), "Hello Eve Solo. You are in no team that the catalog knows, and own nothing in it.");
    assert_eq!(reply(&World::new().bot(), Act::Visit).status, Status::NotFound);
}

#[test]
fn a_home_stays_short_however_much_somebody_owns() {
    let mut world = World::new();
    for team in 0..7 {
        let name = format!("team-{team}");
        world.group(&name).annotate("steward.dev/channel", "#team");
        for number in 0..20 {
            world.component(&format!("service-{team}-{number}")).owner(&name).owner("gone").broken_for(3, "broken");
        }
    }
    let user = world.user("max.busy").display_name("Max Busy");
    for team in 0..7 {
        user.member_of(&format!("team-{team}"));
    }
    let home = reply(&world.bot().by("max.busy"), Act::Visit);
    let view = serde_json::to_value(render_reply_view(&home)).unwrap();
    let blocks = view["blocks"].as_array().unwrap().len();
    assert!((15..=45).contains(&blocks), "{blocks} blocks");
}

#[test]
fn addresses_of_catalogued_repositories_and_of_our_own_pages_are_previewed() {
    let mut world = shop();
    world.component("loose").owner("nobody").repository("acme/loose").metadata("description", json!("A loose end."));
    let bot = world.bot();
    let catalog = bot.app.catalog.load();
    let asking = Asking::new(&catalog, now(), &bot.account, None, &[], StoreHealth::Reachable);
    let own = Some("https://steward.example.com/base");
    let of = |urls: &[&str]| -> Vec<(String, String)> {
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        let shown = previews(&catalog, &asking, own, &urls).into_iter();
        shown.map(|(url, reply)| (url, reply.lead.to_plain())).collect()
    };
    let pull = "https://github.example/acme/payments-api/pull/12";
    let page = "https://steward.example.com/base/catalog/default/component/ledger";
    let loose = "https://github.example/acme/loose";
    assert_eq!(
        of(&[pull, "https://example.com/x", page, loose, "https://github.example/acme/checkout"]),
        [
            (pull.to_owned(), "Payments API: owned by Team Payments.".to_owned()),
            (page.to_owned(), "ledger: owned by Team Ledger.".to_owned()),
            (loose.to_owned(), "loose: nobody who is known owns it.".to_owned()),
        ]
    );
    assert!(
        of(&["https://other.example/base/catalog/default/component/ledger", "no address", "https://github.example/acme"])
            .is_empty()
    );
    assert!(of(&["https://elsewhere.example/acme/payments-api"]).is_empty());
    assert_eq!(of(&[pull, "https://github.example/acme/payments-api/issues/1"]).len(), 1, "one preview for one thing");
    let shown = preview::preview(&bot.app, &bot.account, None, &[pull.to_owned()]);
    assert!(shown[0].1.buttons.is_empty() && shown[0].1.cards.iter().all(|card| card.buttons.is_empty()));
}

#[test]
fn the_terminal_takes_questions_too() {
    let mut bot = shop().bot();
    bot.account.platform = Platform::Terminal;
    assert_eq!(told(&bot.reply("who owns payments-api?")), "owner component:default/payments-api");
}
