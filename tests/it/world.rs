//! A small organisation, written in one breath a thing; for tests that need a catalog and nothing else.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use steward::{
    app::{App, CatalogHandle, Clock},
    catalog::{
        Authority, BrokenDocument, BrokenFile, Catalog, Entity, EntityRef, Entry, KeptBecause, Origin, Parts, Relation,
        RelationType, Runbook, SourceState,
    },
    chat::{Account, Act, Place, Platform, Reply, Request, Response},
    cli::ask::{Colour, DEFAULT_WIDTH, render_text},
    commands,
    outbox::Outbox,
    settings::{AccessSettings, Settings},
    store::Store,
};

/// The instant at which every test asks.
pub fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T03:14:00Z").unwrap().into()
}

/// What will become a catalog.
#[derive(Default)]
pub struct World {
    things: Vec<Thing>,
    runbooks: Vec<Runbook>,
    broken: Vec<BrokenFile>,
    synced_minutes_ago: Option<i64>,
    extra_repositories: usize,
}

/// One entity and the repository it is read from.
pub struct Thing {
    document: Value,
    full: EntityRef,
    relations: Vec<Relation>,
    repository: String,
    path: String,
    archived: bool,
    problem: Option<KeptBecause>,
    authority: Authority,
}

impl World {
    /// Synced three minutes ago, and empty.
    pub fn new() -> Self {
        Self { synced_minutes_ago: Some(3), ..Self::default() }
    }

    pub fn synced(&mut self, minutes_ago: Option<i64>) -> &mut Self {
        self.synced_minutes_ago = minutes_ago;
        self
    }

    /// Repositories that hold no descriptor.
    pub fn bare_repositories(&mut self, number: usize) -> &mut Self {
        self.extra_repositories = number;
        self
    }

    /// `name` may carry its namespace: `search/frontend`.
    pub fn add(&mut self, kind: &str, name: &str) -> &mut Thing {
        let full = EntityRef::parse(name, Some(kind), "default").unwrap();
        let document = json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": kind,
            "metadata": { "name": name.rsplit('/').next(), "namespace": full.namespace(), "annotations": {} },
            "spec": {},
        });
        let repository = format!("acme/{}", full.name());
        let path = "catalog-info.yaml".to_owned();
        self.things.push(Thing {
            document,
            full,
            relations: Vec::new(),
            repository,
            path,
            archived: false,
            problem: None,
            authority: Authority::Descriptor,
        });
        self.things.last_mut().unwrap()
    }

    /// A service in production.
    pub fn component(&mut self, name: &str) -> &mut Thing {
        self.add("Component", name).spec("type", "service").spec("lifecycle", "production")
    }

    pub fn group(&mut self, name: &str) -> &mut Thing {
        self.add("Group", name).spec("type", "team").repository("acme/org")
    }

    pub fn user(&mut self, name: &str) -> &mut Thing {
        self.add("User", name).repository("acme/org")
    }

    pub fn runbook(&mut self, repository: &str, path: &str, text: &str) -> &mut Runbook {
        let origin = origin(repository, path, false);
        self.runbooks.push(Runbook { origin, text: text.to_owned() });
        self.runbooks.last_mut().unwrap()
    }

    /// The thing of this name that was added first.
    pub fn find(&mut self, name: &str) -> &mut Thing {
        self.things.iter_mut().find(|thing| thing.full.name() == name).unwrap()
    }

    /// What was added last.
    pub fn last(&mut self) -> &mut Thing {
        self.things.last_mut().unwrap()
    }

    pub fn broken(&mut self, repository: &str, line: usize, message: &str) -> &mut Self {
        let origin = origin(repository, "catalog-info.yaml", false);
        self.broken.push(BrokenFile { origin, message: message.to_owned(), line: Some(line), documents: Vec::new() });
        self
    }

    /// The same of a document that was never valid: what it would be, and whom it names as its owner.
    pub fn never_valid(
        &mut self,
        repository: &str,
        line: usize,
        message: &str,
        of: Option<&str>,
        owner: Option<&str>,
    ) -> &mut Self {
        let parse = |text: &str, kind: &str| EntityRef::parse(text, Some(kind), "default").unwrap();
        let document = BrokenDocument {
            doc_index: 0,
            message: message.to_owned(),
            line,
            entity_ref: of.map(|of| parse(of, "component")),
            owner: owner.map(|owner| parse(owner, "group")),
        };
        self.broken(repository, line, message).broken.last_mut().unwrap().documents.push(Arc::new(document));
        self
    }

    pub fn catalog(&self) -> Catalog {
        let claims: Vec<Arc<Entry>> = self.things.iter().map(Thing::entry).collect();
        let mut repositories: Vec<i64> = claims.iter().map(|claim| claim.origin.repository_id).collect();
        repositories.extend(self.broken.iter().map(|file| file.origin.repository_id));
        repositories.sort();
        repositories.dedup();
        let synced_at = self.synced_minutes_ago.map(|minutes| now() - Duration::minutes(minutes));
        Catalog::build(Parts {
            version: 1,
            repositories: repositories.len() + self.extra_repositories,
            without_descriptor: self.extra_repositories,
            database: String::new(),
            claims,
            runbooks: self.runbooks.iter().cloned().map(Arc::new).collect(),
            broken: self.broken.iter().cloned().map(Arc::new).collect(),
            sources: BTreeMap::from([("acme".to_owned(), SourceState { synced_at, ..SourceState::default() })]),
            ..Parts::default()
        })
    }

    /// Opens the front door for somebody.
    pub fn bot(&self) -> Bot {
        Bot::new(self.catalog())
    }
}

