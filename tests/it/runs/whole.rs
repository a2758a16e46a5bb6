//! When all goes well.

use serde_json::json;
use steward::{
    catalog::EntityRef,
    store::{DeedState, RunState, StepState},
};

use super::desk::{Desk, SERVICE, assert_whole, find_deed};

#[tokio::test(flavor = "multi_thread")]
async fn a_template_becomes_a_repository_that_the_catalog_knows() {
    let desk = Desk::of(SERVICE).await;
    let began = std::time::Instant::now();
    let run = desk.run("orders").await;
    let took = began.elapsed();
    assert_whole(&desk, &run, "orders");
    eprintln!("from the form to the catalog: {took:?}");
    assert_eq!(run.steps.iter().map(|step| step.state).collect::<Vec<_>>(), [StepState::Done; 3], "{:?}", run.steps);
    assert_eq!(
        run.output,
        Some(json!({ "links": [
            { "title": "Repository", "url": "https://github.com/acme/orders.git" },
            { "title": "In the catalog", "entityRef": "component:default/orders" },
        ]}))
    );
    let catalog = desk.bot.app().catalog.load();
    assert!(catalog.find(&EntityRef::parse("component:default/orders", None, "default").unwrap()).is_some());
    assert_eq!(desk.files("orders"), ["README.md", "bin/start.sh", "catalog-info.yaml", "logo.bin", "src/orders.txt", "start"]);
    desk.github().model(|model| {
        let repo = model.find_repo("orders").unwrap();
        assert_eq!(*repo.head().unwrap().files["README.md"], b"# orders\n");
        assert_eq!(*repo.head().unwrap().files["logo.bin"], [0_u8, 159, 146, 150]);
        assert_eq!(
            (repo.topics.as_slice(), repo.visibility.as_str()),
            (&["service".to_owned(), "new".to_owned()][..], "internal")
        );
        assert_eq!(repo.links, ["start"]);
        let modes = model.made.git.trees.values().find(|tree| tree.contains_key("bin/start.sh")).unwrap();
        assert_eq!((modes["bin/start.sh"].0.as_str(), modes["README.md"].0.as_str()), ("100755", "100644"));
        assert!(model.made.settings["orders"].protections.contains_key("main"));
    });
    assert!(run.deeds.iter().all(|deed| deed.state == DeedState::Done), "{:?}", run.deeds);
    assert_eq!(find_deed(&run, "repository").result["full_name"], "acme/orders");
    assert!(std::fs::read_dir(desk.bot.folder.path().join("runs")).unwrap().next().is_none(), "its folders are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_fails_before_anything_is_made() {
    let desk = Desk::of(SERVICE).await;
    desk.github().add_repository("orders", &[("README.md", "of somebody else")]);
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.reason.as_deref().unwrap().contains("acme/orders exists already"), "{:?}", run.reason);
    assert_eq!(find_deed(&run, "repository").state, DeedState::NotDone);
    assert_eq!(desk.files("orders"), ["README.md"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_repository_declares_is_not_declared_again() {
    let github = super::desk::organisation(SERVICE).await;
    let orders = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: orders }\n\
                  spec: { type: service, lifecycle: production, owner: team-a }\n";
    github.add_repository("shop", &[("catalog-info.yaml", orders)]);
    let desk = Desk::on(github, crate::cluster::new_database().await, Default::default()).await;
    let run = desk.run("orders").await;
    assert_eq!(run.state, RunState::Failed);
    let reason = run.reason.unwrap();
    assert!(reason.contains("component:default/orders is there already, in acme/shop"), "{reason}");
    assert!(run.deeds.is_empty() && desk.created().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_default_branch_is_made_the_default_and_githubs_own_goes() {
    let desk = Desk::of(&SERVICE.replace("    description: Takes orders\n", "    defaultBranch: trunk\n")).await;
    let run = desk.run("orders").await;
    assert_whole(&desk, &run, "orders");
    desk.github().model(|model| {
        let repo = model.find_repo("orders").unwrap();
        assert_eq!((repo.default_branch.as_str(), repo.branches.len()), ("trunk", 0));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_policy_is_told_whole_before_anything_is_touched() {
    let settings = steward::settings::Settings {
        scaffolder: steward::settings::ScaffolderSettings {
            required_files: vec!["CODEOWNERS".to_owned(), "docs/*.md".to_owned()],
            ..Default::default()
        },
        ..Default::default()
    };
    let github = super::desk::organisation(SERVICE).await;
    let desk = Desk::on(github, crate::cluster::new_database().await, settings).await;
    let id = super::desk::start_run(&desk.bot.app().store, json!({ "name": "orders", "owner": "team-nobody" })).await;
    let run = desk.ended(id).await;
    let reason = run.reason.unwrap();
    assert_eq!(run.state, RunState::Failed);
    for told in ["team-nobody, which the catalog does not have", "no CODEOWNERS", "no docs/*.md"] {
        assert!(reason.contains(told), "{reason}");
    }
    assert!(run.deeds.is_empty() && desk.created().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_step_could_not_put_there_keeps_the_repository_from_being_made() {
    let make = "- id: fetch\n  action: fetch:template\n  input: { url: ./skeleton, values: { name: '${{ parameters.name }}', owner: '${{ parameters.owner }}' } }\n\
                - id: make\n  action: github:repo:create\n  input: { repoUrl: 'github.com?owner=acme&repo=${{ parameters.name }}' }\n";
    let push =
        "- id: push\n  action: github:repo:push\n  input: { repoUrl: 'github.com?owner=acme&repo=${{ parameters.name }}' }\n";
    let mend = "- id: mend\n  action: catalog:write\n  input: { filePath: catalog-info.yaml, entity: { apiVersion: backstage.io/v1alpha1, kind: Component, \
                metadata: { name: orders }, spec: { type: service, lifecycle: production, owner: team-a } } }\n";
    let run = async |steps: &str| {
        let desk = Desk::of(steps).await;
        let id = super::desk::start_run(&desk.bot.app().store, json!({ "name": "orders", "owner": "team-nobody" })).await;
        let run = desk.ended(id).await;
        (run, desk.created())
    };
    let (failed, created) = run(&format!("{make}{push}")).await;
    assert_eq!((failed.state, created), (RunState::Failed, Vec::new()), "{:?}", failed.reason);
    assert!(failed.reason.unwrap().contains("team-nobody, which the catalog does not have"));
    // What a step in between may mend is judged when it is there.
    let (done, created) = run(&format!("{make}{mend}{push}")).await;
    assert_eq!((done.state, created), (RunState::Done, vec!["orders".to_owned()]), "{:?}", done.reason);
}
