//! Software Templates from the outside: descriptors that are refused, forms, expressions, skeletons, actions, dry runs.

mod corpus;
mod expressions;
mod forms;
mod paths;
mod runs;
mod samples;

pub use corpus::sample;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use steward::{
    catalog::descriptor::NoValue,
    cli::scaffold::{ScaffoldArgs, ScaffoldFormat, scaffold},
    template::{
        definition::{Refusal, Template},
        form::Form,
    },
};

/// A template with these pages (YAML of `parameters`) and steps (YAML of `steps`).
fn descriptor(parameters: &str, steps: &str) -> String {
    let indent = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    format!(
        "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata:\n  name: shop\nspec:\n  owner: team\n  type: service\n  parameters:\n{}  steps:\n{}",
        indent(parameters, "    "),
        indent(steps, "    ")
    )
}

fn parse(text: &str) -> Result<Template, Vec<Refusal>> {
    Template::parse(text.as_bytes(), &|_| Err(NoValue::Absent("not at hand".to_owned())))
}

/// The form of these pages.
fn form(parameters: &str) -> Form {
    let template = parse(&descriptor(parameters, "- action: debug:log")).expect("the template can be read");
    Form::read(&template).expect("the form can be read")
}

/// A template's folder, and what a dry run in it leaves.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(parameters: &str, steps: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("template.yaml", &descriptor(parameters, steps));
        bench
    }

    /// A file of the skeleton, or another beside the template.
    fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn result(&self) -> PathBuf {
        self.place("out")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.result().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn run(&self, values: &Value) -> (bool, String) {
        self.write("values.yaml", &values.to_string());
        let mut args = args(self.folder.path());
        (args.values, args.out) = (Some(self.place("values.yaml")), self.result());
        told(&args)
    }

    /// The report of a run that is to end well.
    fn good(&self, values: &Value) -> String {
        let (good, out) = self.run(values);
        assert!(good, "{out}");
        out
    }

    /// The report of one that is to fail.
    fn bad(&self, values: &Value) -> String {
        let (good, out) = self.run(values);
        assert!(!good, "{out}");
        out
    }
}

fn args(template: &Path) -> ScaffoldArgs {
    ScaffoldArgs {
        template: Some(template.to_owned()),
        values: None,
        dry_run: true,
        out: PathBuf::new(),
        stand_ins: Vec::new(),
        actions: false,
        format: ScaffoldFormat::Text,
    }
}

fn told(args: &ScaffoldArgs) -> (bool, String) {
    let mut out = Vec::new();
    let good = scaffold(args, &mut out).unwrap();
    (good, String::from_utf8(out).unwrap())
}

#[test]
fn template_that_cannot_run_is_refused_with_reason_and_line() {
    let refusals = |steps: &str| {
        let refusals = parse(&descriptor("title: A", steps)).expect_err("it cannot run");
        refusals.iter().map(|refusal| format!("{}: {}", refusal.line, refusal.reason)).collect::<Vec<_>>()
    };
    assert_eq!(
        refusals("- id: a\n  action: fetch:templat\n- id: b\n  action: publish:gitlab"),
        [
            "12: the action fetch:templat is not known here; did you mean fetch:template?",
            "14: the action publish:gitlab is not known here; did you mean publish:github?"
        ]
    );
    assert_eq!(
        refusals("- id: a\n  action: fs:delete\n  input:\n    file: [a]"),
        ["14: the action fs:delete has no input file; did you mean files?"]
    );
    assert_eq!(
        refusals(
            "- id: a\n  action: fetch:template\n  input:\n    targetPath: [src]\n- id: b\n  action: fetch:template\n  input:\n    url: ${{ parameters.url }}\n    copyWithoutTemplating: ${{ parameters.some }}"
        ),
        [
            "11: the action fetch:template needs the input url (The skeleton: a path beside the template, or an address)",
            "14: targetPath of fetch:template: value is not of type \"string\" (The folder of the workspace it goes to)"
        ]
    );
    assert_eq!(
        refusals(
            "- id: a\n  action: publish:github:pull-request\n  input:\n    repoUrl: ${{ parameters.where }}\n    branchName: b\n    title: t\n    description: d\n    forceFork: true"
        ),
        [
            "18: forceFork of publish:github:pull-request: value is not one of false (Only false: Steward proposes from a branch of the repository itself)"
        ]
    );
    assert_eq!(
        refusals("- name: nothing"),
        ["11: spec.steps[0].action is missing; add below spec.steps[0]: action: fetch:template"]
    );
    assert_eq!(
        refusals("- id: a\n  action: debug:log\n- id: a\n  action: debug:log"),
        ["13: two steps have the id a; their outputs could not be told apart"]
    );
    let old = descriptor("title: A", "- action: debug:log").replace("scaffolder.backstage.io/v1beta3", "backstage.io/v1beta2");
    assert_eq!(parse(&old).expect_err("the version is another")[0].line, 1);
}

#[test]
fn actions_are_documented_with_schemas_and_examples_that_fit_them() {
    let mut args = args(Path::new("."));
    args.actions = true;
    let (good, text) = told(&args);
    assert!(good && text.contains("fetch:template\n") && text.contains("slack:notify\n"), "{text}");
    args.format = ScaffoldFormat::Json;
    let listed: Vec<Value> = serde_json::from_str(&told(&args).1).unwrap();
    assert_eq!(listed.len(), 22);
    for action in &listed {
        assert!(jsonschema::draft7::meta::is_valid(&action["schema"]["input"]), "{action}");
        assert!(jsonschema::draft7::meta::is_valid(&action["schema"]["output"]), "{action}");
        let known = steward::template::action::find_action(action["id"].as_str().unwrap()).unwrap();
        assert!(!action["examples"].as_array().unwrap().is_empty(), "{action}");
        for example in action["examples"].as_array().unwrap() {
            let mut input = example["input"].clone();
            // What an expression gives is not known here.
            if input["number"].is_string() {
                input["number"] = json!(1);
            }
            assert_eq!(known.judge_input(&input), Vec::<String>::new(), "{action}");
        }
    }
}
