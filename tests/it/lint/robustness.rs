//! Input meant to harm, or harmed on its way: answered clearly, at once, and without losing its neighbours.

use std::{fs, time::Duration, time::Instant};

use expect_test::{Expect, expect};
use rand::{Rng, SeedableRng, rngs::StdRng};
use steward::catalog::{descriptor::parse_descriptor, kinds::CustomKinds};

use super::{judge, sample};

const GOOD: &str = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: good}\nspec: {owner: team-a}\n";

/// Far above what each takes, even unoptimised on a busy machine; far below what any does that has no limit.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Checks the harmful document between two good ones, which must come out whole.
fn check(harmful: &[u8], expected: Expect) {
    let content = [GOOD.as_bytes(), b"---\n", harmful, b"\n---\n", GOOD.as_bytes()].concat();
    let started = Instant::now();
    let documents = judge(&content);
    let took = started.elapsed();
    assert!(took < AT_ONCE, "took {took:?}");
    println!("{took:?}");
    let [first, bad, last] = documents.as_slice() else { panic!("three documents: {}", documents.len()) };
    assert_eq!((&first["verdict"], &last["verdict"]), (&"valid".into(), &"valid".into()));
    expected.assert_eq(&format!("{} at {}:{}: {}", bad["verdict"], bad["line"], bad["column"], bad["error"]));
}

#[test]
fn alias_bomb_does_not_go_off() {
    let mut bomb = format!("a0: &a0 {}\n", "x".repeat(1000));
    for level in 1..=7 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    check(
        bomb.as_bytes(),
        expect![[
            r#""yaml-error" at 8:50: "aliases repeat a value more than 100 times; write the values out instead of using & and *""#
        ]],
    );
    let wide = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 90].join(", "));
    check(
        wide.as_bytes(),
        expect![[
            r#""yaml-error" at 7:165: "its aliases make the document grow beyond 4 MiB; write the values out instead of using & and *""#
        ]],
    );
    check(
        b"a: &a [*a]",
        expect![[
            r#""yaml-error" at 6:8: "this alias stands inside the value that it repeats; write the value out instead of using *""#
        ]],
    );
}

