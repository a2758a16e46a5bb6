//! Forms as modal views, and the answers to their pages. Must not keep anything: what a submit needs is in the view.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use slack_morphism::prelude::{
    SlackActionId, SlackActionsBlock, SlackBlock, SlackBlockButtonElement, SlackBlockCheckboxesElement, SlackBlockChoiceItem,
    SlackBlockDatePickerElement, SlackBlockExternalSelectElement, SlackBlockId, SlackBlockMultiExternalSelectElement,
    SlackBlockMultiStaticSelectElement, SlackBlockNumberInputElement, SlackBlockOptionGroup, SlackBlockPlainTextInputElement,
    SlackBlockPlainTextOnly, SlackBlockRadioButtonsElement, SlackBlockStaticSelectElement, SlackBlockText, SlackInputBlock,
    SlackInputBlockElement, SlackModalView, SlackRichTextBlock, SlackRichTextSection, SlackView,
    SlackViewSubmissionErrorsResponse, SlackViewSubmissionResponse, SlackViewSubmissionUpdateResponse,
};

use super::text::{self, Mentions, clean, fit, plain, width};
use crate::{
    chat::{Choice, Decimals, Field, FieldKind, Form, Required, Text, Value, limits::SLACK},
    error::UserError,
    slack::parse::{BACK, Carried},
};

/// Longest `action_id`, `block_id` and `callback_id`.
const ID_WIDTH: usize = 255;

/// A message below a field.
const ERROR_WIDTH: usize = 300;

/// What stands above the fields.
const INTRO_WIDTH: usize = 2_900;

type PlainChoice = SlackBlockChoiceItem<SlackBlockPlainTextOnly>;
type TextChoice = SlackBlockChoiceItem<SlackBlockText>;

/// The options of a look-up field, as the answer to what was typed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestions {
    pub options: Vec<PlainChoice>,
}

/// A page of a form as a modal view; refused where Slack could not carry all of it, since a cut form loses answers.
pub fn render_form(form: &Form) -> Result<SlackView, UserError> {
    let Form { id, title, page, pages, intro, fields, submit, state } = form;
    let metadata = serde_json::to_string(&Carried { page: *page, state }).expect("texts under text keys are JSON");
    if metadata.len() > SLACK.form_state {
        return Err(too_large("The answers given so far are more than Slack can carry from page to page."));
    }
    if id.is_empty() || width(id) > ID_WIDTH {
        return Err(too_large("Slack cannot tell this form from others: its name is empty or too long."));
    }
    if fields.iter().any(|field| field.name.is_empty() || width(&field.name) > ID_WIDTH) {
        return Err(too_large("A question's name is empty or longer than Slack can carry."));
    }
    let mut blocks = Vec::with_capacity(fields.len() + 3);
    if *pages > 1 {
        blocks.push(words_block(&Text::new().italic(format!("Step {} of {pages}", page + 1))));
    }
    if !intro.is_empty() {
        blocks.push(words_block(intro));
    }
    for (index, field) in asked(form) {
        if let Some(error) = &field.error {
            blocks.push(words_block(&Text::plain("⚠️ ").bold(error_text(error))));
        }
        blocks.push(draw_field(field, *page, index));
    }
    if *page > 0 {
        let back = SlackBlockButtonElement::new("Back".into()).with_action_id(SlackActionId(BACK.to_owned()));
        blocks.push(SlackActionsBlock::new(vec![back.into()]).into());
    }
    if blocks.len() > SLACK.form_blocks {
        return Err(too_large(format!("This page has {} questions, more than Slack can show.", fields.len())));
    }
    let view = SlackModalView::new(plain(title, SLACK.form_title, "Steward"), blocks)
        .with_callback_id(id.clone().into())
        .with_private_metadata(metadata)
        .with_submit(plain(submit, SLACK.form_submit, "Send"))
        .with_close("Cancel".into());
    Ok(SlackView::Modal(view))
}

