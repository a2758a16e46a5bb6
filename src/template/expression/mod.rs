//! `${{ }}` and `{% %}` of templates and skeletons, agreeing with nunjucks, which Backstage's renderer follows.
//!
//! A small interpreter of our own: a Jinja engine of another language disagrees where JavaScript shows through
//! (`":" + 443`, `"1" == 1`, `{% set %}` inside a loop), and that cannot be configured away. It reads no file, no
//! network, no environment and no clock, and is bounded in work, depth and size. Errors name what was written in the
//! template, never a value, which may be a secret.

mod eval;
mod filter;
mod filter_list;
mod lex;
mod method;
mod parse;
mod statement;
mod tree;
mod value;

use serde_json::Value as Json;

use self::{eval::Evaluator, tree::Node, value::Value};

pub use value::stringify as stringify_json;

/// How a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Syntax {
    /// `{{ }}` instead of `${{ }}`, with Jinja's words (`cookiecutterCompat`).
    pub cookiecutter: bool,
    /// The line break after a tag is dropped.
    pub trim_blocks: bool,
    /// White space before a tag that begins a line is dropped.
    pub lstrip_blocks: bool,
}

impl Syntax {
    fn print_start(self) -> &'static str {
        if self.cookiecutter { "{{" } else { "${{" }
    }
}

/// Why a template cannot be read or rendered; holds no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line} of the expression's text)")]
pub struct ExpressionError {
    pub message: String,
    /// In the template's text, from 1.
    pub line: usize,
}

/// The names that expressions see; prepared once and used for many templates.
#[derive(Debug, Clone)]
pub struct Context(Value);

impl Context {
    /// From an object; its keys are the names.
    pub fn new(names: &Json) -> Self {
        Self(Value::from_json(names))
    }
}

/// A template that was read.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<Node>,
    changes_lists: bool,
    syntax: Syntax,
}

/// Methods that change the list they are called on.
const CHANGING: [&str; 10] =
    [".push(", ".pop(", ".shift(", ".unshift(", ".splice(", ".reverse(", ".sort(", ".append(", ".insert(", ".remove("];

impl Template {
    pub fn parse(source: &str, syntax: Syntax) -> Result<Self, ExpressionError> {
        let pieces = lex::cut(source, syntax)?;
        let nodes = statement::read_nodes(&pieces, syntax)?;
        Ok(Self { nodes, changes_lists: CHANGING.iter().any(|method| source.contains(method)), syntax })
    }

    /// The text it gives.
    pub fn render(&self, context: &Context) -> Result<String, ExpressionError> {
        self.evaluator(context).render(&self.nodes)
    }

    /// The value it gives: where the whole template is one `${{ }}`, the expression's own, and none for undefined;
    /// a text elsewhere.
    pub fn render_value(&self, context: &Context) -> Result<Option<Json>, ExpressionError> {
        match self.nodes.as_slice() {
            [Node::Print(expression)] => Ok(self.evaluator(context).value(expression)?.to_json()),
            _ => self.render(context).map(|text| Some(Json::String(text))),
        }
    }

    fn evaluator(&self, context: &Context) -> Evaluator {
        // A list of the context that is changed here must not stay changed.
        let names = if self.changes_lists { context.0.detached() } else { context.0.clone() };
        Evaluator::new(names, self.syntax)
    }
}

/// The parts of `github.com?owner=acme&repo=shop` by name: `host`, and what is in it of `owner`, `repo`, `organization`,
/// `workspace` and `project`.
pub fn read_repo_url(text: &str) -> Result<Vec<(&'static str, String)>, ExpressionError> {
    filter::parse_repo_url(&Value::text(text))
}

/// Whether there is anything to render.
pub fn is_template(text: &str) -> bool {
    text.contains("${{") || text.contains("{%") || text.contains("{#")
}

/// Renders every text of a value, as Backstage does with inputs: what is undefined goes, and a text that cannot be
/// rendered stays as it was written, with the fault noted.
pub fn render_json(json: &Json, context: &Context, faults: &mut Vec<ExpressionError>) -> Option<Json> {
    Some(match json {
        Json::String(text) if is_template(text) => {
            let rendered = Template::parse(text, Syntax::default()).and_then(|template| template.render_value(context));
            return rendered.unwrap_or_else(|fault| {
                faults.push(fault);
                Some(json.clone())
            });
        }
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| render_json(item, context, faults).unwrap_or(Json::Null)).collect())
        }
        Json::Object(map) => Json::Object(
            map.iter().filter_map(|(key, value)| Some((key.clone(), render_json(value, context, faults)?))).collect(),
        ),
        other => other.clone(),
    })
}
