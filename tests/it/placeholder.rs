//! Placeholders: the values of `$text`, `$json`, `$yaml` and the definitions of APIs stand in files of their own.

use std::{collections::HashMap, fs};

use serde_json::Value;
use sqlx::Row;
use steward::catalog::{
    descriptor::{NoValue, Verdict, parse_descriptor_with_values},
    kinds::CustomKinds,
};

use crate::{
    bot::Bot,
    cluster::connect,
    corpus::{Values, corpus, rows},
};

fn api(definition: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: payments\nspec:\n  type: openapi\n  \
         lifecycle: production\n  owner: team-a\n  definition:\n    {definition}\n"
    )
}

async fn stored(bot: &Bot, pointer: &str) -> Value {
    let mut connection = connect(&bot.database).await;
    let row = sqlx::query("select document from entities where ref = 'api:default/payments' and removed_at is null");
    let document: Value = row.fetch_one(&mut connection).await.unwrap().get(0);
    document.pointer(pointer).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_put_in_and_follows_its_file() {
    let bot = Bot::of_descriptors(&[("payments", &api("$text: ./openapi.yaml"))]).await;
    bot.github.push_file("payments", "openapi.yaml", "openapi: 3.0.0\n");
    assert_eq!(bot.sync().await.sources[0].errors, []);
    assert_eq!(stored(&bot, "/spec/definition").await, "openapi: 3.0.0\n");
    bot.github.push_file("payments", "openapi.yaml", "openapi: 3.1.0\n");
    let summary = bot.sync().await;
    assert_eq!(summary.sources[0].changed, 1, "the entity is another one");
    assert_eq!(stored(&bot, "/spec/definition").await, "openapi: 3.1.0\n");
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_value_is_told_with_its_line_and_the_entity_answers() {
    let bot = Bot::of_descriptors(&[("payments", &api("$openapi: ./openapi.yaml"))]).await;
    let summary = bot.sync().await;
    let errors = &summary.sources[0].errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].location, "acme/payments/catalog-info.yaml:10");
    assert_eq!(errors[0].message, "./openapi.yaml is not filled in: there is no such file");
    assert!(bot.say("/owner payments").await.contains("team-a"));
    assert_eq!(stored(&bot, "/spec/definition/$openapi").await, "./openapi.yaml");
    bot.github.push_file("payments", "openapi.yaml", "openapi: 3.0.0\n");
    assert_eq!(bot.sync().await.sources[0].errors, []);
    assert_eq!(stored(&bot, "/spec/definition").await, "openapi: 3.0.0\n");
    bot.github.remove_file("payments", "openapi.yaml");
    assert_eq!(bot.sync().await.sources[0].errors.len(), 1);
    bot.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn value_that_cannot_be_read_now_stays_as_it_was() {
    let web = crate::fake_web::FakeWeb::start().await;
    let address = web.text("/openapi.yaml", "openapi: 3.0.0\n");
    let text = api(&format!("$text: {address}"));
    let places = crate::bot::Places { targets: vec![web.address("/none.yaml")], ..Default::default() };
    let bot = Bot::with_places(&[("payments", &text)], places).await;
    assert_eq!(bot.sync().await.sources[0].errors, []);
    web.set("/openapi.yaml", crate::fake_web::Page::Status(500));
    bot.github.push_file("payments", "catalog-info.yaml", text.replace("team-a", "team-b"));
    let summary = bot.sync().await;
    let errors: Vec<&str> = summary.sources[0].errors.iter().map(|error| error.location.as_str()).collect();
    assert_eq!(errors, ["acme/payments/catalog-info.yaml:10", address.as_str()], "{:?}", summary.sources[0].errors);
    assert!(bot.say("/owner payments").await.contains("team-b"), "the rest of the entity goes on");
    assert_eq!(stored(&bot, "/spec/definition").await, "openapi: 3.0.0\n");
    bot.halt().await;
}

#[test]
fn values_are_judged_as_what_they_are() {
    let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: shop\nspec:\n  type: {$text: type}\n  \
                lifecycle: production\n  owner: team-a\n  dependsOn: {$yaml: deps.yaml}\n  extra: {$json: extra.json}\n";
    let judge = |deps: &'static [u8], extra: &'static [u8]| {
        let read = move |target: &str| match target {
            "type" => Ok(&b"service"[..]),
            "deps.yaml" => Ok(deps),
            "extra.json" => Ok(extra),
            _ => Err(NoValue::Absent("nowhere".to_owned())),
        };
        parse_descriptor_with_values(text.as_bytes(), &CustomKinds::default(), &read).remove(0)
    };
    let document = judge(b"- component:basket\n", b"{\"a\": [1, true]}");
    let Verdict::Valid { entity, document: json } = &document.verdict else { panic!("{:?}", document.problem()) };
    assert_eq!(entity.spec_type.as_deref(), Some("service"));
    assert!(entity.relations.iter().any(|relation| relation.target.as_str() == "component:default/basket"));
    assert_eq!(json["spec"]["extra"], serde_json::json!({"a": [1, true]}));
    let document = judge(b"- component:basket\n", b"{a: 1}");
    assert_eq!(document.unfilled.len(), 1, "YAML is no JSON");
    assert_eq!(document.unfilled[0].problem.line, 10);
    let document = judge(b"basket: 1\n", b"{}");
    let problem = document.problem().expect("a map is no list of references");
    assert_eq!(problem.line, 9, "{problem}");
}

/// The verdicts that Backstage's own packages gave with the values in place.
#[test]
fn corpus_is_judged_with_values_as_backstage_judges_it() {
    let Some(corpus) = corpus() else { return };
    let values = Values::load(&corpus);
    let sources: HashMap<String, (String, String)> =
        rows(&corpus, "SOURCES.tsv").into_iter().map(|row| (row[0].clone(), (row[1].clone(), row[2].clone()))).collect();
    let expected = fs::read_to_string(corpus.join("expected.jsonl")).unwrap();
    let mut judged = 0;
    for line in expected.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let has_placeholder = line["placeholders"].as_array().is_some_and(|names| !names.is_empty());
        // Where a file was not at hand, the judge was given another text.
        if !has_placeholder || line["placeholders_stubbed"].as_u64().is_some_and(|stubbed| stubbed > 0) {
            continue;
        }
        let file = line["file"].as_str().unwrap();
        let (repository, path) = &sources[file];
        let read = |target: &str| values.read(repository, path, target);
        let text = fs::read(corpus.join(file)).unwrap();
        let documents = parse_descriptor_with_values(&text, &CustomKinds::default(), &read);
        let index = line["doc_index"].as_u64().unwrap() as usize;
        let document = documents.iter().find(|document| document.doc_index == index).unwrap();
        let verdict = match &document.verdict {
            // Backstage refuses an entity whose value is missing; here it answers and the fault is told.
            Verdict::Valid { .. } if !document.unfilled.is_empty() => "invalid",
            Verdict::Valid { .. } => "valid",
            Verdict::Invalid { .. } => "invalid",
            Verdict::YamlError { .. } => "yaml-error",
        };
        assert_eq!(
            verdict,
            line["verdict"].as_str().unwrap(),
            "{file} {index}: {:?} {:?}",
            document.problem(),
            document.unfilled
        );
        judged += 1;
    }
    assert!(judged > 0, "the corpus holds placeholders");
}
