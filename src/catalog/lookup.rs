//! Forgiving look-up of entities by what people type: exact, alias, prefix, tokens, then typing slips.
//! Must not read descriptions to find a name: [`Catalog::search`] does, below all of these.

mod evidence;
mod gone;
mod names;
mod rank;
mod search;
mod taste;
pub mod words;

use std::{collections::HashSet, sync::Arc};

pub use evidence::{InDocument, Question, Word};
use names::{Names, Postings};
use rank::Rank;
pub use rank::{is_deprecated, says_deprecated};
pub use search::{Candidate, Ranked, Ranking};
pub use taste::{NO_TASTE, Score, Taste, Weights, Whose};

use super::{Catalog, Entity, EntityRef, Kind, carry::Carried, filter::Facet, snapshot::Entry};

/// No name has more parts, and each is looked for among all names.
const MOST_TOKENS: usize = 12;

/// How many names are offered where nothing matched.
const NEAREST: usize = 5;

/// A shorter piece stands in half of all names.
const SHORTEST_INSIDE: usize = 4;

/// Of two names with the same beginning the shorter is nearer to what was typed.
const BREVITY: f64 = 0.01;

/// A name that holds what was typed as whole words against one that begins with it: what each is counts more.
const HELD_WHOLE: f64 = 0.83;

/// Outweighs all else among bearers of one name.
const SAME_NAME: f64 = 100.0;

/// Below this Jaro-Winkler likeness of what tells names apart, a name is no help: a wrong guess pages the wrong people.
const LIKE_ENOUGH: f64 = 0.86;

/// What is looked for, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    pub typed: &'a str,
    /// Only these kinds; empty: any.
    pub kinds: &'a [Kind],
    /// The asker's groups, sorted: what they own comes first among equals.
    pub own: &'a [EntityRef],
    /// What counts how much among equals.
    pub taste: &'a Taste,
}

impl<'a> Sought<'a> {
    /// Of any kind.
    pub fn any(typed: &'a str, own: &'a [EntityRef]) -> Self {
        Self { typed, kinds: &[], own, taste: &NO_TASTE }
    }
}

/// How a name was met; better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Exact,
    Alias,
    /// It begins so, or holds it as whole words: for `ledger` both `ledger-client` and `general-ledger` may be meant.
    Prefix,
    /// Words of it begin so.
    Token,
    /// Inside of a word.
    Inside,
    Typo,
}

impl Level {
    /// What it says to a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Exact => "its name",
            Self::Alias => "an alias or its title",
            Self::Prefix => "the beginning of its name",
            Self::Token => "parts of its name",
            Self::Inside => "the inside of its name",
            Self::Typo => "its name but for slips",
        }
    }

    fn fit(self) -> f64 {
        match self {
            Self::Exact => 0.99,
            Self::Alias => 0.95,
            Self::Prefix => 0.85,
            Self::Token => 0.8,
            Self::Inside => 0.7,
            Self::Typo => 0.6,
        }
    }
}

/// What a look-up came to. Entities are in the order in which they should be shown.
#[derive(Debug, Clone)]
pub enum Found {
    /// This one is meant. `also` bear the same name and are of other kinds.
    One { entry: Arc<Entry>, level: Level, also: Vec<Arc<Entry>> },
    /// Any of these may be meant; at least two.
    Several { level: Level, entries: Vec<Arc<Entry>> },
    /// Nothing; these sound most like it, at most five.
    None { nearest: Vec<Arc<Entry>> },
}

/// Names of all entities, prepared for look-up. Numbers are places in [`Catalog::entries`].
#[derive(Debug)]
pub struct LookupIndex {
    /// By place.
    names: Vec<Arc<Names>>,
    ranks: Vec<Rank>,
    /// The first of each entity is its name's, the others are aliases.
    keys: Postings,
    squeezed: Postings,
    tokens: Postings,
    repositories: Postings,
}

impl Default for LookupIndex {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            ranks: Vec::new(),
            keys: Postings::new(Names::keys),
            squeezed: Postings::new(Names::squeezed),
            tokens: Postings::new(Names::tokens),
            repositories: Postings::new(Names::repository),
        }
    }
}

