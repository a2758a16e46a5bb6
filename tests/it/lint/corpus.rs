//! Verdict, reference and relations of every document agree with those that Backstage's own packages gave.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use steward::cli::lint::LintFormat;

use super::{report, sample};
use crate::corpus::corpus;

/// What a judge says of one document: verdict, reference and relations.
type Judgement = (String, Value, Value);

/// By file and number of the document.
type Judgements = BTreeMap<(String, u64), Judgement>;

#[test]
fn the_corpus_is_judged_as_backstage_judges_it() {
    let Some(corpus) = corpus() else { return };
    assert_eq!(compare(&corpus, "expected.jsonl"), 614);
    assert_eq!(compare(&corpus, "templates-expected.jsonl"), 146);
}

#[test]
fn the_sample_is_judged_as_backstage_judges_it() {
    assert_eq!(compare(&sample(""), "expected.jsonl"), 47);
}

/// Fails on any difference; says how many documents agree.
fn compare(folder: &Path, expected: &str) -> usize {
    let text = fs::read_to_string(folder.join(expected)).expect("the expected verdicts can be read");
    let expected: Judgements = text.lines().map(read_expected).collect();
    let mut files: Vec<&str> = expected.keys().map(|(file, _)| file.as_str()).collect();
    files.dedup();
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let (_, found) = report(&paths, LintFormat::Json);
    let mut errors = BTreeMap::new();
    let mut found: Judgements = found
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("each line is a JSON object");
            let file = line["file"].as_str().expect("each line names its file");
            let file = Path::new(file).strip_prefix(folder).expect("only files asked for are reported");
            let key = (file.display().to_string(), line["doc_index"].as_u64().expect("documents are numbered"));
            errors.insert(key.clone(), line["error"].clone());
            (key, judgement(&line, "verdict", "relations"))
        })
        .collect();
    let mut differences = Vec::new();
    for (key, wanted) in &expected {
        let got = found.remove(key);
        if got.as_ref() != Some(wanted) {
            differences.push(format!("{key:?}\n  wanted {wanted:?}\n  got    {got:?}\n  error  {:?}", errors.get(key)));
        }
    }
    differences.extend(found.keys().map(|key| format!("{key:?} was not expected")));
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    expected.len()
}

fn read_expected(line: &str) -> ((String, u64), Judgement) {
    let line: Value = serde_json::from_str(line).expect("each line is a JSON object");
    let offline = !line["verdict_placeholders_as_text"].is_null();
    let (verdict, relations) =
        if offline { ("verdict_placeholders_as_text", "relations_placeholders_as_text") } else { ("verdict", "relations") };
    let file = line["file"].as_str().expect("each line names its file").to_owned();
    ((file, line["doc_index"].as_u64().expect("documents are numbered")), judgement(&line, verdict, relations))
}

fn judgement(line: &Value, verdict: &str, relations: &str) -> Judgement {
    let verdict = line[verdict].as_str().expect("each line has a verdict").to_owned();
    let mut relations: Vec<(String, String)> = line[relations]
        .as_array()
        .into_iter()
        .flatten()
        .map(|relation| (relation["type"].to_string(), relation["target"].to_string()))
        .collect();
    relations.sort();
    (verdict, line["entity_ref"].clone(), serde_json::json!(relations))
}
