//! Whatever a command says, Slack takes it: replies and forms of every shape, with hostile and huge texts, from fixed
//! seeds. All of them are written to `target/slack-samples.jsonl` for `tests/contract/slack_blocks.py`.

use std::{collections::BTreeMap, io::Write, path::Path};

use chrono::DateTime;
use serde_json::{Value as Json, json};
use steward::{
    chat::{
        Audience, Block, Button, Card, Channel, Choice, Decimals, Does, Fact, Field, FieldKind, Form, FormState, Freshness,
        ListItem, ListStyle, Person, Provenance, Reply, Required, Span, Status, Text, Tone, Value, Weight,
    },
    slack::render::{
        render_choices, render_form, render_form_answer, render_home, render_message, render_post, render_reply_view,
        render_unfurl,
    },
};

use crate::fake_slack::check;

const SEEDS: u64 = 300;

/// A generator with a fixed sequence for each seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(2) == 0).then(|| make(self))
    }

    fn several<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = match self.roll(12) {
            0 => self.roll(130),
            1..=3 => 0,
            _ => self.roll(5),
        };
        (0..count).map(|_| make(self)).collect()
    }

    fn words(&mut self) -> String {
        const WORDS: [&str; 22] = [
            "",
            " ",
            "\n",
            "payments-api",
            "component:default/payments-api",
            "<!channel>",
            "*b* _i_ ~s~ `c`",
            "<http://evil|good>",
            ":bomb: & > <",
            "Zażółć gęślą jaźń",
            "支払いサービス",
            "👩‍👩‍👧‍👦🚀",
            "\u{202e}reversed",
            "nul\u{0}bell\u{7}",
            "line one\nline two\r\nline three",
            "\t tabs \t",
            "https://example.com/a?b=c&d=e",
            "a very ordinary sentence about a service and its team, which is of middling length.",
            "|pipe|",
            "\\ back \" quotes '",
            "\u{200b}",
            "e\u{301}\u{301}\u{301}",
        ];
        let word = WORDS[self.roll(WORDS.len())];
        match self.roll(24) {
            0 => word.repeat(self.roll(4_000)),
            1 => "x".repeat(self.roll(20_000)),
            2 => "🚀".repeat(self.roll(3_000)),
            3 => format!("{word} ").repeat(self.roll(200)),
            _ => word.to_owned(),
        }
    }

    fn url(&mut self) -> String {
        match self.roll(8) {
            0 => "javascript:alert(1)".to_owned(),
            1 => self.words(),
            2 => format!("https://example.com/{}", "p".repeat(self.roll(6_000))),
            3 => "https://example.com/<a>|b&c=\"d\"".to_owned(),
            4 => "mailto:team@example.com".to_owned(),
            _ => "https://grafana.example.com/d/abc?var=1".to_owned(),
        }
    }

    fn span(&mut self) -> Span {
        match self.roll(12) {
            0 => Span::Bold(self.words()),
            1 => Span::Italic(self.words()),
            2 => Span::Strike(self.words()),
            3 => Span::Code(self.words()),
            4 | 5 => Span::Link { label: self.words(), url: self.url() },
            6 => Span::Person(Person { name: self.words(), slack_id: self.maybe(|dice| dice.id("U")), discord_id: None }),
            7 => Span::Channel(Channel { name: self.words(), slack_id: self.maybe(|dice| dice.id("C")), discord_id: None }),
            8 => Span::Time(
                DateTime::from_timestamp([0, 1_795_000_000, 253_402_300_799, -99_999_999_999][self.roll(4)], 5).unwrap(),
            ),
            9 => Span::LineBreak,
            _ => Span::Plain(self.words()),
        }
    }

    fn id(&mut self, kind: &str) -> String {
        if self.one_in(3) { self.words() } else { format!("{kind}0123ABCD") }
    }

    fn text(&mut self) -> Text {
        match self.roll(3) {
            0 => Text::plain("payments-api"),
            _ => Text(self.several(Self::span)),
        }
    }

    fn button(&mut self) -> Button {
        let does = if self.one_in(3) { Does::Open(self.url()) } else { Does::Say(self.words()) };
        let weight = [Weight::Normal, Weight::Primary, Weight::Danger][self.roll(3)];
        Button { label: self.words(), does, weight, confirm: self.maybe(Self::words) }
    }

    fn block(&mut self) -> Block {
        match self.roll(8) {
            0 => Block::Heading(self.text()),
            1 => Block::Paragraph(self.text()),
            2 => Block::Quote(self.text()),
            3 => Block::Code { language: self.maybe(Self::words), text: self.words() },
            4 => {
                let style = if self.one_in(2) { ListStyle::Bullets } else { ListStyle::Numbers { start: self.roll(5) as u64 } };
                let item = |dice: &mut Self| ListItem {
                    depth: if dice.one_in(9) { u8::MAX } else { dice.roll(3) as u8 },
                    checked: dice.maybe(|dice| dice.one_in(2)),
                    text: dice.text(),
                };
                Block::List { style, items: self.several(item) }
            }
            5 => Block::Table { header: self.several(Self::text), rows: self.several(|dice| dice.several(Self::text)) },
            6 => Block::Warning(self.text()),
            _ => Block::Divider,
        }
    }

    fn card(&mut self) -> Card {
        Card {
            tone: [Tone::Neutral, Tone::Good, Tone::Warning, Tone::Critical][self.roll(4)],
            title: self.text(),
            fields: self.several(|dice| Fact::new(dice.words(), dice.text())),
            body: self.several(Self::block),
            buttons: self.several(Self::button),
            footer: if self.one_in(2) { Text::new() } else { self.text() },
        }
    }

    fn reply(&mut self) -> Reply {
        let provenance = |dice: &mut Self| Provenance {
            read_from: dice.words(),
            url: dice.maybe(Self::url),
            synced_at: DateTime::from_timestamp(1_795_000_000, 0),
            age: dice.words(),
            freshness: if dice.one_in(2) { Freshness::Fresh } else { Freshness::Stale },
        };
        let mut reply = Reply::new(Status::Answered, "owner", self.text());
        reply.command = self.words();
        reply.audience = if self.one_in(2) { Audience::Asker } else { Audience::Everyone };
        reply.cards = self.several(Self::card);
        reply.buttons = self.several(Self::button);
        reply.provenance = self.maybe(provenance);
        reply
    }

    fn choice(&mut self) -> Choice {
        Choice { value: self.words(), label: self.words(), note: self.maybe(Self::words) }
    }

    fn field(&mut self, index: usize) -> Field {
        let bound = |dice: &mut Self| dice.roll(100) as i64 - 50;
        let kind = match self.roll(9) {
            0 => FieldKind::Line { placeholder: self.maybe(Self::words), max: self.maybe(|dice| dice.roll(5_000)) },
            1 => FieldKind::Paragraph { placeholder: self.maybe(Self::words), max: self.maybe(|dice| dice.roll(5_000)) },
            2 => FieldKind::Number {
                min: self.maybe(bound),
                max: self.maybe(bound),
                decimals: if self.one_in(2) { Decimals::Yes } else { Decimals::No },
            },
            3 => FieldKind::Date,
            4 => FieldKind::Select { choices: self.several(Self::choice) },
            5 => FieldKind::MultiSelect { choices: self.several(Self::choice) },
            6 => FieldKind::Radio { choices: self.several(Self::choice) },
            7 => FieldKind::Checkboxes { choices: self.several(Self::choice) },
            _ => FieldKind::Lookup { kinds: vec![], placeholder: self.maybe(Self::words) },
        };
        let value = |dice: &mut Self| match dice.roll(4) {
            0 => Value::Many(dice.several(Self::words)),
            1 => Value::Text("2026-11-21".to_owned()),
            2 => Value::Text(dice.roll(200).to_string()),
            _ => Value::Text(dice.words()),
        };
        Field {
            name: format!("field-{index}"),
            label: self.words(),
            help: self.maybe(Self::words),
            required: if self.one_in(2) { Required::Yes } else { Required::No },
            kind,
            value: self.maybe(value),
            error: self.maybe(Self::words).filter(|_| index.is_multiple_of(3)),
            shown_when: None,
        }
    }

    fn form(&mut self) -> Form {
        let count = if self.one_in(10) { 97 } else { 1 + self.roll(8) };
        Form {
            id: "report".to_owned(),
            title: self.words(),
            page: self.roll(3),
            pages: 1 + self.roll(3),
            intro: self.text(),
            fields: (0..count).map(|index| self.field(index)).collect(),
            submit: self.words(),
            state: FormState { subject: self.words(), values: BTreeMap::from([("a".to_owned(), Value::Text(self.words()))]) },
        }
    }
}

