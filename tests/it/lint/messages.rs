//! The commonest mistakes, and what their authors read. Read aloud when one changes.

use expect_test::{Expect, expect};
use serde_json::json;
use steward::catalog::{
    RelationType,
    descriptor::parse_descriptor,
    kinds::{CustomKind, CustomKinds, CustomRelation},
};

use super::judge;

/// The only problem of a text, with its place.
fn check(text: &str, expected: Expect) {
    let documents = judge(text.as_bytes());
    let [document] = documents.as_slice() else { panic!("one document: {documents:?}") };
    let error = document["error"].as_str().unwrap_or("valid");
    expected.assert_eq(&format!("{}:{} {error}", document["line"], document["column"]));
}

/// A component whose metadata and spec have these further lines.
fn component(metadata: &str, spec: &str) -> String {
    let metadata = if metadata.is_empty() { String::new() } else { format!("  {metadata}\n") };
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: shop\n{metadata}spec:\n  type: service\n{spec}"
    )
}

const REST: &str = "  lifecycle: production\n  owner: team-a\n";

#[test]
fn missing_key_says_how_to_write_it() {
    check(&component("", "  lifecycle: production\n"), expect!["5:1 spec.owner is missing; add below spec: owner: team-a"]);
}

#[test]
fn misspelt_key_is_recognised() {
    check(
        &component("", "  lifecyle: production\n  owner: team-a\n"),
        expect!["7:3 spec.lifecycle is missing; did you mean that by lifecyle? write lifecycle"],
    );
}

#[test]
fn misplaced_key_is_found_where_it_stands() {
    check(
        &component("owner: team-a", "  lifecycle: production\n"),
        expect!["6:1 spec.owner is missing; move owner here from metadata (line 5)"],
    );
    check(
        &format!("owner: team-a\n{}", component("", REST)),
        expect!["1:1 owner cannot stand at the top level of a descriptor; move it below spec"],
    );
}

#[test]
fn bad_name_comes_with_a_good_one() {
    check(
        "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: Payments API\nspec: {owner: a}\n",
        expect![[
            r#"4:9 metadata.name is "Payments API", which is not a valid name; write for example payments-api: a name is letters and digits, with - _ . between them, at most 63 characters (metadata.title may be any text)"#
        ]],
    );
}

#[test]
fn skeleton_of_a_template_is_told_from_a_bad_name() {
    check(
        "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: ${{ values.name }}\nspec: {owner: a}\n",
        expect![[
            r#"4:9 metadata.name is "${{ values.name }}", which is not a valid name; this belongs to a template: check the file that the template makes, not its skeleton"#
        ]],
    );
}

