//! `steward lint`: finds descriptors below the paths given, checks each document, and reports.
//! What is right and wrong is for `catalog::descriptor`; how a report looks is in `lint/report.rs`.

mod report;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::catalog::{
    descriptor::{Document, MAX_DESCRIPTOR_BYTES, Problem, Verdict, parse_descriptor},
    kinds::CustomKinds,
};

/// Folders that hold other people's files, or none that are written by hand.
const SKIPPED_FOLDERS: [&str; 3] = [".git", "node_modules", "target"];

/// How deep folders are followed: beyond any repository, and short of what a stack holds.
const MAX_FOLDER_DEPTH: usize = 64;

/// What `steward lint` is asked.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Files, or folders in which descriptors are looked for
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
    /// Whether the text format is coloured
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Any value turns colour off where `--color` is auto (<https://no-color.org>)
    #[arg(long, env = "NO_COLOR", hide = true)]
    pub no_color: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    Text,
    /// One JSON object a line, one for each document
    Json,
    /// Workflow commands, which GitHub shows beside the lines of a pull request
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// Where standard output is a terminal
    Auto,
    Always,
    Never,
}

/// What came out, for the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintOutcome {
    AllValid,
    /// A document is invalid, or a file could not be read.
    SomeInvalid,
}

/// What was found in one file.
#[derive(Debug)]
struct Linted {
    /// As the caller named it, or below a folder that the caller named.
    file: String,
    /// For the lines that a report quotes; empty where the file could not be read.
    text: Vec<u8>,
    documents: Vec<Document>,
}

/// Checks every descriptor at or below the paths and writes the report to `out`.
///
/// Errors only where `out` cannot be written to; a file that cannot be read is part of the report.
pub fn lint(args: &LintArgs, custom_kinds: &CustomKinds, out: &mut dyn Write) -> anyhow::Result<LintOutcome> {
    let mut files = Vec::new();
    for path in &args.paths {
        find_files(path, 0, &mut files);
    }
    // Two paths may lead to one file.
    let mut seen = std::collections::HashSet::new();
    files.retain(|found| seen.insert(found.path.clone()));
    let linted = files.into_iter().filter_map(|found| lint_file(&found, custom_kinds));
    report::write_report(linted, args, out).context("cannot write the report")
}

/// A file to look into.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    why: Why,
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    /// Named by the caller or called `catalog-info`: a descriptor, whatever is in it.
    Descriptor,
    /// A YAML file, which may be a descriptor.
    Candidate,
    /// Neither file nor folder that can be listed, with the reason.
    Unreadable(String),
}

/// A template's descriptor, and the folder beside it that holds what it makes.
const TEMPLATES: [&str; 2] = ["template.yaml", "template.yml"];
const SKELETON: &str = "skeleton";

/// Collects in the order of names, so that two runs say the same.
fn find_files(path: &Path, depth: usize, files: &mut Vec<Found>) {
    let mut add = |why| files.push(Found { path: path.to_owned(), why });
    // What the caller names may be a link; below it links are not followed, as they may lead in circles.
    let metadata = if depth == 0 { fs::metadata(path) } else { fs::symlink_metadata(path) };
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(error) => return add(Why::Unreadable(error.to_string())),
    };
    if metadata.is_dir() {
        if depth == MAX_FOLDER_DEPTH {
            return add(Why::Unreadable(format!("folders nest more than {MAX_FOLDER_DEPTH} levels deep here")));
        }
        let listed = fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => return add(Why::Unreadable(error.to_string())),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        // What a template makes is judged when it is made: a skeleton is no descriptor yet.
        if entries.iter().any(|entry| TEMPLATES.iter().any(|name| entry.file_name() == *name)) {
            entries.retain(|entry| entry.file_name() != SKELETON);
        }
        for entry in entries {
            if !SKIPPED_FOLDERS.iter().any(|skipped| entry.file_name() == *skipped) {
                find_files(&entry.path(), depth + 1, files);
            }
        }
        return;
    }
    if depth == 0 {
        return add(Why::Descriptor);
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !metadata.is_file() || !matches!(extension, Some("yaml" | "yml")) {
        return;
    }
    let is_catalog_info = path.file_stem().is_some_and(|stem| stem == "catalog-info");
    add(if is_catalog_info { Why::Descriptor } else { Why::Candidate });
}

/// `None` where the file turns out to be no descriptor.
fn lint_file(found: &Found, custom_kinds: &CustomKinds) -> Option<Linted> {
    let file = found.path.display().to_string();
    let unreadable = |reason: &str| {
        let hint = "check the path and its permissions".to_owned();
        let problem = Problem { message: format!("cannot be read: {reason}"), line: 1, column: 1, key: None, hint: Some(hint) };
        let document = Document::new(0, 1, Verdict::Invalid { problem, entity_ref: None });
        Some(Linted { file: file.clone(), text: Vec::new(), documents: vec![document] })
    };
    if let Why::Unreadable(reason) = &found.why {
        return unreadable(reason);
    }
    let text = match read_bounded(&found.path) {
        Ok(text) => text,
        Err(error) => return unreadable(&error.to_string()),
    };
    if found.why == Why::Candidate && !looks_like_descriptor(&text, custom_kinds) {
        return None;
    }
    let documents = parse_descriptor(&text, custom_kinds);
    Some(Linted { file, text, documents })
}

/// Reads one byte more than a descriptor may have, so that what is longer is refused without being read.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(MAX_DESCRIPTOR_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether a line gives an `apiVersion` of Backstage or of a custom kind, and another a `kind`.
fn looks_like_descriptor(text: &[u8], custom_kinds: &CustomKinds) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let (mut has_version, mut has_kind) = (false, false);
    for line in text.split(|byte| *byte == b'\n') {
        has_kind |= line.starts_with(b"kind:");
        if let Some(value) = line.strip_prefix(b"apiVersion:") {
            let value = String::from_utf8_lossy(value);
            let value = value.trim().trim_matches(['"', '\'']);
            has_version |= value.contains("backstage.io/")
                || custom_kinds.iter().any(|kind| kind.api_versions.iter().any(|version| version == value));
        }
        if has_version && has_kind {
            return true;
        }
    }
    false
}
