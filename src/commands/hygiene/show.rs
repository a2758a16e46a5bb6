//! What is open for a team, for one thing, for nobody, or for all teams at a glance.
//! Must not change anything.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    describe, draw, facts, findings_beside, findings_of, findings_of_documents,
    known::{Known, load},
    may,
};
use crate::{
    app::App,
    catalog::{Catalog, Entity, EntityRef, Entry, Kind, RelationType},
    chat::{Block, Button, Card, Reply, Status, Text, Tone, limits::cut},
    commands::{
        Asking,
        answer::{age::count, names::label, provenance, subject},
    },
    hygiene::{
        check::{EXEMPT, Finding, Rules, Subject, check_all},
        fix::Way,
        misspelt::{Misspelt, find_misspelt},
        round::NOBODY,
        standing::{Standing, asked_of, owner_of, stand},
        track,
    },
    settings::TrackSettings,
    store::FindingSpell,
};

/// Findings on a page: each is a card with buttons.
const PAGE: usize = 5;

/// Lines of an overview.
const TEAMS: usize = 20;

/// Teams that get a button there.
const BUTTONS: usize = 5;

pub(super) async fn show(app: &App, catalog: &Catalog, asking: &Asking<'_>, typed: &str, page: usize) -> Reply {
    if typed.is_empty() {
        return own(app, catalog, asking, page).await;
    }
    if typed.eq_ignore_ascii_case(NOBODY) {
        let all = all_findings(app, catalog, asking).remove(&None).unwrap_or_default();
        return Shown::of_nobody().reply(app, catalog, asking, all, page).await;
    }
    if typed.eq_ignore_ascii_case("everyone") {
        return overview(app, catalog, asking, page).await;
    }
    if typed.eq_ignore_ascii_case("undescribed") {
        return describe::list(app, catalog, asking, page).await;
    }
    let meant: Vec<Finding> =
        findings_beside(app, catalog, asking).into_iter().filter(|finding| is_of(catalog, finding, typed)).collect();
    if let Some(finding) = meant.first() {
        return Shown::beside(finding, catalog).reply(app, catalog, asking, meant, page).await;
    }
    let subject = match subject::resolve(catalog, asking, "hygiene", typed) {
        Ok(subject) => subject,
        Err(reply) => return *reply,
    };
    let mut reply = of_entry(app, catalog, asking, &subject.entry, page).await;
    subject.own_up(&mut reply);
    reply
}

/// Whether what is no entry is meant: a repository by its full name or address, a document by its name or file where the
/// catalog has nothing of that name, each by what stands for it in keys.
fn is_of(catalog: &Catalog, finding: &Finding, typed: &str) -> bool {
    let is_key = finding.entity.as_str().eq_ignore_ascii_case(typed);
    match &finding.subject {
        Subject::Entry => false,
        Subject::Repository(of) => {
            let names = [Some(of.repository.full_name.as_str()), of.repository.url.as_deref()];
            is_key || names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(typed))
        }
        Subject::Document(of) => is_key || of.is_called(typed) && !subject::is_named(catalog, typed),
    }
}

async fn own(app: &App, catalog: &Catalog, asking: &Asking<'_>, page: usize) -> Reply {
    let teams = asking.person.as_ref().map(|person| catalog.related(person, RelationType::MemberOf)).unwrap_or_default();
    let teams: Vec<&Arc<Entry>> = teams.iter().filter_map(|team| catalog.find(team)).collect();
    match teams.as_slice() {
        [team] => of_entry(app, catalog, asking, team, page).await,
        [] if may(app, catalog, asking, "everyone") => overview(app, catalog, asking, page).await,
        [] => {
            let lead = match &asking.person {
                Some(_) => "The catalog has you in no team. Say which one you mean: /hygiene team-payments.",
                None => "The catalog does not know which teams you are in. Say which one you mean: /hygiene team-payments.",
            };
            let mut reply = Reply::new(Status::NotFound, "hygiene", lead.into());
            reply.buttons.push(Button::say("Teams", "find team"));
            reply
        }
        several => of_several(app, catalog, asking, several),
    }
}

async fn of_entry(app: &App, catalog: &Catalog, asking: &Asking<'_>, entry: &Arc<Entry>, page: usize) -> Reply {
    let shown = Shown::of(catalog, entry);
    let mut findings = findings_of(app, catalog, asking, &shown.entries);
    // What a person or a team owns by name only is another's once its owner has gone.
    if shown.is_owner {
        findings.retain(|finding| owner_of(catalog, &finding.entity).as_ref() == shown.about.as_ref());
        findings.extend(findings_of_documents(app, catalog, asking, &entry.entity.entity_ref));
    }
    let mut reply = shown.reply(app, catalog, asking, findings, page).await;
    reply.provenance = Some(provenance::of_catalog(catalog, asking));
    reply
}

