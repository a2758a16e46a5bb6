//! Forms as steps of a message: menus for what is chosen, a modal for what is written, buttons to go on.
//! Must not keep anything: the message names the sitting, which lies where all replicas find it.

use super::{
    step::{Most, Search, Sitting as Page, Way, is_among, label, shown_label, token},
    text::Markdown,
    wire::{
        AllowedMentions, ButtonPart, Component, DiscordMessage, EPHEMERAL, Embed, InputPart, Lines, Modal, Row, SelectOption,
        SelectPart, Style,
    },
};
use crate::chat::{
    Decimals, Field, FieldKind, Required, Text, Value,
    limits::DISCORD,
    width::{fit, width},
};

pub use super::step::{Sitting, Way as Asked};

/// What is looked up for a sitting.
pub type Wanted = Search;

/// A line of a command never begins so.
const MARK: char = '~';

/// One answer, where all are shown together.
const ANSWER_WIDTH: usize = 200;
const HELP_WIDTH: usize = 400;
const INTRO_WIDTH: usize = 3_500;

/// What a press, a choice or a modal of a form is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The sitting's number.
    pub sitting: i64,
    /// Where the person was: a press that comes late must not move on what was moved meanwhile.
    pub page: usize,
    pub step: usize,
    pub what: Touched,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Opens the modal.
    Write,
    /// The modal was sent.
    Written,
    /// A menu, by the question's place.
    Choose(usize),
    Next,
    Back,
    Cancel,
}

impl Touch {
    /// `None` where it is none of ours: a line of a command, or of another version.
    pub fn parse(custom_id: &str) -> Option<Self> {
        let mut parts = custom_id.strip_prefix(MARK)?.split('.');
        let mut number = || parts.next()?.parse::<usize>().ok();
        let (sitting, page, step) = (number()?, number()?, number()?);
        let what = parts.next()?;
        let what = match (what, what.strip_prefix('c')) {
            ("w", _) => Touched::Write,
            ("m", _) => Touched::Written,
            ("n", _) => Touched::Next,
            ("b", _) => Touched::Back,
            ("x", _) => Touched::Cancel,
            (_, Some(index)) => Touched::Choose(index.parse().ok()?),
            (_, None) => return None,
        };
        Some(Self { sitting: i64::try_from(sitting).ok()?, page, step, what })
    }

    fn custom_id(self) -> String {
        let Self { sitting, page, step, what } = self;
        let what = match what {
            Touched::Write => "w".to_owned(),
            Touched::Written => "m".to_owned(),
            Touched::Choose(index) => format!("c{index}"),
            Touched::Next => "n".to_owned(),
            Touched::Back => "b".to_owned(),
            Touched::Cancel => "x".to_owned(),
        };
        format!("{MARK}{sitting}.{page}.{step}.{what}")
    }
}

/// The step that is shown, as a message for one person.
pub fn render_step(id: i64, sitting: &Page) -> DiscordMessage {
    let shown = sitting.shown();
    let touch = |what| Touch { sitting: id, page: sitting.form.page, step: sitting.step, what }.custom_id();
    let mut rows: Vec<Row> = Vec::new();
    for (index, field) in &shown {
        if let Some(select) = draw_select(sitting, field, touch(Touched::Choose(*index))) {
            rows.push(Row::new(vec![Component::Select(select)]));
        }
    }
    let mut buttons = Vec::new();
    let is_written = |way: Way| matches!(way, Way::Written | Way::Searched(_));
    if shown.iter().any(|(_, field)| is_written(Way::of(field))) {
        let all_search = shown.iter().all(|(_, field)| !matches!(Way::of(field), Way::Written));
        let word = if all_search { "Search…" } else { "Fill in…" };
        buttons.push(ButtonPart::press(word, Style::Primary, touch(Touched::Write)));
    }
    if sitting.step > 0 || sitting.form.page > 0 {
        buttons.push(ButtonPart::press("Back", Style::Secondary, touch(Touched::Back)));
    }
    let (word, style) = if sitting.is_last_step() {
        (shown_label(&sitting.form.submit, DISCORD.button_label), Style::Primary)
    } else {
        ("Next".to_owned(), Style::Secondary)
    };
    buttons.push(ButtonPart::press(word, style, touch(Touched::Next)));
    buttons.push(ButtonPart::press("Cancel", Style::Secondary, touch(Touched::Cancel)));
    rows.push(Row::new(buttons.into_iter().map(Component::Button).collect()));
    DiscordMessage {
        content: heading(sitting),
        embeds: embeds(sitting, &shown),
        components: rows,
        allowed_mentions: AllowedMentions::default(),
        flags: Some(EPHEMERAL),
    }
}