impl Thing {
    pub fn spec(&mut self, key: &str, value: &str) -> &mut Self {
        self.document["spec"][key] = json!(value);
        self
    }

    /// Who says it, where no file does.
    pub fn authority(&mut self, authority: Authority) -> &mut Self {
        self.authority = authority;
        self
    }

    pub fn metadata(&mut self, key: &str, value: Value) -> &mut Self {
        self.document["metadata"][key] = value;
        self
    }

    pub fn title(&mut self, title: &str) -> &mut Self {
        self.metadata("title", json!(title))
    }

    pub fn display_name(&mut self, name: &str) -> &mut Self {
        self.document["spec"]["profile"] = json!({ "displayName": name });
        self
    }

    /// For a person, after the name.
    pub fn email(&mut self, email: &str) -> &mut Self {
        self.document["spec"]["profile"]["email"] = json!(email);
        self
    }

    pub fn describe(&mut self, description: &str) -> &mut Self {
        self.metadata("description", json!(description))
    }

    pub fn annotate(&mut self, key: &str, value: &str) -> &mut Self {
        self.document["metadata"]["annotations"][key] = json!(value);
        self
    }

    pub fn aliases(&mut self, aliases: &str) -> &mut Self {
        self.annotate("steward.dev/aliases", aliases)
    }

    fn relate(&mut self, relation_type: RelationType, target: &str, kind: &str) -> &mut Self {
        let target = EntityRef::parse(target, Some(kind), "default").unwrap();
        self.relations.push(Relation { relation_type, target });
        self.relations.sort();
        self
    }

    pub fn owner(&mut self, owner: &str) -> &mut Self {
        self.relate(RelationType::OwnedBy, owner, "group")
    }

    pub fn system(&mut self, system: &str) -> &mut Self {
        self.relate(RelationType::PartOf, system, "system")
    }

    /// For a system.
    pub fn relate_to_domain(&mut self, domain: &str) -> &mut Self {
        self.relate(RelationType::PartOf, domain, "domain")
    }

    pub fn depends_on(&mut self, target: &str) -> &mut Self {
        self.relate(RelationType::DependsOn, target, "component")
    }

    pub fn provides(&mut self, api: &str) -> &mut Self {
        self.relate(RelationType::ProvidesApi, api, "api")
    }

