//! `/uses PACKAGE [RANGE]`: which components ship a package, in which version, and who owns them.
//! Must not ask GitHub: what was read of its dependency graph is in the store.

mod tell;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Asking, Standing,
    answer::{
        age::{age, count},
        failure,
        names::{channel_text, label, owner_text},
        provenance,
    },
};
use crate::{
    app::App,
    catalog::{
        Catalog, EntityRef, Entry, Kind, RelationType,
        version::{Ecosystem, PackageQuery, VersionRange, compare},
    },
    chat::{Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone, limits::cut},
    error::UserError,
    store::{PackageCoverage, Shipped},
};

/// Components on one page.
const PAGE: usize = 20;
/// Versions named of one component before "+ n".
const VERSIONS: usize = 4;
/// Packages offered where several are meant.
const OFFERED: usize = 10;
/// Slack's longest label of a button is 75.
const LABEL: usize = 75;
/// Repositories named whose version nobody can compare.
const UNREADABLE: usize = 10;

/// The arguments of `commands/uses.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    pub package: String,
    /// Empty: any version.
    pub range: String,
    pub tell: bool,
    /// One-based.
    pub page: usize,
}

impl From<&Arguments> for Uses {
    fn from(arguments: &Arguments) -> Self {
        let text = |name: &str| arguments.find(name).unwrap_or_default().to_owned();
        let page = arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        Self { package: text("package"), range: text("range"), tell: arguments.find("action") == Some("tell"), page }
    }
}

/// One package, the versions that were asked for, and who ships them.
struct Answer {
    /// `maven:org.apache.logging.log4j:log4j-core`, as a question would name it.
    package: String,
    name: String,
    ecosystem: Ecosystem,
    range: String,
    users: Vec<User>,
    /// Place and version of what cannot be compared.
    unreadable: Vec<(String, String)>,
}

/// What ships it: an entity, or a repository that describes none.
struct User {
    entry: Option<Arc<Entry>>,
    repository: String,
    archived: bool,
    /// Oldest first.
    versions: Versions,
}

pub async fn uses(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &Uses) -> Reply {
    let Some(query) = PackageQuery::parse(&args.package) else {
        let said = UserError::new(format!("“{}” is no package's name.", cut(&args.package, 60)));
        return slip(&said.next("Write /uses log4j-core <2.17, or /uses npm:@babel/core."));
    };
    let asked = async {
        let shipped = app.store.find_packages(&query.keys(), query.ecosystem.as_deref()).await?;
        Ok((shipped, app.store.load_package_coverage().await?))
    };
    let (shipped, coverage) = match asked.await {
        Ok(found) => found,
        Err(error) => {
            let mut reply = failure::not_answered("uses", "What each repository ships", asking, &error);
            reply.lead = reply.lead.say(" Whose a component is, /owner knows without.");
            reply.buttons.push(Button::say("About owner", "help owner"));
            return reply;
        }
    };
    let shipped = match one_package(&query, shipped) {
        Ok(shipped) => shipped,
        Err(several) => return ask_back(args, several),
    };
    let Some(first) = shipped.first() else { return unknown(catalog, asking, &query, args, &coverage) };
    let ecosystem = Ecosystem::of(&first.package.ecosystem);
    let written = if args.range.is_empty() { query.version.unwrap_or_default() } else { args.range.clone() };
    let range = match written.as_str() {
        "" => None,
        written => match VersionRange::parse(ecosystem, written) {
            Ok(range) => Some(range),
            Err(bad) => {
                let said = UserError::new(format!("{bad}. {} is a package of {ecosystem}.", first.package.name));
                return slip(&said.next(format!("Write for example {}.", ecosystem.example())));
            }
        },
    };
    let answer = answer(catalog, ecosystem, written, range.as_ref(), &shipped);
    if args.tell {
        return tell::tell(app, catalog, asking, &answer).await;
    }
    show(catalog, asking, args, &answer, &coverage)
}

/// The person's own slip is no error of ours.
fn slip(error: &UserError) -> Reply {
    let mut reply = Reply { status: Status::NotFound, ..Reply::fault("uses", error) };
    reply.buttons.push(Button::say("About uses", "help uses"));
    reply
}

