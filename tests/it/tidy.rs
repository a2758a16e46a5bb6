//! The house rules that a compiler does not hold: which way imports go, where each outside crate may be named, how long a
//! file may be. They look at text, not at meaning: a scanner blanks comments and strings, and paths are read from the rest.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every module of the crate and the floor it stands on; an import goes to a lower floor or stays in its own module.
const FLOORS: [(&str, u8); 35] = [
    ("main", 60),
    ("lib", 60),
    ("cli", 60),
    ("http", 50),
    ("worker", 50),
    // What the transports of one platform share.
    ("door", 45),
    ("commands", 40),
    ("sync", 30),
    ("scaffolder", 30),
    ("hygiene", 30),
    // Between the floors: the long jobs are given it, and it holds what the doors to the outside are.
    ("app", 25),
    // Whom a long job and an answer alike write to.
    ("reach", 22),
    ("outbox", 20),
    ("store", 20),
    ("github", 20),
    ("directory", 20),
    ("people", 20),
    ("search", 20),
    ("on_call", 20),
    ("picture", 20),
    ("template", 20),
    ("slack", 20),
    ("discord", 20),
    ("playground", 20),
    ("backstage", 20),
    // Below the others of its kind: what is read over plain HTTP is read through it.
    ("web", 15),
    ("catalog", 10),
    ("chat", 10),
    // Plain values that all floors above the pure ones are given.
    ("settings", 10),
    // Settings check what links and on-call fill.
    ("address_template", 5),
    // Whoever sends something notes it there.
    ("requests", 5),
    ("seal", 5),
    // Whoever reads names from a person says what was meant.
    ("nearest", 5),
    // Hygiene and the scaffolder stand side by side, and both look for what should be in no file.
    ("token_shape", 5),
    ("error", 0),
];

/// What the outbox may know of its own floor.
const DOORS: [&str; 3] = ["slack", "discord", "playground"];

/// A word, the only places (prefixes below `src/`) that may say it, and why.
const ONE_PLACE: [(&str, &[&str], &str); 13] = [
    ("sqlx::", &["store"], "SQL and transactions stay in one place, so that a change of the schema is found in one folder"),
    ("octocrab::", &["github"], "GitHub's types end at its door; the rest must not notice another version of them"),
    ("slack_morphism::", &["slack"], "what is Slack's is rendered and parsed in one place; the rest is platform-neutral"),
    (
        "reqwest::",
        &["web.rs", "people/scim.rs", "github/device.rs", "on_call"],
        "an address that anybody may name is judged in one place before it is asked",
    ),
    (
        "Client::builder",
        &["web.rs"],
        "limits, proxy and certificate authorities are the same for every client, and set in one place",
    ),
    ("serenity::", &["discord"], "what is Discord's is rendered and parsed in one place; the rest is platform-neutral"),
    ("tantivy::", &["search"], "the index is an outside thing behind one module"),
    ("axum::", &["http", "playground", "cli/serve.rs"], "answers must not know that they were asked over HTTP"),
    ("std::env::", &["settings"], "one reader of the environment; values are handed down, so a test can hand down its own"),
    ("Utc::now", &["app.rs"], "the time comes from `Clock`, so that a test can hold it still"),
    ("Local::now", &["app.rs"], "the time comes from `Clock`, so that a test can hold it still"),
    ("SystemTime::now", &["app.rs"], "the time comes from `Clock`, so that a test can hold it still"),
    ("cfg(test)", &[], "what is tested must be what runs; tests live in tests/it and use the public face"),
];

/// Past this a file holds more than one concept.
const MOST_LINES: usize = 600;

#[test]
fn imports_go_down_or_stay_in_their_module() {
    assert_none(rust_files("src").iter().flat_map(|file| bad_imports(&file.name, &file.code)));
}

