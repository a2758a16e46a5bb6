//! How well an entity fits words that are not its name: each word is looked for in all that is said of the entity.
//! Must not search: whoever does brings the candidates, and what documents hold.

use super::{
    names::Names,
    words::{self, is_soft_word, is_stop_word, stem, tokens},
};
use crate::catalog::{Catalog, Entity, EntityRef, Entry, RelationType};

/// More words say nothing more, and each is looked for in all candidates.
const MOST_WORDS: usize = 16;
/// A word found in fewer names tells more; one in all of them still counts this much.
const LEAST_WEIGHT: f64 = 0.35;
const SOFT_WEIGHT: f64 = 0.2;

/// A word of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: String,
    pub stem: String,
    /// How much it tells, 0 to 1.
    pub weight: f64,
    /// Nothing is written like it, so that slips are looked for.
    pub unknown: bool,
    /// Known words that it may be a slip of.
    pub spellings: Vec<String>,
}

/// What was asked, without what is said around it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    pub words: Vec<Word>,
}

impl Question {
    /// Takes the words out of what was typed; where nothing but words of questions is left, those.
    pub fn read(typed: &str) -> Self {
        let mut all: Vec<String> = Vec::new();
        // Written in two ways, and found in neither when it is taken apart.
        for word in tokens(&typed.to_lowercase().replace("e-mail", "email")) {
            if !all.contains(&word) && all.len() < MOST_WORDS {
                all.push(word);
            }
        }
        let telling: Vec<String> = all.iter().filter(|word| !is_stop_word(word)).cloned().collect();
        let kept = if telling.is_empty() { all } else { telling };
        let has_hard = kept.iter().any(|word| !is_soft_word(word));
        let words = kept.into_iter().map(|text| {
            let weight = if has_hard && is_soft_word(&text) { SOFT_WEIGHT } else { 1.0 };
            Word { stem: stem(&text), weight, unknown: false, spellings: Vec::new(), text }
        });
        Self { words: words.collect() }
    }

    /// Whether any word names something by itself.
    pub fn has_hard(&self) -> bool {
        self.words.iter().any(|word| !is_soft_word(&word.text))
    }

    /// The words in a row, for a look-up by name.
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Weighs each word by in how many of `all` it stands; what stands nowhere is looked for with slips.
    pub fn weigh(&mut self, all: usize, holding: impl Fn(&Word) -> usize) {
        for word in &mut self.words {
            let number = holding(word);
            word.unknown = number == 0;
            let rarity = ((1.0 + all as f64) / (1.0 + number as f64)).ln() / (1.0 + all as f64).ln().max(1.0);
            word.weight *= rarity.clamp(LEAST_WEIGHT, 1.0);
        }
    }
}

/// What a passage of a document holds of the question, a bit a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InDocument {
    pub heading: u16,
    pub body: u16,
}

/// How well an entity fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// 0 to 1.
    pub fit: f64,
    /// The weight of the words that were found, of that of all.
    pub covered: f64,
    /// The same of words that name something, where there are any, without those that only narrow down.
    pub named: f64,
    /// Where each word was found: "tag", "description".
    pub found_in: Vec<(String, &'static str)>,
}

/// A field and how much a word in it says of what the entity is.
const NAME: (&str, f64) = ("name", 1.0);
const TAG: (&str, f64) = ("tag", 0.76);
const KIND: (&str, f64) = ("kind", 0.88);
const REPOSITORY: (&str, f64) = ("repository", 0.7);
const OWNER: (&str, f64) = ("owner", 0.6);
const DESCRIPTION: (&str, f64) = ("description", 0.58);
const SYSTEM: (&str, f64) = ("system", 0.52);
const LABEL: (&str, f64) = ("label", 0.5);
const LINK: (&str, f64) = ("link", 0.4);
const HEADING: (&str, f64) = ("heading", 0.56);
const BODY: (&str, f64) = ("docs", 0.4);

/// Held against what is written in a field.
const PREFIX: f64 = 0.75;
const INSIDE: f64 = 0.62;
const SLIP: [f64; 3] = [1.0, 0.75, 0.6];
/// Words that stand side by side in a field, as they were asked, are meant so: their part of what they lack.
const SIDE_BY_SIDE: f64 = 0.4;
/// The same of what is called by its name within a question.
const CALLED: f64 = 0.3;
/// A shorter piece stands inside of half of all words.
const SHORTEST_INSIDE: usize = 3;
const SHORTEST_PREFIX: usize = 2;