    pub fn consumes(&mut self, api: &str) -> &mut Self {
        self.relate(RelationType::ConsumesApi, api, "api")
    }

    pub fn parent(&mut self, group: &str) -> &mut Self {
        self.relate(RelationType::ChildOf, group, "group")
    }

    pub fn member_of(&mut self, group: &str) -> &mut Self {
        self.relate(RelationType::MemberOf, group, "group")
    }

    pub fn repository(&mut self, repository: &str) -> &mut Self {
        self.repository = repository.to_owned();
        self
    }

    pub fn archived(&mut self) -> &mut Self {
        self.archived = true;
        self
    }

    /// Its file has been broken for so long.
    pub fn broken_for(&mut self, hours: i64, message: &str) -> &mut Self {
        self.problem = Some(KeptBecause { message: message.to_owned(), since: now() - Duration::hours(hours) });
        self
    }

    fn entry(&self) -> Arc<Entry> {
        let entity = Entity::from_document(self.full.clone(), &self.document, self.relations.clone());
        let origin = Origin { authority: self.authority, ..origin(&self.repository, &self.path, self.archived) };
        Arc::new(Entry { entity, origin, problem: self.problem.clone() })
    }
}

fn origin(repository: &str, path: &str, archived: bool) -> Origin {
    // A number that depends on the name alone, so that files of one repository share it.
    let number = repository.bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 1_000_003);
    Origin {
        source: "acme".into(),
        repository_id: number,
        repository: repository.into(),
        repository_url: Some(format!("https://github.example/{repository}").into()),
        archived,
        language: None,
        authority: Default::default(),
        path: path.into(),
        commit: Some("3f2c1ab4d5e6f708192a3b4c5d6e7f8091a2b3c4".into()),
        committed_at: Some(now() - Duration::days(20)),
    }
}

/// Somebody in a chat with Steward, without any platform around it.
pub struct Bot {
    pub app: App,
    pub account: Account,
    pub place: Option<Place>,
}

impl Bot {
    pub fn new(catalog: Catalog) -> Self {
        let app = App {
            settings: Settings {
                access: AccessSettings { admins: Vec::new(), ..AccessSettings::default() },
                ..Settings::default()
            },
            commands: commands::load_definitions().unwrap(),
            custom_kinds: steward::catalog::kinds::CustomKinds::default(),
            catalog: CatalogHandle::new(catalog),
            store: Store::default(),
            outbox: Outbox::default(),
            clock: Clock::fixed(now()),
            live: Default::default(),
            links: Default::default(),
            search: Default::default(),
            seal: None,
            githubs: Vec::new(),
        };
        let account = Account { platform: Platform::Playground, id: "visitor".to_owned(), name: "Visitor".to_owned() };
        Self { app, account, place: None }
    }

    /// Lets a user of the catalog ask.
    pub fn by(mut self, name: &str) -> Self {
        self.account.id = name.to_owned();
        self.account.name = name.to_owned();
        self
    }

    pub fn admin(mut self, admin: &str) -> Self {
        self.app.settings.access.admins.push(admin.to_owned());
        self
    }

    pub fn act(&self, act: Act) -> Response {
        let request = Request { account: self.account.clone(), place: self.place.clone(), act, delivery: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(commands::respond(&self.app, request))
    }

    pub fn respond(&self, line: &str) -> Response {
        self.act(Act::Say { line: line.to_owned() })
    }

    pub fn reply(&self, line: &str) -> Reply {
        match self.respond(line) {
            Response::Reply(reply) => reply,
            other => panic!("{line} should be answered by a reply, not {other:?}"),
        }
    }

    /// What a person on the terminal reads.
    pub fn say(&self, line: &str) -> String {
        render_text(&self.respond(line), DEFAULT_WIDTH, Colour::Off)
    }

    pub fn refs(&self, line: &str) -> Vec<String> {
        self.reply(line).refs
    }
}
