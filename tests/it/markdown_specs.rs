//! The examples of the CommonMark and GFM specs, and a thousand random documents, become messages that Slack takes, with all
//! their words and within Discord's limits too.
//!
//! The examples are read from the source of the parser, which cargo has fetched to build Steward: they are not ours to ship.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use steward::{
    chat::{Block, Card, Reply, Status, limits::DISCORD, markdown::parse_markdown, paging::pages},
    slack::render::render_message,
};

use crate::fake_slack::{check, shown};

/// Where the parser's own tests are.
fn suite() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc can be asked");
    let about = String::from_utf8(rustc.stdout).expect("it is text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("it names its platform");
    // What only other platforms need has not been fetched.
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo can be asked");
    let metadata: Value = serde_json::from_slice(&told.stdout).expect("cargo tells of the packages");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let parser = packages.iter().find(|package| package["name"] == "pulldown-cmark").expect("the parser is among them");
    let manifest = PathBuf::from(parser["manifest_path"].as_str().expect("it is somewhere"));
    manifest.parent().expect("a folder").join("tests/suite")
}

/// Markdown and HTML of each example.
fn examples(file: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(suite().join(file)).expect("the parser brings its tests");
    let text = text.replace("\r\n", "\n");
    let literals = |name: &str| -> Vec<String> {
        let begin = format!("let {name} = r##\"");
        text.split(begin.as_str()).skip(1).map(|rest| rest.split("\"##;").next().unwrap_or_default().to_owned()).collect()
    };
    let (markdown, html) = (literals("original"), literals("expected"));
    assert_eq!(markdown.len(), html.len());
    markdown.into_iter().zip(html).collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let sections = parse_markdown(text, &|target| target.starts_with("http").then(|| target.to_owned()));
    sections
        .into_iter()
        .flat_map(|section| {
            let heading = (section.level > 0).then_some(Block::Heading(section.title));
            heading.into_iter().chain(section.blocks)
        })
        .collect()
}

/// What people at Slack read of it; every message is one that Slack takes, and no part is longer than Discord takes.
fn read_at_slack(text: &str) -> String {
    let mut read = String::new();
    for page in pages(blocks(text), 5_000, 5_000) {
        for block in &page {
            let letters = letters(block);
            assert!(letters <= DISCORD.section_text, "{letters} letters in one part of\n{text}");
        }
        let all: usize = page.iter().map(letters).sum();
        assert!(all <= 6_000, "{all} letters on one page of\n{text}");
        let mut reply = Reply::new(Status::Answered, "runbook", "Runbook".into());
        reply.cards.push(Card { body: page, ..Card::default() });
        let message = serde_json::to_value(render_message(&reply)).expect("it is JSON");
        assert_eq!(check::message_faults(&message), Vec::<String>::new(), "of\n{text}");
        assert_eq!(shown::formatting(&message), Vec::<String>::new(), "markup that would act, of\n{text}");
        read.push_str(&shown::shown(&message));
    }
    read
}

fn letters(block: &Block) -> usize {
    let count = |text: &steward::chat::Text| text.to_plain().chars().count();
    match block {
        Block::Heading(text) | Block::Paragraph(text) | Block::Quote(text) | Block::Warning(text) => count(text),
        Block::Code { text, .. } => text.chars().count(),
        Block::List { items, .. } => items.iter().map(|item| count(&item.text)).sum(),
        Block::Table { header, rows } => header.iter().chain(rows.iter().flatten()).map(count).sum(),
        Block::Picture { says, .. } => says.chars().count(),
        Block::Divider => 0,
    }
}

/// The words that a browser shows of HTML, the words of its pictures among them.
fn words_of_html(html: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let hidden = [("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">")];
        let inner = ["script", "style", "textarea"]
            .iter()
            .find(|name| tag.get(1..).is_some_and(|after| after.to_ascii_lowercase().starts_with(**name)));
        let end = if let Some((_, end)) = hidden.iter().find(|(begin, _)| tag.starts_with(begin)) {
            tag.find(end).map(|found| found + end.len())
        } else if let Some(name) = inner {
            let close = format!("</{name}>");
            tag.to_ascii_lowercase().find(&close).map(|found| found + close.len())
        } else {
            end_of_tag(tag)
        };
        let Some(end) = end else { return words(&decode(&text)) };
        if let Some((_, alt)) = tag[..end].split_once("alt=\"") {
            text.push_str(alt.split('"').next().unwrap_or_default());
        }
        // Tags of blocks end words, those within a line do not.
        let inline = [
            "<em", "</em", "<strong", "</strong", "<code", "</code", "<a ", "<a>", "</a", "<del", "</del", "<b", "</b", "<i",
            "</i",
        ];
        if !inline.iter().any(|name| tag.starts_with(name))
            || tag.starts_with("<br")
            || tag.starts_with("<img")
            || tag.contains("blockquote")
        {
            text.push(' ');
        }
        rest = &tag[end..];
    }
    text.push_str(rest);
    words(&decode(&text))
}

/// Behind its `>`, which quoted values may hold too.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '>') => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn lost(markdown: &str, html: &str) -> Vec<String> {
    let read = read_at_slack(markdown);
    // Dressed and undressed parts of one word stand on lines of their own there.
    let joined = read.replace('\n', "");
    let is_read = |word: &String| read.contains(word.as_str()) || joined.contains(word.as_str());
    words_of_html(html).into_iter().filter(|word| !is_read(word)).collect()
}

