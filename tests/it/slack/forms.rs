//! Forms go to Slack and come back whole: pages, answers, errors, choices.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use steward::{
    chat::{Act, Choice, Decimals, Field, FieldKind, Form, FormState, Submission, Value, complete},
    slack::{
        Parsed, parse_interaction,
        render::{render_choices, render_form, render_form_answer},
    },
};

use crate::fake_slack::{
    check,
    person::{back, interaction, questions, submit, suggest},
};

fn form(fields: Vec<Field>) -> Form {
    Form {
        id: "report".to_owned(),
        title: "Report a wrong owner".to_owned(),
        page: 0,
        pages: 1,
        intro: "What is wrong?".into(),
        fields,
        submit: "Send".to_owned(),
        state: FormState::default(),
    }
}

fn view(form: &Form) -> Json {
    let view = serde_json::to_value(render_form(form).unwrap()).unwrap();
    assert_eq!(check::view_faults(&view), Vec::<String>::new());
    view
}

fn act(payload: &Json) -> Act {
    match parse_interaction(interaction(payload).as_bytes()).unwrap() {
        Parsed::Act(incoming) => incoming.request.act,
        other => panic!("{other:?} is no act"),
    }
}

fn submission(payload: &Json) -> Submission {
    match act(payload) {
        Act::Submit(submission) | Act::Back(submission) => submission,
        other => panic!("{other:?} is no submission"),
    }
}

