//! `/deps NAME [up|down|both] [depth N]`: what it depends on and what breaks with it, as a tree of words.
//! Must not draw a picture.

use super::{
    Asking,
    answer::{
        age::count,
        names::{bare_name, label, short_ref},
        provenance, subject,
        warnings::has_known_owner,
    },
};
use crate::{
    catalog::{Catalog, Circle, Dependencies, Direction, EntityRef, Found, Kind, Level, MAX_NODES, RelationType, Sought},
    chat::{Arguments, Block, Button, Card, Reply, Status, Text, Tone},
};

/// Levels shown where none are asked for.
const DEPTH: usize = 2;

/// What `commands/deps.yaml` allows.
const DEEPEST: usize = 9;

/// Lines of one tree: what a phone shows without losing the reader.
const TREE_LINES: usize = 30;

/// Teams named in "tell them" before "+ n".
const TEAMS: usize = 6;

/// The arguments of `commands/deps.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deps {
    pub name: String,
    /// `None`: both ways.
    pub direction: Option<Direction>,
    pub depth: Option<usize>,
}

impl From<&Arguments> for Deps {
    fn from(arguments: &Arguments) -> Self {
        let direction = match arguments.find("direction") {
            Some("up") => Some(Direction::Up),
            Some("down") => Some(Direction::Down),
            _ => None,
        };
        let depth = arguments.find("depth").and_then(|depth| depth.parse().ok());
        Self { name: arguments.find("name").unwrap_or_default().to_owned(), direction, depth }
    }
}

pub fn deps(catalog: &Catalog, asking: &Asking<'_>, args: &Deps) -> Reply {
    let resolved = subject::resolve(catalog, asking, "deps", &args.name);
    // A slip is forgiven only where no word behind a good name explains it.
    if !resolved.as_ref().is_ok_and(|subject| !subject.is_guess()) {
        match misplaced_word(catalog, asking, args) {
            Some(Misplaced::Depth(args)) => return deps(catalog, asking, &args),
            Some(Misplaced::Unknown { word, subject }) => return unknown_word(catalog, &word, &subject),
            None => {}
        }
    }
    let subject = match resolved {
        Ok(subject) => subject,
        Err(reply) => return *reply,
    };
    if let Some(reply) = subject::not_a_thing("deps", &subject.entry.entity) {
        return reply;
    }
    let root = &subject.entry.entity.entity_ref;
    let depth = args.depth.unwrap_or(DEPTH);
    let directions = match args.direction {
        Some(direction) => vec![direction],
        None => vec![Direction::Up, Direction::Down],
    };
    let all_up = catalog.dependencies(root, Direction::Up, usize::MAX);
    let all_down = catalog.dependencies(root, Direction::Down, usize::MAX);
    let lead = lead(catalog, root, &all_up, &all_down, args.direction);
    let mut reply = Reply::new(Status::Answered, "deps", lead);
    reply.refs = vec![root.to_string()];
    let stale = provenance::warnings(catalog, asking, &subject.entry.origin);
    if !stale.is_empty() {
        reply.cards.push(Card { tone: Tone::Warning, body: stale, ..Card::default() });
    }
    for direction in &directions {
        let all = match direction {
            Direction::Up => &all_up,
            Direction::Down => &all_down,
        };
        reply.cards.extend(card(catalog, root, *direction, depth, all));
        reply.refs.extend(all.nodes.iter().skip(1).filter(|node| node.depth <= depth).map(|node| node.entity_ref.to_string()));
    }
    if matches!(subject.entry.entity.kind, Kind::System | Kind::Domain) && all_up.total() + all_down.total() == 0 {
        reply.cards.push(parts_card(catalog, root));
    }
    reply.buttons = buttons(root, args.direction, depth, &all_up, &all_down);
    reply.provenance = Some(provenance::of_file(catalog, asking, &subject.entry.origin));
    subject.own_up(&mut reply);
    reply
}

/// The last word of a name that is one only without it.
enum Misplaced {
    Depth(Deps),
    Unknown { word: String, subject: EntityRef },
}

/// The parser cannot know where a name ends, so "payments-api 3" and "payments-api sideways" come whole.
fn misplaced_word(catalog: &Catalog, asking: &Asking<'_>, args: &Deps) -> Option<Misplaced> {
    let (name, word) = args.name.trim().rsplit_once(' ')?;
    let found = catalog.look_up(Sought::any(name, &asking.groups));
    let Found::One { entry, level: Level::Exact | Level::Alias, .. } = found else { return None };
    match word.parse::<usize>() {
        Ok(depth) if (1..=DEEPEST).contains(&depth) && args.depth.is_none() => {
            Some(Misplaced::Depth(Deps { name: name.to_owned(), depth: Some(depth), ..args.clone() }))
        }
        _ => Some(Misplaced::Unknown { word: word.to_owned(), subject: entry.entity.entity_ref.clone() }),
    }
}

