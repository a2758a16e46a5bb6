//! Every template's form of the corpus, filled in page by page as a person would: whatever is shown fits into a modal.
//! Those whose actions are not known have forms too; their steps are left out here.

use std::{fs, io::Write, path::Path, sync::Arc};

use serde_json::{Value as Json, json};
use steward::{
    catalog::{
        EntityRef,
        descriptor::{Verdict, parse_descriptor_with_values},
        kinds::CustomKinds,
    },
    chat::{Act, Field, FieldKind, Form, Response, Submission, Value},
    seal::Seal,
    slack::render::render_form,
    template::{
        form as template,
        shelf::{Runnable, Shelf, Shelved},
    },
};

use crate::{
    corpus::{Values, corpus, rows},
    discord::forms::fill_in_steps,
    fake_slack::check::view_faults,
    scaffold::sample,
    shop::shop,
    world::Bot,
};

#[test]
fn corpus_forms_are_filled_in_within_slacks_limits() {
    let Some(corpus) = corpus() else { return };
    let values = Values::load(&corpus);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/slack-samples-forms.jsonl");
    let mut samples = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut world = shop();
    world.add("system", "shop").owner("team-ledger");
    world.component("mine").owner("team-ledger");
    let mut bot = world.bot().by("kim.lee");
    bot.app.seal = Some(Seal::new(&"a key that is long enough for a test".into()));
    bot.app.settings.server.public_url = Some("https://steward.example.com".to_owned());
    let (mut filled, mut pages, mut stuck, mut wrong) = (0, 0, 0, Vec::new());
    for row in rows(&corpus, "SOURCES.tsv").into_iter().filter(|row| row[0].starts_with("templates/")) {
        let text = fs::read(corpus.join(&row[0])).unwrap();
        let read = |target: &str| values.read(&row[1], &row[2], target);
        let Some(first) = parse_descriptor_with_values(&text, &CustomKinds::default(), &read).into_iter().next() else {
            continue;
        };
        let Verdict::Valid { document: mut json, .. } = first.verdict else { continue };
        if json["kind"] != "Template" {
            continue;
        }
        json["spec"]["steps"] = json!([{ "id": "log", "name": "Log", "action": "debug:log" }]);
        let full = EntityRef::new("template", "default", "sample");
        let shelved = Arc::new(Shelved::read(full, json, None));
        let Ok(runnable) = &shelved.read else {
            // A part of it is in a file that the corpus does not have.
            continue;
        };
        bot.app.live.set_templates(Shelf::new([shelved.clone()]));
        match fill_in(&bot, runnable, &mut samples) {
            Ok(shown) => {
                filled += 1;
                pages += shown;
            }
            Err(Stuck::Empty) => stuck += 1,
            Err(Stuck::Fault(reason)) => wrong.push(format!("{}: {reason}", row[0])),
        }
    }
    println!("{filled} forms of {pages} pages, {stuck} end early: there is nothing to choose from, or no row for long answers");
    assert!(wrong.is_empty(), "{filled} were filled in, {} not:\n{}", wrong.len(), wrong.join("\n"));
    assert!(filled >= 122 && filled + stuck >= 130, "{filled}, {stuck}");
}

/// Why a form was not filled in to its end.
enum Stuck {
    /// What the test has around it is too little.
    Empty,
    Fault(String),
}

