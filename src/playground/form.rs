//! A form's page as an HTML dialog. Must not check answers: the command does.

use maud::{Markup, html};

use crate::chat::{Choice, Decimals, Field, FieldKind, Form, Required, Value};

use super::render::{Sign, icon, render_text};

/// The dialog that holds the page. `acting_as` goes along, so a form belongs to who opened it.
///
/// The first button is the one Enter presses: going on comes before going back.
pub fn render_form(form: &Form, acting_as: &str) -> Markup {
    let Form { id, title, page, pages, intro, fields, submit, state } = form;
    let carried = serde_json::to_string(state).expect("texts and lists of texts are always JSON");
    let faults = fields.iter().filter(|field| field.error.is_some() && field.is_shown(state)).count();
    html! {
        dialog.form #form open aria-labelledby="form-title" data-form=(id) data-subject=(state.subject) {
            form method="post" action="/playground/submit" novalidate autocomplete="off" {
                header.form-head {
                    h2 #form-title { (title) }
                    @if *pages > 1 { (render_steps(*page, *pages)) }
                }
                div.form-body {
                    @if faults > 0 {
                        p.form-fault role="alert" {
                            (icon(Sign::Warning))
                            @if faults == 1 { "One answer needs another look." } @else { (faults) " answers need another look." }
                        }
                    }
                    @if !intro.is_empty() { p.form-intro { (render_text(intro)) } }
                    @for (index, field) in fields.iter().enumerate().filter(|(_, field)| field.is_shown(state)) {
                        (render_field(field, index))
                    }
                }
                input type="hidden" name="form" value=(id);
                input type="hidden" name="page" value=(page);
                input type="hidden" name="state" value=(carried);
                input type="hidden" name="title" value=(title);
                input type="hidden" name="as" value=(acting_as);
                footer.form-foot {
                    button.button.primary type="submit" { (submit) }
                    @if *page > 0 { button.button type="submit" formaction="/playground/back" { "Back" } }
                    button.button.quiet type="submit" formmethod="dialog" data-close { "Cancel" }
                }
            }
        }
    }
}

fn render_steps(page: usize, pages: usize) -> Markup {
    html! {
        p.steps {
            "Page " (page + 1) " of " (pages)
            span.dots aria-hidden="true" {
                @for at in 0..pages { span.dot.on[at <= page] {} }
            }
        }
    }
}

/// The ids that tie a question to its help and its error.
struct Ids {
    input: String,
    help: String,
    error: String,
    described_by: Option<String>,
}

fn render_field(field: &Field, index: usize) -> Markup {
    let Field { name, label, help, required, kind, value, error, shown_when: _ } = field;
    let input = format!("f{index}");
    let (help_id, error_id) = (format!("{input}-help"), format!("{input}-error"));
    let described_by: Vec<&str> =
        [help.as_ref().map(|_| help_id.as_str()), error.as_ref().map(|_| error_id.as_str())].into_iter().flatten().collect();
    let described_by = (!described_by.is_empty()).then(|| described_by.join(" "));
    let ids = Ids { input, help: help_id, error: error_id, described_by };
    let mark = match required {
        Required::Yes => html! {},
        Required::No => html! { " " span.optional { "optional" } },
    };
    let notes = html! {
        @if let Some(help) = help { p.help id=(ids.help) { (help) } }
        @if let Some(error) = error { p.error id=(ids.error) { (icon(Sign::Warning)) span { (error) } } }
    };
    let control = render_control(name, kind, value.as_ref(), *required, error.is_some(), &ids);
    match kind {
        FieldKind::Radio { .. } | FieldKind::Checkboxes { .. } | FieldKind::MultiSelect { .. } => html! {
            fieldset.field.bad[error.is_some()] id=(ids.input) aria-describedby=[&ids.described_by] {
                legend { (label) (mark) }
                (notes)
                (control)
            }
        },
        FieldKind::Line { .. }
        | FieldKind::Paragraph { .. }
        | FieldKind::Number { .. }
        | FieldKind::Date
        | FieldKind::Select { .. }
        | FieldKind::Lookup { .. } => html! {
            div.field.bad[error.is_some()] {
                label for=(ids.input) { (label) (mark) }
                (notes)
                (control)
            }
        },
    }
}