fn unknown_word(catalog: &Catalog, word: &str, subject: &EntityRef) -> Reply {
    let name = bare_name(subject);
    let lead = format!(
        "/deps does not know “{}”. Behind a name it knows up, down, both and depth 1 to {DEEPEST}: ",
        crate::chat::limits::cut(word, 40)
    );
    let lead = Text::plain(lead).code(format!("/deps {name} up")).say(" shows what breaks with ");
    let mut reply = Reply::new(Status::NotFound, "deps", lead.say(format!("{}.", label(catalog, subject))));
    for (words, way) in [("What breaks with it", " up"), ("What it needs", " down"), ("Both", "")] {
        reply.buttons.push(Button::say(words, format!("deps {subject}{way}")));
    }
    reply
}

/// "If Payments API breaks, 7 others may break with it: 3 directly. It depends on 5 others itself."
fn lead(catalog: &Catalog, root: &EntityRef, up: &Dependencies, down: &Dependencies, direction: Option<Direction>) -> Text {
    let name = label(catalog, root);
    let others = |total: usize, cut: bool| match (total, cut) {
        (_, true) => format!("more than {MAX_NODES} others"),
        (1, false) => "1 other".to_owned(),
        (total, false) => format!("{total} others"),
    };
    let breaks = match up.total() {
        0 => format!("Nothing is known to break if {name} breaks."),
        total if total == up.direct() => format!("If {name} breaks, {} may break with it.", others(total, up.cut)),
        total => format!("If {name} breaks, {} may break with it: {} of them directly.", others(total, up.cut), up.direct()),
    };
    let it = if direction.is_none() { "It" } else { name.as_str() };
    let needs = match down.total() {
        0 => format!("{it} is not known to depend on anything."),
        total if total == down.direct() => format!("{it} depends on {}.", others(total, down.cut)),
        total => format!("{it} depends on {}: {} of them directly.", others(total, down.cut), down.direct()),
    };
    match direction {
        Some(Direction::Up) => breaks.into(),
        Some(Direction::Down) => needs.into(),
        None => format!("{breaks} {needs}").into(),
    }
}

fn card(catalog: &Catalog, root: &EntityRef, direction: Direction, depth: usize, all: &Dependencies) -> Option<Card> {
    if all.total() == 0 {
        return None;
    }
    let title = match direction {
        Direction::Up => "What breaks with it",
        Direction::Down => "What it depends on",
    };
    let shown = catalog.dependencies(root, direction, depth);
    let mut tree = Tree { catalog, dependencies: &shown, lines: Vec::new() };
    tree.draw();
    let mut body = vec![Block::Code { language: None, text: tree.text() }];
    let deeper = all.total() - shown.total();
    if deeper > 0 {
        body.push(Block::Paragraph(format!("{} further away; a greater depth shows them.", count_things(deeper)).into()));
    }
    if direction == Direction::Up {
        body.extend(teams_to_tell(catalog, root, all));
    }
    let unknown = all.nodes.iter().filter(|node| !node.exists).count();
    if unknown > 0 {
        let are = if unknown == 1 { "is" } else { "are" };
        body.push(Block::Warning(format!("{unknown} of these {are} not in the catalog: what lies behind is not known.").into()));
    }
    Some(Card { title: Text::new().bold(title), body, ..Card::default() })
}

fn count_things(number: usize) -> String {
    if number == 1 { "1 more lies".to_owned() } else { format!("{number} more lie") }
}

/// Whom to tell when it breaks.
fn teams_to_tell(catalog: &Catalog, root: &EntityRef, all: &Dependencies) -> Option<Block> {
    let said = [other_teams(catalog, root, all), without_owner(catalog, all)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| Block::Paragraph(said.join(" ").into()))
}

/// "loyalty-service has no known owner."
fn without_owner(catalog: &Catalog, all: &Dependencies) -> Option<String> {
    let entries = all.nodes[1..].iter().filter_map(|node| catalog.find(&node.entity_ref));
    let names: Vec<&str> = entries.filter(|entry| !has_known_owner(catalog, entry)).map(|entry| entry.entity.label()).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("{one} has no known owner.")),
        names if names.len() > TEAMS => {
            Some(format!("{} + {} more have no known owner.", names[..TEAMS].join(", "), names.len() - TEAMS))
        }
        [all @ .., last] => Some(format!("{} and {last} have no known owner.", all.join(", "))),
    }
}