#[test]
fn nesting_has_an_end() {
    check("[".repeat(100_000).as_bytes(), expect![[r#""yaml-error" at 6:256: "the brackets nest too deep; make it flatter""#]]);
    check(
        "{a: ".repeat(100_000).as_bytes(),
        expect![[r#""yaml-error" at 6:1021: "the brackets nest too deep; make it flatter""#]],
    );
    check(
        "- ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:201: "the document nests more than 100 levels deep; make it flatter; no descriptor needs that many levels""#
        ]],
    );
    check(
        "? ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:201: "the document nests more than 100 levels deep; make it flatter; no descriptor needs that many levels""#
        ]],
    );
    let stairs: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    check(
        stairs.as_bytes(),
        expect![[
            r#""yaml-error" at 106:101: "the document nests more than 100 levels deep; make it flatter; no descriptor needs that many levels""#
        ]],
    );
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_place() {
    check(b"name: caf\xe9", expect![[r#""yaml-error" at 6:10: "the byte 0xE9 is not UTF-8; save the file as UTF-8""#]]);
    check(b"name: nul\0", expect![[r#""yaml-error" at 6:10: "a NUL byte stands in the text; remove it; is this a text file?""#]]);
    check(b"name: \x07bell", expect![[r#""invalid" at 6:1: "apiVersion is missing; add: apiVersion: backstage.io/v1alpha1""#]]);
}

#[test]
fn large_scalars_keys_and_counts_stay_within_the_time() {
    check(
        format!("a: {}", "x".repeat(1_500_000)).as_bytes(),
        expect![[r#""invalid" at 6:1: "apiVersion is missing; add: apiVersion: backstage.io/v1alpha1""#]],
    );
    check(
        format!("{}: a", "x".repeat(1_500_000)).as_bytes(),
        expect![[
            r#""yaml-error" at 6:1500001: "a `:` stands here where no key can be; put the value in quotes if the `:` belongs to it, else check the indentation of this line and the one before""#
        ]],
    );
    check(
        format!("a: \"{}", "x".repeat(1_500_000)).as_bytes(),
        expect![[r#""yaml-error" at 6:4: "a quote is opened here and never closed; close it with the same quote sign""#]],
    );
    let keys: String = (0..40_000).map(|key| format!("k{key}: v\n")).collect();
    check(keys.as_bytes(), expect![[r#""invalid" at 6:1: "apiVersion is missing; add: apiVersion: backstage.io/v1alpha1""#]]);
    check(
        "[a, b], ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:7: "the document has ended, yet more follows; indent the line if it belongs to what is before, or put --- between two entities""#
        ]],
    );
    check(
        "&a ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:4: "the document has ended, yet more follows; indent the line if it belongs to what is before, or put --- between two entities""#
        ]],
    );
    check(
        "!a ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:4: "the document has ended, yet more follows; indent the line if it belongs to what is before, or put --- between two entities""#
        ]],
    );
    check(
        "a: b: ".repeat(100_000).as_bytes(),
        expect![[
            r#""yaml-error" at 6:5: "a `:` stands here where no key can be; put the value in quotes if the `:` belongs to it, else check the indentation of this line and the one before""#
        ]],
    );
    check(
        format!("a:\n{}- b\n", "\t\n".repeat(100_000)).as_bytes(),
        expect![[r#""invalid" at 6:1: "apiVersion is missing; add: apiVersion: backstage.io/v1alpha1""#]],
    );
}

#[test]
fn descriptor_of_ten_megabytes_is_refused_unread() {
    let documents = judge("#2345678\n".repeat(10 * 1024 * 1024 / 9).as_bytes());
    let [document] = documents.as_slice() else { panic!("one document: {}", documents.len()) };
    expect!["the file is larger than 2 MiB and is not read; move long definitions into files of their own and name them, as in definition: { $text: ./openapi.yaml }"].assert_eq(document["error"].as_str().expect("there is one"));
}

#[test]
fn documents_are_counted_up_to_a_limit_and_those_before_it_are_kept() {
    let documents = judge("---\na\n".repeat(12_000).as_bytes());
    assert_eq!(documents.len(), 10_001);
    expect!["the file holds more than 10000 documents; the rest is not read; divide it into several files"]
        .assert_eq(documents[10_000]["error"].as_str().expect("there is one"));
}

#[test]
fn values_are_counted_up_to_a_limit_and_documents_before_it_are_kept() {
    let documents = judge(format!("{GOOD}---\n[{}]\n---\n{GOOD}", "a: ,".repeat(500_000)).as_bytes());
    let [first, second] = documents.as_slice() else { panic!("two documents: {}", documents.len()) };
    assert_eq!(first["verdict"], "valid");
    expect!["the file holds too many values; from here on it is not read; divide it into several files"]
        .assert_eq(second["error"].as_str().expect("there is one"));
}

#[test]
fn byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{GOOD}---\n{GOOD}").replace('\n', "\r\n");
    let documents = judge(text.as_bytes());
    assert!(documents.len() == 2 && documents.iter().all(|document| document["verdict"] == "valid"), "{documents:?}");
    let utf16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    expect!["the file is written in UTF-16; save it as UTF-8"]
        .assert_eq(judge(&utf16)[0]["error"].as_str().expect("there is one"));
}

#[test]
fn empty_files_hold_no_documents() {
    for nothing in ["", "\n", "# a\n", "---\n", "---\n# a\n---\n...\n", "null\n", "~", "\u{feff}", "%YAML 1.2\n"] {
        assert_eq!(judge(nothing.as_bytes()).len(), 0, "{nothing:?}");
    }
}

#[test]
fn no_bytes_make_it_panic_and_every_problem_lies_within_the_file() {
    let mut random = StdRng::seed_from_u64(7);
    let kinds = CustomKinds::default();
    let samples: Vec<Vec<u8>> = ["shop", "people", "places", "template", "faults", "broken", "windows"]
        .iter()
        .map(|name| fs::read(sample(&format!("{name}.yaml"))).expect("the sample can be read"))
        .collect();
    const PIECES: &[&[u8]] = &[
        b":",
        b"-",
        b"#",
        b"[",
        b"]",
        b"{",
        b"}",
        b"&a",
        b"*a",
        b"!",
        b"|",
        b">",
        b"'",
        b"\"",
        b"%",
        b"@",
        b"`",
        b",",
        b"?",
        b" ",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n---\n",
        b"\n...\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b": ",
        b"- ",
        b"\\",
        b"$text",
        b"null",
        b"\xe2\x80\xa8",
    ];
    for _ in 0..3000 {
        let mut bytes = samples[random.random_range(0..samples.len())].clone();
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..=bytes.len());
            let upto = (at + random.random_range(0..4)).min(bytes.len());
            let piece = PIECES[random.random_range(0..PIECES.len())];
            bytes.splice(at..upto, piece.iter().copied());
        }
        let lines = bytes.split(|byte| *byte == b'\n').count();
        for document in parse_descriptor(&bytes, &kinds) {
            assert!(document.line >= 1 && document.line <= lines);
            let Some(problem) = document.problem() else { continue };
            let shown = String::from_utf8_lossy(&bytes);
            assert!(problem.line >= 1 && problem.line <= lines && problem.column >= 1, "{problem:?} in {shown}");
            assert!(!problem.message.is_empty() && problem.hint.is_some(), "{problem:?} in {shown}");
        }
    }
}
