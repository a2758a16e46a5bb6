//! The chat commands: one file a command, the twin of `commands/*.yaml`.
//! Answers that an incident needs are pure functions of the snapshot; acts go through one verb of the store.

pub mod access;
pub mod answer;
pub mod audit;
pub mod catalog;
pub mod channel;
pub mod custom;
pub mod deps;
pub mod docs;
pub mod entrance;
pub mod find;
pub mod help;
pub mod history;
pub mod hygiene;
pub mod incident;
pub mod link;
pub mod new;
pub mod oncall;
pub mod owner;
pub mod page;
pub mod preview;
pub mod report;
pub mod runbook;
pub mod tasks;
pub mod uses;
pub mod whois;

use std::sync::Arc;

use answer::{
    late,
    share::{self, Heard},
};
use catalog::CatalogCall;
use chrono::{DateTime, Utc};
use entrance::{
    ask::{self, Understood},
    home, inspect,
};
use include_dir::{Dir, include_dir};

use crate::{
    app::{App, Outcome},
    catalog::{
        Catalog, EntityRef, Sought, left,
        links::LinkRules,
        live::Live,
        people::{AccountKind, beside},
    },
    chat::{
        Account, Act, Arguments, BadCommandFile, Button, CommandDef, CommandSet, Freshness, LineFault, Place, Platform, Reply,
        Request, Response, Status, Submission, Text, limits,
    },
    error::UserError,
    settings::SourceSettings,
    store::RunLine,
    sync::ORGANISATION_PACE,
};

static DEFINITIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/commands");

/// The order in which help shows them: what an incident needs first.
const ORDER: [&str; 20] = [
    "owner", "oncall", "runbook", "deps", "page", "incident", "find", "docs", "whois", "history", "uses", "new", "tasks",
    "hygiene", "link", "report", "channel", "catalog", "audit", "help",
];

/// Commands that people ask for and later versions have, with what helps until then.
const LATER: [(&str, &str, &str); 1] = [("onboard", "/help", "shows what there is")];

/// Rounds a source may miss before answers say so loudly: one can be slow, three are not chance.
const MISSED_ROUNDS: u32 = 3;

/// The same for what was added from chat, by the usual half an hour.
const STALE_AFTER: chrono::Duration = chrono::Duration::minutes(90);

/// A home page is not held up by a slow database.
const RUNS_WITHIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Longer than any reference, address or question; a look-up's work grows with each word, and everybody waits behind it.
const LONGEST_LINE: usize = 300;

/// What an answer may know besides the catalog.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    pub now: DateTime<Utc>,
    pub account: &'a Account,
    pub place: Option<&'a Place>,
    /// The catalog's User behind the account, where one is known.
    pub person: Option<EntityRef>,
    /// Groups the person is in, parents included, sorted.
    pub groups: Vec<EntityRef>,
    pub standing: Standing,
    pub store: StoreHealth,
    /// How old a source may get before answers say so loudly; see [`Asking::freshness`].
    pub paces: Vec<(&'a str, chrono::Duration)>,
    /// What stands beside the catalog and changes by the minute.
    pub live: Live,
    /// Which annotations become links.
    pub links: Arc<LinkRules>,
    /// See [`Request::delivery`].
    pub delivery: Option<String>,
}

/// What the asker may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The catalog knows nobody behind the account.
    Guest,
    Member,
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreHealth {
    Reachable,
    /// Answers come from memory and disk.
    AwaySince(DateTime<Utc>),
    /// There is none (`steward ask`).
    Absent,
}

impl<'a> Asking<'a> {
    /// What is looked for on the asker's behalf, of any kind.
    pub fn sought<'s>(&'s self, typed: &'s str) -> Sought<'s> {
        Sought { taste: &self.live.taste, ..Sought::any(typed, &self.groups) }
    }

    /// A source that was read so long ago that answers from it must say so is stale; never read is as bad.
    pub fn freshness(&self, source_id: &str, synced_at: Option<DateTime<Utc>>) -> Freshness {
        let pace = |id: &str| self.paces.iter().find(|(known, _)| *known == id).map(|(_, pace)| *pace);
        let of_people = || {
            let pace = pace(beside(source_id)?)?;
            Some(pace.max(chrono::Duration::from_std(ORGANISATION_PACE * MISSED_ROUNDS).unwrap_or(STALE_AFTER)))
        };
        let allowed = pace(source_id).or_else(of_people).unwrap_or(STALE_AFTER);
        match synced_at {
            Some(at) if self.now - at <= allowed => Freshness::Fresh,
            Some(_) | None => Freshness::Stale,
        }
    }

