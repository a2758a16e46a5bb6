//! The scanner's faults in plain words: what is wrong with the YAML and what to write instead.
//! Must not decide that something is a fault: the scanner has.

use super::{
    node::Mark,
    problem::{Problem, shorten},
};

/// How many lines past a fault its cause is looked for.
const FAR_OFF: usize = 20;

/// A fault as the scanner words it, and as we do.
struct Wording {
    /// Part of the scanner's text.
    scanner: &'static str,
    message: &'static str,
    hint: &'static str,
}

const QUOTE: &str = "put the value in quotes";
const INDENT_WITH_SPACES: &str = "indent with spaces instead of tabs";

/// The first that fits is taken.
const WORDINGS: &[Wording] = &[
    Wording {
        scanner: "mapping values are not allowed",
        message: "a `:` stands here where no key can be",
        hint: "put the value in quotes if the `:` belongs to it, else check the indentation of this line and the one before",
    },
    Wording {
        scanner: "simple key expect",
        message: "this line is no `key: value`",
        hint: "write `key: value`, or indent the line to make it part of the value before",
    },
    Wording {
        scanner: "did not find expected key",
        message: "the indentation fits no key before it",
        hint: "indent it as far as its neighbours, or put the value in quotes if it goes on here",
    },
    Wording {
        scanner: "invalid indentation in quoted",
        message: "a quoted text goes on in a line that is not indented",
        hint: "close the quote, or indent its further lines",
    },
    Wording {
        scanner: "invalid indentation",
        message: "the indentation fits nothing before it",
        hint: "indent it as far as its neighbours",
    },
    Wording {
        scanner: "while scanning a plain scalar, found a tab",
        message: "a tab stands in the indentation",
        hint: INDENT_WITH_SPACES,
    },
    Wording { scanner: "cannot start with a tab", message: "a block of text starts with a tab", hint: INDENT_WITH_SPACES },
    Wording { scanner: "tab", message: "a tab stands where only spaces may", hint: INDENT_WITH_SPACES },
    Wording {
        scanner: "quoted scalar, found unexpected",
        message: "a quote is opened here and never closed",
        hint: "close it with the same quote sign",
    },
    Wording {
        scanner: "after double-quoted scalar",
        message: "something follows the closing quote",
        hint: "put all of the value within the quotes; a quote sign within is written \\\"",
    },
    Wording {
        scanner: "unknown escape",
        message: "a \\ in double quotes is followed by a letter that means nothing there",
        hint: "write \\\\ for a backslash, or use single quotes",
    },
    Wording {
        scanner: "escape",
        message: "an escape within double quotes is not complete",
        hint: "write \\\\ for a backslash, or use single quotes",
    },
    Wording {
        scanner: "hexadecimal",
        message: "an escape within double quotes is not complete",
        hint: "write \\\\ for a backslash, or use single quotes",
    },
    Wording {
        scanner: "block sequence entries are not allowed",
        message: "a list cannot start here",
        hint: "put each `- item` in a line of its own, below the key",
    },
    Wording {
        scanner: "expected '-' indicator",
        message: "a line within a list does not start with `-`",
        hint: "start it with `- `, or check its indentation",
    },
    Wording {
        scanner: "unknown anchor",
        message: "an alias (*name) repeats what no anchor (&name) has marked",
        hint: "put the value in quotes if the * belongs to it",
    },
    Wording {
        scanner: "anchor or alias",
        message: "a value starts with & or *, which YAML takes for an anchor or alias",
        hint: QUOTE,
    },
    Wording {
        scanner: "expected ',' or '}'",
        message: "a { is opened and not closed with }",
        hint: "close it, or put the value in quotes if the braces belong to it",
    },
    Wording {
        scanner: "expected ',' or ']'",
        message: "in this list a `,` or the closing ] is missing",
        hint: "write [one, two], or put an item in quotes if it holds brackets or braces",
    },
    Wording {
        scanner: "misplaced bracket",
        message: "a closing bracket or brace has no opening one",
        hint: "remove it, or put the value in quotes if it belongs to it",
    },
    Wording { scanner: "unexpected character", message: "a value cannot start with this character", hint: QUOTE },
    Wording {
        scanner: "expected node content",
        message: "a value is missing here, or starts with a character that no value can start with",
        hint: QUOTE,
    },
    Wording {
        scanner: "expected <document start>",
        message: "the document has ended, yet more follows",
        hint: "indent the line if it belongs to what is before, or put --- between two entities",
    },
    Wording {
        scanner: "directive",
        message: "a line that starts with % is a YAML directive, and this is none",
        hint: "remove it, or put the value in quotes",
    },
    Wording { scanner: "tag", message: "a value starts with !, which YAML takes for a tag", hint: QUOTE },
    Wording { scanner: "the handle wasn't declared", message: "a value starts with !, which YAML takes for a tag", hint: QUOTE },
    Wording {
        scanner: "unprintable",
        message: "a control character stands here",
        hint: "remove it, or write it as an escape such as \\u0007 within double quotes",
    },
    Wording {
        scanner: "byte order mark",
        message: "a byte order mark stands within the text",
        hint: "remove it; it may only start a file",
    },
    Wording {
        scanner: "block scalar",
        message: "the lines of this block of text are not indented alike",
        hint: "indent each line at least as far as its first one",
    },
    Wording { scanner: "recursion limit", message: "the brackets nest too deep", hint: "make it flatter" },
];

