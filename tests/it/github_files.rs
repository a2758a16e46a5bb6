//! Files beyond the plain descriptor paths: globs, and what annotations and Location entities name.

use steward::{
    catalog::{Contents, FileRole, FilesFound, FilesWanted, RepositoryKey},
    github::{GithubConfig, GithubSource},
};

use crate::{
    fake_github::{FakeGithub, Fault},
    github::{Swept, config, generated, try_sweep},
};

fn wish(fake: &FakeGithub, name: &str, patterns: &[(&str, FileRole)]) -> FilesWanted {
    let (id, head) = fake.model(|model| {
        let repo = model.find_repo(name).expect("the fake has it");
        (repo.id, repo.head().map(|head| head.sha.clone()).unwrap_or_default())
    });
    let repository = RepositoryKey { id, node_id: Some(fake.node_id(name)), full_name: Some(format!("acme/{name}")) };
    FilesWanted { repository, head, patterns: patterns.iter().map(|(path, role)| ((*path).to_owned(), *role)).collect() }
}

async fn load(fake: &FakeGithub, wanted: &[FilesWanted]) -> Vec<FilesFound> {
    GithubSource::new(config(fake)).expect("the config is good").load_files(wanted).await.expect("GitHub answers")
}

fn paths(found: &FilesFound) -> Vec<&str> {
    found.files.iter().map(|file| file.path.as_str()).collect()
}

async fn monorepo() -> FakeGithub {
    let fake = FakeGithub::start("acme").await;
    let files = [
        ("catalog-info.yaml", "root: 1\n"),
        ("services/cart/catalog-info.yaml", "cart: 1\n"),
        ("services/cart/deep/er/catalog-info.yaml", "deeper: 1\n"),
        ("services/mail/catalog-info.yaml", "mail: 1\n"),
        ("services/mail/README.md", "# Mail\n"),
        ("services/catalog-info.yaml", "services: 1\n"),
        ("node_modules/x/catalog-info.yaml", "not ours: 1\n"),
        ("a/b/c/d/e/f/catalog-info.yaml", "six: 1\n"),
        ("a/b/c/d/e/f/g/catalog-info.yaml", "seven: 1\n"),
        ("docs/index.md", "# Docs\n"),
        ("docs/more/how.md", "# How\n"),
    ];
    fake.add_repository("mono", &files);
    fake
}

#[tokio::test]
async fn globs_lead_to_the_files_they_name() {
    let fake = monorepo().await;
    let descriptors = FileRole::Descriptor;
    let cases: [(&str, &[&str]); 9] = [
        ("services/*/catalog-info.yaml", &["services/cart/catalog-info.yaml", "services/mail/catalog-info.yaml"]),
        (
            "**/catalog-info.yaml",
            &[
                "a/b/c/d/e/f/catalog-info.yaml",
                "catalog-info.yaml",
                "services/cart/catalog-info.yaml",
                "services/cart/deep/er/catalog-info.yaml",
                "services/catalog-info.yaml",
                "services/mail/catalog-info.yaml",
            ],
        ),
        ("services/{cart,post}/*.yaml", &["services/cart/catalog-info.yaml"]),
        ("./catalog-*.y?ml", &["catalog-info.yaml"]),
        ("docs/**", &["docs/index.md", "docs/more/how.md"]),
        ("docs/**/*.md", &["docs/index.md", "docs/more/how.md"]),
        ("services/**/er/*.yaml", &["services/cart/deep/er/catalog-info.yaml"]),
        ("nowhere/*/catalog-info.yaml", &[]),
        ("catalog-info.yaml/*", &[]),
    ];
    for (glob, wanted) in cases {
        let found = load(&fake, &[wish(&fake, "mono", &[(glob, descriptors)])]).await;
        assert_eq!((paths(&found[0]), &found[0].errors[..]), (wanted.to_vec(), &[][..]), "{glob}");
    }
}

#[tokio::test]
async fn plain_paths_of_many_repositories_take_one_request() {
    let fake = generated(60).await;
    let names: Vec<_> = fake.model(|model| {
        let filled = model.repos.iter().filter(|repo| repo.head().is_some());
        filled.map(|repo| repo.name.clone()).collect()
    });
    let wanted: Vec<_> = names.iter().map(|name| wish(&fake, name, &[("README.md", FileRole::Doc)])).collect();
    let found = load(&fake, &wanted).await;
    assert_eq!(found.len(), wanted.len());
    assert!(found.iter().all(|found| paths(found) == ["README.md"] && found.files[0].role == FileRole::Doc));
    assert_eq!((fake.counts().graphql, fake.counts().rest), (1, 0));
    assert!(!fake.queries()[0].contains("Entries"), "no folder is read for a plain path");
}