/// What is meant where all bear one name; else each package with how many repositories ship it.
fn one_package(query: &PackageQuery, mut shipped: Vec<Shipped>) -> Result<Vec<Shipped>, BTreeMap<(String, String), usize>> {
    // Whoever writes `lodash` means lodash and not @types/lodash.
    let keys = query.keys();
    if shipped.iter().any(|each| keys.contains(&each.key)) {
        shipped.retain(|each| keys.contains(&each.key));
    }
    let mut packages: BTreeMap<(String, String), std::collections::BTreeSet<(&str, i64)>> = BTreeMap::new();
    for each in &shipped {
        let package = (each.package.ecosystem.clone(), each.package.name.clone());
        packages.entry(package).or_default().insert((&each.source, each.repository_id));
    }
    let mut different: Vec<(&str, &str)> =
        shipped.iter().map(|each| (each.package.ecosystem.as_str(), each.key.as_str())).collect();
    different.sort_unstable();
    different.dedup();
    if different.len() <= 1 {
        return Ok(shipped);
    }
    Err(packages.into_iter().map(|(package, repositories)| (package, repositories.len())).collect())
}

fn ask_back(args: &Uses, packages: BTreeMap<(String, String), usize>) -> Reply {
    let mut packages: Vec<_> = packages.into_iter().collect();
    packages.sort_by(|(a, a_many), (b, b_many)| b_many.cmp(a_many).then_with(|| a.cmp(b)));
    let lead = format!("“{}” is the name of {} packages. Which one?", cut(&args.package, 60), packages.len());
    let mut reply = Reply::new(Status::Ambiguous, "uses", lead.into());
    let shown = &packages[..packages.len().min(OFFERED)];
    let items = shown.iter().map(|((ecosystem, name), many)| {
        let text = Text::new().code(format!("{ecosystem}:{name}"));
        ListItem::new(text.say(format!(": in {}", repositories(*many))))
    });
    let body = vec![Block::List { style: ListStyle::Bullets, items: items.collect() }];
    let buttons = shown.iter().map(|((ecosystem, name), _)| {
        let line = format!("uses {ecosystem}:{name} {}", args.range);
        Button::say(cut(&format!("{ecosystem}:{name}"), LABEL), line.trim_end())
    });
    reply.cards.push(Card { body, buttons: buttons.collect(), ..Card::default() });
    reply
}