/// Words a fault of the scanner; `text` is the document, which starts in `first_line` of the file.
pub fn explain(scanner: &str, mark: Mark, text: &str, first_line: usize) -> Problem {
    let mark = step_back(mark, text, first_line);
    let line = find_line(mark, text, first_line);
    let wording = WORDINGS.iter().find(|wording| scanner.contains(wording.scanner));
    let message = wording.map_or_else(|| format!("this is not valid YAML: {scanner}"), |wording| wording.message.to_owned());
    let problem = Problem::at(mark, message);
    if let Some(index) = text.lines().position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        return Problem::at(Mark { line: first_line + index, column: 1 }, "a merge conflict has not been resolved")
            .hint("keep one side and remove the lines that start with <<<<<<<, ======= and >>>>>>>");
    }
    if line.contains("{%") || line.contains("{{") {
        let quoted = shorten(line.trim());
        return problem.hint(format!(
            "`{quoted}` belongs to a template: check the file that the template makes, or put the expression in quotes"
        ));
    }
    // A text may start lines before the tab that ends it.
    let from_here = text.lines().enumerate().skip(mark.line.saturating_sub(first_line)).take(FAR_OFF);
    let tab =
        from_here.filter(|(_, line)| line.trim_start_matches(' ').starts_with('\t')).map(|(index, _)| first_line + index).next();
    if let Some(tab_line) = tab
        && (tab_line == mark.line || scanner.contains("tab"))
    {
        return Problem::at(Mark { line: tab_line, column: 1 }, "a tab stands in the indentation").hint(INDENT_WITH_SPACES);
    }
    match wording {
        Some(wording) => problem.hint(wording.hint),
        None => problem.hint("check indentation and quotes in this line and the one before"),
    }
}

fn find_line(mark: Mark, text: &str, first_line: usize) -> &str {
    mark.line.checked_sub(first_line).and_then(|index| text.lines().nth(index)).unwrap_or_default()
}

/// Some faults are noticed only at the end of the text, where nothing is to be seen: the last line is meant.
fn step_back(mark: Mark, text: &str, first_line: usize) -> Mark {
    if !find_line(mark, text, first_line).trim().is_empty() {
        return mark;
    }
    let lines = text.lines().enumerate().take(mark.line.saturating_sub(first_line));
    match lines.filter(|(_, line)| !line.trim().is_empty()).last() {
        Some((index, line)) => {
            Mark { line: first_line + index, column: line.chars().take_while(|c| c.is_whitespace()).count() + 1 }
        }
        None => mark,
    }
}
