//! A descriptor is changed where it is meant, and nowhere else.

use std::{collections::BTreeMap, fs};

use expect_test::{Expect, expect};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use steward::{
    catalog::{
        descriptor::{Verdict, parse_descriptor},
        kinds::CustomKinds,
    },
    hygiene::edit::{Change, edit},
};

use crate::corpus::corpus;

fn check(text: &str, changes: &[Change], expected: &Expect) {
    let edited = edit(text, 0, changes, &CustomKinds::default());
    expected.assert_eq(&edited.unwrap_or_else(|fault| format!("refused: {fault}\n")));
}

fn owner(name: &str) -> Change {
    Change::new(["spec", "owner"], name)
}

const COMPONENT: &str = "\
# Who to call about payments.
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
    name: payments-api   # do not rename
    annotations:
        github.com/project-slug: 'acme/payments-api'
spec: {type: service, lifecycle: \"production\", owner: payments} # see the wiki
";

#[test]
fn comments_quotes_and_indentation_stay() {
    check(
        COMPONENT,
        &[owner("group:default/ledger"), Change::annotate("steward.dev/runbook", "docs/runbook.md")],
        &expect![[r##"
            # Who to call about payments.
            apiVersion: backstage.io/v1alpha1
            kind: Component
            metadata:
                name: payments-api   # do not rename
                annotations:
                    github.com/project-slug: 'acme/payments-api'
                    steward.dev/runbook: docs/runbook.md
            spec: {type: service, lifecycle: "production", owner: group:default/ledger} # see the wiki
        "##]],
    );
}

#[test]
fn annotations_are_added_where_there_are_none() {
    let bare = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\nspec:\n  type: service\n  owner: b\n  lifecycle: production\n";
    check(
        bare,
        &[Change::annotate("steward.dev/channel", "#payments")],
        &expect![[r#"
        apiVersion: backstage.io/v1alpha1
        kind: Component
        metadata:
          name: a
          annotations:
            steward.dev/channel: '#payments'
        spec:
          type: service
          owner: b
          lifecycle: production
    "#]],
    );
    let empty = bare.replace("  name: a\n", "  name: a\n  annotations:\n");
    check(
        &empty,
        &[Change::annotate("steward.dev/channel", "#payments")],
        &expect![[r#"
        apiVersion: backstage.io/v1alpha1
        kind: Component
        metadata:
          name: a
          annotations:
            steward.dev/channel: '#payments'
        spec:
          type: service
          owner: b
          lifecycle: production
    "#]],
    );
}

#[test]
fn what_is_no_mapping_is_left_alone() {
    let odd = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\nspec: none\n";
    check(
        odd,
        &[owner("b")],
        &expect![[r#"
        refused: spec holds no keys and values, so nothing can be put there
    "#]],
    );
    check(
        "kind: [",
        &[owner("b")],
        &expect![[r#"
        refused: the file cannot be read: Parse error at line 1, column 8: Unclosed flow sequence. Expected: ']' to close sequence. Found: end of input. Context: in flow sequence. Suggestion: Add ']' to close the array, or check for missing commas between elements
    "#]],
    );
}

/// Lines of the old text that are gone, and of the new one that were not there.
fn touched(old: &str, new: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(old, new);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (count(ChangeTag::Delete), count(ChangeTag::Insert))
}

/// Every valid document of the corpus: owner, an annotation, a key that is missing.
#[test]
fn each_valid_document_of_the_corpus_is_changed_in_the_lines_meant() {
    let Some(corpus) = corpus() else { return };
    let kinds = CustomKinds::default();
    let expected = fs::read_to_string(corpus.join("expected.jsonl")).unwrap();
    let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for line in expected.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["verdict"] == "valid" {
            let index = usize::try_from(row["doc_index"].as_u64().unwrap()).unwrap();
            by_file.entry(row["file"].as_str().unwrap().to_owned()).or_default().push(index);
        }
    }
    let changes = [
        owner("group:default/new-owners"),
        Change::annotate("steward.dev/channel", "#new-owners"),
        Change::new(["spec", "stewardTest"], "docs/runbook.md: yes"),
    ];
    let (mut edits, mut faults) = (0, Vec::new());
    for (file, indexes) in &by_file {
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let all_at_once = indexes.iter().map(|index| (*index, &changes[..]));
        let each_alone = changes.iter().map(|change| (indexes[0], std::slice::from_ref(change)));
        for (index, changes) in all_at_once.chain(each_alone) {
            edits += 1;
            let name = format!("{file}[{index}] {changes:?}");
            match edit(&text, index, changes, &kinds) {
                Ok(edited) => {
                    let (gone, new) = touched(&text, &edited);
                    // A file whose last line has no end gets one where something is added behind it.
                    let most = usize::from(!text.ends_with('\n')) + changes.len();
                    // Where there were no annotations their own line comes along.
                    if gone > most || new > gone + changes.len() + 1 {
                        faults.push(format!("{name}: {gone} lines gone, {new} new"));
                    }
                    let comments = |text: &str| text.matches('#').count();
                    if comments(&edited) < comments(&text) {
                        faults.push(format!("{name}: a comment is gone"));
                    }
                }
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
    }
    assert!(edits > 900, "{edits}");
    assert!(faults.is_empty(), "{} of {edits}:\n{}", faults.len(), faults.join("\n"));
}

/// The verdict that a descriptor gets after a change is that of what it says then.
#[test]
fn an_unknown_owner_is_still_a_valid_descriptor() {
    let edited = edit(COMPONENT, 0, &[owner("user:default/karen")], &CustomKinds::default()).unwrap();
    let verdict = &parse_descriptor(edited.as_bytes(), &CustomKinds::default())[0].verdict;
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
}