type Field = ((&'static str, f64), Vec<String>);

impl Catalog {
    pub(super) fn fit(&self, entry: &Entry, names: &Names, question: &Question, in_document: InDocument) -> Fit {
        let fields = fields(self, entry);
        let has_hard = question.has_hard();
        let (mut sum, mut all, mut covered) = (0.0, 0.0, 0.0);
        let (mut named, mut needed) = (0.0, 0.0);
        let mut found_in = Vec::new();
        let phrases = side_by_side(&fields, question);
        for (at, word) in question.words.iter().enumerate() {
            let need = if has_hard && is_soft_word(&word.text) { 0.0 } else { word.weight };
            all += word.weight;
            needed += need;
            let mut best = (0.0, "");
            let mut take = |(field, worth): (&'static str, f64), strength: f64| {
                if worth * strength > best.0 {
                    best = (worth * strength, field);
                }
            };
            for token in names.tokens() {
                take(NAME, strength(word, token, Reach::Inside));
            }
            for (number, (field, tokens)) in fields.iter().enumerate() {
                let is_phrase = phrases.contains(&(number, at));
                let (name, worth) = *field;
                let worth = if is_phrase { worth + (1.0 - worth) * SIDE_BY_SIDE } else { worth };
                for token in tokens {
                    take((name, worth), strength(word, token, Reach::Start));
                }
            }
            let bit = 1_u16 << at.min(15);
            take(HEADING, f64::from(u8::from(in_document.heading & bit != 0)));
            take(BODY, f64::from(u8::from(in_document.body & bit != 0)));
            if best.0 > 0.0 {
                covered += word.weight;
                named += need;
                found_in.push((word.text.clone(), best.1));
            }
            sum += word.weight * best.0;
        }
        if needed == 0.0 {
            return Fit { fit: 0.0, covered: 0.0, named: 0.0, found_in };
        }
        // Of two names that hold the words the one that says less besides is meant.
        let spoken = names.keys().iter().map(|key| key.len()).min().unwrap_or(0) as f64;
        let brevity = 0.02 * (1.0 - (spoken / 60.0).min(1.0));
        let fit = (sum / all * 0.98 + brevity).min(1.0);
        let fit = if is_called_in(names, question) { fit + (1.0 - fit) * CALLED } else { fit };
        Fit { fit, covered: covered / all, named: named / needed, found_in }
    }
}

/// Whether one of its names of several words stands in the question as a whole: "idempotency of payments-api".
fn is_called_in(names: &Names, question: &Question) -> bool {
    let asked = format!("-{}-", question.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("-"));
    names.keys().iter().any(|key| key.contains('-') && asked.contains(&format!("-{key}-")))
}

/// Fields, by their number, and words of the question that stand there beside their neighbour.
fn side_by_side(fields: &[Field], question: &Question) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (number, (_, tokens)) in fields.iter().enumerate() {
        let stems: Vec<String> =
            if question.words.len() > 1 { tokens.iter().map(|token| stem(token)).collect() } else { Vec::new() };
        for (at, words) in question.words.windows(2).enumerate() {
            if stems.windows(2).any(|stems| stems[0] == words[0].stem && stems[1] == words[1].stem) {
                found.extend([(number, at), (number, at + 1)]);
            }
        }
    }
    found
}

/// How far into a word is looked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Start,
    Inside,
}

fn strength(word: &Word, token: &str, reach: Reach) -> f64 {
    if token == word.text {
        return 1.0;
    }
    if stem(token) == word.stem {
        return 0.97;
    }
    let length = word.text.chars().count();
    if length >= SHORTEST_PREFIX && token.starts_with(&word.text) {
        return PREFIX + 0.2 * word.text.len() as f64 / token.len() as f64;
    }
    if reach == Reach::Inside && length >= SHORTEST_INSIDE && token.contains(&word.text) {
        return INSIDE;
    }
    if word.spellings.iter().any(|spelling| spelling == token || stem(spelling) == stem(token)) {
        return SLIP[1];
    }
    if word.unknown && word.spellings.is_empty() {
        let slips = words::slips(length);
        return words::distance(&word.text, token, slips).map_or(0.0, |distance| SLIP[distance.min(2)]);
    }
    0.0
}

fn fields(catalog: &Catalog, entry: &Entry) -> Vec<Field> {
    let entity = &entry.entity;
    let all = |texts: &mut dyn Iterator<Item = &str>| texts.flat_map(tokens).collect::<Vec<String>>();
    let named = |refs: &mut dyn Iterator<Item = &EntityRef>| {
        let texts = refs.flat_map(|found| {
            let label = catalog.find(found).map(|entry| entry.entity.label());
            std::iter::once(found.name()).chain(label)
        });
        texts.flat_map(tokens).collect::<Vec<String>>()
    };
    let repository = entry.origin.repository.rsplit('/').next().unwrap_or_default();
    vec![
        (TAG, all(&mut entity.tags.iter().map(String::as_str))),
        (
            KIND,
            all(&mut [Some(entity.kind.as_str()), entity.spec_type.as_deref(), entity.lifecycle.as_deref()]
                .into_iter()
                .flatten()),
        ),
        (REPOSITORY, tokens(repository)),
        (OWNER, named(&mut entity.targets(RelationType::OwnedBy))),
        (SYSTEM, named(&mut entity.targets(RelationType::PartOf))),
        (LABEL, all(&mut labels(entity))),
        (LINK, all(&mut entity.links.iter().filter_map(|link| link.title.as_deref()))),
        (DESCRIPTION, said(entity.description.as_deref().unwrap_or_default())),
    ]
}

fn labels(entity: &Entity) -> impl Iterator<Item = &str> {
    entity.labels.values().map(String::as_str)
}

/// The words of a text; "e-mail" is one.
fn said(text: &str) -> Vec<String> {
    tokens(&text.replace("e-mail", "email").replace("E-mail", "email"))
}
