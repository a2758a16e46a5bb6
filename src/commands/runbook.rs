//! `/runbook NAME [SECTION]`: the runbook itself, in chat.
//! Must not fetch anything: the text came with the sync.

mod nowhere;
mod shelf;

use std::{collections::HashSet, sync::Arc};

use super::{
    Asking,
    answer::{
        age::since,
        names::{channel_text, label},
        provenance, subject, warnings,
    },
};
use crate::{
    catalog::{
        Catalog, Entry, Kind, Origin, Question, RUNBOOK_PATHS, Runbook as RunbookFile, Sought,
        lookup::words::{stem, tokens},
        wants::is_folder,
    },
    chat::{
        Arguments, Block, Button, Card, ListItem, ListStyle, Reply, Status, Text, Tone,
        limits::{DISCORD, cut},
        markdown::{Section, parse_markdown},
        paging::pages,
    },
    search::SearchIndex,
};

const ANNOTATION: &str = "steward.dev/runbook";

/// Where several runbooks of one thing are kept.
const SHELF: &str = "runbooks";

/// How much is shown before the rest waits behind buttons: a phone's few screens, and within Discord's 6,000
/// characters a message.
const OVERVIEW_LETTERS: usize = 2_500;
const SECTION_LETTERS: usize = 5_000;

/// Headings in an outline; whoever wrote more has a search of their own.
const OUTLINED: usize = 60;

/// Sections that get a button: four rows on Discord.
const SECTION_BUTTONS: usize = 20;

/// A runbook that nobody touched for so long is doubted aloud.
const OLD_DAYS: i64 = 365;

/// A section that holds less of what was asked is about something else.
const HALF_OF_IT: f64 = 0.5;

/// Longest address that is written out.
const ADDRESS_SHOWN: usize = 60;

/// The arguments of `commands/runbook.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runbook {
    pub name: String,
    pub section: Option<String>,
    /// From one.
    pub page: usize,
}

impl From<&Arguments> for Runbook {
    fn from(arguments: &Arguments) -> Self {
        Self {
            name: arguments.find("name").unwrap_or_default().to_owned(),
            section: arguments.find("section").map(str::to_owned),
            page: arguments.find("page").and_then(|page| page.parse().ok()).unwrap_or(1),
        }
    }
}

/// Where an entity's runbook is.
enum Place {
    File {
        runbook: Arc<RunbookFile>,
        missing: Option<String>,
        /// It stands among several under this name, and what was asked names it, with this section of it.
        named: Option<(String, Option<String>)>,
        /// Names of others beside it.
        others: Vec<String>,
    },
    /// Outside of what is synced.
    Address(String),
    Nowhere {
        missing: Option<String>,
    },
}

pub fn runbook(catalog: &Catalog, asking: &Asking<'_>, search: &SearchIndex, args: &Runbook) -> Reply {
    let args = join_name(catalog, asking, args);
    let subject = match subject::resolve(catalog, asking, "runbook", &args.name) {
        Ok(subject) => subject,
        Err(mut reply) => {
            keep_section(&mut reply, args.section.as_deref());
            return *reply;
        }
    };
    let entry = &subject.entry;
    let mut reply = match place(catalog, entry, args.section.as_deref()) {
        Place::File { runbook, missing, named, others } => {
            let (file, section) = named.map_or((None, args.section.clone()), |(name, section)| (Some(name), section));
            let args = Runbook { section, ..args.clone() };
            let mut reply = show(catalog, asking, entry, &runbook, missing, file.as_deref(), &args);
            let full = &entry.entity.entity_ref;
            let other = |name: &String| Button::say(cut(name, DISCORD.button_label), cut_line(&format!("runbook {full} {name}")));
            reply.buttons.extend(others.iter().map(other));
            reply
        }
        Place::Address(url) => elsewhere(catalog, entry, &url),
        Place::Nowhere { missing } => subject::not_a_thing("runbook", &entry.entity)
            .unwrap_or_else(|| nowhere::nowhere(catalog, search, entry, missing, args.section.as_deref())),
    };
    reply.refs = vec![entry.entity.entity_ref.to_string()];
    subject.own_up(&mut reply);
    reply
}