    /// Finds out who asks. `admins` are references of users and groups.
    pub fn new(
        catalog: &Catalog,
        now: DateTime<Utc>,
        account: &'a Account,
        place: Option<&'a Place>,
        admins: &[EntityRef],
        store: StoreHealth,
    ) -> Self {
        let person = match account.platform {
            Platform::Slack => catalog.find_person_by_slack_id(&account.id),
            Platform::Discord => catalog.find_person_by_discord_id(&account.id),
            Platform::Playground => catalog
                .find_person_by_account(AccountKind::Playground, &account.id)
                .or_else(|| catalog.find_person_by_name(&account.id)),
            Platform::Terminal => catalog.find_person_by_name(&account.id),
        };
        // Who has left is nobody any more, whatever accounts they still have.
        let person = person.filter(|user| catalog.find(user).is_none_or(|entry| left(&entry.entity).is_none())).cloned();
        let groups = person.as_ref().map(|person| catalog.groups_of(person)).unwrap_or_default();
        let is_person = |admin: &EntityRef| person.as_ref().is_some_and(|person| catalog.is_same_person(admin, person));
        let is_admin = admins.iter().any(|admin| is_person(admin) || groups.binary_search(admin).is_ok());
        let standing = match &person {
            None => Standing::Guest,
            Some(_) if is_admin => Standing::Admin,
            Some(_) => Standing::Member,
        };
        Self {
            now,
            account,
            place,
            person,
            groups,
            standing,
            store,
            paces: Vec::new(),
            live: Live::default(),
            links: Arc::default(),
            delivery: None,
        }
    }
}

/// The definitions that travel in the binary.
pub fn load_definitions() -> Result<CommandSet, BadCommandFile> {
    let mut files = Vec::new();
    for name in ORDER {
        let file = format!("{name}.yaml");
        let missing = || BadCommandFile { file: file.clone(), line: 1, message: "is not in commands/".to_owned() };
        let text = DEFINITIONS.get_file(&file).and_then(|found| found.contents_utf8()).ok_or_else(missing)?;
        files.push((file, text));
    }
    CommandSet::load(files.iter().map(|(file, text)| (file.as_str(), *text)))
}

/// Answers one request: the single way in for every door.
pub async fn respond(app: &App, request: Request) -> Response {
    let catalog = app.catalog.load();
    let admins = admins(app);
    let Request { account, place, act, delivery } = request;
    let health = match app.store.away_since() {
        _ if account.platform == Platform::Terminal => StoreHealth::Absent,
        Some(since) => StoreHealth::AwaySince(since),
        None => StoreHealth::Reachable,
    };
    let asking = Asking::new(&catalog, app.clock.now(), &account, place.as_ref(), &admins, health);
    let live = app.live.load();
    let links = Arc::clone(&app.links);
    let asking = Asking { paces: paces(app), live, links, delivery, ..asking };
    if let Act::Submit(sent) | Act::Back(sent) = &act
        && let Some(refusal) = refuse_form(app, &catalog, &asking, sent).await
    {
        return Response::Reply(refusal);
    }
    let custom = app.live.custom();
    let commands = custom.all(&app.commands);
    match act {
        Act::Press { line } => answer_line(app, &catalog, &asking, &line, Heard::Alone).await,
        Act::Say { line: text } => answer_text(app, &catalog, &asking, &text, Heard::Alone).await,
        Act::Ask { text } => answer_text(app, &catalog, &asking, &text, Heard::ByAll).await,
        Act::Submit(sent) if sent.form == "report" => report::submit(app, &catalog, &asking, place.as_ref(), sent).await,
        Act::Submit(sent) if sent.form == "page" => page::submit(app, &catalog, &asking, sent).await,
        Act::Submit(sent) if sent.form == "incident" => incident::submit(app, &catalog, &asking, sent).await,
        Act::Submit(sent) if sent.form == "catalog" => catalog::add::submit(app, &asking, sent).await,
        Act::Submit(sent) if sent.form == "hygiene" => hygiene::submit(app, &catalog, &asking, sent).await,
        Act::Submit(sent) if sent.form == "new" => new::submit(app, &catalog, &asking, sent).await,
        Act::Back(sent) if sent.form == "new" => new::back(app, &catalog, &asking, sent).await,
        Act::Back(sent) if sent.form == "report" => report::back(&catalog, sent),
        Act::Submit(sent) | Act::Back(sent) => Response::Reply(unknown_form(&sent.form)),
        Act::Complete { form, subject, field, typed } if form == "new" => {
            let typed = limits::cut(&typed, LONGEST_LINE);
            Response::Choices(new::complete(app, &catalog, &asking, &subject, &field, &typed))
        }
        Act::Complete { form, field, typed, .. } if form == "report" => {
            let typed = limits::cut(&typed, LONGEST_LINE);
            Response::Choices(report::complete(&catalog, &asking, &field, &typed))
        }
        Act::Complete { form, field, typed, .. } if form == "hygiene" => {
            let typed = limits::cut(&typed, LONGEST_LINE);
            Response::Choices(hygiene::complete(&catalog, &asking, &field, &typed))
        }
        Act::Complete { .. } => Response::Choices(Vec::new()),
        Act::Inspect { texts } => Response::Reply(inspect_text(app, &catalog, &asking, &texts).await),
        Act::Visit => {
            let runs = load_runs(app, &asking).await;
            Response::Reply(home::home(&catalog, commands, &asking, runs.as_deref()))
        }
    }
}

