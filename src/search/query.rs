//! From a question to what may fit it: entities by name, piece of a name or word, passages by words.
//! Must not put anything into the order of answers: the catalog's ranker does.

use std::{collections::HashMap, sync::Arc};

use tantivy::{
    DocAddress, DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, Term,
    collector::TopDocs,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption, Value},
};

use super::{
    Open, Passage, SearchError, SearchIndex,
    fields::{Fields, grams},
    write::repository_key,
};
use crate::catalog::{
    InDocument, Question,
    filter::Filter,
    lookup::{
        Word,
        words::{self, stem},
    },
};

/// Entities that are weighed closely; a word that stands in more names tells too little to choose by.
const ENTITIES: usize = 150;
/// Passages that are looked at.
const PASSAGES: usize = 40;
/// Passages of one repository, of which each page has some.
const ALL_PASSAGES: usize = 2_000;
/// Spellings that a mistyped word may stand for.
const SPELLINGS: usize = 4;
/// A shorter word begins half of all names.
const SHORTEST_PREFIX: usize = 2;

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub filters: &'a [Filter],
    /// Passages of this repository alone, all of them where nothing is asked, and no entities.
    pub repository: Option<(&'a str, i64)>,
}

/// What may fit.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// References of entities.
    pub entities: Vec<String>,
    /// Best first, each with what it holds of the question.
    pub passages: Vec<(Passage, InDocument)>,
}

impl SearchIndex {
    /// Searches, and weighs the words of the question on the way. `None` where the index is not ready, or is damaged; then
    /// it is thrown away.
    pub fn search(&self, question: &mut Question, wanted: Wanted<'_>) -> Option<Found> {
        let open = self.open.load_full()?;
        match open.search(question, wanted) {
            Ok(found) => Some(found),
            Err(fault) => {
                tracing::error!(
                    fault = format!("{:#}", anyhow::Error::from(fault)),
                    "the search index is damaged and is built again"
                );
                self.discard();
                None
            }
        }
    }
}

impl Open {
    fn search(self: &Arc<Self>, question: &mut Question, wanted: Wanted<'_>) -> Result<Found, SearchError> {
        let searcher = self.reader.searcher();
        let fields = &self.fields;
        let frequency = |field: Field, text: &str| searcher.doc_freq(&Term::from_field_text(field, text)).unwrap_or(0);
        let all = searcher.num_docs();
        question.weigh(usize::try_from(all).unwrap_or(usize::MAX), |word| {
            let known = frequency(fields.names, &word.text)
                + frequency(fields.words, &word.stem).max(frequency(fields.words, &word.text))
                + frequency(fields.body, &word.stem)
                + frequency(fields.heading, &word.stem);
            match known {
                0 => usize::from(begins_any(&searcher, &[fields.names, fields.words], &word.text)),
                known => usize::try_from(known.min(all)).unwrap_or(usize::MAX),
            }
        });
        for word in question.words.iter_mut().filter(|word| word.unknown) {
            word.spellings = spellings(&searcher, fields, &word.text)?;
        }
        let mut found = Found::default();
        if question.words.is_empty() && wanted.repository.is_none() {
            return Ok(found);
        }
        if wanted.repository.is_none() {
            let query = entity_query(fields, question, wanted.filters);
            let weighed = TopDocs::with_limit(ENTITIES).tweak_score(|segment: &SegmentReader| {
                let weight = segment.fast_fields().u64("weight").map(|column| column.first_or_default_col(0)).ok();
                move |document: DocId, score: Score| {
                    score + weight.as_ref().map_or(0, |weight| weight.get_val(document)) as Score / 10_000.0
                }
            });
            for (_, address) in searcher.search(&query, &weighed)? {
                let document: tantivy::TantivyDocument = searcher.doc(address)?;
                found.entities.extend(document.get_first(fields.entity).and_then(|value| value.as_str()).map(str::to_owned));
            }
        }
        let query = passage_query(fields, question, wanted.repository);
        // Where nothing is asked, all pages of a repository are.
        let limit = if question.words.is_empty() { ALL_PASSAGES } else { PASSAGES };
        let top = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        let addresses: Vec<DocAddress> = top.into_iter().map(|(_, address)| address).collect();
        let held = held_words(&searcher, fields, question, &addresses)?;
        for (address, held) in addresses.into_iter().zip(held) {
            let document: tantivy::TantivyDocument = searcher.doc(address)?;
            let stored = document.get_first(fields.passage).and_then(|value| value.as_str().map(str::to_owned));
            let passage: Option<Passage> = stored.and_then(|stored| serde_json::from_str(&stored).ok());
            found.passages.extend(passage.map(|passage| (passage, held)));
        }
        Ok(found)
    }
}

fn exact(field: Field, text: &str, worth: f64) -> Box<dyn Query> {
    let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(Box::new(query), worth as Score))
}

fn prefix(field: Field, text: &str, worth: f64) -> Box<dyn Query> {
    let query = FuzzyTermQuery::new_prefix(Term::from_field_text(field, text), 0, false);
    Box::new(ConstScoreQuery::new(Box::new(query), worth as Score))
}

/// Any of the words; what holds more of them, and in its name, comes first.
fn entity_query(fields: &Fields, question: &Question, filters: &[Filter]) -> BooleanQuery {
    let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let words: Vec<(Occur, Box<dyn Query>)> =
        question.words.iter().map(|word| (Occur::Should, any_of_word(fields, word))).collect();
    all.push((Occur::Must, Box::new(BooleanQuery::new(words))));
    for filter in filters {
        let values = filter.values.iter().map(|value| {
            let facet = format!("{}:{value}", filter.facet.key());
            (Occur::Should, exact(fields.facets, &facet, 0.0))
        });
        all.push((Occur::Must, Box::new(BooleanQuery::new(values.collect()))));
    }
    BooleanQuery::new(all)
}

