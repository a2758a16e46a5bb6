//! What the index holds of an entity and of a passage. Must not hold what answers are made of: the catalog does.

use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions},
};

use super::passage::Passage;
use crate::catalog::{
    Catalog, Entity, Entry, RelationType,
    filter::{Facet, values},
    lookup::words::{self, stem, tokens},
    wants::is_mkdocs,
};

/// Rises when what is indexed changes; an index of another format is thrown away.
pub const FORMAT: u32 = 2;

/// Pieces of names of this many letters, so that what stands inside of a word is found.
const GRAM: usize = 3;
/// A longer description says nothing new, and a longer name is no name.
const MOST_TOKENS: usize = 400;

/// The fields of the index.
#[derive(Debug, Clone)]
pub struct Fields {
    pub schema: Schema,
    /// `component:default/payments-api`; of entities alone, for replacing them.
    pub entity: Field,
    /// The file or repository a passage belongs to, for replacing it.
    pub group: Field,
    /// `source|4711` of a passage.
    pub repository: Field,
    /// Names, titles, aliases: their tokens, and each name whole.
    pub names: Field,
    /// Pieces of them.
    pub grams: Field,
    /// All other words of an entity, by their stems.
    pub words: Field,
    /// `owner:team-checkout`.
    pub facets: Field,
    pub heading: Field,
    pub body: Field,
    /// A [`Passage`] as JSON.
    pub passage: Field,
    /// Which come first where more are found than can be weighed.
    pub weight: Field,
}

impl Fields {
    pub fn new() -> Self {
        let mut schema = Schema::builder();
        // Words come taken apart, with blanks between them.
        let text = |record| {
            let indexing = TextFieldIndexing::default().set_tokenizer("whitespace").set_index_option(record).set_fieldnorms(true);
            TextOptions::default().set_indexing_options(indexing)
        };
        let (plain, counted) = (IndexRecordOption::Basic, IndexRecordOption::WithFreqs);
        Self {
            entity: schema.add_text_field("entity", STRING | STORED),
            group: schema.add_text_field("group", STRING),
            repository: schema.add_text_field("repository", STRING),
            names: schema.add_text_field("names", text(plain)),
            grams: schema.add_text_field("grams", text(plain)),
            words: schema.add_text_field("words", text(plain)),
            facets: schema.add_text_field("facets", STRING),
            heading: schema.add_text_field("heading", text(counted)),
            body: schema.add_text_field("body", text(counted)),
            passage: schema.add_text_field("passage", STORED),
            weight: schema.add_u64_field("weight", FAST | INDEXED),
            schema: schema.build(),
        }
    }

    pub fn entity_document(&self, catalog: &Catalog, entry: &Entry) -> TantivyDocument {
        let entity = &entry.entity;
        let mut document = TantivyDocument::default();
        document.add_text(self.entity, entity.entity_ref.as_str());
        let mut named = Vec::new();
        let mut pieces = Vec::new();
        for name in names(entity) {
            let key = words::key(name);
            let squeezed = words::squeezed(&key);
            pieces.extend(grams(squeezed.as_deref().unwrap_or(&key)));
            named.extend(tokens(name));
            named.extend(squeezed);
            named.push(key.replace(' ', "-"));
        }
        document.add_text(self.names, joined(named));
        document.add_text(self.grams, joined(pieces));
        let said = said_of(catalog, entry);
        let stems =
            said.iter().flat_map(|text| tokens(&text.replace("e-mail", "email").replace("E-mail", "email"))).flat_map(|token| {
                let stem = stem(&token);
                if stem == token { vec![token] } else { vec![stem, token] }
            });
        document.add_text(self.words, joined(stems.collect()));
        for facet in Facet::ALL {
            for value in values(catalog, entry, facet) {
                document.add_text(self.facets, format!("{}:{value}", facet.key()));
            }
        }
        document.add_u64(self.weight, catalog.static_weight(&entity.entity_ref));
        document
    }

    pub fn passage_document(&self, repository: &str, group: &str, passage: &Passage) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.repository, repository);
        document.add_text(self.group, group);
        let tokens = |text: &str| tokens(&text.replace("e-mail", "email").replace("E-mail", "email"));
        let stems = |text: &str| tokens(text).iter().map(|token| stem(token)).collect::<Vec<_>>().join(" ");
        if !is_mkdocs(&passage.path) {
            document.add_text(self.heading, stems(&passage.headings.join(" ")));
            document.add_text(self.body, stems(&passage.text));
        }
        document.add_text(self.passage, serde_json::to_string(passage).expect("plain values become JSON"));
        document.add_u64(self.weight, 0);
        document
    }
}

fn names(entity: &Entity) -> impl Iterator<Item = &str> {
    let given = [Some(entity.name.as_str()), entity.title.as_deref(), entity.display_name.as_deref()];
    given.into_iter().flatten().chain(entity.aliases())
}

/// All texts that words of a question are looked for in, besides names.
fn said_of(catalog: &Catalog, entry: &Entry) -> Vec<String> {
    let entity = &entry.entity;
    let mut said: Vec<String> = entity.tags.clone();
    said.extend(entity.labels.values().cloned());
    said.extend(entity.links.iter().filter_map(|link| link.title.clone()));
    said.extend(entity.description.clone());
    said.push(entity.kind.as_str().to_owned());
    said.extend(entity.spec_type.clone());
    said.extend(entity.lifecycle.clone());
    said.extend(entry.origin.repository.rsplit('/').next().map(str::to_owned));
    for target in entity.targets(RelationType::OwnedBy).chain(entity.targets(RelationType::PartOf)) {
        said.push(target.name().to_owned());
        said.extend(catalog.find(target).map(|entry| entry.entity.label().to_owned()));
    }
    said
}

/// "payments": pay, aym, yme, men, ent, nts.
pub fn grams(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.windows(GRAM).map(|window| window.iter().collect()).collect()
}

/// Each once.
fn joined(mut tokens: Vec<String>) -> String {
    tokens.truncate(MOST_TOKENS);
    tokens.sort();
    tokens.dedup();
    tokens.join(" ")
}
