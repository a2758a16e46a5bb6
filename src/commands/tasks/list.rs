//! Runs in a list: the asker's, their teams', or all.

use crate::{
    app::App,
    catalog::Catalog,
    chat::{Block, Button, Card, ListItem, ListStyle, Reply, Span, Status, Text},
    commands::{
        Asking,
        answer::{failure, names::label},
    },
    store::{RunLine, RunState},
};

use super::{Which, is_by, is_of_team, progress::state_words};

/// One line each.
const PAGE: usize = 15;

/// On a home page.
const LATEST: usize = 5;

pub async fn list(app: &App, catalog: &Catalog, asking: &Asking<'_>, which: Which, page: usize) -> Reply {
    let all = match app.store.load_runs().await {
        Ok(all) => all,
        Err(error) => return failure::not_answered("tasks", "What was run", asking, &error),
    };
    let shown: Vec<&RunLine> = all.iter().filter(|run| is_listed(catalog, asking, which, run)).collect();
    if shown.is_empty() {
        return empty(which);
    }
    let pages = shown.len().div_ceil(PAGE);
    let page = page.clamp(1, pages);
    let said = match (which, shown.len()) {
        (Which::Ours, 1) => "One run of yours and your teams.".to_owned(),
        (Which::Ours, many) => format!("{many} runs of yours and your teams, the latest first."),
        (Which::Mine, many) => format!("Your runs: {many}, the latest first."),
        (Which::Failed, many) => format!("Runs that came to no good end: {many}."),
        (Which::Running, many) => format!("Runs that are not at their end: {many}."),
        (Which::All, many) => format!("Everybody's runs: {many}, the latest first."),
    };
    let said = if pages > 1 { format!("{said} Page {page} of {pages}.") } else { said };
    let mut reply = Reply::new(Status::Answered, "tasks", said.into());
    let here: Vec<&RunLine> = shown.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
    let items = here.iter().map(|run| ListItem::new(line_text(catalog, run))).collect();
    let buttons = here.iter().take(5).map(|run| Button::say(format!("Run {}", run.id), format!("tasks {}", run.id)));
    let body = vec![Block::List { style: ListStyle::Bullets, items }];
    reply.cards.push(Card { body, buttons: buttons.collect(), ..Card::default() });
    let line = |page: usize| format!("tasks {} page {page}", which.word()).replace("  ", " ");
    if page > 1 {
        reply.buttons.push(Button::say("Newer", line(page - 1)));
    }
    if page < pages {
        reply.buttons.push(Button::say("Older", line(page + 1)));
    }
    reply
}

/// The asker's own latest runs, for their home page.
pub fn latest<'r>(catalog: &Catalog, asking: &Asking<'_>, all: &'r [RunLine]) -> Vec<&'r RunLine> {
    all.iter().filter(|run| is_by(catalog, asking, &run.account, run.person.as_ref())).take(LATEST).collect()
}

/// "12 TypeScript service: acme/shop: done, by Ana Silva, 2026-11-21 09:00 UTC".
pub fn line_text(catalog: &Catalog, run: &RunLine) -> Text {
    let by = run.person.as_ref().map_or_else(|| run.account.name.clone(), |person| label(catalog, person));
    let state = match run.state {
        RunState::Running => format!("{} ({} of {} steps)", state_words(run.state), run.steps_ended, run.steps),
        state => state_words(state).to_owned(),
    };
    let text = Text::new().bold(run.id.to_string()).say(format!(" {} ", run.title)).bold(state);
    text.say(format!(", by {by}, ")).push(Span::Time(run.created_at))
}

fn is_listed(catalog: &Catalog, asking: &Asking<'_>, which: Which, run: &RunLine) -> bool {
    let is_own = is_by(catalog, asking, &run.account, run.person.as_ref());
    let is_ours = || is_own || is_of_team(catalog, asking, run.person.as_ref());
    match which {
        Which::All => true,
        Which::Mine => is_own,
        Which::Ours => is_ours(),
        Which::Failed => is_ours() && matches!(run.state, RunState::Failed | RunState::Unknown),
        Which::Running => {
            is_ours() && !matches!(run.state, RunState::Failed | RunState::Unknown | RunState::Done | RunState::Cancelled)
        }
    }
}

fn empty(which: Which) -> Reply {
    let said = match which {
        Which::Ours => "Neither you nor your teams have run a template yet. /new shows what there is.",
        Which::Mine => "You have run no template yet. /new shows what there is.",
        Which::Failed => "No run of yours or your teams has failed.",
        Which::Running => "No run of yours or your teams is going on.",
        Which::All => "Nobody has run a template yet. /new shows what there is.",
    };
    let mut reply = Reply::new(Status::Answered, "tasks", said.into());
    if matches!(which, Which::Ours | Which::Mine | Which::All) {
        reply.buttons.push(Button::say("Templates", "new").primary());
    }
    reply
}
