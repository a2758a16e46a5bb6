//! `/whois PERSON|TEAM`: identity across systems with the evidence for it, memberships, and what the sources say differently.
//! Must not wait for anything: a pure function of the snapshot.

use super::{
    Asking,
    answer::{
        age::count,
        names::{label, labels_text, owner_text, person, short_ref},
        provenance,
        subject::{self, Subject},
        warnings,
    },
    owner::{group_lead, owned_things, team_fields},
};
use crate::{
    catalog::{
        Authority, Catalog, Entity, EntityRef, Entry, GoneClaim, Kind, RelationType, left,
        people::{AccountKind, Difference, Evidence, Person, Tie, annotation},
    },
    chat::{
        Arguments, Block, Button, Card, Fact, ListItem, ListStyle, Reply, Span, Status, Text, Tone,
        limits::{CARD_FIELDS, cut},
    },
};

/// Members on a page: what fits one screen of a phone twice.
const MEMBERS: usize = 20;
/// Teams and the like shown before "+ n".
const TEAMS: usize = 8;
/// People named of one difference.
const DIFFERING: usize = 5;
/// Accounts that are shown; a person with more has been tied too widely.
const ACCOUNTS: usize = 12;

/// The arguments of `commands/whois.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whois {
    pub name: String,
    /// From 1.
    pub page: usize,
}

impl From<&Arguments> for Whois {
    fn from(arguments: &Arguments) -> Self {
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { name: arguments.find("name").unwrap_or_default().to_owned(), page }
    }
}

pub fn whois(catalog: &Catalog, asking: &Asking<'_>, args: &Whois) -> Reply {
    if let Some(entry) = by_account(catalog, &args.name) {
        return of_person(catalog, asking, &entry);
    }
    match subject::resolve_of(catalog, asking, "whois", &args.name, &[Kind::User, Kind::Group]) {
        Ok(subject) => {
            let mut reply = describe(catalog, asking, &subject, args.page);
            subject.own_up(&mut reply);
            reply
        }
        Err(reply) if reply.status != Status::NotFound => *reply,
        Err(reply) => match subject::resolve(catalog, asking, "whois", &args.name) {
            Ok(thing) if !thing.is_guess() => not_a_person(&thing.entry.entity),
            Ok(_) | Err(_) => *reply,
        },
    }
}

fn describe(catalog: &Catalog, asking: &Asking<'_>, subject: &Subject, page: usize) -> Reply {
    match subject.entry.entity.kind {
        Kind::User => {
            let primary = catalog.person(&subject.entry.entity.entity_ref).map(|person| &person.primary);
            let entry = primary.and_then(|primary| catalog.find(primary)).unwrap_or(&subject.entry);
            of_person(catalog, asking, entry)
        }
        Kind::Group => of_team(catalog, asking, &subject.entry, page),
        _ => not_a_person(&subject.entry.entity),
    }
}

/// Somebody by an address or a login written with `@`.
fn by_account(catalog: &Catalog, typed: &str) -> Option<std::sync::Arc<Entry>> {
    let typed = typed.trim().trim_start_matches("mailto:");
    let found = match typed.strip_prefix('@') {
        Some(login) => catalog.find_person_by_account(AccountKind::Github, login),
        None if typed.contains('@') && !typed.contains('<') => catalog.find_person_by_account(AccountKind::Email, typed),
        None => None,
    };
    catalog.find(found?).cloned()
}

fn not_a_person(entity: &Entity) -> Reply {
    let line = format!("owner {}", entity.entity_ref);
    let lead = Text::new().bold(entity.label()).say(" is neither a person nor a team; ").code(format!("/owner {}", entity.name));
    let mut reply = Reply::new(Status::NotFound, "whois", lead.say(" says who answers for it."));
    reply.refs = vec![entity.entity_ref.to_string()];
    reply.buttons.push(Button::say("Its owner", line).primary());
    reply
}

