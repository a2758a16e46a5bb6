//! What is new on GitHub since the sweep before: in one request, read in one more, and nothing overlooked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use steward::{
    catalog::{Contents, Files, Known, Repository, Scope, SweepMark},
    github::{GithubConfig, GithubError, GithubSource},
};

use crate::{
    fake_github::{Announced, FakeGithub, Fault},
    github::{Swept, WAITS, config, generated, sweep_known},
};

/// What a store would know of the sweeps so far, in the simplest way: facts and files.
struct Follower<'f> {
    fake: &'f FakeGithub,
    source: GithubSource,
    mark: Option<SweepMark>,
    stored: HashMap<i64, (Repository, BTreeMap<String, Vec<u8>>)>,
}

impl<'f> Follower<'f> {
    /// Has swept everything once.
    async fn start(fake: &'f FakeGithub) -> Self {
        Self::start_with(fake, config(fake)).await
    }

    async fn start_with(fake: &'f FakeGithub, config: GithubConfig) -> Self {
        fake.second_lasts(WAITS.announced_second);
        let source = GithubSource::new(config).expect("the config is good");
        let mut follower = Self { fake, source, mark: None, stored: HashMap::new() };
        follower.sweep(Scope::Everything).await.expect("the first sweep reaches its end");
        fake.reset_counts();
        follower
    }

    fn known(&self, scope: Scope) -> Known {
        let head = |repository: &Repository| repository.head.as_ref().map(|head| head.sha.clone());
        let heads = self.stored.iter().map(|(id, (repository, _))| (*id, head(repository)));
        Known { scope, mark: self.mark.clone(), heads: heads.collect() }
    }

    async fn sweep(&mut self, scope: Scope) -> Result<Swept, GithubError> {
        let swept = sweep_known(&self.source, &self.known(scope)).await?;
        for read in &swept.repositories {
            let entry = self.stored.entry(read.repository.id).or_insert_with(|| (read.repository.clone(), BTreeMap::new()));
            entry.0 = read.repository.clone();
            if let Files::Read(files) = &read.files {
                let bytes = |contents: &Contents| match contents {
                    Contents::Bytes(bytes) => bytes.clone(),
                    Contents::Unreadable(why) => panic!("{}: {why}", read.repository.full_name),
                };
                entry.1 = files.iter().map(|file| (file.path.clone(), bytes(&file.contents))).collect();
            }
        }
        let is_whole = swept.report.errors.is_empty();
        if swept.report.scope == Scope::Everything && is_whole {
            let seen: BTreeSet<_> = swept.repositories.iter().map(|read| read.repository.id).collect();
            self.stored.retain(|id, _| seen.contains(id));
        }
        // As the sync does: what could not be read would be passed over for ever.
        if is_whole || swept.report.scope == Scope::Everything {
            self.mark.clone_from(&swept.report.mark);
        }
        if let (Scope::Everything, Some(mark), Some(expected)) = (swept.report.scope, &mut self.mark, swept.report.expected) {
            mark.not_given = expected as i64 - self.stored.len() as i64;
        }
        Ok(swept)
    }

    /// Sweeps what is new and holds all that is known against the model.
    async fn follow(&mut self) -> Swept {
        let swept = self.sweep(Scope::WhatIsNew).await.expect("the sweep reaches its end");
        assert_eq!(swept.report.errors, []);
        self.assert_true();
        swept
    }

    fn assert_true(&self) {
        self.fake.model(|model| {
            let names = |repositories: Vec<(i64, String, bool)>| repositories.into_iter().collect::<BTreeSet<_>>();
            let there = names(model.repos.iter().map(|it| (it.id, format!("acme/{}", it.name), it.archived)).collect());
            let stored = self.stored.values().map(|(it, _)| (it.id, it.full_name.clone(), it.archived));
            assert_eq!(names(stored.collect()), there);
            for repo in &model.repos {
                let files = repo.head().map(|head| head.files.clone()).unwrap_or_default();
                let wanted = files.into_iter().filter(|(path, _)| path == "catalog-info.yaml" || path.ends_with("runbook.md"));
                let wanted: BTreeMap<_, _> = wanted.map(|(path, bytes)| (path, bytes.to_vec())).collect();
                assert_eq!(self.stored[&repo.id].1, wanted, "{}", repo.name);
            }
        });
    }

    fn requests(&self) -> u64 {
        let counts = self.fake.counts();
        self.fake.reset_counts();
        assert_eq!((counts.rest, counts.too_early), (0, 0));
        counts.graphql
    }
}

#[tokio::test]
async fn nothing_new_takes_one_request_and_a_dozen_pushes_two() {
    let fake = generated(1_000).await;
    let mut follower = Follower::start(&fake).await;
    let swept = follower.follow().await;
    assert_eq!((swept.report.scope, swept.report.expected, follower.requests()), (Scope::WhatIsNew, Some(1_000), 1));
    let names: Vec<_> = fake.model(|model| model.repos.iter().step_by(83).map(|repo| repo.name.clone()).take(12).collect());
    for name in &names {
        fake.push_file(name, "catalog-info.yaml", format!("# {name}\n"));
    }
    let swept = follower.follow().await;
    assert_eq!((follower.requests(), swept.requests.graphql), (2, 2));
    assert_eq!(swept.repositories.iter().filter(|read| !read.files.read().is_empty()).count(), 12);
    follower.follow().await;
    assert_eq!(follower.requests(), 1);
}

