//! Documents as passages, one a heading: what is found, and where a link to it leads.
//! Must not know the index.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{
        Page,
        wants::{is_mkdocs, moved_docs},
    },
    chat::{
        Block, Text,
        markdown::{Section, parse_markdown},
    },
};

/// A longer section is several passages: as much as one reads to see whether it is the right one.
const LONGEST: usize = 1_600;
/// Passages of one document; a generated reference has more, and they would crowd out all others.
const MOST: usize = 200;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    #[serde(rename = "s")]
    pub source: String,
    #[serde(rename = "i")]
    pub repository_id: i64,
    #[serde(rename = "r")]
    pub repository: String,
    #[serde(rename = "p")]
    pub path: String,
    #[serde(rename = "c")]
    pub commit: Option<String>,
    /// The headings above it, outermost first.
    #[serde(rename = "h")]
    pub headings: Vec<String>,
    /// Of its heading; empty above the first one.
    #[serde(rename = "a")]
    pub anchor: String,
    #[serde(rename = "t")]
    pub text: String,
    #[serde(rename = "b")]
    pub is_runbook: bool,
}

impl Passage {
    /// The heading at the commit it was read at; `repository_url` is the entity's.
    pub fn url(&self, repository_url: &str) -> Option<String> {
        let commit = self.commit.as_ref()?;
        let anchor = if self.anchor.is_empty() { String::new() } else { format!("#{}", self.anchor) };
        Some(format!("{repository_url}/blob/{commit}/{}{anchor}", self.path))
    }
}

/// Takes a page of docs or a runbook apart at its headings.
pub fn passages(page: &Page, is_runbook: bool) -> Vec<Passage> {
    if is_mkdocs(&page.path) {
        return navigation(page).into_iter().collect();
    }
    let sections = parse_markdown(&page.text, &|_| None);
    let mut above: Vec<(u8, String)> = Vec::new();
    let mut anchors: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for section in &sections {
        let anchor = anchor(section, &mut anchors);
        if section.level > 0 {
            above.retain(|(level, _)| *level < section.level);
            above.push((section.level, section.title.to_plain()));
        }
        let headings: Vec<String> =
            if above.is_empty() { vec![page.path.clone()] } else { above.iter().map(|(_, title)| title.clone()).collect() };
        let text = section.blocks.iter().map(plain).filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n");
        if text.is_empty() && section.level == 0 {
            continue;
        }
        for text in pieces(&text) {
            if found.len() >= MOST {
                return found;
            }
            found.push(Passage {
                source: page.source.clone(),
                repository_id: page.repository_id,
                repository: page.repository.clone(),
                path: page.path.clone(),
                commit: page.commit.clone(),
                headings: headings.clone(),
                anchor: anchor.clone(),
                text: text.to_owned(),
                is_runbook,
            });
        }
    }
    found
}

/// What `nav` of `mkdocs.yml` calls its pages, in its order: a line each, path and title. It is found by nobody's words.
///
/// Read by the line: its YAML may hold tags of Python that no other parser knows.
fn navigation(page: &Page) -> Option<Passage> {
    let root = page.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let docs = match moved_docs(&page.path, &page.text) {
        Some(glob) => glob.trim_end_matches("**/*.md").to_owned(),
        None => format!("{root}docs/"),
    };
    let lines = page.text.lines().skip_while(|line| !line.starts_with("nav:")).skip(1);
    let lines = lines.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '-', '#', '\t']));
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    let entries = lines.filter_map(|line| {
        let entry = line.trim().strip_prefix("- ")?;
        let (title, path) = match entry.rsplit_once(": ") {
            Some((title, path)) => (bare(title), bare(path)),
            None => (String::new(), bare(entry)),
        };
        path.ends_with(".md").then(|| format!("{docs}{path}\t{title}"))
    });
    let text = entries.take(MOST).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then(|| Passage {
        source: page.source.clone(),
        repository_id: page.repository_id,
        repository: page.repository.clone(),
        path: page.path.clone(),
        commit: page.commit.clone(),
        headings: Vec::new(),
        anchor: String::new(),
        text,
        is_runbook: false,
    })
}

/// GitHub numbers headings of the same words.
fn anchor(section: &Section, seen: &mut HashMap<String, usize>) -> String {
    if section.level == 0 {
        return String::new();
    }
    let slug = section.slug();
    let number = seen.entry(slug.clone()).or_insert(0);
    *number += 1;
    if *number == 1 { slug } else { format!("{slug}-{}", *number - 1) }
}

/// Cut at ends of lines or of words where they are too long; an empty text is one piece.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((limit, _)) = rest.char_indices().nth(LONGEST) {
        let end = rest[..limit].rfind('\n').or_else(|| rest[..limit].rfind(' ')).filter(|end| *end > 0).unwrap_or(limit);
        pieces.push(rest[..end].trim());
        rest = &rest[end..];
    }
    pieces.push(rest.trim());
    pieces
}

fn plain(block: &Block) -> String {
    match block {
        Block::Heading(text) | Block::Paragraph(text) | Block::Quote(text) | Block::Warning(text) => text.to_plain(),
        Block::Code { text, .. } => text.clone(),
        Block::List { items, .. } => items.iter().map(|item| item.text.to_plain()).collect::<Vec<_>>().join("\n"),
        Block::Table { header, rows } => {
            let row = |cells: &Vec<Text>| cells.iter().map(Text::to_plain).collect::<Vec<_>>().join(" ");
            std::iter::once(header).chain(rows).map(row).collect::<Vec<_>>().join("\n")
        }
        Block::Picture { says, .. } => says.clone(),
        Block::Divider => String::new(),
    }
}