/// The answer to a submitted page: errors below their fields if it is the same page and Slack can put them there,
/// else the new page.
pub fn render_form_answer(form: &Form, submitted_page: usize) -> Result<SlackViewSubmissionResponse, UserError> {
    let wrong: Vec<(usize, &Field)> = asked(form).filter(|(_, field)| field.error.is_some()).collect();
    let below_fields = !wrong.is_empty() && form.page == submitted_page && wrong.iter().all(|(_, field)| is_input(field));
    if !below_fields {
        let view = render_form(form)?;
        return Ok(SlackViewSubmissionResponse::Update(SlackViewSubmissionUpdateResponse { view }));
    }
    let errors = wrong
        .into_iter()
        .map(|(index, field)| (block_id(form.page, index), error_text(field.error.as_deref().unwrap_or_default())))
        .collect();
    Ok(SlackViewSubmissionResponse::Errors(SlackViewSubmissionErrorsResponse { errors }))
}

/// The questions of the page that are asked, by their places.
fn asked(form: &Form) -> impl Iterator<Item = (usize, &Field)> {
    form.fields.iter().enumerate().filter(|(_, field)| field.is_shown(&form.state))
}

/// Options for a look-up field; those that Slack cannot carry whole are left out.
pub fn render_choices(choices: &[Choice]) -> Suggestions {
    Suggestions { options: choices.iter().filter_map(plain_choice).take(SLACK.options).collect() }
}

fn too_large(what: impl Into<String>) -> UserError {
    UserError::new(what).kept("Nothing was changed.").next("Open the form again and answer in fewer words.")
}

fn error_text(error: &str) -> String {
    let fitted = fit(error.trim(), ERROR_WIDTH);
    if fitted.is_empty() { "This answer cannot be taken.".to_owned() } else { fitted.into_owned() }
}

fn words_block(words: &Text) -> SlackBlock {
    let mut inlines = super::blocks::first_within(text::rich(words, Mentions::Linked), INTRO_WIDTH);
    if inlines.is_empty() {
        text::push_words(&mut inlines, "–", None);
    }
    SlackRichTextBlock::new(vec![SlackRichTextSection::new(inlines).into()]).into()
}

/// By page and place: Slack keeps what was entered under the same ids when a view is replaced, so two pages must not
/// share any.
fn block_id(page: usize, index: usize) -> String {
    format!("{page}.{index}")
}

/// Whether Slack draws it as an input, below which an error can stand.
fn is_input(field: &Field) -> bool {
    draw_element(field).is_some()
}

fn draw_field(field: &Field, page: usize, index: usize) -> SlackBlock {
    let Field { name, label, help, required, kind: _, value: _, error: _, shown_when: _ } = field;
    let label = if label.trim().is_empty() { name } else { label };
    let Some(element) = draw_element(field) else {
        return words_block(&Text::new().bold(label).say(": there is nothing to choose from."));
    };
    let block = SlackInputBlock::new(plain(label, SLACK.field_label, "–"), element)
        .with_block_id(SlackBlockId(block_id(page, index)))
        .opt_hint(help.as_deref().filter(|help| !help.trim().is_empty()).map(|help| plain(help, SLACK.field_help, "–")));
    match required {
        Required::Yes => block.into(),
        Required::No => block.with_optional(true).into(),
    }
}