impl LookupIndex {
    /// The index of these entries; of those that are as they were only places change. `leaned_on` are the new places on
    /// which another number leans now, `dependents` says how many, `owner_label` what an entity's owner is called.
    pub(super) fn carry<'e>(
        &self,
        carried: &Carried,
        entries: &'e [Arc<Entry>],
        leaned_on: impl IntoIterator<Item = u32>,
        dependents: impl Fn(&EntityRef) -> usize,
        owner_label: impl Fn(&Entity) -> Option<&'e str>,
    ) -> Self {
        let names = carried.carry(&self.names, entries.len(), |at| {
            let entry = &entries[at as usize];
            Arc::new(Names::of(entry, owner_label(&entry.entity)))
        });
        let rank = |at: u32| {
            let entity = &entries[at as usize].entity;
            Rank::of(entity, names[at as usize].is_side, dependents(&entity.entity_ref))
        };
        let mut ranks = carried.carry(&self.ranks, entries.len(), rank);
        for at in leaned_on {
            ranks[at as usize] = rank(at);
        }
        let postings = [&self.keys, &self.squeezed, &self.tokens, &self.repositories];
        let [keys, squeezed, tokens, repositories] = postings.map(|postings| postings.carry(carried, &names));
        Self { names, ranks, keys, squeezed, tokens, repositories }
    }

    /// Places whose name has this key.
    fn named<'a>(&'a self, key: &'a str) -> impl Iterator<Item = u32> {
        self.keys.equal(&self.names, key).filter(|posting| posting.nth == 0).map(|posting| posting.place)
    }

    /// Places that have this key besides their name, or one that is the same without separators.
    fn aliased<'a>(&'a self, key: &'a str) -> impl Iterator<Item = u32> {
        let written = self.keys.equal(&self.names, key).filter(|posting| posting.nth > 0);
        written.chain(self.squeezed.equal(&self.names, key)).map(|posting| posting.place)
    }

    /// Places whose key starts with this one.
    fn prefixed<'a>(&'a self, key: &'a str) -> impl Iterator<Item = u32> {
        self.keys.prefixed(&self.names, key).map(|posting| posting.place)
    }

    /// Places of which a name holds this somewhere, with or without separators.
    fn inside<'a>(&'a self, key: &'a str) -> impl Iterator<Item = u32> {
        let names = (0_u32..).zip(&self.names);
        let holds = move |names: &Names| names.keys().iter().chain(names.squeezed()).any(|name| name.contains(key));
        names.filter(move |(_, names)| holds(names)).map(|(at, _)| at)
    }

    /// Places that this repository describes.
    fn described<'a>(&'a self, repository: &'a str) -> impl Iterator<Item = u32> {
        self.repositories.equal(&self.names, repository).map(|posting| posting.place)
    }

    /// Places that hold a token starting with this one.
    fn with_token(&self, token: &str) -> Vec<u32> {
        self.tokens.prefixed(&self.names, token).map(|posting| posting.place).collect()
    }

    /// Places that hold this very token.
    fn with_whole_token(&self, token: &str) -> Vec<u32> {
        self.tokens.equal(&self.names, token).map(|posting| posting.place).collect()
    }

    /// Places that hold a token at most the forgiven slips away.
    fn with_token_slipped(&self, token: &str) -> Vec<u32> {
        let slips = words::slips(token.chars().count());
        self.tokens.near(&self.names, token, slips).map(|(_, posting)| posting.place).collect()
    }

    /// Places whose whole key is at most the forgiven slips away, fewest slips only.
    fn slipped(&self, key: &str) -> Vec<u32> {
        let slips = words::slips(key.chars().count());
        let near: Vec<(usize, u32)> =
            self.keys.near(&self.names, key, slips).map(|(distance, posting)| (distance, posting.place)).collect();
        let fewest = near.iter().map(|(slips, _)| *slips).min();
        near.into_iter().filter(|(slips, _)| Some(*slips) == fewest).map(|(_, at)| at).collect()
    }
}

/// What counts for one whose name was met.
struct Named {
    rank: Rank,
    whose: Whose,
    fit: f64,
    bonus: f64,
}

/// What was typed, taken apart once.
struct Typed {
    kind: Option<Kind>,
    namespace: Option<String>,
    literal: String,
    key: String,
    tokens: Vec<String>,
    /// `owner/name`, where what was typed may be a repository or its address.
    repository: Option<String>,
}

impl Typed {
    fn read(typed: &str) -> Self {
        let bare = typed.trim().trim_matches(|letter| matches!(letter, '`' | '"' | '\'' | '@' | '?' | ',' | ' '));
        let repository = repository(bare);
        let (kind, rest) = match bare.split_once(':') {
            Some((kind, rest)) if !kind.trim().is_empty() && !rest.trim().is_empty() => {
                (Some(Kind::parse(kind.trim())), rest.trim())
            }
            _ => (None, bare),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => (Some(namespace.to_lowercase()), name),
            _ => (None, rest),
        };
        let tokens = distinct(words::tokens(name));
        Self { kind, namespace, literal: name.to_lowercase(), key: words::key(name), tokens, repository }
    }
}

