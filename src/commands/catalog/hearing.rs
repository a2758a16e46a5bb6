//! In `/catalog`: whether chat reaches us.

use chrono::{DateTime, Utc};

use crate::{
    catalog::live::{Gateway, Hearing, HearingState, Sockets},
    chat::{Block, Card, Text, Tone},
    commands::{
        Asking,
        answer::age::{age, count},
    },
};

/// None where no chat platform is set up.
pub(super) fn hearing_card(asking: &Asking<'_>) -> Option<Card> {
    let (slack, discord) = (slack(asking), discord(asking));
    let is_deaf = [&slack, &discord].into_iter().flatten().any(|(_, state)| *state == HearingState::Deaf);
    let body: Vec<Block> =
        [slack, discord].into_iter().flatten().map(|(said, _)| Block::Paragraph(Text::plain(format!("{said}.")))).collect();
    let tone = if is_deaf { Tone::Warning } else { Tone::Neutral };
    (!body.is_empty()).then(|| Card { tone, title: Text::new().bold("Chat"), body, ..Card::default() })
}

fn discord(asking: &Asking<'_>) -> Option<(String, HearingState)> {
    let gateway = asking.live.hearing.discord.as_ref()?;
    let Gateway { down_since: _, reconnects: _, fault: _, last_event_at, not_registered } = gateway;
    let mut said = match gateway.fault() {
        Some(fault) => format!("Discord: nothing arrives: {fault}"),
        None => "Discord: connected".to_owned(),
    };
    said.push_str(&last_heard(*last_event_at, asking));
    if let Some(why) = not_registered {
        said.push_str(&format!("; its commands are not up to date: {why}"));
    }
    Some((said, gateway.state()))
}

fn last_heard(at: Option<DateTime<Utc>>, asking: &Asking<'_>) -> String {
    match at {
        Some(at) => format!("; last heard {}", age(at, asking.now)),
        None => "; nothing heard since the start".to_owned(),
    }
}

fn slack(asking: &Asking<'_>) -> Option<(String, HearingState)> {
    let hearing = &asking.live.hearing;
    let Hearing { sockets, by_http, last_event_at, revoked: _, discord: _ } = &**hearing;
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
    said.push_str(&last_heard(*last_event_at, asking));
    Some((format!("Slack: {said}"), hearing.state()))
}