/// `None` where there is nothing to choose from, which Slack has no input for.
fn draw_element(field: &Field) -> Option<SlackInputBlockElement> {
    let Field { name, label: _, help: _, required: _, kind, value, error: _, shown_when: _ } = field;
    let id = SlackActionId(name.clone());
    let given = value.as_ref();
    Some(match kind {
        FieldKind::Line { placeholder, max } => text_input(id, placeholder.as_deref(), *max, given).into(),
        FieldKind::Paragraph { placeholder, max } => {
            text_input(id, placeholder.as_deref(), *max, given).with_multiline(true).into()
        }
        FieldKind::Number { min, max, decimals } => number_input(id, (*min, *max), *decimals, given).into(),
        FieldKind::Date => SlackBlockDatePickerElement::new()
            .with_action_id(id)
            .opt_initial_date(given.map(Value::as_text).filter(|day| is_day(day)).map(str::to_owned))
            .into(),
        FieldKind::Select { choices } | FieldKind::Radio { choices } if choices.len() > SLACK.grouped_options => {
            typeahead(id, None, chosen(choices, given).next()).into()
        }
        FieldKind::MultiSelect { choices } | FieldKind::Checkboxes { choices } if choices.len() > SLACK.grouped_options => {
            let chosen: Vec<PlainChoice> = chosen(choices, given).collect();
            SlackBlockMultiExternalSelectElement::new()
                .with_action_id(id)
                .with_min_query_length(0)
                .opt_initial_options((!chosen.is_empty()).then_some(chosen))
                .into()
        }
        FieldKind::Select { choices } => select(id, choices, given)?.into(),
        FieldKind::MultiSelect { choices } => multi_select(id, choices, given)?.into(),
        FieldKind::Radio { choices } if choices.len() > SLACK.radio_options => select(id, choices, given)?.into(),
        FieldKind::Radio { choices } => {
            let options = text_choices(choices)?;
            let chosen = given.and_then(|value| options.iter().find(|option| option.value == value.as_text()).cloned());
            SlackBlockRadioButtonsElement::new(options).with_action_id(id).opt_initial_option(chosen).into()
        }
        FieldKind::Checkboxes { choices } if choices.len() > SLACK.radio_options => multi_select(id, choices, given)?.into(),
        FieldKind::Checkboxes { choices } => {
            let options = text_choices(choices)?;
            let chosen: Vec<TextChoice> = options.iter().filter(|option| is_among(given, &option.value)).cloned().collect();
            SlackBlockCheckboxesElement::new(options)
                .with_action_id(id)
                .opt_initial_options((!chosen.is_empty()).then_some(chosen))
                .into()
        }
        // Which kinds are looked up is the command's to know when it is asked for completions.
        FieldKind::Lookup { kinds: _, placeholder } => {
            let chosen = given.map(Value::as_text).and_then(|value| plain_choice(&Choice::new(value, value)));
            typeahead(id, placeholder.as_deref(), chosen).into()
        }
    })
}

/// Options that come when letters are typed, and a few before.
fn typeahead(id: SlackActionId, placeholder: Option<&str>, chosen: Option<PlainChoice>) -> SlackBlockExternalSelectElement {
    SlackBlockExternalSelectElement::new()
        .with_action_id(id)
        .with_min_query_length(0)
        .opt_placeholder(hint(placeholder))
        .opt_initial_option(chosen)
}

/// The given among the choices.
fn chosen<'c>(choices: &'c [Choice], given: Option<&'c Value>) -> impl Iterator<Item = PlainChoice> + 'c {
    distinct(choices).filter(move |choice| is_among(given, &choice.value)).filter_map(plain_choice).take(SLACK.options)
}

fn text_input(
    id: SlackActionId,
    placeholder: Option<&str>,
    max: Option<usize>,
    given: Option<&Value>,
) -> SlackBlockPlainTextInputElement {
    let max = max.unwrap_or(SLACK.text_input).clamp(1, SLACK.text_input);
    let given = given.map(|value| fit(value.as_text(), max).into_owned()).filter(|text| !text.is_empty());
    SlackBlockPlainTextInputElement::new()
        .with_action_id(id)
        .with_max_length(max as u64)
        .opt_placeholder(hint(placeholder))
        .opt_initial_value(given)
}

fn number_input(
    id: SlackActionId,
    (min, max): (Option<i64>, Option<i64>),
    decimals: Decimals,
    given: Option<&Value>,
) -> SlackBlockNumberInputElement {
    let given = given.map(|value| value.as_text().trim()).filter(|text| {
        let fits = |number: f64| min.is_none_or(|min| number >= min as f64) && max.is_none_or(|max| number <= max as f64);
        match decimals {
            Decimals::No => text.parse::<i64>().is_ok_and(|number| fits(number as f64)),
            // What Rust reads besides, `inf` and `1e3`, Slack does not.
            Decimals::Yes => text.parse::<f64>().is_ok_and(fits) && !text.contains(|letter: char| letter.is_alphabetic()),
        }
    });
    SlackBlockNumberInputElement::new(decimals == Decimals::Yes)
        .with_action_id(id)
        .opt_min_value(min.map(|min| min.to_string()))
        .opt_max_value(max.map(|max| max.to_string()))
        .opt_initial_value(given.map(str::to_owned))
}