/// Whether `/runbook` has something to show for it.
pub fn exists(catalog: &Catalog, entry: &Entry) -> bool {
    !matches!(place(catalog, entry, None), Place::Nowhere { .. })
}

/// Where it is, as a link: the file, or an address outside; `None` where there is none.
pub(super) fn place_text(catalog: &Catalog, entry: &Entry) -> Option<Text> {
    match place(catalog, entry, None) {
        Place::File { runbook, .. } => Some(match runbook.origin.url() {
            Some(url) => Text::new().link(&*runbook.origin.path, url),
            None => Text::new().code(&*runbook.origin.path),
        }),
        Place::Address(url) => Some(Text::new().link(cut(&url, ADDRESS_SHOWN), url.as_str())),
        Place::Nowhere { .. } => None,
    }
}

/// The parser cannot know where a name of several words ends ("payments api failover"): the longest one that is
/// somebody's exact name or alias wins.
fn join_name(catalog: &Catalog, asking: &Asking<'_>, args: &Runbook) -> Runbook {
    let Some(section) = &args.section else { return args.clone() };
    let words: Vec<&str> = section.split_whitespace().collect();
    for taken in (1..=words.len().min(4)).rev() {
        let name = format!("{} {}", args.name, words[..taken].join(" "));
        if subject::is_named(catalog, &name) || !catalog.find_gone(Sought::any(&name, &asking.groups)).is_empty() {
            let rest = words[taken..].join(" ");
            return Runbook { name, section: (!rest.is_empty()).then_some(rest), page: args.page };
        }
    }
    args.clone()
}

/// Buttons that ask which one is meant go on to the section that was asked for.
fn keep_section(reply: &mut Reply, section: Option<&str>) {
    let Some(section) = section else { return };
    for button in reply.cards.iter_mut().flat_map(|card| &mut card.buttons) {
        if let crate::chat::Does::Say(line) = &mut button.does
            && line.starts_with("runbook ")
        {
            *line = cut_line(&format!("{line} {section}"));
        }
    }
}

/// The line of another page, the section's name cut where it is too long for a button.
fn page_line(line: &str, page: usize) -> String {
    let page = format!(" page {page}");
    let kept: String = line.chars().take(DISCORD.button_value - page.len()).collect();
    kept + &page
}

fn cut_line(line: &str) -> String {
    line.chars().take(DISCORD.button_value).collect()
}

fn place(catalog: &Catalog, entry: &Entry, asked: Option<&str>) -> Place {
    // The runbook beside a list of teams is nobody's in particular.
    if matches!(entry.entity.kind, Kind::Group | Kind::User) && entry.entity.annotation(ANNOTATION).is_none() {
        return Place::Nowhere { missing: None };
    }
    let files = catalog.runbooks(entry.origin.repository_id);
    let mut missing = None;
    if let Some(written) = entry.entity.annotation(ANNOTATION).map(str::trim) {
        if written.starts_with("https://") || written.starts_with("http://") {
            // An address of a file that was synced anyway is shown, not linked.
            return match files.iter().find(|file| is_address_of(written, &file.origin)) {
                Some(file) => alone(file, None),
                None => Place::Address(written.to_owned()),
            };
        }
        let from_descriptor = join_path(folder(&entry.origin.path), written);
        let from_root = join_path("", written);
        match files.iter().find(|file| *file.origin.path == from_root || *file.origin.path == from_descriptor) {
            Some(file) => return alone(file, None),
            None if is_folder(written) => match shelf::choose(files, &[&from_root, &from_descriptor], entry, asked) {
                Some(place) => return place,
                None => missing = Some(written.to_owned()),
            },
            None => missing = Some(written.to_owned()),
        }
    }
    if files.is_empty() {
        return Place::Nowhere { missing };
    }
    // Beside the descriptor first: a repository may hold several things, each in its folder.
    let folders = [folder(&entry.origin.path), ""];
    let best = folders.iter().flat_map(|folder| RUNBOOK_PATHS.iter().map(move |path| join_path(folder, path)));
    let file = best.into_iter().find_map(|path| files.iter().find(|file| *file.origin.path == path));
    let beside = join_path(folders[0], SHELF);
    let shelves: Vec<&str> = if missing.is_none() { vec![beside.as_str(), SHELF] } else { Vec::new() };
    match file {
        Some(file) => match asked.and_then(|asked| shelf::fitting(files, &shelves, file, asked)) {
            Some(place) => place,
            None => {
                let others = shelf::names(files, &shelves, None);
                Place::File { runbook: Arc::clone(file), missing, named: None, others }
            }
        },
        None => shelf::choose(files, &shelves, entry, asked).unwrap_or(Place::Nowhere { missing }),
    }
}

