//! Who may use a command or do one of its acts: the configured rules, else what the command's own definition says.
//! The decision is pure and knows people only by the catalog; a channel is never an identity.

use super::{
    Asking, Standing, StoreHealth, admins,
    answer::{
        failure,
        names::{label, short_ref},
    },
    link,
};
use crate::{
    app::App,
    catalog::{Catalog, Entity, EntityRef, Found, Kind, RelationType, Sought},
    chat::{Access, ArgumentDef, ArgumentType, Arguments, CommandDef, Reply, Status, limits::cut},
    nearest::nearest,
    settings::AccessRule,
    store::{AuditEntry, StoreError},
};

/// The act of `/new` that runs a template.
const START: &str = "start";

/// Longest piece of what was typed that a denied attempt keeps.
const SUBJECT: usize = 200;

/// One of those who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    Everyone,
    /// Whom the catalog knows as a User.
    Members,
    /// Who owns the entity it is about, or is in a team that does.
    Owners,
    Admins,
    /// A User, or everybody in a Group and in the groups below it.
    Of(EntityRef),
}

/// The entity that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// None, or one that the catalog does not hold: nobody owns it.
    Nothing,
    One(EntityRef),
    /// The name could mean several; the answer only asks back.
    Unclear,
}

/// One door that the asker must pass: any of `allow` opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub allow: Vec<Allow>,
    /// What comes after "only admins may".
    pub does: String,
}

impl Allow {
    /// Reads a word of a rule; `None` where it is neither a known word nor a full reference of a group or user.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "everyone" => Some(Self::Everyone),
            "members" => Some(Self::Members),
            "owners" => Some(Self::Owners),
            "admins" => Some(Self::Admins),
            other => {
                let is_full = other.split_once(':').is_some_and(|(_, rest)| rest.contains('/'));
                let parsed = EntityRef::parse(other, None, "default").ok().filter(|_| is_full)?;
                matches!(parsed.kind(), "group" | "user").then_some(Self::Of(parsed))
            }
        }
    }

    fn of_definition(access: Access) -> Vec<Self> {
        match access {
            Access::Everyone => vec![Self::Everyone],
            Access::Members => vec![Self::Members],
            Access::Owners => vec![Self::Owners, Self::Admins],
            Access::Admins => vec![Self::Admins],
        }
    }
}

/// Whether the asker is one of those.
pub fn is_allowed(catalog: &Catalog, asking: &Asking<'_>, allow: &[Allow], about: &About) -> bool {
    allow.iter().any(|allow| match allow {
        Allow::Everyone => true,
        Allow::Members => asking.standing >= Standing::Member,
        Allow::Admins => asking.standing == Standing::Admin,
        Allow::Owners => match about {
            About::Unclear => true,
            About::Nothing => false,
            About::One(about) => owners(catalog, about).iter().any(|owner| is_of(catalog, asking, owner)),
        },
        Allow::Of(of) => is_of(catalog, asking, of),
    })
}

/// Whether the asker is this User, or in this Group or one below it.
pub fn is_of(catalog: &Catalog, asking: &Asking<'_>, of: &EntityRef) -> bool {
    let is_person = asking.person.as_ref().is_some_and(|person| catalog.is_same_person(person, of));
    is_person || asking.groups.binary_search(of).is_ok()
}

/// Who answers for it: a team and a person answer for themselves.
fn owners(catalog: &Catalog, about: &EntityRef) -> Vec<EntityRef> {
    let Some(entry) = catalog.find(about) else { return Vec::new() };
    let entity: &Entity = &entry.entity;
    match entity.kind {
        Kind::Group | Kind::User => vec![entity.entity_ref.clone()],
        _ => entity.targets(RelationType::OwnedBy).cloned().collect(),
    }
}

