//! A quarter of hygiene as words, pictures and a file. Must not count: hygiene does.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::names::label;
use crate::{
    app::App,
    catalog::{Catalog, EntityRef},
    chat::{Block, Button, Card, Platform, Text},
    commands::Asking,
    hygiene::{
        round::{Planned, Round},
        trend::{Course, IsOfAll, Stood, course, since},
    },
    picture::{PictureError, Trend, draw_trend},
    store::{CoverageDay, FindingSpell, StoreError},
};

/// Chats fetch a picture when the message is drawn, and again when somebody scrolls back to it.
const PICTURES_KEPT: TimeDelta = TimeDelta::days(90);

/// What a token of a picture or a file stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub trend: Shape,
    /// A reference; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<EntityRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Coverage,
    Findings,
    Csv,
}

/// How the last quarter went, for one owner or, without, for all; pictures where a chat can fetch them.
pub async fn card(app: &App, catalog: &Catalog, asking: &Asking<'_>, owner: Option<&EntityRef>) -> Result<Card, StoreError> {
    let course = load(app, owner).await?;
    let mut body = vec![Block::Paragraph(words(&course, is_of_all(owner)))];
    let mut buttons = Vec::new();
    if let Some(base) = base(app, asking.account.platform) {
        for shape in [Shape::Coverage, Shape::Findings] {
            body.extend(picture_of(app, &base, shape, owner, &trend(catalog, &course, shape, owner)).await?);
        }
    }
    if let Some(public_url) = public_url(app).filter(|_| asking.account.platform != Platform::Terminal) {
        let token = keep(app, Shape::Csv, owner).await?;
        buttons.push(Button::open("As a file", format!("{public_url}/export/{token}.csv")));
    }
    Ok(Card { title: Text::new().bold("The last quarter"), body, buttons, ..Card::default() })
}

/// Adds to each message of a round how the quarter went for its team and for all, where the chat can fetch pictures and
/// there is something to see.
pub async fn illustrate(app: &App, round: &mut Round) -> Result<(), StoreError> {
    let Some(base) = round.messages.first().and_then(|message| base(app, message.sent.platform)) else { return Ok(()) };
    let catalog = app.catalog.load();
    let counted = Counted::load(app).await?;
    let shape = Shape::Coverage;
    let course_of_all = counted.course(None);
    let of_all = picture_of(app, &base, shape, None, &trend(&catalog, &course_of_all, shape, None)).await?;
    // Where a team is told one by one, all see the same.
    let mut known: BTreeMap<String, Option<Card>> = BTreeMap::new();
    // One line stays one; and what teams below have left open says nothing of one's own quarter.
    let is_full = |message: &&mut Planned| {
        let is_as_before = message.sent.shown.is_empty() && !message.findings.is_empty();
        let is_of_others = message.findings.is_empty() && !message.sent.shown.is_empty();
        !is_as_before && !is_of_others
    };
    for message in round.messages.iter_mut().filter(is_full) {
        if !known.contains_key(&message.team) {
            let owner = EntityRef::parse(&message.team, None, "default").ok().filter(|owner| catalog.find(owner).is_some());
            let course = owner.as_ref().map_or_else(|| course_of_all.clone(), |owner| counted.course(Some(owner)));
            let own = match &owner {
                Some(owner) => {
                    let drawn = trend(&catalog, &course, shape, Some(owner));
                    picture_of(app, &base, shape, Some(owner), &drawn).await?
                }
                None => None,
            };
            let pictures: Vec<Block> = own.into_iter().chain(of_all.clone()).collect();
            let line = owner.as_ref().map_or_else(|| "hygiene trend".to_owned(), |owner| format!("hygiene trend {owner}"));
            let card = (!pictures.is_empty()).then(|| Card {
                title: Text::new().bold("The last quarter"),
                body: std::iter::once(Block::Paragraph(words(&course, is_of_all(owner.as_ref())))).chain(pictures).collect(),
                buttons: vec![Button::say("Trend", line)],
                ..Card::default()
            });
            known.insert(message.team.clone(), card);
        }
        message.sent.reply.cards.extend(known.get(&message.team).cloned().flatten());
    }
    Ok(())
}

fn public_url(app: &App) -> Option<String> {
    app.settings.server.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned())
}

/// Before which address a platform finds pictures; `None`: it cannot fetch any.
fn base(app: &App, platform: Platform) -> Option<String> {
    match platform {
        // It has them at hand.
        Platform::Playground => Some(String::new()),
        Platform::Slack | Platform::Discord => public_url(app),
        Platform::Terminal => None,
    }
}