/// `acme/payments-api` of itself, and of `https://github.example/acme/payments-api/blob/main/README.md`.
fn repository(typed: &str) -> Option<String> {
    let lower = typed.to_lowercase();
    let path = match lower.split_once("://") {
        Some((_, address)) => address.split_once('/')?.1,
        None => &lower,
    };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (owner, name) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name)))
}

impl Catalog {
    /// Looks a name up, the best level alone.
    ///
    /// Where one exact name belongs to several kinds, a single Component is meant: it is what runs, breaks and pages.
    pub fn look_up(&self, sought: Sought<'_>) -> Found {
        let typed = Typed::read(sought.typed);
        for level in [Level::Exact, Level::Alias, Level::Prefix, Level::Token, Level::Inside, Level::Typo] {
            let mut places = self.at_level(&typed, level, &sought);
            if places.is_empty() {
                continue;
            }
            self.sort_places(&mut places, level, &typed, &sought);
            return self.choose(places, level);
        }
        Found::None { nearest: self.nearest(&typed, &sought) }
    }

    /// Whether the name leads to anything; what is only inside of a name, or near to one, is another name.
    pub fn is_called(&self, name: &str) -> bool {
        let (typed, sought) = (Typed::read(name), Sought::any(name, &[]));
        let levels = [Level::Exact, Level::Alias, Level::Prefix, Level::Token];
        levels.into_iter().any(|level| !self.at_level(&typed, level, &sought).is_empty())
    }

    /// What bears exactly this name or, where nothing does, this alias or title; case, spaces and underscores do not count.
    pub fn named(&self, name: &str) -> (Level, Vec<Arc<Entry>>) {
        let (key, index) = (words::key(name), self.lookup());
        let exact: Vec<u32> = index.named(&key).collect();
        if key.is_empty() || !exact.is_empty() {
            return (Level::Exact, self.at_places(&exact));
        }
        let mut places: Vec<u32> = index.aliased(&key).collect();
        places.sort_unstable();
        places.dedup();
        (Level::Alias, self.at_places(&places))
    }

    /// What the repository `acme/payments-api` describes.
    pub fn described_in(&self, repository: &str) -> Vec<Arc<Entry>> {
        self.at_places(&self.lookup().described(&repository.to_lowercase()).collect::<Vec<_>>())
    }

    /// Puts entries into look-up's order, for lists that no name was typed for.
    pub fn sort_by_weight(&self, entries: &mut [&Arc<Entry>], sought: Sought<'_>) {
        entries.sort_by_cached_key(|entry| {
            let at = self.place_of(&entry.entity.entity_ref);
            // Places are in the order of references.
            (Descending(at.map_or(0.0, |at| self.points(at, &sought, 1.0))), at)
        });
    }

    fn at_level(&self, typed: &Typed, level: Level, sought: &Sought<'_>) -> Vec<u32> {
        let index = self.lookup();
        if typed.key.is_empty() {
            return Vec::new();
        }
        let mut places: Vec<u32> = match level {
            Level::Exact => index.named(&typed.key).collect(),
            Level::Alias => {
                let squeezed = words::squeezed(&typed.key);
                let mut places: Vec<u32> = index.aliased(&typed.key).collect();
                if let Some(squeezed) = &squeezed {
                    places.extend(index.aliased(squeezed).chain(index.named(squeezed)));
                }
                places
            }
            Level::Prefix => {
                let mut places: Vec<u32> = index.prefixed(&typed.key).collect();
                if !places.is_empty() {
                    places.extend(self.with_all_tokens(typed, |token| index.with_whole_token(token)));
                }
                places
            }
            Level::Token => self.with_all_tokens(typed, |token| index.with_token(token)),
            Level::Inside if typed.key.chars().count() >= SHORTEST_INSIDE => index.inside(&typed.key).collect(),
            Level::Inside => Vec::new(),
            Level::Typo => match index.slipped(&typed.key) {
                places if places.is_empty() => self.with_all_tokens(typed, |token| {
                    let mut places = index.with_token(token);
                    places.extend(index.with_token_slipped(token));
                    places
                }),
                places => places,
            },
        };
        places.sort_unstable();
        places.dedup();
        places.retain(|at| {
            let entity_ref = &self.entries()[*at as usize].entity.entity_ref;
            is_of_kind(self, *at, sought.kinds)
                && typed.kind.as_ref().is_none_or(|kind| self.entries()[*at as usize].entity.kind == *kind)
                && typed.namespace.as_ref().is_none_or(|namespace| entity_ref.namespace() == namespace)
        });
        if level == Level::Alias && places.is_empty() {
            let described = typed.repository.iter().flat_map(|repository| index.described(repository));
            places.extend(described.filter(|at| is_of_kind(self, *at, sought.kinds)));
        }
        if level == Level::Exact {
            // `payments_api` and `payments-api` share a key; the one written as typed is meant.
            let literal = |at: &u32| self.entries()[*at as usize].entity.entity_ref.name() == typed.literal;
            if places.iter().any(literal) {
                places.retain(literal);
            }
            // A full reference without its namespace means the default one, as everywhere in descriptors.
            let default = |at: &u32| self.entries()[*at as usize].entity.entity_ref.namespace() == "default";
            if typed.kind.is_some() && typed.namespace.is_none() && places.iter().any(default) {
                places.retain(default);
            }
        }
        places
    }

