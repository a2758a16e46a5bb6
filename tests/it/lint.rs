//! `steward lint` from the outside: verdicts that agree with Backstage, messages, formats, and input meant to harm.

mod corpus;
mod formats;
mod messages;
mod robustness;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use steward::{
    catalog::kinds::CustomKinds,
    cli::lint::{Colour, LintArgs, LintFormat, LintOutcome, lint},
};

/// The report on some paths.
fn report(paths: &[&Path], format: LintFormat) -> (LintOutcome, String) {
    let paths = paths.iter().map(|path| path.to_path_buf()).collect();
    let args = LintArgs { paths, format, color: Colour::Never, no_color: None };
    let mut out = Vec::new();
    let outcome = lint(&args, &CustomKinds::default(), &mut out).expect("a vector takes whatever is written");
    (outcome, String::from_utf8(out).expect("reports are text"))
}

/// One object a document, from a file of that content.
fn judge(content: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("catalog-info.yaml");
    fs::write(&file, content).expect("the file can be written");
    let (_, out) = report(&[&file], LintFormat::Json);
    out.lines().map(|line| serde_json::from_str(line).expect("each line is a JSON object")).collect()
}

/// The files of this story's own sample.
fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lint/sample").join(file)
}