fn of_person(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Reply {
    let entity = &entry.entity;
    let alone = Person {
        primary: entity.entity_ref.clone(),
        refs: vec![entity.entity_ref.clone()],
        ties: Vec::new(),
        contradiction: None,
    };
    let known = catalog.person(&entity.entity_ref).unwrap_or(&alone);
    let teams = catalog.related(&entity.entity_ref, RelationType::MemberOf);
    let mut reply = Reply::new(Status::Answered, "whois", person_lead(catalog, entity, &teams));
    reply.refs = known.refs.iter().map(ToString::to_string).collect();
    let mut alarm: Vec<Block> = Vec::new();
    if let Some(day) = left(entity) {
        alarm.push(Block::Warning(Text::new().bold(entity.label()).say(format!(" {}.", left_words(day)))));
    }
    if let Some(why) = &known.contradiction {
        let said = format!("Accounts contradict one another ({why}); until that is settled none of these ties gives any right.");
        alarm.push(Block::Warning(said.into()));
    }
    alarm.extend(provenance::warnings(catalog, asking, &entry.origin));
    let tone = if alarm.is_empty() { Tone::Neutral } else { Tone::Warning };
    if !alarm.is_empty() {
        reply.cards.push(Card { tone, body: alarm, ..Card::default() });
    }
    let mut body: Vec<Block> = accounts(known).into_iter().collect();
    body.extend(differences(catalog, known.refs.iter().flat_map(|user| catalog.differences(user))));
    body.extend(owned(catalog, asking, known, &teams));
    let title = Text::new().bold(entity.label()).say("  ").code(short_ref(&entity.entity_ref));
    let mut fields = person_fields(catalog, entity, known, &teams);
    fields.truncate(CARD_FIELDS);
    let mut buttons = Vec::new();
    if let Some(team) = teams.first() {
        buttons.push(Button::say("Their team", format!("whois {team}")));
    }
    if let Some(login) = known.ties.iter().find(|tie| tie.kind == AccountKind::Github) {
        let own = known.refs.iter().filter_map(|user| catalog.find(user)).flat_map(|entry| &entry.entity.links);
        let found = own.into_iter().find(|link| link.url.to_lowercase().ends_with(&format!("/{}", login.id)));
        buttons.extend(found.map(|link| Button::open("GitHub", link.url.clone())));
    }
    reply.cards.push(Card { tone, title, fields, body, buttons, footer: footer(catalog, known) });
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}

/// "Ada Lovelace is Engineer in Payments."
fn person_lead(catalog: &Catalog, entity: &Entity, teams: &[EntityRef]) -> Text {
    let lead = Text::new().bold(entity.label());
    if let Some(day) = left(entity) {
        return lead.say(format!(" {}.", left_words(day)));
    }
    let title = entity.annotation(annotation::JOB_TITLE);
    match (title, teams) {
        (Some(title), []) => lead.say(format!(" is {title}; no team is known.")),
        (None, []) => lead.say(" is in no team that the catalog knows."),
        (Some(title), teams) => lead.say(format!(" is {title} in ")).join(labels_text(catalog, teams, 2)).say("."),
        (None, teams) => lead.say(" is in ").join(labels_text(catalog, teams, 2)).say("."),
    }
}

/// "left on 2026-10-31"
pub(in crate::commands) fn left_words(day: &str) -> String {
    match day.trim() {
        "yes" => "has left".to_owned(),
        day => format!("left on {}", cut(day, 20)),
    }
}

fn person_fields(catalog: &Catalog, entity: &Entity, known: &Person, teams: &[EntityRef]) -> Vec<Fact> {
    let mut fields = Vec::new();
    let mention = person(entity);
    if mention.slack_id.is_some() || mention.discord_id.is_some() {
        fields.push(Fact::new("In chat", Text(vec![Span::Person(mention)])));
    }
    let shown = if teams.is_empty() { "none".into() } else { labels_text(catalog, teams, TEAMS) };
    fields.push(Fact::new("Teams", shown));
    let manager =
        entity.annotation(annotation::MANAGER).and_then(|written| EntityRef::parse(written, Some("user"), "default").ok());
    if let Some(manager) = manager {
        fields.push(Fact::new("Manager", owner_text(catalog, &manager)));
    }
    let leads: Vec<EntityRef> = teams.iter().filter(|team| is_lead(catalog, team, known)).cloned().collect();
    if !leads.is_empty() {
        fields.push(Fact::new("Leads", labels_text(catalog, &leads, TEAMS)));
    }
    if let Some(email) = &entity.email {
        fields.push(Fact::new("E-mail", Text::new().link(email.as_str(), format!("mailto:{email}"))));
    }
    fields
}

fn is_lead(catalog: &Catalog, team: &EntityRef, known: &Person) -> bool {
    let written = catalog.find(team).and_then(|entry| entry.entity.annotation("steward.dev/lead"));
    let lead = written.and_then(|written| EntityRef::parse(written.trim(), Some("user"), "default").ok());
    lead.is_some_and(|lead| known.refs.contains(&lead))
}

/// "GitHub ada: their entry on GitHub; address in a verified domain".
fn accounts(known: &Person) -> Option<Block> {
    let line = |tie: &Tie| {
        let mut reasons: Vec<String> = tie.evidence.iter().map(evidence_words).collect();
        reasons.dedup();
        let name = Text::plain(format!("{} ", capital(tie.kind.as_str()))).code(tie.id.as_str());
        ListItem::new(name.say(format!(": {}", reasons.join("; "))))
    };
    let mut items: Vec<ListItem> = known.ties.iter().take(ACCOUNTS).map(line).collect();
    if known.ties.len() > ACCOUNTS {
        items.push(ListItem::new(format!("+ {} more", known.ties.len() - ACCOUNTS).into()));
    }
    (!items.is_empty()).then_some(Block::List { style: ListStyle::Bullets, items })
}

fn evidence_words(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Entry { authority: Authority::People, source } => format!("listed by {source}"),
        Evidence::Entry { authority: Authority::Descriptor, .. } => "written in their entry".to_owned(),
        Evidence::Entry { authority: Authority::Organisation, .. } => "a member on GitHub".to_owned(),
        Evidence::Entry { authority: Authority::Migration, source } => format!("written in {source}, which is moved from"),
        Evidence::Saml => "SAML identity".to_owned(),
        Evidence::VerifiedEmail => "an address in a verified domain".to_owned(),
        Evidence::Mapping => "the mapping file".to_owned(),
        Evidence::Link { at } => format!("proved with /link on {}", at.format("%Y-%m-%d")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// What they own by themselves and through their teams.
fn owned(catalog: &Catalog, asking: &Asking<'_>, known: &Person, teams: &[EntityRef]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for entry in known.refs.iter().filter_map(|user| catalog.find(user)) {
        let things = owned_things(catalog, asking, &entry.entity);
        if !things.is_empty() {
            blocks.push(Block::Paragraph(Text::new().bold("Owns")));
            blocks.extend(things);
        }
    }
    let through: Vec<Text> = teams
        .iter()
        .filter_map(|team| {
            let number = catalog.related(team, RelationType::OwnerOf).len();
            (number > 0).then(|| Text::plain(format!("{} ({})", label(catalog, team), number)))
        })
        .take(TEAMS)
        .collect();
    if !through.is_empty() {
        blocks.push(Block::Paragraph(Text::new().bold("Owns with their teams: ").join(Text::list(through, ", "))));
    }
    blocks
}

/// "Also known as user:ada."
fn footer(catalog: &Catalog, known: &Person) -> Text {
    let others = known.refs.iter().skip(1).map(|user| {
        let authority = catalog.find(user).map(|entry| authority_words(entry.origin.authority)).unwrap_or_default();
        Text::new().code(short_ref(user)).say(format!(" {authority}"))
    });
    let others: Vec<Text> = others.collect();
    if others.is_empty() { Text::new() } else { Text::plain("Also known as ").join(Text::list(others, ", ")).say(".") }
}

fn of_team(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry, page: usize) -> Reply {
    let group = &entry.entity;
    let mut reply = Reply::new(Status::Answered, "whois", group_lead(catalog, group));
    reply.refs = vec![group.entity_ref.to_string()];
    let (tone, mut alarm) = warnings::warnings(catalog, entry);
    alarm.extend(provenance::warnings(catalog, asking, &entry.origin));
    if !alarm.is_empty() {
        reply.cards.push(Card { tone, body: alarm, ..Card::default() });
    }
    let mut body = Vec::new();
    if let Some(description) = &group.description {
        body.push(Block::Paragraph(description.trim().into()));
    }
    let all = catalog.related(&group.entity_ref, RelationType::HasMember);
    let pages = all.len().div_ceil(MEMBERS).max(1);
    let page = page.clamp(1, pages);
    body.extend(member_list(catalog, group, &all, page, pages));
    body.extend(differences(catalog, catalog.differences(&group.entity_ref).iter()));
    let things = owned_things(catalog, asking, group);
    if !things.is_empty() {
        body.push(Block::Paragraph(Text::new().bold("Owns")));
        body.extend(things);
    }
    let mut fields: Vec<Fact> = team_fields(catalog, group).into_iter().filter(|fact| fact.name != "People").collect();
    let children = catalog.related(&group.entity_ref, RelationType::ParentOf);
    if !children.is_empty() {
        fields.push(Fact::new("Teams in it", labels_text(catalog, &children, TEAMS)));
    }
    fields.push(Fact::new("People", count_people(all.len()).into()));
    fields.truncate(CARD_FIELDS);
    let mut buttons = Vec::new();
    if page < pages {
        buttons.push(Button::say("More people", format!("whois {} page {}", group.entity_ref, page + 1)).primary());
    }
    if page > 1 {
        buttons.push(Button::say("Back", format!("whois {} page {}", group.entity_ref, page - 1)));
    }
    buttons.push(Button::say("What it owns", format!("owner {}", group.entity_ref)));
    let title = Text::new().bold(group.label()).say("  ").code(short_ref(&group.entity_ref));
    reply.cards.push(Card { tone, title, fields, body, buttons, footer: sources_footer(catalog, entry) });
    reply.provenance = Some(provenance::of_file(catalog, asking, &entry.origin));
    reply
}

fn count_people(number: usize) -> String {
    match number {
        0 => "nobody".to_owned(),
        1 => "1 person".to_owned(),
        many => format!("{many} people"),
    }
}

fn member_list(catalog: &Catalog, group: &Entity, all: &[EntityRef], page: usize, pages: usize) -> Vec<Block> {
    if all.is_empty() {
        return Vec::new();
    }
    let is_lead = |member: &EntityRef| {
        let lead =
            group.annotation("steward.dev/lead").and_then(|lead| EntityRef::parse(lead.trim(), Some("user"), "default").ok());
        lead.is_some_and(|lead| catalog.is_same_person(&lead, member))
    };
    let mut members: Vec<(bool, String, &EntityRef)> =
        all.iter().map(|member| (!is_lead(member), label(catalog, member).to_lowercase(), member)).collect();
    members.sort();
    let line = |(is_other, _, member): &(bool, String, &EntityRef)| {
        let Some(entry) = catalog.find(member) else {
            return ListItem::new(Text::plain(format!("{} (not in the catalog)", member.name())));
        };
        let mut text = Text(vec![Span::Person(person(&entry.entity))]);
        if let Some(title) = entry.entity.annotation(annotation::JOB_TITLE) {
            text = text.say(format!(", {title}"));
        }
        if !is_other {
            text = text.say(" (lead)");
        }
        match left(&entry.entity) {
            Some(day) => ListItem::new(text.say(format!(" {}", left_words(day)))),
            None => ListItem::new(text),
        }
    };
    let items = members.iter().skip((page - 1) * MEMBERS).take(MEMBERS).map(line).collect();
    let mut blocks = vec![Block::List { style: ListStyle::Bullets, items }];
    if pages > 1 {
        blocks.push(Block::Paragraph(format!("Page {page} of {pages}").into()));
    }
    blocks
}

/// Who declares it, where several do.
fn sources_footer(catalog: &Catalog, entry: &Entry) -> Text {
    let voices = catalog.voices(&entry.entity.entity_ref);
    if voices.len() < 2 {
        return Text::new();
    }
    let told = voices
        .iter()
        .map(|voice| Text::plain(format!("{} {}", voice.origin.repository, authority_words(voice.origin.authority))));
    Text::plain("Declared by ").join(Text::list(told, ", ")).say(".")
}

fn authority_words(authority: Authority) -> &'static str {
    match authority {
        Authority::People => "in HR's list",
        Authority::Descriptor => "in a descriptor",
        Authority::Organisation => "on GitHub",
        Authority::Migration => "in the catalog that is moved from",
    }
}

/// What the sources say differently, one line each.
fn differences<'c>(catalog: &Catalog, all: impl Iterator<Item = &'c Difference>) -> Vec<Block> {
    let names = |refs: &[EntityRef]| labels_text(catalog, refs, DIFFERING);
    let item = |difference: &Difference| match difference {
        Difference::Fact { name, said } => {
            let told =
                said.iter().map(|said| Text::plain(format!("{} {}", cut(&said.value, 60), authority_words(said.authority))));
            ListItem::new(Text::plain(format!("{}: ", capital(name))).join(Text::list(told, ", ")))
        }
        Difference::Members { decides, other, also, without } => {
            let mut text = Text::plain(format!("Members are as {}; {}", authority_words(*decides), authority_words(*other)));
            if !also.is_empty() {
                text = text.say(" also ").join(names(also));
            }
            if !without.is_empty() {
                text = text.say(if also.is_empty() { " without " } else { ", without " }).join(names(without));
            }
            ListItem::new(text)
        }
    };
    let items: Vec<ListItem> = all.map(item).collect();
    if items.is_empty() {
        return Vec::new();
    }
    let title = Text::new().bold(format!("{} between the sources", count(items.len(), "difference")));
    vec![Block::Paragraph(title), Block::List { style: ListStyle::Bullets, items }]
}

