//! How first days go, in numbers, for `/catalog`: nobody is named.

use crate::{
    catalog::live::DayOne,
    chat::{Block, Card, Text},
    commands::{Asking, answer::age::count},
};

/// None before anybody has begun.
pub(super) fn card(asking: &Asking<'_>) -> Option<Card> {
    let DayOne { newcomers, steps_seen, not_found, still_open } = asking.live.coverage.day_one?;
    if newcomers == 0 && not_found == 0 {
        return None;
    }
    let people = if newcomers == 1 { "1 newcomer has".to_owned() } else { format!("{newcomers} newcomers have") };
    let lost = match (not_found, still_open) {
        (0, _) => "all of it was found".to_owned(),
        (lost, 0) => format!("{} not found at first, all answered since", count(lost, "thing")),
        (lost, open) => format!("{} not found, {open} of them not answered yet", count(lost, "thing")),
    };
    let said = format!("{people} seen {} of /onboard; {lost}.", count(steps_seen, "step"));
    Some(Card { title: Text::new().bold("First days"), body: vec![Block::Paragraph(said.into())], ..Card::default() })
}
