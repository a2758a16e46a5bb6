//! The whole page: header, log, composer. Must not hold state; what was said lives in the browser.

use maud::{DOCTYPE, Markup, html};

use crate::{
    catalog::{Catalog, EntityRef, Kind, RelationType},
    chat::{Account, CommandSet},
};

use super::{
    parse::GUEST,
    render::{Sign, icon, mark},
};

/// A longer list is no longer a list to choose from; others are reached by typing their login into the address.
const PEOPLE_SHOWN: usize = 300;

/// Asked of a newcomer to try first; NAME is a component that exists.
const EXAMPLES: [&str; 5] = ["owner NAME", "runbook NAME", "deps NAME", "find WORD", "catalog"];

/// The component that the examples are about, where the catalog has it.
const SUBJECT: &str = "payments-api";

const INTRODUCTION: &str = "Steward is a service catalog that answers in chat. This page takes the same commands as Slack does, with no account anywhere.";

/// What the page shows.
#[derive(Debug)]
pub struct Page<'a> {
    pub account: &'a Account,
    pub catalog: &'a Catalog,
    pub commands: &'a CommandSet,
    /// Where the page's feed of messages goes on.
    pub cursor: &'a str,
    /// Exchanges so far; empty for a new page.
    pub log: Option<Markup>,
    pub form: Option<Markup>,
}

/// Draws the page.
pub fn render_page(page: &Page<'_>) -> Markup {
    let Page { account, catalog, commands, cursor, log, form } = page;
    // One that was read and holds nothing has a version of the store.
    let is_reading = catalog.is_empty() && catalog.version() == 0;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Steward playground" }
                link rel="icon" type="image/svg+xml" href="/playground/mark.svg";
                link rel="stylesheet" href="/playground/style.css";
                @if is_reading && log.is_none() { noscript { meta http-equiv="refresh" content="2"; } }
                script src="/playground/script.js" defer {}
            }
            body {
                a.skip href="#line" { "Skip to the message field" }
                (render_header(account, catalog))
                main {
                    @if log.is_none() {
                        @if is_reading { (render_reading()) } @else { (render_welcome(catalog, commands)) }
                    }
                    div.log #log role="log" aria-live="polite" aria-label="Conversation with Steward" data-cursor=(cursor) {
                        @if let Some(log) = log { (log) }
                    }
                    @if let Some(form) = form { (form) }
                }
                (render_composer())
                // Apart from the composer: Enter there would press the first of these buttons.
                form #presses method="post" action="/playground/press" { input type="hidden" name="as" value=(account.id); }
                (render_templates(account))
            }
        }
    }
}

fn render_header(account: &Account, catalog: &Catalog) -> Markup {
    let people = list_people(catalog);
    let is_listed = account.id == GUEST || people.iter().any(|(login, _)| *login == account.id);
    html! {
        header.top {
            div.top-row {
                div.brand { (mark()) h1 { "Steward" } span.place { "playground" } }
                p.link-state #link-state role="status" {}
                div.acting {
                    label for="as" title="Whom Steward takes you for" { (icon(Sign::Person)) "Acting as" }
                    select #as name="as" form="composer" autocomplete="off" {
                        option value=(GUEST) selected[account.id == GUEST] { "Guest, not in the catalog" }
                        @if !is_listed { option value=(account.id) selected { (account.name) } }
                        @for (login, name) in &people {
                            option value=(login) selected[*login == account.id] { (name) }
                        }
                    }
                }
            }
        }
    }
}

/// Login and label of the catalog's users, by label.
fn list_people(catalog: &Catalog) -> Vec<(&str, String)> {
    let users = catalog.entries().iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::User);
    let label = |name: &str, label: &str| if name == label { name.to_owned() } else { format!("{label} ({name})") };
    let mut people: Vec<(&str, String)> =
        users.map(|user| (user.entity_ref.name(), label(user.entity_ref.name(), user.label()))).collect();
    people.sort_by_cached_key(|(_, name)| name.to_lowercase());
    people.truncate(PEOPLE_SHOWN);
    people
}

/// Who a new page acts as: the first user among the admins, written as references of groups and users; else a guest.
pub fn default_login(catalog: &Catalog, admins: &[String]) -> String {
    let admins = admins.iter().filter_map(|written| EntityRef::parse(written, Some("group"), "default").ok());
    let members = admins.flat_map(|admin| {
        let members = catalog.related(&admin, RelationType::HasMember);
        std::iter::once(admin).chain(members)
    });
    let mut known = members.filter(|member| catalog.find(member).is_some_and(|entry| entry.entity.kind == Kind::User));
    known.next().map_or_else(|| GUEST.to_owned(), |member| member.name().to_owned())
}

