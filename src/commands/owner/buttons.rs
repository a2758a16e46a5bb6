//! What one may do from the card: what an incident needs first.

use crate::{
    catalog::{Catalog, Entry, Kind},
    chat::Button,
    commands::{Asking, answer::on_call::find_duty, runbook},
};

pub(super) fn buttons(catalog: &Catalog, asking: &Asking<'_>, entry: &Entry) -> Vec<Button> {
    let entity = &entry.entity;
    let full = &entity.entity_ref;
    let mut buttons = Vec::new();
    let has_runbook = runbook::exists(catalog, entry);
    let is_thing = matches!(entity.kind, Kind::Component | Kind::Api | Kind::Resource);
    if has_runbook && (is_thing || matches!(entity.kind, Kind::System | Kind::Domain)) {
        let runbook = Button::say("Runbook", format!("runbook {full}"));
        buttons.push(if is_thing { runbook.primary() } else { runbook });
    }
    // Who is woken is said, and asked, on the form that it opens: a card may be hours old when it is pressed.
    let can_page = |key: &crate::catalog::live::ScheduleKey| {
        asking.live.on_call.provider(&key.provider).is_some_and(|provider| provider.cannot_page.is_none())
    };
    if find_duty(catalog, asking, entity).is_some_and(|duty| can_page(&duty.named.key)) {
        buttons.push(Button::say("Page on-call", format!("page {full}")));
    }
    if is_thing {
        buttons.push(Button::say("Blast radius", format!("deps {full}")));
        let open = asking.live.recent.open_incidents(full.as_str());
        if !open.is_empty() {
            buttons.push(Button::say("Close incident", format!("incident {full} close")));
        }
        buttons.push(Button::say("Attach incident", format!("incident {full}")));
        buttons.push(Button::say("Refresh", format!("owner {full}")));
    }
    if let Some(owner) = entity.owner().filter(|owner| catalog.find(owner).is_some()) {
        buttons.push(Button::say("Owner's page", format!("owner {owner}")));
    }
    let wrong = if entity.owner().is_some() { "Wrong owner?" } else { "Wrong entry?" };
    buttons.push(Button::say(wrong, format!("report {full}")));
    if let Some(url) = entry.origin.url() {
        buttons.push(Button::open("Source", url));
    }
    buttons
}