fn dice(seed: u64) -> Dice {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..8).for_each(|_| {
        dice.roll(2);
    });
    dice
}

fn assert_taken(faults: Vec<String>, seed: u64, payload: &Json) {
    assert!(faults.is_empty(), "seed {seed}: {faults:?} in {}", payload.to_string().chars().take(4_000).collect::<String>());
}

#[test]
fn every_reply_and_form_stays_within_slacks_limits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/slack-samples.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut samples = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut sample = |kind: &str, payload: &Json| writeln!(samples, "{}", json!({"kind": kind, "payload": payload})).unwrap();
    let (mut opened, mut refused, mut below_fields) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut dice = dice(seed);
        let reply = dice.reply();
        for message in [render_message(&reply), render_post(&reply)] {
            let payload = serde_json::to_value(message).unwrap();
            assert_taken(check::message_faults(&payload), seed, &payload);
            sample("message", &payload);
        }
        let payload = serde_json::to_value(render_reply_view(&reply)).unwrap();
        assert_taken(check::view_faults(&payload), seed, &payload);
        sample("view", &payload);

        let form = dice.form();
        match render_form(&form) {
            Ok(view) => {
                opened += 1;
                let payload = serde_json::to_value(view).unwrap();
                assert_taken(check::view_faults(&payload), seed, &payload);
                sample("view", &payload);
                let inputs = payload["blocks"].as_array().unwrap().clone();
                let answer = serde_json::to_value(render_form_answer(&form, form.page).unwrap()).unwrap();
                for (block_id, error) in answer["errors"].as_object().into_iter().flatten() {
                    below_fields += 1;
                    assert!(inputs.iter().any(|block| block["type"] == "input" && block["block_id"] == *block_id), "seed {seed}");
                    assert!(error.as_str().is_some_and(|error| !error.is_empty()), "seed {seed}");
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.next.is_some(), "seed {seed}: {error}");
            }
        }
        let payload = serde_json::to_value(render_choices(&dice.several(Dice::choice))).unwrap();
        assert_taken(check::options_faults(&payload), seed, &payload);
        sample("options", &payload);

        let payload = serde_json::to_value(render_home(&reply)).unwrap();
        assert_taken(check::home_faults(&payload), seed, &payload);
        sample("home", &payload);
        let payload = serde_json::to_value(render_unfurl(&reply)).unwrap();
        assert_taken(check::blocks_faults(&payload["blocks"], 10), seed, &payload);
        sample("unfurl", &payload);
    }
    // The generator reaches both ends.
    assert!(opened > 100 && refused > 5 && below_fields > 50, "{opened} opened, {refused} refused, {below_fields} errors");
}

