//! Forgiving look-up of entities by what people type: exact, alias, prefix, tokens, then typing slips.
//! Must not read descriptions to find a name: [`Catalog::search`] does, below all of these.

mod rank;
mod words;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use rank::Rank;
pub use rank::is_deprecated;

use super::{Catalog, EntityRef, Kind, snapshot::Entry};

/// No name has more parts, and each is looked for among all names.
const MOST_TOKENS: usize = 12;

/// How many names are offered where nothing matched.
const NEAREST: usize = 5;

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
}

impl<'a> Sought<'a> {
    /// Of any kind.
    pub fn any(typed: &'a str, own: &'a [EntityRef]) -> Self {
        Self { typed, kinds: &[], own }
    }
}

/// How a name was met; better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Exact,
    Alias,
    Prefix,
    Token,
    Typo,
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
    names: HashMap<Box<str>, Vec<u32>>,
    aliases: HashMap<Box<str>, Vec<u32>>,
    /// What each repository describes, `acme/payments-api` in lower case.
    repositories: HashMap<Box<str>, Vec<u32>>,
    /// Keys of names and aliases, sorted, for prefixes.
    keys: Vec<(Box<str>, u32)>,
    /// The same keys by length in characters, with their letters, for slips.
    by_length: BTreeMap<usize, Vec<(u64, u32)>>,
    /// Tokens of names, titles and aliases.
    tokens: BTreeMap<Box<str>, Vec<u32>>,
    ranks: Vec<Rank>,
    /// All searchable words of each entity, lower case.
    texts: Vec<Box<str>>,
}

impl LookupIndex {
    /// `dependents` says how many others lean on an entity.
    pub fn build(entries: &[Arc<Entry>], dependents: impl Fn(&EntityRef) -> usize) -> Self {
        let mut index = Self {
            names: HashMap::with_capacity(entries.len()),
            aliases: HashMap::new(),
            repositories: HashMap::new(),
            keys: Vec::with_capacity(entries.len() * 2),
            by_length: BTreeMap::new(),
            tokens: BTreeMap::new(),
            ranks: Vec::with_capacity(entries.len()),
            texts: Vec::with_capacity(entries.len()),
        };
        let labels: HashMap<&EntityRef, &str> =
            entries.iter().map(|entry| (&entry.entity.entity_ref, entry.entity.label())).collect();
        for (at, entry) in (0_u32..).zip(entries) {
            let side = index.add_names(at, entry);
            index.repositories.entry(entry.origin.repository.to_lowercase().into()).or_default().push(at);
            index.ranks.push(Rank::of(&entry.entity, side, dependents(&entry.entity.entity_ref)));
            index.texts.push(searchable(entry, entry.entity.owner().and_then(|owner| labels.get(owner).copied())).into());
        }
        index.keys.sort_unstable();
        for (place, (key, _)) in (0_u32..).zip(&index.keys) {
            index.by_length.entry(key.chars().count()).or_default().push((words::letters(key), place));
        }
        index
    }

    /// Returns whether the entity's own name marks it as a test or demo.
    fn add_names(&mut self, at: u32, entry: &Entry) -> bool {
        let entity = &entry.entity;
        let name = words::key(&entity.name);
        let given = [entity.title.as_deref(), entity.display_name.as_deref()].into_iter().flatten();
        let mut other_keys: Vec<String> = given.clone().chain(entity.aliases()).map(words::key).collect();
        other_keys.sort();
        other_keys.dedup();
        other_keys.retain(|key| !key.is_empty() && *key != name);
        for squeezed in other_keys.iter().chain([&name]).filter_map(|key| words::squeezed(key)) {
            push_new(self.aliases.entry(squeezed.into()).or_default(), at);
        }
        let name_tokens = words::tokens(&entity.name);
        let side = name_tokens.iter().any(|token| words::is_side_word(token));
        for token in name_tokens.into_iter().chain(given.chain(entity.aliases()).flat_map(words::tokens)) {
            push_new(self.tokens.entry(token.into()).or_default(), at);
        }
        for key in other_keys {
            push_new(self.aliases.entry(key.as_str().into()).or_default(), at);
            self.keys.push((key.into(), at));
        }
        self.names.entry(name.as_str().into()).or_default().push(at);
        self.keys.push((name.into(), at));
        side
    }

    /// Places whose key starts with this one.
    fn prefixed(&self, key: &str) -> impl Iterator<Item = u32> {
        let from = self.keys.partition_point(|(other, _)| other.as_ref() < key);
        self.keys[from..].iter().take_while(move |(other, _)| other.starts_with(key)).map(|(_, at)| *at)
    }

    /// Places that hold a token starting with this one.
    fn with_token(&self, token: &str) -> HashSet<u32> {
        let range = self.tokens.range::<str, _>((std::ops::Bound::Included(token), std::ops::Bound::Unbounded));
        range.take_while(|(other, _)| other.starts_with(token)).flat_map(|(_, places)| places.iter().copied()).collect()
    }