#[test]
fn number_as_label_is_to_be_quoted() {
    check(
        &component("labels: { version: 1.0 }", REST),
        expect![[r#"5:22 metadata.labels.version is the number 1.0 and must be a text; put it in quotes: "1.0""#]],
    );
}

#[test]
fn single_tag_is_to_be_a_list() {
    check(
        &component("tags: java", REST),
        expect![[r#"5:9 metadata.tags is the text "java" and must be a list of texts; write it as a list: [java]"#]],
    );
    check(
        &component("tags: [Java]", REST),
        expect![[
            r#"5:10 metadata.tags[0] is "Java", which is not a valid tag; write for example java: a tag is small letters, digits and : + #, with single - between them, at most 63 characters"#
        ]],
    );
}

#[test]
fn link_without_scheme_is_not_an_address() {
    check(
        &component("links: [{ url: example.com }]", REST),
        expect![[
            r#"5:18 metadata.links[0].url is "example.com", which is not a whole address; a link is a whole address, such as https://example.com/page"#
        ]],
    );
}

#[test]
fn reference_without_kind_names_the_choices() {
    check(
        &component("", &format!("{REST}  dependsOn: [redis]\n")),
        expect![[
            r#"9:15 spec.dependsOn[0] is "redis", which does not say of which kind that is; write component:redis, resource:redis or api:redis"#
        ]],
    );
}

#[test]
fn kind_in_small_letters_and_wrong_version_are_put_right() {
    check(
        &component("", REST).replace("Component", "component"),
        expect!["2:7 there is no kind component; write kind: Component; capitals count"],
    );
    check(
        &component("", REST).replace("v1alpha1", "v1"),
        expect!["1:13 apiVersion backstage.io/v1 does not go with kind Component; write apiVersion: backstage.io/v1alpha1"],
    );
    check(
        &component("", REST).replace("Component", "Microservice"),
        expect![
            "2:7 there is no kind Microservice; write one of Component, API, Resource, System, Domain, Group, User, Location, Template, or declare the kind in Steward's configuration"
        ],
    );
}

#[test]
fn empty_owner_is_no_owner() {
    check(
        &component("", "  lifecycle: production\n  owner:\n"),
        expect!["8:3 spec.owner is empty and must be a text; write it as in owner: team-a"],
    );
}

#[test]
fn group_without_children_learns_of_the_empty_list() {
    check(
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: a\nspec:\n  type: team\n",
        expect!["5:1 spec.children is missing; add below spec: children: [] (or the groups below it)"],
    );
    check(
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: a\n",
        expect!["1:1 spec is missing; add spec:, and below it type: team; children: [] (or the groups below it)"],
    );
}

#[test]
fn broken_yaml_is_explained_without_its_jargon() {
    check(
        &component("description: Takes payments: all of them", REST),
        expect![
            "5:30 a `:` stands here where no key can be; put the value in quotes if the `:` belongs to it, else check the indentation of this line and the one before"
        ],
    );
    check(
        &component("description: @ada knows", REST),
        expect!["5:16 a value cannot start with this character; put the value in quotes"],
    );
    check(
        &component("description: \"never closed", REST),
        expect!["5:16 a quoted text goes on in a line that is not indented; close the quote, or indent its further lines"],
    );
    check(
        &component("tags: [a, {{ values.tag }}-b]", REST),
        expect![
            "5:29 in this list a `,` or the closing ] is missing; `tags: [a, {{ values.tag }}-b]` belongs to a template: check the file that the template makes, or put the expression in quotes"
        ],
    );
    check(
        &component("name: again", REST),
        expect![
            "5:3 the key name stands here for the second time; keep one of the two (the first is in line 4), or put --- between two entities"
        ],
    );
    check(
        &component("", &format!("\tlifecycle: production\n{REST}")),
        expect!["7:1 a tab stands in the indentation; indent with spaces instead of tabs"],
    );
    check(
        &component("", &format!("   lifecycle: production\n{REST}")),
        expect![
            "7:13 a `:` stands here where no key can be; put the value in quotes if the `:` belongs to it, else check the indentation of this line and the one before"
        ],
    );
    check(
        &component("title: *shop", REST),
        expect![
            "5:10 an alias (*name) repeats what no anchor (&name) has marked; put the value in quotes if the * belongs to it"
        ],
    );
    check(
        &format!("{}<<<<<<< HEAD\n  a: b\n=======\n  a: c\n>>>>>>> main\n", component("", REST)),
        expect![
            "9:1 a merge conflict has not been resolved; keep one side and remove the lines that start with <<<<<<<, ======= and >>>>>>>"
        ],
    );
}

#[test]
fn placeholder_counts_as_the_text_it_will_give() {
    let api = |definition: &str| {
        let metadata = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: shop\n";
        format!("{metadata}spec:\n  type: openapi\n  lifecycle: production\n  owner: a\n  definition: {definition}\n")
    };
    check(&api("{ $text: ./openapi.yaml }"), expect!["null:null valid"]);
    check(
        &api("{ $text: [a] }"),
        expect!["9:24 $text is a list and must be a path or an address; write for example $text: ./openapi.yaml"],
    );
    check(
        &component("tags: { $text: ./tags }", REST),
        expect!["5:9 metadata.tags is a text (from a file) and must be a list of texts; write it as in tags: [java, payments]"],
    );
}

#[test]
fn custom_kind_is_checked_by_its_schema_and_makes_relations() {
    let kinds = CustomKinds::new(vec![CustomKind {
        kind: "Cluster".to_owned(),
        api_versions: vec!["acme.example/v1".to_owned()],
        spec_schema: Some(json!({ "type": "object", "required": ["region"], "properties": { "nodes": { "type": "integer" } } })),
        relations: vec![CustomRelation {
            field: "region".to_owned(),
            relation_type: RelationType::PartOf,
            default_kind: Some("Region".to_owned()),
        }],
    }]);
    let kinds = kinds.expect("the schema is one");
    let say = |spec: &str| {
        let text = format!("apiVersion: acme.example/v1\nkind: Cluster\nmetadata:\n  name: blue\nspec:\n{spec}");
        let documents = parse_descriptor(text.as_bytes(), &kinds);
        documents.iter().map(|document| format!("{:?}", document.verdict)).collect::<String>()
    };
    let valid = say("  region: eu\n  owner: team-a\n  dependsOn: [resource:net]\n");
    let relations = &valid[valid.find("relations").expect("it is valid")..valid.find(", former_names").expect("it is valid")];
    expect!["relations: [Relation { relation_type: OwnedBy, target: group:default/team-a }, Relation { relation_type: DependsOn, target: resource:default/net }, Relation { relation_type: PartOf, target: region:default/eu }]"].assert_eq(relations);
    expect![[r#"Invalid { problem: Problem { message: "spec.nodes does not fit the schema of kind Cluster: \"many\" is not of type \"integer\"", line: 7, column: 10, key: Some("spec.nodes"), hint: Some("the schema stands in Steward's configuration") }, entity_ref: Some(cluster:default/blue) }"#]].assert_eq(&say("  region: eu\n  nodes: many\n"));
}
