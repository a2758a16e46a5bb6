//! YAML text -> a tree with positions, within limits that no input can break.
//! Gives the verdicts of the JavaScript package `yaml` (YAML 1.2, core schema, unique keys, no merge keys),
//! since that is what Backstage reads with. Must not know what a descriptor is.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{
    node::{Entry, Map, Mark, Node, Value, resolve_plain},
    problem::{Problem, shorten},
    yaml_problem::explain,
};

/// Descriptors nest about ten deep, the forms of templates thirty; what reads our JSON stops at 128.
const MAX_DEPTH: usize = 100;

/// How much anchors and aliases may add, in bytes of text plus [`NODE_WEIGHT`] a value: twice the largest file.
const MAX_EXPANSION: usize = 4 * 1024 * 1024;

/// A value costs memory even where its text is empty.
const NODE_WEIGHT: usize = 64;

/// The limit of the JavaScript package `yaml` (`maxAliasCount`): how often an anchor may be used,
/// times the uses nested in it.
const MAX_ALIAS_COUNT: usize = 100;

/// Parses the text of one document; `None` where it holds nothing.
///
/// `first_line` is the file's line, from 1, on which the text starts; `values_left` is how many values the file may
/// still hold: at zero the rest of the file is not to be read.
pub fn parse_yaml(text: &str, first_line: usize, values_left: &mut usize) -> Result<Option<Node>, Problem> {
    let prepared = prepare(text);
    let mut tree = Tree::new(&prepared, first_line);
    for event in Parser::<StrInput>::new_from_str(&prepared) {
        let (event, span) = event.map_err(|error| {
            let mark = tree.mark(*error.marker());
            explain(error.info(), mark, text, first_line)
        })?;
        if let Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..) = event {
            *values_left -= 1;
            if *values_left == 0 {
                return Err(Problem::at(tree.mark(span.start), "the file holds too many values; from here on it is not read")
                    .hint("divide it into several files"));
            }
        }
        tree.take(event, span)?;
    }
    Ok(tree.root)
}

/// Stands for a byte order mark while the text is parsed: no text holds this code point, which Unicode keeps unused.
const MARK_STAND_IN: char = '\u{FDD0}';

/// Evens out what the scanner takes otherwise than the judge: to that one a carriage return alone ends no line,
/// and a byte order mark within the text is a character like any other.
fn prepare(text: &str) -> Cow<'_, str> {
    let mut prepared = Cow::Borrowed(text);
    if text.contains('\u{feff}') {
        prepared = Cow::Owned(prepared.replace('\u{feff}', MARK_STAND_IN.encode_utf8(&mut [0; 4])));
    }
    let is_alone = |(at, _): &(usize, &str)| text.as_bytes().get(at + 1).is_some_and(|next| *next != b'\n');
    if text.match_indices('\r').any(|found| is_alone(&found)) {
        let ends: String = prepared.replace("\r\n", "\n");
        prepared = Cow::Owned(ends.replace('\r', " "));
    }
    prepared
}

/// The tree while it grows.
struct Tree {
    first_line: usize,
    open: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    expansion: usize,
    /// Where lines begin that are indented with tabs.
    after_tabs: Vec<Mark>,
    root: Option<Node>,
}

/// A list or map whose end has not come yet.
struct Frame {
    mark: Mark,
    anchor: usize,
    weight: usize,
    alias_count: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>, Style),
    Map { map: Map, key: Option<Key>, seen: HashSet<(KeyType, String)>, style: Style },
}

/// How a list or map is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A line for each item.
    Block,
    /// In brackets or braces.
    Flow,
}

impl Style {
    /// Only a bracket has a width.
    fn of(start: Span) -> Self {
        if start.is_empty() { Self::Block } else { Self::Flow }
    }
}

struct Key {
    text: String,
    mark: Mark,
}

/// Keys are the same only where their types are: `1` and `"1"` may stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum KeyType {
    Null,
    Bool,
    Number,
    Text,
    /// Never the same as another.
    Collection,
}