/// Sends page after page; how many there were.
fn fill_in(bot: &Bot, runnable: &Runnable, samples: &mut impl Write) -> Result<usize, Stuck> {
    let fault = |reason: String| Err(Stuck::Fault(reason));
    let mut response = bot.respond("new template:default/sample");
    for shown in 1..60 {
        let form = match response {
            Response::Form(form) => form,
            // No database in this test.
            Response::Reply(reply) if reply.lead.to_plain().starts_with("Your answers are longer") => return Err(Stuck::Empty),
            Response::Reply(reply) => return fault(format!("a reply: {}", reply.lead.to_plain())),
            Response::Choices(_) => return fault("choices".to_owned()),
        };
        let wrong =
            form.fields.iter().filter_map(|field| Some(format!("{} = {:?}: {}", field.name, field.value, field.error.as_ref()?)));
        let wrong: Vec<String> = wrong.collect();
        if !wrong.is_empty() {
            let is_empty =
                |field: &Field| matches!(field.kind, FieldKind::Lookup { .. }) && answer(bot, runnable, &form, field).is_none();
            let is_stuck = form.fields.iter().any(is_empty);
            return if is_stuck { Err(Stuck::Empty) } else { fault(format!("page {}: {}", form.page, wrong.join("; "))) };
        }
        let view = serde_json::to_value(render_form(&form).map_err(|fault| Stuck::Fault(fault.to_string()))?).unwrap();
        let faults = view_faults(&view);
        if !faults.is_empty() {
            return fault(format!("{faults:?}"));
        }
        writeln!(samples, "{}", json!({ "kind": "view", "payload": view })).unwrap();
        if form.submit == "Create" {
            return Ok(shown);
        }
        let values = form.fields.iter().filter_map(|field| Some((field.name.clone(), answer(bot, runnable, &form, field)?)));
        let sent = Submission { form: form.id.clone(), page: form.page, state: form.state.clone(), values: values.collect() };
        let at_discord = fill_in_steps(
            &form,
            |field| sent.values.get(&field.name).cloned(),
            |field, typed| {
                let (subject, field, typed) = (form.state.subject.clone(), field.to_owned(), typed.to_owned());
                match bot.act(Act::Complete { form: form.id.clone(), subject, field, typed }) {
                    Response::Choices(choices) => choices,
                    Response::Form(_) | Response::Reply(_) => Vec::new(),
                }
            },
        );
        for (name, value) in &sent.values {
            let is_asked = form.fields.iter().any(|field| field.name == *name && field.is_shown(&form.state));
            if is_asked && at_discord.values.get(name) != Some(value) {
                return fault(format!("Discord sends {:?} for {name}, not {value:?}", at_discord.values.get(name)));
            }
        }
        let page = form.page;
        response = bot.act(Act::Submit(sent));
        if let Response::Form(next) = &response
            && next.page <= page
            && next.fields.iter().all(|field| field.error.is_none())
        {
            // What a field of somebody's own takes, nobody else knows.
            let is_own = |known: &template::Field| matches!(known.kind, template::FieldKind::Yaml) && known.note.is_some();
            if runnable.form.fields().any(is_own) {
                return Err(Stuck::Empty);
            }
            return fault(format!("page {page} comes again: {} {:?}", next.intro.to_plain(), form.state));
        }
    }
    fault("it never ends".to_owned())
}

/// What a person would enter: what is there already, the first that is offered, a text that fits.
fn answer(bot: &Bot, runnable: &Runnable, form: &Form, field: &Field) -> Option<Value> {
    match &field.kind {
        FieldKind::Lookup { .. } => {
            let (subject, field, typed) = (form.state.subject.clone(), field.name.clone(), String::new());
            match bot.act(Act::Complete { form: form.id.clone(), subject, field, typed }) {
                Response::Choices(choices) => Some(Value::Text(choices.first()?.value.clone())),
                Response::Form(_) | Response::Reply(_) => None,
            }
        }
        _ if field.value.as_ref().is_some_and(|value| !value.as_text().is_empty()) => field.value.clone(),
        FieldKind::Select { choices } | FieldKind::Radio { choices } => Some(Value::Text(choices.first()?.value.clone())),
        FieldKind::MultiSelect { choices } | FieldKind::Checkboxes { choices } => {
            Some(Value::Many(choices.iter().take(3).map(|choice| choice.value.clone()).collect()))
        }
        FieldKind::Date => Some(Value::Text("2026-01-31".to_owned())),
        FieldKind::Number { .. } | FieldKind::Line { .. } | FieldKind::Paragraph { .. } => {
            if field.name.contains('#') {
                return Some(Value::Text("shop".to_owned()));
            }
            let mut known = runnable.form.fields().filter(|known| known.path.join("/") == field.name);
            let value = known.find_map(sample)?;
            let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some(Value::Text(match &value {
                Json::Array(items) if items.iter().all(Json::is_string) => {
                    let between = if matches!(field.kind, FieldKind::Line { .. }) { ", " } else { "\n" };
                    items.iter().map(plain).collect::<Vec<_>>().join(between)
                }
                value => plain(value),
            }))
        }
    }
}
