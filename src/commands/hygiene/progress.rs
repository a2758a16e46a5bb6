//! One fix as everybody sees it: in the message that follows it, and on GitHub. Must not know who looks.

use super::{draw::lower, parse_key};
use crate::{
    catalog::{
        Catalog, EntityRef,
        descriptor::{DOCS_ANNOTATION, RUNBOOK_ANNOTATION},
        people::annotation,
    },
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Span, Status, Text, Tone, limits::cut},
    commands::answer::{age::count, names::label},
    hygiene::{
        check::Check,
        fix::{CHANNEL, VERIFIED, propose::Said},
    },
    store::{Fix, FixState, FixedFile, Reading},
};

/// Findings that are named in one message.
const FINDINGS: usize = 12;

/// Letters of a change that are shown: what is longer is read on GitHub.
const PATCH: usize = 2_500;

/// GitHub's own limit is far above; nobody reads a longer headline.
const TITLE: usize = 100;

/// The address that GitHub knows an account by, whatever its owner's real one is
/// (<https://docs.github.com/en/account-and-profile/reference/email-addresses-reference>).
const NO_REPLY: &str = "users.noreply.github.com";

/// The message of a fix.
pub fn progress(catalog: &Catalog, fix: &Fix) -> Reply {
    let link = match (&fix.url, fix.number) {
        (Some(url), Some(number)) => Text::new().link(format!("{}#{number}", fix.repository), url.as_str()),
        _ => Text::new().code(&fix.repository),
    };
    let by = fix.person.as_ref().map_or_else(|| fix.account.name.clone(), |person| label(catalog, person));
    let what = about(catalog, fix);
    let lead = match fix.state {
        FixState::Intended => Text::plain("Proposing ").join(what).say(" to ").join(link).say(" …"),
        FixState::Open => Text::plain("Proposed: ").join(what).say(" in ").join(link).say(". It waits for review."),
        FixState::Merged => Text::plain("✓ Merged: ").join(what).say(" in ").join(link).say("."),
        FixState::Closed => {
            Text::plain("Closed without being merged: ").join(what).say(" in ").join(link).say(". The findings stay open.")
        }
        FixState::Failed => Text::plain("Not proposed: ").join(what).say(" in ").join(link).say("."),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead);
    reply.refs = fix.files.iter().map(|file| file.entity.to_string()).collect();
    reply.audience = crate::chat::Audience::Everyone;
    let mut body = Vec::new();
    if let Some(reason) = fix.reason.as_deref().filter(|_| fix.state == FixState::Failed) {
        body.push(Block::Warning(sentence(reason).into()));
    }
    let items: Vec<ListItem> = fix.keys.iter().take(FINDINGS).filter_map(|key| finding(catalog, key, fix)).collect();
    if !items.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items });
    }
    let guesses: Vec<ListItem> = guesses(fix).collect();
    if !guesses.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items: guesses });
    }
    if let Some(patch) = fix.patch.as_deref().filter(|_| matches!(fix.state, FixState::Failed | FixState::Open)) {
        body.push(Block::Code { language: Some("diff".to_owned()), text: cut(patch.trim_end(), PATCH) });
    }
    let tone = match fix.state {
        FixState::Merged => Tone::Good,
        FixState::Failed => Tone::Critical,
        FixState::Closed => Tone::Warning,
        FixState::Intended | FixState::Open => Tone::Neutral,
    };
    let footer = Text::plain(format!("Asked for by {by}."));
    reply.cards.push(Card { tone, body, footer, ..Card::default() });
    reply.buttons = buttons(catalog, fix);
    reply
}

/// "No owner of Payments API", struck once it is mended.
fn finding(catalog: &Catalog, key: &str, fix: &Fix) -> Option<ListItem> {
    let (check, entity) = parse_key(key)?;
    let words = format!("{} of {}", check.title, name_of(catalog, fix, check, &entity));
    Some(ListItem::new(match fix.state {
        FixState::Merged => Text::plain("✓ ").push(Span::Strike(words)),
        FixState::Intended | FixState::Open | FixState::Closed | FixState::Failed => Text::plain(words),
    }))
}

/// A repository is in no catalog before it is described.
fn name_of(catalog: &Catalog, fix: &Fix, check: &Check, entity: &EntityRef) -> String {
    if check.is_of_repositories() { fix.repository.clone() } else { label(catalog, entity) }
}

/// "Owner: team-payments, a guess: wrote 34 of the last 40 commits".
fn guesses(fix: &Fix) -> impl Iterator<Item = ListItem> {
    let readings = fix.files.iter().flat_map(|file| &file.readings).filter(|reading| reading.is_guess);
    readings.map(|Reading { what, value, from, .. }| {
        ListItem::new(Text::plain(format!("{}: ", upper(what))).bold(value).say(format!(", a guess: {from}")))
    })
}

/// "owner of **Payments API**", "a change of 3 entries".
fn about(catalog: &Catalog, fix: &Fix) -> Text {
    match fix.files.as_slice() {
        [one] if one.is_new => Text::plain("a first descriptor"),
        [one] => Text::plain(format!("{} of ", fields(one))).bold(label(catalog, &one.entity)),
        several => Text::plain(format!("changes of {} entries", several.len())),
    }
}