/// The block that shows a trend, where there is something to see.
async fn picture_of(
    app: &App,
    base: &str,
    shape: Shape,
    owner: Option<&EntityRef>,
    trend: &Trend,
) -> Result<Option<Block>, StoreError> {
    if !trend.is_telling() {
        return Ok(None);
    }
    let token = keep(app, shape, owner).await?;
    Ok(Some(Block::Picture { url: format!("{base}/pictures/{token}.png"), says: says(trend) }))
}

/// The picture that a token stands for.
pub async fn picture(app: &App, asked: &Asked) -> Result<Result<Vec<u8>, PictureError>, StoreError> {
    let course = load(app, asked.owner.as_ref()).await?;
    let catalog = app.catalog.load();
    Ok(draw_trend(&trend(&catalog, &course, asked.trend, asked.owner.as_ref())))
}

/// The file that a token stands for.
pub async fn file(app: &App, asked: &Asked) -> Result<String, StoreError> {
    Ok(load(app, asked.owner.as_ref()).await?.csv())
}

async fn load(app: &App, owner: Option<&EntityRef>) -> Result<Course, StoreError> {
    Ok(Counted::load(app).await?.course(owner))
}

/// All that was counted in a quarter.
struct Counted {
    days: Vec<CoverageDay>,
    spells: Vec<FindingSpell>,
    now: DateTime<Utc>,
}

impl Counted {
    async fn load(app: &App) -> Result<Self, StoreError> {
        let now = app.clock.now();
        let first = since(now);
        let days = app.store.load_coverage_days(first).await?;
        let spells = app.store.load_finding_spells(first.and_time(chrono::NaiveTime::MIN).and_utc()).await?;
        Ok(Self { days, spells, now })
    }

    fn course(&self, owner: Option<&EntityRef>) -> Course {
        course(&self.days, &self.spells, owner, self.now)
    }
}

fn trend(catalog: &Catalog, course: &Course, shape: Shape, owner: Option<&EntityRef>) -> Trend {
    let of = owner.map_or_else(|| "all teams".to_owned(), |owner| label(catalog, owner));
    match shape {
        Shape::Coverage => course.coverage(&of, is_of_all(owner)),
        Shape::Findings | Shape::Csv => course.findings(&of),
    }
}

fn is_of_all(owner: Option<&EntityRef>) -> IsOfAll {
    if owner.is_none() { IsOfAll::Yes } else { IsOfAll::No }
}

async fn keep(app: &App, shape: Shape, owner: Option<&EntityRef>) -> Result<String, StoreError> {
    let asked = Asked { trend: shape, owner: owner.cloned() };
    let now = app.clock.now();
    app.store.add_export(&serde_json::to_value(asked).expect("plain values become JSON"), now, now + PICTURES_KEPT).await
}

fn words(course: &Course, is_of_all: IsOfAll) -> Text {
    let (opened, closed) =
        course.weeks.iter().fold((0, 0), |(opened, closed), week| (opened + week.opened, closed + week.closed));
    let mut text = Text::new();
    let mut stood = course.weeks.iter().filter_map(|week| week.stood).filter(|stood| stood.components > 0);
    if let Some(first) = stood.next() {
        let last = stood.next_back().unwrap_or(first);
        let share = |part: fn(&Stood) -> i32| {
            let of = |stood: &Stood| (100 * part(stood) + stood.components / 2) / stood.components;
            match (of(&first), of(&last)) {
                (before, now) if before == now => format!("{now} %"),
                (before, now) => format!("{now} % (was {before} %)"),
            }
        };
        // What a team owns is owned.
        if is_of_all == IsOfAll::Yes {
            text = text.say("Owners: ").bold(share(|stood| stood.owned)).say(". ");
        }
        text = text.say("Runbooks: ").bold(share(|stood| stood.with_runbook));
        text = text.say(". Docs: ").bold(share(|stood| stood.with_docs)).say(".").line();
    }
    text = match (opened, closed) {
        (0, 0) if text.0.is_empty() => {
            return Text::plain(
                "Nothing has been counted yet: the first figures are written within a day, and lines drawn from two weeks.",
            );
        }
        (0, 0) => text.say("Nothing was found and nothing mended."),
        (opened, closed) => text.say("Found: ").bold(opened.to_string()).say(". Mended: ").bold(closed.to_string()).say("."),
    };
    match course.median_days {
        None => text,
        Some(0) => text.say(" Median time to mend: less than a day."),
        Some(1) => text.say(" Median time to mend: 1 day."),
        Some(days) => text.say(format!(" Median time to mend: {days} days.")),
    }
}

/// What a picture shows, for whoever does not see it.
fn says(trend: &Trend) -> String {
    let line = |line: &crate::picture::TrendLine| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        Some(format!("{} from {:.0} to {:.0}", line.label, first.1, last.1))
    };
    let lines: Vec<String> = trend.lines.iter().filter_map(line).collect();
    format!("{}: {}", trend.title, lines.join(", "))
}
