//! What counts how much where several entities fit, and how links are looked after. Plain numbers; the formula is the
//! catalog's.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// `search:` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    pub weights: WeightSettings,
}

/// `link_checks:` of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkCheckSettings {
    /// Whether links of entities and documents are asked for now and then, to know which are dead. Addresses inside of the
    /// network never are.
    #[serde(deserialize_with = "super::read::loose")]
    pub enabled: bool,
    /// Between two requests to one host; each host is asked for one link at a time.
    #[serde(deserialize_with = "super::read::duration")]
    #[schemars(with = "String")]
    pub pause: Duration,
}

impl Default for LinkCheckSettings {
    fn default() -> Self {
        Self { enabled: true, pause: Duration::from_secs(2) }
    }
}

/// The most that each part of the formula adds; how a name was met comes before all of them.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeightSettings {
    /// How well words fit that are not the name.
    #[serde(deserialize_with = "super::read::loose")]
    pub matching: f64,
    /// A Component of type service before libraries, systems, APIs, resources, teams.
    #[serde(deserialize_with = "super::read::loose")]
    pub kind: f64,
    /// Production before experimental before deprecated.
    #[serde(deserialize_with = "super::read::loose")]
    pub lifecycle: f64,
    /// How many lean on it.
    #[serde(deserialize_with = "super::read::loose")]
    pub dependents: f64,
    /// How often it is asked for and opened.
    #[serde(deserialize_with = "super::read::loose")]
    pub asked: f64,
    /// The asker's own teams.
    #[serde(deserialize_with = "super::read::loose")]
    pub own: f64,
    /// Taken from tests and demos, unless they are asked for.
    #[serde(deserialize_with = "super::read::loose")]
    pub side: f64,
}

impl Default for WeightSettings {
    fn default() -> Self {
        Self { matching: 80.0, kind: 12.0, lifecycle: 1.5, dependents: 1.5, asked: 3.0, own: 0.2, side: 14.0 }
    }
}
