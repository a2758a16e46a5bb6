//! Somebody with an organisation, a template and a Steward that runs it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use steward::{
    app::App,
    chat::{Account, Platform},
    settings::Settings,
    store::{
        AuditEntry, Database, Deed, NewRun, NewStep, Run, RunAct, RunChange, RunId, RunOrigin, RunState, Store, WantedSecret,
    },
};

use crate::{
    bot::{Bot, morning},
    cluster::new_database,
    fake_github::FakeGithub,
};

/// From a skeleton to a repository that the catalog knows.
pub const SERVICE: &str = "
- id: fetch
  name: Fill in the skeleton
  action: fetch:template
  input:
    url: ./skeleton
    values: { name: '${{ parameters.name }}', owner: '${{ parameters.owner }}' }
- id: publish
  name: Publish
  action: publish:github
  input:
    repoUrl: 'github.com?owner=acme&repo=${{ parameters.name }}'
    description: Takes orders
    repoVisibility: internal
    topics: [Service, new]
- id: register
  name: Register
  action: catalog:register
  input:
    repoContentsUrl: '${{ steps.publish.output.repoContentsUrl }}'
";

pub const OUTPUT: &str = "
links:
- title: Repository
  url: '${{ steps.publish.output.remoteUrl }}'
- title: In the catalog
  entityRef: '${{ steps.register.output.entityRef }}'
";

const SKELETON: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ${{ values.name }}
spec: { type: service, lifecycle: production, owner: '${{ values.owner }}' }
";

pub struct Desk {
    pub bot: Bot,
}

/// An organisation with a group and a template of these steps, its skeleton beside it.
pub async fn organisation(steps: &str) -> FakeGithub {
    let github = FakeGithub::start("acme").await;
    github.model(|model| model.now = morning());
    let group = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: team-a, annotations: { steward.dev/channel: '#team-a' } }\n\
                 spec: { type: team, children: [] }\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: ana }\n\
                 spec: { memberOf: [team-a] }\n";
    github.add_repository("org", &[("catalog-info.yaml", group)]);
    with_steps(github, steps)
}

/// The same with a template; none where there are no steps.
pub fn with_steps(github: FakeGithub, steps: &str) -> FakeGithub {
    if steps.is_empty() {
        return github;
    }
    let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let template = format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {{ name: service, title: A service }}\nspec:\n  \
         type: service\n  owner: team-a\n  parameters:\n    title: What\n    properties:\n      name: {{ type: string }}\n      \
         owner: {{ type: string }}\n  steps:\n{}  output:\n{}",
        indent(steps),
        indent(if steps.contains("id: register") { OUTPUT } else { "{}" })
    );
    github.add_repository(
        "templates",
        &[
            ("catalog-info.yaml", template.as_str()),
            ("skeleton/catalog-info.yaml", SKELETON),
            ("skeleton/README.md", "# ${{ values.name }}\n"),
            ("skeleton/bin/start.sh", "#!/bin/sh\nexec ${{ values.name }}\n"),
            ("skeleton/src/${{ values.name }}.txt", "hello\n"),
        ],
    );
    github.push_file("templates", "skeleton/logo.bin", [0_u8, 159, 146, 150]);
    github.push_file("templates", "skeleton/start", "bin/start.sh");
    github.model(|model| model.repo_mut("templates").links.push("skeleton/start".to_owned()));
    github
}

pub fn asked(command: &str) -> AuditEntry {
    AuditEntry {
        at: morning(),
        account: Account { platform: Platform::Playground, id: "ana".to_owned(), name: "Ana".to_owned() },
        person: None,
        command: command.to_owned(),
        subject: String::new(),
        detail: json!({}),
        delivery: None,
    }
}

/// Asks for a run of the template that the catalog has.
pub async fn start_run(store: &Store, parameters: Value) -> RunId {
    start(store, parameters, Vec::new()).await
}

/// The same, for which a secret has to be entered first.
pub async fn start_with_secret(store: &Store, parameters: Value, name: &str) -> RunId {
    start(store, parameters, vec![WantedSecret { name: name.to_owned(), title: name.to_owned() }]).await
}