#[test]
fn a_forbidden_import_is_seen_however_it_is_written() {
    let code = |text: &str| bad_imports("catalog/graph.rs", &blank(text)).len();
    assert_eq!(code("use crate::{error::UserError, chat::{Text, Span}, store};"), 2);
    assert_eq!(code("fn f() { let x = crate::app::Clock::System; }"), 1);
    assert_eq!(code("use super::super::store::Store;"), 1);
    assert_eq!(code("use crate::catalog::Entity; use super::entity; // crate::store\nconst A: &str = \"crate::store\";"), 0);
    assert_eq!(bad_imports("outbox.rs", "use crate::{slack::A, playground::B, error::C};").len(), 0);
    assert_eq!(bad_imports("outbox.rs", "use crate::{store::A, sync::B};").len(), 2);
    assert_eq!(bad_imports("unheard_of/mod.rs", "").len(), 1);
    assert_eq!(
        blank(r##"a('"', '\'', r#"crate::x"#, "\"http://y") /* b /* c */ */ d<'_>"##).split_whitespace().last(),
        Some("d<'_>")
    );
}

#[test]
fn each_outside_thing_is_named_in_one_place() {
    assert_none(rust_files("src").iter().flat_map(|file| {
        ONE_PLACE
            .iter()
            .filter(|(word, places, _)| says(&file.code, word) && !is_one_of(&file.name, places))
            .map(|(word, places, why)| format!("src/{} says `{word}`, which belongs to {places:?}: {why}", file.name))
    }));
}

#[test]
fn no_file_is_past_600_lines() {
    assert_none(["src", "tests"].into_iter().flat_map(all_files).filter_map(|path| {
        let written =
            path.extension().is_some_and(|ext| ["rs", "js", "mjs", "css", "sh", "graphql"].iter().any(|known| ext == *known));
        let lines = if written { fs::read_to_string(&path).ok()?.lines().count() } else { 0 };
        let shown = path.strip_prefix(root()).unwrap_or(&path);
        (lines > MOST_LINES)
            .then(|| format!("{} has {lines} lines: split it by concept, so that each part can be read whole", shown.display()))
    }));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = rust_files("src").into_iter().filter(|file| !file.text.starts_with("//! "));
    assert_none(
        silent.map(|file| format!("src/{} does not begin with `//!`: say what it is for and what it must not do", file.name)),
    );
}

#[test]
fn each_command_is_a_yaml_file_and_its_twin() {
    let stems = |folder: &str, ext: &str| -> BTreeSet<String> {
        let entries =
            fs::read_dir(root().join(folder)).expect("the folder of the commands").map(|entry| entry.expect("its entry").path());
        entries
            .filter(|path| path.extension().is_some_and(|found| found == ext))
            .map(|path| stem(&path))
            .filter(|stem| stem != "mod")
            .collect()
    };
    let (declared, answered) = (stems("commands", "yaml"), stems("src/commands", "rs"));
    assert!(!declared.is_empty());
    let lone = declared.symmetric_difference(&answered);
    assert_none(
        lone.map(|name| format!("commands/{name}.yaml and src/commands/{name}.rs are one command; one of the two is missing")),
    );
}

/// The imports of a file (named from `src/`) that leave its module to the side or upward, and those that leave by `super`.
fn bad_imports(name: &str, code: &str) -> Vec<String> {
    let own = name.split(['/', '.']).next().expect("a split has a first part");
    let floor_of = |module: &str| FLOORS.iter().find(|(known, _)| *known == module).map(|(_, floor)| *floor);
    let Some(own_floor) = floor_of(own) else {
        return vec![format!("src/{name}: `{own}` has no floor; give it one in tests/it/tidy.rs")];
    };
    let imported = paths_after(code, "crate::");
    // lib.rs and main.rs only list what there is.
    let foreign = imported.iter().filter(|module| *module != own && own != "lib");
    let bad = foreign.filter(|module| {
        let known = own == "outbox" && DOORS.contains(&module.as_str());
        // Whatever is not a module is an item of lib.rs, which has none to give.
        !known && floor_of(module).is_none_or(|floor| floor >= own_floor)
    });
    let told = bad.map(|module| {
        format!("src/{name} imports crate::{module}: imports go to a lower floor, so that what is below can be understood, and tested, alone")
    });
    let depth = name.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    let climbs = "super::".repeat(depth);
    let out = code
        .contains(&climbs)
        .then(|| format!("src/{name} leaves its module by `{climbs}`: write crate::…, which this test can read"));
    told.chain(out).collect()
}

/// The first names after each `prefix`, also those of a group: `crate::{a::B, c::{D, E}}` gives a and c.
fn paths_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix).filter(|(at, _)| !code[..*at].ends_with(is_word)) {
        let rest = code[at + prefix.len()..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_word(rest));
            continue;
        };
        let mut depth = 0_usize;
        let mut begins = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                letter if begins && is_word(letter) => {
                    names.push(first_word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|letter| is_word(*letter)).collect()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether the word stands in the code, and not as the end of a longer one.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(is_word))
}

fn is_one_of(name: &str, places: &[&str]) -> bool {
    places.iter().any(|place| name == *place || name.starts_with(&format!("{place}/")) || name == format!("{place}.rs"))
}

/// The code with comments, strings and character literals replaced by blanks.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let fresh = !out.ends_with(is_word);
        let hashes = rest.len() - rest.trim_start_matches("br").trim_start_matches(['r', '#']).len();
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            end_of_comment(rest)
        } else if fresh && (rest.starts_with("r\"") || rest.starts_with("r#")) && rest[hashes..].starts_with('"') {
            let closing = format!("\"{}", "#".repeat(hashes - 1));
            rest[hashes + 1..].find(&closing).map_or(rest.len(), |at| hashes + 1 + at + closing.len())
        } else if letter == '"' {
            end_of_string(rest, '"')
        } else if letter == '\'' && (rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'')) {
            end_of_string(rest, '\'')
        } else {
            0
        };
        out.push(if skipped == 0 { letter } else { ' ' });
        rest = &rest[if skipped == 0 { letter.len_utf8() } else { skipped }..];
    }
    out
}

fn end_of_string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !escaped {
            return at + 1;
        }
        escaped = letter == '\\' && !escaped;
    }
    text.len()
}

/// Comments nest.
fn end_of_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let (step, change) = if text[at..].starts_with("/*") {
            (2, 1)
        } else if text[at..].starts_with("*/") {
            (2, -1)
        } else {
            (1, 0)
        };
        depth += change;
        at += step;
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

struct RustFile {
    /// From `src/`, with `/`.
    name: String,
    text: String,
    code: String,
}

fn rust_files(folder: &str) -> Vec<RustFile> {
    let base = root().join(folder);
    let paths = all_files(folder).into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let files: Vec<RustFile> = paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("sources are readable UTF-8");
            let name = path.strip_prefix(&base).expect("it was found below").to_string_lossy().into_owned();
            RustFile { name, code: blank(&text), text }
        })
        .collect();
    assert!(files.len() > 20, "only {} files were found in {folder}", files.len());
    files
}

fn all_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folders of the checkout are readable") {
            let path = entry.expect("an entry of a folder").path();
            match path.is_dir() {
                true if path.file_name().is_some_and(|name| name == "node_modules") => {}
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file has a name").to_string_lossy().into_owned()
}

fn assert_none(broken: impl Iterator<Item = String>) {
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{} of the house's rules broken:\n{}", broken.len(), broken.join("\n"));
}