fn heading(sitting: &Page) -> String {
    let (form, steps) = (&sitting.form, sitting.steps().len());
    let mut out = Markdown::within(DISCORD.message_text);
    out.marked("**", &fit(&form.title, 100));
    if form.pages > 1 {
        out.words(&format!(" – page {} of {}", form.page + 1, form.pages));
    }
    if steps > 1 {
        out.words(&format!(", step {} of {steps}", sitting.step + 1));
    }
    if let Some(note) = &sitting.note {
        out.raw("\n⚠️ ");
        out.words(&fit(note, 500));
    }
    out.text
}

/// What the page says, and the questions with their answers.
fn embeds(sitting: &Page, shown: &[(usize, &Field)]) -> Vec<Embed> {
    let mut embeds = Vec::new();
    if sitting.step == 0 && !sitting.form.intro.is_empty() {
        let mut intro = Markdown::within(INTRO_WIDTH);
        intro.text(&sitting.form.intro);
        embeds.push(Embed { description: intro.text, ..Embed::default() });
    }
    let mut questions = Markdown::within(2_400);
    for (_, field) in shown {
        if !questions.is_line_start() {
            questions.raw("\n");
        }
        questions.text(&question(sitting, field));
    }
    if !questions.text.trim().is_empty() {
        embeds.push(Embed { description: questions.text, ..Embed::default() });
    }
    embeds
}

fn question(sitting: &Page, field: &Field) -> Text {
    // What is asked on another page does not hang on this one.
    let Field { name, label: _, help, required, kind: _, value: _, error, shown_when: _ } = field;
    let mut said = Text::new().bold(fit(label(field), ANSWER_WIDTH).into_owned());
    if *required == Required::No {
        said = said.say(" (optional)");
    }
    if let Some(error) = error {
        said = said.line().say("⚠️ ").bold(fit(error.trim(), 300).into_owned());
    }
    if let Some(help) = help.as_deref().filter(|help| !help.trim().is_empty()) {
        said = said.line().italic(fit(&help.split_whitespace().collect::<Vec<_>>().join(" "), HELP_WIDTH).into_owned());
    }
    let answer = sitting.values.get(name).map(|value| answer_text(field, sitting, value)).filter(|text| !text.is_empty());
    match (answer, Way::of(field)) {
        (Some(answer), _) => said.line().say("→ ").code(fit(&answer, ANSWER_WIDTH).replace('\n', " ")),
        (None, Way::Chosen(_)) if sitting.offers(field).is_empty() => said.line().say("There is nothing to choose from."),
        (None, Way::Searched(_)) => match sitting.typed(field) {
            Some(typed) if sitting.offers(field).is_empty() => {
                said.line().say(format!("Nothing is called “{}”.", fit(typed, ANSWER_WIDTH)))
            }
            Some(typed) => said.line().say(format!("Several fit “{}”: choose below.", fit(typed, ANSWER_WIDTH))),
            None => said.line().say("Choose below, or search for more."),
        },
        (None, Way::Chosen(_)) => said.line().say("Choose below."),
        (None, Way::Written) => said.line().say("Not answered yet."),
    }
}

/// What was answered, in the words of its choices.
fn answer_text(field: &Field, sitting: &Page, value: &Value) -> String {
    let all: Vec<&str> = match value {
        Value::Text(text) => vec![text.as_str()],
        Value::Many(all) => all.iter().map(String::as_str).collect(),
    };
    let offers = sitting.offers(field);
    let word = |value: &str| offers.iter().find(|choice| choice.value == value).map(|choice| choice.label.clone());
    all.into_iter().map(|value| word(value).unwrap_or_else(|| value.to_owned())).collect::<Vec<_>>().join(", ")
}

