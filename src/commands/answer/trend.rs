//! A quarter of hygiene as words, pictures and a file. Must not count: hygiene does.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::names::label;
use crate::{
    app::App,
    catalog::{Catalog, EntityRef},
    chat::{Block, Button, Card, Platform, Text},
    commands::Asking,
    hygiene::trend::{Course, IsOfAll, Stood, course, since},
    picture::{PictureError, Trend, draw_trend},
    store::StoreError,
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
    let mut body = vec![Block::Paragraph(words(&course))];
    let mut buttons = Vec::new();
    let public_url = app.settings.server.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
    let base = match asking.account.platform {
        // It has them at hand.
        Platform::Playground => Some(String::new()),
        Platform::Slack | Platform::Discord => public_url.clone(),
        Platform::Terminal => None,
    };
    if let Some(base) = base {
        for shape in [Shape::Coverage, Shape::Findings] {
            let trend = trend(catalog, &course, shape, owner);
            let is_flat = trend.lines.iter().all(|line| line.points.iter().all(|(_, value)| *value == 0.0));
            if is_flat || draw_trend(&trend).is_err() {
                continue;
            }
            let token = keep(app, shape, owner).await?;
            body.push(Block::Picture { url: format!("{base}/pictures/{token}.png"), says: says(&trend) });
        }
    }
    if let Some(public_url) = public_url.filter(|_| asking.account.platform != Platform::Terminal) {
        let token = keep(app, Shape::Csv, owner).await?;
        buttons.push(Button::open("As a file", format!("{public_url}/export/{token}.csv")));
    }
    Ok(Card { title: Text::new().bold("The last quarter"), body, buttons, ..Card::default() })
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
    let now = app.clock.now();
    let first = since(now);
    let days = app.store.load_coverage_days(first).await?;
    let spells = app.store.load_finding_spells(first.and_time(chrono::NaiveTime::MIN).and_utc()).await?;
    Ok(course(&days, &spells, owner, now))
}

fn trend(catalog: &Catalog, course: &Course, shape: Shape, owner: Option<&EntityRef>) -> Trend {
    let of = owner.map_or_else(|| "all teams".to_owned(), |owner| label(catalog, owner));
    let is_of_all = if owner.is_none() { IsOfAll::Yes } else { IsOfAll::No };
    match shape {
        Shape::Coverage => course.coverage(&of, is_of_all),
        Shape::Findings | Shape::Csv => course.findings(&of),
    }
}

async fn keep(app: &App, shape: Shape, owner: Option<&EntityRef>) -> Result<String, StoreError> {
    let asked = Asked { trend: shape, owner: owner.cloned() };
    let now = app.clock.now();
    app.store.add_export(&serde_json::to_value(asked).expect("plain values become JSON"), now, now + PICTURES_KEPT).await
}

fn words(course: &Course) -> Text {
    let (opened, closed) =
        course.weeks.iter().fold((0, 0), |(opened, closed), week| (opened + week.opened, closed + week.closed));
    let mut text = Text::new();
    let mut stood = course.weeks.iter().filter_map(|week| week.stood).filter(|stood| stood.components > 0);
    if let Some(first) = stood.next() {
        let last = stood.next_back().unwrap_or(first);
        let share = |part: fn(&Stood) -> i32| {
            let of = |stood: &Stood| 100 * part(stood) / stood.components;
            match (of(&first), of(&last)) {
                (before, now) if before == now => format!("{now} %"),
                (before, now) => format!("{now} % (was {before} %)"),
            }
        };
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
        Some(0) => text.say(" Half of it was mended on the day it was found."),
        Some(1) => text.say(" Half of it was mended within a day."),
        Some(days) => text.say(format!(" Half of it was mended within {days} days.")),
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