fn alone(file: &Arc<RunbookFile>, missing: Option<String>) -> Place {
    Place::File { runbook: Arc::clone(file), missing, named: None, others: Vec::new() }
}

fn is_address_of(url: &str, origin: &Origin) -> bool {
    let Some(repository) = &origin.repository_url else { return false };
    let inside = url.strip_prefix(repository.as_ref()).and_then(|rest| rest.strip_prefix("/blob/"));
    inside.and_then(|rest| rest.split_once('/')).is_some_and(|(_, path)| path.split('#').next() == Some(&origin.path))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins and resolves `.` and `..`; what would leave the root stays at it.
fn join_path(folder: &str, path: &str) -> String {
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Where a link of the runbook leads: other files at the commit the runbook was read at.
fn resolve(origin: &Origin, target: &str) -> Option<String> {
    let has_scheme = target.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '#', '?']));
    if has_scheme {
        let allowed = ["http:", "https:", "mailto:"].iter().any(|scheme| target.to_ascii_lowercase().starts_with(scheme));
        return allowed.then(|| target.to_owned());
    }
    if let Some(rest) = target.strip_prefix("//") {
        return Some(format!("https://{rest}"));
    }
    if target.starts_with('#') {
        return Some(format!("{}{target}", origin.url()?));
    }
    let (repository, commit) = (origin.repository_url.as_ref()?, origin.commit.as_ref()?);
    let (path, anchor) = target.split_once('#').map_or((target, String::new()), |(path, anchor)| (path, format!("#{anchor}")));
    Some(format!("{repository}/blob/{commit}/{}{anchor}", join_path(folder(&origin.path), path)))
}

fn show(
    catalog: &Catalog,
    asking: &Asking<'_>,
    entry: &Entry,
    runbook: &RunbookFile,
    missing: Option<String>,
    file: Option<&str>,
    asked: &Runbook,
) -> Reply {
    let full = &entry.entity.entity_ref;
    let this = file.map_or_else(|| full.to_string(), |file| format!("{full} {file}"));
    let sections = parse_markdown(&runbook.text, &|target| resolve(&runbook.origin, target));
    let mut body = provenance::warnings(catalog, asking, &runbook.origin);
    body.extend(age_warning(asking, &runbook.origin));
    if let Some(missing) = missing {
        body.push(Block::Warning(
            format!("{ANNOTATION} names {missing}, which is not there; this is {}.", runbook.origin.path).into(),
        ));
    }
    body.splice(0..0, warnings::owner_gone(catalog, entry));
    let tone = if body.is_empty() { Tone::Neutral } else { Tone::Warning };
    let name = entry.entity.label();
    let chosen = asked.section.as_deref().map(|section| (section, best_section(&sections, section)));
    let lead = match chosen {
        Some((_, Some(at))) => Text::plain(format!("{name}, runbook: {}", sections[at].title.to_plain())),
        Some((asked, None)) => {
            let asked = cut(asked, 60);
            Text::plain(format!("The runbook of {name} has no section like “{asked}”. These are its sections:"))
        }
        None => Text::plain(format!("The runbook of {name}.")),
    };
    let (content, first) = match chosen {
        Some((_, Some(at))) => (whole_section(&sections, at), SECTION_LETTERS),
        Some((_, None)) => (outline(&sections).into_iter().collect(), SECTION_LETTERS),
        None => ((0..sections.len()).flat_map(|at| one_section(&sections, at)).collect(), OVERVIEW_LETTERS),
    };
    let mut pages = pages(content, first, SECTION_LETTERS);
    let page = asked.page.clamp(1, pages.len());
    let mut reply = Reply::new(
        Status::Answered,
        "runbook",
        match pages.len() {
            1 => lead,
            count => lead.say(format!(" Page {page} of {count}.")),
        },
    );
    if page > 1 {
        // Said on the first one.
        body.clear();
    } else if chosen.is_none() {
        body.extend(outline(&sections));
    }
    let count = pages.len();
    body.append(&mut pages[page - 1]);
    let source = runbook.origin.url();
    let shown = chosen.and_then(|(_, at)| at);
    let mut buttons = section_buttons(&this, &sections, shown);
    if shown.is_some() {
        buttons.insert(0, Button::say("Whole runbook", format!("runbook {this}")));
    }
    let line = match shown {
        Some(at) => format!("runbook {this} {}", sections[at].slug()),
        None => format!("runbook {this}"),
    };
    if page > 1 {
        buttons.insert(0, Button::say("Previous page", page_line(&line, page - 1)));
    }
    if page < count {
        buttons.insert(0, Button::say("More", page_line(&line, page + 1)).primary());
    }
    let title = runbook_title(&sections).unwrap_or_else(|| format!("Runbook of {name}").into());
    let footer = runbook
        .origin
        .committed_at
        .map_or_else(Text::new, |at| Text::plain(format!("Last changed {}", super::answer::age::age(at, asking.now))));
    reply.cards.push(Card { tone, title, body, buttons, footer, ..Card::default() });
    reply.buttons.push(Button::say("Owner", format!("owner {full}")));
    reply.buttons.extend(source.map(|url| Button::open("Source", url)));
    reply.provenance = Some(provenance::of_file(catalog, asking, &runbook.origin));
    reply
}

