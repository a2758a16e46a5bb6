//! `/steward channel [TEAM|none]`: which team a conversation belongs to, so that commands without a name mean it.
//! A default for what is left out, never an identity: nobody may do more because of where they write.

use super::{
    Asking, access,
    answer::{
        failure,
        names::{label, own_channel, short_ref},
        subject,
    },
};
use crate::{
    app::App,
    catalog::{Catalog, EntityRef, Kind},
    chat::{Account, ArgumentDef, ArgumentType, Arguments, Button, CommandDef, LineFault, Place, Platform, Reply, Status, Text},
    store::{AuditEntry, ChannelSetting, save_channels_to_disk},
};

/// What takes the setting away.
const NONE: &str = "none";

/// What Slack calls every private channel and every direct message in a command
/// (<https://docs.slack.dev/interactivity/implementing-slash-commands>): there only an id tells them apart.
const NO_NAMES: [&str; 2] = ["privategroup", "directmessage"];

/// Which team a conversation belongs to, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelTeam {
    /// Somebody said it here.
    Said(EntityRef),
    /// The team's own entry names the conversation.
    Declared(EntityRef),
    /// Several entries do, so none is meant.
    Disputed(Vec<EntityRef>),
    None,
}

impl Asking<'_> {
    /// The team that is meant here where a command is given no name.
    pub fn channel_team(&self, catalog: &Catalog) -> Option<EntityRef> {
        match find_team(catalog, self) {
            ChannelTeam::Said(team) | ChannelTeam::Declared(team) => Some(team),
            ChannelTeam::Disputed(_) | ChannelTeam::None => None,
        }
    }
}

/// What was said here goes before what entries declare; a team that is gone is no team.
pub fn find_team(catalog: &Catalog, asking: &Asking<'_>) -> ChannelTeam {
    let Some(place) = asking.place else { return ChannelTeam::None };
    let platform = asking.account.platform;
    let said = asking.live.channels.find(platform.as_str(), &place.channel_id);
    if let Some(team) = said.filter(|team| catalog.find(team).is_some()) {
        return ChannelTeam::Said(team.clone());
    }
    let groups = catalog.entries().iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::Group);
    let declared = groups.filter(|group| {
        own_channel(group).is_some_and(|channel| {
            let id = match platform {
                Platform::Slack => channel.slack_id,
                Platform::Discord => channel.discord_id,
                Platform::Playground | Platform::Terminal => None,
            };
            match id {
                Some(id) => id == place.channel_id,
                None => is_called(place, &channel.name),
            }
        })
    });
    let mut declared: Vec<EntityRef> = declared.map(|group| group.entity_ref.clone()).collect();
    declared.sort();
    match declared.as_slice() {
        [] => ChannelTeam::None,
        [one] => ChannelTeam::Declared(one.clone()),
        _ => ChannelTeam::Disputed(declared),
    }
}

fn is_called(place: &Place, name: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches('#').to_lowercase();
    let own = bare(place.channel_name.as_deref().unwrap_or(&place.channel_id));
    !own.is_empty() && own == bare(name) && !NO_NAMES.contains(&own.as_str())
}

/// Puts the conversation's team where a name was left out that it may stand for; gives that team. `Err` where there is
/// none and the command cannot go without.
pub fn fill_in(
    catalog: &Catalog,
    asking: &Asking<'_>,
    command: &CommandDef,
    arguments: &mut Arguments,
) -> Result<Option<EntityRef>, LineFault> {
    let is_left_out = |argument: &&ArgumentDef| argument.channel_team && arguments.find(&argument.name).is_none();
    let Some(argument) = command.arguments.iter().find(is_left_out) else { return Ok(None) };
    let Some(team) = asking.channel_team(catalog) else {
        if !argument.required {
            return Ok(None);
        }
        let error = command.ask_for(argument);
        let error = match asking.place {
            Some(_) => error.next("In the channel of a team it may be left out: /steward channel."),
            None => error,
        };
        return Err(LineFault::BadArguments { command: command.name.clone(), error });
    };
    let value = match argument.argument_type {
        ArgumentType::Words => team.name().to_owned(),
        ArgumentType::Entity | ArgumentType::Choice | ArgumentType::Number | ArgumentType::Command => team.to_string(),
    };
    arguments.0.insert(argument.name.clone(), value);
    Ok(Some(team))
}

/// "In this channel: Team Payments." before the answer that took it for granted.
pub fn own_up(catalog: &Catalog, team: &EntityRef, reply: &mut Reply) {
    let said = Text::plain("In this channel: ").bold(label(catalog, team)).say(". ");
    reply.lead = said.join(std::mem::take(&mut reply.lead));
}

/// The arguments of `commands/channel.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    pub team: String,
}

impl From<&Arguments> for Channel {
    fn from(arguments: &Arguments) -> Self {
        Self { team: arguments.find("team").unwrap_or_default().trim().to_owned() }
    }
}

pub async fn channel(app: &App, catalog: &Catalog, asking: &Asking<'_>, args: &Channel) -> Reply {
    let Some(place) = asking.place else {
        return Reply::new(Status::Refused, "channel", "There is no channel here. Say it in the channel that you mean.".into());
    };
    if args.team.is_empty() {
        return show(catalog, asking);
    }
    if args.team.eq_ignore_ascii_case(NONE) {
        return take_away(app, catalog, asking, place).await;
    }
    let team = match subject::resolve_of(catalog, asking, "channel", &args.team, &[Kind::Group]) {
        Ok(team) if team.is_guess() => {
            let name = team.entry.entity.label();
            let lead = format!("Nothing is called so; the nearest team is {name}. Nothing was changed.");
            let mut reply = Reply::new(Status::NotFound, "channel", lead.into());
            reply.buttons.push(Button::say(name, format!("channel {}", team.entry.entity.entity_ref)));
            return reply;
        }
        Ok(team) => team.entry.entity.entity_ref.clone(),
        Err(reply) => return *reply,
    };
    if let Some(refusal) = refuse(app, catalog, asking, &team).await {
        return refusal;
    }
    if find_team(catalog, asking) == ChannelTeam::Said(team.clone()) {
        let lead = Text::plain("This channel belongs to ").bold(label(catalog, &team)).say(" already. Nothing was changed.");
        return Reply::new(Status::Answered, "channel", lead);
    }
    set(app, catalog, asking, place, Some(team)).await
}

