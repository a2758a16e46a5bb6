//! The text of a descriptor file -> its entities, and what is wrong with the others.
//! Gives Backstage's verdicts, in our own words. Pure: reads no file and no network, so a placeholder counts as a text
//! unless its value is handed in.

mod check;
mod mention;
mod node;
mod placeholder;
mod problem;
mod relations;
mod split;
mod yaml;
mod yaml_problem;

use serde_json::{Value as Json, json};

use self::{
    check::{Place, check_map, describe, is_close},
    mention::{find_mentions, holds_placeholders},
    node::{Entry, Map, Mark, Node, Value},
    placeholder::{fill_placeholders, find_bad_placeholder},
    problem::shorten,
    relations::{read_custom_relations, read_relations},
    split::{Chunk, split_documents},
};
use super::{
    Entity, EntityRef, Relation,
    kinds::{BUILT_IN_KINDS, CustomKind, CustomKinds, ENVELOPE, KindRules},
};

pub use mention::{DOCS as DOCS_ANNOTATION, Mention, Mentioned, Presence, RUNBOOK as RUNBOOK_ANNOTATION};
pub use placeholder::{Holds, NoValue, ReadValue, Unfilled};
pub use problem::Problem;

/// The largest descriptor: ten times the largest seen in the wild, and what parses within 100 ms.
/// An API's definition that is longer belongs into a file of its own, named by `$text`.
pub const MAX_DESCRIPTOR_BYTES: usize = 2 * 1024 * 1024;

/// The most documents of a file: an organisation's persons, one a document, fit.
pub const MAX_DOCUMENTS: usize = 10_000;

/// The most values (texts, numbers, lists, maps) of a file: 7,000 persons fit. A dense file of the largest size
/// holds a million, which would take a second.
pub const MAX_VALUES: usize = 100_000;

/// The namespace of an entity that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// One YAML document of a file.
#[derive(Debug)]
pub struct Document {
    /// Its place in the file, from 0; documents that hold nothing are counted, and left out.
    pub doc_index: usize,
    /// The file's line, from 1, on which its content starts.
    pub line: usize,
    pub verdict: Verdict,
    /// What it names outside of itself.
    pub mentions: Vec<Mention>,
    /// Placeholders stand in it: with their values it is another document.
    pub awaits_values: bool,
    /// Placeholders whose values were asked for and are not there.
    pub unfilled: Vec<Unfilled>,
    /// Whom it names as its owner, whatever else it holds.
    pub owner: Option<EntityRef>,
}

#[derive(Debug)]
pub enum Verdict {
    Valid {
        entity: Box<Entity>,
        /// The whole entity with defaults filled in; placeholders stand as they were written.
        document: Json,
    },
    /// Readable YAML, but no entity.
    Invalid {
        problem: Problem,
        /// Where kind and name could be read.
        entity_ref: Option<EntityRef>,
    },
    /// Not readable as YAML.
    YamlError { problem: Problem },
}

impl Document {
    /// One that names nothing.
    pub fn new(doc_index: usize, line: usize, verdict: Verdict) -> Self {
        Self { doc_index, line, verdict, mentions: Vec::new(), awaits_values: false, unfilled: Vec::new(), owner: None }
    }

    pub fn entity_ref(&self) -> Option<&EntityRef> {
        match &self.verdict {
            Verdict::Valid { entity, .. } => Some(&entity.entity_ref),
            Verdict::Invalid { entity_ref, .. } => entity_ref.as_ref(),
            Verdict::YamlError { .. } => None,
        }
    }

    pub fn problem(&self) -> Option<&Problem> {
        match &self.verdict {
            Verdict::Valid { .. } => None,
            Verdict::Invalid { problem, .. } | Verdict::YamlError { problem } => Some(problem),
        }
    }
}

/// Parses a descriptor file; never fails as a whole unless it is larger than [`MAX_DESCRIPTOR_BYTES`].
///
/// Each document is judged by itself: a fault in one loses no other. What is past [`MAX_DOCUMENTS`] or [`MAX_VALUES`] is
/// answered by a single problem, after the documents before it.
pub fn parse_descriptor(text: &[u8], custom_kinds: &CustomKinds) -> Vec<Document> {
    parse(text, custom_kinds, None)
}

/// The same with values in place of placeholders: an entity is judged, and given out, as it is with them.
pub fn parse_descriptor_with_values(text: &[u8], custom_kinds: &CustomKinds, read: &ReadValue<'_>) -> Vec<Document> {
    parse(text, custom_kinds, Some(read))
}

