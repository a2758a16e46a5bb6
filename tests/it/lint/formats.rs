//! What each format looks like, and which files are found.

use std::{fs, path::Path};

use expect_test::{Expect, expect};
use steward::cli::lint::{LintFormat, LintOutcome};

use super::{report, sample};

const GOOD: &str = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: good}\nspec: {owner: team-a}\n";
const BAD: &str = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: bad, 100%\nspec: {owner: team-a}\n";

/// A folder with a service of each sort, and files that are none of our business.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    };
    write("b/catalog-info.yaml", &format!("{GOOD}---\n{BAD}"));
    write("a/catalog-info.yml", GOOD);
    write("a/org/all, of it.yaml", &format!("# by hand\n{BAD}"));
    write("a/deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n");
    write("a/notes.txt", BAD);
    write("node_modules/x/catalog-info.yaml", BAD);
    write(".git/catalog-info.yaml", BAD);
    write("a/target/catalog-info.yaml", BAD);
    folder
}

fn check(folder: &Path, format: LintFormat, expected: Expect) {
    let (outcome, out) = report(&[folder], format);
    assert_eq!(outcome, LintOutcome::SomeInvalid);
    expected.assert_eq(&out.replace(&folder.display().to_string(), "DIR"));
}

#[test]
fn text_quotes_the_line_and_sums_up() {
    check(
        folder().path(),
        LintFormat::Text,
        expect![[r#"
        DIR/a/org/all, of it.yaml:5:9: metadata.name is "bad, 100%", which is not a valid name
          5 |   name: bad, 100%
            |         ^
          => write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)

        DIR/b/catalog-info.yaml:9:9: metadata.name is "bad, 100%", which is not a valid name
          9 |   name: bad, 100%
            |         ^
          => write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)

        4 documents in 3 files: 2 invalid
    "#]],
    );
}

#[test]
fn json_is_one_object_a_document() {
    check(
        folder().path(),
        LintFormat::Json,
        expect![[r#"
        {"file":"DIR/a/catalog-info.yml","doc_index":0,"verdict":"valid","error":null,"line":null,"column":null,"entity_ref":"system:default/good","relations":[{"type":"ownedBy","target":"group:default/team-a"}]}
        {"file":"DIR/a/org/all, of it.yaml","doc_index":0,"verdict":"invalid","error":"metadata.name is \"bad, 100%\", which is not a valid name; write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)","line":5,"column":9,"entity_ref":"system:default/bad, 100%","relations":[]}
        {"file":"DIR/b/catalog-info.yaml","doc_index":0,"verdict":"valid","error":null,"line":null,"column":null,"entity_ref":"system:default/good","relations":[{"type":"ownedBy","target":"group:default/team-a"}]}
        {"file":"DIR/b/catalog-info.yaml","doc_index":1,"verdict":"invalid","error":"metadata.name is \"bad, 100%\", which is not a valid name; write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)","line":9,"column":9,"entity_ref":"system:default/bad, 100%","relations":[]}
    "#]],
    );
}

#[test]
fn github_commands_are_escaped() {
    check(
        folder().path(),
        LintFormat::Github,
        expect![[r#"
        ::error file=DIR/a/org/all%2C of it.yaml,line=5,col=9::metadata.name is "bad, 100%25", which is not a valid name; write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)
        ::error file=DIR/b/catalog-info.yaml,line=9,col=9::metadata.name is "bad, 100%25", which is not a valid name; write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)
    "#]],
    );
}

#[test]
fn sarif_names_file_and_region() {
    let folder = folder();
    let (_, out) = report(&[folder.path()], LintFormat::Sarif);
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(report["version"], "2.1.0");
    assert_eq!(report["runs"][0]["results"].as_array().map(Vec::len), Some(2));
    let result = serde_json::to_string_pretty(&report["runs"][0]["results"][0]).expect("it is JSON");
    expect![[r#"
        {
          "ruleId": "invalid-descriptor",
          "level": "error",
          "message": {
            "text": "metadata.name is \"bad, 100%\", which is not a valid name; write for example bad-100: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "file://DIR/a/org/all%2C%20of%20it.yaml"
                },
                "region": {
                  "startLine": 5,
                  "startColumn": 9
                }
              }
            }
          ]
        }"#]].assert_eq(&result.replace(&folder.path().display().to_string(), "DIR"));
}

#[test]
fn missing_file_is_a_line_of_the_report_and_the_others_are_read() {
    let (outcome, out) = report(&[Path::new("no/such/file.yaml"), &sample("windows.yaml")], LintFormat::Json);
    assert_eq!(outcome, LintOutcome::SomeInvalid);
    assert_eq!(out.lines().count(), 2);
    expect![[r#"{"file":"no/such/file.yaml","doc_index":0,"verdict":"invalid","error":"cannot be read: No such file or directory (os error 2); check the path and its permissions","line":1,"column":1,"entity_ref":null,"relations":[]}"#]].assert_eq(out.lines().next().expect("there are two"));
}

#[test]
fn file_named_twice_is_read_once_and_valid_files_need_no_words() {
    let file = sample("windows.yaml");
    let (outcome, out) = report(&[&file, &file], LintFormat::Text);
    assert_eq!((outcome, out.as_str()), (LintOutcome::AllValid, "1 document in 1 file: all valid\n"));
}

#[test]
fn file_named_by_the_caller_is_a_descriptor_whatever_it_is_called() {
    let folder = folder();
    let (outcome, _) = report(&[&folder.path().join("a/notes.txt")], LintFormat::Text);
    assert_eq!(outcome, LintOutcome::SomeInvalid);
}

#[test]
fn folder_without_descriptors_says_so() {
    let empty = tempfile::tempdir().expect("a folder can be made");
    let (outcome, out) = report(&[empty.path()], LintFormat::Text);
    assert_eq!(outcome, LintOutcome::AllValid);
    expect![[r#"
        No descriptor found: no catalog-info.yaml, and no YAML file with an apiVersion of Backstage.
    "#]]
    .assert_eq(&out);
}