/// A finished value and what it costs to repeat it.
struct Grown {
    node: Node,
    weight: usize,
    alias_count: usize,
}

struct Anchored {
    node: Node,
    weight: usize,
    uses: usize,
    alias_count: usize,
}

impl Tree {
    fn new(text: &str, first_line: usize) -> Self {
        let find_tabs = |(index, line): (usize, &str)| {
            let content = line.trim_start_matches([' ', '\t']);
            let indent = &line[..line.len() - content.len()];
            indent.contains('\t').then_some(Mark { line: first_line + index, column: indent.len() + 1 })
        };
        let after_tabs = if text.contains('\t') { text.lines().enumerate().filter_map(find_tabs).collect() } else { Vec::new() };
        Self { first_line, open: Vec::new(), anchors: HashMap::new(), expansion: 0, after_tabs, root: None }
    }

    fn mark(&self, marker: saphyr_parser::Marker) -> Mark {
        Mark { line: marker.line() + self.first_line - 1, column: marker.col() + 1 }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let mark = self.mark(span.start);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                let weight = text.len() + NODE_WEIGHT;
                let node = Node { mark, value: resolve_scalar(text, style, tag.as_deref()) };
                self.finish(Grown { node, weight, alias_count: 1 }, anchor)
            }
            Event::Alias(id) => self.repeat(id, mark),
            Event::SequenceStart(anchor, _) => self.begin(mark, anchor, Content::List(Vec::new(), Style::of(span))),
            Event::MappingStart(anchor, _) => {
                let seen = HashSet::new();
                self.begin(mark, anchor, Content::Map { map: Map::default(), key: None, seen, style: Style::of(span) })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn begin(&mut self, mark: Mark, anchor: usize, content: Content) -> Result<(), Problem> {
        if self.after_tabs.binary_search_by_key(&mark.line, |after| after.line).is_ok_and(|at| self.after_tabs[at] == mark) {
            let is_block = match &content {
                Content::List(_, style) | Content::Map { style, .. } => *style == Style::Block,
            };
            if is_block {
                return Err(Problem::at(mark, "a tab stands in the indentation").hint("indent with spaces instead of tabs"));
            }
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Problem::at(mark, format!("the document nests more than {MAX_DEPTH} levels deep"))
                .hint("make it flatter; no descriptor needs that many levels"));
        }
        self.open.push(Frame { mark, anchor, weight: NODE_WEIGHT, alias_count: 0, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let frame = self.open.pop().expect("the parser ends only what it began");
        let value = match frame.content {
            Content::List(items, _) => Value::List(items),
            Content::Map { map, .. } => Value::Map(map),
        };
        let node = Node { mark: frame.mark, value };
        self.finish(Grown { node, weight: frame.weight, alias_count: frame.alias_count }, frame.anchor)
    }

    fn finish(&mut self, grown: Grown, anchor: usize) -> Result<(), Problem> {
        // 0 is the parser's word for no anchor.
        if anchor != 0 {
            self.expand(grown.weight, grown.node.mark)?;
            let (node, weight) = (grown.node.clone(), grown.weight);
            self.anchors.insert(anchor, Anchored { node, weight, uses: 1, alias_count: grown.alias_count });
        }
        self.place(grown)
    }

    fn repeat(&mut self, id: usize, mark: Mark) -> Result<(), Problem> {
        let Some(anchored) = self.anchors.get_mut(&id) else {
            return Err(Problem::at(mark, "this alias stands inside the value that it repeats")
                .hint("write the value out instead of using *"));
        };
        anchored.uses += 1;
        let alias_count = anchored.uses * anchored.alias_count;
        if alias_count > MAX_ALIAS_COUNT {
            return Err(Problem::at(mark, format!("aliases repeat a value more than {MAX_ALIAS_COUNT} times"))
                .hint("write the values out instead of using & and *"));
        }
        let weight = anchored.weight;
        self.expand(weight, mark)?;
        let mut node = self.anchors[&id].node.clone();
        node.mark = mark;
        self.place(Grown { node, weight, alias_count })
    }

    fn expand(&mut self, weight: usize, mark: Mark) -> Result<(), Problem> {
        self.expansion = self.expansion.saturating_add(weight);
        if self.expansion <= MAX_EXPANSION {
            return Ok(());
        }
        let mebibytes = MAX_EXPANSION / 1024 / 1024;
        Err(Problem::at(mark, format!("its aliases make the document grow beyond {mebibytes} MiB"))
            .hint("write the values out instead of using & and *"))
    }

    fn place(&mut self, grown: Grown) -> Result<(), Problem> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(grown.node);
            return Ok(());
        };
        frame.weight = frame.weight.saturating_add(grown.weight);
        frame.alias_count = frame.alias_count.max(grown.alias_count);
        match &mut frame.content {
            Content::List(items, _) => items.push(grown.node),
            Content::Map { map, key, seen, style } => match key.take() {
                None => {
                    let follows_value = map.entries.last().is_some_and(|last| !matches!(last.node.value, Value::Null));
                    if *style == Style::Block && follows_value {
                        refuse_braces_as_key(&grown.node, frame.mark)?;
                    }
                    *key = Some(take_key(map, seen, grown.node)?);
                }
                Some(key) => {
                    let mut node = grown.node;
                    if let Value::Null = node.value {
                        node.mark = key.mark;
                    }
                    map.entries.push(Entry { key: key.text, key_mark: key.mark, node });
                }
            },
        }
        Ok(())
    }
}

