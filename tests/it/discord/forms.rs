//! Forms in steps: whatever is shown fits, every question can be answered by what is shown, and what is sent is the same as
//! the other doors send.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use steward::{
    chat::{Choice, Decimals, Field, FieldKind, Form, FormState, ShownWhen, Submission, Text, Value, complete},
    discord::form::{Sitting, Touch, Touched, input_index, render_modal, render_step},
};

use crate::fake_discord::check::{message_faults, modal_faults, parts, words};

/// Looks the questions of a step up, as the door does.
fn look_up(sitting: &mut Sitting, found: &impl Fn(&str, &str) -> Vec<Choice>) {
    for search in sitting.wanted() {
        let choices = found(&search.field, &search.typed);
        sitting.found(search, choices);
    }
}

fn message(sitting: &Sitting) -> Json {
    let message = serde_json::to_value(render_step(42, sitting)).unwrap();
    assert_eq!(message_faults(&message), Vec::<String>::new(), "{message:#}");
    // What is kept between two presses is read back.
    let kept = serde_json::to_string(sitting).unwrap();
    assert_eq!(&serde_json::from_str::<Sitting>(&kept).unwrap(), sitting);
    message
}

fn modal(sitting: &Sitting) -> Option<Json> {
    let modal = serde_json::to_value(render_modal(42, sitting)?).unwrap();
    assert_eq!(modal_faults(&modal), Vec::<String>::new(), "{modal:#}");
    Some(modal)
}

fn inputs(modal: &Json) -> Vec<Json> {
    modal["components"].as_array().unwrap().iter().map(|row| row["components"][0].clone()).collect()
}

/// The menu of a question, as it is shown.
fn menu(message: &Json, index: usize) -> Option<Json> {
    let is_of = |part: &Json| {
        let touch = Touch::parse(part["custom_id"].as_str().unwrap_or_default());
        part["type"] == 3 && touch.is_some_and(|touch| touch.what == Touched::Choose(index))
    };
    parts(message).into_iter().find(is_of)
}

/// Answers one page by menus and modals alone, and gives what is sent at its end.
pub fn fill_in_steps(
    form: &Form,
    answer: impl Fn(&Field) -> Option<Value>,
    found: impl Fn(&str, &str) -> Vec<Choice>,
) -> Submission {
    let mut sitting = Sitting::new(form.clone());
    let steps = sitting.steps().len();
    for step in 0..steps {
        sitting.step = step;
        look_up(&mut sitting, &found);
        let shown: Vec<(usize, Field)> = sitting.shown().into_iter().map(|(index, field)| (index, field.clone())).collect();
        assert!(shown.len() <= 5, "{} questions in one step", shown.len());
        let mut written: BTreeMap<usize, String> = BTreeMap::new();
        for (index, field) in &shown {
            let Some(wanted) = answer(field) else { continue };
            let drawn = message(&sitting);
            if let Some(menu) = menu(&drawn, *index).filter(|_| choose(&mut sitting, *index, &menu_of(&drawn, *index), &wanted)) {
                assert!(menu["options"].as_array().is_some_and(|options| !options.is_empty()));
                continue;
            }
            // It is written, or searched for: a search that finds several leaves the choice to the menu.
            let modal = modal(&sitting).unwrap_or_else(|| panic!("{} cannot be answered: {drawn:#}", field.name));
            let input =
                inputs(&modal).into_iter().find(|input| input_index(input["custom_id"].as_str().unwrap()) == Some(*index));
            let input = input.unwrap_or_else(|| panic!("{} is not in the modal", field.name));
            if input["label"].as_str().unwrap().starts_with("Search: ") {
                sitting.write(&[(*index, wanted.as_text().to_owned())].into());
                look_up(&mut sitting, &found);
                let drawn = message(&sitting);
                if sitting.values.get(&field.name) != Some(&wanted) {
                    assert!(choose(&mut sitting, *index, &menu_of(&drawn, *index), &wanted), "{}: {drawn:#}", field.name);
                }
            } else {
                written.insert(*index, wanted.as_text().to_owned());
            }
        }
        sitting.write(&written);
        look_up(&mut sitting, &found);
        message(&sitting);
        modal(&sitting);
    }
    assert!(sitting.is_last_step());
    sitting.submission()
}

