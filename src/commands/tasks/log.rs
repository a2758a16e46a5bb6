//! What the steps of a run wrote to their logs, in pages. Secrets are out of them since they were written down.

use crate::{
    chat::{Block, Button, Card, Reply, Status, Text, paging::pages},
    store::Run,
};

/// Letters of a page: a third of what Slack takes in a message.
const PAGE: usize = 6_000;

pub fn log(run: &Run, page: usize) -> Reply {
    let mut blocks = Vec::new();
    for step in &run.steps {
        let lines = step.log.iter().chain(&step.warnings).map(String::as_str).chain(step.error.as_deref());
        let text = lines.collect::<Vec<_>>().join("\n");
        if !text.trim().is_empty() {
            blocks.push(Block::Heading(step.name.as_str().into()));
            blocks.push(Block::Code { language: None, text });
        }
    }
    let id = run.id;
    if blocks.is_empty() {
        let mut reply = Reply::new(Status::Answered, "tasks", format!("Run {id} has written nothing to its log.").into());
        reply.buttons.push(Button::say("Show the run", format!("tasks {id}")));
        return reply;
    }
    let mut pages = pages(blocks, PAGE, PAGE);
    let last = pages.len();
    let page = page.clamp(1, last);
    let lead = Text::plain("Log of run ").bold(id.to_string()).say(format!(", {}", run.title));
    let lead = if last > 1 { lead.say(format!(", page {page} of {last}.")) } else { lead.say(".") };
    let mut reply = Reply::new(Status::Answered, "tasks", lead);
    reply.cards.push(Card { body: pages.swap_remove(page - 1), ..Card::default() });
    if page > 1 {
        reply.buttons.push(Button::say("Before", format!("tasks log {id} page {}", page - 1)));
    }
    if page < last {
        reply.buttons.push(Button::say("More", format!("tasks log {id} page {}", page + 1)));
    }
    reply.buttons.push(Button::say("Show the run", format!("tasks {id}")));
    reply
}
