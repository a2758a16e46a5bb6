//! The HR system's list, and how what it says and what others say become one person.

use super::*;

fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

const HR: &str = "\
id,name,email,github,slack,title,team,team_parent,manager,left_on,salary
e1,Ada Lovelace,ada@acme.example,,U0ADA,Engineer,payments,money,e2,,100
e2,Grace Hopper,grace@acme.example,grace,,Director,money,,,,200
e3,Alan Turing,alan@acme.example,,,Engineer,payments,money,e2,2026-10-31,100
";

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_file_brings_people_teams_managers_and_those_who_left() {
    let (_folder, path) = file(HR);
    let parts = read(&of_file(&path)).await.unwrap();
    assert_eq!(parts.broken, []);
    assert!(parts.claims.iter().all(|claim| claim.origin.authority == Authority::People));
    let catalog = Catalog::build(parts);
    let ada = &catalog.find(&user("e1")).unwrap().entity;
    assert_eq!((ada.label(), ada.annotation("steward.dev/manager")), ("Ada Lovelace", Some("user:default/e2")));
    assert_eq!(members(&catalog, "payments"), ["e1"]);
    assert_eq!(catalog.groups_of(&user("e1")), [group("money"), group("payments")]);
    assert_eq!(steward::catalog::left(&catalog.find(&user("e3")).unwrap().entity), Some("2026-10-31"));
    assert_eq!(catalog.groups_of(&user("e3")), []);
    assert_eq!(catalog.find_person_by_slack_id("U0ADA"), Some(&user("e1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_told_by_number_and_a_damaged_file_changes_nothing() {
    let (_folder, path) = file("id,email,team\ne1,ada@acme.example,a\ne2,nonsense,a\ne3,alan@acme.example\n");
    let source = of_file(&path);
    let parts = read(&source).await.unwrap();
    assert_eq!(parts.claims.len(), 2, "Ada and her team");
    let Source::People(people) = &source else { unreachable!() };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let report = people.sweep(sender).await.unwrap();
    assert!(receiver.recv().await.is_some());
    let told: Vec<String> = report.errors.iter().map(|error| format!("{}: {}", error.location, error.message)).collect();
    assert!(told[0].ends_with("people.csv:3: email is \"nonsense\", which is no address"), "{told:?}");
    assert!(told[1].contains("people.csv:4: it has 2 fields where the header has 3"), "{told:?}");

    let bad: String = (0..20).map(|line| format!("e{line},nonsense,a\n")).collect();
    let (_folder, path) = file(&format!("id,email,team\n{bad}e99,x@acme.example,a\n"));
    let error = read(&of_file(&path)).await.unwrap_err();
    assert!(error.contains("20 of 21 lines cannot be read, so none is taken; line 2: email"), "{error}");
    // A column that is nearly a known one is no extra.
    let (_folder, path) = file("id,nmae,emal,office\ne1,Ada,ada@acme.example,London\n");
    let source = of_file(&path);
    let Source::People(people) = &source else { unreachable!() };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let report = people.sweep(sender).await.unwrap();
    assert!(receiver.recv().await.is_some());
    let told: Vec<&str> = report.errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("`nmae`") && told[0].ends_with("did you mean `name`?"), "{told:?}");
    assert!(told[1].contains("`emal`") && told[1].ends_with("did you mean `email`?"), "{told:?}");

    let (_folder, path) = file("who,what\nada,engineer\n");
    assert!(read(&of_file(&path)).await.unwrap_err().contains("names no column `email`, `github` or `id`"));
}

async fn three_sources() -> Parts {
    let (_folder, path) = file(HR);
    let hr = read(&of_file(&path)).await.unwrap();
    let github = FakeGithub::start("acme").await;
    github.model(|model| {
        model.people.add_member("ada", "ada", &["ada@acme.example"]);
        model.people.add_member("grace", "Grace", &[]);
        model.people.add_member("eve", "Ada Lovelace", &[]);
        model.people.add_team("payments", None, &["ada", "eve"]);
        model.people.add_team("hackers", None, &["ada"]);
    });
    let hub = read(&organisation(&github)).await.unwrap();
    together([hr, hub])
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_in_hr_and_on_github_is_tied_by_a_verified_address() {
    let catalog = Catalog::build(three_sources().await);
    let ada = catalog.person(&user("ada")).unwrap();
    assert_eq!((&ada.primary, ada.refs.len(), &ada.contradiction), (&user("e1"), 2, &None));
    assert!(catalog.is_same_person(&user("grace"), &user("e2")), "the list names her login");
    assert!(!catalog.is_same_person(&user("eve"), &user("e1")), "an equal name is no evidence");
    assert_eq!(catalog.find_person_by_account(AccountKind::Github, "Ada"), Some(&user("e1")));
    assert_eq!(catalog.groups_of(&user("ada")), [group("hackers"), group("money"), group("payments")]);
    // HR decides who is in payments, and GitHub's other word is kept.
    assert_eq!(members(&catalog, "payments"), ["e1"]);
    let told = format!("{:?}", catalog.differences(&group("payments")));
    assert!(told.contains("also: [user:default/eve]"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ties_that_contradict_are_used_for_nothing() {
    let mut parts = three_sources().await;
    let mapped = steward::catalog::people::parse_mapping("- { slack: U0ADA, github: eve }\n").unwrap();
    parts.mapping = mapped;
    let catalog = Catalog::build(parts);
    assert_eq!(catalog.find_person_by_slack_id("U0ADA"), None);
    let why = catalog.person(&user("e1")).unwrap().contradiction.clone().unwrap();
    assert_eq!(why, "GitHub ada and eve");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_nobodys_domain_ties_nobody() {
    let mut world = crate::world::World::new();
    world.add("User", "ada.lovelace").display_name("Ada Lovelace").email("ada@mail.example");
    let (_folder, path) = file("id,email\ne1,ada@mail.example\n");
    let hr = read(&of_file(&path)).await.unwrap();
    let mut parts = together([world.catalog().parts().clone(), hr]);
    assert!(!Catalog::build(parts.clone()).is_same_person(&user("e1"), &user("ada.lovelace")));
    parts.verified_domains = vec!["mail.example".to_owned()];
    assert!(Catalog::build(parts).is_same_person(&user("e1"), &user("ada.lovelace")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_company_and_its_hr_list_are_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let directory = steward::directory::DirectorySource {
        path: root.join("org"),
        catalog_paths: vec!["catalog-info.yaml".to_owned()],
        layout: Default::default(),
    };
    let org = read(&Source::Directory { id: "acme".to_owned(), directory }).await.unwrap();
    let hr = read(&of_file(&root.join("people/people.csv"))).await.unwrap();
    let mapping = std::fs::read_to_string(root.join("people/people-mapping.yaml")).unwrap();
    let people = org.claims.iter().filter(|claim| claim.entity.kind == steward::catalog::Kind::User).count();
    let mut parts = together([org, hr]);
    parts.mapping = steward::catalog::people::parse_mapping(&mapping).unwrap();
    parts.verified_domains = vec!["example.com".to_owned()];
    let catalog = Catalog::build(parts);
    assert_eq!(catalog.persons().len(), people + 1, "one has left and is only in the list");
    assert!(catalog.persons().iter().all(|person| person.contradiction.is_none()));
    let jane = catalog.find_person_by_slack_id("U0JANE").unwrap();
    assert!(catalog.is_same_person(jane, &user("jane.whitfield")));
    assert_eq!(catalog.find(&group("team-payments")).unwrap().entity.label(), "Payments");
    assert!(members(&catalog, "team-payments").iter().all(|member| member.starts_with('e')));
}