fn choices(count: usize) -> Vec<Choice> {
    (1..=count).map(|n| Choice::new(format!("value-{n}"), format!("Choice {n}"))).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn many(texts: &[&str]) -> Value {
    Value::Many(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn every_kind() -> Vec<Field> {
    let line = FieldKind::Line { placeholder: Some("Type here".to_owned()), max: Some(80) };
    vec![
        Field::new("name", "Name", line).help("As it is called"),
        Field::new("why", "Why", FieldKind::Paragraph { placeholder: None, max: None }),
        Field::new("count", "How many", FieldKind::Number { min: Some(1), max: Some(9), decimals: Decimals::No }),
        Field::new("since", "Since", FieldKind::Date).optional(),
        Field::new("env", "Where", FieldKind::Select { choices: choices(3) }),
        Field::new("regions", "Regions", FieldKind::MultiSelect { choices: choices(3) }),
        Field::new("severity", "How bad", FieldKind::Radio { choices: choices(3) }),
        Field::new("parts", "Parts", FieldKind::Checkboxes { choices: choices(3) }),
        Field::new("owner", "Owner", FieldKind::Lookup { kinds: vec!["group".to_owned()], placeholder: None }),
    ]
}

#[test]
fn answers_of_every_kind_of_field_come_back() {
    let view = view(&form(every_kind()));
    assert_eq!(questions(&view).len(), 9);
    let answers = BTreeMap::from([
        ("name", vec!["payments <api> & *co*"]),
        ("why", vec!["two\nlines"]),
        ("count", vec!["7"]),
        ("since", vec!["2026-11-20"]),
        ("env", vec!["value-2"]),
        ("regions", vec!["value-1", "value-3"]),
        ("severity", vec!["value-3"]),
        ("parts", vec!["value-2"]),
        ("owner", vec!["group:default/payments"]),
    ]);
    let sent = submission(&submit(&view, &answers));
    assert_eq!((sent.form.as_str(), sent.page), ("report", 0));
    let expected = [
        ("name", text("payments <api> & *co*")),
        ("why", text("two\nlines")),
        ("count", text("7")),
        ("since", text("2026-11-20")),
        ("env", text("value-2")),
        ("regions", many(&["value-1", "value-3"])),
        ("severity", text("value-3")),
        ("parts", many(&["value-2"])),
        ("owner", text("group:default/payments")),
    ];
    assert_eq!(sent.values, expected.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn emptied_fields_come_back_empty() {
    let mut fields = every_kind();
    fields[0].value = Some(text("old"));
    fields[5].value = Some(many(&["value-1"]));
    let answers = BTreeMap::from([("name", vec![]), ("regions", vec![])]);
    let sent = submission(&submit(&view(&form(fields)), &answers));
    assert_eq!((&sent.values["name"], &sent.values["regions"]), (&text(""), &many(&[])));
}

#[test]
fn given_values_are_shown_and_come_back_unchanged() {
    let mut fields = every_kind();
    let given = [
        text("payments-api"),
        text("because"),
        text("3"),
        text("2026-01-31"),
        text("value-3"),
        many(&["value-1", "value-2"]),
        text("value-1"),
        many(&["value-1", "value-3"]),
        text("group:default/payments"),
    ];
    for (field, value) in fields.iter_mut().zip(&given) {
        field.value = Some(value.clone());
    }
    let sent = submission(&submit(&view(&form(fields.clone())), &BTreeMap::new()));
    for (field, value) in fields.iter().zip(&given) {
        assert_eq!(&sent.values[&field.name], value, "{}", field.name);
    }
}

/// A three-page form as a command would lead through it: answers of earlier pages travel in the form.
#[test]
fn pages_go_forth_and_back_with_their_answers() {
    let page = |page: usize, state: FormState| {
        let names = [["team", "reason"], ["since", "ticket"], ["note", "reason"]][page];
        let fields = names.map(|name| {
            let mut field = Field::new(name, name, FieldKind::Line { placeholder: None, max: None }).optional();
            field.value = state.values.get(name).cloned();
            field
        });
        Form { page, pages: 3, state, ..form(fields.to_vec()) }
    };
    let merge = |sent: Submission| {
        let mut state = sent.state;
        state.values.extend(sent.values);
        state
    };
    let subject = FormState { subject: "component:default/payments-api".to_owned(), values: BTreeMap::new() };
    let first = page(0, subject);
    let shown = view(&first);
    assert!(shown.to_string().contains("Step 1 of 3") && !shown.to_string().contains("\"Back\""));

    let sent = submission(&submit(&shown, &BTreeMap::from([("team", vec!["checkout"]), ("reason", vec!["moved"])])));
    let second = page(1, merge(sent));
    let answer = serde_json::to_value(render_form_answer(&second, 0).unwrap()).unwrap();
    assert_eq!(answer["response_action"], "update");
    let shown_second = answer["view"].clone();
    assert_eq!(check::view_faults(&shown_second), Vec::<String>::new());
    assert_eq!(questions(&shown_second), ["since", "ticket"]);

    let went_back = back(&shown_second, &BTreeMap::from([("ticket", vec!["OPS-7"])]));
    assert!(matches!(act(&went_back), Act::Back(_)));
    let went_back = submission(&went_back);
    assert_eq!((went_back.page, &went_back.values["ticket"]), (1, &text("OPS-7")));
    let again = view(&page(0, merge(went_back)));
    let kept = submission(&submit(&again, &BTreeMap::new()));
    assert_eq!((&kept.values["team"], &kept.state.values["ticket"]), (&text("checkout"), &text("OPS-7")));

    let third = view(&page(2, merge(kept)));
    let last = submission(&submit(&third, &BTreeMap::from([("note", vec!["thanks"])])));
    assert_eq!((last.page, last.state.subject.as_str()), (2, "component:default/payments-api"));
    let all = merge(last);
    assert_eq!(
        all.values.into_iter().map(|(name, value)| format!("{name}={}", value.as_text())).collect::<Vec<_>>(),
        ["note=thanks", "reason=moved", "since=", "team=checkout", "ticket=OPS-7",]
    );
    // Slack keeps what was typed under the same ids when a view is replaced.
    let ids = |view: &Json| -> Vec<String> {
        let blocks = view["blocks"].as_array().unwrap().iter();
        blocks.filter_map(|block| block["block_id"].as_str().map(str::to_owned)).collect()
    };
    assert!(ids(&again).iter().all(|id| !ids(&third).contains(id)));
}

#[test]
fn errors_stand_below_their_fields() {
    let mut wrong = form(every_kind());
    wrong.fields[0].error = Some("No service has this name.".to_owned());
    wrong.fields[8].error = Some(String::new());
    let shown = view(&form(every_kind()));
    let answer = serde_json::to_value(render_form_answer(&wrong, 0).unwrap()).unwrap();
    assert_eq!(answer["response_action"], "errors");
    let block_of = |name: &str| {
        let blocks = shown["blocks"].as_array().unwrap().iter();
        let block = blocks.clone().find(|block| block["element"]["action_id"] == name).unwrap();
        block["block_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(answer["errors"][block_of("name")], "No service has this name.");
    assert_eq!(answer["errors"][block_of("owner")], "This answer cannot be taken.");
    assert_eq!(answer["errors"].as_object().unwrap().len(), 2);
}

/// Slack can put an error only below an input of the view that was sent.
#[test]
fn errors_elsewhere_are_shown_with_the_page() {
    let mut earlier = form(every_kind());
    earlier.fields[0].error = Some("Taken meanwhile.".to_owned());
    let answer = serde_json::to_value(render_form_answer(&earlier, 1).unwrap()).unwrap();
    assert_eq!(answer["response_action"], "update");
    assert!(answer["view"].to_string().contains("Taken meanwhile."));

    let mut empty = form(vec![Field::new("env", "Where", FieldKind::Select { choices: vec![] })]);
    empty.fields[0].error = Some("Choose one.".to_owned());
    let answer = serde_json::to_value(render_form_answer(&empty, 0).unwrap()).unwrap();
    assert_eq!(answer["response_action"], "update");
    assert!(answer["view"].to_string().contains("nothing to choose from"));
    assert!(answer["view"].to_string().contains("Choose one."));
}

#[test]
fn more_choices_than_slack_takes_become_another_element_without_loss() {
    let fields = vec![
        Field::new("a", "Radio of 11", FieldKind::Radio { choices: choices(11) }),
        Field::new("b", "Boxes of 11", FieldKind::Checkboxes { choices: choices(11) }),
        Field::new("c", "Select of 250", FieldKind::Select { choices: choices(250) }),
        Field::new("d", "Many of 101", FieldKind::MultiSelect { choices: choices(101) }),
    ];
    let view = view(&form(fields));
    let answers = BTreeMap::from([
        ("a", vec!["value-11"]),
        ("b", vec!["value-1", "value-11"]),
        ("c", vec!["value-250"]),
        ("d", vec!["value-101"]),
    ]);
    let sent = submission(&submit(&view, &answers));
    assert_eq!(sent.values["a"], text("value-11"));
    assert_eq!(sent.values["b"], many(&["value-1", "value-11"]));
    assert_eq!(sent.values["c"], text("value-250"));
    assert_eq!(sent.values["d"], many(&["value-101"]));
}

#[test]
fn form_that_slack_cannot_carry_is_refused_with_what_to_do() {
    let large = FormState { subject: "x".repeat(2_990), values: BTreeMap::new() };
    let wide = FormState { subject: "ü".repeat(1_495), values: BTreeMap::new() };
    let long = Field::new("n".repeat(256), "Name", FieldKind::Date);
    let crowd = (0..101).map(|n| Field::new(format!("f{n}"), "F", FieldKind::Date)).collect();
    for refused in [
        Form { state: large, ..form(every_kind()) },
        Form { state: wide, ..form(every_kind()) },
        form(vec![long]),
        form(crowd),
        Form { id: String::new(), ..form(every_kind()) },
    ] {
        let error = render_form(&refused).unwrap_err();
        assert_eq!((error.kept.as_deref(), error.next.is_some()), (Some("Nothing was changed."), true), "{error}");
    }
    let fits = FormState { subject: "x".repeat(2_900), values: BTreeMap::new() };
    view(&Form { state: fits, ..form(every_kind()) });
}

#[test]
fn typeahead_asks_for_its_field_and_gets_at_most_a_hundred_options() {
    let view = view(&form(every_kind()));
    let expected = Act::Complete {
        form: "report".to_owned(),
        subject: form(every_kind()).state.subject,
        field: "owner".to_owned(),
        typed: "pay".to_owned(),
    };
    assert_eq!(act(&suggest(&view, "owner", "pay")), expected);

    let mut found = choices(150);
    found.insert(0, Choice { note: Some("n".repeat(200)), ..Choice::new("v", "l".repeat(200)) });
    found.insert(1, Choice::new("x".repeat(151), "too long a value to be cut"));
    let answer = serde_json::to_value(render_choices(&found)).unwrap();
    assert_eq!(check::options_faults(&answer), Vec::<String>::new());
    assert_eq!(answer["options"].as_array().unwrap().len(), 100);
    assert_eq!(answer["options"][1]["value"], "value-1");
    assert_eq!(serde_json::to_value(render_choices(&[])).unwrap(), json!({"options": []}));
}

#[test]
fn numbers_may_have_fractions_and_stay_in_their_bounds() {
    let number = |decimals, value: &str| {
        let mut field = Field::new("n", "N", FieldKind::Number { min: Some(0), max: Some(10), decimals });
        field.value = Some(text(value));
        view(&form(vec![field]))["blocks"][1]["element"].clone()
    };
    let whole = number(Decimals::No, "7");
    assert_eq!((&whole["is_decimal_allowed"], &whole["initial_value"]), (&json!(false), &json!("7")));
    assert!(number(Decimals::No, "7.5")["initial_value"].is_null());
    let broken = number(Decimals::Yes, "7.5");
    assert_eq!((&broken["is_decimal_allowed"], &broken["initial_value"]), (&json!(true), &json!("7.5")));
    for outside in ["10.5", "-0.1", "inf", "NaN", "1e0"] {
        assert!(number(Decimals::Yes, outside)["initial_value"].is_null(), "{outside}");
    }
    assert_eq!((&broken["min_value"], &broken["max_value"]), (&json!("0"), &json!("10")));
}

/// A question that hangs on an earlier answer is not asked without it, and its answer is forgotten with it.
#[test]
fn hidden_fields_are_not_asked_and_their_answers_are_dropped() {
    let fields = || {
        vec![
            Field::new("database", "Database", FieldKind::Select { choices: choices(3) }),
            Field::new("size", "Size", FieldKind::Line { placeholder: None, max: None })
                .shown_when("database", ["value-1", "value-2"]),
            Field::new("backup", "Backups", FieldKind::Line { placeholder: None, max: None }).shown_when("size", ["large"]),
        ]
    };
    let mut state = FormState::default();
    let given = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    assert_eq!(questions(&view(&Form { state: state.clone(), ..form(fields()) })), ["Database"]);
    state.take(&fields(), given(&[("database", "value-1"), ("size", "large"), ("backup", "daily"), ("admin", "yes")]));
    assert_eq!(state.values.keys().collect::<Vec<_>>(), ["backup", "database", "size"], "what is not asked is not answered");
    assert_eq!(questions(&view(&Form { state: state.clone(), ..form(fields()) })), ["Database", "Size", "Backups"]);
    state.take(&fields(), given(&[("database", "value-3"), ("size", "large")]));
    assert_eq!(state.values.keys().collect::<Vec<_>>(), ["database"], "what hangs on a hidden answer goes with it");

    // An error of a question that is not asked is shown nowhere.
    let mut wrong = Form { state, ..form(fields()) };
    wrong.fields[1].error = Some("Too small.".to_owned());
    assert!(!serde_json::to_value(render_form_answer(&wrong, 0).unwrap()).unwrap().to_string().contains("Too small"));
}

#[test]
fn lists_past_a_thousand_are_typed_into() {
    let mut one = Field::new("one", "One of many", FieldKind::Select { choices: choices(1_001) });
    one.value = Some(text("value-1001"));
    let mut several = Field::new("several", "Several of many", FieldKind::Checkboxes { choices: choices(1_001) });
    several.value = Some(many(&["value-2", "value-1000"]));
    let view = view(&form(vec![one, several]));
    let kinds: Vec<_> = view["blocks"].as_array().unwrap()[1..].iter().map(|block| block["element"]["type"].clone()).collect();
    assert_eq!(kinds, ["external_select", "multi_external_select"]);
    let sent = submission(&submit(&view, &BTreeMap::new()));
    assert_eq!(sent.values["one"], text("value-1001"));
    assert_eq!(sent.values["several"], many(&["value-2", "value-1000"]));
    let all = choices(1_001);
    let found: Vec<_> = complete(&all, "choice 100").map(|choice| choice.value.as_str()).collect();
    assert_eq!(found, ["value-100", "value-1000", "value-1001"]);
}
