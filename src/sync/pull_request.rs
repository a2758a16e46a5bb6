//! A pull request's descriptors, checked before they are merged: read, judge, report. Must not know how a report looks on
//! GitHub.
//!
//! What was heard only says which pull request to look at; its head and its files are asked for, so that a late or repeated
//! webhook cannot report on what is no longer there.

use crate::{
    catalog::{descriptor::parse_descriptor, diff::hash, kinds::CustomKinds},
    github::{
        GithubError, GithubSource,
        write::{PullRequest, Remark, Review, Writer, Written},
    },
};

/// Descriptors read of one pull request: one that changes more was made by a machine, and its first faults tell enough.
const MOST_DESCRIPTORS: usize = 100;
/// Faults that are written out; the rest is counted.
const MOST_WRITTEN_OUT: usize = 20;
/// Letters of a fault's words that are written out.
const LONGEST_MESSAGE: usize = 400;

/// Checks the descriptors that a pull request adds or changes, and tells its author.
pub async fn check_pull_request(
    github: &GithubSource,
    repository: &str,
    number: i64,
    custom_kinds: &CustomKinds,
) -> Result<Written, GithubError> {
    let writer = github.writer();
    writer.unless_refused(check(github, &writer, repository, number, custom_kinds).await)
}

async fn check(
    github: &GithubSource,
    writer: &Writer,
    repository: &str,
    number: i64,
    custom_kinds: &CustomKinds,
) -> Result<Written, GithubError> {
    let pull = writer.load_pull_request(repository, number).await?;
    let Some(pull) = pull.filter(|pull| pull.is_open) else { return Ok(Written::Nothing) };
    let mut paths = writer.load_changed_files(&pull).await?;
    paths.retain(|path| github.is_descriptor(path));
    paths.sort();
    let left_out = paths.len().saturating_sub(MOST_DESCRIPTORS);
    paths.truncate(MOST_DESCRIPTORS);
    let mut checked = 0;
    let mut remarks: Vec<Remark> = Vec::new();
    for path in paths {
        let Some(text) = writer.load_file(repository, &path, &pull.head).await? else { continue };
        checked += 1;
        // A large descriptor takes milliseconds to parse, in which this thread could not answer.
        let documents = tokio::task::block_in_place(|| parse_descriptor(&text, custom_kinds));
        let problems = documents.iter().filter_map(|document| document.problem());
        remarks.extend(problems.map(|problem| Remark { path: path.clone(), line: problem.line, message: problem.to_string() }));
    }
    let review = review(&pull, checked, left_out, remarks);
    let fingerprint = hex::encode(hash(format!("{review:?}").as_bytes()));
    writer.report(&pull, &review, &fingerprint).await
}

fn review(pull: &PullRequest, checked: usize, left_out: usize, remarks: Vec<Remark>) -> Review {
    let files = |count: usize| if count == 1 { "1 descriptor".to_owned() } else { format!("{count} descriptors") };
    if remarks.is_empty() {
        let title = match (checked, left_out) {
            (0, _) => "No descriptor is changed".to_owned(),
            (1, 0) => "The descriptor is valid".to_owned(),
            (checked, 0) => format!("All {} are valid", files(checked)),
            (checked, left_out) => format!("The first {} are valid, {left_out} more were not looked at", files(checked)),
        };
        let summary = format!("{title}. The catalog can read what this pull request changes.");
        return Review { checked, left_out, remarks, title, summary };
    }
    let mut broken: Vec<&str> = remarks.iter().map(|remark| remark.path.as_str()).collect();
    broken.dedup();
    let faults = if remarks.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", remarks.len()) };
    let title = format!("{faults} in {}", files(broken.len()));
    let mut summary = format!("The catalog cannot read what this pull request changes: {faults} in {}.\n\n", files(broken.len()));
    for remark in remarks.iter().take(MOST_WRITTEN_OUT) {
        let place = quote_code(&format!("{}:{}", remark.path, remark.line));
        summary.push_str(&format!("- {place}: {}\n", quote_code(&remark.message)));
    }
    if remarks.len() > MOST_WRITTEN_OUT {
        summary.push_str(&format!("- and {} more\n", remarks.len() - MOST_WRITTEN_OUT));
    }
    let example = quote_code(&format!("steward lint {}", broken.first().copied().unwrap_or_default()));
    summary.push_str(&format!(
        "\nNothing is lost if it is merged so: the last good version goes on answering. {example} checks it before a push. \
         Checked at {}.",
        pull.head.get(..7).unwrap_or(&pull.head)
    ));
    Review { checked, left_out, remarks, title, summary }
}

/// As code, so that what stands in a file can neither mention anybody nor become a link.
pub fn quote_code(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter == '`' { '\'' } else { letter });
    let line: String = letters.filter(|letter| !letter.is_control()).take(LONGEST_MESSAGE).collect();
    format!("`{line}`")
}