    /// Places that hold a token at most the forgiven slips away.
    fn with_token_slipped(&self, token: &str) -> HashSet<u32> {
        let (slips, letters) = (words::slips(token.chars().count()), words::letters(token));
        let near = self.tokens.iter().filter(|(other, _)| near(token, letters, other, words::letters(other), slips).is_some());
        near.flat_map(|(_, places)| places.iter().copied()).collect()
    }

    /// Places whose whole key is at most the forgiven slips away, fewest slips only.
    fn slipped(&self, key: &str) -> Vec<u32> {
        let length = key.chars().count();
        let (slips, letters) = (words::slips(length), words::letters(key));
        if slips == 0 {
            return Vec::new();
        }
        let buckets = self.by_length.range(length.saturating_sub(slips)..=length + slips);
        let near = buckets.flat_map(|(_, bucket)| bucket).filter_map(|(other_letters, place)| {
            let (other, at) = &self.keys[*place as usize];
            Some((near(key, letters, other, *other_letters, slips)?, *at))
        });
        let near: Vec<(usize, u32)> = near.collect();
        let fewest = near.iter().map(|(slips, _)| *slips).min();
        near.into_iter().filter(|(slips, _)| Some(*slips) == fewest).map(|(_, at)| at).collect()
    }
}

/// The distance where it is within `slips`.
fn near(key: &str, letters: u64, other: &str, other_letters: u64, slips: usize) -> Option<usize> {
    if slips == 0 || (letters ^ other_letters).count_ones() as usize > 2 * slips || key.len().abs_diff(other.len()) > 4 * slips {
        return None;
    }
    Some(strsim::damerau_levenshtein(key, other)).filter(|distance| *distance <= slips)
}

fn push_new(places: &mut Vec<u32>, at: u32) {
    // Entities come in order, so a place that is there already is the last one.
    if places.last() != Some(&at) {
        places.push(at);
    }
}