fn unknown(catalog: &Catalog, asking: &Asking<'_>, query: &PackageQuery, args: &Uses, coverage: &PackageCoverage) -> Reply {
    let name = cut(&args.package, 60);
    let lead = match (coverage.covered, &query.ecosystem) {
        (0, _) => {
            format!("Nothing is known of “{name}”: no repository's packages have been read from GitHub's dependency graph yet.")
        }
        (_, Some(ecosystem)) => format!("No component is known to ship “{name}” ({}).", Ecosystem::of(ecosystem)),
        (_, None) => format!("No component is known to ship “{name}”."),
    };
    let mut reply = Reply::new(Status::NotFound, "uses", lead.into());
    reply.cards.push(Card { footer: covered(asking, coverage), ..Card::default() });
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// Each with whether the repository itself asks for it, where that is known.
type Versions = Vec<(String, Option<bool>)>;

fn answer(catalog: &Catalog, ecosystem: Ecosystem, written: String, range: Option<&VersionRange>, shipped: &[Shipped]) -> Answer {
    let mut repositories: BTreeMap<(&str, i64), (&Shipped, Versions)> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for each in shipped {
        let is_meant = match range {
            None => true,
            Some(range) => range.contains(&each.package.version).unwrap_or_else(|_| {
                unreadable.push((each.repository.clone(), each.package.version.clone()));
                false
            }),
        };
        if is_meant {
            let (_, versions) = repositories.entry((&each.source, each.repository_id)).or_insert_with(|| (each, Vec::new()));
            versions.push((each.package.version.clone(), each.package.direct));
        }
    }
    let mut described: BTreeMap<(&str, i64), Vec<&Arc<Entry>>> = BTreeMap::new();
    for entry in catalog.entries() {
        let key = (&*entry.origin.source, entry.origin.repository_id);
        if repositories.contains_key(&key) {
            described.entry(key).or_default().push(entry);
        }
    }
    let mut users = Vec::new();
    for (key, (shipped, mut versions)) in repositories {
        versions.sort_by(|(a, _), (b, _)| compare(ecosystem, a, b));
        versions.dedup();
        let user = |entry: Option<Arc<Entry>>| User {
            entry,
            repository: shipped.repository.clone(),
            archived: shipped.archived,
            versions: versions.clone(),
        };
        let entries = described.remove(&key).unwrap_or_default();
        let of_kind = |kinds: &[Kind]| -> Vec<Arc<Entry>> {
            entries.iter().filter(|entry| kinds.contains(&entry.entity.kind)).map(|entry| Arc::clone(entry)).collect()
        };
        let mut shipping = of_kind(&[Kind::Component]);
        if shipping.is_empty() {
            shipping = of_kind(&[Kind::Resource, Kind::Api, Kind::System]);
        }
        if shipping.is_empty() {
            users.push(user(None));
        }
        users.extend(shipping.into_iter().map(|entry| user(Some(entry))));
    }
    // What runs comes before what is archived, then team by team.
    users.sort_by_cached_key(|user| {
        let owner = user.entry.as_ref().and_then(|entry| entry.entity.owner()).map(|owner| label(catalog, owner));
        let name = user.entry.as_ref().map_or(&*user.repository, |entry| entry.entity.label()).to_lowercase();
        (user.archived, owner.is_none(), owner, name)
    });
    unreadable.sort();
    unreadable.dedup();
    let (package, name) = shipped
        .first()
        .map(|first| (format!("{}:{}", first.package.ecosystem, first.package.name), first.package.name.clone()))
        .unwrap_or_default();
    Answer { package, name, ecosystem, range: written, users, unreadable }
}

impl Answer {
    /// `log4j-core <2.17`.
    fn what(&self) -> String {
        format!("{} {}", self.name, self.range).trim_end().to_owned()
    }

    /// Those that own something of it, in the order shown.
    fn owners(&self) -> Vec<EntityRef> {
        let mut owners: Vec<EntityRef> = Vec::new();
        for owner in self.users.iter().filter_map(|user| user.entry.as_ref()?.entity.owner()) {
            if !owners.contains(owner) {
                owners.push(owner.clone());
            }
        }
        owners
    }
}

fn show(catalog: &Catalog, asking: &Asking<'_>, args: &Uses, answer: &Answer, coverage: &PackageCoverage) -> Reply {
    let (users, owners) = (&answer.users, answer.owners());
    let status = if users.is_empty() { Status::NotFound } else { Status::Answered };
    let lead = match users.len() {
        0 => Text::plain("No component is known to ship ").bold(answer.what()).say("."),
        many => {
            let (ships, them) = if many == 1 { ("ships", "it") } else { ("ship", "them") };
            let lead = Text::plain(format!("{} {ships} ", shippers(users))).bold(answer.what());
            match owners.as_slice() {
                [] => lead.say(format!("; nobody owns {them}.")),
                [one] => lead.say("; ").join(owner_text(catalog, one)).say(format!(" owns {them}.")),
                several => lead.say(format!("; {} own {them}.", count(several.len(), "team"))),
            }
        }
    };
    let mut reply = Reply::new(status, "uses", lead);
    reply.refs = users.iter().filter_map(|user| Some(user.entry.as_ref()?.entity.entity_ref.to_string())).collect();
    let pages = users.len().div_ceil(PAGE).max(1);
    let number = args.page.clamp(1, pages);
    let first = (number - 1) * PAGE;
    let shown = &users[first..users.len().min(first + PAGE)];
    let mut body = provenance::away_warning(asking);
    if !shown.is_empty() {
        let items = shown.iter().map(|user| ListItem::new(line(catalog, user))).collect();
        body.push(Block::List { style: ListStyle::Bullets, items });
    }
    let mut footer = covered(asking, coverage);
    if pages > 1 {
        footer = Text::plain(format!("{} to {} of {}. ", first + 1, first + shown.len(), users.len())).join(footer);
    }
    if !answer.ecosystem.is_exact() && !answer.range.is_empty() {
        footer = footer.say(" Versions of this ecosystem are compared leniently: numbers first, then the pre-release.");
    }
    reply.cards.push(Card { body, footer, ..Card::default() });
    reply.cards.extend(unreadable_card(answer));
    let line = format!("uses {} {}", answer.package, answer.range).trim_end().to_owned();
    if number > 1 {
        reply.buttons.push(Button::say("Previous", format!("{line} page {}", number - 1)));
    }
    if number < pages {
        reply.buttons.push(Button::say("Next twenty", format!("{line} page {}", number + 1)).primary());
    }
    if !owners.is_empty() && asking.standing >= Standing::Member {
        let question = format!("Send {} one message each?", count(owners.len(), "team"));
        reply.buttons.push(Button::say("Tell the owning teams", format!("{line} tell")).confirm(question));
    }
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// "3 components and 1 repository without a component".
fn shippers(users: &[User]) -> String {
    let described = users.iter().filter(|user| user.entry.is_some()).count();
    let bare = users.len() - described;
    let told = [(described, count(described, "component")), (bare, format!("{} without a component", repositories(bare)))];
    let told: Vec<String> = told.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    told.join(" and ")
}

/// "Payments API 2.14.1: Team Payments in #team-payments, part of Payments, archived".
fn line(catalog: &Catalog, user: &User) -> Text {
    let versions = versions_text(user);
    let Some(entry) = &user.entry else {
        return Text::new().bold(&*user.repository).say(" ").code(versions).say(": describes no component");
    };
    let text = Text::new().bold(entry.entity.label()).say(" ").code(versions).say(": ");
    let text = match entry.entity.owner() {
        Some(owner) => {
            let text = text.join(owner_text(catalog, owner));
            match channel_text(catalog, owner) {
                Some(channel) => text.say(" in ").join(channel),
                None => text.say(", no channel known"),
            }
        }
        None => text.say("nobody owns it"),
    };
    let mut facts = Vec::new();
    if let Some(system) = catalog.related(&entry.entity.entity_ref, RelationType::PartOf).first() {
        facts.push(format!("part of {}", label(catalog, system)));
    }
    if !user.versions.is_empty() && user.versions.iter().all(|(_, direct)| *direct == Some(false)) {
        facts.push("through another package".to_owned());
    }
    if user.archived {
        facts.push("archived".to_owned());
    }
    facts.into_iter().fold(text, |text, fact| text.say(format!(", {fact}")))
}

fn versions_text(user: &User) -> String {
    let mut versions: Vec<&str> = user.versions.iter().map(|(version, _)| version.as_str()).collect();
    versions.dedup();
    let shown: Vec<&str> =
        versions.iter().take(VERSIONS).map(|version| if version.is_empty() { "no version" } else { version }).collect();
    let more = versions.len().saturating_sub(VERSIONS);
    if more > 0 { format!("{} + {more}", shown.join(", ")) } else { shown.join(", ") }
}

/// What is not known to be in the range, and not known to be out of it.
fn unreadable_card(answer: &Answer) -> Option<Card> {
    if answer.unreadable.is_empty() {
        return None;
    }
    let mut items: Vec<ListItem> = answer
        .unreadable
        .iter()
        .take(UNREADABLE)
        .map(|(repository, version)| {
            let version = if version.is_empty() { "no version" } else { version };
            ListItem::new(Text::new().bold(repository.as_str()).say(" ").code(version))
        })
        .collect();
    if answer.unreadable.len() > UNREADABLE {
        items.push(ListItem::new(format!("+ {} more", answer.unreadable.len() - UNREADABLE).into()));
    }
    let title = Text::new().bold("Look at these yourself: their versions cannot be compared");
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    Some(Card { tone: Tone::Warning, title, body, ..Card::default() })
}

/// "The packages of 812 of 1020 repositories are known, read 3 min ago."
fn covered(asking: &Asking<'_>, coverage: &PackageCoverage) -> Text {
    let PackageCoverage { repositories: all, covered, off, newest, oldest } = coverage;
    let all = repositories(usize::try_from(*all).unwrap_or_default());
    let mut said = format!("The packages of {covered} of {all} are known");
    if let (Some(newest), Some(oldest)) = (newest, oldest) {
        let (newest, oldest) = (age(*newest, asking.now), age(*oldest, asking.now));
        said.push_str(&if newest == oldest {
            format!(", read {newest}")
        } else {
            format!(", the newest read {newest}, the oldest {oldest}")
        });
    }
    said.push('.');
    if *off > 0 {
        said.push_str(&format!(" For {off} GitHub has no dependency graph that Steward may see."));
    }
    said.into()
}

fn repositories(number: usize) -> String {
    if number == 1 { "1 repository".to_owned() } else { format!("{number} repositories") }
}
