//! Who sees an answer, and the button that shows it to the rest of the channel.
//! Must not decide where it is sent: the door does.

use crate::{
    chat::{Arguments, Audience, Button, CommandDef, Platform, Reply, Status, Visibility, limits::SLACK},
    commands::Asking,
};

/// The word before a line whose answer is for the whole channel.
const SHARE: &str = "share";

/// The argument by which a command that reads does something instead.
const ACTION: &str = "action";

/// Who hears a line being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A slash command, a button: the answer is the asker's.
    Alone,
    /// A mention: the answer is for all who read it.
    ByAll,
    /// The asker wants all to see it.
    Shared,
}

/// Takes `share` off a line.
pub fn take_share(line: &str, heard: Heard) -> (&str, Heard) {
    let bare = line.trim_start().trim_start_matches('/');
    match bare.split_once(char::is_whitespace) {
        Some((word, rest)) if word.eq_ignore_ascii_case(SHARE) => (rest.trim_start(), Heard::Shared),
        Some(_) | None => (line, heard),
    }
}

/// Says who sees the reply, and offers to share it where that makes sense.
pub fn address(reply: &mut Reply, command: &CommandDef, arguments: &Arguments, asking: &Asking<'_>, line: &str, heard: Heard) {
    let answered = reply.status == Status::Answered;
    reply.audience = match (heard, command.visibility) {
        (Heard::ByAll, _) if command.share => Audience::Everyone,
        (Heard::Shared, _) if command.share && answered => Audience::Everyone,
        (_, Visibility::Everyone) if answered => Audience::Everyone,
        (_, Visibility::Asker | Visibility::Everyone) => Audience::Asker,
    };
    // To share it, the line is said again: what was done would be done again.
    let is_act = arguments.find(ACTION).is_some();
    let shares = command.share && !is_act && answered && reply.audience == Audience::Asker && is_among_others(asking);
    let share = format!("{SHARE} {}", line.trim().trim_start_matches('/'));
    if shares && share.chars().count() <= SLACK.button_value {
        reply.buttons.push(Button::say("Share to channel", share));
    }
}

/// Whether the conversation has more members than the asker.
fn is_among_others(asking: &Asking<'_>) -> bool {
    match asking.account.platform {
        // The ids of direct conversations begin so.
        Platform::Slack => asking.place.is_some_and(|place| !place.channel_id.starts_with('D')),
        Platform::Discord => asking.place.is_some(),
        Platform::Playground | Platform::Terminal => false,
    }
}
