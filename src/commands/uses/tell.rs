//! One message to each team that owns something which ships a package.
//! Must not send: the store takes each message with its audit line, and leaves out who was told within a day.

use super::{Answer, User, versions_text};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef},
    chat::{Audience, Block, Button, Card, Channel, ListItem, ListStyle, Message, Reply, Span, Status, Text},
    commands::{
        Asking,
        answer::{
            age::count,
            failure,
            names::{asker_words, channel_of, label, short_ref},
        },
    },
    reach::address,
    store::{AuditEntry, PackageNotice},
};

/// Components named in one message.
const NAMED: usize = 20;

/// Sends them. The asker has confirmed it, and may.
pub(super) async fn tell(app: &App, catalog: &Catalog, asking: &Asking<'_>, answer: &Answer) -> Reply {
    let mut notices = Vec::new();
    let mut channels: Vec<(EntityRef, Channel)> = Vec::new();
    let mut unreached = Vec::new();
    for team in answer.owners() {
        let channel = channel_of(catalog, &team).map(|(channel, _)| channel);
        let reached = channel.and_then(|channel| Some((address(asking.account.platform, &channel)?, channel)));
        let Some((to, channel)) = reached else {
            unreached.push(team);
            continue;
        };
        let users: Vec<&User> = answer.users.iter().filter(|user| owner(user) == Some(&team)).collect();
        let message = Message::new(asking.account.platform, to, message(catalog, asking, answer, &team, &users));
        notices.push(PackageNotice { audit: audit(asking, answer, &team, &users), team: team.clone(), message });
        channels.push((team, channel));
    }
    let nobodys = answer.users.iter().filter(|user| owner(user).is_none()).count();
    match app.store.tell_teams(&answer.package, &answer.range, asking.now, notices).await {
        Ok(told) => confirmation(catalog, answer, &told, &channels, &unreached, nobodys),
        Err(error) => failure::not_recorded("uses", "No team was told.", asking, &error),
    }
}

fn owner(user: &User) -> Option<&EntityRef> {
    user.entry.as_ref()?.entity.owner()
}

fn audit(asking: &Asking<'_>, answer: &Answer, team: &EntityRef, users: &[&User]) -> AuditEntry {
    let components: Vec<String> =
        users.iter().filter_map(|user| Some(user.entry.as_ref()?.entity.entity_ref.to_string())).collect();
    AuditEntry {
        at: asking.now,
        delivery: asking.delivery.clone(),
        account: asking.account.clone(),
        person: asking.person.clone(),
        command: "uses tell".to_owned(),
        subject: team.to_string(),
        detail: serde_json::json!({ "package": answer.package, "range": answer.range, "components": components }),
    }
}

/// What the team reads.
fn message(catalog: &Catalog, asking: &Asking<'_>, answer: &Answer, team: &EntityRef, users: &[&User]) -> Reply {
    let lead = Text::new().bold(label(catalog, team)).say(format!(": {} of yours ", count(users.len(), "component")));
    let lead = lead.say(if users.len() == 1 { "ships " } else { "ship " }).bold(answer.what()).say(".");
    let mut reply = Reply::new(Status::Answered, "uses", lead);
    reply.audience = Audience::Everyone;
    let mut items: Vec<ListItem> = Vec::new();
    for user in users.iter().take(NAMED) {
        let Some(entry) = &user.entry else { continue };
        reply.refs.push(entry.entity.entity_ref.to_string());
        let text = Text::new().bold(entry.entity.label()).say(" ").code(short_ref(&entry.entity.entity_ref));
        let text = text.say(": ").code(versions_text(user)).say(format!(" in {}", user.repository));
        items.push(ListItem::new(if user.archived { text.say(", archived") } else { text }));
    }
    if users.len() > NAMED {
        items.push(ListItem::new(format!("+ {} more", users.len() - NAMED).into()));
    }
    let asked = asker_words(catalog, asking).say(" asked Steward to tell you.");
    let body = vec![Block::List { style: ListStyle::Bullets, items }, Block::Paragraph(asked)];
    let line = format!("uses {} {}", answer.package, answer.range);
    reply.cards.push(Card { body, buttons: vec![Button::say("Who else ships it", line.trim_end())], ..Card::default() });
    reply
}

fn confirmation(
    catalog: &Catalog,
    answer: &Answer,
    told: &[EntityRef],
    channels: &[(EntityRef, Channel)],
    unreached: &[EntityRef],
    nobodys: usize,
) -> Reply {
    let lead = match told {
        [] => Text::plain("Nobody more was told of ").bold(answer.what()).say("."),
        told => Text::plain(format!("{} ", count(told.len(), "team")))
            .say(if told.len() == 1 { "was" } else { "were" })
            .say(" told of ")
            .bold(answer.what())
            .say("."),
    };
    let mut reply = Reply::new(Status::Answered, "uses", lead);
    reply.refs = told.iter().map(ToString::to_string).collect();
    let mut body = Vec::new();
    let named = |(team, channel): &(EntityRef, Channel)| {
        ListItem::new(Text::new().bold(label(catalog, team)).say(" in ").push(Span::Channel(channel.clone())))
    };
    let items: Vec<ListItem> = channels.iter().filter(|(team, _)| told.contains(team)).map(named).collect();
    if !items.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items });
    }
    let names = |teams: &[EntityRef]| teams.iter().map(|team| label(catalog, team)).collect::<Vec<_>>().join(", ");
    let before: Vec<EntityRef> = channels.iter().map(|(team, _)| team).filter(|team| !told.contains(team)).cloned().collect();
    if !before.is_empty() {
        body.push(Block::Paragraph(format!("Told of the same within the last day already: {}.", names(&before)).into()));
    }
    if !unreached.is_empty() {
        body.push(Block::Warning(
            format!("No channel of theirs is known here; please tell them yourself: {}.", names(unreached)).into(),
        ));
    }
    if nobodys > 0 {
        body.push(Block::Warning(
            format!(
                "{nobodys} more {} it and {} no owner to be told.",
                if nobodys == 1 { "ships" } else { "ship" },
                if nobodys == 1 { "has" } else { "have" }
            )
            .into(),
        ));
    }
    reply.cards.push(Card { body, ..Card::default() });
    reply
}
