//! From serenity's events to our own values. Must not decide anything.

use serenity::model::{
    application::{
        ActionRowComponent, CommandDataOptionValue, CommandInteraction, CommandType, ComponentInteraction,
        ComponentInteractionDataKind, Interaction, ModalInteraction,
    },
    channel::{Message, MessageFlags, MessageType, PartialChannel},
    guild::Member,
    user::User,
};

use crate::chat::{Account, Place, Platform};

/// One thing somebody did, with what it takes to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The interaction's number: one however often it is delivered.
    pub id: String,
    pub token: String,
    pub application: u64,
    pub account: Account,
    /// None in a conversation with the bot alone.
    pub place: Option<Place>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Command {
        name: String,
        given: Vec<(String, String)>,
    },
    Complete {
        name: String,
        option: String,
        typed: String,
    },
    /// The entry in a message's menu.
    Inspect {
        texts: Vec<String>,
    },
    Press {
        custom_id: String,
        label: String,
        on: PressedOn,
    },
    Chosen {
        custom_id: String,
        values: Vec<String>,
    },
    Modal {
        custom_id: String,
        inputs: Vec<(String, String)>,
    },
}

impl What {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Complete { .. } => "complete",
            Self::Inspect { .. } => "inspect",
            Self::Press { .. } => "press",
            Self::Chosen { .. } => "choose",
            Self::Modal { .. } => "modal",
        }
    }
}

/// Who sees the message with the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PressedOn {
    Ephemeral,
    Public,
}

/// Words to the bot: a mention, or a message in their conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub message_id: String,
    pub channel_id: String,
    pub account: Account,
    pub place: Option<Place>,
    pub text: String,
}

/// `None` for what we do not ask for.
pub fn parse_interaction(interaction: Interaction) -> Option<Incoming> {
    match interaction {
        Interaction::Command(command) => {
            let what = match command.data.kind {
                CommandType::Message => What::Inspect { texts: inspected(&command) },
                _ => What::Command { name: command.data.name.clone(), given: given(&command) },
            };
            Some(of_command(command, what))
        }
        Interaction::Autocomplete(command) => {
            let asked = command.data.autocomplete()?;
            let what =
                What::Complete { name: command.data.name.clone(), option: asked.name.to_owned(), typed: asked.value.to_owned() };
            Some(of_command(command, what))
        }
        Interaction::Component(component) => of_component(component),
        Interaction::Modal(modal) => Some(of_modal(modal)),
        _ => None,
    }
}

fn of_command(command: CommandInteraction, what: What) -> Incoming {
    Incoming {
        id: command.id.to_string(),
        application: command.application_id.get(),
        account: account(&command.user, command.member.as_deref()),
        place: place(command.guild_id.is_some(), &command.channel_id.to_string(), command.channel.as_ref()),
        token: command.token,
        what,
    }
}

fn given(command: &CommandInteraction) -> Vec<(String, String)> {
    let value = |value: &CommandDataOptionValue| match value {
        CommandDataOptionValue::String(text) => Some(text.clone()),
        CommandDataOptionValue::Integer(number) => Some(number.to_string()),
        _ => None,
    };
    command.data.options.iter().filter_map(|option| Some((option.name.clone(), value(&option.value)?))).collect()
}

fn inspected(command: &CommandInteraction) -> Vec<String> {
    command.data.resolved.messages.values().flat_map(texts_of).collect()
}

fn texts_of(message: &Message) -> Vec<String> {
    let embeds = message.embeds.iter().flat_map(|embed| {
        let fields = embed.fields.iter().flat_map(|field| [field.name.clone(), field.value.clone()]);
        embed.title.clone().into_iter().chain(embed.description.clone()).chain(embed.url.clone()).chain(fields)
    });
    std::iter::once(message.content.clone()).chain(embeds).filter(|text| !text.trim().is_empty()).collect()
}

fn of_component(component: ComponentInteraction) -> Option<Incoming> {
    let custom_id = component.data.custom_id.clone();
    let is_ephemeral = component.message.flags.is_some_and(|flags| flags.contains(MessageFlags::EPHEMERAL));
    let what = match component.data.kind {
        ComponentInteractionDataKind::Button => {
            let buttons = component.message.components.iter().flat_map(|row| &row.components);
            let label = buttons.into_iter().find_map(|part| match part {
                ActionRowComponent::Button(button) if is_button(button, &custom_id) => button.label.clone(),
                _ => None,
            });
            let on = if is_ephemeral { PressedOn::Ephemeral } else { PressedOn::Public };
            What::Press { custom_id, label: label.unwrap_or_default(), on }
        }
        ComponentInteractionDataKind::StringSelect { values } => What::Chosen { custom_id, values },
        _ => return None,
    };
    Some(Incoming {
        id: component.id.to_string(),
        application: component.application_id.get(),
        account: account(&component.user, component.member.as_ref()),
        place: place(component.guild_id.is_some(), &component.channel_id.to_string(), component.channel.as_ref()),
        token: component.token,
        what,
    })
}

fn is_button(button: &serenity::model::application::Button, custom_id: &str) -> bool {
    use serenity::model::application::ButtonKind;
    match &button.data {
        ButtonKind::NonLink { custom_id: own, .. } => own == custom_id,
        _ => false,
    }
}

fn of_modal(modal: ModalInteraction) -> Incoming {
    let parts = modal.data.components.iter().flat_map(|row| &row.components);
    let input = |part: &ActionRowComponent| match part {
        ActionRowComponent::InputText(input) => Some((input.custom_id.clone(), input.value.clone().unwrap_or_default())),
        _ => None,
    };
    let inputs = parts.filter_map(input).collect();
    Incoming {
        id: modal.id.to_string(),
        application: modal.application_id.get(),
        account: account(&modal.user, modal.member.as_ref()),
        place: place(modal.guild_id.is_some(), &modal.channel_id.to_string(), modal.channel.as_ref()),
        what: What::Modal { custom_id: modal.data.custom_id.clone(), inputs },
        token: modal.token,
    }
}

/// Words to us, if that is what the message is; never those of bots nor our own: two programs that answer each other
/// never stop.
pub fn parse_message(message: &Message, me: &str) -> Option<Words> {
    let is_said = matches!(message.kind, MessageType::Regular | MessageType::InlineReply);
    if message.author.bot || message.webhook_id.is_some() || !is_said || message.author.id.to_string() == me {
        return None;
    }
    let is_direct = message.guild_id.is_none();
    let marks = [format!("<@{me}>"), format!("<@!{me}>")];
    // A reply to us mentions us too, without its words being to us.
    let is_mentioned = marks.iter().any(|mark| message.content.contains(mark));
    if !is_direct && !is_mentioned {
        return None;
    }
    let text = marks.iter().fold(message.content.clone(), |text, mark| text.replace(mark, " "));
    let channel_id = message.channel_id.to_string();
    Some(Words {
        message_id: message.id.to_string(),
        account: account(&message.author, None),
        place: place(!is_direct, &channel_id, None),
        channel_id,
        text: text.trim().to_owned(),
    })
}

fn account(user: &User, member: Option<&Member>) -> Account {
    let nick = member.and_then(|member| member.nick.clone());
    let name = nick.or_else(|| user.global_name.clone()).unwrap_or_else(|| user.name.clone());
    Account { platform: Platform::Discord, id: user.id.to_string(), name }
}

fn place(is_guild: bool, channel_id: &str, channel: Option<&PartialChannel>) -> Option<Place> {
    let channel_name = channel.and_then(|channel| channel.name.clone());
    is_guild.then(|| Place { channel_id: channel_id.to_owned(), channel_name })
}
