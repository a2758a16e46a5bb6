//! Every message and view that a command can lead to, over the sample organisation: each entity, each command, each button
//! that an answer offers. Written to `target/slack-samples-commands.jsonl` for the contracts in `tests/contract`.
//! What others wrote is walked through as well: the corpus beside the checkout, or in `STEWARD_CORPUS`.

use std::{
    collections::{BTreeSet, VecDeque},
    io::Write,
    path::Path,
};

use serde_json::{Value as Json, json};
use steward::{
    app::{App, CatalogHandle},
    catalog::{Catalog, kinds::CustomKinds},
    chat::{Account, Act, Audience, Does, Place, Platform, Reply, Request, Response},
    commands::respond,
    directory::DirectorySource,
    settings::{AccessSettings, Settings, catalog_paths},
    slack::render::{render_choices, render_form, render_home, render_message, render_post, render_reply_view, render_unfurl},
    sync::{Elsewhere, Source, read_without_store},
};

use crate::{
    app::{test_app, test_now},
    corpus::corpus,
    fake_slack::{check, shown},
};

/// Lines walked for each folder: all of the sample organisation's, and each entity of the corpus by every command.
const MOST_LINES: usize = 4_700;

pub async fn app_of(folder: &Path, catalog_paths: Vec<String>) -> App {
    let directory = DirectorySource { path: folder.to_owned(), catalog_paths, layout: Default::default() };
    let source = Source::Directory { id: "samples".to_owned(), directory };
    let access = AccessSettings { admins: vec!["group:default/platform".to_owned()], ..AccessSettings::default() };
    let settings = Settings { access, ..Settings::default() };
    let parts = read_without_store(&source, &CustomKinds::default(), &Elsewhere::default(), test_now()).await.unwrap();
    App { settings, catalog: CatalogHandle::new(Catalog::build(parts)), ..test_app(None) }
}

/// Descriptors that lead nowhere else: a test reads nothing from the network.
pub fn copy_what_stands_alone(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|file| file.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let leads_on = |line: &str| {
            let bare = line.trim_start().trim_start_matches(['"', '\'', '-', ' ']);
            bare.starts_with('$') || (bare.starts_with("kind:") && bare.contains("Location"))
        };
        if !text.lines().any(leads_on) {
            std::fs::write(to.join(file.file_name().unwrap()), text).unwrap();
        }
    }
}

fn asked(account: &Account, act: Act) -> Request {
    let place = Place { channel_id: "C2147483705".to_owned(), channel_name: Some("incidents".to_owned()) };
    Request { account: account.clone(), place: Some(place), act, delivery: None }
}

/// What there is to say at first; the rest is found by pressing.
pub fn lines(app: &App) -> VecDeque<String> {
    let mut lines: VecDeque<String> =
        app.commands.0.iter().flat_map(|command| command.examples.iter().map(|example| example.line.clone())).collect();
    lines.extend(["help", "nonsense", "owner", "find a", "owner <!channel>", "owner a", "catalog removed"].map(str::to_owned));
    lines.extend(app.commands.0.iter().map(|command| format!("help {}", command.name)));
    for entry in app.catalog.load().entries() {
        let entity_ref = &entry.entity.entity_ref;
        let about = ["owner", "runbook", "deps", "whois", "history", "oncall", "report"];
        lines.extend(about.map(|command| format!("{command} {entity_ref}")));
        lines.push_back(format!("deps {entity_ref} up depth 9"));
    }
    lines
}

struct Samples {
    file: std::io::BufWriter<std::fs::File>,
}

impl Samples {
    fn take(&mut self, line: &str, kind: &str, faults: Vec<String>, payload: &Json) {
        assert!(faults.is_empty(), "{line}: {faults:?} in {}", payload.to_string().chars().take(3_000).collect::<String>());
        let raw = shown::acting(payload).into_iter().filter(|acting| acting.starts_with('!') && !acting.starts_with("!date^"));
        assert_eq!(raw.collect::<Vec<_>>(), Vec::<String>::new(), "{line} calls somebody");
        writeln!(self.file, "{}", json!({"kind": kind, "payload": payload})).unwrap();
    }

