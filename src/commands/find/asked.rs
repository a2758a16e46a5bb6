//! What `/find` is asked, taken apart: words, filters, what to count by, how to show it.
//! Must not search.

use serde::{Deserialize, Serialize};

use crate::{
    catalog::{
        Catalog, EntityRef, Kind,
        filter::{Facet, Filter, UnknownValue},
    },
    chat::{Button, Reply, Status, Text, limits::cut},
    commands::Asking,
};

/// Words for the asker's own teams after `owner:`.
const MINE: [&str; 4] = ["me", "mine", "us", "my-team"];

/// One question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Without filters and without what says how to show it.
    pub words: String,
    pub filters: Vec<Filter>,
    /// As they were written, for the next page.
    pub written: Vec<String>,
    pub by: Option<Facet>,
    pub explain: bool,
    pub csv: bool,
}

impl Asked {
    /// Takes it apart; a filter whose value nothing has is answered by what may be meant.
    pub fn read(catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> Result<Self, Box<Reply>> {
        let mut words: Vec<&str> = typed.split_whitespace().collect();
        let mut asked = Self::default();
        let is_explain = |word: &str| ["--explain", "explain"].iter().any(|known| word.eq_ignore_ascii_case(known));
        if words.len() > 1 {
            let all = words.len();
            words.retain(|word| !word.eq_ignore_ascii_case("--explain"));
            asked.explain = words.len() < all;
            if let Some(at) = [0, words.len() - 1].into_iter().find(|at| words.len() > 1 && is_explain(words[*at])) {
                words.remove(at);
                asked.explain = true;
            }
        }
        let ends_with_csv =
            |words: &[&str]| words.len() > 1 && words[words.len() - 1].trim_start_matches("--").eq_ignore_ascii_case("csv");
        if ends_with_csv(&words)
            && (words.len() == 2
                || words[words.len() - 1].starts_with("--")
                || words.iter().any(|word| word.contains(':'))
                || words[words.len() - 2].eq_ignore_ascii_case("as"))
        {
            words.pop();
            if words.len() > 1 && words[words.len() - 1].eq_ignore_ascii_case("as") {
                words.pop();
            }
            asked.csv = true;
        }
        if let [.., by, facet] = words.as_slice()
            && by.eq_ignore_ascii_case("by")
            && let Some(facet) = Facet::parse(facet)
        {
            asked.by = Some(facet);
            words.truncate(words.len() - 2);
        }
        let mut kept: Vec<&str> = Vec::new();
        for word in words {
            let Some((key, value)) = word.split_once(':').filter(|(key, value)| !key.is_empty() && !value.is_empty()) else {
                kept.push(word);
                continue;
            };
            match facet_of(key, value) {
                Some(facet) => {
                    let filter = match own_teams(asking, facet, value) {
                        Some(own) => own,
                        None => catalog
                            .filter(facet, value)
                            .map_err(|unknown| Box::new(unknown_value(catalog, typed, word, &unknown)))?,
                    };
                    asked.filters.push(filter);
                    asked.written.push(word.to_owned());
                }
                None => match mistyped_key(key) {
                    Some(facet) => return Err(Box::new(unknown_key(typed, word, key, value, facet))),
                    None => kept.push(word),
                },
            }
        }
        asked.words = kept.join(" ");
        Ok(asked)
    }

    /// Only filters, or only something to count by.
    pub fn has_words(&self) -> bool {
        !self.words.trim().is_empty()
    }

    /// The words and filters, without how they are shown.
    pub fn line(&self) -> String {
        let filters = self.written.join(" ");
        [self.words.as_str(), &filters].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The facet that `key:value` filters by.
fn facet_of(key: &str, value: &str) -> Option<Facet> {
    // `system:default/checkout` in full names one thing, as everywhere.
    let is_ref = |facet: Facet| value.contains('/') && !matches!(facet, Facet::Owner | Facet::Tag | Facet::Type | Facet::Repo);
    Facet::parse(key).filter(|facet| !is_ref(*facet))
}

/// Whether any of the words is a filter.
pub fn is_filtered(typed: &str) -> bool {
    typed.split_whitespace().filter_map(|word| word.split_once(':')).any(|(key, value)| facet_of(key, value).is_some())
}

fn own_teams(asking: &Asking<'_>, facet: Facet, value: &str) -> Option<Filter> {
    if facet != Facet::Owner || !MINE.iter().any(|mine| value.eq_ignore_ascii_case(mine)) {
        return None;
    }
    let name = |owner: &EntityRef| match owner.namespace() {
        "default" => owner.name().to_owned(),
        namespace => format!("{namespace}/{}", owner.name()),
    };
    let values = asking.groups.iter().chain(&asking.person).map(name).collect();
    Some(Filter { facet, values })
}

/// A facet that is nearly written so; a kind before the colon begins a reference.
fn mistyped_key(key: &str) -> Option<Facet> {
    let key = key.to_lowercase();
    let is_kind = !matches!(Kind::parse(&key), Kind::Custom(_));
    let near =
        Facet::ALL.into_iter().find(|facet| strsim::damerau_levenshtein(facet.key(), &key) <= 1 + usize::from(key.len() > 6));
    near.filter(|_| !is_kind && key.len() > 3 && key.chars().all(char::is_alphabetic))
}

fn unknown_key(typed: &str, word: &str, key: &str, value: &str, facet: Facet) -> Reply {
    let instead = format!("{}:{value}", facet.key());
    let lead = Text::plain(format!("There is no filter “{}”. Did you mean ", cut(key, 40))).code(cut(&instead, 60)).say("?");
    let mut reply = Reply::new(Status::NotFound, "find", lead);
    reply.buttons.push(Button::say(cut(&instead, 60), format!("find {}", typed.replacen(word, &instead, 1))).primary());
    reply
}

fn unknown_value(catalog: &Catalog, typed: &str, word: &str, unknown: &UnknownValue) -> Reply {
    let key = unknown.facet.key();
    let shown = cut(&unknown.typed, 40);
    let lead = match unknown.nearest.as_slice() {
        [] => format!("Nothing has the {key} “{shown}”. These are the most frequent:"),
        [one] => format!("Nothing has the {key} “{shown}”. Did you mean “{one}”?"),
        _ => format!("Nothing has the {key} “{shown}”. Did you mean one of these?"),
    };
    let mut reply = Reply::new(Status::NotFound, "find", lead.into());
    let offered: Vec<String> = if unknown.nearest.is_empty() {
        catalog.all_values(unknown.facet).iter().map(|(value, _)| value.clone()).take(5).collect()
    } else {
        unknown.nearest.clone()
    };
    let button = |value: &String| {
        let instead = format!("{key}:{value}");
        Button::say(cut(&instead, 60), format!("find {}", typed.replacen(word, &instead, 1)))
    };
    reply.buttons = offered.iter().map(button).collect();
    reply
}
