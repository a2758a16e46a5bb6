//! What a rendered workspace must be before anything outside is touched. Judges, and changes nothing.

use globset::GlobBuilder;
use serde_json::Value as Json;

use super::{
    doing::{Doing, Trouble, failed},
    engine::changes_workspace,
};
use crate::{
    catalog::{
        Catalog, EntityRef, Kind, RelationType,
        descriptor::{Verdict, parse_descriptor},
        kinds::CustomKinds,
    },
    store::RunStep,
    template::{
        expression::is_template,
        workspace::{Entry, Kind as Lies, Workspace},
    },
    token_shape::find_token,
};

/// Names of descriptors.
const DESCRIPTORS: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];
/// Longer files hold no key that a person pasted.
const LONGEST_SEARCHED: usize = 512 * 1024;
/// Reasons and warnings that are told.
const TOLD: usize = 20;

/// What the workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// All that the repository will hold.
    Repository,
    /// What changes in one.
    Change,
}

impl Doing<'_> {
    /// All reasons why the workspace must not be published; what only looks wrong is a warning.
    pub(super) fn check_policies(&mut self, whole: Whole) -> Result<(), Trouble> {
        let source = self.text("sourcePath").unwrap_or_default();
        self.check_folder(whole, source)
    }

    /// The same before a repository is made that a later step fills, where the workspace is already what that step will find.
    pub(super) fn check_policies_ahead(&mut self) -> Result<(), Trouble> {
        let after = self.run.steps.iter().enumerate().skip(self.at + 1);
        let before_push = |(_, step): &(usize, &RunStep)| step.action != "github:repo:push";
        let mut changes = after.clone().take_while(before_push).filter(|(_, step)| changes_workspace(&step.action));
        let Some((push, _)) = after.clone().find(|(_, step)| step.action == "github:repo:push") else { return Ok(()) };
        if changes.next().is_some() {
            return Ok(());
        }
        match &self.run.document["spec"]["steps"][push]["input"]["sourcePath"] {
            Json::Null => self.check_folder(Whole::Repository, ""),
            // What it comes to is known when that step begins.
            Json::String(path) if is_template(path) => Ok(()),
            Json::String(path) => self.check_folder(Whole::Repository, path),
            _ => Ok(()),
        }
    }

    fn check_folder(&mut self, whole: Whole, source: &str) -> Result<(), Trouble> {
        let catalog = self.bench.app.catalog.load();
        let rules = match whole {
            Whole::Repository => self.bench.app.settings.scaffolder.required_files.as_slice(),
            Whole::Change => &[],
        };
        let judged = tokio::task::block_in_place(|| judge(&self.folder, source, rules, &catalog, &self.bench.app.custom_kinds));
        let Judged { mut reasons, warnings, declared } = judged.map_err(Trouble::Failed)?;
        if whole == Whole::Repository {
            reasons.extend(declared.iter().filter_map(|declared| self.taken(&catalog, declared)));
        }
        self.warnings.extend(warnings.into_iter().take(TOLD));
        if reasons.is_empty() {
            return Ok(());
        }
        reasons.truncate(TOLD);
        failed(format!("nothing was published: {}", reasons.join("; ")))
    }

    /// Why a new repository must not declare this: another one does. What this run has made itself is no other.
    fn taken(&self, catalog: &Catalog, declared: &EntityRef) -> Option<String> {
        let entry = catalog.find(declared)?;
        let repository = &*entry.origin.repository;
        let is_ours = self.run.deeds.iter().any(|deed| deed.target.eq_ignore_ascii_case(repository));
        (!is_ours).then(|| format!("{declared} is there already, in {repository}; begin again with another name"))
    }
}

#[derive(Default)]
struct Judged {
    reasons: Vec<String>,
    warnings: Vec<String>,
    /// What the descriptors declare.
    declared: Vec<EntityRef>,
}

fn judge(
    folder: &std::path::Path,
    source: &str,
    required: &[String],
    catalog: &Catalog,
    kinds: &CustomKinds,
) -> Result<Judged, String> {
    let told = |error: crate::template::workspace::WorkspaceError| error.to_string();
    let workspace = Workspace::open(folder).map_err(told)?;
    let source = workspace.normal(source).map_err(told)?;
    let prefix = if source.is_empty() { String::new() } else { format!("{source}/") };
    let files: Vec<Entry> = workspace.list().map_err(told)?;
    let files: Vec<&str> =
        files.iter().filter(|entry| entry.kind == Lies::File).filter_map(|entry| entry.path.strip_prefix(&prefix)).collect();
    let mut judged = Judged::default();
    let mut owners: Vec<(String, EntityRef, EntityRef)> = Vec::new();
    for path in &files {
        let contents = workspace.read(&format!("{prefix}{path}")).map_err(told)?;
        if DESCRIPTORS.contains(&path.rsplit('/').next().unwrap_or(path)) {
            for document in parse_descriptor(&contents, kinds) {
                match document.verdict {
                    Verdict::Valid { entity, .. } => {
                        let owned = entity
                            .targets(RelationType::OwnedBy)
                            .map(|owner| ((*path).to_owned(), entity.entity_ref.clone(), owner.clone()));
                        owners.extend(owned);
                        judged.declared.push(entity.entity_ref);
                    }
                    Verdict::Invalid { problem, .. } | Verdict::YamlError { problem } => {
                        judged.reasons.push(format!("{path}, line {}: {problem}", problem.line));
                    }
                }
            }
        }
        judged.warnings.extend(find_secrets(path, &contents));
    }
    for (path, of, owner) in owners {
        let known = catalog.find(catalog.primary(&owner));
        let is_owner = known.is_some_and(|entry| matches!(entry.entity.kind, Kind::Group | Kind::User));
        if !is_owner && !judged.declared.contains(&owner) {
            judged.reasons.push(format!("{path}: {of} is owned by {owner}, which the catalog does not have"));
        }
    }
    for rule in required {
        let plain = rule.trim_start_matches("./").trim_start_matches('/');
        let glob = GlobBuilder::new(plain).literal_separator(true).build();
        let glob = glob.map_err(|error| format!("scaffolder.required_files: {rule}: {error}"))?.compile_matcher();
        if !files.iter().any(|path| glob.is_match(path)) {
            judged.reasons.push(format!("there is no {rule}, which every new repository must have"));
        }
    }
    Ok(judged)
}

fn find_secrets(path: &str, contents: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(&contents[..contents.len().min(LONGEST_SEARCHED)]) else { return Vec::new() };
    let found = |(at, line)| Some(format!("{path}, line {}: this looks like {}", at + 1, find_token(line)?));
    text.lines().enumerate().filter_map(found).collect()
}
