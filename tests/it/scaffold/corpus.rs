//! The templates of the corpus, where it is at hand: those whose actions are known give a form and run on values made from
//! it, the others are refused with the action's name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use steward::{
    catalog::{
        descriptor::{ReadValue, Verdict, parse_descriptor_with_values},
        kinds::CustomKinds,
    },
    template::{
        action::find_action,
        definition::Template,
        form::{Field, FieldKind, Form, TextLimits},
        pure::Sources,
        run::{Given, StepState, dry_run},
        workspace::Workspace,
    },
};

use crate::corpus::{Values, corpus, rows};

/// One folder for every skeleton, one text for every file.
struct StandIns(PathBuf);

impl Sources for StandIns {
    fn folder(&self, _: &str) -> Result<PathBuf, String> {
        Ok(self.0.clone())
    }

    fn file(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(b"name: ${{ values.name }}\n".to_vec())
    }
}

#[test]
fn corpus_templates_of_known_actions_run_and_others_are_refused_by_name() {
    let Some(corpus) = corpus() else { return };
    let values = Values::load(&corpus);
    let skeleton = tempfile::tempdir().unwrap();
    fs::create_dir(skeleton.path().join("${{ values.name }}")).unwrap();
    fs::write(skeleton.path().join("${{ values.name }}/README.md"), "# ${{ values.name | upper }}\n").unwrap();
    let (mut ran, mut refused, mut absent, mut wrong) = (0, 0, 0, Vec::new());
    for row in rows(&corpus, "SOURCES.tsv").into_iter().filter(|row| row[0].starts_with("templates/")) {
        let text = fs::read(corpus.join(&row[0])).unwrap();
        let read = |target: &str| values.read(&row[1], &row[2], target);
        let Some(document) = valid_template(&text, &read) else { continue };
        let steps = document["spec"]["steps"].as_array().cloned().unwrap_or_default();
        let unknown = steps.iter().filter_map(|step| step["action"].as_str()).find(|action| find_action(action).is_none());
        match (Template::parse(&text, &read), unknown) {
            (Err(refusals), Some(unknown)) if refusals.iter().any(|refusal| refusal.reason.contains(unknown)) => refused += 1,
            (Ok(template), None) => match run(&template, skeleton.path()) {
                Ok(()) => ran += 1,
                Err(reason) => wrong.push(format!("{}: {reason}", row[0])),
            },
            // A part of it is in a file that the corpus does not have.
            (Err(refusals), _) if refusals.iter().any(|refusal| refusal.reason.contains("not at hand")) => absent += 1,
            (Err(refusals), _) => wrong.push(format!("{}: {refusals:?}", row[0])),
            (Ok(_), Some(unknown)) => wrong.push(format!("{}: {unknown} was not refused", row[0])),
        }
    }
    assert!(wrong.is_empty(), "{ran} ran, {refused} refused, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let told = format!("{ran} ran, {refused} were refused, of {absent} a part is not at hand");
    assert!(ran >= 55 && refused >= 70 && absent <= 3, "{told}");
    println!("{told}");
}

/// The first document of a file, where it is a template.
fn valid_template(text: &[u8], read: &ReadValue<'_>) -> Option<Value> {
    let first = parse_descriptor_with_values(text, &CustomKinds::default(), read).into_iter().next()?;
    match first.verdict {
        Verdict::Valid { document, .. } if document["kind"] == "Template" => Some(document),
        _ => None,
    }
}

fn run(template: &Template, skeleton: &Path) -> Result<(), String> {
    let form = Form::read(template).map_err(|bad| bad.to_string())?;
    let values = answer(&form)?;
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let user = json!({ "ref": "user:default/guest", "entity": { "metadata": { "name": "guest" } } });
    let given = Given { parameters: values, user, secrets: json!({ "USER_OAUTH_TOKEN": "secret" }) };
    let report = dry_run(template, &given, &workspace, &StandIns(skeleton.to_owned()));
    let failed = report.steps.iter().find_map(|step| match &step.state {
        StepState::Failed(reason) | StepState::Unknown(reason) => Some(format!("{}: {reason}", step.id)),
        StepState::Done | StepState::Skipped | StepState::StoodIn => None,
    });
    failed.map_or(Ok(()), Err)
}

/// Answers field after field as a person would: what comes to be shown by an answer is answered too.
fn answer(form: &Form) -> Result<Value, String> {
    let mut values = json!({});
    for _ in 0..4 {
        values = form.check(&values).values;
        for field in form.fields() {
            let is_open = field.is_shown(&values) && value_at(&values, &field.path).is_none();
            if let Some(value) = sample(field).filter(|_| is_open) {
                put(&mut values, &field.path, value);
            }
        }
    }
    let checked = form.check(&values);
    if checked.faults.is_empty() { Ok(checked.values) } else { Err(format!("{:?} of {}", checked.faults, checked.values)) }
}

fn value_at<'a>(values: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(values, |found, key| found.get(key))
}

