//! What can be wrong with an entry, with a repository that has none, or with a document that never became one: a table of pure functions, each with why it matters
//! and how it is mended.
//! Must not decide whom to tell, nor when.

mod asked;
mod document;
mod finding;
mod owner;
mod place;
mod repository;
mod said;
mod secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;

use crate::{
    catalog::{
        Catalog, Entity, EntityRef, Entry, Kind, RelationType,
        live::{Coverage, OnCall, Step, Undescribed},
    },
    settings::{CheckSetting, HygieneSettings, RuleSettings},
};

pub use document::Misread;
pub use finding::{Finding, Subject};
pub use repository::{ACTIVE, described_as, descriptor_key, named_by_entries, wants_descriptor, without_entry};

/// Names checks that an entry is excused from, separated by commas.
pub const EXEMPT: &str = "steward.dev/exempt";

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to have.
    Low,
    /// Somebody will look for it in vain.
    Medium,
    /// In an incident this costs time.
    High,
    /// Nobody answers, or the entry leads astray.
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One rule.
#[derive(Debug)]
pub struct Check {
    /// As configuration and `steward.dev/exempt` name it.
    pub id: &'static str,
    /// What is wrong, as a headline without a name.
    pub title: &'static str,
    pub severity: Severity,
    /// One sentence.
    pub why: &'static str,
    /// One sentence.
    pub fix: &'static str,
    find: Find,
}

