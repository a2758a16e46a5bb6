//! Every template's form of the corpus, filled in page by page as a person would: whatever is shown fits into a modal.
//! Those whose actions are not known have forms too; their steps are left out here.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use serde_json::{Value as Json, json};
use steward::{
    catalog::{
        EntityRef,
        descriptor::{Verdict, parse_descriptor_with_values},
        kinds::CustomKinds,
    },
    chat::{Act, Field, FieldKind, Form, Response, Submission, Value},
    slack::render::render_form,
    template::shelf::{Runnable, Shelf, Shelved},
};

use crate::{
    corpus::{Values, corpus, rows},
    fake_slack::check::view_faults,
    scaffold::answer_form,
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
    world.group("team");
    world.component("shop");
    let mut bot = world.bot().by("kim.lee");
    bot.app.settings.scaffolder.secret_key = Some("a key that is long enough for a test".into());
    let (mut filled, mut pages, mut wrong) = (0, 0, Vec::new());
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
        let shelved = Shelved::read(full, json, None);
        let Ok(runnable) = &shelved.read else {
            // A part of it is in a file that the corpus does not have.
            continue;
        };
        let answers = answer_form(&runnable.form);
        let shelved = std::sync::Arc::new(shelved);
        bot.app.live.set_templates(Shelf::new([shelved.clone()]));
        let Ok(runnable) = &shelved.read else { continue };
        match answers.and_then(|answers| fill_in(&bot, runnable, &answers, &mut samples)) {
            Ok(shown) => {
                filled += 1;
                pages += shown;
            }
            Err(reason) => wrong.push(format!("{}: {reason}", row[0])),
        }
    }
    println!("{filled} forms of {pages} pages");
    assert!(wrong.is_empty(), "{filled} were filled in, {} not:\n{}", wrong.len(), wrong.join("\n"));
    assert!(filled >= 120, "{filled}");
}

/// Sends page after page; how many there were.
fn fill_in(bot: &Bot, runnable: &Runnable, values: &Json, samples: &mut impl Write) -> Result<usize, String> {
    let mut response = bot.respond("new template:default/sample");
    for shown in 1..60 {
        let form = match response {
            Response::Form(form) => form,
            Response::Reply(reply) => return Err(format!("a reply: {}", reply.lead.to_plain())),
            Response::Choices(_) => return Err("choices".to_owned()),
        };
        let wrong: Vec<String> = form
            .fields
            .iter()
            .filter_map(|field| Some(format!("{} = {:?}: {}", field.name, field.value, field.error.as_ref()?)))
            .collect();
        if !wrong.is_empty() {
            return Err(format!("page {}: {}", form.page, wrong.join("; ")));
        }
        let view = serde_json::to_value(render_form(&form).map_err(|fault| fault.to_string())?).unwrap();
        let faults = view_faults(&view);
        if !faults.is_empty() {
            return Err(format!("{faults:?}"));
        }
        writeln!(samples, "{}", json!({ "kind": "view", "payload": view })).unwrap();
        if form.submit == "Create" {
            return Ok(shown);
        }
        let sent = sent(runnable, values, &form);
        let page = form.page;
        response = bot.act(Act::Submit(sent));
        if let Response::Form(next) = &response
            && next.page <= page
            && next.fields.iter().all(|field| field.error.is_none())
        {
            return Err(format!("page {page} comes again: {}", next.intro.to_plain()));
        }
    }
    Err("it never ends".to_owned())
}

fn sent(runnable: &Runnable, values: &Json, form: &Form) -> Submission {
    let answers: BTreeMap<String, Value> =
        form.fields.iter().filter_map(|field| Some((field.name.clone(), answer(runnable, values, field)?))).collect();
    Submission { form: form.id.clone(), page: form.page, state: form.state.clone(), values: answers }
}

/// What a person would enter so that the value comes out.
fn answer(runnable: &Runnable, values: &Json, field: &Field) -> Option<Value> {
    let (name, part) = field.name.split_once('#').map_or((field.name.as_str(), None), |(name, part)| (name, Some(part)));
    let known = runnable.form.fields().find(|known| known.path.join("/") == name)?;
    let value = known.path.iter().try_fold(values, |found, key| found.get(key))?;
    if let Some(part) = part {
        let text = value.as_str()?;
        return Some(Value::Text(match part {
            "host" => text.split('?').next().unwrap_or_default().to_owned(),
            part => text.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{part}="))).unwrap_or_default().to_owned(),
        }));
    }
    let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(match (&field.kind, value) {
        (FieldKind::Radio { .. }, Json::Bool(yes)) => Value::Text(if *yes { "yes" } else { "no" }.to_owned()),
        (FieldKind::MultiSelect { .. } | FieldKind::Checkboxes { .. }, Json::Array(items)) => {
            Value::Many(items.iter().map(plain).collect())
        }
        (FieldKind::Paragraph { .. }, Json::Array(items)) if items.iter().all(Json::is_string) => {
            Value::Text(items.iter().map(plain).collect::<Vec<_>>().join("\n"))
        }
        (FieldKind::Line { .. }, Json::Array(items)) => Value::Text(items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        (_, value) => Value::Text(plain(value)),
    })
}
