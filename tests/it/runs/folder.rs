//! A folder that stands for the code host: what a newcomer sees who tries a template where no GitHub is connected.

use std::{fs, path::Path, sync::Arc, time::Duration};

use steward::{
    catalog::EntityRef,
    chat::{Form, Response},
    scaffolder::{Workbench, run_on},
    settings::PUBLISHED,
    store::{DeedState, Run, RunAct, RunChange, RunId, RunState, StepState},
    worker::Worker,
};

use super::desk::{asked, find_deed};
use crate::{bot::Bot, tasks::fill_in};

/// The playground of the demo, its templates read.
async fn playground() -> Bot {
    let bot = Bot::of_sample_folder().await;
    bot.sync().await;
    bot.until("the templates are read", async |app| app.live.templates().iter().count() == 3).await;
    bot
}

async fn start(bot: &Bot, name: &str) -> RunId {
    let last = fill_in(bot, "julia.novak", name).await;
    let Response::Reply(begun) = bot.submit("julia.novak", &last, &[]).await else { panic!("it begins") };
    let number = begun.lead.to_plain().split(|letter: char| !letter.is_ascii_digit()).find_map(|word| word.parse().ok());
    RunId(number.expect("the run has a number"))
}

async fn load(bot: &Bot, id: RunId) -> Run {
    bot.app().store.load_run(id).await.unwrap().expect("the run is there")
}

async fn ended(bot: &Bot, id: RunId) -> Run {
    let is_over = async |_: &steward::app::App| {
        matches!(load(bot, id).await.state, RunState::Done | RunState::Failed | RunState::Unknown | RunState::Cancelled)
    };
    bot.until("the run ends", is_over).await;
    load(bot, id).await
}