/// All runs for a home page, where the database answers at once.
async fn load_runs(app: &App, asking: &Asking<'_>) -> Option<Vec<RunLine>> {
    if asking.store != StoreHealth::Reachable {
        return None;
    }
    tokio::time::timeout(RUNS_WITHIN, app.store.load_runs()).await.ok()?.ok()
}

/// What is found in a message is told to whoever may ask for it by `/owner`.
async fn inspect_text(app: &App, catalog: &Catalog, asking: &Asking<'_>, texts: &[String]) -> Reply {
    let reply = inspect::inspect(catalog, asking, texts);
    let (Some(subject), Some(command)) = (reply.refs.first(), app.commands.find("owner")) else { return reply };
    let wish = access::Wish { command, act: None, subject };
    access::refuse(app, catalog, asking, &wish).await.unwrap_or(reply)
}

/// A form may have been opened before a rule or a team changed, so who sends it is asked again.
async fn refuse_form(app: &App, catalog: &Catalog, asking: &Asking<'_>, sent: &Submission) -> Option<Reply> {
    let command = app.commands.find(&sent.form)?;
    // The one form of /catalog adds an address.
    let act = match command.name.as_str() {
        "catalog" => Some("add"),
        "hygiene" => hygiene::act_of_form(&sent.state.subject),
        _ => None,
    };
    access::refuse(app, catalog, asking, &access::Wish { command, act, subject: &sent.state.subject }).await
}

fn admins(app: &App) -> Vec<EntityRef> {
    let written = app.settings.access.admins.iter();
    written.filter_map(|admin| EntityRef::parse(admin, Some("group"), "default").ok()).collect()
}

/// How old each configured source may get.
fn paces(app: &App) -> Vec<(&str, chrono::Duration)> {
    let allowed = |every: std::time::Duration| chrono::Duration::from_std(every.saturating_mul(MISSED_ROUNDS));
    let pace = |source: &SourceSettings| allowed(source.schedule().every).unwrap_or(STALE_AFTER);
    app.settings.sources.iter().map(|source| (source.id(), pace(source))).collect()
}

fn unknown_form(form: &str) -> Reply {
    let lead = format!("This form, “{form}”, belongs to another version of Steward. Nothing was sent; please open it again.");
    Reply::new(Status::Error, "", lead.into())
}