fn select(id: SlackActionId, choices: &[Choice], given: Option<&Value>) -> Option<SlackBlockStaticSelectElement> {
    let options = plain_choices(choices)?;
    let chosen = given.and_then(|value| options.iter().find(|option| option.value == value.as_text()).cloned());
    let element = SlackBlockStaticSelectElement::new().with_action_id(id).opt_initial_option(chosen);
    Some(match grouped(options) {
        Options::Few(options) => element.with_options(options),
        Options::Many(groups) => element.with_option_groups(groups),
    })
}

fn multi_select(id: SlackActionId, choices: &[Choice], given: Option<&Value>) -> Option<SlackBlockMultiStaticSelectElement> {
    let options = plain_choices(choices)?;
    let chosen: Vec<PlainChoice> = options.iter().filter(|option| is_among(given, &option.value)).cloned().collect();
    let element =
        SlackBlockMultiStaticSelectElement::new().with_action_id(id).opt_initial_options((!chosen.is_empty()).then_some(chosen));
    Some(match grouped(options) {
        Options::Few(options) => element.with_options(options),
        Options::Many(groups) => element.with_option_groups(groups),
    })
}

enum Options {
    Few(Vec<PlainChoice>),
    Many(Vec<SlackBlockOptionGroup<SlackBlockPlainTextOnly>>),
}

/// More options than Slack takes in one list, in groups named by their numbers.
fn grouped(options: Vec<PlainChoice>) -> Options {
    if options.len() <= SLACK.options {
        return Options::Few(options);
    }
    let groups = options
        .chunks(SLACK.options)
        .enumerate()
        .map(|(index, group)| {
            let first = index * SLACK.options + 1;
            let label = format!("{first} – {}", first + group.len() - 1);
            SlackBlockOptionGroup::new(label.into(), group.to_vec())
        })
        .collect();
    Options::Many(groups)
}

fn plain_choices(choices: &[Choice]) -> Option<Vec<PlainChoice>> {
    let options: Vec<PlainChoice> = distinct(choices).filter_map(plain_choice).collect();
    (!options.is_empty()).then_some(options)
}

fn text_choices(choices: &[Choice]) -> Option<Vec<TextChoice>> {
    let options: Vec<TextChoice> = distinct(choices)
        .filter_map(plain_choice)
        .map(|choice| SlackBlockChoiceItem {
            text: choice.text.into(),
            value: choice.value,
            description: choice.description,
            url: None,
        })
        .collect();
    (!options.is_empty()).then_some(options)
}

/// The first of each value: Slack cannot tell two with the same one apart.
fn distinct(choices: &[Choice]) -> impl Iterator<Item = &Choice> {
    let mut seen = BTreeMap::new();
    choices.iter().filter(move |choice| seen.insert(choice.value.as_str(), ()).is_none())
}

/// `None` where the value is longer than Slack carries: a cut one would choose something else.
fn plain_choice(choice: &Choice) -> Option<PlainChoice> {
    let Choice { value, label, note } = choice;
    if value.is_empty() || width(value) > SLACK.option_value || clean(value) != value.as_str() {
        return None;
    }
    let label = if label.trim().is_empty() { value } else { label };
    let note = note.as_deref().filter(|note| !note.trim().is_empty());
    Some(
        SlackBlockChoiceItem::new(plain(label, SLACK.option_label, "–"), value.clone())
            .opt_description(note.map(|note| plain(note, SLACK.option_label, "–"))),
    )
}

fn is_among(given: Option<&Value>, value: &str) -> bool {
    match given {
        None => false,
        Some(Value::Text(text)) => text == value,
        Some(Value::Many(texts)) => texts.iter().any(|text| text == value),
    }
}

fn hint(placeholder: Option<&str>) -> Option<SlackBlockPlainTextOnly> {
    placeholder.filter(|words| !words.trim().is_empty()).map(|words| plain(words, SLACK.placeholder, "–"))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}
