//! The playground as a browser meets it: the page, its lines and forms, whom it turns away, what Steward posts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::{Request, Response, StatusCode, header},
};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use steward::{
    app::{App, CatalogHandle, Clock},
    catalog::{Catalog, Entity, EntityRef, Entry, Origin, Parts, Relation, RelationType, kinds::CustomKinds},
    chat::{
        Access, ArgumentDef, ArgumentType, Audience, Block, Button, Card, Channel, Choice, CommandDef, CommandSet, Decimals,
        Fact, Field, FieldKind, Form, FormState, Freshness, ListItem, ListStyle, Provenance, Reply, Span, Status, Text, Tone,
        Value, Visibility,
    },
    http::playground::routes,
    outbox::Outbox,
    playground::{
        Board, channel_of,
        form::render_form,
        parse::{Fields, parse_line, parse_submission},
        render::render_reply,
    },
    settings::Settings,
    store::Store,
};
use tower::ServiceExt;

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

fn now() -> DateTime<Utc> {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

/// The only place here that knows what an `App` is made of.
fn app() -> Arc<App> {
    let mut settings = Settings::default();
    settings.access.admins = vec!["group:default/platform".to_owned()];
    Arc::new(App {
        settings,
        commands: CommandSet(vec![
            command("owner", ArgumentType::Entity),
            command("deps", ArgumentType::Entity),
            command("help", ArgumentType::Command),
        ]),
        catalog: CatalogHandle::new(catalog()),
        custom_kinds: CustomKinds::default(),
        store: Store::default(),
        outbox: Outbox { playground: Some(Board::default()), ..Outbox::default() },
        clock: Clock::fixed(now()),
        live: Default::default(),
        links: Default::default(),
        search: Default::default(),
        seal: None,
        githubs: Vec::new(),
    })
}

fn command(name: &str, argument_type: ArgumentType) -> CommandDef {
    let mut arguments = vec![argument("name", argument_type, &[])];
    if name == "deps" {
        arguments.push(argument("direction", ArgumentType::Choice, &["up", "down", "both"]));
        arguments.push(argument("depth", ArgumentType::Number, &[]));
    }
    CommandDef {
        name: name.to_owned(),
        summary: format!("What {name} says"),
        details: None,
        arguments,
        phrases: Vec::new(),
        examples: Vec::new(),
        visibility: Visibility::Asker,
        share: false,
        access: Access::Everyone,
        acts: Vec::new(),
        opens_form: false,
        slash: true,
        ready: Default::default(),
    }
}

fn argument(name: &str, argument_type: ArgumentType, choices: &[&str]) -> ArgumentDef {
    let choices = choices.iter().map(|&word| word.to_owned()).collect();
    ArgumentDef {
        name: name.to_owned(),
        summary: String::new(),
        argument_type,
        required: false,
        channel_team: false,
        choices,
        min: None,
        max: None,
    }
}

fn catalog() -> Catalog {
    let platform = Relation { relation_type: RelationType::MemberOf, target: EntityRef::new("group", "default", "platform") };
    let claims = vec![
        entry("component", "default", "payments-api", "Payments API", Vec::new()),
        entry("component", "default", "frontend", "frontend", Vec::new()),
        entry("component", "shop", "frontend", "frontend", Vec::new()),
        entry("group", "default", "platform", "Platform", Vec::new()),
        entry("user", "default", "aylin", HOSTILE, Vec::new()),
        entry("user", "default", "zoe", "Zoë Kern", vec![platform]),
    ];
    Catalog::build(Parts { claims, repositories: 3, ..Parts::default() })
}

fn entry(kind: &str, namespace: &str, name: &str, title: &str, relations: Vec<Relation>) -> Arc<Entry> {
    let document = serde_json::json!({ "kind": kind, "metadata": { "name": name, "title": title } });
    let origin = Origin {
        source: "local".into(),
        repository_id: 1,
        repository: "acme/one".into(),
        repository_url: None,
        archived: false,
        language: None,
        authority: Default::default(),
        path: "catalog-info.yaml".into(),
        commit: None,
        committed_at: None,
    };
    let entity = Entity::from_document(EntityRef::new(kind, namespace, name), &document, relations);
    Arc::new(Entry { entity, origin, problem: None })
}

fn router() -> Router {
    routes(Some("demo.example.com".into())).with_state(app())
}

fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", "127.0.0.1:7007");
    }
    if method == "POST" {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn send(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
    let response = router().oneshot(ask(method, path, headers, body)).await.unwrap();
    let status = response.status();
    (status, read(response).await)
}

async fn read(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_offers_examples_and_acts_as_the_first_admin() {
    let response = router().oneshot(ask("GET", "/", &[], "")).await.unwrap();
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let page = read(response).await;
    for line in ["owner payments-api", "runbook payments-api", "deps payments-api", "find payments", "catalog"] {
        assert!(page.contains(&format!("value=\"{line}\"")), "no example {line}");
    }
    assert!(page.contains("6 entities from 3 repositories"), "{page}");
    assert!(page.contains("<option value=\"zoe\" selected>Zoë Kern (zoe)</option>"), "{page}");
    assert!(!page.contains(" style=") && !page.contains("<script>"), "the policy would refuse inline styles and scripts");
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    for (path, content_type) in
        [("style.css", "text/css; charset=utf-8"), ("script.js", "text/javascript; charset=utf-8"), ("mark.svg", "image/svg+xml")]
    {
        let response = router().oneshot(ask("GET", &format!("/playground/{path}"), &[], "")).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
        let text = read(response).await;
        assert!(!text.is_empty() && !text.contains("@import") && !text.contains("https://"), "{path}");
    }
}

#[tokio::test]
async fn a_line_works_without_a_script_and_stays_text() {
    let body = "line=%2F%3Cscript%3Ealert(1)%3C%2Fscript%3E&as=aylin";
    let (status, page) = send("POST", "/playground/say", &[], body).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains("<p class=\"typed\">/&lt;script&gt;alert(1)&lt;/script&gt;</p>"), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("class=\"message answer\""), "{page}");
}

#[tokio::test]
async fn a_question_is_shown_as_it_was_asked_and_a_line_with_its_slash() {
    for (typed, shown) in [
        ("who+owns+payments-api%3F", "who owns payments-api?"),
        ("owner+payments-api", "/owner payments-api"),
        ("%2Fonwer+payments-api", "/onwer payments-api"),
    ] {
        let (_, page) = send("POST", "/playground/say", &[("steward-fragment", "1")], &format!("line={typed}&as=zoe")).await;
        assert!(page.contains(&format!(">{shown}</p>")), "{page}");
    }
}

#[tokio::test]
async fn our_script_gets_the_exchange_alone() {
    let (status, fragment) = send("POST", "/playground/press", &[("steward-fragment", "1")], "press=owner+x&as=zoe").await;
    assert_eq!(status, StatusCode::OK);
    assert!(fragment.starts_with("<section class=\"exchange\">"), "{fragment}");
    assert!(fragment.contains("Zoë Kern") && fragment.contains("/owner x"), "{fragment}");
}

#[tokio::test]
async fn foreign_pages_and_foreign_names_are_turned_away() {
    let say = "line=owner+x";
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:8080")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        &[("host", "rebound.evil.example:7007")],
        &[("host", "127.0.0.1.evil.example")],
    ] {
        let (status, text) = send("POST", "/playground/say", headers, say).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{headers:?} got {text}");
    }
    for headers in [
        &[][..],
        &[("origin", "http://127.0.0.1:7007"), ("sec-fetch-site", "same-origin")],
        &[("host", "localhost:7007"), ("origin", "http://localhost:7007")],
        &[("host", "[::1]:7007"), ("origin", "http://[::1]:7007")],
        &[("host", "demo.example.com"), ("origin", "https://demo.example.com")],
    ] {
        let (status, text) = send("POST", "/playground/say", headers, say).await;
        assert_eq!(status, StatusCode::OK, "{headers:?} got {text}");
    }
    let events = send("GET", "/playground/events?as=zoe", &[("sec-fetch-site", "cross-site")], "").await;
    assert_eq!(events.0, StatusCode::FORBIDDEN);
    let link = send("GET", "/", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], "").await;
    assert_eq!(link.0, StatusCode::OK, "a link to the page may be followed");
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused() {
    let body = format!("line={}", "x".repeat(70_000));
    assert_eq!(send("POST", "/playground/say", &[], &body).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn typing_is_completed_with_commands_names_and_words() {
    assert_eq!(completed("/").await, ["/owner ", "/deps ", "/help "]);
    assert_eq!(completed("/ow").await, ["/owner "]);
    assert_eq!(completed("/owner PAY").await, ["/owner payments-api"]);
    assert_eq!(completed("/help de").await, ["/help deps "]);
    assert_eq!(
        completed("/owner front").await,
        ["/owner component:default/frontend", "/owner component:shop/frontend"],
        "a shared name needs its reference"
    );
    assert_eq!(completed("/deps payments-api d").await, ["/deps payments-api down", "/deps payments-api depth "]);
    assert_eq!(completed("/nothing x").await, [""; 0]);
    assert_eq!(completed("no slash").await, [""; 0]);
}

async fn completed(typed: &str) -> Vec<String> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("typed", typed).finish();
    let (_, text) = send("GET", &format!("/playground/complete?{query}"), &[], "").await;
    let offers: serde_json::Value = serde_json::from_str(&text).unwrap();
    let choices = offers["choices"].as_array().unwrap();
    choices.iter().map(|choice| choice["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn posted_messages_reach_the_open_page_of_their_person() {
    let app = app();
    let board = app.outbox.playground.clone().unwrap();
    let router = routes(None).with_state(Arc::clone(&app));
    let response = router.clone().oneshot(ask("GET", "/playground/events?as=zoe", &[], "")).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    board.post(&channel_of("aylin"), &said("not for zoe"), None);
    board.post(&channel_of("zoe"), &said("sync is\r\ndone"), None);
    let event = next_event(&mut stream).await;
    assert!(event.contains("sync is") && !event.contains("not for zoe"), "{event}");

    board.post("#team-payments", &said("for the team"), None);
    let event = next_event(&mut stream).await;
    assert!(event.contains("for the team") && event.contains("posted in <span class=\"mention\">#team-payments<"), "{event}");

    // A page that connects again gets what it missed, once.
    board.post(&channel_of("zoe"), &said("while away"), None);
    let id = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    let again = ask("GET", "/playground/events?as=zoe", &[("last-event-id", &id)], "");
    let mut stream = router.oneshot(again).await.unwrap().into_body().into_data_stream();
    assert!(next_event(&mut stream).await.contains("while away"));
    board.close();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.expect("a closed board ends its feeds");
    assert!(end.is_none());
}

fn said(text: &str) -> Reply {
    Reply::new(Status::Answered, "catalog", text.into())
}

async fn next_event(stream: &mut BodyDataStream) -> String {
    let chunk = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.expect("an event comes");
    String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_full_channel_keeps_the_newest() {
    let board = Board::default();
    for number in 0..150 {
        board.post("dm-zoe", &said(&number.to_string()), None);
    }
    let kept = board.messages("dm-zoe");
    assert_eq!((kept.len(), kept[0].reply.lead.to_plain()), (100, "50".to_owned()));
    let mut feed = board.follow("dm-zoe", Some("an older process-7"));
    assert_eq!(feed.next().await.unwrap().reply.lead.to_plain(), "50", "a cursor of another process starts anew");
}

#[test]
fn hostile_text_stays_text_everywhere() {
    let text = || {
        Text::plain(HOSTILE)
            .bold(HOSTILE)
            .code(HOSTILE)
            .link(HOSTILE, "javascript:alert(1)")
            .link("a", "https://x.example/\"><b>")
    };
    let mut reply = Reply::new(Status::Answered, HOSTILE, text());
    reply.refs = vec![HOSTILE.to_owned()];
    reply.cards = vec![Card {
        title: text(),
        fields: vec![Fact::new(HOSTILE, text())],
        body: vec![
            Block::Code { language: Some(HOSTILE.to_owned()), text: HOSTILE.to_owned() },
            Block::Table { header: vec![text()], rows: vec![vec![text()]] },
            Block::Warning(text()),
        ],
        buttons: vec![Button::say(HOSTILE, HOSTILE).confirm(HOSTILE), Button::open(HOSTILE, "javascript:alert(1)")],
        footer: text(),
        ..Card::default()
    }];
    let page = render_reply(&reply, now()).into_string();
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("href=\"javascript"), "{page}");
    assert_eq!(page.matches("javascript:alert(1)").count(), 8, "an address that is no link is shown as text: {page}");
}

#[test]
fn an_answer_says_its_tone_in_words_and_its_age_aloud() {
    let mut reply = Reply::new(Status::NotFound, "owner", "nothing".into());
    reply.audience = Audience::Everyone;
    reply.cards = vec![
        Card { tone: Tone::Critical, title: "a".into(), ..Card::default() },
        Card { tone: Tone::Warning, title: "b".into(), ..Card::default() },
    ];
    reply.provenance = Some(Provenance {
        read_from: "acme/one@3f2c1ab".to_owned(),
        url: Some("https://github.com/acme/one".to_owned()),
        synced_at: None,
        age: "never synced".to_owned(),
        freshness: Freshness::Stale,
    });
    let page = render_reply(&reply, now()).into_string();
    for words in ["Not found", "Critical", "Needs attention", "May be out of date", "never synced"] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    assert!(!page.contains("only you see this"));
    let when = Text::new().push(Span::Time(now()));
    let page = render_reply(&Reply::new(Status::Answered, "owner", when), now()).into_string();
    assert!(page.contains("<time datetime=\"2026-11-21T09:30:00Z\" data-show=\"moment\">2026-11-21 09:30 UTC</time>"), "{page}");
    assert!(page.contains("only you see this") && !page.contains("class=\"status"), "{page}");
}

#[tokio::test]
async fn the_front_page_names_what_is_in_the_catalog() {
    let app = app();
    let front = || async {
        let router = steward::http::router(Arc::clone(&app), steward::http::Doors::default());
        read(router.oneshot(ask("GET", "/", &[], "")).await.unwrap()).await
    };
    let page = front().await;
    assert!(page.contains("Slack is not set up; see <code>steward manifest slack</code>"), "{page}");
    assert!(page.contains("<code>/owner component:default/frontend</code>"), "a shared name needs its reference: {page}");
    let uses =
        Relation { relation_type: RelationType::DependsOn, target: EntityRef::new("component", "default", "payments-api") };
    let mut claims = catalog().parts().claims.clone();
    claims.push(entry("component", "default", "till", "Till", vec![uses]));
    app.catalog.update(|_| Catalog::build(Parts { claims: claims.clone(), ..Parts::default() }));
    assert!(front().await.contains("<code>/owner payments-api</code>"));
    app.catalog.update(|_| Catalog::build(Parts::default()));
    assert!(front().await.contains("<code>/help</code>"));
}

#[test]
fn one_sign_a_card_is_enough() {
    let alarm = Card { tone: Tone::Critical, body: vec![Block::Warning("gone".into())], ..Card::default() };
    let facts = Card { tone: Tone::Critical, title: "facts".into(), ..Card::default() };
    let mut reply = said("");
    reply.cards = vec![alarm, facts.clone()];
    let page = render_reply(&reply, now()).into_string();
    assert_eq!((page.matches("Critical").count(), page.contains("Warning")), (1, false), "{page}");
    reply.cards = vec![facts.clone(), facts];
    let page = render_reply(&reply, now()).into_string();
    assert_eq!(page.matches("Critical").count(), 2, "a card without a notice says its tone itself: {page}");
}

#[tokio::test]
async fn a_slip_is_no_fault_of_ours() {
    let (_, page) = send("POST", "/playground/say", &[("steward-fragment", "1")], "line=nonsense&as=zoe").await;
    assert!(page.contains("Not understood") && !page.contains("Something went wrong"), "{page}");
    // Declared here and understood, but this build has no answer for it.
    let reply = Reply::new(Status::Error, "owner", "broken".into());
    assert!(render_reply(&reply, now()).into_string().contains("Something went wrong"));
}

#[test]
fn a_conversation_is_named_by_its_person() {
    let channel = |name: &str| Text(vec![Span::Channel(Channel { name: name.to_owned(), slack_id: None, discord_id: None })]);
    let page = |name| render_reply(&Reply::new(Status::Answered, "report", channel(name)), now()).into_string();
    assert!(page("#dm-zoe").contains("zoe’s conversation with Steward") && !page("#dm-zoe").contains("#dm-"));
    assert!(page("#team-payments").contains("<span class=\"mention\">#team-payments</span>"));
}

#[tokio::test]
async fn an_unread_catalog_is_said_so_instead_of_offering_what_nobody_finds() {
    let app = app();
    app.catalog.update(|_| Catalog::build(Parts::default()));
    let router = routes(None).with_state(Arc::clone(&app));
    let visit = || async { read(router.clone().oneshot(ask("GET", "/", &[], "")).await.unwrap()).await };
    let page = visit().await;
    assert!(page.contains("Reading the company") && !page.contains("class=\"example\""), "{page}");
    app.catalog.update(|_| Catalog::build(Parts { version: 1, repositories: 3, ..Parts::default() }));
    let page = visit().await;
    assert!(page.contains("3 repositories read, but no entity found") && !page.contains("class=\"example\""), "{page}");
    app.catalog.update(|_| catalog());
    let page = visit().await;
    assert!(!page.contains("Reading the company") && page.contains("class=\"example\""), "{page}");
}

#[test]
fn lists_are_nested_by_depth() {
    let item = |depth, text: &str| ListItem { depth, checked: None, text: text.into() };
    let items = vec![item(0, "a"), item(1, "b"), item(1, "c"), item(0, "d")];
    let mut reply = said("");
    reply.cards = vec![Card { body: vec![Block::List { style: ListStyle::Numbers { start: 3 }, items }], ..Card::default() }];
    let page = render_reply(&reply, now()).into_string();
    let list = "<ol start=\"3\"><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>";
    assert!(page.contains(list), "{page}");
}

#[test]
fn lines_lose_their_slash_and_the_product_name() {
    for (typed, line) in [
        (" /owner payments-api ", "owner payments-api"),
        ("/steward owner x", "owner x"),
        ("/steward", "help"),
        ("steward-web?", "steward-web?"),
        ("who owns x?", "who owns x?"),
    ] {
        assert_eq!(parse_line(typed), line);
    }
}

/// A page with a field of every kind.
fn form() -> Form {
    let choices = || vec![Choice::new("a", "Alpha"), Choice::new("b", HOSTILE)];
    let fields = vec![
        Field::new("line", "Line", FieldKind::Line { placeholder: None, max: Some(80) }).help("In short"),
        Field::new("text", "Text", FieldKind::Paragraph { placeholder: None, max: None }),
        Field::new("number", "Number", FieldKind::Number { min: Some(1), max: Some(9), decimals: Decimals::No }),
        Field::new("day", "Day", FieldKind::Date),
        Field::new("one", "One", FieldKind::Select { choices: choices() }),
        Field::new("radio", "Radio", FieldKind::Radio { choices: choices() }),
        Field::new("some", "Some", FieldKind::MultiSelect { choices: choices() }),
        Field::new("boxes", "Boxes", FieldKind::Checkboxes { choices: choices() }).optional(),
        Field::new("team", "Team", FieldKind::Lookup { kinds: vec!["group".to_owned()], placeholder: None }),
    ];
    let earlier = BTreeMap::from([("earlier".to_owned(), Value::Many(vec![HOSTILE.to_owned()]))]);
    Form {
        id: "report".to_owned(),
        title: "Report".to_owned(),
        page: 1,
        pages: 2,
        intro: Text::new(),
        fields,
        submit: "Send".to_owned(),
        state: FormState { subject: "component:default/payments-api".to_owned(), values: earlier },
    }
}

#[test]
fn a_forms_answers_come_back_as_they_were_given() {
    let mut form = form();
    let answers: BTreeMap<String, Value> = form
        .fields
        .iter()
        .map(|field| {
            let value = match field.name.as_str() {
                "text" => Value::Text("\nfirst\n  second <b>".to_owned()),
                "number" => Value::Text("7".to_owned()),
                "day" => Value::Text("2026-11-21".to_owned()),
                "one" | "radio" => Value::Text("b".to_owned()),
                "some" => Value::Many(vec!["a".to_owned(), "b".to_owned()]),
                "boxes" => Value::Many(Vec::new()),
                _ => Value::Text(HOSTILE.to_owned()),
            };
            (field.name.clone(), value)
        })
        .collect();
    for field in &mut form.fields {
        field.value = answers.get(&field.name).cloned();
    }
    let page = render_form(&form, "zoe").into_string();
    let submission = parse_submission(&Fields::parse(filled_in(&page).as_bytes())).expect("the form brings its hidden fields");
    assert_eq!((submission.form.as_str(), submission.page), ("report", 1));
    assert_eq!(submission.state, form.state);
    assert_eq!(submission.values, answers);
}

#[test]
fn a_fault_is_tied_to_its_field_and_going_on_comes_before_going_back() {
    let mut form = form();
    form.fields[0].error = Some(format!("Too short {HOSTILE}"));
    let page = render_form(&form, "zoe").into_string();
    assert!(page.contains("One answer needs another look."), "{page}");
    assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"f0-help f0-error\""), "{page}");
    assert!(page.contains("id=\"f0-error\"") && page.contains("Page 2 of 2") && !page.contains("<script"), "{page}");
    assert!(
        page.find(">Send<").unwrap() < page.find("formaction=\"/playground/back\"").unwrap(),
        "Enter presses the first button"
    );
    form.page = 0;
    assert!(!render_form(&form, "zoe").into_string().contains("/playground/back"), "the first page has nothing before it");
}

#[tokio::test]
async fn a_form_that_lost_its_place_says_what_to_do() {
    for body in ["form=report&page=0", "form=report&page=x&state=%7B%7D", "page=0&state=%7B%7D"] {
        let (status, text) = send("POST", "/playground/submit", &[], body).await;
        assert_eq!((status, text.contains("open it again")), (StatusCode::BAD_REQUEST, true), "{body}");
    }
}

/// What a browser would send of this page, as it stands.
fn filled_in(page: &str) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let mut rest = page;
    let mut select = String::new();
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..at + rest[at..].find('>').unwrap()];
        rest = &rest[at + tag.len() + 2..];
        let name = attribute(tag, "name").unwrap_or_default();
        match tag.split(' ').next().unwrap() {
            "input" => {
                let is_box = tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"");
                if !is_box || tag.ends_with(" checked") || tag.contains(" checked ") {
                    body.append_pair(&name, &attribute(tag, "value").unwrap_or_default());
                }
            }
            "textarea" => {
                let text = unescape(&rest[..rest.find("</textarea>").unwrap()]);
                let text = text.strip_prefix('\n').unwrap_or(&text);
                body.append_pair(&name, &text.replace('\n', "\r\n"));
            }
            "select" => select = name,
            "option" if tag.ends_with(" selected") => {
                body.append_pair(&select, &attribute(tag, "value").unwrap());
            }
            _ => {}
        }
    }
    body.finish()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(unescape(&tag[start..start + tag[start..].find('"')?]))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
