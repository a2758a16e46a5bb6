//! What was found as numbers by a facet, and as CSV. Must not choose what is counted.

use std::sync::Arc;

use super::asked::Asked;
use crate::{
    catalog::{
        Catalog, Entry,
        filter::{Facet, values},
    },
    chat::{Block, Button, Card, Platform, Reply, Status, Text, limits::cut},
    commands::{Asking, answer::provenance},
};

/// Rows of a count; what is left is one more.
const ROWS: usize = 20;

/// What fits into one message on every platform, code fences and all; Discord's is the shortest.
const CSV_LETTERS: usize = 1_700;

/// How an answer begins that holds the beginning of a list.
const CUT: &str = "The first ";

/// "137 entries fit … by owner."
pub fn count(catalog: &Catalog, asking: &Asking<'_>, asked: &Asked, facet: Facet, found: &[Arc<Entry>]) -> Reply {
    let (counts, without) = catalog.facet_counts(found.iter(), facet);
    let key = facet.key();
    let what = said(asked);
    let lead = match found.len() {
        0 => format!("Nothing fits{what}."),
        1 => format!("One entry{what}, by {key}."),
        all => format!("{all} entries{what}, by {key}: {} different.", counts.len()),
    };
    let status = if found.is_empty() { Status::NotFound } else { Status::Answered };
    let mut reply = Reply::new(status, "find", lead.into());
    if found.is_empty() {
        return reply;
    }
    let mut rows: Vec<Vec<Text>> = Vec::new();
    for (value, number) in counts.iter().take(ROWS) {
        let label = catalog.facet_label(facet, value).filter(|label| label != value);
        let name = label.map_or_else(|| value.clone(), |label| format!("{label} ({value})"));
        rows.push(vec![cut(&name, 60).into(), number.to_string().into(), share(*number, found.len()).into()]);
    }
    if counts.len() > ROWS {
        let rest: usize = counts[ROWS..].iter().map(|(_, number)| number).sum();
        rows.push(vec![format!("{} more", counts.len() - ROWS).into(), rest.to_string().into(), share(rest, found.len()).into()]);
    }
    if without > 0 {
        rows.push(vec![format!("no {key}").into(), without.to_string().into(), share(without, found.len()).into()]);
    }
    let header = [key, "entries", "share"].into_iter().map(Into::into).collect();
    let mut card = Card { body: vec![Block::Table { header, rows }], ..Card::default() };
    let line = asked.line();
    let narrowed = counts.iter().take(5).map(|(value, _)| {
        let filter = format!("{key}:{value}");
        Button::say(cut(&filter, 60), format!("find {line} {filter}").replace("find  ", "find "))
    });
    card.buttons = narrowed.collect();
    reply.cards.push(card);
    reply.buttons.push(Button::say("As CSV", format!("find {line} by {key} as csv").replace("find  ", "find ")));
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

fn share(number: usize, all: usize) -> String {
    format!("{:.0} %", 100.0 * number as f64 / all.max(1) as f64)
}

pub fn said(asked: &Asked) -> String {
    let line = asked.line();
    if line.is_empty() { String::new() } else { format!(" for “{}”", cut(&line, 80)) }
}

/// The header and one row an entry, or one row a value where it is counted by something.
pub fn rows(catalog: &Catalog, asked: &Asked, found: &[Arc<Entry>]) -> Vec<Vec<String>> {
    if let Some(facet) = asked.by {
        let mut rows = vec![vec![facet.key().to_owned(), "entries".to_owned()]];
        let (counts, without) = catalog.facet_counts(found.iter(), facet);
        rows.extend(counts.into_iter().map(|(value, number)| vec![value, number.to_string()]));
        rows.extend((without > 0).then(|| vec![String::new(), without.to_string()]));
        return rows;
    }
    let header = [
        "ref",
        "kind",
        "type",
        "name",
        "title",
        "owner",
        "lifecycle",
        "system",
        "domain",
        "language",
        "tags",
        "repository",
        "description",
    ];
    let mut rows = vec![header.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    for entry in found {
        let entity = &entry.entity;
        let all = |facet: Facet| values(catalog, entry, facet).join(" ");
        rows.push(vec![
            entity.entity_ref.to_string(),
            entity.kind.as_str().to_owned(),
            all(Facet::Type),
            entity.name.clone(),
            entity.title.clone().or_else(|| entity.display_name.clone()).unwrap_or_default(),
            all(Facet::Owner),
            all(Facet::Lifecycle),
            all(Facet::System),
            all(Facet::Domain),
            all(Facet::Language),
            all(Facet::Tag),
            entry.origin.repository.to_string(),
            entity.description.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        ]);
    }
    rows
}

/// Each with its end.
pub fn lines(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().map(|row| row.iter().map(|cell| written(cell)).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// Whether an answer holds only the beginning of a list.
pub fn is_cut(reply: &Reply) -> bool {
    reply.lead.to_plain().starts_with(CUT)
}

/// As many rows as one message holds; a terminal holds all.
pub fn csv(catalog: &Catalog, asking: &Asking<'_>, asked: &Asked, found: &[Arc<Entry>]) -> Reply {
    let rows = rows(catalog, asked, found);
    let all = rows.len() - 1;
    let limit = match asking.account.platform {
        Platform::Terminal => usize::MAX,
        Platform::Slack | Platform::Discord | Platform::Playground => CSV_LETTERS,
    };
    let mut text = String::new();
    let mut shown: usize = 0;
    for line in lines(&rows) {
        if shown > 0 && text.chars().count() + line.chars().count() > limit {
            break;
        }
        text.push_str(&line);
        shown += 1;
    }
    let shown = shown.saturating_sub(1);
    let what = said(asked);
    let lead = if shown == all {
        format!("{all} rows{what}, as CSV.")
    } else {
        format!("{CUT}{shown} of {all} rows{what}, as CSV: that is what one message holds. Narrow it down, or count by owner.")
    };
    let mut reply = Reply::new(Status::Answered, "find", lead.into());
    let body = vec![Block::Code { language: Some("csv".to_owned()), text: text.trim_end().to_owned() }];
    reply.cards.push(Card { body, ..Card::default() });
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// RFC 4180; what a spreadsheet would take for a formula begins with an apostrophe.
fn written(cell: &str) -> String {
    let cell: String = cell.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let cell = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell };
    if cell.contains(['"', ',', ';']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