fn resolve_scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let text = if text.contains(MARK_STAND_IN) { text.replace(MARK_STAND_IN, "\u{feff}").into() } else { text };
    match (style, tag) {
        (ScalarStyle::Plain, None) => resolve_plain(&text),
        (_, None) => Value::Text(text.into_owned()),
        (_, Some(tag)) if !tag.is_yaml_core_schema() => Value::Text(text.into_owned()),
        (_, Some(tag)) => {
            let resolved = resolve_plain(&text);
            match (tag.suffix.as_str(), &resolved) {
                ("null", Value::Null) | ("bool", Value::Bool(_)) | ("int" | "float", Value::Number(_)) => resolved,
                _ => Value::Text(text.into_owned()),
            }
        }
    }
}

/// The judge cannot read a line within a nested map that starts with a bracket or brace, unless it is the first or follows
/// an empty value.
fn refuse_braces_as_key(key: &Node, map_mark: Mark) -> Result<(), Problem> {
    let is_nested = map_mark.column > 1;
    // With a ? before it the key stands further to the right.
    let is_implicit = key.mark.column == map_mark.column;
    match key.value {
        Value::List(_) | Value::Map(_) if is_nested && is_implicit => {
            Err(Problem::at(key.mark, "a key starts with a bracket or brace").hint("put the key in quotes"))
        }
        Value::List(_) | Value::Map(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(()),
    }
}

fn take_key(map: &Map, seen: &mut HashSet<(KeyType, String)>, node: Node) -> Result<Key, Problem> {
    let (key_type, text) = match node.value {
        Value::Null => (KeyType::Null, String::new()),
        Value::Bool(value) => (KeyType::Bool, value.to_string()),
        Value::Number(raw) => (KeyType::Number, raw),
        Value::Text(text) => (KeyType::Text, text),
        value @ (Value::List(_) | Value::Map(_)) => {
            // An unquoted {{ name }} of a template is read so; the text is only ever shown.
            (KeyType::Collection, Node { mark: node.mark, value }.to_json().to_string())
        }
    };
    if key_type != KeyType::Collection {
        if !seen.insert((key_type, text.clone())) {
            let first = map.find_entry(&text).map_or(node.mark.line, |entry| entry.key_mark.line);
            let shown = shorten(&text);
            return Err(Problem::at(node.mark, format!("the key {shown} stands here for the second time"))
                .key(shown)
                .hint(format!("keep one of the two (the first is in line {first}), or put --- between two entities")));
        }
    }
    Ok(Key { text, mark: node.mark })
}