/// `None` for what is written, and where there is nothing to choose from, for which Discord has no menu.
fn draw_select(sitting: &Page, field: &Field, custom_id: String) -> Option<SelectPart> {
    let most = match Way::of(field) {
        Way::Written => return None,
        Way::Chosen(most) | Way::Searched(most) => most,
    };
    let offers = sitting.offers(field);
    let given = sitting.values.get(&field.name);
    let mut one_chosen = false;
    let options: Vec<SelectOption> = offers
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            let is_chosen = is_among(given, &choice.value) && (most == Most::Several || !one_chosen);
            one_chosen |= is_chosen;
            let note = choice.note.as_deref().filter(|note| !note.trim().is_empty());
            SelectOption {
                label: shown_label(&choice.label, DISCORD.option_label),
                value: token(at, choice),
                description: note.map(|note| shown_label(note, DISCORD.option_label)),
                is_chosen,
            }
        })
        .collect();
    let most = match most {
        Most::One => 1,
        Most::Several => options.len(),
    };
    (!options.is_empty()).then(|| SelectPart::new(custom_id, shown_label(label(field), DISCORD.placeholder), options, most))
}

/// The modal with what is written and searched for in this step; `None` where there is none.
pub fn render_modal(id: i64, sitting: &Page) -> Option<Modal> {
    let rows: Vec<Row> = sitting
        .shown()
        .into_iter()
        .filter_map(|(index, field)| draw_input(sitting, field, index))
        .map(|input| Row::new(vec![Component::Input(input)]))
        .collect();
    let touch = Touch { sitting: id, page: sitting.form.page, step: sitting.step, what: Touched::Written };
    let title = shown_label(&sitting.form.title, DISCORD.form_title);
    (!rows.is_empty()).then(|| Modal { custom_id: touch.custom_id(), title, components: rows })
}

/// The question that an input of the modal asks, by its place.
pub fn input_index(custom_id: &str) -> Option<usize> {
    custom_id.strip_prefix('f')?.parse().ok()
}

fn draw_input(sitting: &Page, field: &Field, index: usize) -> Option<InputPart> {
    const SEARCH_WIDTH: usize = 100;
    let id = format!("f{index}");
    let label = shown_label(label(field), DISCORD.field_label);
    let given = sitting.values.get(&field.name).map(Value::as_text).unwrap_or_default();
    let (lines, max, hint) = match &field.kind {
        FieldKind::Line { placeholder, max } => (Lines::One, *max, placeholder.clone()),
        FieldKind::Paragraph { placeholder, max } => (Lines::Many, *max, placeholder.clone()),
        FieldKind::Number { min, max, decimals } => (Lines::One, Some(40), Some(number_hint(*min, *max, *decimals))),
        FieldKind::Date => (Lines::One, Some(10), Some("a day, as in 2026-11-21".to_owned())),
        FieldKind::Select { .. }
        | FieldKind::Radio { .. }
        | FieldKind::MultiSelect { .. }
        | FieldKind::Checkboxes { .. }
        | FieldKind::Lookup { .. } => {
            if !matches!(Way::of(field), Way::Searched(_)) {
                return None;
            }
            let label = shown_label(&format!("Search: {label}"), DISCORD.field_label);
            let mut input = InputPart::new(id, Lines::One, label, SEARCH_WIDTH);
            input.placeholder = Some("a part of its name; leave empty to keep the choice".to_owned());
            return Some(input);
        }
    };
    let max = max.unwrap_or(DISCORD.text_input).clamp(1, DISCORD.text_input);
    // Discord refuses an input whose text is longer than it allows, and nothing written is to be lost.
    let max = max.max(width(given).min(DISCORD.text_input));
    let mut input = InputPart::new(id, lines, label, max);
    input.required = field.required == Required::Yes;
    input.placeholder = hint.filter(|hint| !hint.trim().is_empty()).map(|hint| shown_label(&hint, DISCORD.placeholder));
    input.value = Some(fit(given, max).into_owned()).filter(|given| !given.is_empty());
    Some(input)
}

fn number_hint(min: Option<i64>, max: Option<i64>, decimals: Decimals) -> String {
    let what = match decimals {
        Decimals::No => "a whole number",
        Decimals::Yes => "a number",
    };
    match (min, max) {
        (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
        (Some(min), None) => format!("{what} of at least {min}"),
        (None, Some(max)) => format!("{what} of at most {max}"),
        (None, None) => what.to_owned(),
    }
}
