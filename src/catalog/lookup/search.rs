//! All that fits words, best first: by name as look-up does, then by what else is said of it.
//! Must not search documents: whoever has an index of them brings what it found.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    InDocument, Level, NO_TASTE, Question, Score, Sought, Typed, Whose, distinct, evidence::Fit, is_of_kind, starts_a_word, words,
};
use crate::catalog::{Catalog, EntityRef, Entry};

/// Where nothing holds all words, what holds so much of their weight is shown.
const ENOUGH: f64 = 0.3;
/// Where fewer hold all words, some that hold so much of their weight come after them.
const FEW: usize = 3;
const MOST_OF_IT: f64 = 0.5;
/// Rounding of sums.
const ALL: f64 = 0.999;

/// Something that may fit, as an index found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub entity_ref: EntityRef,
    /// The number of its best passage, and what of the question that holds.
    pub passage: Option<(usize, InDocument)>,
}

/// One that fits, and why.
#[derive(Debug, Clone)]
pub struct Ranked {
    pub entry: Arc<Entry>,
    /// How its name was met; `None` where only other words were.
    pub level: Option<Level>,
    pub score: Score,
    /// Words and the fields they were found in, where no name was met.
    pub found_in: Vec<(String, &'static str)>,
    /// See [`Candidate::passage`].
    pub passage: Option<usize>,
}

/// All that fits, best first.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    pub ranked: Vec<Ranked>,
    /// Nothing holds all words; these hold the most of them.
    pub partial: bool,
    /// How many of the last hold only most of the words, beside others that hold all.
    pub rest: usize,
}

impl Ranking {
    /// Without those that do not hold all words; all of them where none does.
    pub fn keep_whole(&mut self) {
        self.ranked.truncate(self.ranked.len() - self.rest);
        self.rest = 0;
    }
}

/// How much of the question one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Some,
    Most,
    /// All words that name something, not all of those that only narrow down.
    Named,
    All,
}

impl Catalog {
    /// All entities that fit the words, best first: every level of look-up, then those that hold all words somewhere.
    pub fn search(&self, sought: Sought<'_>) -> Vec<Arc<Entry>> {
        let question = self.question(sought.typed);
        let mut ranking = self.rank_found(&sought, &question, self.holding_all_words(&sought), &|_| true);
        ranking.keep_whole();
        let whole = ranking.ranked.into_iter().filter(|_| !ranking.partial);
        whole.map(|ranked| ranked.entry).collect()
    }

    /// The names that what is typed may become, best first.
    pub fn suggest(&self, sought: Sought<'_>, most: usize) -> Vec<Arc<Entry>> {
        let (_, levels) = self.levels(&sought, &Question::read(sought.typed), &|_| true);
        let mut seen = HashSet::new();
        let places: Vec<u32> =
            levels.into_iter().flat_map(|(_, places)| places).filter(|at| seen.insert(*at)).take(most).collect();
        self.at_places(&places)
    }

    /// What was asked, its words weighed by how many names hold them.
    pub fn question(&self, typed: &str) -> Question {
        let mut question = Question::read(typed);
        let (names, lookup) = (self.entries().len(), self.lookup());
        question.weigh(names, |word| lookup.tokens.prefixed(&lookup.names, &word.text).count());
        question
    }

    /// The candidates that hold all words, for want of an index.
    pub fn holding_all_words(&self, sought: &Sought<'_>) -> Vec<Candidate> {
        let all = distinct(sought.typed.split_whitespace().map(str::to_lowercase).collect());
        let telling: Vec<String> = all.iter().filter(|word| !words::is_stop_word(word.trim_end_matches(':'))).cloned().collect();
        let words = if telling.is_empty() { all } else { telling };
        if words.is_empty() {
            return Vec::new();
        }
        let names = (0_u32..).zip(&self.lookup().names);
        let holding = names.filter(|(_, names)| words.iter().all(|word| starts_a_word(&names.text, word)));
        let holding = holding.filter(|(at, _)| is_of_kind(self, *at, sought.kinds));
        let entity_ref = |at: u32| self.entries()[at as usize].entity.entity_ref.clone();
        holding.map(|(at, _)| Candidate { entity_ref: entity_ref(at), passage: None }).collect()
    }