#[tokio::test]
async fn a_sweep_over_everything_reads_no_files_of_known_commits() {
    let fake = generated(250).await;
    fake.push_file("payments-api", "catalog-info.yaml", b"\0long or binary costs a read of its own");
    let mut follower = Follower::start(&fake).await;
    fake.push_file("search-api-00001", "runbook.md", "# New\n");
    let swept = follower.sweep(Scope::Everything).await.expect("the sweep reaches its end");
    follower.assert_true();
    assert_eq!(follower.requests(), 4);
    let read: Vec<_> = swept.repositories.iter().filter(|read| !read.files.read().is_empty()).collect();
    assert_eq!(read.iter().map(|read| &read.repository.full_name).collect::<Vec<_>>(), ["acme/search-api-00001"]);
}

#[tokio::test]
async fn everything_that_can_happen_is_followed() {
    let fake = generated(120).await;
    let mut follower = Follower::start(&fake).await;
    fake.rename("search-api-00001", "searching");
    fake.archive("orders-api-00002");
    fake.model(|model| model.push_branch("identity-api-00003", "draft", "catalog-info.yaml", b"a: 1\n"));
    fake.add_repository("fresh", &[("catalog-info.yaml", "kind: System\n")]);
    fake.add_repository("empty", &[]);
    follower.follow().await;
    assert_eq!(follower.requests(), 2, "one more for the new repository's files");
    // What is gone is seen by the number alone, and takes a sweep over everything.
    for case in ["deleted", "transferred", "one for another"] {
        match case {
            "deleted" => fake.delete("payments-api"),
            "transferred" => fake.transfer("searching", "elsewhere"),
            _ => {
                fake.delete("fresh");
                fake.add_repository("fresher", &[("catalog-info.yaml", "kind: System\n")]);
            }
        }
        let swept = follower.follow().await;
        assert_eq!((swept.report.scope, follower.requests()), (Scope::Everything, 1 + 2), "{case}");
        assert_eq!((follower.follow().await.report.scope, follower.requests()), (Scope::WhatIsNew, 1), "{case}");
    }
}

#[tokio::test]
async fn one_that_comes_without_being_new_is_found_by_the_number() {
    let fake = generated(150).await;
    let mut follower = Follower::start(&fake).await;
    // As a repository that another owner gave, with its old dates.
    fake.model(|model| {
        let at = model.repos[0].created_at;
        let repo = model.add_repo("given");
        (repo.pushed_at, repo.updated_at) = (None, at);
    });
    assert_eq!(follower.follow().await.report.scope, Scope::Everything);
}

#[tokio::test]
async fn many_changes_are_paged_through_and_very_many_read_as_a_whole() {
    let fake = generated(400).await;
    let mut follower = Follower::start(&fake).await;
    let names: Vec<_> = fake.model(|model| model.repos.iter().map(|repo| repo.name.clone()).take(130).collect());
    for name in &names {
        fake.push_file(name, "runbook.md", "# All\n");
    }
    let swept = follower.follow().await;
    // Fifty of each list, a hundred more of each, and the files of 130.
    assert_eq!((swept.report.scope, follower.requests()), (Scope::WhatIsNew, 1 + 2 + 2));
    let names: Vec<_> = fake.model(|model| model.repos.iter().map(|repo| repo.name.clone()).take(260).collect());
    for name in &names {
        fake.push_file(name, "runbook.md", "# Again\n");
    }
    let swept = follower.follow().await;
    assert_eq!((swept.report.scope, follower.requests()), (Scope::Everything, 1 + 1 + 4));
}

#[tokio::test]
async fn one_date_for_all_does_not_make_all_new() {
    let fake = generated(300).await;
    fake.model(|model| {
        let now = model.now;
        for repo in &mut model.repos {
            (repo.pushed_at, repo.updated_at) = (Some(now), now);
        }
    });
    let mut follower = Follower::start(&fake).await;
    follower.follow().await;
    assert_eq!(follower.requests(), 1);
    fake.push_file("payments-api", "runbook.md", "# New\n");
    follower.follow().await;
    assert_eq!(follower.requests(), 2);
}

#[tokio::test]
async fn what_comes_late_to_the_lists_is_still_seen() {
    let fake = generated(100).await;
    let mut follower = Follower::start(&fake).await;
    fake.push_file("search-api-00001", "runbook.md", "# Later\n");
    follower.follow().await;
    // Dated before what was seen already.
    fake.push_file("payments-api", "runbook.md", "# Earlier\n");
    fake.model(|model| {
        let late = model.repo_mut("search-api-00001").pushed_at.expect("it was pushed to") - chrono::TimeDelta::seconds(20);
        let repo = model.repo_mut("payments-api");
        (repo.pushed_at, repo.updated_at) = (Some(late), late);
    });
    follower.follow().await;
}

