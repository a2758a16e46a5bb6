//! Everything that can be said over the sample organisation, and the corpus where it is at hand, drawn for Discord: within
//! its limits, and with nothing in it that calls somebody.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value as Json;
use steward::{
    app::App,
    chat::{
        Account, Act, Audience, Block, Button, Card, Channel, Does, Fact, Person, Place, Platform, Reply, Request, Response,
        Span, Status, Text,
    },
    commands::respond,
    discord::{
        form::{Sitting, render_modal, render_step},
        render::{render_message, render_post},
    },
    settings::catalog_paths,
};

use crate::{
    corpus::corpus,
    fake_discord::check::{self, message_faults, modal_faults},
    slack::everything::{app_of, copy_what_stands_alone, lines},
};

/// Lines walked for each folder.
const MOST_LINES: usize = 3_000;

fn asked(act: Act) -> Request {
    let account = Account { platform: Platform::Discord, id: "204118836450197504".to_owned(), name: "ada".to_owned() };
    let place = Place { channel_id: "1187420011223344556".to_owned(), channel_name: Some("incidents".to_owned()) };
    Request { account, place: Some(place), act, delivery: None }
}

/// Mentions that Discord would show as such, and would obey were it allowed.
fn calls(words: &str) -> Vec<&str> {
    let is_live = |call: &str| words.match_indices(call).any(|(at, _)| !words[..at].ends_with('\\'));
    ["@everyone", "@here", "<@&"].into_iter().filter(|call| is_live(call)).collect()
}

fn draw(line: &str, reply: &Reply) -> Json {
    let shared = Reply { audience: Audience::Everyone, ..reply.clone() };
    let mut drawn = Json::Null;
    for message in [render_post(&shared), render_message(reply)] {
        drawn = serde_json::to_value(message).unwrap();
        let faults = message_faults(&drawn);
        assert!(faults.is_empty(), "{line}: {faults:?} in {drawn:#}");
        assert_eq!(calls(&check::words(&drawn)), Vec::<&str>::new(), "{line}");
    }
    drawn
}

#[derive(Default)]
struct Walked {
    replies: usize,
    forms: usize,
    /// Whose text, or whose buttons, Discord cannot show all of.
    cut: Vec<String>,
}

async fn walk(app: &App) -> Walked {
    let mut left = lines(app);
    let mut said: BTreeSet<String> = left.iter().cloned().collect();
    let mut walked = Walked::default();
    while let Some(line) = left.pop_front().filter(|_| walked.replies + walked.forms < MOST_LINES) {
        match respond(app, asked(Act::Say { line: line.clone() })).await {
            Response::Reply(reply) => {
                walked.replies += 1;
                let words = check::words(&draw(&line, &reply));
                if words.contains("than one Discord message can show") || words.contains("cannot be shown in Discord") {
                    walked.cut.push(line.clone());
                }
                let buttons = reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons));
                for button in buttons {
                    let Does::Say(next) = &button.does else { continue };
                    if !next.starts_with("share ") && said.insert(next.clone()) {
                        left.push_back(next.clone());
                    }
                }
            }
            Response::Form(form) => {
                walked.forms += 1;
                let mut sitting = Sitting::new(*form);
                for step in 0..sitting.steps().len() {
                    sitting.step = step;
                    let message = serde_json::to_value(render_step(7, &sitting)).unwrap();
                    assert_eq!(message_faults(&message), Vec::<String>::new(), "{line}");
                    if let Some(modal) = render_modal(7, &sitting) {
                        assert_eq!(modal_faults(&serde_json::to_value(modal).unwrap()), Vec::<String>::new(), "{line}");
                    }
                }
            }
            Response::Choices(_) => panic!("{line} is no look-up"),
        }
    }
    walked
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_said_is_taken_by_discord() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let app = app_of(&root.join("fixtures/org"), catalog_paths()).await;
    let Walked { replies, forms, cut } = walk(&app).await;
    assert!(replies > 500 && forms > 20, "{replies} replies, {forms} forms");
    assert!(cut.is_empty(), "{} of {replies} are not shown whole: {cut:?}", cut.len());
    let Some(corpus) = corpus() else { return };
    let copy = tempfile::TempDir::new().unwrap();
    for folder in ["catalog", "templates"] {
        copy_what_stands_alone(&corpus.join(folder), &copy.path().join(folder));
    }
    let app = app_of(copy.path(), vec!["*.yaml".to_owned()]).await;
    let Walked { replies, forms, cut } = walk(&app).await;
    println!("the corpus: {replies} replies, {forms} forms, {} not shown whole: {cut:?}", cut.len());
    assert!(replies > 1_000, "{replies} replies over the corpus");
}