fn other_teams(catalog: &Catalog, root: &EntityRef, all: &Dependencies) -> Option<String> {
    let own = catalog.find(root).and_then(|entry| entry.entity.owner());
    let mut weights: Vec<(usize, String)> = Vec::new();
    for node in &all.nodes[1..] {
        let Some(owner) = catalog.find(&node.entity_ref).and_then(|entry| entry.entity.owner()) else { continue };
        if Some(owner) == own || catalog.find(owner).is_none() {
            continue;
        }
        let name = label(catalog, owner);
        match weights.iter_mut().find(|(_, known)| *known == name) {
            Some((weight, _)) => *weight += 1,
            None => weights.push((1, name)),
        }
    }
    weights.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    if weights.is_empty() {
        return None;
    }
    let more = weights.len().saturating_sub(TEAMS);
    let names: Vec<String> = weights.into_iter().take(TEAMS).map(|(_, name)| name).collect();
    let more = if more > 0 { format!(" + {more} more") } else { String::new() };
    Some(format!("Other teams to tell: {}{more}.", names.join(", ")))
}

fn parts_card(catalog: &Catalog, root: &EntityRef) -> Card {
    let parts = catalog.related(root, RelationType::HasPart);
    let said = format!("It is made of {}; ask for one of them, dependencies belong to the parts.", count(parts.len(), "part"));
    let buttons = parts.iter().take(TEAMS).map(|part| Button::say(bare_name(part), format!("deps {part}"))).collect();
    Card { body: vec![Block::Paragraph(said.into())], buttons, ..Card::default() }
}

fn buttons(root: &EntityRef, direction: Option<Direction>, depth: usize, up: &Dependencies, down: &Dependencies) -> Vec<Button> {
    let mut buttons = Vec::new();
    if direction != Some(Direction::Up) && up.total() > 0 {
        buttons.push(Button::say("Only what breaks", format!("deps {root} up")));
    }
    if direction != Some(Direction::Down) && down.total() > 0 {
        buttons.push(Button::say("Only what it needs", format!("deps {root} down")));
    }
    let word = match direction {
        Some(Direction::Up) => " up",
        Some(Direction::Down) => " down",
        None => "",
    };
    let deepest = |all: &Dependencies| all.nodes.last().map_or(0, |node| node.depth);
    let behind = match direction {
        Some(Direction::Up) => deepest(up),
        Some(Direction::Down) => deepest(down),
        None => deepest(up).max(deepest(down)),
    };
    if behind > depth && depth < DEEPEST {
        buttons.push(Button::say("One level deeper", format!("deps {root}{word} depth {}", depth + 1)));
    }
    buttons.push(Button::say("Owner", format!("owner {root}")));
    buttons
}

/// A tree drawn with lines, for a fixed-width font.
struct Tree<'c> {
    catalog: &'c Catalog,
    dependencies: &'c Dependencies,
    lines: Vec<String>,
}

impl Tree<'_> {
    fn draw(&mut self) {
        self.lines.push(bare_name(&self.dependencies.nodes[0].entity_ref));
        self.draw_below(0, "");
    }

    fn draw_below(&mut self, at: usize, indent: &str) {
        let node = &self.dependencies.nodes[at];
        let last = node.children.len() + node.repeats.len();
        for (place, child) in node.children.iter().enumerate() {
            let (branch, below) = if place + 1 == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.lines.push(format!("{indent}{branch}{}", self.describe(*child)));
            self.draw_below(*child, &format!("{indent}{below}"));
        }
        for (place, repeat) in node.repeats.iter().enumerate() {
            let branch = if node.children.len() + place + 1 == last { "└─ " } else { "├─ " };
            let name = bare_name(&repeat.entity_ref);
            let said = match repeat.circle {
                Circle::Closes => format!("↺ {name} (a circle)"),
                Circle::Joins => format!("{name} (also elsewhere here)"),
            };
            self.lines.push(format!("{indent}{branch}{said}"));
        }
    }

    /// "ledger (through ledger-grpc), Team Ledger".
    fn describe(&self, at: usize) -> String {
        let node = &self.dependencies.nodes[at];
        let mut said = bare_name(&node.entity_ref);
        if let Some(api) = &node.via {
            said.push_str(&format!(" (through {})", bare_name(api)));
        }
        let Some(entry) = self.catalog.find(&node.entity_ref) else {
            return format!("✗ {} is not in the catalog", short_ref(&node.entity_ref));
        };
        if crate::catalog::is_deprecated(&entry.entity) {
            said.push_str(" (deprecated)");
        }
        match entry.entity.owner() {
            Some(owner) if self.catalog.find(owner).is_some() => format!("{said}: {}", label(self.catalog, owner)),
            Some(_) | None => format!("{said}: no known owner"),
        }
    }

    fn text(&self) -> String {
        let more = self.lines.len().saturating_sub(TREE_LINES);
        let mut text = self.lines[..self.lines.len().min(TREE_LINES)].join("\n");
        if more > 0 {
            text.push_str(&format!("\n+ {more} more lines"));
        }
        text
    }
}