    fn draw(&mut self, line: &str, reply: &Reply) {
        let shared = Reply { audience: Audience::Everyone, ..reply.clone() };
        for message in [render_message(reply), render_post(&shared)] {
            let payload = serde_json::to_value(message).unwrap();
            self.take(line, "message", check::message_faults(&payload), &payload);
            let words = shown::shown(&payload);
            let is_cut = words.contains("There is more") || words.contains("cannot be shown in Slack");
            assert!(!is_cut, "{line} says more than a message can show: {words}");
        }
        let payload = serde_json::to_value(render_reply_view(reply)).unwrap();
        self.take(line, "view", check::view_faults(&payload), &payload);
        let payload = serde_json::to_value(render_home(reply)).unwrap();
        self.take(line, "home", check::home_faults(&payload), &payload);
        let payload = serde_json::to_value(render_unfurl(reply)).unwrap();
        self.take(line, "unfurl", check::blocks_faults(&payload["blocks"], 10), &payload);
    }
}

async fn walk(app: &App, samples: &mut Samples) -> (usize, usize, usize) {
    let anybody = Account { platform: Platform::Slack, id: "U2147483697".to_owned(), name: "ada".to_owned() };
    let mut left = lines(app);
    let mut said: BTreeSet<String> = left.iter().cloned().collect();
    let (mut replies, mut forms, mut shares) = (0, 0, 0);
    while let Some(line) = left.pop_front().filter(|_| replies + forms < MOST_LINES) {
        let mut pressed = Vec::new();
        match respond(app, asked(&anybody, Act::Say { line: line.clone() })).await {
            Response::Reply(reply) => {
                replies += 1;
                samples.draw(&line, &reply);
                pressed.extend(reply.buttons.iter().chain(reply.cards.iter().flat_map(|card| &card.buttons)).cloned());
            }
            Response::Form(form) => {
                forms += 1;
                let payload = serde_json::to_value(render_form(&form).unwrap()).unwrap();
                samples.take(&line, "view", check::view_faults(&payload), &payload);
                for field in &form.fields {
                    let (field, typed) = (field.name.clone(), "a".to_owned());
                    let act = Act::Complete { form: form.id.clone(), subject: form.state.subject.clone(), field, typed };
                    if let Response::Choices(choices) = respond(app, asked(&anybody, act)).await {
                        let payload = serde_json::to_value(render_choices(&choices)).unwrap();
                        samples.take(&line, "options", check::options_faults(&payload), &payload);
                    }
                }
            }
            Response::Choices(_) => panic!("{line} is no look-up"),
        }
        for button in pressed {
            let Does::Say(next) = button.does else { continue };
            shares += usize::from(next.starts_with("share "));
            if !next.starts_with("share ") && said.insert(next.clone()) {
                left.push_back(next);
            }
        }
    }
    (replies, forms, shares)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_said_is_taken_by_slack() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("target/slack-samples-commands.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut samples = Samples { file: std::io::BufWriter::new(std::fs::File::create(path).unwrap()) };
    let app = app_of(&root.join("fixtures/org"), catalog_paths()).await;
    let (replies, forms, shares) = walk(&app, &mut samples).await;
    assert!(replies > 500 && forms > 20 && shares > 100, "{replies} replies, {forms} forms, {shares} to share");
    let Some(corpus) = corpus() else { return };
    let copy = tempfile::TempDir::new().unwrap();
    for folder in ["catalog", "templates"] {
        copy_what_stands_alone(&corpus.join(folder), &copy.path().join(folder));
    }
    let app = app_of(copy.path(), vec!["*.yaml".to_owned()]).await;
    let (replies, forms, _) = walk(&app, &mut samples).await;
    println!("the corpus: {} entities, {replies} replies, {forms} forms", app.catalog.load().entries().len());
    assert!(replies > 1_000, "{replies} replies over the corpus");
}