fn menu_of(message: &Json, index: usize) -> Vec<String> {
    let options = menu(message, index).map(|menu| menu["options"].clone()).unwrap_or_default();
    options.as_array().into_iter().flatten().map(|option| option["value"].as_str().unwrap().to_owned()).collect()
}

/// Chooses by what the menu shows; whether it is there to be chosen.
fn choose(sitting: &mut Sitting, index: usize, shown: &[String], wanted: &Value) -> bool {
    let wanted: Vec<&String> = match wanted {
        Value::Text(text) => vec![text],
        Value::Many(all) => all.iter().collect(),
    };
    let offers = sitting.offers(&sitting.form.fields[index]);
    let place = |value: &String| offers.iter().position(|choice| choice.value == *value);
    let tokens: Option<Vec<String>> = wanted.iter().map(|value| shown.get(place(value)?).cloned()).collect();
    let Some(tokens) = tokens else { return false };
    sitting.choose(index, &tokens);
    true
}

fn form(fields: Vec<Field>) -> Form {
    let state = FormState {
        subject: "template:default/x".to_owned(),
        values: [("kind".to_owned(), Value::Text("web".to_owned()))].into(),
    };
    Form {
        id: "new".to_owned(),
        title: "A *new* thing".to_owned(),
        page: 1,
        pages: 3,
        intro: Text::plain("What it is."),
        fields,
        submit: "Next".to_owned(),
        state,
    }
}

fn many(count: usize) -> Vec<Choice> {
    (0..count).map(|number| Choice::new(format!("value-{number}"), format!("Label {number}"))).collect()
}

fn line() -> FieldKind {
    FieldKind::Line { placeholder: None, max: None }
}

#[test]
fn every_kind_of_question_is_answered_and_sent_as_the_playground_sends_it() {
    let long = "v".repeat(140);
    let fields = vec![
        Field::new("name", "Name", line()),
        Field::new("about", "About", FieldKind::Paragraph { placeholder: Some("words".to_owned()), max: Some(200) }),
        Field::new("size", "Size", FieldKind::Number { min: Some(1), max: Some(9), decimals: Decimals::No }),
        Field::new("due", "Due", FieldKind::Date).optional(),
        Field::new("tier", "Tier", FieldKind::Select { choices: many(3) }),
        Field::new("region", "Region", FieldKind::Select { choices: many(400) }),
        Field::new(
            "long",
            "Long",
            FieldKind::Radio { choices: vec![Choice::new(long.as_str(), "Long"), Choice::new("#1", "Odd")] },
        ),
        Field::new("tags", "Tags", FieldKind::MultiSelect { choices: many(4) }),
        Field::new("ticks", "Ticks", FieldKind::Checkboxes { choices: many(60) }),
        Field::new("owner", "Owner", FieldKind::Lookup { kinds: vec!["group".to_owned()], placeholder: None }),
        Field::new("hidden", "Hidden", line()).shown_when("kind", ["job"]),
        Field::new("left", "Left", FieldKind::Radio { choices: many(2) }).optional(),
    ];
    let form = form(fields);
    let sitting = Sitting::new(form.clone());
    let sizes: Vec<usize> = sitting.steps().iter().map(Vec::len).collect();
    assert_eq!(sizes, [5, 4, 2], "at most five questions, of which four have menus");
    let text = |value: &str| Value::Text(value.to_owned());
    let wanted: BTreeMap<&str, Value> = [
        ("name", text("shop")),
        ("about", text("two\nlines")),
        ("size", text("3")),
        ("due", text("2026-11-21")),
        ("tier", text("value-2")),
        ("region", text("value-321")),
        ("long", text(&long)),
        ("tags", Value::Many(vec!["value-0".to_owned(), "value-3".to_owned()])),
        ("ticks", Value::Many(vec!["value-7".to_owned()])),
        ("owner", text("group:default/team-9")),
    ]
    .into();
    let teams: Vec<Choice> =
        (0..12).map(|number| Choice::new(format!("group:default/team-{number}"), format!("Team {number}"))).collect();
    let found = |field: &str, typed: &str| {
        assert_eq!(field, "owner");
        complete(&teams, typed).take(5).cloned().collect::<Vec<_>>()
    };
    let sent = fill_in_steps(&form, |field| wanted.get(field.name.as_str()).cloned(), found);
    let expected: BTreeMap<String, Value> = wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(sent.values, expected, "what is not shown is not sent, nor is a choice that nobody made");
    assert_eq!((sent.form.as_str(), sent.page, &sent.state), ("new", 1, &form.state));
    // What nobody answers is sent as a browser sends it: empty texts and lists.
    let empty = fill_in_steps(&form, |_| None, found);
    assert_eq!((&empty.values["name"], &empty.values["tags"]), (&text(""), &Value::Many(Vec::new())));
    assert!(!empty.values.contains_key("left") && !empty.values.contains_key("hidden"));
}