/// `owner_label` is what people call the owner.
fn searchable(entry: &Entry, owner_label: Option<&str>) -> String {
    let entity = &entry.entity;
    let mut text = entity.name.to_lowercase();
    let owner = entity.owner().map(EntityRef::name);
    let given = [entity.title.as_deref(), entity.display_name.as_deref(), entity.description.as_deref(), owner, owner_label];
    let kind = [Some(entity.kind.as_str()), entity.spec_type.as_deref()];
    let tags = entity.tags.iter().map(String::as_str);
    for part in given.into_iter().chain(kind).flatten().chain(entity.aliases()).chain(tags) {
        text.push('\n');
        text.extend(part.chars().flat_map(char::to_lowercase));
    }
    text
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
        for level in [Level::Exact, Level::Alias, Level::Prefix, Level::Token, Level::Typo] {
            let mut places = self.at_level(&typed, level, &sought);
            if places.is_empty() {
                continue;
            }
            self.sort_places(&mut places, level, &typed, &sought);
            return self.choose(places, level);
        }
        Found::None { nearest: self.nearest(&typed, &sought) }
    }

    /// What bears exactly this name or, where nothing does, this alias or title; case, spaces and underscores do not count.
    pub fn named(&self, name: &str) -> (Level, Vec<Arc<Entry>>) {
        let (key, index) = (words::key(name), self.lookup());
        match (index.names.get(key.as_str()), index.aliases.get(key.as_str())) {
            (Some(places), _) => (Level::Exact, self.at_places(places)),
            (None, Some(places)) => (Level::Alias, self.at_places(places)),
            (None, None) => (Level::Typo, Vec::new()),
        }
    }

    /// What the repository `acme/payments-api` describes.
    pub fn described_in(&self, repository: &str) -> Vec<Arc<Entry>> {
        self.lookup().repositories.get(repository.to_lowercase().as_str()).map_or(Vec::new(), |places| self.at_places(places))
    }

    /// All entities that fit the words, best first: every level of look-up, then those that only hold all words
    /// somewhere in title, description, tags or owner.
    pub fn search(&self, sought: Sought<'_>) -> Vec<Arc<Entry>> {
        let typed = Typed::read(sought.typed);
        let mut seen = HashSet::new();
        let mut ordered: Vec<u32> = Vec::new();
        for level in [Level::Exact, Level::Alias, Level::Prefix, Level::Token] {
            let mut places = self.at_level(&typed, level, &sought);
            self.sort_places(&mut places, level, &typed, &sought);
            ordered.extend(places.into_iter().filter(|at| seen.insert(*at)));
        }
        let mut holding = self.holding_all_words(&sought);
        holding.retain(|at| !seen.contains(at));
        // Slips come before mere mentions only where look-up itself would have got that far.
        if ordered.is_empty() {
            let mut places = self.at_level(&typed, Level::Typo, &sought);
            self.sort_places(&mut places, Level::Typo, &typed, &sought);
            holding.retain(|at| !places.contains(at));
            ordered.extend(places);
        }
        self.sort_places(&mut holding, Level::Token, &typed, &sought);
        ordered.extend(holding);
        self.at_places(&ordered)
    }

    /// Puts entries into look-up's order, for lists that no name was typed for.
    pub fn sort_by_weight(&self, entries: &mut [&Arc<Entry>], sought: Sought<'_>) {
        entries.sort_by_cached_key(|entry| {
            let entity = &entry.entity;
            let rank = self.place_of(&entity.entity_ref).map(|at| self.rank(at));
            (rank, !is_own(entity.owner(), &entity.entity_ref, sought.own), entity.entity_ref.clone())
        });
    }

    fn place_of(&self, entity_ref: &EntityRef) -> Option<u32> {
        let at = self.entries().binary_search_by(|entry| entry.entity.entity_ref.cmp(entity_ref)).ok()?;
        u32::try_from(at).ok()
    }

    fn holding_all_words(&self, sought: &Sought<'_>) -> Vec<u32> {
        let words = distinct(sought.typed.split_whitespace().map(str::to_lowercase).collect());
        if words.is_empty() {
            return Vec::new();
        }
        let texts = (0_u32..).zip(&self.lookup().texts);
        let holding = texts.filter(|(_, text)| words.iter().all(|word| starts_a_word(text, word)));
        holding.map(|(at, _)| at).filter(|at| is_of_kind(self, *at, sought.kinds)).collect()
    }

    fn at_level(&self, typed: &Typed, level: Level, sought: &Sought<'_>) -> Vec<u32> {
        let index = self.lookup();
        if typed.key.is_empty() {
            return Vec::new();
        }
        let mut places: Vec<u32> = match level {
            Level::Exact => index.names.get(typed.key.as_str()).cloned().unwrap_or_default(),
            Level::Alias => {
                let squeezed = words::squeezed(&typed.key);
                let keys = [Some(typed.key.as_str()), squeezed.as_deref()].into_iter().flatten();
                let mut places: Vec<u32> = keys.filter_map(|key| index.aliases.get(key)).flatten().copied().collect();
                if let Some(squeezed) = &squeezed {
                    places.extend(index.names.get(squeezed.as_str()).into_iter().flatten());
                }
                places
            }
            Level::Prefix => index.prefixed(&typed.key).collect(),
            Level::Token => self.with_all_tokens(typed, |token| index.with_token(token)),
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
            let described = typed.repository.as_deref().and_then(|repository| index.repositories.get(repository));
            places.extend(described.into_iter().flatten().filter(|at| is_of_kind(self, **at, sought.kinds)));
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
    fn with_all_tokens(&self, typed: &Typed, places_of: impl Fn(&str) -> HashSet<u32>) -> Vec<u32> {
        let each: Vec<HashSet<u32>> = typed.tokens.iter().map(|token| places_of(token)).collect();
        let mut candidates: Vec<u32> = each.iter().flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|at| {
            let entity = &self.entries()[*at as usize].entity;
            typed.tokens.iter().zip(&each).all(|(token, places)| {
                let kind_word = entity.kind.as_str().eq_ignore_ascii_case(token)
                    || entity.spec_type.as_deref().is_some_and(|written| written.eq_ignore_ascii_case(token));
                places.contains(at) || kind_word
            })
        });
        candidates
    }

    fn sort_places(&self, places: &mut [u32], level: Level, typed: &Typed, sought: &Sought<'_>) {
        let side_is_meant = typed.tokens.iter().any(|token| words::is_side_word(token));
        places.sort_by_cached_key(|at| {
            let entity = &self.entries()[*at as usize].entity;
            let mut rank = self.lookup().ranks[*at as usize];
            rank.side &= !side_is_meant;
            let foreign = !is_own(entity.owner(), &entity.entity_ref, sought.own);
            // Bearers of one and the same name differ by little else than whose they are.
            let same_name = matches!(level, Level::Exact | Level::Alias);
            let name_first = (same_name && entity.kind != Kind::Component, same_name && foreign);
            (name_first, rank, foreign, entity.entity_ref.name().to_owned(), entity.entity_ref.clone())
        });
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
        for (key, at) in &self.lookup().keys {
            let key = words::telling(key);
            let shared = (letters & words::letters(&key)).count_ones();
            // Half of the letters must be there, else the closer look is not worth its time.
            if shared * 2 >= letters.count_ones() && is_of_kind(self, *at, sought.kinds) {
                scored.push((strsim::jaro_winkler(&sought_key, &key), *at));
            }
        }
        scored.retain(|(score, _)| *score >= LIKE_ENOUGH);
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| self.rank(a.1).cmp(&self.rank(b.1))).then_with(|| a.1.cmp(&b.1)));
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

/// Whether `word` stands in `text` where a word begins.
fn starts_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric()))
}

/// Each token once, in the order written.
fn distinct(tokens: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    tokens.into_iter().filter(|token| seen.insert(token.clone())).take(MOST_TOKENS).collect()
}
