//! `/catalog gaps`: names that people ask for and that nothing is called; and what is counted as one.
//! Must not keep anything about a person: neither who asked, nor what looks like somebody's name or address.

use crate::{
    app::App,
    catalog::Catalog,
    chat::{ArgumentType, Arguments, Block, Button, Card, CommandDef, ListItem, ListStyle, Reply, Status, Text},
    commands::{
        Asking,
        answer::{
            age::{age, count},
            failure,
        },
        find::asked,
    },
    store::Gap,
};

/// Names that are shown.
const SHOWN: usize = 20;

/// Names that are read, to have enough left without those that have an entry by now.
const READ: i64 = 300;

/// Longest name that is counted; more is a sentence.
const LONGEST: usize = 60;

/// Words of a name that is counted; more is a question.
const MOST_WORDS: usize = 4;

/// Commands that ask for people, whose names are not kept.
const ABOUT_PEOPLE: [&str; 3] = ["whois", "audit", "channel"];

/// Counts what a command was asked for in vain.
pub fn count_gap(app: &App, catalog: &Catalog, command: &CommandDef, arguments: &Arguments, reply: &Reply) {
    let is_in_vain = reply.status == Status::NotFound && reply.refs.is_empty() && !catalog.is_empty();
    if !is_in_vain || ABOUT_PEOPLE.contains(&command.name.as_str()) {
        return;
    }
    // Words are names where the command finds entries by them; of a package or an address the catalog knows nothing.
    let names_entry = |kind: ArgumentType| match kind {
        ArgumentType::Entity => true,
        ArgumentType::Words => command.name == "find",
        ArgumentType::Choice | ArgumentType::Number | ArgumentType::Command => false,
    };
    let typed = command.arguments.iter().filter(|argument| names_entry(argument.argument_type));
    let typed = typed.filter_map(|argument| arguments.find(&argument.name)).next();
    // What no filter lets through may well be there.
    let Some(name) = typed.filter(|typed| !asked::is_filtered(typed)).and_then(normalise) else { return };
    let is_somebody = catalog.all_gone().any(|gone| {
        gone.entity_ref.kind() == "user"
            && [gone.entity_ref.name(), &gone.label].into_iter().filter_map(normalise).any(|one| one == name)
    });
    if !is_somebody && !catalog.is_called(&name) {
        app.live.gaps.count(name);
    }
}

/// The name as it is counted; `None` for what is no name of a thing: an address, an account, a sentence.
pub fn normalise(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_matches(['`', '"', '\'', '?', '!', ',']).trim().to_lowercase();
    if typed.contains(['@', '<', '>']) || typed.starts_with("user:") {
        return None;
    }
    // Of an address, a reference or a repository the last part is the name.
    let name = typed.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default();
    let words: Vec<&str> =
        name.split(|letter: char| letter.is_whitespace() || letter == '_').filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    let is_plain = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '.'));
    let has_letters = name.chars().filter(|letter| letter.is_alphabetic()).count() >= 2;
    let is_short = words.len() <= MOST_WORDS && name.chars().count() <= LONGEST;
    (is_plain && has_letters && is_short).then_some(name)
}

/// The names asked for most.
pub async fn gaps(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    // What was counted a moment ago belongs to it.
    let loaded = match flush(app).await {
        Ok(()) => app.store.load_gaps(READ).await,
        Err(error) => Err(error),
    };
    let gaps: Vec<Gap> = match loaded {
        Ok(gaps) => gaps.into_iter().filter(|gap| !catalog.is_called(&gap.name)).collect(),
        Err(error) => return failure::not_answered("catalog", "What people ask for in vain", asking, &error),
    };
    if gaps.is_empty() {
        let lead = "No gaps: whatever people asked for in the last 90 days is in the catalog, or nobody asked in vain.";
        return Reply::new(Status::Answered, "catalog", lead.into());
    }
    let shown = gaps.len().min(SHOWN);
    let lead = match gaps.len() {
        1 => "One name is asked for and nothing is called so.".to_owned(),
        all if all == shown => format!("{all} names are asked for and nothing is called so, the most asked first."),
        all => format!("{all} names are asked for and nothing is called so; these are the {shown} most asked."),
    };
    let mut reply = Reply::new(Status::Answered, "catalog", lead.into());
    let items = gaps[..shown].iter().map(|gap| {
        let asked = count(usize::try_from(gap.asked).unwrap_or(usize::MAX), "time");
        ListItem::new(
            Text::new().code(gap.name.as_str()).say(format!(": asked for {asked}, last {}", age(gap.last_at, asking.now))),
        )
    });
    let list = Block::List { style: ListStyle::Numbers { start: 1 }, items: items.collect() };
    let advice = Text::plain("To close one, add a ").code("catalog-info.yaml").say(" to its repository (").code("metadata.name");
    let advice = advice.say(" is the name), or, where people mean something that is there, add the name to its ");
    let advice = advice.code("steward.dev/aliases").say(". It leaves this list by itself.");
    reply.cards.push(Card { body: vec![list, Block::Paragraph(advice)], ..Card::default() });
    reply.buttons.push(Button::say("State of the catalog", "catalog"));
    reply
}

/// Writes down what was counted; what cannot be is kept for the next time.
pub async fn flush(app: &App) -> Result<(), crate::store::StoreError> {
    let counted = app.live.gaps.take();
    if counted.is_empty() {
        return Ok(());
    }
    let written = app.store.add_gaps(&counted, app.clock.now()).await;
    if written.is_err() {
        app.live.gaps.put_back(counted);
    }
    written
}