/// What Steward does, in one line.
fn render_promise() -> Markup {
    html! { h2 #welcome-title { "Ask who owns it, how to run it, and what breaks with it." } }
}

/// What is shown until the catalog can be answered from: examples would find nothing yet. The script asks again by itself.
fn render_reading() -> Markup {
    html! {
        section.welcome #welcome aria-labelledby="welcome-title" data-reading {
            (render_promise())
            p { (INTRODUCTION) }
            p.try role="status" { "Reading the company’s repositories… It takes a few seconds; then there is something to ask." }
        }
    }
}

/// What is shown of a catalog that was read and holds nothing.
fn render_nothing(catalog: &Catalog) -> Markup {
    let repositories = count(catalog.parts().repositories, "repository", "repositories");
    html! {
        section.welcome #welcome aria-labelledby="welcome-title" {
            (render_promise())
            p { (INTRODUCTION) }
            p.try {
                (repositories) " read, but no entity found. Add a " code { "catalog-info.yaml" } ", or type " kbd { "/catalog" }
                " to see what is wrong."
            }
        }
    }
}

fn render_welcome(catalog: &Catalog, commands: &CommandSet) -> Markup {
    if catalog.is_empty() {
        return render_nothing(catalog);
    }
    let components = || catalog.entries().iter().map(|entry| &entry.entity).filter(|entity| entity.kind == Kind::Component);
    let subject = components().find(|entity| entity.entity_ref.name() == SUBJECT).or_else(|| components().next());
    let subject = subject.map_or(SUBJECT, |entity| entity.entity_ref.name());
    let word = subject.split(['-', '_', '.']).next().unwrap_or(subject);
    let lines = EXAMPLES.map(|example| example.replace("NAME", subject).replace("WORD", word));
    html! {
        section.welcome #welcome aria-labelledby="welcome-title" {
            (render_promise())
            p {
                (INTRODUCTION) " It knows "
                (count(catalog.entries().len(), "entity", "entities")) " from "
                (count(catalog.parts().repositories, "repository", "repositories")) "."
            }
            p.try #try { "Try one of these, or type " kbd { "/" } " to see every command." }
            ul.examples aria-labelledby="try" {
                @for line in &lines {
                    li {
                        button.example type="submit" form="presses" name="press" value=(line) {
                            span.example-line { "/" (line) }
                            @if let Some(summary) = find_summary(commands, line) { span.example-says { (summary) } }
                        }
                    }
                }
            }
        }
    }
}

fn find_summary<'a>(commands: &'a CommandSet, line: &str) -> Option<&'a str> {
    let name = line.split_whitespace().next()?;
    Some(commands.find(name)?.summary.as_str())
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn render_composer() -> Markup {
    html! {
        footer.bottom {
            form.composer #composer method="post" action="/playground/say" autocomplete="off" {
                div.combo {
                    ul.suggestions #suggestions role="listbox" aria-label="Suggestions" hidden {}
                    label.unseen for="line" { "Message to Steward" }
                    input #line type="text" name="line" placeholder="Type / for commands, or ask: who owns payments-api?" spellcheck="false" autocapitalize="none"
                        enterkeyhint="send" maxlength="500" aria-describedby="keys" required;
                    button.send type="submit" { (icon(Sign::Send)) span.unseen { "Send" } }
                }
                p.keys #keys {
                    span { kbd { "/" } " commands" }
                    span { kbd { "Tab" } " completes" }
                    span { kbd { "↑" } " last line" }
                    span { kbd { "Esc" } " closes" }
                }
            }
        }
    }
}

/// What the script shows while it waits and where no answer came.
fn render_templates(account: &Account) -> Markup {
    html! {
        template #pending {
            section.exchange.pending {
                article.message.said {
                    span.avatar.person aria-hidden="true" { (account.name.chars().next().unwrap_or('?').to_uppercase()) }
                    div.bubble { header.byline { h2 data-who {} } p.typed data-line {} }
                }
                article.message.answer data-status="pending" {
                    (mark())
                    div.bubble { p.waiting { span.unseen { "Steward is looking it up" } span.beat {} span.beat {} span.beat {} } }
                }
            }
        }
        template #away {
            article.message.answer data-status="away" {
                (mark())
                div.bubble {
                    header.byline { h2 { "Steward" } }
                    p.status.error { (icon(Sign::Warning)) "No answer" }
                    p.lead data-why {}
                    div.buttons { button.button type="button" data-again { "Try again" } }
                }
            }
        }
    }
}