#[tokio::test]
async fn files_come_in_the_order_of_the_wishes_and_each_once() {
    let fake = monorepo().await;
    let patterns = [
        ("docs/more/how.md", FileRole::Runbook),
        ("docs/*.md", FileRole::Doc),
        ("docs/**/*.md", FileRole::Attachment),
        ("nothing.md", FileRole::Doc),
        ("docs", FileRole::Doc),
    ];
    let found = load(&fake, &[wish(&fake, "mono", &patterns)]).await;
    let files: Vec<_> = found[0].files.iter().map(|file| (file.path.as_str(), file.role)).collect();
    assert_eq!(files, [("docs/more/how.md", FileRole::Runbook), ("docs/index.md", FileRole::Doc)]);
    assert_eq!(found[0].files[1].contents, Contents::Bytes(b"# Docs\n".to_vec()));
}

#[tokio::test]
async fn the_commit_that_was_read_is_read_again_whatever_was_pushed_since() {
    let fake = monorepo().await;
    let wanted = wish(&fake, "mono", &[("docs/index.md", FileRole::Doc)]);
    fake.push_file("mono", "docs/index.md", "# Newer\n");
    fake.rename("mono", "monorepo");
    let found = load(&fake, std::slice::from_ref(&wanted)).await;
    assert_eq!(found[0].files[0].contents, Contents::Bytes(b"# Docs\n".to_vec()));
    // A commit that is not there any more does not mean that its files are not.
    let lost = FilesWanted { head: "0".repeat(40), ..wanted.clone() };
    let by_name = FilesWanted { repository: RepositoryKey { node_id: None, ..wanted.repository.clone() }, ..wanted };
    let found = load(&fake, &[lost, by_name]).await;
    assert_eq!((found[0].files.len(), found[0].errors.len()), (0, 1));
    assert!(found[0].errors[0].message.ends_with("is not there any more"));
    assert_eq!(paths(&found[1]), ["docs/index.md"]);
}

#[tokio::test]
async fn links_are_passed_over_and_what_cannot_be_read_says_so() {
    let fake = monorepo().await;
    fake.push_file("mono", "services/linked.yaml", "../elsewhere");
    fake.push_file("mono", "services/good.yaml", "a: 1\n");
    fake.push_file("mono", "services/binary.yaml", b"\0\x01");
    fake.model(|model| model.repo_mut("mono").links = vec!["services/linked.yaml".to_owned()]);
    fake.break_file("mono", "services/good.yaml");
    let found = load(&fake, &[wish(&fake, "mono", &[("services/*.yaml", FileRole::Descriptor)])]).await;
    assert_eq!(paths(&found[0]), ["services/binary.yaml", "services/catalog-info.yaml", "services/good.yaml"]);
    assert_eq!(found[0].files[0].contents, Contents::Bytes(b"\0\x01".to_vec()));
    assert!(matches!(&found[0].files[2].contents, Contents::Unreadable(_)));
    assert_eq!(found[0].errors.len(), 1);
    assert_eq!(fake.counts().rest, 1);
    fake.break_file("mono", "services");
    let found = load(&fake, &[wish(&fake, "mono", &[("services/*.yaml", FileRole::Descriptor)])]).await;
    assert_eq!(found[0].errors[0].message, "services/: Could not read services");
}

#[tokio::test]
async fn a_repository_that_is_gone_or_a_wish_that_is_none_fails_alone() {
    let fake = monorepo().await;
    fake.add_repository("other", &[("docs/a.md", "# A\n")]);
    let gone = wish(&fake, "other", &[("docs/a.md", FileRole::Doc), ("docs/*.md", FileRole::Doc)]);
    fake.delete("other");
    let odd = wish(&fake, "mono", &[("../up.md", FileRole::Doc), ("docs/[.md", FileRole::Doc), ("docs/index.md", FileRole::Doc)]);
    let found = load(&fake, &[gone, odd]).await;
    assert_eq!((found[0].files.len(), found[0].errors.len()), (0, 1));
    assert!(found[0].errors[0].message.contains("Could not resolve to a node"), "{:?}", found[0].errors);
    assert_eq!((paths(&found[1]), found[1].errors.len()), (vec!["docs/index.md"], 2));
}