/// What has to be passed to use a command, or to do an act of it.
///
/// The first rule that names the act decides alone. Without one, whoever may use the command still needs what the act's
/// own definition asks for: a rule that opens a command opens no act of it that changes something.
pub fn gates(rules: &[AccessRule], command: &CommandDef, act: Option<&str>) -> Vec<Gate> {
    let named = |name: &str| rules.iter().find(|rule| normal(&rule.command) == name);
    let words = |rule: &AccessRule| rule.allow.iter().filter_map(|word| Allow::parse(word)).collect();
    let act = act.map(|name| (name, command.find_act(name)));
    let does_act = |name: &str| match command.find_act(name) {
        Some(act) => act.does.clone(),
        None => format!("use /{} {name}", command.name),
    };
    if let Some((name, _)) = act
        && let Some(rule) = named(&format!("{} {name}", command.name))
    {
        return vec![Gate { allow: words(rule), does: does_act(name) }];
    }
    let allow = named(&command.name).map_or_else(|| Allow::of_definition(command.access), words);
    let of_command = Gate { allow, does: format!("use /{}", command.name) };
    let of_act = act.and_then(|(name, act)| Some(Gate { allow: Allow::of_definition(act?.access), does: does_act(name) }));
    std::iter::once(of_command).chain(of_act).collect()
}

/// What has to be passed to run a template: a rule of its own decides alone, else those of `/new` do.
pub fn template_gates(rules: &[AccessRule], command: &CommandDef, template: &EntityRef) -> Vec<Gate> {
    match rules.iter().find(|rule| is_rule_of(rule, template)) {
        Some(rule) => {
            let allow = rule.allow.iter().filter_map(|word| Allow::parse(word)).collect();
            vec![Gate { allow, does: "run this template".to_owned() }]
        }
        None => gates(rules, command, Some(START)),
    }
}

/// Who must agree to a run of a template where the rule that decides on it asks for that, separated by commas.
pub fn approvers_of(rules: &[AccessRule], template: &EntityRef) -> Option<String> {
    let named = |name: &str| rules.iter().find(|rule| normal(&rule.command) == name);
    let own = rules.iter().find(|rule| is_rule_of(rule, template));
    let rule = own.or_else(|| named(&format!("new {START}"))).or_else(|| named("new"))?;
    (!rule.approvers.is_empty()).then(|| rule.approvers.join(","))
}

fn is_rule_of(rule: &AccessRule, template: &EntityRef) -> bool {
    let named = normal(&rule.command);
    named.starts_with("template:") && EntityRef::parse(&named, None, "default").is_ok_and(|named| named == *template)
}

/// The act that these arguments ask for, if it is more than an answer: a word of one of the command's choices.
pub fn act_of<'a>(command: &CommandDef, arguments: &'a Arguments) -> Option<&'a str> {
    let choices = command.arguments.iter().filter(|argument| argument.argument_type == ArgumentType::Choice);
    choices.filter_map(|argument| arguments.find(&argument.name)).next()
}

/// What was typed as the thing that the command is about; empty where nothing was.
pub fn subject_of<'a>(command: &CommandDef, arguments: &'a Arguments) -> &'a str {
    let is_subject = |argument: &&ArgumentDef| matches!(argument.argument_type, ArgumentType::Entity | ArgumentType::Words);
    let subject = command.entity_argument().or_else(|| command.arguments.iter().find(is_subject));
    subject.and_then(|argument| arguments.find(&argument.name)).unwrap_or_default().trim()
}

fn about(catalog: &Catalog, asking: &Asking<'_>, typed: &str) -> About {
    if typed.is_empty() {
        return About::Nothing;
    }
    match catalog.look_up(Sought::any(typed, &asking.groups)) {
        Found::One { entry, .. } => About::One(entry.entity.entity_ref.clone()),
        Found::Several { .. } => About::Unclear,
        Found::None { .. } => About::Nothing,
    }
}

/// The refusal, where the asker may not; it is written into the audit log.
pub async fn refuse(app: &App, catalog: &Catalog, asking: &Asking<'_>, wish: &Wish<'_>) -> Option<Reply> {
    let gates = gates(&app.settings.access.rules, wish.command, wish.act);
    // A look-up is not free, and hardly any rule asks for owners.
    let asks_owners = gates.iter().any(|gate| gate.allow.contains(&Allow::Owners));
    let about = if asks_owners { about(catalog, asking, wish.subject) } else { About::Nothing };
    let shut = gates.into_iter().find(|gate| !is_allowed(catalog, asking, &gate.allow, &about))?;
    record(app, asking, wish).await;
    Some(refusal(app, catalog, asking, wish.command, &shut, &about))
}

