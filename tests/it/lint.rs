//! `steward lint` from the outside: verdicts that agree with Backstage, messages, formats, and input meant to harm.

mod corpus;
mod robustness;

use std::path::{Path, PathBuf};

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

/// The files of this story's own sample.
fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lint/sample").join(file)
}