fn any_of_word(fields: &Fields, word: &Word) -> Box<dyn Query> {
    let mut ways: Vec<Box<dyn Query>> =
        vec![exact(fields.names, &word.text, 1.0), exact(fields.words, &word.stem, 0.6), exact(fields.words, &word.text, 0.6)];
    if word.text.chars().count() >= SHORTEST_PREFIX {
        ways.push(prefix(fields.names, &word.text, 0.85));
        ways.push(prefix(fields.words, &word.text, 0.5));
    }
    let pieces = grams(&word.text);
    if !pieces.is_empty() {
        let each = pieces.iter().map(|piece| (Occur::Must, exact(fields.grams, piece, 0.0)));
        ways.push(Box::new(ConstScoreQuery::new(Box::new(BooleanQuery::new(each.collect())), 0.62)));
    }
    for spelling in &word.spellings {
        ways.push(exact(fields.names, spelling, 0.7));
        ways.push(exact(fields.words, spelling, 0.4));
    }
    Box::new(BoostQuery::new(Box::new(DisjunctionMaxQuery::new(ways)), word.weight as Score))
}

fn passage_query(fields: &Fields, question: &Question, repository: Option<(&str, i64)>) -> BooleanQuery {
    let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    for word in &question.words {
        let stems = std::iter::once(word.stem.clone()).chain(word.spellings.iter().map(|spelling| stem(spelling)));
        for stem in stems {
            for (field, boost) in [(fields.heading, 2.0), (fields.body, 1.0)] {
                let query = TermQuery::new(Term::from_field_text(field, &stem), IndexRecordOption::WithFreqs);
                words.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost * word.weight as Score))));
            }
        }
    }
    let mut all: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    if !words.is_empty() {
        all.push((Occur::Must, Box::new(BooleanQuery::new(words))));
    }
    if let Some((source, id)) = repository {
        all.push((Occur::Must, exact(fields.repository, &repository_key(source, id), 0.0)));
    }
    BooleanQuery::new(all)
}

/// What each of these documents holds of the question.
fn held_words(
    searcher: &Searcher,
    fields: &Fields,
    question: &Question,
    addresses: &[DocAddress],
) -> Result<Vec<InDocument>, SearchError> {
    let mut held = vec![InDocument::default(); addresses.len()];
    let mut by_segment: HashMap<u32, Vec<(DocId, usize)>> = HashMap::new();
    for (at, address) in addresses.iter().enumerate() {
        by_segment.entry(address.segment_ord).or_default().push((address.doc_id, at));
    }
    for (segment, mut documents) in by_segment {
        documents.sort_unstable();
        let reader = searcher.segment_reader(segment);
        for (number, word) in question.words.iter().enumerate() {
            let bit = 1_u16 << number.min(15);
            for stem in std::iter::once(word.stem.clone()).chain(word.spellings.iter().map(|spelling| stem(spelling))) {
                for field in [fields.heading, fields.body] {
                    let index = reader.inverted_index(field)?;
                    let postings = index.read_postings(&Term::from_field_text(field, &stem), IndexRecordOption::Basic);
                    let Some(mut postings) = postings.map_err(tantivy::TantivyError::from)? else { continue };
                    for (document, at) in &documents {
                        if postings.doc() < *document {
                            postings.seek(*document);
                        }
                        if postings.doc() == TERMINATED {
                            break;
                        }
                        if postings.doc() == *document {
                            let bits = if field == fields.heading { &mut held[*at].heading } else { &mut held[*at].body };
                            *bits |= bit;
                        }
                    }
                }
            }
        }
    }
    Ok(held)
}

/// Whether any word of these fields begins so.
fn begins_any(searcher: &Searcher, fields: &[Field], text: &str) -> bool {
    text.chars().count() >= SHORTEST_PREFIX
        && searcher.segment_readers().iter().any(|segment| {
            fields.iter().any(|field| {
                let Ok(index) = segment.inverted_index(*field) else { return false };
                let Ok(mut terms) = index.terms().range().ge(text.as_bytes()).into_stream() else { return false };
                terms.advance() && terms.key().starts_with(text.as_bytes())
            })
        })
}

/// Known words that this one is a slip of, the nearest and most frequent first.
fn spellings(searcher: &Searcher, fields: &Fields, typed: &str) -> Result<Vec<String>, SearchError> {
    let slips = words::slips(typed.chars().count());
    let Ok(distance) = u8::try_from(slips) else { return Ok(Vec::new()) };
    if slips == 0 {
        return Ok(Vec::new());
    }
    let mut near: HashMap<String, (usize, u32)> = HashMap::new();
    for field in [fields.names, fields.words, fields.heading, fields.body] {
        let automaton = FuzzyTermQuery::new(Term::from_field_text(field, typed), distance, true).automaton()?;
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut terms = index.terms().search(&automaton).into_stream()?;
            while terms.advance() {
                let Ok(term) = std::str::from_utf8(terms.key()) else { continue };
                let distance = words::distance(typed, term, slips).unwrap_or(slips);
                let known = near.entry(term.to_owned()).or_insert((distance, 0));
                known.1 = known.1.saturating_add(terms.value().doc_freq);
            }
        }
    }
    let mut near: Vec<(String, (usize, u32))> = near.into_iter().collect();
    near.sort_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| b.1.1.cmp(&a.1.1)).then_with(|| a.0.cmp(&b.0)));
    Ok(near.into_iter().take(SPELLINGS).map(|(term, _)| term).collect())
}
