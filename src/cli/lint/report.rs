//! The four ways in which `steward lint` writes what it found.
//! Writes as it goes, but for SARIF, which is one document; must not check anything.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::{Colour, LintArgs, LintFormat, LintOutcome, Linted};
use crate::catalog::{
    EntityRef, Relation,
    descriptor::{Document, Problem, Verdict},
};

/// The longest part of a source line that is quoted.
const LONGEST_QUOTE: usize = 120;

/// Writes what was found in each file, and says what it came to.
pub fn write_report(linted: impl Iterator<Item = Linted>, args: &LintArgs, out: &mut dyn Write) -> io::Result<LintOutcome> {
    let mut counts = Counts::default();
    let linted = linted.inspect(|linted| counts.add(linted));
    match args.format {
        LintFormat::Text => {
            let paint = Paint::choose(args);
            for linted in linted {
                write_text(&linted, paint, out)?;
            }
            write_summary(&counts, paint, out)?;
        }
        LintFormat::Json => {
            for linted in linted {
                write_json(&linted, out)?;
            }
        }
        LintFormat::Github => {
            for linted in linted {
                write_github(&linted, out)?;
            }
        }
        LintFormat::Sarif => write_sarif(linted, out)?,
    }
    Ok(if counts.invalid == 0 { LintOutcome::AllValid } else { LintOutcome::SomeInvalid })
}

#[derive(Default)]
struct Counts {
    files: usize,
    valid: usize,
    invalid: usize,
}

impl Counts {
    fn add(&mut self, linted: &Linted) {
        self.files += 1;
        let invalid = linted.documents.iter().filter(|document| document.problem().is_some()).count();
        self.invalid += invalid;
        self.valid += linted.documents.len() - invalid;
    }
}

#[derive(Clone, Copy)]
enum Paint {
    Colour,
    Plain,
}

impl Paint {
    fn choose(args: &LintArgs) -> Self {
        let refused = args.no_color.as_ref().is_some_and(|value| !value.is_empty());
        match args.color {
            Colour::Always => Self::Colour,
            Colour::Auto if !refused && io::stdout().is_terminal() => Self::Colour,
            Colour::Auto | Colour::Never => Self::Plain,
        }
    }

    fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

fn write_text(linted: &Linted, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let lines: Vec<&[u8]> = linted.text.split(|byte| *byte == b'\n').collect();
    for problem in linted.documents.iter().filter_map(Document::problem) {
        let place = format!("{}:{}:{}:", linted.file, problem.line, problem.column);
        writeln!(out, "{} {}", paint.bold(&visible(&place)), paint.red(&visible(&problem.message)))?;
        if let Some(quote) = quote_line(&lines, problem) {
            let number = problem.line.to_string();
            writeln!(out, "  {} {}", paint.dim(&format!("{number} |")), quote.line)?;
            let gutter = format!("{:width$} |", "", width = number.len());
            writeln!(out, "  {} {}{}", paint.dim(&gutter), " ".repeat(quote.before), paint.red("^"))?;
        }
        if let Some(hint) = &problem.hint {
            writeln!(out, "  {} {}", paint.green("=>"), visible(hint))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A line of the source, fit to be shown, and how many characters stand before the fault.
struct Quote {
    line: String,
    before: usize,
}

fn quote_line(lines: &[&[u8]], problem: &Problem) -> Option<Quote> {
    let line = lines.get(problem.line.checked_sub(1)?)?;
    let line = String::from_utf8_lossy(line);
    let line = line.strip_prefix('\u{feff}').unwrap_or(&line).trim_end();
    if line.is_empty() {
        return None;
    }
    // A tab has no width that is known here.
    let shown: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = problem.column.saturating_sub(1).min(shown.len());
    let from = if column > LONGEST_QUOTE { column - LONGEST_QUOTE / 2 } else { 0 };
    let to = shown.len().min(from + LONGEST_QUOTE);
    Some(Quote { line: shown[from..to].iter().collect(), before: column - from })
}

/// Text from a descriptor may hold characters that move the cursor or colour the terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn write_summary(counts: &Counts, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let count = |number: usize, one: &str, more: &str| format!("{number} {}", if number == 1 { one } else { more });
    let documents = count(counts.valid + counts.invalid, "document", "documents");
    let files = count(counts.files, "file", "files");
    if counts.files == 0 {
        return writeln!(out, "No descriptor found: no catalog-info.yaml, and no YAML file with an apiVersion of Backstage.");
    }
    let verdict = match counts.invalid {
        0 => paint.green("all valid"),
        invalid => paint.red(&format!("{invalid} invalid")),
    };
    writeln!(out, "{documents} in {files}: {verdict}")
}

/// A line of `--format json`; the names are part of the contract.
#[derive(Serialize)]
struct JsonLine<'a> {
    file: &'a str,
    doc_index: usize,
    verdict: &'static str,
    error: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    entity_ref: Option<&'a EntityRef>,
    relations: &'a [Relation],
}

fn write_json(linted: &Linted, out: &mut dyn Write) -> io::Result<()> {
    for document in &linted.documents {
        let problem = document.problem();
        let (verdict, relations): (_, &[Relation]) = match &document.verdict {
            Verdict::Valid { entity, .. } => ("valid", &entity.relations),
            Verdict::Invalid { .. } => ("invalid", &[]),
            Verdict::YamlError { .. } => ("yaml-error", &[]),
        };
        let line = JsonLine {
            file: &linted.file,
            doc_index: document.doc_index,
            verdict,
            error: problem.map(Problem::to_string),
            line: problem.map(|problem| problem.line),
            column: problem.map(|problem| problem.column),
            entity_ref: document.entity_ref(),
            relations,
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Workflow commands (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>).
fn write_github(linted: &Linted, out: &mut dyn Write) -> io::Result<()> {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let escape_property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    for problem in linted.documents.iter().filter_map(Document::problem) {
        let (file, line, column) = (escape_property(&linted.file), problem.line, problem.column);
        writeln!(out, "::error file={file},line={line},col={column}::{}", escape(&problem.to_string()))?;
    }
    Ok(())
}

/// SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).
fn write_sarif(linted: impl Iterator<Item = Linted>, out: &mut dyn Write) -> io::Result<()> {
    let rules = [
        ("invalid-descriptor", "A catalog entity must have the fields of its kind, in the right form."),
        ("yaml-syntax", "A descriptor must be readable YAML."),
    ];
    let results: Vec<_> = linted.flat_map(|linted| sarif_results(&linted)).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "steward",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } })),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn sarif_results(linted: &Linted) -> Vec<serde_json::Value> {
    let result = |document: &Document| {
        let problem = document.problem()?;
        let rule = match document.verdict {
            Verdict::YamlError { .. } => "yaml-syntax",
            Verdict::Valid { .. } | Verdict::Invalid { .. } => "invalid-descriptor",
        };
        Some(json!({
            "ruleId": rule,
            "level": "error",
            "message": { "text": problem.to_string() },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": file_uri(&linted.file) },
                "region": { "startLine": problem.line, "startColumn": problem.column },
            }}],
        }))
    };
    linted.documents.iter().filter_map(result).collect()
}

/// A path as a URI reference: relative stays relative, so that code scanning finds it in the repository.
fn file_uri(file: &str) -> String {
    let path = file.strip_prefix("./").unwrap_or(file);
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
