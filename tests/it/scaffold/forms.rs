//! Forms: what is asked, when it is shown, what is dropped, and what is said of a wrong answer.

use serde_json::{Value, json};
use steward::template::form::{FieldKind, Form, Required, Style};

use super::form;

fn faults(form: &Form, values: Value) -> Vec<String> {
    form.check(&values).faults.iter().map(|fault| format!("{} {}", fault.path.join("."), fault.message)).collect()
}

fn shown(form: &Form, values: Value) -> Vec<String> {
    let values = form.check(&values).values;
    form.fields().filter(|field| field.is_shown(&values)).map(|field| field.path.join(".")).collect()
}

#[test]
fn pages_fields_and_words_come_from_the_schema() {
    let form = form(
        r"
- title: About
  required: [name, owner]
  properties:
    name: {type: string, title: Name, description: Of the service, pattern: '^[a-z]+$', maxLength: 20, ui:help: Short, ui:placeholder: shop, ui:autofocus: true}
    owner: {type: string, ui:field: OwnerPicker, ui:options: {catalogFilter: {kind: Group}}}
    port: {type: integer, minimum: 1, maximum: 65535, default: 8080}
    tier: {type: string, enum: [a, b], enumNames: [Gold, Silver], ui:widget: radio}
    public: {type: boolean, title: Public?}
    notes: {type: string, ui:widget: textarea, ui:options: {rows: 5}}
    langs: {type: array, uniqueItems: true, items: {type: string, enum: [go, rust]}, ui:widget: checkboxes}
    odd: {type: string, ui:field: CompanyPicker}
    token: {type: string, ui:field: Secret}
    due: {type: string, format: date}
    people: {type: array, items: {type: object, properties: {name: {type: string}, age: {type: number}}}}
  ui:order: [owner, '*', name]
- properties:
    repo: {type: string, ui:field: RepoUrlPicker, ui:options: {allowedHosts: [github.com], allowedOwners: [acme]}}
",
    );
    assert_eq!(form.pages.iter().map(|page| page.title.as_str()).collect::<Vec<_>>(), ["About", "Step 2"]);
    let names: Vec<&str> = form.pages[0].fields.iter().map(|field| field.path[0].as_str()).collect();
    assert_eq!(names, ["owner", "port", "tier", "public", "notes", "langs", "odd", "token", "due", "people", "name"]);
    let field = |name: &str| form.fields().find(|field| field.path == [name]).unwrap();
    let name = field("name");
    assert_eq!((name.title.as_str(), name.help.as_deref(), name.placeholder.as_deref()), ("Name", Some("Short"), Some("shop")));
    assert_eq!(name.required, Required::Yes);
    let FieldKind::Select { choices, style: Style::Open } = &field("tier").kind else { panic!("{:?}", field("tier")) };
    assert_eq!((choices[1].label.as_str(), &choices[1].value), ("Silver", &json!("b")));
    assert!(matches!(&field("owner").kind, FieldKind::Entity { pick, many: false } if pick.filter == json!({ "kind": "Group" })));
    assert!(matches!(field("port").kind, FieldKind::Number { whole: true, .. }));
    assert!(matches!(field("notes").kind, FieldKind::Paragraph { rows: Some(5), .. }));
    assert!(matches!(field("langs").kind, FieldKind::MultiSelect { style: Style::Open, .. }));
    assert!(matches!(field("token").kind, FieldKind::Secret));
    assert!(matches!(field("due").kind, FieldKind::Date));
    assert!(matches!(&field("people").kind, FieldKind::Items { fields, .. } if fields.len() == 2));
    assert_eq!(field("odd").note.as_deref(), Some("CompanyPicker is not known here; it is asked for by its type"));
    assert_eq!(form.check(&json!({})).values, json!({ "port": 8080 }));
    assert_eq!(
        faults(
            &form,
            json!({ "name": "Shop", "owner": "group:default/a", "port": 0, "tier": "c", "public": "yes", "repo": "github.com?owner=other&repo=a" })
        ),
        [
            "name must match the pattern ^[a-z]+$",
            "port must be at least 1",
            "tier must be one of a, b",
            "public must be yes or no",
            "repo must have one of these as owner: acme"
        ]
    );
    assert_eq!(
        faults(&form, json!({ "name": "shop", "repo": "acme/shop" })),
        ["owner must be filled in", "repo must be written as github.com?owner=OWNER&repo=NAME"]
    );
}