/// Whatever lies in a folder, hidden or not.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_tries_a_template_in_the_playground_and_finds_the_new_service() {
    let bot = playground().await;
    let last = fill_in(&bot, "julia.novak", "gift-registry").await;
    let place = bot.published().join("acme/gift-registry");
    let told = last.intro.to_plain();
    assert!(told.contains(&format!("is put into the folder {}.", place.display())), "{told}");
    assert!(matches!(bot.submit("julia.novak", &last, &[]).await, Response::Reply(_)));
    let run = ended(&bot, RunId(1)).await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    assert!(run.steps.iter().all(|step| matches!(step.state, StepState::Done | StepState::Skipped)), "{:?}", run.steps);

    let files = names(&place);
    for file in ["Dockerfile", "catalog-info.yaml", "src", ".github", ".steward-run"] {
        assert!(files.iter().any(|known| known == file), "{file} among {files:?}");
    }
    assert_eq!(names(place.parent().unwrap()), ["gift-registry"], "nothing else is left there");
    let said = bot.say_as("julia.novak", "tasks 1").await;
    assert!(said.contains(&format!("Repository: {}", place.display())), "{said}");
    let owner = bot.say_as("julia.novak", "owner gift-registry").await;
    assert!(owner.contains("Checkout") && owner.contains("acme/gift-registry"), "{owner}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_told_in_the_form_and_never_written_over() {
    let bot = playground().await;
    let place = bot.published().join("acme/gift-registry");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("mine.txt"), "mine").unwrap();
    let again: Form = fill_in(&bot, "julia.novak", "gift-registry").await;
    let error = again.fields.iter().find_map(|field| field.error.clone());
    assert_eq!(error.unwrap(), format!("The folder {} is there already. Choose another name.", place.display()));
    fs::remove_dir_all(&place).unwrap();

    // Somebody is quicker while the last page is read.
    let last = fill_in(&bot, "julia.novak", "gift-registry").await;
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("mine.txt"), "mine").unwrap();
    assert!(matches!(bot.submit("julia.novak", &last, &[]).await, Response::Reply(_)));
    let run = ended(&bot, RunId(1)).await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().contains("exists already, and is not of this run"), "{:?}", run.reason);
    assert_eq!(find_deed(&run, "folder").state, DeedState::NotDone);
    assert_eq!((names(&place), names(place.parent().unwrap())), (vec!["mine.txt".to_owned()], vec!["gift-registry".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_a_failed_run_made_is_taken_back_and_so_is_its_service() {
    let bot = playground().await;
    // Its descriptor's place in the catalog is another's.
    let id = start(&bot, "gift-registry").await;
    let run = ended(&bot, id).await;
    assert_eq!(run.state, RunState::Done, "{:?}", run.reason);
    let entity = EntityRef::new("component", "default", "gift-registry");
    bot.until("it is in the catalog", async |app| app.catalog.load().find(&entity).is_some()).await;
    // As if the last step had failed.
    let mut connection = crate::cluster::connect(&bot.database).await;
    sqlx::query("update runs set state = 'failed' where id = $1").bind(id.0).execute(&mut connection).await.unwrap();
    assert_eq!(bot.app().store.change_run(asked("tasks"), id, RunAct::CleanUp).await.unwrap(), RunChange::Done);
    let is_clean = async |_: &steward::app::App| find_deed(&load(&bot, id).await, "folder").state == DeedState::Undone;
    bot.until("it is taken back", is_clean).await;
    assert!(names(&bot.published().join("acme")).is_empty());
    bot.until("it is not in the catalog any more", async |app| app.catalog.load().find(&entity).is_none()).await;
}

/// As a replica that has just begun, with no GitHub.
fn bench(worker: &Worker, published: &Path) -> Workbench {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/org");
    let folders = vec![("sample".to_owned(), fixtures), (PUBLISHED.to_owned(), published.to_owned())];
    Workbench::new(Arc::clone(&worker.app), Vec::new(), folders)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_made_once_and_whole_whoever_dies_while_it_is_made() {
    let bot = playground().await;
    let (worker, published) = (Arc::clone(&bot.worker), bot.published());
    let mut forms = Vec::new();
    for turn in 0..12 {
        forms.push(fill_in(&bot, "julia.novak", &format!("gift-registry-{turn}")).await);
    }
    // The last step waits for the catalog, which nobody keeps current here.
    let mut connection = crate::cluster::connect(&bot.database).await;
    let folder = Arc::clone(&bot.folder);
    let asker = bot.app().store.clone();
    let mut ids = Vec::new();
    for form in &forms {
        let Response::Reply(_) = bot.submit("julia.novak", form, &[]).await else { panic!("it begins") };
        ids.push(RunId(ids.len() as i64 + 1));
        // Nobody but this test takes runs.
        sqlx::query("delete from graphile_worker._private_jobs where key like 'run:%'").execute(&mut connection).await.unwrap();
    }
    bot.halt().await;
    for (turn, id) in ids.into_iter().enumerate() {
        // Whatever has begun meanwhile begins anew.
        let first = tokio::spawn({
            let bench = bench(&worker, &published);
            async move { run_on(&bench, id).await }
        });
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..60))).await;
        if turn % 2 == 0 {
            first.abort();
        }
        let second = tokio::spawn({
            let bench = bench(&worker, &published);
            async move { run_on(&bench, id).await }
        });
        let place = published.join(format!("acme/gift-registry-{turn}"));
        let began = std::time::Instant::now();
        loop {
            let run = asker.load_run(id).await.unwrap().unwrap();
            if run.steps.iter().any(|step| step.id == "publish" && step.state == StepState::Done) {
                break;
            }
            assert_ne!(run.state, RunState::Failed, "{:?}", run.reason);
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", run.steps);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        first.abort();
        second.abort();
        assert!(names(&place).contains(&"Dockerfile".to_owned()), "{:?}", names(&place));
        let run = asker.load_run(id).await.unwrap().unwrap();
        assert_eq!(fs::read_to_string(place.join(".steward-run")).unwrap().trim(), run.marker);
        assert_eq!(find_deed(&run, "folder").state, DeedState::Done);
    }
    drop(folder);
}
