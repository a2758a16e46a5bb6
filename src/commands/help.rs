//! `/help [COMMAND]`: what there is, from the definitions themselves.
//! Must not hold words about a command that its YAML could hold.

use super::{Asking, Standing};
use crate::chat::{
    Access, Arguments, Block, Button, Card, CommandDef, CommandSet, CustomCommands, ListItem, ListStyle, Platform, Reply, Status,
    Text, Tone,
};

/// Faults of own commands that are shown.
const FAULTS: usize = 10;

/// The arguments of `commands/help.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Help {
    pub command: Option<String>,
}

impl From<&Arguments> for Help {
    fn from(arguments: &Arguments) -> Self {
        Self { command: arguments.find("command").map(str::to_owned) }
    }
}

pub fn help(commands: &CommandSet, asking: &Asking<'_>, args: &Help) -> Reply {
    let Some(name) = &args.command else { return overview(commands, asking) };
    match commands.find(name) {
        Some(command) => explain(command, asking),
        None => match commands.parse_line(name) {
            Err(fault) => super::misunderstood(commands, fault),
            Ok((command, _)) => explain(command, asking),
        },
    }
}

fn overview(commands: &CommandSet, asking: &Asking<'_>) -> Reply {
    let lead = "Ask by name; case, spaces and small slips are forgiven. These are the commands:";
    let mut reply = Reply::new(Status::Answered, "help", lead.into());
    let items = commands.0.iter().map(|command| {
        let text = Text::new().code(usage(command, asking)).say(format!(" {}", command.summary));
        ListItem::new(text)
    });
    let mut body = vec![Block::List { style: ListStyle::Bullets, items: items.collect() }];
    let asked =
        Text::plain("Or ask in words: ").italic("who owns payments-api?").say(", ").italic("what breaks if kafka goes down?");
    body.push(Block::Paragraph(asked.say(", ").italic("runbook for checkout").say(".")));
    if asking.account.platform == Platform::Slack {
        let text = Text::plain("Behind the word steward they work too: ").code("/steward owner payments-api").say(".");
        body.push(Block::Paragraph(text));
    }
    let buttons = commands.0.iter().filter(|command| command.name != "help");
    let buttons =
        buttons.map(|command| Button::say(format!("About {}", command.name), format!("help {}", command.name))).collect();
    reply.cards.push(Card { body, buttons, ..Card::default() });
    reply
}

/// How it is written where the asker is: on Slack what has no slash command of its own goes behind the umbrella.
fn usage(command: &CommandDef, asking: &Asking<'_>) -> String {
    let usage = command.usage();
    match asking.account.platform {
        Platform::Slack if !command.slash => usage.replacen('/', "/steward ", 1),
        Platform::Slack | Platform::Discord | Platform::Playground | Platform::Terminal => usage,
    }
}

/// Tells admins which of the organisation's own commands cannot be used, and why.
pub fn tell_of_faults(reply: &mut Reply, asking: &Asking<'_>, custom: &CustomCommands) {
    if asking.standing != Standing::Admin || custom.faults.is_empty() {
        return;
    }
    let items = custom.faults.iter().take(FAULTS).map(|fault| {
        ListItem::new(Text::new().code(format!("{}:{}", fault.file, fault.line)).say(format!(": {}", fault.message)))
    });
    let body = vec![Block::List { style: ListStyle::Bullets, items: items.collect() }];
    let title = Text::new().bold("Commands of your own that cannot be used");
    reply.cards.push(Card { tone: Tone::Warning, title, body, ..Card::default() });
}

fn explain(command: &CommandDef, asking: &Asking<'_>) -> Reply {
    let lead = Text::new().code(usage(command, asking)).say(format!(" {}.", command.summary));
    let mut reply = Reply::new(Status::Answered, "help", lead);
    let mut body = Vec::new();
    if let Some(details) = &command.details {
        body.push(Block::Paragraph(details.trim().into()));
    }
    let arguments = command.arguments.iter().map(|argument| {
        let text = Text::new().bold(argument.name.as_str()).say(format!(": {}", argument.summary));
        ListItem::new(if argument.required { text } else { text.say(" (may be left out)") })
    });
    let arguments: Vec<ListItem> = arguments.collect();
    if !arguments.is_empty() {
        body.push(Block::List { style: ListStyle::Bullets, items: arguments });
    }
    body.push(Block::Paragraph(Text::new().bold("Examples")));
    let examples = command
        .examples
        .iter()
        .map(|example| ListItem::new(Text::new().code(format!("/{}", example.line)).say(format!(" {}", example.says))));
    body.push(Block::List { style: ListStyle::Bullets, items: examples.collect() });
    match command.access {
        Access::Everyone => {}
        Access::Members => body.push(Block::Paragraph("For people whom the catalog knows.".into())),
        Access::Owners => body.push(Block::Paragraph("For the owners of what it is about, and admins.".into())),
        Access::Admins => body.push(Block::Paragraph("For admins.".into())),
    }
    reply.cards.push(Card { body, ..Card::default() });
    reply.buttons.push(Button::say("All commands", "help"));
    reply
}
