//! Nothing from the catalog can shout or lie.

use chrono::{TimeZone, Utc};
use serde_json::Value;
use steward::{
    chat::{
        Audience, Block, Button, Card, Channel, Fact, Field, FieldKind, Form, FormState, ListItem, ListStyle, Person, Provenance,
        Reply, Span, Status, Text,
    },
    slack::render::{render_form, render_message, render_post, render_press_answer, render_reply_view},
};

use crate::fake_slack::{
    check,
    shown::{acting, formatting, shown},
};

const HOSTILE: [&str; 20] = [
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<!subteam^S123|team>",
    "<@U0123ABCD>",
    "<#C0123ABCD|general>",
    "<http://evil.example|good.example>",
    "<!date^1392734382^{date}^https://evil.example|now>",
    "*bold* _italic_ ~strike~ `code`",
    "payments_api_v2_*",
    "```\nfenced\n```",
    "> quoted",
    "&lt;!channel&gt;",
    "&amp;lt;b&amp;gt; & <b>",
    ":bomb: :skull:",
    "@channel @here @everyone",
    "https://evil.example/?a=<b>&c",
    "[good](http://evil.example)",
    "<<!channel>>",
    "a|b>c<d",
];

fn fresh(read_from: &str) -> Provenance {
    Provenance {
        read_from: read_from.to_owned(),
        url: None,
        synced_at: None,
        age: "synced 3 min ago".to_owned(),
        freshness: steward::chat::Freshness::Fresh,
    }
}

/// This text wherever a reply holds one.
fn reply_of(words: &str) -> Reply {
    let text = || Text::plain(words);
    let mut reply = Reply::new(Status::Answered, "owner", text());
    reply.audience = Audience::Everyone;
    reply.cards = vec![Card {
        title: text(),
        fields: vec![Fact::new(words, text()), Fact::new("Owner", text())],
        body: vec![
            Block::Heading(text()),
            Block::Paragraph(text().bold(words).say(" ").italic(words).say(" ").code(words)),
            Block::Quote(text()),
            Block::Code { language: Some(words.to_owned()), text: words.to_owned() },
            Block::List { style: ListStyle::Bullets, items: vec![ListItem::new(text())] },
            Block::Table { header: vec![text()], rows: vec![vec![text(), text()]] },
            Block::Warning(text()),
        ],
        buttons: vec![Button::say(words, format!("owner {words}")).confirm(words)],
        footer: text(),
        ..Card::default()
    }];
    reply.buttons = vec![Button::say(words, "help")];
    reply.provenance = Some(fresh(words));
    reply
}

fn assert_inert(payload: &Value, words: &str) {
    assert_eq!(acting(payload), Vec::<String>::new(), "acts in {payload:#}");
    assert_eq!(formatting(payload), Vec::<String>::new(), "formats");
    assert!(shown(payload).contains(words), "{words:?} is not shown as it is in\n{}", shown(payload));
}

#[test]
fn markup_in_catalog_text_is_shown_as_text() {
    for words in HOSTILE {
        let reply = reply_of(words);
        for message in [render_message(&reply), render_post(&reply), render_press_answer(&reply, None, None)] {
            let payload = serde_json::to_value(&message).unwrap();
            assert_eq!(check::message_faults(&payload), Vec::<String>::new());
            assert_inert(&payload, words);
            // Every place of the reply holds it: none is lost to a fallback.
            let times = shown(&payload).matches(words).count();
            assert!(times >= 15, "{words:?} is shown {times} times only");
        }
        let view = serde_json::to_value(render_reply_view(&reply)).unwrap();
        assert_eq!(check::view_faults(&view), Vec::<String>::new());
        assert_inert(&view, words);
    }
}

#[test]
fn markup_in_forms_is_shown_as_text() {
    for words in HOSTILE {
        let mut field = Field::new("name", words, FieldKind::Line { placeholder: Some(words.to_owned()), max: None }).help(words);
        field.error = Some(words.to_owned());
        let form = Form {
            id: "report".to_owned(),
            title: "Report".to_owned(),
            page: 0,
            pages: 1,
            intro: words.into(),
            fields: vec![field],
            submit: "Send".to_owned(),
            state: FormState { subject: words.to_owned(), ..FormState::default() },
        };
        let view = serde_json::to_value(render_form(&form).unwrap()).unwrap();
        assert_eq!(check::view_faults(&view), Vec::<String>::new());
        assert_inert(&view, words);
    }
}