#[tokio::test]
async fn limits_are_told() {
    let fake = FakeGithub::start("acme").await;
    let files: Vec<_> = (0..1_100).map(|index| (format!("docs/{index:04}.md"), "x")).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    fake.add_repository("wide", &files);
    let found = load(&fake, &[wish(&fake, "wide", &[("docs/*.md", FileRole::Doc)])]).await;
    assert_eq!((found[0].files.len(), found[0].errors.len()), (1_000, 1));
    assert_eq!(found[0].errors[0].message, "more than 1000 files fit; the others are not read");
}

async fn swept_with(fake: &FakeGithub, globs: &[&str]) -> Swept {
    let catalog_paths = globs.iter().map(|glob| (*glob).to_owned()).collect();
    try_sweep(GithubConfig { catalog_paths, ..config(fake) }).await.expect("the sweep reaches its end")
}

#[tokio::test]
async fn a_sweep_follows_globs_in_the_repositories_of_a_page_together() {
    let fake = generated(250).await;
    for name in ["payments-api", "search-api-00001"] {
        fake.push_file(name, "services/cart/catalog-info.yaml", format!("cart: {name}\n"));
    }
    let swept = swept_with(&fake, &["catalog-info.yaml", "services/*/catalog-info.yaml"]).await;
    assert_eq!(swept.report.errors, []);
    assert_eq!(swept.text("search-api-00001", "services/cart/catalog-info.yaml"), "cart: search-api-00001\n");
    let roles: Vec<_> = swept.find("payments-api").files.read().iter().map(|file| (file.path.as_str(), file.role)).collect();
    let (descriptor, runbook) = (FileRole::Descriptor, FileRole::Runbook);
    let wanted =
        [("catalog-info.yaml", descriptor), ("services/cart/catalog-info.yaml", descriptor), ("docs/runbook.md", runbook)];
    assert_eq!(roles, wanted);
    // One for the mark, three pages, the folder `services` of each page, and on the first what is in it.
    assert_eq!(fake.counts().graphql, 1 + 3 + 3 + 2);
    let all = swept_with(&fake, &["**/catalog-info.yaml"]).await;
    assert_eq!(all.find("payments-api").files.read().len(), 3);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_leaves_a_sign_in_the_place_of_its_files() {
    let fake = monorepo().await;
    fake.break_file("mono", "services/mail");
    let swept = swept_with(&fake, &["services/*/catalog-info.yaml"]).await;
    assert_eq!(swept.text("mono", "services/cart/catalog-info.yaml"), "cart: 1\n");
    assert_eq!(swept.text("mono", "services/*/catalog-info.yaml"), "unreadable: services/mail/: Could not read services/mail");
}

#[tokio::test]
async fn faults_on_the_way_lose_no_file() {
    for fault in [Fault::Status(502), Fault::GraphqlTimeout, Fault::CutShort, Fault::BrokenOff] {
        let fake = monorepo().await;
        fake.fail_each_page_once(fault.clone());
        let found = load(&fake, &[wish(&fake, "mono", &[("**/catalog-info.yaml", FileRole::Descriptor)])]).await;
        assert_eq!((found[0].files.len(), found[0].errors.len()), (6, 0), "after {fault:?}");
    }
}

#[tokio::test]
async fn an_outage_is_not_tried_on_each_file() {
    let fake = generated(200).await;
    let names: Vec<_> = fake.model(|model| {
        let filled = model.repos.iter().filter(|repo| repo.head().is_some());
        filled.map(|repo| repo.name.clone()).collect()
    });
    let wanted: Vec<_> = names.iter().map(|name| wish(&fake, name, &[("README.md", FileRole::Doc)])).collect();
    fake.fail_pages_above(-1, Fault::Status(502));
    let found = load(&fake, &wanted).await;
    assert!(found.iter().all(|found| found.errors.len() == 1), "each says so, and what is known of it stays");
    // Twice at 100, then 50, 25, 12, 6, 3, three times at one, and three times each for two more.
    assert_eq!(fake.counts().graphql, 7 + 3 + 2 * 3);
    fake.heal();
    assert!(load(&fake, &wanted).await.iter().all(|found| paths(found) == ["README.md"]));
}