/// What a check looks at, and what exactly is wrong with it, as half a sentence about it; `None`: nothing.
#[derive(Debug, Clone, Copy)]
enum Find {
    Entry(fn(&Entry, &Facts<'_>) -> Option<String>),
    /// A repository of which the catalog has no entry.
    Repository(fn(&Undescribed, &Facts<'_>) -> Option<String>),
    /// An error in a descriptor file: of an entry whose last good version is kept, and of a document that never was one.
    File {
        kept: fn(&Entry, &Facts<'_>) -> Option<String>,
        never_valid: fn(&Misread) -> String,
    },
}

impl Check {
    /// Whether it is about repositories of which the catalog has no entry.
    pub fn is_of_repositories(&self) -> bool {
        match self.find {
            Find::Repository(_) => true,
            Find::Entry(_) | Find::File { .. } => false,
        }
    }

    /// Whether it is also about documents that never became entries.
    pub fn is_of_documents(&self) -> bool {
        match self.find {
            Find::File { .. } => true,
            Find::Entry(_) | Find::Repository(_) => false,
        }
    }

    fn find_in(&'static self, entry: &Entry, facts: &Facts<'_>) -> Option<Finding> {
        let detail = match self.find {
            Find::Entry(find) | Find::File { kept: find, .. } => find(entry, facts)?,
            Find::Repository(_) => return None,
        };
        Some(self.finding(entry.entity.entity_ref.clone(), Subject::Entry, detail, facts))
    }

    fn find_of(&'static self, of: &Arc<Undescribed>, facts: &Facts<'_>) -> Option<Finding> {
        match self.find {
            Find::Repository(find) => {
                let subject = Subject::Repository(Arc::clone(of));
                Some(self.finding(described_as(&of.repository), subject, find(of, facts)?, facts))
            }
            Find::Entry(_) | Find::File { .. } => None,
        }
    }

    fn finding(&'static self, entity: EntityRef, subject: Subject, detail: String, facts: &Facts<'_>) -> Finding {
        let severity = facts.rules.severities.get(self.id).copied().unwrap_or(self.severity);
        Finding { check: self, entity, subject, severity, detail }
    }
}

/// What checks look at besides the entry.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub catalog: &'a Catalog,
    pub on_call: &'a OnCall,
    /// Which links are dead, what people have said of entries, and which repositories have none.
    pub coverage: &'a Coverage,
    pub rules: &'a Rules,
    pub now: DateTime<Utc>,
}

/// What an organisation has agreed on.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Lower case; empty: any will do.
    pub lifecycles: BTreeSet<String>,
    /// Of Components, lower case; empty: any will do.
    pub types: BTreeSet<String>,
    /// For whole names.
    pub name: Option<Regex>,
    /// An entry that nobody has touched for so long is asked about.
    pub untouched: TimeDelta,
    /// A runbook older than this is doubted.
    pub runbook_age: TimeDelta,
    /// Checks that are switched off.
    pub off: BTreeSet<String>,
    /// Checks that matter more or less here than elsewhere.
    pub severities: BTreeMap<String, Severity>,
}

impl Rules {
    /// What the configuration says. A pattern or a name of a check that is none counts as absent: the settings have told of it.
    pub fn of(settings: &HygieneSettings) -> Self {
        let RuleSettings { lifecycles, types, names, untouched_days, runbook_days } = &settings.rules;
        let words = |words: &[String]| words.iter().map(|word| word.trim().to_lowercase()).collect();
        let mut rules = Self {
            lifecycles: words(lifecycles),
            types: words(types),
            name: names.as_ref().and_then(|names| Regex::new(&format!("^(?:{names})$")).ok()),
            untouched: TimeDelta::days(i64::from(*untouched_days)),
            runbook_age: TimeDelta::days(i64::from(*runbook_days)),
            off: BTreeSet::new(),
            severities: BTreeMap::new(),
        };
        for (id, setting) in &settings.checks {
            let severity = match setting {
                CheckSetting::Off => {
                    rules.off.insert(id.clone());
                    continue;
                }
                CheckSetting::Low => Severity::Low,
                CheckSetting::Medium => Severity::Medium,
                CheckSetting::High => Severity::High,
                CheckSetting::Critical => Severity::Critical,
            };
            rules.severities.insert(id.clone(), severity);
        }
        rules
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(&HygieneSettings::default())
    }
}

/// All checks, the gravest first.
pub fn checks() -> &'static [Check] {
    &TABLE
}

pub fn find_check(id: &str) -> Option<&'static Check> {
    TABLE.iter().find(|check| check.id == id)
}

/// What somebody looked for where this check finds that it was not found.
pub fn step_of(check: &Check) -> Option<Step> {
    Some(match check.id {
        "owner-not-found" => Step::Owner,
        "runbook-not-found" => Step::Runbook,
        "dashboard-not-found" => Step::Dashboard,
        "docs-not-found" => Step::Docs,
        "dependencies-not-found" => Step::Dependencies,
        "on-call-not-found" => Step::OnCall,
        _ => return None,
    })
}

/// Everything that is wrong with one entry, the gravest first.
pub fn check_entry(entry: &Entry, facts: &Facts<'_>) -> Vec<Finding> {
    let exempt = entry.entity.annotation(EXEMPT).unwrap_or_default();
    let is_exempt = |check: &Check| exempt.split(',').any(|id| id.trim() == check.id);
    let applies = |check: &&'static Check| !facts.rules.off.contains(check.id) && !is_exempt(check);
    TABLE.iter().filter(applies).filter_map(|check| check.find_in(entry, facts)).collect()
}

/// Everything that is wrong with repositories of which the catalog has no entry. Of two that would be described as the same
/// entity the first counts: both cannot be.
pub fn check_repositories(facts: &Facts<'_>) -> Vec<Finding> {
    let applies = |check: &&'static Check| check.is_of_repositories() && !facts.rules.off.contains(check.id);
    let checks: Vec<&'static Check> = TABLE.iter().filter(applies).collect();
    let mut known = BTreeSet::new();
    let mut findings = Vec::new();
    for of in facts.coverage.undescribed.iter().flatten() {
        let found = checks.iter().filter_map(|check| check.find_of(of, facts));
        findings.extend(found.filter(|finding| known.insert((finding.check.id, finding.entity.clone()))));
    }
    findings
}

/// Everything that is wrong with documents that never became entries.
pub fn check_documents(facts: &Facts<'_>) -> Vec<Finding> {
    let checks = TABLE.iter().filter(|check| !facts.rules.off.contains(check.id));
    let checks: Vec<_> = checks
        .filter_map(|check| match check.find {
            Find::File { never_valid, .. } => Some((check, never_valid)),
            Find::Entry(_) | Find::Repository(_) => None,
        })
        .collect();
    let find = |(key, of): (EntityRef, Misread)| {
        let found = |(check, say): &(&'static Check, fn(&Misread) -> String)| {
            check.finding(key.clone(), Subject::Document(of.clone()), say(&of), facts)
        };
        checks.iter().map(found).collect::<Vec<_>>()
    };
    document::misread(facts.catalog).into_iter().flat_map(find).collect()
}

/// Everything that is wrong with what is no entry: little, beside the entries.
pub fn check_beside(facts: &Facts<'_>) -> Vec<Finding> {
    check_documents(facts).into_iter().chain(check_repositories(facts)).collect()
}

/// Everything that is wrong, entry by entry, then with what is none.
pub fn check_all(facts: &Facts<'_>) -> Vec<Finding> {
    let of_entries = facts.catalog.entries().iter().flat_map(|entry| check_entry(entry, facts));
    of_entries.chain(check_beside(facts)).collect()
}

/// What is wrong with these entries and with those that name them, after they have changed; and of which entries that is.
pub fn check_around(changed: &[EntityRef], facts: &Facts<'_>) -> (BTreeSet<EntityRef>, Vec<Finding>) {
    let catalog = facts.catalog;
    let mut around: BTreeSet<EntityRef> = changed.iter().cloned().collect();
    around.extend(changed.iter().flat_map(|changed| catalog.named_by(changed)));
    // Whether somebody is in a team is what the team's things are judged by.
    let people = changed.iter().filter(|changed| changed.kind() == "user");
    for team in people.flat_map(|person| catalog.related(person, RelationType::MemberOf)) {
        around.extend(catalog.named_by(&team));
        around.insert(team);
    }
    let entries = around.iter().filter_map(|entity_ref| catalog.find(entity_ref));
    let findings = entries.flat_map(|entry| check_entry(entry, facts)).collect();
    (around, findings)
}

/// Things that somebody runs or keeps, as against people and addresses.
fn is_thing(entity: &Entity) -> bool {
    matches!(entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System | Kind::Domain | Kind::Template)
}

fn is_service(entity: &Entity) -> bool {
    entity.kind == Kind::Component && entity.spec_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("service"))
}