fn render_control(name: &str, kind: &FieldKind, value: Option<&Value>, required: Required, has_error: bool, ids: &Ids) -> Markup {
    let one = format!("one.{name}");
    let text = value.map_or("", Value::as_text);
    let needed = (required == Required::Yes).then_some("true");
    let invalid = has_error.then_some("true");
    let described_by = &ids.described_by;
    match kind {
        FieldKind::Line { placeholder, max } => html! {
            input type="text" id=(ids.input) name=(one) value=(text) placeholder=[placeholder] maxlength=[max]
                aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by];
        },
        FieldKind::Paragraph { placeholder, max } => html! {
            textarea id=(ids.input) name=(one) rows="4" placeholder=[placeholder] maxlength=[max]
                aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by] { "\n" (text) }
        },
        FieldKind::Number { min, max, decimals } => html! {
            input type="number" id=(ids.input) name=(one) value=(text) min=[min] max=[max] step=(step(*decimals)) inputmode=(keys(*decimals))
                aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by];
        },
        FieldKind::Date => html! {
            input type="date" id=(ids.input) name=(one) value=(text)
                aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by];
        },
        FieldKind::Select { choices } => html! {
            select id=(ids.input) name=(one)
                aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by] {
                option value="" { @match required { Required::Yes => "Choose…", Required::No => "None" } }
                @for Choice { value, label, note } in choices {
                    option value=(value) selected[value == text] {
                        (label) @if let Some(note) = note { " – " (note) }
                    }
                }
            }
        },
        FieldKind::Radio { choices } => render_choices(choices, "radio", &one, &[text], &ids.input),
        FieldKind::Checkboxes { choices } | FieldKind::MultiSelect { choices } => {
            let ticked: Vec<&str> = match value {
                Some(Value::Many(all)) => all.iter().map(String::as_str).collect(),
                Some(Value::Text(text)) => vec![text],
                None => Vec::new(),
            };
            html! {
                input type="hidden" name="list" value=(name);
                (render_choices(choices, "checkbox", &format!("many.{name}"), &ticked, &ids.input))
            }
        }
        FieldKind::Lookup { kinds, placeholder } => html! {
            div.combo {
                input type="text" id=(ids.input) name=(one) value=(text) placeholder=[placeholder] spellcheck="false"
                    autocapitalize="none" data-lookup=(name) data-kinds=(kinds.join(","))
                    aria-required=[needed] aria-invalid=[invalid] aria-describedby=[described_by];
                ul.suggestions id={ (ids.input) "-list" } role="listbox" aria-label="Suggestions" hidden {}
            }
        },
    }
}

fn step(decimals: Decimals) -> &'static str {
    match decimals {
        Decimals::No => "1",
        Decimals::Yes => "any",
    }
}

/// The keys that a phone shows.
fn keys(decimals: Decimals) -> &'static str {
    match decimals {
        Decimals::No => "numeric",
        Decimals::Yes => "decimal",
    }
}

fn render_choices(choices: &[Choice], kind: &str, name: &str, ticked: &[&str], id: &str) -> Markup {
    html! {
        div.choices {
            @for (index, Choice { value, label, note }) in choices.iter().enumerate() {
                @let note_id = note.as_ref().map(|_| format!("{id}-{index}-note"));
                label.choice {
                    input type=(kind) name=(name) value=(value) checked[ticked.contains(&value.as_str())]
                        aria-describedby=[&note_id];
                    span {
                        (label)
                        @if let Some(note) = note { span.note id=[&note_id] { (note) } }
                    }
                }
            }
        }
    }
}