async fn refuse(app: &App, catalog: &Catalog, asking: &Asking<'_>, team: &EntityRef) -> Option<Reply> {
    let command = app.commands.find("channel")?;
    access::refuse(app, catalog, asking, &access::Wish { command, act: Some("set"), subject: team.as_str() }).await
}

fn show(catalog: &Catalog, asking: &Asking<'_>) -> Reply {
    let (lead, refs) = match find_team(catalog, asking) {
        ChannelTeam::Said(team) => (meaning(catalog, &team, ", as somebody said here."), vec![team]),
        ChannelTeam::Declared(team) => (meaning(catalog, &team, ", whose entry names this channel."), vec![team]),
        ChannelTeam::Disputed(teams) => {
            let names = teams.iter().map(|team| label(catalog, team)).collect::<Vec<_>>().join(", ");
            let said = format!("The entries of several teams name this channel, so none is meant: {names}. ");
            (how(Text::plain(said)), teams)
        }
        ChannelTeam::None => (how(Text::plain("This channel belongs to no team. ")), Vec::new()),
    };
    let mut reply = Reply::new(Status::Answered, "channel", lead);
    reply.refs = refs.iter().map(ToString::to_string).collect();
    let offered = |team: &&EntityRef| access::is_of(catalog, asking, team);
    reply.buttons =
        refs.iter().filter(offered).map(|team| Button::say(label(catalog, team), format!("channel {team}"))).collect();
    if refs.len() == 1 {
        reply.buttons = vec![Button::say("The team", format!("owner {}", refs[0]))];
    }
    reply
}

/// "Here, commands without a name mean Team Payments, whose entry …".
fn meaning(catalog: &Catalog, team: &EntityRef, why: &str) -> Text {
    Text::plain("Here, commands without a name mean ").bold(label(catalog, team)).say(" ").code(short_ref(team)).say(why)
}

fn how(lead: Text) -> Text {
    lead.say("People in a team, and admins, give it one: ").code("/steward channel team-payments").say(".")
}

async fn take_away(app: &App, catalog: &Catalog, asking: &Asking<'_>, place: &Place) -> Reply {
    let Some(team) = asking.live.channels.find(asking.account.platform.as_str(), &place.channel_id) else {
        let lead = match find_team(catalog, asking) {
            ChannelTeam::Declared(team) => {
                let name = label(catalog, &team);
                format!("Nobody said here that this channel is {name}'s; their entry does, and there it is changed.")
            }
            ChannelTeam::Said(_) | ChannelTeam::Disputed(_) | ChannelTeam::None => {
                "No team was given to this channel. Nothing was changed.".to_owned()
            }
        };
        return Reply::new(Status::NotFound, "channel", lead.into());
    };
    if let Some(refusal) = refuse(app, catalog, asking, team).await {
        return refusal;
    }
    set(app, catalog, asking, place, None).await
}

async fn set(app: &App, catalog: &Catalog, asking: &Asking<'_>, place: &Place, team: Option<EntityRef>) -> Reply {
    let Account { platform, .. } = asking.account;
    let setting = ChannelSetting {
        platform: platform.as_str().to_owned(),
        channel_id: place.channel_id.clone(),
        channel_name: place.channel_name.clone(),
        team,
    };
    let before = asking.live.channels.find(platform.as_str(), &place.channel_id);
    let audit = AuditEntry {
        at: asking.now,
        account: asking.account.clone(),
        delivery: asking.delivery.clone(),
        person: asking.person.clone(),
        command: "channel set".to_owned(),
        subject: setting.team.as_ref().or(before).map(ToString::to_string).unwrap_or_default(),
        detail: serde_json::json!({
            "channel": place.channel_name.as_deref().unwrap_or(&place.channel_id),
            "before": before,
            "now": setting.team.as_ref().map_or(NONE, EntityRef::as_str),
        }),
    };
    if let Err(error) = app.store.set_channel_team(audit, &setting).await {
        return failure::not_recorded("channel", "The channel's team was not changed.", asking, &error);
    }
    // The person's next line must mean it; the other replicas are told, and this one looks again with them.
    let mut channels = (*app.live.load().channels).clone();
    let key = (setting.platform, setting.channel_id);
    match &setting.team {
        Some(team) => channels.teams.insert(key, team.clone()),
        None => channels.teams.remove(&key),
    };
    if let Err(fault) = save_channels_to_disk(&app.settings.data_dir, &channels) {
        tracing::warn!(error = %fault, "teams of channels could not be kept on disk");
    }
    app.live.set_channels(channels);
    let Some(team) = setting.team else {
        return Reply::new(Status::Answered, "channel", "Nobody says any more whose channel this is.".into());
    };
    let lead = Text::plain("From now on, commands without a name mean ").bold(label(catalog, &team)).say(" in this channel: ");
    let mut reply = Reply::new(Status::Answered, "channel", lead.code("/owner").say(", for one."));
    reply.refs = vec![team.to_string()];
    reply.buttons.push(Button::say("The team", format!("owner {team}")));
    reply
}