    /// Each token must be found; one that is only the entity's kind or type ("payments service") counts beside others.
    fn with_all_tokens(&self, typed: &Typed, places_of: impl Fn(&str) -> Vec<u32>) -> Vec<u32> {
        let sorted = |token: &str| {
            let mut places = places_of(token);
            places.sort_unstable();
            places.dedup();
            places
        };
        let (kind_words, telling): (Vec<&String>, Vec<&String>) = typed.tokens.iter().partition(|token| self.is_kind_word(token));
        let mut candidates: Option<Vec<u32>> = None;
        for token in telling {
            let places = sorted(token);
            let left = match candidates {
                None => places,
                Some(before) => before.into_iter().filter(|at| places.binary_search(at).is_ok()).collect(),
            };
            // Most questions hold a word that is in no name: then the others, which may be in many, need no look.
            if left.is_empty() {
                return left;
            }
            candidates = Some(left);
        }
        let each: Vec<(&String, Vec<u32>)> = kind_words.into_iter().map(|token| (token, sorted(token))).collect();
        let mut candidates = candidates.unwrap_or_else(|| {
            let mut any: Vec<u32> = each.iter().flat_map(|(_, places)| places).copied().collect();
            any.sort_unstable();
            any.dedup();
            any
        });
        candidates.retain(|at| {
            let entity = &self.entries()[*at as usize].entity;
            each.iter().all(|(token, places)| {
                places.binary_search(at).is_ok()
                    || entity.kind.as_str().eq_ignore_ascii_case(token)
                    || entity.spec_type.as_deref().is_some_and(|written| written.eq_ignore_ascii_case(token))
            })
        });
        candidates
    }

    /// Whether anything in the catalog is of a kind or type that is called so.
    fn is_kind_word(&self, token: &str) -> bool {
        self.has_value(Facet::Kind, token) || self.has_value(Facet::Type, token)
    }

    fn sort_places(&self, places: &mut Vec<u32>, level: Level, typed: &Typed, sought: &Sought<'_>) {
        let mut scored: Vec<(f64, u32)> = places.iter().map(|at| (self.points_named(*at, level, typed, sought), *at)).collect();
        scored.sort_unstable_by(|a, b| {
            let name = |at: u32| self.entries()[at as usize].entity.entity_ref.name();
            // Places are in order of reference.
            b.0.total_cmp(&a.0).then_with(|| name(a.1).cmp(name(b.1))).then_with(|| a.1.cmp(&b.1))
        });
        places.clear();
        places.extend(scored.into_iter().map(|(_, at)| at));
    }

    /// What one that was met at this level is worth among the others there, and why.
    fn score_named(&self, at: u32, level: Level, typed: &Typed, sought: &Sought<'_>) -> Score {
        let Named { rank, whose, fit, bonus } = self.weigh_named(at, level, typed, sought);
        let mut score = sought.taste.score(rank, &self.entries()[at as usize].entity.entity_ref, whose, fit);
        score.points += bonus;
        score.parts.extend((bonus > 0.0).then_some(("component or yours among namesakes", bonus)));
        score
    }

    /// The same without the reasons.
    fn points_named(&self, at: u32, level: Level, typed: &Typed, sought: &Sought<'_>) -> f64 {
        let Named { rank, whose, fit, bonus } = self.weigh_named(at, level, typed, sought);
        sought.taste.points(rank, &self.entries()[at as usize].entity.entity_ref, whose, fit) + bonus
    }