/// A command line or a plain question.
async fn answer_text(app: &App, catalog: &Catalog, asking: &Asking<'_>, text: &str, heard: Heard) -> Response {
    let custom = app.live.custom();
    let commands = custom.all(&app.commands);
    if matches!(share::take_share(text, heard), (line, Heard::Shared) if commands.is_command(line)) {
        return answer_line(app, catalog, asking, text, heard).await;
    }
    match ask::understand(commands, catalog, asking, text) {
        Understood::Line(line) => answer_line(app, catalog, asking, &line, heard).await,
        Understood::Reply(reply) => Response::Reply(*reply),
    }
}

async fn answer_line(app: &App, catalog: &Catalog, asking: &Asking<'_>, line: &str, heard: Heard) -> Response {
    let (line, heard) = share::take_share(line, heard);
    if line.chars().nth(LONGEST_LINE).is_some() {
        let error = UserError::new(format!("That is too long: Steward reads up to {LONGEST_LINE} letters."))
            .next("Write a name, as in /owner payments-api.");
        return Response::Reply(Reply::fault("", &error));
    }
    let custom = app.live.custom();
    let commands = custom.all(&app.commands);
    let (command, mut arguments) = match commands.parse_line(line) {
        Ok(parsed) => parsed,
        Err(LineFault::Empty) => return Response::Reply(help::help(commands, asking, &help::Help::default())),
        Err(fault) => return Response::Reply(misunderstood(commands, fault)),
    };
    let meant = match channel::fill_in(catalog, asking, command, &mut arguments) {
        Ok(meant) => meant,
        Err(fault) => return Response::Reply(misunderstood(commands, fault)),
    };
    let (act, subject) = (access::act_of(command, &arguments), access::subject_of(command, &arguments));
    let wish = access::Wish { command, act, subject };
    if asking.account.platform != Platform::Terminal {
        app.live.tally.note_account(format!("{}:{}", asking.account.platform.as_str(), asking.account.id));
    }
    if let Some(refusal) = access::refuse(app, catalog, asking, &wish).await {
        app.live.tally.count("answer", Outcome::Bad);
        return Response::Reply(refusal);
    }
    app.live.tally.count("answer", Outcome::Good);
    let mut response = match custom.find(&command.name) {
        Some(own) => Response::Reply(custom::answer(catalog, asking, own, &arguments)),
        None => run(app, catalog, asking, command, &arguments).await,
    };
    if let Response::Reply(reply) = &mut response {
        catalog::gaps::count_gap(app, catalog, command, &arguments, reply);
        if let Some(team) = meant.filter(|_| reply.status == Status::Answered) {
            channel::own_up(catalog, &team, reply);
        }
        note_asked(app, asking, command, reply);
        let labels = [("command", command.name.clone()), ("status", reply.status.as_str().to_owned())];
        metrics::counter!("steward_answers_total", &labels).increment(1);
        share::address(reply, command, &arguments, asking, line, heard);
    }
    response
}

/// Counts what was asked for, and whether a search led to it.
fn note_asked(app: &App, asking: &Asking<'_>, command: &CommandDef, reply: &Reply) {
    let Some(first) = reply.refs.first().filter(|_| reply.status == Status::Answered) else { return };
    let account = format!("{} {}", asking.account.platform.as_str(), asking.account.id);
    if command.name == "find" {
        app.live.asks.searched(account, reply.refs.clone(), asking.now);
        return;
    }
    if command.entity_argument().is_none() {
        return;
    }
    if let Some(place) = app.live.asks.opened(&account, first, asking.now) {
        let place = match place {
            1 => "1",
            2 | 3 => "2-3",
            _ => "4-10",
        };
        metrics::counter!("steward_search_opened_total", "place" => place).increment(1);
    }
    if let Ok(first) = EntityRef::parse(first, None, "default") {
        app.live.asks.count(first);
    }
}