fn age_warning(asking: &Asking<'_>, origin: &Origin) -> Option<Block> {
    let changed = origin.committed_at?;
    let old = (asking.now - changed).num_days() > OLD_DAYS;
    let age = since(changed, asking.now).filter(|_| old)?;
    Some(Block::Warning(format!("Nobody has changed this runbook for {age}. Check before you trust a command.").into()))
}

/// The first heading where it is the only one of its level and stands on top.
fn runbook_title(sections: &[Section]) -> Option<Text> {
    let first = sections.first().filter(|section| section.level > 0)?;
    let alone = sections[1..].iter().all(|section| section.level > first.level);
    alone.then(|| first.title.clone())
}

/// Headings a person chooses from: all but the title.
fn headings(sections: &[Section]) -> impl Iterator<Item = (usize, &Section)> {
    let skip = usize::from(runbook_title(sections).is_some());
    sections.iter().enumerate().skip(skip).filter(|(_, section)| section.level > 0)
}

fn outline(sections: &[Section]) -> Option<Block> {
    let top = headings(sections).map(|(_, section)| section.level).min()?;
    let items: Vec<ListItem> = headings(sections)
        .filter(|(_, section)| section.level <= top + 1)
        .map(|(_, section)| ListItem { depth: section.level - top, checked: None, text: section.title.clone() })
        .take(OUTLINED)
        .collect();
    (items.len() > 1).then_some(Block::List { style: ListStyle::Bullets, items })
}

/// One section's own heading and blocks; the title's heading is on the card already.
fn one_section(sections: &[Section], at: usize) -> Vec<Block> {
    let section = &sections[at];
    let is_title = at == 0 && runbook_title(sections).is_some();
    let heading = (section.level > 0 && !is_title).then(|| Block::Heading(section.title.clone()));
    heading.into_iter().chain(section.blocks.iter().cloned()).collect()
}

/// A section with everything below it.
fn whole_section(sections: &[Section], at: usize) -> Vec<Block> {
    let level = sections[at].level;
    let below = sections[at + 1..].iter().take_while(|section| section.level > level).count();
    (at..=at + below).flat_map(|at| one_section(sections, at)).collect()
}