fn said(text: Text) -> String {
    let reply = Reply::new(Status::Answered, "owner", text);
    serde_json::to_value(render_post(&reply)).unwrap()["content"].as_str().unwrap().to_owned()
}

#[test]
fn nothing_from_the_catalog_becomes_markup_or_calls_somebody() {
    let shown = |text: &str| said(Text::plain(text));
    assert_eq!(shown("**bold** _it_ ~~no~~ `x` ||s||"), r"\*\*bold\*\* \_it\_ \~\~no\~\~ \`x\` \|\|s\|\|");
    assert_eq!(
        shown("<@204118836450197504> <#1> <t:1> [a](https://x.y)"),
        r"\<@204118836450197504> \<#1> \<t:1> \[a\](https\://x.y)"
    );
    assert_eq!(shown("# not a heading\n- no list\n> no quote\n1. one"), "\\# not a heading\n\\- no list\n\\> no quote\n1\\. one");
    assert_eq!(shown("c# and a-b > c"), "c# and a-b > c", "inside of a line these are letters");
    assert_eq!(calls(&shown("@everyone and @here, <@&55>")), Vec::<&str>::new());
    assert_eq!(said(Text::new().code("a`b")), "``a`b``");
    assert_eq!(said(Text::new().code("a``b")), r"a\`\`b");
    assert_eq!(said(Text::new().bold("x*y")), r"**x\*y**");
    assert_eq!(said(Text::new().link("a]b", "https://x.example/(1)")), r"[a\]b](<https://x.example/%281%29>)");
    assert_eq!(said(Text::new().link("click", "javascript:alert(1)")), "click");
    assert_eq!(shown("a\u{202e}b\u{200b}c"), "abc", "what is not shown does not reorder or hide");
}

#[test]
fn people_and_channels_are_mentioned_by_true_ids_alone() {
    let person = |id: &str| Span::Person(Person { name: "A_da".to_owned(), slack_id: None, discord_id: Some(id.to_owned()) });
    assert_eq!(said(Text(vec![person("204118836450197504")])), "<@204118836450197504>");
    assert_eq!(said(Text(vec![person("1> @everyone")])), r"A\_da");
    let channel = Span::Channel(Channel { name: "#pay".to_owned(), slack_id: Some("C1".to_owned()), discord_id: None });
    assert_eq!(said(Text(vec![channel])), r"\#pay");
}

#[test]
fn a_fence_in_code_does_not_end_it() {
    let code = Block::Code { language: Some("sh`x".to_owned()), text: "echo 1\n```\n@everyone".to_owned() };
    let mut reply = Reply::new(Status::Answered, "runbook", "Runbook".into());
    reply.cards.push(Card { body: vec![code], ..Card::default() });
    let drawn = serde_json::to_value(render_post(&reply)).unwrap();
    let shown = drawn["embeds"][0]["description"].as_str().unwrap();
    assert_eq!(shown.matches("```").count(), 2, "{shown}");
    assert!(shown.starts_with("```\necho 1\n"), "{shown}");
}

#[test]
fn what_is_too_long_is_cut_and_said_so() {
    let mut reply = Reply::new(Status::Answered, "find", "Many".into());
    for number in 0..40 {
        let fields = vec![Fact::new("Owner", Text::plain("_".repeat(300)))];
        let body = vec![Block::Paragraph(Text::plain("*".repeat(400)))];
        let buttons = vec![Button::say("Owner", format!("owner thing-{number}"))];
        reply.cards.push(Card { title: Text::plain(format!("Thing {number}")), fields, body, buttons, ..Card::default() });
    }
    reply.buttons.push(Button::say("Long", format!("find {}", "x".repeat(120))));
    let drawn = serde_json::to_value(render_post(&reply)).unwrap();
    assert_eq!(message_faults(&drawn), Vec::<String>::new());
    let content = drawn["content"].as_str().unwrap();
    assert!(content.ends_with("There is more text, and more buttons, than Discord can show."), "{content}");
    assert_eq!(check::parts(&drawn).len(), 25);
    assert_eq!(check::parts(&drawn)[3]["label"], "Owner: Thing 3", "all buttons stand below all cards");
}