async fn run(app: &App, catalog: &Catalog, asking: &Asking<'_>, command: &CommandDef, arguments: &Arguments) -> Response {
    Response::Reply(match command.name.as_str() {
        "owner" => {
            let reply = owner::owner(catalog, asking, &arguments.into());
            app.live.news.want(late::missing(catalog, asking, &reply).unwrap_or_default());
            reply
        }
        "oncall" => oncall::oncall(catalog, asking, &arguments.into()),
        "page" => return page::page(catalog, asking, &arguments.into()),
        "incident" => return incident::incident(catalog, asking, &arguments.into()),
        "runbook" => runbook::runbook(catalog, asking, &app.search, &arguments.into()),
        "deps" => deps::deps(catalog, asking, &arguments.into()),
        "link" => link::link(app, catalog, asking, &arguments.into()).await,
        "whois" => whois::whois(catalog, asking, &arguments.into()),
        "find" => {
            let mut reply = find::find(catalog, asking, &app.search, &arguments.into());
            find::export::offer(app, catalog, asking, arguments, &mut reply).await;
            reply
        }
        "docs" => docs::docs(catalog, asking, &app.search, &arguments.into()),
        "history" => history::history(app, catalog, asking, &arguments.into()).await,
        "uses" => uses::uses(app, catalog, asking, &arguments.into()).await,
        "report" => return report::report(catalog, asking, &arguments.into()),
        "new" => return new::new(app, catalog, asking, &arguments.into()).await,
        "catalog" => match arguments.into() {
            CatalogCall::Show => catalog::catalog(catalog, asking),
            CatalogCall::Sync => catalog::sync(app, catalog, asking, asking.place).await,
            CatalogCall::Removed => catalog::removal::removed(app, asking).await,
            CatalogCall::Remove { source } => catalog::removal::confirm(app, catalog, asking, &source).await,
            CatalogCall::Restore { repository } => catalog::removal::restore(app, asking, &repository).await,
            CatalogCall::Add { url } => return catalog::add::add(app, asking, &url).await,
            CatalogCall::Metrics => catalog::measures::measures(catalog, asking),
            CatalogCall::Gaps => catalog::gaps::gaps(app, catalog, asking).await,
            CatalogCall::DeadLinks { owner } => catalog::coverage::dead_links(catalog, asking, &owner),
            CatalogCall::RemoveUrl { url } => catalog::add::remove(app, asking, &url).await,
        },
        "hygiene" => return hygiene::hygiene(app, catalog, asking, &arguments.into()).await,
        "tasks" => tasks::tasks(app, catalog, asking, &arguments.into()).await,
        "audit" => audit::audit(app, catalog, asking, &arguments.into()).await,
        "channel" => channel::channel(app, catalog, asking, &arguments.into()).await,
        "help" => {
            let custom = app.live.custom();
            let mut reply = help::help(custom.all(&app.commands), asking, &arguments.into());
            help::tell_of_faults(&mut reply, asking, &custom);
            reply
        }
        // Definitions are data, so the set can hold a name that this build has no answer for.
        name => Reply::new(Status::Error, name, Text::plain(format!("/{name} is declared but not built in this version."))),
    })
}

/// The reply to a line that could not be read: what may have been meant, and how it is written.
pub fn misunderstood(commands: &CommandSet, fault: LineFault) -> Reply {
    match fault {
        LineFault::Empty => Reply::new(Status::NotFound, "", "Nothing was typed. /help shows what there is.".into()),
        LineFault::UnknownCommand { typed, nearest } => {
            if let Some((name, instead, about)) = LATER.iter().find(|(name, ..)| *name == typed) {
                let lead = Text::plain(format!("/{name} is not there yet; ")).code(*instead).say(format!(" {about}."));
                let mut reply = Reply::new(Status::NotFound, "", lead);
                reply.buttons.push(Button::say("All commands", "help"));
                return reply;
            }
            let typed = crate::chat::limits::cut(&typed, 40);
            let lead = match nearest.as_slice() {
                [] => format!("There is no command “{typed}”. /help shows all of them."),
                [one] => format!("There is no command “{typed}”. Did you mean /{one}?"),
                [first, ..] => format!("There is no command “{typed}”. Did you mean /{first}, or one of these?"),
            };
            let mut reply = Reply::new(Status::NotFound, "", lead.into());
            reply.buttons = nearest.iter().map(|name| Button::say(format!("About {name}"), format!("help {name}"))).collect();
            reply.buttons.push(Button::say("All commands", "help"));
            reply
        }
        LineFault::BadArguments { command, error } => {
            // The person's own slip is no fault of ours, so it is not called an error.
            let mut reply = Reply { status: Status::NotFound, ..Reply::fault(&command, &error) };
            if commands.find(&command).is_some() {
                reply.buttons.push(Button::say(format!("About {command}"), format!("help {command}")));
            }
            reply
        }
    }
}