    fn weigh_named(&self, at: u32, level: Level, typed: &Typed, sought: &Sought<'_>) -> Named {
        let mut rank = self.rank(at);
        rank.side &= !typed.tokens.iter().any(|token| words::is_side_word(token));
        let whose = self.whose(at, sought);
        let keys = self.lookup().names[at as usize].keys();
        let shortest = keys.iter().map(|key| key.len()).min().unwrap_or(1).max(1);
        let brevity = (typed.key.len() as f64 / shortest as f64).min(1.0);
        let begins = || keys.iter().any(|key| key.starts_with(&typed.key));
        let met = if level == Level::Prefix && !begins() { HELD_WHOLE } else { level.fit() };
        let fit = met + BREVITY * brevity;
        // Bearers of one and the same name differ by little else than whose they are.
        let bonus = if matches!(level, Level::Exact | Level::Alias) {
            let is_component = self.entries()[at as usize].entity.kind == Kind::Component;
            SAME_NAME * (f64::from(u8::from(is_component)) + 0.5 * f64::from(u8::from(whose == Whose::Askers)))
        } else {
            0.0
        };
        Named { rank, whose, fit, bonus }
    }

    fn points(&self, at: u32, sought: &Sought<'_>, fit: f64) -> f64 {
        sought.taste.points(self.rank(at), &self.entries()[at as usize].entity.entity_ref, self.whose(at, sought), fit)
    }

    fn whose(&self, at: u32, sought: &Sought<'_>) -> Whose {
        let entity = &self.entries()[at as usize].entity;
        if is_own(entity.owner(), &entity.entity_ref, sought.own) { Whose::Askers } else { Whose::Others }
    }

    fn choose(&self, places: Vec<u32>, level: Level) -> Found {
        let mut entries = self.at_places(&places);
        let components = entries.iter().filter(|entry| entry.entity.kind == Kind::Component).count();
        let one_name = matches!(level, Level::Exact | Level::Alias);
        if entries.len() == 1 || (one_name && components == 1) {
            let also = entries.split_off(1);
            let entry = entries.swap_remove(0);
            return Found::One { entry, level, also };
        }
        Found::Several { level, entries }
    }

    fn at_places(&self, places: &[u32]) -> Vec<Arc<Entry>> {
        places.iter().map(|at| Arc::clone(&self.entries()[*at as usize])).collect()
    }

    fn nearest(&self, typed: &Typed, sought: &Sought<'_>) -> Vec<Arc<Entry>> {
        let sought_key = words::telling(&typed.key);
        let letters = words::letters(&sought_key);
        let mut scored: Vec<(f64, u32)> = Vec::new();
        for (key, posting) in self.lookup().keys.iter(&self.lookup().names) {
            let (key, at) = (words::telling(key), posting.place);
            let shared = (letters & words::letters(&key)).count_ones();
            // Half of the letters must be there, else the closer look is not worth its time.
            if shared * 2 >= letters.count_ones() && is_of_kind(self, at, sought.kinds) {
                scored.push((strsim::jaro_winkler(&sought_key, &key), at));
            }
        }
        scored.retain(|(score, _)| *score >= LIKE_ENOUGH);
        scored.sort_by(|a, b| {
            let points = |at: u32| self.points(at, sought, 1.0);
            b.0.total_cmp(&a.0).then_with(|| points(b.1).total_cmp(&points(a.1))).then_with(|| a.1.cmp(&b.1))
        });
        let mut seen = HashSet::new();
        scored.retain(|(_, at)| seen.insert(*at));
        scored.truncate(NEAREST);
        self.at_places(&scored.into_iter().map(|(_, at)| at).collect::<Vec<_>>())
    }

    fn rank(&self, at: u32) -> Rank {
        self.lookup().ranks[at as usize]
    }
}

fn is_of_kind(catalog: &Catalog, at: u32, kinds: &[Kind]) -> bool {
    kinds.is_empty() || kinds.contains(&catalog.entries()[at as usize].entity.kind)
}

fn is_own(owner: Option<&EntityRef>, entity_ref: &EntityRef, own: &[EntityRef]) -> bool {
    own.binary_search(entity_ref).is_ok() || owner.is_some_and(|owner| own.binary_search(owner).is_ok())
}

/// Puts the greatest first where keys are sorted upward.
#[derive(PartialEq)]
struct Descending(f64);

impl Eq for Descending {}

impl PartialOrd for Descending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Descending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0)
    }
}

/// Whether `word` stands in `text` where a word begins.
fn starts_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric()))
}

/// Each token once, in the order written.
fn distinct(tokens: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    tokens.into_iter().filter(|token| seen.insert(token.clone())).take(MOST_TOKENS).collect()
}