fn parse(text: &[u8], custom_kinds: &CustomKinds, read: Option<&ReadValue<'_>>) -> Vec<Document> {
    let start = Mark { line: 1, column: 1 };
    let refuse = |doc_index, mark: Mark, problem| Document::new(doc_index, mark.line, Verdict::YamlError { problem });
    if text.len() > MAX_DESCRIPTOR_BYTES {
        return vec![refuse(0, start, explain_size(start))];
    }
    if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) {
        let problem = Problem::at(start, "the file is written in UTF-16").hint("save it as UTF-8");
        return vec![refuse(0, start, problem)];
    }
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut documents = Vec::new();
    let mut values_left = MAX_VALUES;
    for (doc_index, chunk) in split_documents(text).into_iter().enumerate() {
        if doc_index == MAX_DOCUMENTS {
            let mark = Mark { line: chunk.content_line, column: 1 };
            let problem = Problem::at(mark, format!("the file holds more than {MAX_DOCUMENTS} documents; the rest is not read"))
                .hint("divide it into several files");
            documents.push(refuse(doc_index, mark, problem));
            break;
        }
        let mut document = match parse_chunk(&chunk, &mut values_left) {
            Ok(None) => continue,
            Ok(Some(mut node)) => {
                let mentions = find_mentions(&node);
                let awaits_values = read.is_none() && holds_placeholders(&node);
                let unfilled = read.map(|read| fill_placeholders(&mut node, read, &mut values_left)).unwrap_or_default();
                let owner = read_owner(&node);
                Document { mentions, awaits_values, unfilled, owner, ..Document::new(doc_index, 0, judge(node, custom_kinds)) }
            }
            Err(problem) => Document::new(doc_index, 0, Verdict::YamlError { problem }),
        };
        document.line = chunk.content_line;
        documents.push(document);
        if values_left == 0 {
            break;
        }
    }
    documents
}

/// The file's line of what a path of keys and indexes leads to in a document, or of the nearest thing around it.
///
/// For those who judge what an entity says after it was read; none where the document cannot be read again.
pub fn find_line(text: &[u8], doc_index: usize, path: &[&str]) -> Option<usize> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut values_left = MAX_VALUES;
    let root = parse_chunk(split_documents(text).get(doc_index)?, &mut values_left).ok()??;
    let (mut found, mut line) = (&root, root.mark.line);
    for step in path {
        match &found.value {
            Value::Map(map) => {
                let Some(entry) = map.find_entry(step) else { break };
                (found, line) = (&entry.node, entry.key_mark.line);
            }
            Value::List(items) => {
                let Some(node) = step.parse::<usize>().ok().and_then(|index| items.get(index)) else { break };
                (found, line) = (node, node.mark.line);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => break,
        }
    }
    Some(line)
}

/// The tree of one document; `None` where it holds nothing.
fn parse_chunk(chunk: &Chunk<'_>, values_left: &mut usize) -> Result<Option<Node>, Problem> {
    let text = std::str::from_utf8(chunk.bytes).map_err(|error| {
        let (mark, byte) = (find_mark(chunk, error.valid_up_to()), chunk.bytes[error.valid_up_to()]);
        Problem::at(mark, format!("the byte 0x{byte:02X} is not UTF-8")).hint("save the file as UTF-8")
    })?;
    if let Some(offset) = text.find('\0') {
        let problem = Problem::at(find_mark(chunk, offset), "a NUL byte stands in the text");
        return Err(problem.hint("remove it; is this a text file?"));
    }
    let node = yaml::parse_yaml(text, chunk.first_line, values_left)?;
    Ok(node.filter(|node| !matches!(node.value, Value::Null)))
}

/// Line and column of a byte, before which all is UTF-8.
fn find_mark(chunk: &Chunk<'_>, offset: usize) -> Mark {
    let before = &chunk.bytes[..offset];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = chunk.first_line + before.iter().filter(|byte| **byte == b'\n').count();
    Mark { line, column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1 }
}

fn explain_size(mark: Mark) -> Problem {
    let limit = MAX_DESCRIPTOR_BYTES / 1024 / 1024;
    Problem::at(mark, format!("the file is larger than {limit} MiB and is not read"))
        .hint("move long definitions into files of their own and name them, as in definition: { $text: ./openapi.yaml }")
}

