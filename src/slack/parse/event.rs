//! What the Events API tells, by whichever transport. Must not answer bots nor what we said ourselves: two programs that
//! answer each other never stop.

use super::{
    Incoming, Parsed, ReplyRoute, Unreadable, Way, account, filled, number,
    payload::{Callback, Event},
    place, texts,
};
use crate::chat::{Account, Act, Place, Request};

/// Addresses of one message that are looked at; Slack shows previews of few.
const MOST_LINKS: usize = 10;

/// Addresses that somebody posted, or is about to.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedLinks {
    pub account: Account,
    pub place: Option<Place>,
    /// As they were written: a preview is told by them.
    pub urls: Vec<String>,
    pub at: LinksAt,
    pub delivery: Option<String>,
}

/// Where previews go.
#[derive(Debug, PartialEq, Eq)]
pub enum LinksAt {
    Message {
        channel_id: String,
        ts: String,
    },
    /// A message that is still being written.
    Composer {
        unfurl_id: String,
        source: String,
    },
}

/// The JSON of `POST /slack/events`, the same as the payload of an `events_api` envelope.
pub fn parse_event(json: &[u8]) -> Result<Parsed, Unreadable> {
    let callback: Callback = serde_json::from_slice(json).map_err(|_| Unreadable("event"))?;
    match callback.kind.as_str() {
        "url_verification" if callback.challenge.is_empty() => Err(Unreadable("challenge")),
        "url_verification" => Ok(Parsed::Challenge(callback.challenge)),
        "event_callback" => Ok(event(callback)),
        "" => Err(Unreadable("event")),
        other => Ok(Parsed::PassedOver(other.to_owned())),
    }
}

fn event(callback: Callback) -> Parsed {
    let kind = callback.event.kind.as_str();
    let passed_over = |why: &str| Parsed::PassedOver(format!("{kind} {why}"));
    match kind {
        "tokens_revoked" if callback.event.tokens.bot.is_empty() => passed_over("of a person's own"),
        "app_uninstalled" | "tokens_revoked" => Parsed::Revoked(kind.to_owned()),
        "app_mention" | "message" | "app_home_opened" | "link_shared" if callback.event.user.is_empty() => {
            passed_over("by nobody")
        }
        "app_home_opened" if callback.event.tab == super::HOME => visit(callback),
        "app_home_opened" => passed_over("on another tab"),
        "link_shared" => links(callback),
        "message" if callback.event.channel_type != "im" => passed_over("in a conversation that is not ours"),
        "app_mention" | "message" => match why_not_answered(&callback) {
            Some(why) => passed_over(why),
            None => words(callback),
        },
        other => Parsed::PassedOver(other.to_owned()),
    }
}

fn why_not_answered(callback: &Callback) -> Option<&'static str> {
    let Callback { event, api_app_id, .. } = callback;
    let is_ours = bot_of(callback) == Some(&event.user) || (!event.app_id.is_empty() && event.app_id == *api_app_id);
    match event {
        _ if is_ours => Some("of our own"),
        Event { bot_id, .. } if !bot_id.is_empty() => Some("by a bot"),
        // A picture or a copy to the channel comes with words as any other.
        Event { subtype, .. } if !["", "file_share", "thread_broadcast"].contains(&subtype.as_str()) => Some("of a subtype"),
        // It was answered when it was written.
        Event { edited, .. } if !edited.is_null() => Some("that was edited"),
        Event { channel, ts, .. } if channel.is_empty() || ts.is_empty() => Some("without a place"),
        _ => None,
    }
}

/// Who we are in that workspace.
fn bot_of(callback: &Callback) -> Option<&String> {
    callback.authorizations.iter().find(|seen_as| seen_as.is_bot).map(|seen_as| &seen_as.user_id).filter(|id| !id.is_empty())
}

fn words(callback: Callback) -> Parsed {
    let text =
        texts::words_said(&callback.event.text, bot_of(&callback).map(String::as_str), callback.event.kind == "app_mention");
    let delivery = delivery(&callback);
    let Event { kind, user, channel, ts, thread_ts, .. } = callback.event;
    // In a direct message nobody else is bothered, so a thread is only where the person opened one.
    let thread_ts = match filled(thread_ts) {
        None if kind == "app_mention" => Some(ts),
        thread_ts => thread_ts,
    };
    let asker = account(user, String::new());
    let route = ReplyRoute { channel_id: Some(channel.clone()), asker: Some(asker.clone()), thread_ts, ..ReplyRoute::default() };
    let request = Request { account: asker, place: place(channel, String::new()), act: Act::Ask { text }, delivery };
    Parsed::Act(Box::new(Incoming { request, route, way: Way::Words }))
}

fn visit(callback: Callback) -> Parsed {
    let delivery = delivery(&callback);
    let account = account(callback.event.user, String::new());
    let request = Request { account, place: None, act: Act::Visit, delivery };
    Parsed::Act(Box::new(Incoming { request, route: ReplyRoute::default(), way: Way::Visit }))
}

fn links(callback: Callback) -> Parsed {
    let delivery = delivery(&callback);
    let Event { user, channel, message_ts, unfurl_id, source, links, .. } = callback.event;
    let in_message = !message_ts.is_empty() && source != "composer";
    let at = match (in_message && !channel.is_empty(), unfurl_id.is_empty() || source.is_empty()) {
        (true, _) => LinksAt::Message { channel_id: channel.clone(), ts: message_ts },
        (false, false) => LinksAt::Composer { unfurl_id, source },
        (false, true) => return Parsed::PassedOver("link_shared without a place".to_owned()),
    };
    let urls: Vec<String> = links.into_iter().filter_map(|link| filled(link.url)).take(MOST_LINKS).collect();
    if urls.is_empty() {
        return Parsed::PassedOver("link_shared without links".to_owned());
    }
    let place = if matches!(at, LinksAt::Message { .. }) { place(channel, String::new()) } else { None };
    Parsed::Links(Box::new(SharedLinks { account: account(user, String::new()), place, urls, at, delivery }))
}

/// An event's own number stays the same however often it is told.
fn delivery(callback: &Callback) -> Option<String> {
    let Callback { event, event_id, .. } = callback;
    let own = if event_id.is_empty() { &event.ts } else { event_id };
    number(own, &[&event.kind, &event.user, &event.channel, &event.text])
}