/// Whose findings are shown.
struct Shown {
    /// `None`: of what nobody owns.
    about: Option<EntityRef>,
    name: String,
    is_owner: bool,
    entries: Vec<Arc<Entry>>,
}

impl Shown {
    fn of(catalog: &Catalog, entry: &Arc<Entry>) -> Self {
        let entity = &entry.entity;
        let is_owner = matches!(entity.kind, Kind::Group | Kind::User);
        let mut entries = vec![Arc::clone(entry)];
        if is_owner {
            let owned = catalog.related(&entity.entity_ref, RelationType::OwnerOf);
            entries.extend(owned.iter().filter_map(|owned| catalog.find(owned)).cloned());
        }
        Self { about: Some(entity.entity_ref.clone()), name: entity.label().to_owned(), is_owner, entries }
    }

    fn of_nobody() -> Self {
        Self { about: None, name: "Nobody".to_owned(), is_owner: true, entries: Vec::new() }
    }

    fn beside(finding: &Finding, catalog: &Catalog) -> Self {
        Self { about: Some(finding.entity.clone()), name: finding.name(catalog), is_owner: false, entries: Vec::new() }
    }

    fn line(&self) -> String {
        match &self.about {
            Some(about) => format!("hygiene all {about}"),
            None => format!("hygiene all {NOBODY}"),
        }
    }

    async fn reply(&self, app: &App, catalog: &Catalog, asking: &Asking<'_>, findings: Vec<Finding>, page: usize) -> Reply {
        let known = load(app, asking).await;
        let standings = stand(catalog, findings, &known.opened, &known.rests);
        let is_aside = |standing: &Standing| standing.rest.is_some() || known.hand_overs.contains_key(&standing.key());
        let (aside, open): (Vec<&Standing>, Vec<&Standing>) = standings.iter().partition(|standing| is_aside(standing));
        let pages = open.len().div_ceil(PAGE).max(1);
        let page = page.clamp(1, pages);
        let mut reply = Reply::new(Status::Answered, "hygiene", self.lead(&open, aside.len(), page, pages));
        let about = self.about.as_ref().filter(|about| catalog.find(about).is_some());
        reply.refs.extend(about.map(ToString::to_string));
        if page == 1 {
            reply.cards.extend(self.progress(app, catalog, asking, &known, &standings));
        }
        let here: Vec<&&Standing> = open.iter().skip((page - 1) * PAGE).take(PAGE).collect();
        reply.cards.extend(here.iter().map(|standing| draw::finding(catalog, asking, &known, standing)));
        if page == pages {
            reply.cards.extend(draw::aside(catalog, &known, &aside));
            reply.cards.extend(self.excused());
        }
        if page > 1 {
            reply.buttons.push(Button::say("Back", format!("{} page {}", self.line(), page - 1)));
        }
        if page < pages {
            reply.buttons.push(Button::say("Show more", format!("{} page {}", self.line(), page + 1)));
        }
        reply.buttons.extend(self.fix_alike(catalog, &open, &known));
        let undescribed = open.iter().filter(|standing| standing.finding.repository().is_some()).count();
        if undescribed > 1 {
            reply.buttons.push(Button::say("Repositories without a descriptor", "hygiene undescribed"));
        }
        let team = self.about.as_ref().filter(|_| self.is_owner);
        reply.buttons.extend(team.map(|team| Button::say("Trend", format!("hygiene trend {team}"))));
        reply
    }

    fn lead(&self, open: &[&Standing], aside: usize, page: usize, pages: usize) -> Text {
        let name = Text::new().bold(&self.name);
        if open.is_empty() {
            let left = match aside {
                1 => "One finding is left alone for now, or with others.".to_owned(),
                some => format!("{some} findings are left alone for now, or with others."),
            };
            return match &self.about {
                Some(_) if aside > 0 => Text::plain("Nothing else is open for ").join(name).say(format!(". {left}")),
                None if aside > 0 => format!("Nothing else is open that nobody owns. {left}").into(),
                Some(_) => Text::plain("✓ Nothing is open for ").join(name).say(". All is as it should be."),
                None => "✓ Nothing is open that nobody owns.".into(),
            };
        }
        let critical = open.iter().filter(|standing| standing.is_critical()).count();
        let are = if open.len() == 1 { "is" } else { "are" };
        let said = match self.about {
            Some(_) => name.say(format!(": {} {are} open", count(open.len(), "finding"))),
            None => Text::plain(format!("{} {are} open that nobody answers for", count(open.len(), "finding"))),
        };
        let said = match critical {
            0 => said,
            all if all == open.len() => said.say(", critical"),
            some => said.say(format!(", {some} of them critical")),
        };
        let said = said.say(if open.len() == 1 { "." } else { ", the gravest first." });
        if pages > 1 { said.say(format!(" Page {page} of {pages}.")) } else { said }
    }