#[tokio::test]
async fn an_empty_organisation_stays_empty_and_may_grow() {
    let fake = FakeGithub::start("acme").await;
    let mut follower = Follower::start(&fake).await;
    follower.follow().await;
    fake.add_repository("first", &[("catalog-info.yaml", "a: 1\n")]);
    follower.follow().await;
    fake.delete("first");
    follower.follow().await;
}

#[tokio::test]
async fn no_fault_loses_what_is_new() {
    let faults = [
        Fault::Status(502),
        Fault::Status(500),
        Fault::Status(429),
        Fault::GraphqlTimeout,
        Fault::ResourceLimits,
        Fault::CutShort,
        Fault::BrokenOff,
        Fault::EndsEarly,
        Fault::Limited { status: 429, secs: 2, announced: Announced::RetryAfter },
        Fault::Limited { status: 429, secs: 2, announced: Announced::Nothing },
        Fault::Limited { status: 403, secs: 2, announced: Announced::Reset },
        Fault::Limited { status: 200, secs: 2, announced: Announced::Reset },
    ];
    for fault in faults {
        let fake = generated(250).await;
        let mut follower = Follower::start(&fake).await;
        fake.fail_each_page_once(fault.clone());
        for round in 0..2 {
            let names: Vec<_> = fake.model(|model| model.repos.iter().step_by(4).map(|repo| repo.name.clone()).collect());
            for name in &names {
                fake.push_file(name, "runbook.md", format!("# Round {round}\n"));
            }
            fake.add_repository(&format!("round-{round}"), &[("catalog-info.yaml", "a: 1\n")]);
            fake.archive(&names[1 + round]);
            let swept = follower.follow().await;
            assert_eq!(swept.report.scope, Scope::WhatIsNew, "after {fault:?}");
        }
        assert_eq!(fake.counts().too_early, 0, "after {fault:?}");
        fake.delete("payments-api");
        assert_eq!(follower.follow().await.report.scope, Scope::Everything, "after {fault:?}");
    }
}

#[tokio::test]
async fn a_list_that_always_ends_early_is_not_believed() {
    let fake = generated(60).await;
    let mut follower = Follower::start(&fake).await;
    let names: Vec<_> = fake.model(|model| model.repos.iter().map(|repo| repo.name.clone()).take(40).collect());
    for name in &names {
        fake.push_file(name, "runbook.md", "# New\n");
    }
    fake.plan(vec![Some(Fault::EndsEarly); 2]);
    let swept = follower.follow().await;
    assert_eq!(swept.report.scope, Scope::Everything);
}

#[tokio::test]
async fn a_repository_that_cannot_be_given_costs_one_sweep_over_everything_and_is_asked_for_again() {
    let fake = generated(150).await;
    let mut follower = Follower::start(&fake).await;
    fake.break_repository("payments-api");
    fake.push_file("payments-api", "catalog-info.yaml", "a: 2\n");
    fake.push_file("search-api-00001", "catalog-info.yaml", "a: 2\n");
    for _ in 0..3 {
        let swept = follower.sweep(Scope::WhatIsNew).await.expect("the sweep reaches its end");
        assert_eq!(swept.report.scope, Scope::WhatIsNew);
        let told: Vec<_> = swept.report.errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(told, ["Something is wrong with payments-api"]);
    }
    fake.model(|model| model.repo_mut("payments-api").broken = false);
    follower.follow().await;
    // In a sweep over everything it is counted, and does not call for another one.
    fake.break_repository("payments-api");
    follower.sweep(Scope::Everything).await.expect("the sweep reaches its end");
    assert_eq!(follower.mark.as_ref().map(|mark| mark.not_given), Some(0), "it is stored still");
    fake.reset_counts();
    assert_eq!(follower.sweep(Scope::WhatIsNew).await.expect("it reaches its end").report.scope, Scope::WhatIsNew);
}

#[tokio::test]
async fn one_that_was_never_given_is_counted_and_not_looked_for_each_time() {
    let fake = generated(150).await;
    fake.break_repository("payments-api");
    let mut follower = Follower::start(&fake).await;
    assert_eq!(follower.mark.as_ref().map(|mark| mark.not_given), Some(1));
    fake.push_file("search-api-00001", "catalog-info.yaml", "a: 2\n");
    let swept = follower.sweep(Scope::WhatIsNew).await.expect("the sweep reaches its end");
    assert_eq!((swept.report.scope, follower.requests()), (Scope::WhatIsNew, 2));
    fake.delete("payments-api");
    follower.follow().await;
}

#[tokio::test]
async fn one_file_read_alone_comes_in_a_sweep_of_what_is_new_too() {
    let fake = generated(20).await;
    let mut follower = Follower::start(&fake).await;
    fake.push_file("payments-api", "catalog-info.yaml", b"\0binary");
    let swept = follower.follow().await;
    assert_eq!((swept.requests.graphql, swept.requests.rest), (2, 1));
    assert_eq!(fake.counts().rest, 1);
}