fn put(values: &mut Value, path: &[String], value: Value) {
    let (last, around) = path.split_last().unwrap();
    let mut place = values;
    for key in around {
        if !place[key].is_object() {
            place[key] = json!({});
        }
        place = &mut place[key];
    }
    place[last] = value;
}

pub fn sample(field: &Field) -> Option<Value> {
    Some(match &field.kind {
        FieldKind::Line(limits) | FieldKind::Paragraph { limits, .. } => json!(text(limits)?),
        FieldKind::Number { min, max, whole, .. } => {
            let number = min.or(*max).unwrap_or(1.0);
            if *whole || number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
        }
        FieldKind::Toggle { .. } => json!(true),
        FieldKind::Date => json!("2026-01-31"),
        FieldKind::DateTime => json!("2026-01-31T10:00:00Z"),
        FieldKind::Select { choices, .. } => choices.first()?.value.clone(),
        FieldKind::MultiSelect { choices, min, .. } => {
            json!(choices.iter().take(min.unwrap_or(1) as usize).map(|choice| choice.value.clone()).collect::<Vec<_>>())
        }
        FieldKind::Texts { limits, min, .. } => json!(vec![text(limits)?; min.unwrap_or(1).max(1) as usize]),
        FieldKind::Items { fields, min, .. } => {
            let mut item = Value::Object(Map::new());
            // Three looks: one answer may ask for another.
            for field in [fields; 3].into_iter().flatten() {
                if let Some(value) = field.default.clone().or_else(|| sample(field))
                    && field.is_shown(&item)
                    && value_at(&item, &field.path).is_none()
                {
                    put(&mut item, &field.path, value);
                }
            }
            json!(vec![item; min.unwrap_or(1).max(1) as usize])
        }
        FieldKind::RepoUrl { hosts, owners, .. } => {
            let host = hosts.first().map_or("github.com", String::as_str);
            let owner = owners.first().map_or("acme", String::as_str);
            json!(format!("{host}?owner={owner}&repo=shop"))
        }
        FieldKind::Entity { many: false, .. } | FieldKind::MyGroups => json!("group:default/team"),
        FieldKind::Entity { many: true, .. } => json!(["component:default/shop"]),
        FieldKind::EntityName => json!("shop"),
        FieldKind::Tags { .. } => json!(["java"]),
        FieldKind::Secret => json!("hidden-secret-value"),
        FieldKind::Fixed(value) => value.clone(),
        FieldKind::Yaml => json!({}),
        FieldKind::Told | FieldKind::Hidden => return None,
    })
}

/// The first of some texts that a person might write and that fits.
fn text(limits: &TextLimits) -> Option<String> {
    const TEXTS: [&str; 28] = [
        "my-service",
        "shop",
        "Shop",
        "a",
        "abc",
        "myservice",
        "my_service",
        "com.acme.shop",
        "acme/shop",
        "1.0.0",
        "v1.0.0",
        "8080",
        "123456789012",
        "10.0.0.0/16",
        "10.0.0.1",
        "https://github.com/acme/shop",
        "person@example.com",
        "0 2 * * *",
        "10Gi",
        "500m",
        "arn:aws:iam::123456789012:role/shop",
        "my-gateway",
        "nightly-job",
        "data-pipeline",
        "/api",
        "group:default/team",
        "git@github.com:acme/shop.git",
        "00000000-0000-4000-8000-000000000000",
    ];
    let fits = |text: &&str| {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("string"));
        let known = [
            ("pattern", limits.pattern.clone().map(Value::from)),
            ("format", limits.format.clone().map(Value::from)),
            ("minLength", limits.min.map(Value::from)),
            ("maxLength", limits.max.map(Value::from)),
        ];
        schema.extend(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        let validator = jsonschema::options().should_validate_formats(true).build(&Value::Object(schema));
        validator.is_ok_and(|validator| validator.is_valid(&json!(text)))
    };
    let long = "a".repeat(limits.min.unwrap_or(0) as usize);
    TEXTS.iter().find(|text| fits(text)).map(|text| (*text).to_owned()).or_else(|| fits(&long.as_str()).then_some(long))
}
