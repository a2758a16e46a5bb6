//! In `/catalog`: whether chat reaches us.

use crate::{
    catalog::live::{Hearing, HearingState, Sockets},
    chat::{Block, Card, Text, Tone},
    commands::{
        Asking,
        answer::age::{age, count},
    },
};

/// None where no chat platform is set up.
pub(super) fn hearing_card(asking: &Asking<'_>) -> Option<Card> {
    let hearing = &asking.live.hearing;
    let Hearing { sockets, by_http, last_event_at, revoked: _ } = &**hearing;
    let mut said = match hearing.state() {
        HearingState::NotSetUp => return None,
        HearingState::Deaf => format!("nothing arrives: {}", hearing.fault().unwrap_or_default()),
        HearingState::Hearing => match sockets {
            Some(Sockets { open, wanted, .. }) if open < wanted => format!("{open} of {} open", count(*wanted, "socket")),
            Some(Sockets { open, .. }) => format!("{} open", count(*open, "socket")),
            None => "by HTTP".to_owned(),
        },
    };
    if sockets.is_some() && *by_http {
        said.push_str(", and HTTP");
    }
    match last_event_at {
        Some(at) => said.push_str(&format!("; last heard {}", age(*at, asking.now))),
        None => said.push_str("; nothing heard since the start"),
    }
    let tone = if hearing.state() == HearingState::Deaf { Tone::Warning } else { Tone::Neutral };
    let body = vec![Block::Paragraph(Text::plain(format!("Slack: {said}.")))];
    Some(Card { tone, title: Text::new().bold("Chat"), body, ..Card::default() })
}
