//! Renders templates for `templates.js`: reads one JSON object a line (`template`, `context`, `cookiecutter`, `trim`,
//! `lstrip`) and writes one a line (`text` and `value`, or `error`).

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};
use steward::template::expression::{Context, Syntax, Template};

fn main() {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let is = |key: &str| asked[key] == Value::Bool(true);
        let syntax = Syntax { cookiecutter: is("cookiecutter"), trim_blocks: is("trim"), lstrip_blocks: is("lstrip") };
        let context = Context::new(&asked["context"]);
        let template = Template::parse(asked["template"].as_str().unwrap(), syntax);
        let rendered = template.and_then(|template| Ok((template.render(&context)?, template.render_value(&context)?)));
        let told = match rendered {
            // Undefined is no JSON: the key is left out.
            Ok((text, None)) => json!({ "text": text }),
            Ok((text, Some(value))) => json!({ "text": text, "value": value }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        writeln!(out, "{told}").unwrap();
    }
}