    /// Puts what an index found into order, with all that look-up finds by name before it.
    ///
    /// Levels come first, so that the first is the one that look-up would give. `is_wanted` is asked by place among
    /// [`Catalog::entries`].
    pub fn rank_found(
        &self,
        sought: &Sought<'_>,
        question: &Question,
        found: Vec<Candidate>,
        is_wanted: &dyn Fn(u32) -> bool,
    ) -> Ranking {
        let passages: HashMap<EntityRef, (usize, InDocument)> =
            found.iter().filter_map(|candidate| Some((candidate.entity_ref.clone(), candidate.passage?))).collect();
        let passage = |entry: &Entry| passages.get(&entry.entity.entity_ref).map(|(number, _)| *number);
        let mut seen = HashSet::new();
        let mut ranked = Vec::new();
        let (typed, levels) = self.levels(sought, question, is_wanted);
        for (level, places) in levels {
            for at in places {
                let entry = &self.entries()[at as usize];
                if seen.insert(at) {
                    let score = self.score_named(at, level, &typed, sought);
                    let (entry, passage) = (Arc::clone(entry), passage(entry));
                    ranked.push(Ranked { entry, level: Some(level), score, found_in: Vec::new(), passage });
                }
            }
        }
        let mut others: Vec<(Holds, Ranked)> = Vec::new();
        let side_is_meant = question.words.iter().any(|word| words::is_side_word(&word.text));
        for candidate in found {
            let Some(at) = self.place_of(&candidate.entity_ref) else { continue };
            let entry = &self.entries()[at as usize];
            if !seen.insert(at) || !is_of_kind(self, at, sought.kinds) || !is_wanted(at) {
                continue;
            }
            let in_document = candidate.passage.map(|(_, held)| held).unwrap_or_default();
            let fit = self.fit(entry, &self.lookup().names[at as usize], question, in_document);
            if fit.covered < ENOUGH {
                continue;
            }
            let mut rank = self.rank(at);
            rank.side &= !side_is_meant;
            let score = sought.taste.score(rank, &entry.entity.entity_ref, self.whose(at, sought), fit.fit);
            let (entry, passage) = (Arc::clone(entry), candidate.passage.map(|(number, _)| number));
            let holds = match fit {
                Fit { covered, .. } if covered >= ALL => Holds::All,
                Fit { named, .. } if named >= ALL => Holds::Named,
                Fit { covered, .. } if covered >= MOST_OF_IT => Holds::Most,
                Fit { .. } => Holds::Some,
            };
            others.push((holds, Ranked { entry, level: None, score, found_in: fit.found_in, passage }));
        }
        let whole = ranked.len() + others.iter().filter(|(holds, _)| *holds >= Holds::Named).count();
        let wants_rest = ranked.is_empty() && whole < FEW;
        others.retain(|(holds, _)| *holds >= Holds::Named || whole == 0 || (wants_rest && *holds == Holds::Most));
        others.sort_by(|(holds_a, a), (holds_b, b)| {
            let name = |ranked: &Ranked| ranked.entry.entity.entity_ref.name().to_owned();
            let by_name = || name(a).cmp(&name(b)).then_with(|| a.entry.entity.entity_ref.cmp(&b.entry.entity.entity_ref));
            let holds = if whole > 0 { holds_b.cmp(holds_a) } else { Ordering::Equal };
            holds.then_with(|| b.score.points.total_cmp(&a.score.points)).then_with(by_name)
        });
        ranked.extend(others.into_iter().map(|(_, ranked)| ranked));
        if whole > 0 {
            ranked.truncate(whole.max(FEW));
        }
        let rest = if whole == 0 { 0 } else { ranked.len() - whole };
        Ranking { partial: whole == 0 && !ranked.is_empty(), rest, ranked }
    }

    /// An entity's worth apart from who asks and what for, for an index that must choose among too many.
    pub fn static_weight(&self, entity_ref: &EntityRef) -> u64 {
        let points = self.place_of(entity_ref).map_or(0.0, |at| NO_TASTE.points(self.rank(at), entity_ref, Whose::Others, 0.0));
        // Tests and demos are below zero.
        ((points + 20.0).max(0.0) * 100.0) as u64
    }

    /// What look-up meets at each level, of what was typed or, where that meets nothing, of its telling words; of that only
    /// what is wanted.
    fn levels(
        &self,
        sought: &Sought<'_>,
        question: &Question,
        is_wanted: &dyn Fn(u32) -> bool,
    ) -> (Typed, Vec<(Level, Vec<u32>)>) {
        let typed = Typed::read(sought.typed);
        let levels = self.met(&typed, &[Level::Exact, Level::Alias, Level::Prefix, Level::Token], sought, is_wanted);
        if !levels.is_empty() {
            return (typed, levels);
        }
        let telling = Typed::read(&question.text());
        if telling.tokens != typed.tokens {
            let levels = self.met(&telling, &[Level::Exact, Level::Alias, Level::Prefix, Level::Token], sought, is_wanted);
            if !levels.is_empty() {
                return (telling, levels);
            }
        }
        for level in [Level::Inside, Level::Typo] {
            let levels = self.met(&typed, &[level], sought, is_wanted);
            if !levels.is_empty() {
                return (typed, levels);
            }
        }
        (typed, Vec::new())
    }

    /// The levels at which anything is met, wanted or not: a filter does not make a worse level count.
    fn met(
        &self,
        typed: &Typed,
        levels: &[Level],
        sought: &Sought<'_>,
        is_wanted: &dyn Fn(u32) -> bool,
    ) -> Vec<(Level, Vec<u32>)> {
        let met = levels.iter().map(|level| (*level, self.at_level(typed, *level, sought)));
        let met = met.filter(|(_, places)| !places.is_empty()).map(|(level, mut places)| {
            // Before they are put into order, which takes longest where a word is in thousands of names.
            places.retain(|at| is_wanted(*at));
            self.sort_places(&mut places, level, typed, sought);
            (level, places)
        });
        met.collect()
    }
}