async fn start(store: &Store, parameters: Value, secrets: Vec<WantedSecret>) -> RunId {
    let templates = store.load_templates().await.unwrap();
    let template = templates.first().expect("there is one");
    let commit = store.load_head(&template.source, template.repository_id).await.unwrap();
    let steps = template.document["spec"]["steps"].as_array().unwrap().iter().map(|step| NewStep {
        id: step["id"].as_str().unwrap().to_owned(),
        name: step["name"].as_str().unwrap_or("a step").to_owned(),
        action: step["action"].as_str().unwrap().to_owned(),
    });
    let run = NewRun {
        template: template.entity_ref.to_string(),
        title: "A service".to_owned(),
        document: template.document.clone(),
        origin: RunOrigin {
            source: template.source.clone(),
            repository_id: template.repository_id,
            repository: "acme/templates".to_owned(),
            path: template.path.clone(),
            commit,
        },
        parameters,
        user: json!({ "ref": "user:default/ana", "entity": { "metadata": { "name": "ana" } } }),
        place: None,
        approvers: None,
        secrets,
        steps: steps.collect(),
    };
    store.start_run(asked("new"), run).await.unwrap()
}

impl Desk {
    pub async fn of(steps: &str) -> Self {
        Self::on(organisation(steps).await, new_database().await, Settings::default()).await
    }

    pub async fn on(github: FakeGithub, database: Database, settings: Settings) -> Self {
        let bot = Bot::with_settings(github, database, settings).await;
        bot.sync().await;
        Self { bot }
    }

    /// Asks for a service of this name.
    pub async fn start(&self, name: &str) -> RunId {
        start_run(&self.bot.app().store, json!({ "name": name, "owner": "team-a" })).await
    }

    pub async fn load(&self, id: RunId) -> Run {
        self.bot.app().store.load_run(id).await.unwrap().expect("the run is there")
    }

    pub async fn ended(&self, id: RunId) -> Run {
        let is_over = async |app: &App| {
            // Away where Steward has just been started again.
            let run = app.store.load_run(id).await.ok().flatten();
            run.is_some_and(|run| {
                matches!(run.state, RunState::Done | RunState::Failed | RunState::Unknown | RunState::Cancelled)
            })
        };
        self.bot.until("the run ends", is_over).await;
        self.load(id).await
    }

    /// A run of a service of this name, to its end.
    pub async fn run(&self, name: &str) -> Run {
        let id = self.start(name).await;
        self.ended(id).await
    }

    pub async fn change(&self, id: RunId, act: RunAct) {
        assert_eq!(self.bot.app().store.change_run(asked("tasks"), id, act).await.unwrap(), RunChange::Done);
    }

    pub async fn retried(&self, id: RunId) -> Run {
        self.bot.pass(TimeDelta::minutes(1));
        self.change(id, RunAct::Retry).await;
        self.ended(id).await
    }

    pub fn github(&self) -> &FakeGithub {
        &self.bot.github
    }

    /// The repository's files by path.
    pub fn files(&self, name: &str) -> Vec<String> {
        self.github().model(|model| {
            let repo = model.find_repo(name).expect("it was made");
            repo.head().map(|head| head.files.keys().cloned().collect()).unwrap_or_default()
        })
    }

    /// How often repositories were made.
    pub fn created(&self) -> Vec<String> {
        self.github().model(|model| model.made.created.clone())
    }
}

pub fn find_deed<'r>(run: &'r Run, what: &str) -> &'r Deed {
    run.deeds.iter().find(|deed| deed.what == what).unwrap_or_else(|| panic!("no {what} among {:?}", run.deeds))
}

/// What a run that went well must have left.
pub fn assert_whole(desk: &Desk, run: &Run, name: &str) {
    assert_eq!(run.state, RunState::Done, "{:?} {:?}", run.reason, run.steps);
    assert_published(desk.github(), run, name);
}

pub fn assert_published(github: &FakeGithub, run: &Run, name: &str) {
    github.model(|model| {
        assert_eq!(model.made.created.iter().filter(|made| *made == name).count(), 1, "{name} is made once");
        let repo = model.find_repo(name).unwrap();
        let files = &repo.head().unwrap().files;
        assert!(files.contains_key("catalog-info.yaml") && files.contains_key(&format!("src/{name}.txt")), "{files:?}");
        assert_eq!(repo.commits.len(), 1, "one commit, none of GitHub's own");
        assert!(repo.commits[0].message.contains(&format!("Steward-Run: {}", run.marker)), "{}", repo.commits[0].message);
    });
}