/// The rules of the kind a document says it is of.
enum Rules<'a> {
    BuiltIn(&'static KindRules),
    Custom(&'a CustomKind),
}

fn judge(mut root: Node, custom_kinds: &CustomKinds) -> Verdict {
    let mark = root.mark;
    let Value::Map(map) = &mut root.value else {
        let problem = Problem::at(mark, format!("the document is {}, not an entity", describe(&root)));
        return Verdict::Invalid { problem: problem.hint("start it with apiVersion:, kind: and metadata:"), entity_ref: None };
    };
    fill_annotations(map);
    let entity_ref = read_own_ref(map);
    match check_document(map, mark, custom_kinds) {
        Err(problem) => Verdict::Invalid { problem, entity_ref },
        Ok(relations) => {
            let entity_ref = entity_ref.expect("the envelope's check lets pass only texts as kind and name");
            let mut document = root.to_json();
            if document["metadata"]["namespace"].is_null() {
                document["metadata"]["namespace"] = json!(DEFAULT_NAMESPACE);
            }
            let entity = Box::new(Entity::from_document(entity_ref, &document, relations));
            Verdict::Valid { entity, document }
        }
    }
}

/// What Backstage writes over: where it read the entity.
const OWN_ANNOTATIONS: [&str; 2] = ["backstage.io/managed-by-location", "backstage.io/managed-by-origin-location"];

/// Backstage adds annotations of its own before it checks, and takes an empty value for a map without any.
fn fill_annotations(map: &mut Map) {
    let metadata = map.entries.iter_mut().rev().find(|entry| entry.key == "metadata");
    let Some(Entry { node: Node { value: Value::Map(metadata), .. }, .. }) = metadata else { return };
    for entry in metadata.entries.iter_mut().filter(|entry| entry.key == "annotations" && entry.node.is_falsy()) {
        entry.node.value = Value::Map(Map::default());
    }
    for entry in metadata.entries.iter_mut().filter(|entry| entry.key == "annotations") {
        if let Value::Map(annotations) = &mut entry.node.value {
            annotations.entries.retain(|entry| !OWN_ANNOTATIONS.contains(&entry.key.as_str()) || entry.node.as_text().is_some());
        }
    }
}

/// Also of a document that turns out invalid, as far as kind and name are texts.
fn read_own_ref(map: &Map) -> Option<EntityRef> {
    let metadata = map.find("metadata")?.as_map()?;
    let namespace = match metadata.find("namespace") {
        None | Some(Node { value: Value::Null, .. }) => DEFAULT_NAMESPACE,
        Some(node) => node.as_text()?,
    };
    Some(EntityRef::new(map.find("kind")?.as_text()?, namespace, metadata.find("name")?.as_text()?))
}

/// Also of a document that turns out invalid, as far as it is a reference.
fn read_owner(root: &Node) -> Option<EntityRef> {
    let map = root.as_map()?;
    let namespace = map.find("metadata").and_then(Node::as_map).and_then(|metadata| metadata.find("namespace"));
    let namespace = namespace.and_then(Node::as_text).unwrap_or(DEFAULT_NAMESPACE);
    let owner = map.find("spec")?.as_map()?.find("owner")?.as_text()?;
    EntityRef::parse(owner.trim(), Some("group"), namespace).ok()
}

/// In the order in which a person would put things right: what it is, who it is, then what it says.
fn check_document(map: &Map, mark: Mark, custom_kinds: &CustomKinds) -> Result<Vec<Relation>, Problem> {
    let place = Place { path: "", mark, document: map };
    let rules = match (map.find("apiVersion").and_then(Node::as_text), map.find("kind").and_then(Node::as_text)) {
        (Some(api_version), Some(kind)) if !api_version.is_empty() && !kind.is_empty() => {
            Some(find_rules(kind, api_version, map, custom_kinds))
        }
        // The envelope's check below says what is missing.
        _ => None,
    };
    let rules = rules.transpose()?;
    check_map(map, &ENVELOPE, place)?;
    let rules = rules.expect("the envelope's check lets pass only texts as apiVersion and kind");
    if let Some((key, value)) = map.entries.iter().find_map(|entry| find_bad_placeholder(&entry.node)) {
        return Err(Problem::at(value.mark, format!("{key} is {} and must be a path or an address", describe(value)))
            .key(key)
            .hint(format!("write for example {key}: ./openapi.yaml")));
    }
    let namespace = map.find("metadata").and_then(Node::as_map).and_then(|metadata| metadata.find("namespace"));
    let namespace = namespace.and_then(Node::as_text).unwrap_or(DEFAULT_NAMESPACE);
    let spec_entry = map.find_entry("spec");
    let spec = spec_entry.and_then(|entry| entry.node.as_map());
    match rules {
        Rules::BuiltIn(rules) => {
            let Some(spec_entry) = spec_entry else {
                return Err(Problem::at(mark, "spec is missing").key("spec").hint(hint_spec(rules)));
            };
            let spec = spec.expect("the envelope's check lets pass only a map as spec");
            check_map(spec, &rules.spec, Place { path: "spec", mark: spec_entry.key_mark, document: map })?;
            read_relations(rules, Some(spec), namespace)
        }
        Rules::Custom(kind) => {
            check_custom(kind, spec_entry, mark, custom_kinds, map)?;
            read_custom_relations(kind, spec, namespace)
        }
    }
}

fn hint_spec(rules: &KindRules) -> String {
    use super::kinds::Need;
    let required = rules.spec.fields.iter().filter(|field| field.need == Need::Required);
    let examples: Vec<&str> = required.map(|field| field.example).collect();
    match examples.as_slice() {
        [] => "add spec: {}".to_owned(),
        _ => format!("add spec:, and below it {}", examples.join("; ")),
    }
}

fn check_custom(
    kind: &CustomKind,
    spec: Option<&Entry>,
    mark: Mark,
    custom_kinds: &CustomKinds,
    map: &Map,
) -> Result<(), Problem> {
    let api_version = map.find("apiVersion").and_then(Node::as_text).unwrap_or_default();
    let json = spec.map_or(Json::Object(serde_json::Map::new()), |spec| spec.node.to_json());
    let Some(fault) = custom_kinds.find_schema_fault(&kind.kind, api_version, &json) else { return Ok(()) };
    let mut found = spec.map(|spec| &spec.node);
    let mut path = "spec".to_owned();
    for step in fault.pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let inner = match found.map(|node| &node.value) {
            Some(Value::Map(map)) => map.find(&step),
            Some(Value::List(items)) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        path = format!("{path}.{}", shorten(&step));
        found = inner.or(found);
    }
    let mark = found.map_or(mark, |node| node.mark);
    Err(Problem::at(mark, format!("{path} does not fit the schema of kind {}: {}", kind.kind, shorten(&fault.reason)))
        .key(path)
        .hint("the schema stands in Steward's configuration"))
}

fn find_rules<'a>(kind: &str, api_version: &str, map: &Map, custom_kinds: &'a CustomKinds) -> Result<Rules<'a>, Problem> {
    if let Some(custom) = custom_kinds.find(kind, api_version) {
        return Ok(Rules::Custom(custom));
    }
    let built_in = BUILT_IN_KINDS.iter().find(|rules| rules.kind == kind);
    if let Some(rules) = built_in
        && rules.api_versions.contains(&api_version)
    {
        return Ok(Rules::BuiltIn(rules));
    }
    let mark_of = |key: &str| map.find(key).map_or(Mark { line: 1, column: 1 }, |node| node.mark);
    let custom_versions = custom_kinds.iter().filter(|custom| custom.kind == kind).flat_map(|custom| custom.api_versions.iter());
    let versions: Vec<&str> =
        built_in.iter().flat_map(|rules| rules.api_versions.iter().copied()).chain(custom_versions.map(String::as_str)).collect();
    if let Some(version) = versions.first() {
        let message = format!("apiVersion {} does not go with kind {kind}", shorten(api_version));
        return Err(Problem::at(mark_of("apiVersion"), message).key("apiVersion").hint(format!("write apiVersion: {version}")));
    }
    let known: Vec<&str> =
        BUILT_IN_KINDS.iter().map(|rules| rules.kind).chain(custom_kinds.iter().map(|custom| custom.kind.as_str())).collect();
    let problem = Problem::at(mark_of("kind"), format!("there is no kind {}", shorten(kind))).key("kind");
    Err(match known.iter().find(|known| known.eq_ignore_ascii_case(kind)) {
        Some(meant) => problem.hint(format!("write kind: {meant}; capitals count")),
        None => match known.iter().find(|known| is_close(kind, known)) {
            Some(meant) => problem.hint(format!("did you mean {meant}?")),
            None => problem.hint(format!("write one of {}, or declare the kind in Steward's configuration", known.join(", "))),
        },
    })
}