/// The section whose heading fits best: as written, by its start, by its words, by likeness, then by its text.
fn best_section(sections: &[Section], asked: &str) -> Option<usize> {
    let slug = |text: &str| Section { level: 1, title: text.into(), blocks: Vec::new() }.slug();
    let wanted = slug(asked.trim());
    if wanted.is_empty() {
        return None;
    }
    let words: Vec<String> = wanted.split('-').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let titled: Vec<(usize, String)> = headings(sections).map(|(at, section)| (at, section.slug())).collect();
    let first = |fits: &dyn Fn(&str) -> bool| titled.iter().find(|(_, slug)| fits(slug)).map(|(at, _)| *at);
    first(&|slug| slug == wanted)
        .or_else(|| first(&|slug| slug.replace('-', "") == wanted.replace('-', "")))
        .or_else(|| first(&|slug| slug.starts_with(&wanted)))
        .or_else(|| first(&|slug| words.iter().all(|word| slug.contains(word.as_str()))))
        .or_else(|| {
            let near = |slug: &str| slug.split('-').any(|part| strsim::damerau_levenshtein(part, &wanted) <= slips(&wanted));
            first(&|slug| strsim::damerau_levenshtein(slug, &wanted) <= slips(&wanted) || near(slug))
        })
        .or_else(|| {
            let mut holding = headings(sections).filter(|(_, section)| {
                let text: String = section.blocks.iter().map(plain_of).collect::<Vec<_>>().join(" ").to_lowercase();
                words.iter().all(|word| text.contains(word.as_str()))
            });
            holding.next().map(|(at, _)| at)
        })
        .or_else(|| nearest_section(sections, asked))
}

/// The section that holds most of what was asked, in whatever form of the words.
fn nearest_section(sections: &[Section], asked: &str) -> Option<usize> {
    let question = Question::read(asked);
    let all: f64 = question.words.iter().map(|word| word.weight).sum();
    let stems = |text: &str| tokens(text).iter().map(|token| stem(token)).collect::<HashSet<String>>();
    let held = |section: &Section| {
        let (title, text) =
            (stems(&section.title.to_plain()), stems(&section.blocks.iter().map(plain_of).collect::<Vec<_>>().join(" ")));
        let worth = |stem: &String| if title.contains(stem) { 1.5 } else { f64::from(u8::from(text.contains(stem))) };
        question.words.iter().map(|word| word.weight * worth(&word.stem)).sum::<f64>()
    };
    let mut best: Option<(f64, usize)> = None;
    for (at, section) in headings(sections) {
        let held = held(section);
        if held >= all * HALF_OF_IT && best.is_none_or(|(known, _)| held > known) {
            best = Some((held, at));
        }
    }
    best.map(|(_, at)| at)
}

fn slips(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

fn plain_of(block: &Block) -> String {
    match block {
        Block::Heading(text) | Block::Paragraph(text) | Block::Quote(text) | Block::Warning(text) => text.to_plain(),
        Block::Code { text, .. } => text.clone(),
        Block::List { items, .. } => items.iter().map(|item| item.text.to_plain()).collect::<Vec<_>>().join(" "),
        Block::Table { header, rows } => {
            header.iter().chain(rows.iter().flatten()).map(Text::to_plain).collect::<Vec<_>>().join(" ")
        }
        Block::Picture { says, .. } => says.clone(),
        Block::Divider => String::new(),
    }
}

fn section_buttons(this: &str, sections: &[Section], shown: Option<usize>) -> Vec<Button> {
    let others = headings(sections).filter(|(at, _)| Some(*at) != shown).take(SECTION_BUTTONS);
    let button = |section: &Section| {
        let label = cut(&section.title.to_plain(), DISCORD.button_label);
        Button::say(label, cut_line(&format!("runbook {this} {}", section.slug())))
    };
    others.map(|(_, section)| button(section)).collect()
}

fn elsewhere(catalog: &Catalog, entry: &Entry, url: &str) -> Reply {
    let lead = Text::plain(format!("The runbook of {} is kept elsewhere: ", entry.entity.label())).link(url, url).say(".");
    let mut reply = Reply::new(Status::Answered, "runbook", lead);
    reply.cards.extend(whom_to_ask(catalog, entry));
    reply.buttons =
        vec![Button::open("Open the runbook", url).primary(), Button::say("Owner", format!("owner {}", entry.entity.entity_ref))];
    reply
}

/// Who knows more, where the runbook itself cannot be shown.
fn whom_to_ask(catalog: &Catalog, entry: &Entry) -> Option<Card> {
    let owner = entry.entity.owner().filter(|owner| catalog.find(owner).is_some())?;
    let said = Text::plain("Ask ").bold(label(catalog, owner));
    let said = match channel_text(catalog, owner) {
        Some(channel) => said.say(" in ").join(channel).say("."),
        None => said.say("."),
    };
    Some(Card { body: vec![Block::Paragraph(said)], ..Card::default() })
}
