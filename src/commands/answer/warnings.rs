//! What is wrong with an entry, said so that nobody misses it.
//! Must not repair nor nag: `hygiene` does.

use super::names::{channel_text, label, short_ref};
use crate::{
    catalog::{BrokenFile, Catalog, EntityRef, Entry, Found, Kind, Owner, RelationType, Sought, is_deprecated, left},
    chat::{Block, Span, Text, Tone},
    commands::whois,
};

/// All warnings of an entry, worst first, and the tone they give the card.
pub fn warnings(catalog: &Catalog, entry: &Entry) -> (Tone, Vec<Block>) {
    let mut critical = owner_warnings(catalog, entry);
    if let Some(last) = critical.last_mut() {
        // Where the owner is not known at all, the lead line says whom to ask already; why them is said here.
        let more = if has_known_owner(catalog, entry) { ask_instead(catalog, entry) } else { why_instead(catalog, entry) };
        *last = std::mem::take(last).join(more.unwrap_or_default());
    }
    let others = [broken(entry), conflict(catalog, entry), archived(entry), deprecated(entry)];
    let others: Vec<Text> = others.into_iter().flatten().chain(empty_group(catalog, entry)).collect();
    let tone = match (critical.is_empty(), others.is_empty()) {
        (false, _) => Tone::Critical,
        (true, false) => Tone::Warning,
        (true, true) => Tone::Neutral,
    };
    critical.extend(others);
    (tone, critical.into_iter().map(Block::Warning).collect())
}

/// Whether its owner is in the catalog.
pub fn has_known_owner(catalog: &Catalog, entry: &Entry) -> bool {
    entry.entity.owner().is_some_and(|owner| catalog.find(owner).is_some())
}

/// Whether nobody who is known answers for it.
fn owner_warnings(catalog: &Catalog, entry: &Entry) -> Vec<Text> {
    let entity = &entry.entity;
    match catalog.owner_of(entity) {
        Owner::Missing => {
            let needs_owner = matches!(entity.kind, Kind::Component | Kind::Api | Kind::Resource | Kind::System | Kind::Domain);
            if needs_owner { vec![Text::plain("The entry names no owner.")] } else { Vec::new() }
        }
        Owner::Unknown(owner) => {
            if let Some(gone) = catalog.gone(owner) {
                return vec![Text::plain("The owner is gone: ").join(whois::gone_text(gone))];
            }
            let said = Text::plain("The owner ").code(owner.as_str());
            let said = if owner.kind() == "user" {
                said.say(" is not in the catalog; they may have left.")
            } else {
                said.say(" is not in the catalog.").join(similar_group(catalog, owner))
            };
            vec![said]
        }
        Owner::Left(owner) => {
            let day = left(&owner.entity).unwrap_or_default();
            vec![Text::plain(format!("{} {}.", owner.entity.label(), whois::left_words(day)))]
        }
        Owner::Known(owner)
            if owner.entity.kind == Kind::User
                && catalog.related(&owner.entity.entity_ref, RelationType::MemberOf).is_empty() =>
        {
            let said = format!("{} is in no team any more and may have left.", owner.entity.label());
            vec![Text::plain(said)]
        }
        Owner::Empty(owner) => {
            let said = format!("{} has no members in the catalog: perhaps nobody listens there.", owner.entity.label());
            vec![Text::plain(said)]
        }
        Owner::Known(_) => Vec::new(),
    }
}

/// The one group that sounds like the missing one. Where several do, naming one would send somebody to the wrong team.
fn similar_group(catalog: &Catalog, owner: &EntityRef) -> Text {
    let kinds = [Kind::Group];
    let found = catalog.look_up(Sought { kinds: &kinds, ..Sought::any(owner.name(), &[]) });
    let similar = match found {
        Found::One { entry, .. } => Some(entry),
        Found::None { nearest } => <[_; 1]>::try_from(nearest).ok().map(|[entry]| entry),
        Found::Several { .. } => None,
    };
    match similar {
        Some(entry) => Text::plain(" Perhaps ").bold(entry.entity.label()).say(" is meant."),
        None => Text::new(),
    }
}

/// Why nobody who is known answers for it, and who owns what it belongs to; nothing where its owner is there.
pub fn owner_gone(catalog: &Catalog, entry: &Entry) -> Vec<Block> {
    let ask = ask_instead(catalog, entry).unwrap_or_default();
    let whole = owner_warnings(catalog, entry).into_iter().map(|said| Block::Warning(said.join(ask.clone())));
    whole.collect()
}