fn shown(message: &steward::slack::render::SlackMessage) -> String {
    crate::fake_slack::shown::shown(&serde_json::to_value(message).unwrap())
}

#[test]
fn ordinary_replies_are_shown_whole() {
    let mut reply = Reply::new(Status::Answered, "runbook", "Runbook of payments-api".into());
    let steps: Vec<ListItem> = (1..=60).map(|n| ListItem::new(format!("step {n} of many_steps").into())).collect();
    let paragraphs = (1..=60).map(|n| Block::Paragraph(format!("paragraph {n}").into()));
    let code = "kubectl get pods --all-namespaces\n".repeat(40);
    let body = std::iter::once(Block::List { style: ListStyle::Numbers { start: 1 }, items: steps })
        .chain(paragraphs)
        .chain([Block::Code { language: None, text: code.clone() }])
        .collect();
    reply.cards = vec![Card { body, buttons: vec![Button::say("More", "runbook x 2")], ..Card::default() }];
    let message = render_message(&reply);
    let text = shown(&message);
    for n in 1..=60 {
        assert!(text.contains(&format!("step {n} of many_steps")) && text.contains(&format!("paragraph {n}\n")), "{n}");
    }
    assert!(text.contains(code.trim_end()) && text.contains("More") && !text.contains("There is more"));
}

#[test]
fn what_is_cut_says_so_and_keeps_the_buttons() {
    let mut reply = Reply::new(Status::Answered, "runbook", "A long runbook".into());
    let body = (0..500).map(|n| Block::Paragraph(format!("paragraph {n} {}", "words ".repeat(100)).into())).collect();
    reply.cards = vec![Card { body, buttons: vec![Button::say("Next section", "runbook x 2")], ..Card::default() }];
    reply.buttons = vec![Button::say("Share", "share")];
    let text = shown(&render_message(&reply));
    assert!(text.contains("paragraph 3 ") && !text.contains("paragraph 400 "));
    for kept in ["Next section", "Share", "There is more than one Slack message can show"] {
        assert!(text.contains(kept), "{kept} is missing");
    }
}

#[test]
fn lists_number_on_and_tables_stay_readable() {
    let item = |depth, text: &str| ListItem { depth, checked: None, text: text.into() };
    let mut reply = Reply::new(Status::Answered, "runbook", "Runbook".into());
    let list = vec![item(0, "first"), item(1, "inner"), item(0, "second")];
    let narrow = Block::Table {
        header: vec!["Name".into(), "Owner".into()],
        rows: vec![vec!["payments".into(), "core".into()], vec!["web".into()]],
    };
    let linked = Block::Table {
        header: vec!["Name".into(), "Board".into()],
        rows: vec![vec!["payments".into(), Text::new().link("Grafana", "https://grafana.example.com/1")]],
    };
    reply.cards = vec![Card {
        body: vec![Block::List { style: ListStyle::Numbers { start: 3 }, items: list }, narrow, linked],
        ..Card::default()
    }];
    let payload = serde_json::to_value(render_message(&reply)).unwrap();
    let elements = payload["blocks"][0]["elements"].as_array().unwrap();
    let kinds: Vec<_> =
        elements.iter().skip(1).take(3).map(|element| (element["type"].as_str().unwrap(), element["indent"].as_u64())).collect();
    assert_eq!(kinds, [("rich_text_section", None), ("rich_text_list", Some(1)), ("rich_text_section", None)]);
    let read = |at: usize| -> String {
        elements[at]["elements"].as_array().unwrap().iter().map(|inline| inline["text"].as_str().unwrap()).collect()
    };
    assert_eq!((read(1).trim(), read(3).trim()), ("3. first", "4. second"));
    let text = crate::fake_slack::shown::shown(&payload);
    assert!(text.contains("Name      Owner\n───────────────\npayments  core\nweb\n"), "{text}");
    assert!(payload.to_string().contains("https://grafana.example.com/1"));
}