    /// Levels, what is next, and what has changed in a month.
    fn progress(&self, app: &App, catalog: &Catalog, asking: &Asking<'_>, known: &Known, standings: &[Standing]) -> Option<Card> {
        let things: Vec<&Entity> = self.entries.iter().map(|entry| &entry.entity).collect();
        // What is exempt is as it should be; what is only snoozed is not.
        let is_exempt =
            |standing: &&Standing| standing.rest.as_ref().is_some_and(|rest| rest.kind == crate::store::RestKind::Exempt);
        let open: Vec<&Finding> =
            standings.iter().filter(|standing| !is_exempt(standing)).map(|standing| &standing.finding).collect();
        let tracks: &[TrackSettings] = &app.settings.hygiene.tracks;
        let progress: Vec<_> = tracks.iter().filter_map(|track| track::stand(track, &things, &open)).collect();
        let mut body: Vec<Block> = progress.iter().map(|progress| Block::Paragraph(draw::track(progress))).collect();
        let is_meant: Box<dyn Fn(&FindingSpell) -> bool> = match (&self.about, self.is_owner) {
            (about, true) => Box::new(Known::is_team(about.as_ref())),
            (about, false) => Box::new(move |spell| Some(&spell.entity) == about.as_ref()),
        };
        body.extend(known.change(asking.now, is_meant).map(|words| Block::Paragraph(words.into())));
        if app.settings.hygiene.compare_teams && self.is_owner {
            body.extend(self.compared(app, catalog, asking).map(|words| Block::Paragraph(words.into())));
        }
        body.extend(known.missing.as_ref().map(|missing| Block::Warning(missing.as_str().into())));
        // Whoever is at the top of all tracks may still have something open that no track asks for.
        let reached_all = !progress.is_empty() && progress.iter().all(|progress| progress.next.is_none());
        let tone = if reached_all && standings.is_empty() { Tone::Good } else { Tone::Neutral };
        (!body.is_empty()).then(|| Card { tone, body, ..Card::default() })
    }

    /// "Of 12 teams, 4 have fewer open findings."
    fn compared(&self, app: &App, catalog: &Catalog, asking: &Asking<'_>) -> Option<String> {
        let all = all_findings(app, catalog, asking);
        let own = all.get(&self.about).map_or(0, Vec::len);
        let teams = all.keys().flatten().count();
        let fewer = all.iter().filter(|(team, findings)| team.is_some() && findings.len() < own).count();
        (teams > 1).then(|| format!("Of {teams} teams with open findings, {fewer} have fewer."))
    }

    /// What the descriptors themselves are excused from.
    fn excused(&self) -> Option<Card> {
        let excused = self.entries.iter().filter_map(|entry| {
            let checks = entry.entity.annotation(EXEMPT)?;
            Some(Text::new().bold(entry.entity.label()).say(format!(": {} ({EXEMPT})", cut(checks.trim(), 200))))
        });
        let items: Vec<_> = excused.take(TEAMS).map(crate::chat::ListItem::new).collect();
        if items.is_empty() {
            return None;
        }
        let body = vec![Block::List { style: crate::chat::ListStyle::Bullets, items }];
        Some(Card { title: Text::new().bold("Excused in their own descriptors"), body, ..Card::default() })
    }

    /// "Fix all 4 like this" for the check that most things of a team fail.
    fn fix_alike(&self, catalog: &Catalog, open: &[&Standing], known: &Known) -> Option<Button> {
        let about = self.about.as_ref().filter(|_| self.is_owner)?;
        let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
        for standing in open {
            let found = &standing.finding;
            if Way::of(catalog, found) == Some(Way::Form) && known.fix_of(&standing.key()).is_none() {
                *alike.entry(found.check.id).or_default() += 1;
            }
        }
        let (check, number) = alike.into_iter().filter(|(_, number)| *number > 1).max_by_key(|(_, number)| *number)?;
        let title = crate::hygiene::check::find_check(check).map(|check| draw::lower(check.title))?;
        Some(Button::say(format!("Fix all {number}: {title}"), format!("hygiene fixall {check}:{about}")))
    }
}

/// All that is open, by who answers for it.
fn all_findings(app: &App, catalog: &Catalog, asking: &Asking<'_>) -> BTreeMap<Option<EntityRef>, Vec<Finding>> {
    let rules = Rules::of(&app.settings.hygiene);
    let mut all: BTreeMap<Option<EntityRef>, Vec<Finding>> = BTreeMap::new();
    for finding in check_all(&facts(catalog, asking, &rules)) {
        all.entry(asked_of(catalog, &finding)).or_default().push(finding);
    }
    all
}