#[test]
fn calm_facts_stand_in_two_columns_and_keep_their_links() {
    let mut reply = Reply::new(Status::Answered, "owner", "payments-api is owned by Payments".into());
    let owner = Text::new().link("Payments & co", "https://example.com/a?b=1&c=|x");
    reply.cards = vec![Card {
        fields: vec![Fact::new("Owner", owner), Fact::new("Ref", "component:default/payments-api".into())],
        ..Card::default()
    }];
    let payload = serde_json::to_value(render_message(&reply)).unwrap();
    let section = payload["blocks"].as_array().unwrap().iter().find(|block| block["type"] == "section").unwrap();
    assert_eq!(section["fields"][0]["text"], "*Owner*\n<https://example.com/a?b=1&amp;c=%7Cx|Payments &amp; co>");
    assert_eq!(section["fields"][1]["text"], "*Ref*\ncomponent:default/payments-api");
    assert_eq!(check::message_faults(&payload), Vec::<String>::new());
}

#[test]
fn links_lead_where_they_say() {
    let links = [
        ("https://good.example/x", "https://evil.example/y", Some("https://good.example/x (evil.example)")),
        ("www.good.example", "https://evil.example/y", Some("www.good.example (evil.example)")),
        ("https://good.example", "https://good.example/deep", Some("https://good.example")),
        ("Dashboard", "https://grafana.example/d/1", Some("Dashboard")),
        ("", "https://grafana.example/d/1", Some("https://grafana.example/d/1")),
        ("mail us", "mailto:team@example.com", Some("mail us")),
        ("run", "javascript:alert(1)", None),
        ("open", "slack://user?team=T1", None),
        ("data", "data:text/html,x", None),
        ("broken", "https://", None),
        ("relative", "/etc/passwd", None),
    ];
    for (label, url, expected) in links {
        let reply = Reply::new(Status::Answered, "owner", Text::new().link(label, url));
        let payload = serde_json::to_value(render_message(&reply)).unwrap();
        let element = &payload["blocks"][0]["elements"][0]["elements"][0];
        match expected {
            Some(text) => assert_eq!((&element["type"], element["text"].as_str()), (&"link".into(), Some(text))),
            None => assert_eq!((&element["type"], element["text"].as_str()), (&"text".into(), Some(label)), "{url}"),
        }
    }
}

#[test]
fn people_are_mentioned_only_where_nobody_is_called() {
    let person = Person { name: "Ada".to_owned(), slack_id: Some("U0123ABCD".to_owned()), discord_id: None };
    let forged = Person { name: "Eve".to_owned(), slack_id: Some("U1> <!channel".to_owned()), discord_id: None };
    let channel = Channel { name: "#payments".to_owned(), slack_id: Some("C0123ABCD".to_owned()), discord_id: None };
    let text = Text::new().push(Span::Person(person)).push(Span::Person(forged)).push(Span::Channel(channel));
    let mut reply = Reply::new(Status::Answered, "owner", "Owners".into());
    reply.cards =
        vec![Card { fields: vec![Fact::new("Who", text.clone())], body: vec![Block::Paragraph(text)], ..Card::default() }];
    let personal = acting(&serde_json::to_value(render_message(&reply)).unwrap());
    assert_eq!(personal.iter().filter(|found| found.contains("U0123ABCD")).count(), 2, "{personal:?}");
    reply.audience = Audience::Everyone;
    let public = acting(&serde_json::to_value(render_message(&reply)).unwrap());
    assert!(public.iter().all(|found| found.contains("C0123ABCD")), "{public:?}");
    assert_eq!(public.len(), 2);
}

#[test]
fn characters_that_hide_or_reverse_are_dropped() {
    let reply = reply_of("pay\u{202e}stnem\u{0}-api\u{2066}\u{7}");
    let payload = serde_json::to_value(render_message(&reply)).unwrap();
    assert!(shown(&payload).contains("paystnem-api"));
    assert!(!shown(&payload).contains(['\u{202e}', '\u{0}', '\u{2066}', '\u{7}']));
}

#[test]
fn staleness_is_said_first_and_aloud() {
    let mut reply = Reply::new(Status::Answered, "owner", "payments-api is owned by Payments".into());
    reply.cards = vec![Card { title: "payments-api".into(), ..Card::default() }];
    reply.provenance = Some(Provenance {
        url: Some("https://github.com/acme/payments-api/blob/3f2c1ab/catalog-info.yaml".to_owned()),
        synced_at: Some(Utc.with_ymd_and_hms(2026, 11, 20, 9, 0, 0).unwrap()),
        age: "synced 24 h ago".to_owned(),
        freshness: steward::chat::Freshness::Stale,
        ..fresh("acme/payments-api@3f2c1ab")
    });
    let payload = serde_json::to_value(render_message(&reply)).unwrap();
    let text = shown(&payload);
    assert!(text.find("This may be out of date").unwrap() < text.rfind("payments-api\n").unwrap(), "{text}");
    assert!(text.contains("acme/payments-api@3f2c1ab"));
    assert!(payload.to_string().contains("1763629200") || payload.to_string().contains("1795165200"), "{payload}");
    assert_eq!(check::message_faults(&payload), Vec::<String>::new());
}