/// "Team Payments no longer exists on GitHub; gone since …": the mark of what is gone.
pub(in crate::commands) fn gone_text(gone: &GoneClaim) -> Text {
    let place = match gone.authority {
        Authority::Descriptor => "in the catalog",
        other => authority_words(other),
    };
    let what = if gone.entity_ref.kind() == "group" { "Team " } else { "" };
    Text::plain(what)
        .bold(&gone.label)
        .say(format!(" no longer exists {place}; gone since "))
        .push(Span::Time(gone.since))
        .say(".")
}

/// What is left of somebody or a team that is gone: since when, and what still names them.
pub(in crate::commands) fn of_gone(catalog: &Catalog, asking: &Asking<'_>, command: &str, gone: &GoneClaim) -> Reply {
    let mut reply = Reply::new(Status::Answered, command, gone_text(gone));
    reply.refs = vec![gone.entity_ref.to_string()];
    let owned = catalog.related(&gone.entity_ref, RelationType::OwnerOf);
    let said = match owned.len() {
        0 => Text::plain("Nothing names it as its owner any more."),
        _ => Text::plain("Still named as the owner of ").join(labels_text(catalog, &owned, TEAMS)).say("."),
    };
    let title = Text::new().bold(&gone.label).say("  ").code(short_ref(&gone.entity_ref));
    reply.cards.push(Card { tone: Tone::Warning, title, body: vec![Block::Paragraph(said)], ..Card::default() });
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}