/// " Catalog own the system Product catalog, which it belongs to."
fn why_instead(catalog: &Catalog, entry: &Entry) -> Option<Text> {
    let (owner, whole) = stand_in(catalog, entry)?;
    Some(Text::plain(format!(
        " {} own the {} {}, which it belongs to.",
        label(catalog, &owner),
        whole.kind(),
        label(catalog, &whole)
    )))
}

/// " Ask Catalog, who own the system Product catalog, in #team-catalog."
fn ask_instead(catalog: &Catalog, entry: &Entry) -> Option<Text> {
    let (owner, whole) = stand_in(catalog, entry)?;
    let said = Text::plain(format!(" Ask {}, who own the {} {}", label(catalog, &owner), whole.kind(), label(catalog, &whole)));
    Some(match channel_text(catalog, &owner) {
        Some(channel) => said.say(", in ").join(channel).say("."),
        None => said.say("."),
    })
}

/// Whom to ask while the owner cannot be: the owner of the system, or of the domain above it, with what they own.
pub fn stand_in(catalog: &Catalog, entry: &Entry) -> Option<(EntityRef, EntityRef)> {
    let mut part_of = catalog.related(&entry.entity.entity_ref, RelationType::PartOf);
    // A system, then its domain, then that one's domain; more levels are a mistake in the data.
    for _ in 0..3 {
        let Some(whole) = part_of.first().cloned() else { break };
        let owner = catalog.find(&whole).and_then(|entry| entry.entity.owner().cloned());
        if let Some(owner) = owner.filter(|owner| Some(owner) != entry.entity.owner() && answers(catalog, owner)) {
            return Some((owner, whole));
        }
        part_of = catalog.related(&whole, RelationType::PartOf);
    }
    None
}

fn answers(catalog: &Catalog, owner: &EntityRef) -> bool {
    catalog.find(owner).is_some_and(|entry| entry.entity.kind != Kind::Group || !catalog.has_nobody(owner))
}

fn empty_group(catalog: &Catalog, entry: &Entry) -> Option<Text> {
    let group = &entry.entity.entity_ref;
    let empty = entry.entity.kind == Kind::Group && catalog.has_nobody(group);
    empty.then(|| Text::plain("This team has no members in the catalog: perhaps nobody listens there."))
}

fn broken(entry: &Entry) -> Option<Text> {
    let problem = entry.problem.as_ref()?;
    let said = Text::plain(format!("{} on the default branch has been broken since ", entry.origin.path))
        .push(Span::Time(problem.since));
    Some(said.say(format!(": {} This is the last good version.", sentence(&problem.message))))
}

fn conflict(catalog: &Catalog, entry: &Entry) -> Option<Text> {
    let rivals = catalog.rivals(&entry.entity.entity_ref);
    if rivals.is_empty() {
        return None;
    }
    let file = |entry: &Entry| entry.origin.file();
    let others = rivals.iter().map(|rival| file(rival)).collect::<Vec<_>>().join(", ");
    let claim = if rivals.len() == 1 { "claims" } else { "claim" };
    let said = format!(
        "{others} {claim} to be {} too. Shown is {}, which was there first.",
        short_ref(&entry.entity.entity_ref),
        file(entry)
    );
    Some(Text::plain(said))
}

fn archived(entry: &Entry) -> Option<Text> {
    let said = || Text::plain(format!("The repository {} is archived: nothing can be changed there.", entry.origin.repository));
    entry.origin.archived.then(said)
}

fn deprecated(entry: &Entry) -> Option<Text> {
    let lifecycle = entry.entity.lifecycle.as_deref()?;
    is_deprecated(&entry.entity).then(|| Text::plain(format!("Its lifecycle is {lifecycle}: do not build on it.")))
}

/// A descriptor that cannot be read as `(file:line, its address)`.
pub fn broken_place(file: &BrokenFile) -> (String, Option<String>) {
    let line = file.line.map(|line| format!(":{line}")).unwrap_or_default();
    let url = file.origin.url().map(|url| file.line.map_or(url.clone(), |line| format!("{url}#L{line}")));
    (format!("{}{line}", file.origin.path), url)
}

/// With a full stop.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
