//! The queries about repositories as they are sent: one definition of `repositories.graphql` with its fragments, filled in
//! from the configuration. Must not send anything.

use super::WantedFile;

const DOCUMENT: &str = include_str!("repositories.graphql");

/// The queries of one source, made once.
#[derive(Debug)]
pub(super) struct Queries {
    document: String,
    pub(super) sweep: String,
    pub(super) sweep_facts: String,
    pub(super) latest: String,
    pub(super) earlier: String,
    pub(super) nodes: String,
}

impl Queries {
    /// For these files; `branch` is the one that is read, where it is not each repository's default.
    pub(super) fn new(files: &[WantedFile], branch: Option<&str>) -> Self {
        let revision = branch.map_or("HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
        let file = |(index, file): (usize, &WantedFile)| {
            format!("  file{index}: object(expression: {}) {{ ...Text }}\n", literal(&format!("{revision}:{}", file.path)))
        };
        let files: String = files.iter().enumerate().map(file).collect();
        let branch = branch.map(|_| format!("  branch: ref(qualifiedName: {}) {{ ...Head }}\n", literal(&revision)));
        let document = fill(&fill(DOCUMENT, "files", &files), "branch", &branch.unwrap_or_default());
        let query = |name: &str| select(&document, name);
        Self {
            sweep: query("Sweep"),
            sweep_facts: query("SweepFacts"),
            latest: query("Latest"),
            earlier: query("Earlier"),
            nodes: query("Nodes"),
            document,
        }
    }

    /// For repositories by owner and name; the answer calls them `repository0`, `repository1`, ….
    pub(super) fn named<'a>(&self, names: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let line = |(index, (owner, name)): (usize, (&str, &str))| {
            format!("  {} {{ ...Facts ...Files }}\n", by_name(index, owner, name))
        };
        let lines: String = names.enumerate().map(line).collect();
        select(&fill(&self.document, "names", &lines), "Named")
    }

    /// For objects of repositories: one line each, as [`object_line`] makes them, below the field that finds the repository.
    pub(super) fn objects(&self, repositories: &[(String, String)]) -> String {
        let block = |(field, lines): &(String, String)| format!("  {field} {{\n    ... on Repository {{\n{lines}    }}\n  }}\n");
        let blocks: String = repositories.iter().map(block).collect();
        select(&fill(&self.document, "objects", &blocks), "Objects")
    }
}

/// The field that finds a repository by its owner and name.
pub(super) fn by_name(index: usize, owner: &str, name: &str) -> String {
    format!("repository{index}: {}", named(owner, name))
}

/// A repository by its owner and name, without the answer's name for it.
pub(super) fn named(owner: &str, name: &str) -> String {
    format!("repository(owner: {}, name: {}, followRenames: true)", literal(owner), literal(name))
}

/// The field that finds a repository by GitHub's id.
pub(super) fn by_id(index: usize, node_id: &str) -> String {
    format!("repository{index}: node(id: {})", literal(node_id))
}

/// The fields that tell the name and whether a commit is there.
pub(super) fn commit_line(sha: &str) -> String {
    format!("      nameWithOwner\n      commit: object(oid: {}) {{ oid }}\n", literal(sha))
}

/// The field that reads a file (`Text`) or lists a folder (`Entries`) at a commit.
pub(super) fn object_line(index: usize, sha: &str, path: &str, fragment: &str) -> String {
    format!("      object{index}: object(expression: {}) {{ ...{fragment} }}\n", literal(&format!("{sha}:{path}")))
}

/// JSON's escapes are GraphQL's too.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Puts these lines in place of those between the markers.
pub(super) fn fill(document: &str, name: &str, lines: &str) -> String {
    let (head, rest) = document.split_once(&format!("# {name}: begin\n")).expect("the document carries the marker");
    let (_, tail) = rest.split_once(&format!("# {name}: end\n")).expect("the document carries the marker");
    format!("{head}# {name}: begin\n{lines}# {name}: end\n{tail}")
}

/// One query and the fragments that it uses: GitHub rejects a fragment that nothing uses.
fn select(document: &str, name: &str) -> String {
    let mut selected = definition(document, &format!("query {name}")).to_owned();
    let mut taken: Vec<String> = Vec::new();
    let unknown = |text: &str, taken: &[String]| spreads(text).map(str::to_owned).find(|spread| !taken.contains(spread));
    while let Some(fragment) = unknown(&selected, &taken) {
        selected.push_str(definition(document, &format!("fragment {fragment} on")));
        taken.push(fragment);
    }
    selected
}

/// A definition from its first word to the brace in the first column.
fn definition<'d>(document: &'d str, begin: &str) -> &'d str {
    let starts = |at: &usize| {
        let next = document[at + begin.len()..].chars().next();
        (*at == 0 || document[..*at].ends_with('\n')) && matches!(next, Some(' ' | '('))
    };
    let start = document.match_indices(begin).map(|(at, _)| at).find(starts).expect("the document defines it");
    let end = document[start..].find("\n}\n").expect("a definition ends in the first column");
    &document[start..start + end + "\n}\n".len()]
}

/// The names of the fragments that a text uses.
fn spreads(text: &str) -> impl Iterator<Item = &str> {
    let name = |rest: &str| rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
    text.split(" ...")
        .skip(1)
        .map(move |rest| &rest[..name(rest)])
        // What a configured path may hold is no fragment.
        .filter(|name| DOCUMENT.contains(&format!("fragment {name} on ")))
}