/// The same for running a template.
pub async fn refuse_template(app: &App, catalog: &Catalog, asking: &Asking<'_>, template: &EntityRef) -> Option<Reply> {
    let command = app.commands.find("new")?;
    let about = About::One(template.clone());
    let mut gates = template_gates(&app.settings.access.rules, command, template).into_iter();
    let shut = gates.find(|gate| !is_allowed(catalog, asking, &gate.allow, &about))?;
    record(app, asking, &Wish { command, act: Some(START), subject: template.as_str() }).await;
    Some(refusal(app, catalog, asking, command, &shut, &about))
}

/// Whether everybody may use a command, so that its answer may stand where anybody sees it unasked.
pub fn is_open(rules: &[AccessRule], command: &CommandDef) -> bool {
    gates(rules, command, None).iter().all(|gate| gate.allow.contains(&Allow::Everyone))
}

/// What somebody wants to do.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    pub command: &'a CommandDef,
    pub act: Option<&'a str>,
    /// What it is about, as typed or as a reference; may be empty.
    pub subject: &'a str,
}

impl Wish<'_> {
    /// `catalog add`.
    fn name(&self) -> String {
        match self.act {
            Some(act) => format!("{} {act}", self.command.name),
            None => self.command.name.clone(),
        }
    }
}

/// Writes a denied attempt down. One that cannot be is told to the log: the refusal stands either way.
async fn record(app: &App, asking: &Asking<'_>, wish: &Wish<'_>) {
    let command = wish.name();
    let audit = AuditEntry {
        at: asking.now,
        account: asking.account.clone(),
        person: asking.person.clone(),
        // Nothing is done, so nothing is done twice.
        delivery: None,
        command: command.clone(),
        subject: cut(wish.subject, SUBJECT),
        detail: serde_json::json!({}),
    };
    // A database that is known to be away would only keep the person waiting.
    let written = match asking.store {
        StoreHealth::Reachable => app.store.record_refusal(audit).await,
        StoreHealth::AwaySince(_) | StoreHealth::Absent => Err(StoreError::Away("it is known to be".to_owned())),
    };
    match written {
        Ok(()) => {}
        Err(StoreError::Away(_) | StoreError::Claimed) => {
            tracing::info!(command, "a refusal was not written down: the store is away")
        }
        Err(StoreError::Failed(fault)) => {
            tracing::error!(command, fault = format!("{fault:#}"), "a refusal could not be written down");
        }
    }
}

