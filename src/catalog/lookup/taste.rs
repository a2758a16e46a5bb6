//! The one formula that puts entities which fit equally well into an order, and what it weighs.
//! Must not compare names with what was typed: `lookup` and `evidence` do.
//!
//! `points = matching × fit + kind × K + lifecycle × L + dependents × D + asked × A + own × O − side × S`
//!
//! Each factor lies between 0 and 1, so a weight is the most its part can add. How a name was met ([`super::Level`]) comes
//! before all points, so that `/find` and `/owner` begin with the same one.

use std::collections::HashMap;

use super::rank::Rank;
use crate::catalog::EntityRef;

/// What each part of the formula may add at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    pub matching: f64,
    pub kind: f64,
    pub lifecycle: f64,
    pub dependents: f64,
    pub asked: f64,
    pub own: f64,
    pub side: f64,
}

impl Weights {
    /// Kinds stay apart by more than what others add, except by what is asked for far more often.
    pub const USUAL: Self =
        Self { matching: 80.0, kind: 12.0, lifecycle: 1.5, dependents: 1.5, asked: 3.0, own: 0.2, side: 14.0 };
}

impl Default for Weights {
    fn default() -> Self {
        Self::USUAL
    }
}

/// More dependents than this say nothing more: half of a company leans on it.
const MANY_DEPENDENTS: f64 = 100.0;
/// The same for how often something was asked for lately.
const MANY_ASKS: f64 = 200.0;

/// What an organisation asks for, and how much each part of the formula counts there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taste {
    pub weights: Weights,
    /// How often each was asked for or opened lately.
    pub asked: HashMap<EntityRef, f64>,
}

/// Where nobody has asked for anything and nothing is configured.
pub static NO_TASTE: std::sync::LazyLock<Taste> = std::sync::LazyLock::new(Taste::default);

/// Why an entity stands where it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub points: f64,
    /// Each part that added something, the formula's order.
    pub parts: Vec<(&'static str, f64)>,
}

/// Whose an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Askers,
    Others,
}

impl Taste {
    /// `fit` says how well it fits, 0 to 1.
    pub fn score(&self, rank: Rank, entity_ref: &EntityRef, whose: Whose, fit: f64) -> Score {
        let parts: Vec<(&'static str, f64)> =
            self.parts(rank, entity_ref, whose, fit).into_iter().filter(|(_, points)| *points != 0.0).collect();
        Score { points: parts.iter().map(|(_, points)| points).sum(), parts }
    }

    /// The same without the reasons.
    pub fn points(&self, rank: Rank, entity_ref: &EntityRef, whose: Whose, fit: f64) -> f64 {
        self.parts(rank, entity_ref, whose, fit).iter().map(|(_, points)| points).sum()
    }

    fn parts(&self, rank: Rank, entity_ref: &EntityRef, whose: Whose, fit: f64) -> [(&'static str, f64); 7] {
        let weights = &self.weights;
        let asked = if self.asked.is_empty() { 0.0 } else { self.asked.get(entity_ref).copied().unwrap_or(0.0) };
        let own = match whose {
            Whose::Askers => 1.0,
            Whose::Others => 0.0,
        };
        [
            ("match", weights.matching * fit),
            ("kind", weights.kind * kind_factor(rank.class)),
            ("lifecycle", weights.lifecycle * f64::from(rank.lifecycle) / 3.0),
            ("dependents", weights.dependents * share(f64::from(rank.dependents), MANY_DEPENDENTS)),
            ("asked", weights.asked * share(asked, MANY_ASKS)),
            ("yours", weights.own * own),
            ("test or demo", if rank.side { -weights.side } else { 0.0 }),
        ]
    }
}

/// The first few count most.
fn share(number: f64, many: f64) -> f64 {
    if number <= 0.0 { 0.0 } else { ((1.0 + number).ln() / (1.0 + many).ln()).min(1.0) }
}

/// By [`Rank::class`]: a Component that is a service is what people mean.
fn kind_factor(class: u8) -> f64 {
    [1.0, 0.82, 0.66, 0.5, 0.4, 0.3, 0.24, 0.18, 0.12, 0.06].get(usize::from(class)).copied().unwrap_or(0.0)
}
