//! Trends as pictures, drawn with a font that the program brings. Must not know what is counted, nor who looks.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use kuva::{
    plot::{LinePlot, legend::LegendPosition},
    render::{
        datetime::DateTimeAxis,
        layout::{Layout, TickFormat},
        plots::Plot,
    },
};

/// Pixels, at the width of a message in Slack; drawn twice as fine for dense screens.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const SCALE: f32 = 2.0;

/// Told apart by people who see no red or green, too (after Okabe and Ito).
const COLOURS: [&str; 5] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"];

/// A longer title would run out of the picture.
const TITLE_LETTERS: usize = 60;

/// Some lines over the same days.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    pub title: String,
    pub unit: Unit,
    /// At most five: more cannot be told apart.
    pub lines: Vec<TrendLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From 0 to 100.
    Percent,
    /// Whole things.
    Count,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TrendLine {
    pub label: String,
    /// In the order of days.
    pub points: Vec<(NaiveDate, f64)>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("there are fewer than two days to draw a line between")]
    TooShort,
    #[error("the picture could not be drawn: {0}")]
    Failed(String),
}

impl Trend {
    /// Whether there is something to see: two days at least, and not nothing on all of them.
    pub fn is_telling(&self) -> bool {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (first, last) = (points().map(|(day, _)| day).min(), points().map(|(day, _)| day).max());
        first != last && points().any(|(_, value)| *value != 0.0)
    }
}

/// A PNG of 1,280 by 600 pixels.
pub fn draw_trend(trend: &Trend) -> Result<Vec<u8>, PictureError> {
    let days = || trend.lines.iter().flat_map(|line| line.points.iter().map(|(day, _)| *day));
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Err(PictureError::TooShort) };
    if first == last {
        return Err(PictureError::TooShort);
    }
    let lines = trend.lines.iter().zip(COLOURS).map(|(line, colour)| {
        let points = line.points.iter().map(|(day, value)| (seconds(*day), *value));
        Plot::Line(LinePlot::new().with_data(points).with_color(colour).with_stroke_width(2.5).with_legend(literal(&line.label)))
    });
    let plots: Vec<Plot> = lines.collect();
    let top = trend.lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value)).fold(0.0, f64::max);
    let (top, format) = match trend.unit {
        Unit::Percent => (100.0, TickFormat::Custom(Arc::new(|value| format!("{value:.0} %")))),
        Unit::Count => ((top * 1.1).max(4.0).ceil(), TickFormat::Integer),
    };
    let title: String = trend.title.chars().take(TITLE_LETTERS).collect();
    let layout = Layout::auto_from_plots(&plots)
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_title(literal(&title))
        .with_title_size(16)
        .with_x_datetime(axis(first, last))
        .with_y_tick_format(format)
        .with_y_axis_min(0.0)
        .with_y_axis_max(top)
        .with_legend_box(false)
        .with_legend_position(LegendPosition::OutsideBottomColumns);
    kuva::render_to_png(plots, layout, SCALE).map_err(PictureError::Failed)
}

/// Months where there are several, else weeks, else days.
fn axis(first: NaiveDate, last: NaiveDate) -> DateTimeAxis {
    match (last - first).num_days() {
        0..=13 => DateTimeAxis::days("%-d %b").with_step(2),
        14..=41 => DateTimeAxis::weeks("%-d %b"),
        42..=119 => DateTimeAxis::weeks("%-d %b").with_step(2),
        120..=399 => DateTimeAxis::months("%b"),
        _ => DateTimeAxis::months("%b %y").with_step(3),
    }
}

fn seconds(day: NaiveDate) -> f64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp() as f64
}

/// As it is: a dollar would begin a formula.
fn literal(text: &str) -> String {
    text.replace('$', "\\$")
}