const DEPENDENT: &str = r"
properties:
  database: {type: string, enum: [none, postgres, mysql], default: none}
  cloud: {type: boolean}
required: [database]
dependencies:
  database:
    oneOf:
    - properties: {database: {enum: [none]}}
    - properties:
        database: {enum: [postgres, mysql]}
        size: {type: string, enum: [small, large]}
      required: [size]
if: {properties: {cloud: {const: true}}, required: [cloud]}
then:
  properties: {region: {type: string}}
  required: [region]
else:
  properties: {rack: {type: string}}
";

#[test]
fn fields_follow_earlier_answers_and_hidden_values_are_dropped() {
    let form = form(DEPENDENT);
    assert_eq!(shown(&form, json!({})), ["database", "cloud", "rack"]);
    assert_eq!(shown(&form, json!({ "database": "mysql", "cloud": true })), ["database", "cloud", "size", "region"]);
    assert_eq!(
        faults(&form, json!({ "database": "mysql", "cloud": true })),
        ["size must be filled in", "region must be filled in"]
    );
    let checked = form.check(&json!({ "database": "none", "size": "large", "cloud": true, "region": "eu", "rack": "7" }));
    assert_eq!((checked.values, checked.faults), (json!({ "database": "none", "cloud": true, "region": "eu" }), vec![]));
}

#[test]
fn hiding_one_answer_hides_what_hung_on_it() {
    let form = form(
        r"
properties:
  a: {type: boolean, default: false}
dependencies:
  a:
    oneOf:
    - properties: {a: {const: false}}
    - properties: {a: {const: true}, b: {type: string, enum: [x, y]}}
allOf:
- if: {properties: {b: {const: x}}, required: [b]}
  then: {properties: {c: {type: string, default: usual}}, required: [c]}
",
    );
    let values = |given: Value| form.check(&given).values;
    assert_eq!(values(json!({ "a": true, "b": "x" })), json!({ "a": true, "b": "x", "c": "usual" }));
    assert_eq!(values(json!({ "a": false, "b": "x", "c": "kept" })), json!({ "a": false }));
}

#[test]
fn objects_become_groups_and_constants_choices() {
    let form = form(
        r"
properties:
  repo:
    type: object
    title: Repository
    required: [name]
    properties:
      name: {type: string}
      kind: {type: string, oneOf: [{const: p, title: Private}, {const: q, title: Public}]}
      version: {const: 3}
      quiet: {type: string, default: set, ui:widget: hidden}
",
    );
    let fields: Vec<_> = form.fields().collect();
    assert_eq!(
        fields.iter().map(|field| field.path.join(".")).collect::<Vec<_>>(),
        ["repo.name", "repo.kind", "repo.version", "repo.quiet"]
    );
    assert_eq!(fields[0].group.as_deref(), Some("Repository"));
    assert!(matches!(&fields[1].kind, FieldKind::Select { choices, .. } if choices[1].label == "Public"));
    assert_eq!(
        form.check(&json!({ "repo": { "name": "a" } })).values,
        json!({ "repo": { "name": "a", "version": 3, "quiet": "set" } })
    );
}

#[test]
fn schema_that_is_none_is_a_bad_form_and_reads_nothing_elsewhere() {
    let template = |page: &str| super::parse(&super::descriptor(page, "- action: debug:log")).unwrap();
    let bad = Form::read(&template("properties: {a: {type: strin}}")).expect_err("there is no such type");
    assert_eq!(bad.page, 1);
    assert!(Form::read(&template("properties: {a: {$ref: 'http://127.0.0.1:1/schema.json'}}")).is_err());
    assert!(Form::read(&template("properties: {a: {$ref: 'file:///etc/passwd'}}")).is_err());
}