#[test]
fn a_search_takes_the_one_that_is_meant_and_offers_the_others() {
    let mut sitting =
        Sitting::new(form(vec![Field::new("owner", "Owner", FieldKind::Lookup { kinds: Vec::new(), placeholder: None })]));
    let teams = [Choice::new("a", "Team A"), Choice::new("ab", "Team AB")];
    let found = |_: &str, typed: &str| complete(&teams, typed).cloned().collect::<Vec<_>>();
    let mut typed = |typed: &str| {
        sitting.write(&[(0, typed.to_owned())].into());
        look_up(&mut sitting, &found);
        (sitting.values.get("owner").cloned(), words(&message(&sitting)))
    };
    let text = |value: &str| Some(Value::Text(value.to_owned()));
    assert_eq!(typed("team a").0, text("a"), "one is called so");
    let (value, shown) = typed("team");
    assert_eq!(value, None);
    assert!(shown.contains("Several fit “team”: choose below."), "{shown}");
    assert_eq!(typed("ab").0, text("ab"), "one alone fits");
    assert_eq!(typed("zz").0, text("zz"), "whether nobody is called so is for the command to say");
    assert_eq!(typed("").0, text("zz"), "left empty, nothing was searched");
}

#[test]
fn an_answer_that_was_not_taken_is_shown_first_with_why() {
    let mut fields: Vec<Field> = (0..12).map(|number| Field::new(format!("f{number}"), format!("Q {number}"), line())).collect();
    fields[7].error = Some("No *such* team.".to_owned());
    fields[7].value = Some(Value::Text("x".to_owned()));
    let sitting = Sitting::new(form(fields));
    assert_eq!(sitting.step, 1);
    let shown = words(&message(&sitting));
    assert!(shown.contains(r"⚠️ **No \*such\* team.**"), "{shown}");
    assert!(shown.starts_with(r"**A \*new\* thing** – page 2 of 3, step 2 of 3"), "{shown}");
}

#[test]
fn a_touch_is_read_as_it_was_written_and_nothing_else_is_one() {
    let sitting = Sitting::new(form(vec![Field::new("a", "A", FieldKind::Select { choices: many(2) })]));
    let touches: Vec<Touch> =
        parts(&message(&sitting)).iter().map(|part| Touch::parse(part["custom_id"].as_str().unwrap()).unwrap()).collect();
    let whats: Vec<Touched> = touches.iter().map(|touch| touch.what).collect();
    assert_eq!(whats, [Touched::Choose(0), Touched::Back, Touched::Next, Touched::Cancel]);
    assert!(touches.iter().all(|touch| (touch.sitting, touch.page, touch.step) == (42, 1, 0)));
    for other in ["owner payments-api", "~", "~1.2", "~1.2.3.q", "~x.0.0.n", "?~1.0.0.n", ""] {
        assert_eq!(Touch::parse(other), None, "{other}");
    }
}

#[test]
fn a_question_that_hangs_on_another_answer_is_not_asked_without_it() {
    let field = Field {
        shown_when: Some(ShownWhen { field: "kind".to_owned(), is_one_of: vec!["web".to_owned()] }),
        ..Field::new("a", "A", line())
    };
    assert_eq!(Sitting::new(form(vec![field])).shown().len(), 1, "it is asked where the answer is there");
}