/// "owner", "owner and lifecycle".
fn fields(file: &FixedFile) -> String {
    let word = |key: &String| match key.as_str() {
        RUNBOOK_ANNOTATION => "runbook".to_owned(),
        DOCS_ANNOTATION => "documentation".to_owned(),
        CHANNEL => "channel".to_owned(),
        VERIFIED => "day of the last look".to_owned(),
        key if key.contains('/') => "on-call schedule".to_owned(),
        key => key.to_owned(),
    };
    let names: Vec<String> = file.changes.iter().filter_map(|change| change.path.last().map(word)).collect();
    match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    }
}

fn buttons(catalog: &Catalog, fix: &Fix) -> Vec<Button> {
    let mut buttons = Vec::new();
    let first = fix.keys.first();
    match fix.state {
        FixState::Open => {
            buttons.extend(fix.url.as_deref().map(|url| Button::open("Pull request", url).primary()));
        }
        FixState::Merged => {}
        FixState::Closed | FixState::Failed => {
            buttons.extend(match fix.files.iter().any(|file| file.is_new) {
                true => Some(Button::say("Describe again", format!("hygiene describe {}", fix.repository))),
                false => first.map(|key| Button::say("Fix again", format!("hygiene fix {key}"))),
            });
            let entry = fix.files.first().and_then(|file| catalog.find(&file.entity));
            let url = entry.and_then(|entry| entry.origin.url());
            buttons.extend(url.map(|url| Button::open("The file", url)));
        }
        FixState::Intended => {}
    }
    if let [file] = fix.files.as_slice()
        && catalog.find(&file.entity).is_some()
    {
        buttons.push(Button::say("What is open there", format!("hygiene {}", file.entity)));
    }
    buttons
}

/// What stands on GitHub.
pub fn said(catalog: &Catalog, fix: &Fix) -> Said {
    let title = match fix.files.as_slice() {
        [one] if one.is_new => format!("Describe {} for the catalog", one.entity.name()),
        [one] => format!("Set {} of {}", fields(one), label(catalog, &one.entity)),
        several => format!("Complete {}", count(several.len(), "entry").replace("entrys", "entries of the catalog")),
    };
    let mut body = String::new();
    if !fix.keys.is_empty() {
        body.push_str("What was wrong:\n\n");
    }
    for (check, entity) in fix.keys.iter().filter_map(|key| parse_key(key)) {
        let name = escape(&name_of(catalog, fix, check, &entity));
        body.push_str(&format!("- **{name}**: {}. {}\n", lower(check.title), check.why));
    }
    body.push_str("\nWhat this changes, and nothing else:\n\n");
    for file in &fix.files {
        for change in file.changes.iter().filter(|_| !file.is_new) {
            let key = change.path.join(".");
            body.push_str(&format!("- `{}`: `{key}` becomes `{}`\n", file.path, change.value.replace('`', "'")));
        }
        if file.is_new {
            body.push_str(&format!("- `{}`: new\n", file.path));
        }
    }
    for file in fix.files.iter().filter(|file| file.is_new) {
        body.push_str("\nWhere what it says comes from:\n\n");
        let said: Vec<&str> = file.changes.iter().filter_map(|change| Some(change.path.last()?.as_str())).collect();
        if !said.is_empty() {
            body.push_str(&format!("- {}: said in the form\n", said.join(", ")));
        }
        for Reading { what, value, from, is_guess } in &file.readings {
            let value = if value.is_empty() { String::new() } else { format!(" `{}`", value.replace('`', "'")) };
            let from = escape(from);
            match is_guess {
                true => body.push_str(&format!("- {what}{value}, a guess: {from}. Please correct it where it is wrong.\n")),
                false => body.push_str(&format!("- {what}{value}: {from}\n")),
            }
        }
    }
    let person = fix.person.as_ref().and_then(|person| catalog.find(catalog.primary(person)));
    let name = person.map_or_else(|| fix.account.name.clone(), |person| person.entity.label().to_owned());
    body.push_str(&format!("\nAsked for by {} in chat; proposed by Steward.\n", escape(&name)));
    let login = person.and_then(|person| person.entity.annotation(annotation::GITHUB_LOGIN)).map(|login| login.trim().to_owned());
    let id = person.and_then(|person| person.entity.annotation(annotation::GITHUB_ID)).map(str::trim);
    let author = login.as_ref().map(|login| match id {
        Some(id) => (one_line(&name), format!("{id}+{login}@{NO_REPLY}")),
        None => (one_line(&name), format!("{login}@{NO_REPLY}")),
    });
    Said { title: cut(&one_line(&title), TITLE), body, author, login }
}

/// Names are anybody's to choose: none calls somebody or becomes markup.
fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '@' => out.push_str("@\u{200b}"),
            '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\' | '!' => out.extend(['\\', letter]),
            '\n' | '\r' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// As a header or a trailer takes it.
fn one_line(text: &str) -> String {
    let plain = |letter: &char| !matches!(letter, '<' | '>');
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(plain).collect()
}

fn sentence(reason: &str) -> String {
    let reason = reason.trim();
    let end = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    // What begins with a repository's name is written as that is.
    let begins = if reason.split(' ').next().is_some_and(|word| word.contains('/')) { reason.to_owned() } else { upper(reason) };
    format!("{begins}{end}")
}

fn upper(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}