/// Says who may, and how to become known where that is what is missing.
fn refusal(app: &App, catalog: &Catalog, asking: &Asking<'_>, command: &CommandDef, shut: &Gate, about: &About) -> Reply {
    let command = command.name.as_str();
    let mut reply = match shut.allow.as_slice() {
        [Allow::Admins] => failure::admins_only(catalog, command, &shut.does, &admins(app)),
        [Allow::Members] => {
            let said = format!("Only people whom the catalog knows may {}. Nothing was changed.", shut.does);
            Reply::new(Status::Refused, command, said.into())
        }
        [] => {
            let said = format!("Nobody may {} here: a rule under access.rules says so. Nothing was changed.", shut.does);
            Reply::new(Status::Refused, command, said.into())
        }
        several => {
            let who = several.iter().map(|allow| name(app, catalog, allow, about)).collect::<Vec<_>>();
            let who = match who.as_slice() {
                [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
                _ => who.concat(),
            };
            let said = format!("Only {who} may {}. Nothing was changed.", shut.does);
            Reply::new(Status::Refused, command, said.into())
        }
    };
    if asking.standing == Standing::Guest {
        let unknown = format!(" The catalog knows no one behind your account, {}: ", asking.account.name);
        let lead = std::mem::take(&mut reply.lead).say(unknown);
        reply.lead = if link::is_set_up(app) {
            lead.say("tie it to your GitHub login with ").code("/link").say(".")
        } else {
            lead.say("ask your team to add it to your User entry.")
        };
    }
    reply
}

fn name(app: &App, catalog: &Catalog, allow: &Allow, about: &About) -> String {
    let known = |entity_ref: &EntityRef| match catalog.find(entity_ref) {
        Some(_) => label(catalog, entity_ref),
        None => short_ref(entity_ref),
    };
    match allow {
        Allow::Everyone => "everyone".to_owned(),
        Allow::Members => "people whom the catalog knows".to_owned(),
        Allow::Admins => match admins(app).iter().map(known).collect::<Vec<_>>() {
            all if all.is_empty() => "admins (nobody is one yet)".to_owned(),
            all => format!("admins ({})", all.join(", ")),
        },
        Allow::Owners => {
            let About::One(about) = about else { return "its owners (nobody owns that)".to_owned() };
            match owners(catalog, about).iter().map(known).collect::<Vec<_>>() {
                all if all.is_empty() => format!("the owners of {} (nobody is known)", known(about)),
                all => format!("the owners of {} ({})", known(about), all.join(", ")),
            }
        }
        Allow::Of(of) => known(of),
    }
}

/// As rules are compared: `/Catalog  add` is `catalog add`.
fn normal(command: &str) -> String {
    let words = command.trim().trim_start_matches('/').split_whitespace();
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A rule that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule {
    /// `access.rules[0].allow`.
    pub key: String,
    pub message: String,
}

/// Checks the rules against the commands there are; `also` are names of commands that may come later.
/// Gives what each comes to: "catalog add: admins, group:default/platform".
pub fn check_rules(rules: &[AccessRule], commands: &[CommandDef], also: &[String]) -> Result<Vec<String>, BadRule> {
    let mut shown = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let bad = |key: &str, message: String| BadRule { key: format!("access.rules[{at}].{key}"), message };
        let name = normal(&rule.command);
        let is_template = name.starts_with("template:");
        let (first, act) = name.split_once(' ').map_or((name.as_str(), None), |(first, act)| (first, Some(act)));
        let command = commands.iter().find(|command| command.name == first);
        let is_known = match (command, act) {
            _ if is_template => EntityRef::parse(&name, None, "default").is_ok(),
            (Some(command), Some(act)) => acts(command).any(|known| known == act),
            (Some(_), None) => true,
            (None, _) => also.contains(&name),
        };
        if !is_known {
            let known = commands.iter().flat_map(|command| {
                let acts = acts(command).map(|act| format!("{} {act}", command.name)).collect::<Vec<_>>();
                std::iter::once(command.name.clone()).chain(acts)
            });
            let hint = nearest(&name, known).map_or_else(
                || "write one of /help's, an act such as catalog add, or template:default/NAME".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            return Err(bad("command", format!("there is no command {:?}; {hint}", rule.command)));
        }
        for word in &rule.allow {
            let Some(allow) = Allow::parse(word) else {
                let words = ["everyone", "members", "owners", "admins"].map(str::to_owned);
                let hint = nearest(&word.to_lowercase(), words).map_or_else(
                    || "write everyone, members, owners, admins, or a full reference such as group:default/platform".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                return Err(bad("allow", format!("{word:?} is nobody that can be allowed; {hint}")));
            };
            let is_about_one = is_template || command.is_none_or(|command| command.entity_argument().is_some());
            if allow == Allow::Owners && !is_about_one {
                let message = format!("/{name} is about no single entity, so it has no owners; write members, admins or a group");
                return Err(bad("allow", message));
            }
        }
        if !rule.approvers.is_empty() && !is_template && name != "new" && name != format!("new {START}") {
            let message = format!("nobody is asked to agree to /{name}: approvers belong to rules for new and for templates");
            return Err(bad("approvers", message));
        }
        let is_someone = |word: &&String| matches!(Allow::parse(word), Some(Allow::Of(_)));
        if let Some(word) = rule.approvers.iter().find(|word| !is_someone(word)) {
            let message = format!("{word:?} is nobody who could agree; write a full reference such as group:default/platform");
            return Err(bad("approvers", message));
        }
        let earlier = rules[..at].iter().any(|earlier| normal(&earlier.command) == name);
        let who = if rule.allow.is_empty() { "nobody".to_owned() } else { rule.allow.join(", ") };
        let note = if earlier { " (never asked: an earlier rule names it too)" } else { "" };
        let agree =
            if rule.approvers.is_empty() { String::new() } else { format!("; {} must agree", rule.approvers.join(" or ")) };
        shown.push(format!("{name}: {who}{agree}{note}"));
    }
    Ok(shown)
}

/// Names of all acts that a rule may name.
fn acts(command: &CommandDef) -> impl Iterator<Item = &str> {
    let choices = command.arguments.iter().flat_map(|argument| &argument.choices).map(String::as_str);
    command.acts.iter().map(|act| act.name.as_str()).chain(choices)
}