pub(super) fn is_production(entity: &Entity) -> bool {
    entity.lifecycle.as_deref().is_some_and(|lifecycle| lifecycle.eq_ignore_ascii_case("production"))
}

/// The gravest first; among equals in the order in which somebody would mend them.
static TABLE: [Check; 35] = [
    Check {
        id: "owner-missing",
        title: "No owner",
        severity: Severity::Critical,
        why: "In an incident nobody knows whom to call.",
        fix: "Name the team that answers for it in spec.owner.",
        find: Find::Entry(owner::missing),
    },
    Check {
        id: "owner-unknown",
        title: "Unknown owner",
        severity: Severity::Critical,
        why: "Whoever asks for its owner is sent to nobody who could answer.",
        fix: "Name a team that is in the catalog in spec.owner.",
        find: Find::Entry(owner::unknown),
    },
    Check {
        id: "owner-left",
        title: "Its owner has left",
        severity: Severity::Critical,
        why: "Whoever asks for its owner is sent to somebody who is gone.",
        fix: "Name a team rather than a person in spec.owner.",
        find: Find::Entry(owner::left),
    },
    Check {
        id: "owner-empty",
        title: "Its owner has nobody in it",
        severity: Severity::Critical,
        why: "A team without people answers nobody.",
        fix: "Hand it to the team that took over, or add the team's members.",
        find: Find::Entry(owner::empty),
    },
    Check {
        id: "owner-denied",
        title: "Its owner says that it is not theirs",
        severity: Severity::High,
        why: "Whoever asks for its owner is sent to people who will send them on.",
        fix: "Name the team that answers for it in spec.owner.",
        find: Find::Entry(asked::owner_denied),
    },
    Check {
        id: "secret",
        title: "Holds what looks like a secret",
        severity: Severity::Critical,
        why: "Everybody who can read the catalog can use it.",
        fix: "Revoke it first, then take it out of the file; it stays in git's history.",
        find: Find::Entry(secret::find),
    },
    Check {
        id: "conflict",
        title: "Declared twice",
        severity: Severity::High,
        why: "Two files claim one name, so one of the two cannot be found.",
        fix: "Give one of them another metadata.name, or remove it.",
        find: Find::Entry(place::conflict),
    },
    Check {
        id: document::ID,
        title: "Its file holds an error",
        severity: Severity::High,
        why: "Until it is mended no change to it arrives: its last good version answers, or nothing does.",
        fix: "Mend the file; `steward lint` says where.",
        find: Find::File { kept: document::kept, never_valid: document::never_valid },
    },
    Check {
        id: "archived-production",
        title: "In production, and its repository is archived",
        severity: Severity::High,
        why: "Either it still runs and nobody can change it, or its entry is out of date.",
        fix: "Set spec.lifecycle to deprecated, or bring the repository back.",
        find: Find::Entry(place::archived),
    },
    Check {
        id: "reference-unknown",
        title: "Names something that is not there",
        severity: Severity::Medium,
        why: "What breaks with it cannot be told where the other end is missing.",
        fix: "Correct the reference, or describe what it means.",
        find: Find::Entry(place::unknown_reference),
    },
    Check {
        id: "on-call-missing",
        title: "No on-call schedule",
        severity: Severity::High,
        why: "At night whoever needs help finds nobody to page.",
        fix: "Add the annotation that names its schedule, such as pagerduty.com/service-id.",
        find: Find::Entry(said::on_call_missing),
    },
    Check {
        id: "runbook-missing",
        title: "No runbook",
        severity: Severity::High,
        why: "At 3 a.m. somebody who has never seen it has to start from nothing.",
        fix: "Write docs/runbook.md, or link one with steward.dev/runbook.",
        find: Find::Entry(said::runbook_missing),
    },
    Check {
        id: "owner-not-found",
        title: "Its owner was not found",
        severity: Severity::High,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Tell them who answers for it, and correct spec.owner where it is wrong.",
        find: Find::Entry(asked::owner),
    },
    Check {
        id: "runbook-not-found",
        title: "Its runbook was not found",
        severity: Severity::Medium,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Say with steward.dev/runbook where it is, or tell them that it is there.",
        find: Find::Entry(asked::runbook),
    },
    Check {
        id: "dashboard-not-found",
        title: "Its dashboard was not found",
        severity: Severity::Medium,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Add a link to metadata.links, or tell them that it is there.",
        find: Find::Entry(asked::dashboard),
    },
    Check {
        id: "on-call-not-found",
        title: "Its on-call schedule was not found",
        severity: Severity::Medium,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Add the annotation that names its schedule, or tell them that it is there.",
        find: Find::Entry(asked::on_call),
    },
    Check {
        id: "docs-not-found",
        title: "Its documentation was not found",
        severity: Severity::Medium,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Add the annotation backstage.io/techdocs-ref, or tell them that it is there.",
        find: Find::Entry(asked::docs),
    },
    Check {
        id: "dependencies-not-found",
        title: "Its dependencies were not found",
        severity: Severity::Medium,
        why: "Whoever looks for it next, at night perhaps, stands where they stood.",
        fix: "Name in spec.dependsOn what it needs, or tell them that it is there.",
        find: Find::Entry(asked::dependencies),
    },
    Check {
        id: repository::ID,
        title: "No descriptor",
        severity: Severity::Medium,
        why: "Somebody works on it, and whoever asks what it is, or who answers for it, finds nothing.",
        fix: "Describe it: a short form writes its first catalog-info.yaml and proposes it.",
        find: Find::Repository(repository::without_descriptor),
    },
    Check {
        id: "runbook-old",
        title: "Old runbook",
        severity: Severity::Medium,
        why: "What was true a year ago misleads in an incident.",
        fix: "Read it once and correct what has changed, or say that it is still right.",
        find: Find::Entry(said::runbook_old),
    },
    Check {
        id: "link-dead",
        title: "Dead link",
        severity: Severity::Medium,
        why: "Whoever follows it in an incident stands before nothing.",
        fix: "Correct the address, or take it out.",
        find: Find::Entry(place::dead_link),
    },
    Check {
        id: "depends-on-deprecated",
        title: "Leans on something deprecated",
        severity: Severity::Medium,
        why: "What is deprecated goes away, and takes along what leans on it.",
        fix: "Move to what replaces it, or remove the dependency.",
        find: Find::Entry(place::leans_on_deprecated),
    },
    Check {
        id: "team-without-channel",
        title: "Team without a channel",
        severity: Severity::Medium,
        why: "Nobody who needs the team can reach it, Steward among them.",
        fix: "Add the annotation steward.dev/channel to the group.",
        find: Find::Entry(owner::team_without_channel),
    },
    Check {
        id: "team-empty",
        title: "Team without people",
        severity: Severity::Medium,
        why: "What it owns is owned by nobody.",
        fix: "Add its members, or remove the group and hand over what it owns.",
        find: Find::Entry(owner::team_empty),
    },
    Check {
        id: "members-differ",
        title: "Its members differ from place to place",
        severity: Severity::Low,
        why: "Somebody is paged, or may act, who is no longer in the team, or the other way round.",
        fix: "Correct the membership where it is wrong: HR, GitHub or the descriptor.",
        find: Find::Entry(owner::members_differ),
    },
    Check {
        id: "lifecycle-missing",
        title: "No lifecycle",
        severity: Severity::Medium,
        why: "Nobody can tell whether it may be relied on.",
        fix: "Set spec.lifecycle to experimental, production or deprecated.",
        find: Find::Entry(said::lifecycle_missing),
    },
    Check {
        id: "lifecycle-unknown",
        title: "Unknown lifecycle",
        severity: Severity::Low,
        why: "A word of its own is in no list and no count.",
        fix: "Use one of the agreed words in spec.lifecycle.",
        find: Find::Entry(said::lifecycle_unknown),
    },
    Check {
        id: "type-unknown",
        title: "Unknown type",
        severity: Severity::Low,
        why: "A word of its own is in no list and no count.",
        fix: "Use one of the agreed words in spec.type.",
        find: Find::Entry(said::type_unknown),
    },
    Check {
        id: "name-rule",
        title: "Not named by the rule",
        severity: Severity::Low,
        why: "Names that follow one rule are found by guessing.",
        fix: "Rename it; the old name stays an alias.",
        find: Find::Entry(said::name_rule),
    },
    Check {
        id: "description-missing",
        title: "No description",
        severity: Severity::Low,
        why: "Whoever finds it cannot tell what it is for.",
        fix: "Write one sentence in metadata.description.",
        find: Find::Entry(said::description_missing),
    },
    Check {
        id: "system-missing",
        title: "In no system",
        severity: Severity::Low,
        why: "Who steps in when its owner is away is read from its system.",
        fix: "Name its system in spec.system.",
        find: Find::Entry(place::system_missing),
    },
    Check {
        id: "definition-missing",
        title: "API without a definition",
        severity: Severity::Medium,
        why: "Whoever calls it has to guess what it takes and gives.",
        fix: "Put the definition beside the descriptor and name it: definition: { $text: ./openapi.yaml }.",
        find: Find::Entry(said::definition_missing),
    },
    Check {
        id: "docs-missing",
        title: "No documentation",
        severity: Severity::Low,
        why: "Its users ask its owners what they could read.",
        fix: "Add the annotation backstage.io/techdocs-ref: dir:. and a docs folder.",
        find: Find::Entry(said::docs_missing),
    },
    Check {
        id: "untouched",
        title: "Not touched for long",
        severity: Severity::Low,
        why: "Entries that nobody looks at become wrong.",
        fix: "Look once whether it is still right, and confirm it.",
        find: Find::Entry(said::untouched),
    },
    Check {
        id: "orphan",
        title: "Used by nothing",
        severity: Severity::Low,
        why: "What is in no system and used by nothing is often left over, whoever owns it.",
        fix: "Say what it belongs to or what uses it, or remove it.",
        find: Find::Entry(place::orphan),
    },
];