/// The teams by the number of what is open; what nobody owns is a line of its own.
async fn overview(app: &App, catalog: &Catalog, asking: &Asking<'_>, page: usize) -> Reply {
    if !may(app, catalog, asking, "everyone") {
        let lead = "Only admins may see how all teams stand. /hygiene shows your own.";
        return Reply::new(Status::Refused, "hygiene", lead.into());
    }
    let known = load(app, asking).await;
    let rules = Rules::of(&app.settings.hygiene);
    let standings = stand(catalog, check_all(&facts(catalog, asking, &rules)), &known.opened, &known.rests);
    let mut all: BTreeMap<Option<EntityRef>, (usize, usize)> = BTreeMap::new();
    for standing in standings.iter().filter(|standing| standing.rest.is_none()) {
        let (open, critical) = all.entry(standing.owner.clone()).or_default();
        *open += 1;
        *critical += usize::from(standing.is_critical());
    }
    let total: usize = all.values().map(|(open, _)| open).sum();
    let mut lines: Vec<_> = all.into_iter().collect();
    lines.sort_by_key(|(_, (open, critical))| std::cmp::Reverse((*open, *critical)));
    if lines.is_empty() {
        return Reply::new(Status::Answered, "hygiene", "✓ Nothing is open for anybody. All is as it should be.".into());
    }
    let pages = lines.len().div_ceil(TEAMS);
    let page = page.clamp(1, pages);
    let are = if total == 1 { "is" } else { "are" };
    let lead = format!("{} {are} open in all, by who answers for them.", count(total, "finding"));
    let lead = if pages > 1 { format!("{lead} Page {page} of {pages}.") } else { lead };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    let here = &lines[(page - 1) * TEAMS..lines.len().min(page * TEAMS)];
    let name = |team: &Option<EntityRef>| team.as_ref().map_or_else(|| "Nobody".to_owned(), |team| label(catalog, team));
    let rows = here
        .iter()
        .map(|(team, (open, critical))| vec![Text::new().bold(name(team)), open.to_string().into(), critical.to_string().into()]);
    let body = vec![Block::Table { header: vec!["Team".into(), "Open".into(), "Critical".into()], rows: rows.collect() }];
    let buttons = here.iter().take(BUTTONS).map(|(team, _)| {
        let subject = team.as_ref().map_or_else(|| NOBODY.to_owned(), ToString::to_string);
        Button::say(cut(&name(team), 60), format!("hygiene {subject}"))
    });
    let misspelt = find_misspelt(&app.settings.hygiene, &app.settings.kinds).into_iter();
    let misspelt = misspelt.map(|Misspelt { key, message }| format!("{key}: {message}"));
    let warnings = known.missing.clone().into_iter().chain(misspelt);
    let body = warnings.map(|warning| Block::Warning(warning.into())).chain(body).collect();
    reply.cards.push(Card { body, buttons: buttons.collect(), ..Card::default() });
    if page > 1 {
        reply.buttons.push(Button::say("Back", format!("hygiene everyone page {}", page - 1)));
    }
    if page < pages {
        reply.buttons.push(Button::say("Show more", format!("hygiene everyone page {}", page + 1)));
    }
    reply
}

/// The asker's own teams, one line each.
fn of_several(app: &App, catalog: &Catalog, asking: &Asking<'_>, teams: &[&Arc<Entry>]) -> Reply {
    let mut total = 0;
    let mut rows = Vec::new();
    for team in teams {
        let shown = Shown::of(catalog, team);
        let mut findings = findings_of(app, catalog, asking, &shown.entries);
        findings.extend(findings_of_documents(app, catalog, asking, &team.entity.entity_ref));
        let critical = findings.iter().filter(|finding| finding.severity == crate::hygiene::check::Severity::Critical).count();
        total += findings.len();
        rows.push(vec![Text::new().bold(team.entity.label()), findings.len().to_string().into(), critical.to_string().into()]);
    }
    let lead = match total {
        0 => "✓ Nothing is open for any of your teams. All is as it should be.".to_owned(),
        total => format!("Your teams have {} open.", count(total, "finding")),
    };
    let mut reply = Reply::new(Status::Answered, "hygiene", lead.into());
    let body = vec![Block::Table { header: vec!["Team".into(), "Open".into(), "Critical".into()], rows }];
    let buttons = teams.iter().take(BUTTONS);
    let buttons = buttons.map(|team| Button::say(cut(team.entity.label(), 60), format!("hygiene {}", team.entity.entity_ref)));
    reply.cards.push(Card { body, buttons: buttons.collect(), ..Card::default() });
    reply
}