#[test]
fn the_examples_of_commonmark_keep_all_their_words() {
    let examples = examples("spec.rs");
    assert!(examples.len() > 600, "{} examples", examples.len());
    let faults: Vec<String> = examples
        .iter()
        .map(|(markdown, html)| (markdown, lost(markdown, html)))
        .filter(|(_, lost)| !lost.is_empty())
        .map(|(markdown, lost)| format!("{lost:?} of\n{markdown}"))
        .collect();
    assert!(faults.is_empty(), "{} of {} examples lose words:\n{}", faults.len(), examples.len(), faults.join("\n---\n"));
}

#[test]
fn the_examples_of_github_keep_all_their_words() {
    let mut all = 0;
    for file in ["gfm_table.rs", "gfm_strikethrough.rs", "gfm_tasklist.rs"] {
        for (markdown, html) in examples(file) {
            assert_eq!(lost(&markdown, &html), Vec::<String>::new(), "of\n{markdown}");
            all += 1;
        }
    }
    assert!(all > 10, "{all} examples");
    // Its autolinks; the parser has none of them, Steward makes links of bare addresses itself.
    for address in ["www.commonmark.org/help", "https://encrypted.google.com/search?q=Markup+(business)", "foo@bar.baz"] {
        assert!(read_at_slack(&format!("Visit {address} today.\n")).contains(address), "{address}");
    }
}

/// What once broke the parser breaks no message either.
#[test]
fn documents_that_once_broke_the_parser_break_nothing() {
    for file in ["regression.rs", "table.rs", "footnotes.rs", "blockquotes_tags.rs"] {
        for (markdown, _) in examples(file) {
            read_at_slack(&markdown);
        }
    }
}

/// Pieces of markup and of text, in any order and company, closed or not.
#[test]
fn a_thousand_random_documents_become_messages_that_slack_takes() {
    const PIECES: [&str; 44] = [
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        "```",
        "~~~\n",
        "\n",
        "\n\n",
        "# ",
        "###### ",
        "- ",
        "1. ",
        "+ ",
        "> ",
        "    ",
        "\t",
        "|",
        "|---|---|\n",
        "[",
        "]",
        "](",
        "](https://x.example)",
        "![",
        "<b>",
        "</b>",
        "<details>",
        "<!--",
        "-->",
        "<",
        ">",
        "&",
        "&amp;",
        "&#x202e;",
        "\\",
        "---\n",
        "[^1]",
        "[^1]: ",
        "https://a.example/b_c",
        "<!channel>",
        "<@U0123>",
        "- [ ] ",
        "\u{200b}",
    ];
    let mut dice: u64 = 0x2545_f491_4f6c_dd1d;
    let mut roll = |below: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 11) as usize % below
    };
    for number in 0..1_000 {
        let mut text = String::new();
        let mut count = 0;
        for _ in 0..1 + roll(60) {
            if roll(3) == 0 {
                count += 1;
                text.push_str(&format!("w{number}x{count}y"));
            } else {
                text.push_str(PIECES[roll(PIECES.len())]);
            }
            if roll(2) == 0 {
                text.push(' ');
            }
        }
        let read = read_at_slack(&text);
        // What stands in a comment, a tag, a link's target or its definition is shown by nobody.
        if !["<", "](", "[^", "]:"].iter().any(|hidden| text.contains(hidden)) {
            // The first word behind a fence is its language.
            let language = |word: &str| {
                text.lines().any(|line| {
                    line.trim_start_matches(['>', ' ', '-', '\t', '+']).starts_with(['`', '~']) && line.contains(word)
                })
            };
            for word in (1..=count).map(|count| format!("w{number}x{count}y")).filter(|word| !language(word)) {
                assert!(read.contains(&word), "{word} is lost of\n{text}\nwhich reads\n{read}");
            }
        }
    }
}

#[test]
fn raw_html_that_github_filters_loses_no_words() {
    for tag in ["title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "plaintext"] {
        for tag in [tag.to_owned(), tag.to_uppercase()] {
            let read = read_at_slack(&format!("before <{tag}> within\n\n<blockquote>\n  <{tag}> inside\n</blockquote>\n\nafter"));
            for word in ["before", "within", "inside", "after"] {
                assert!(read.contains(word), "{word} is lost with <{tag}>: {read}");
            }
        }
    }
}
