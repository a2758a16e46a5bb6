//! Dry runs: skeletons, actions, conditions, and that nothing outside is touched.

use std::{fs, path::PathBuf};

use serde_json::json;
use steward::template::{
    pure::Sources,
    run::{Given, StepState, dry_run},
    workspace::Workspace,
};

use super::Bench;

const FORM: &str =
    "properties: {name: {type: string}, docs: {type: boolean, default: false}, parts: {type: array, items: {type: string}}}";

#[test]
fn skeleton_is_filled_in_with_names_and_what_is_to_stay_stays() {
    let steps = "- action: fetch:template\n  input:\n    url: ./skeleton\n    copyWithoutTemplating: ['.github/**', 'raw']\n    values: {name: '${{ parameters.name }}', list: [a, b]}";
    let bench = Bench::new(FORM, steps);
    bench
        .write(
            "skeleton/${{ values.name }}/README.md",
            "# ${{ values.name | upper }}\n{% for x in values.list %}- ${{ x }}\n{% endfor %}",
        )
        .write("skeleton/.github/workflows/${{ values.name }}.yaml", "run: ${{ secrets.TOKEN }}\n")
        .write("skeleton/raw/a.txt", "${{ values.name }}")
        .write("skeleton/{% if values.none %}left-out{% endif %}", "x")
        .write("skeleton/run.sh", "echo ${{ values.name }}\n");
    fs::write(bench.place("skeleton/logo.png"), [0x89, b'P', 0, 1, b'$', b'{', b'{', b'}', b'}']).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(bench.place("skeleton/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("run.sh", bench.place("skeleton/start")).unwrap();
    }
    bench.good(&json!({ "name": "shop" }));
    assert_eq!(bench.read("shop/README.md"), "# SHOP\n- a\n- b\n");
    assert_eq!(bench.read(".github/workflows/shop.yaml"), "run: ${{ secrets.TOKEN }}\n");
    assert_eq!(bench.read("raw/a.txt"), "${{ values.name }}");
    assert_eq!(bench.read("run.sh"), "echo shop\n");
    assert!(!bench.result().join("left-out").exists());
    assert_eq!(fs::read(bench.result().join("logo.png")).unwrap(), fs::read(bench.place("skeleton/logo.png")).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(bench.result().join("run.sh")).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(fs::read_link(bench.result().join("start")).unwrap().to_str(), Some("run.sh"));
    }
}

#[test]
fn cookiecutter_extensions_and_trimmed_blocks_are_understood() {
    let steps = "
- action: fetch:template
  input: {url: ./cookie, targetPath: cookie, cookiecutterCompat: true, values: {name: '${{ parameters.name }}'}}
- action: fetch:template
  input: {url: ./ending, targetPath: ending, templateFileExtension: true, values: {name: '${{ parameters.name }}'}}
- action: fetch:template
  input: {url: ./trim, targetPath: trim, trimBlocks: true, lstripBlocks: true, values: {on: true}}
- action: fetch:template:file
  input: {url: ./trim/a.txt, targetPath: one/b.txt, values: {on: false}}";
    let bench = Bench::new(FORM, steps.trim_start());
    bench
        .write("cookie/{{cookiecutter.name}}.txt", "{{ cookiecutter.name }} ${{ x }} {{ cookiecutter | jsonify }}")
        .write("ending/a.txt.njk", "${{ values.name }}")
        .write("ending/b-${{ values.name }}.txt", "${{ values.name }}")
        .write("trim/a.txt", "a\n  {% if values.on %}\nb\n  {% endif %}\nc\n");
    bench.good(&json!({ "name": "shop" }));
    assert_eq!(bench.read("cookie/shop.txt"), "shop $ {\"name\":\"shop\"}");
    assert_eq!(bench.read("ending/a.txt"), "shop");
    assert_eq!(bench.read("ending/b-shop.txt"), "${{ values.name }}");
    assert_eq!(bench.read("trim/a.txt"), "a\nb\nc\n");
    assert_eq!(bench.read("one/b.txt"), "a\n  \nc\n");
}

#[test]
fn steps_follow_conditions_repeat_and_see_earlier_outputs() {
    let steps = "
- {id: docs, name: Docs, action: debug:log, if: '${{ parameters.docs }}', input: {message: docs}}
- id: parts
  action: catalog:write
  each: '${{ parameters.parts }}'
  input: {filePath: '${{ each.value }}/catalog-info.yaml', entity: {kind: Component, metadata: {name: '${{ each.value }}-${{ each.key }}'}}}
- {id: read, action: fs:readdir, input: {paths: ['.'], recursive: true}}
- {id: publish, action: publish:github, input: {repoUrl: 'github.com?owner=acme&repo=${{ parameters.name }}', allowedHosts: [github.com]}}
- {id: say, action: debug:log, input: {message: '${{ steps.read.output.files | length }} files, ${{ steps.publish.output.remoteUrl }}', listWorkspace: true}}
- {id: tidy, action: fs:delete, input: {files: ['a', '**/none']}}
- {id: move, action: fs:rename, input: {files: [{from: b/catalog-info.yaml, to: catalog-info.yaml}]}}";
    let bench = Bench::new(FORM, steps.trim_start());
    let out = bench.good(&json!({ "name": "shop", "parts": ["a", "b"] }));
    expect_test::expect![[r#"
        shop (template:default/shop)
          Docs [debug:log]: left out
          parts [catalog:write]: done
              wrote a/catalog-info.yaml
              wrote b/catalog-info.yaml
          read [fs:readdir]: done
              found 2 files and 2 folders
          publish [publish:github]: would be done
              with {"repoUrl":"github.com?owner=acme&repo=shop","allowedHosts":["github.com"]}
          say [debug:log]: done
              2 files, https://github.com/example/example
              - a/catalog-info.yaml
              - b/catalog-info.yaml
          tidy [fs:delete]: done
              removed a
              **/none is not there
          move [fs:rename]: done
              renamed b/catalog-info.yaml to catalog-info.yaml
    "#]]
    .assert_eq(out.split_inclusive('\n').filter(|line| !line.contains(" files in ")).collect::<String>().as_str());
    assert!(bench.read("catalog-info.yaml").contains("backstage.io/source-template: template:default/shop"));
    assert!(!bench.result().join("a").exists());
}

#[test]
fn first_failure_ends_the_run_and_says_why() {
    let failure = |steps: &str| {
        let out = Bench::new(FORM, steps).bad(&json!({ "name": "shop" }));
        out.lines().find(|line| line.contains("failed")).unwrap_or_else(|| panic!("{out}")).trim().to_owned()
    };
    assert_eq!(
        failure("- {id: a, action: fs:rename, input: {files: [{from: x, to: y}]}}\n- {id: b, action: debug:log}"),
        "a [fs:rename]: failed: x is not there"
    );
    assert_eq!(
        failure("- {id: a, action: debug:wait, input: {minutes: 11}}"),
        "a [debug:wait]: failed: it waits 10 minutes at most"
    );
    assert_eq!(
        failure("- {id: a, action: debug:log, each: '${{ parameters.nope }}'}"),
        "a [debug:log]: failed: each gives neither a list nor an object"
    );
    assert_eq!(
        failure("- {id: a, action: fetch:plain, input: {url: 'https://example.com/x'}}"),
        "a [fetch:plain]: failed: https://example.com/x is elsewhere; --stand-in https://example.com/x=DIR names a folder to take for it"
    );
    assert!(failure("- {id: a, action: fs:delete, input: {files: '${{ parameters.name }}'}}").contains("files of fs:delete"));
}

#[test]
fn wrong_answers_stop_before_anything_is_made() {
    let bench = Bench::new("required: [name]\nproperties: {name: {type: string, minLength: 3}}", "- action: debug:log");
    assert_eq!(bench.bad(&json!({})), "name must be filled in\n");
    assert_eq!(bench.bad(&json!({ "name": "ab" })), "name must have at least 3 characters\n");
    assert!(!bench.result().exists());
}

#[test]
fn pages_beside_the_template_are_read_and_none_elsewhere() {
    let bench =
        Bench::new("$yaml: ./form.yaml", "- {id: a, action: debug:log, input: {message: 'hello ${{ parameters.name }}'}}");
    bench.write("form.yaml", "required: [name]\nproperties: {name: {type: string}}\n");
    assert!(bench.good(&json!({ "name": "shop" })).contains("hello shop"));
    let out = Bench::new("$yaml: ../form.yaml", "- action: debug:log").bad(&json!({}));
    assert!(out.contains("form.yaml"), "{out}");
}

#[test]
fn secrets_reach_inputs_and_are_seen_nowhere() {
    let steps = "- {id: a, action: debug:log, input: {message: 'with ${{ secrets.token }}'}}\n- {id: b, action: publish:github, input: {repoUrl: x, token: '${{ secrets.token }}'}}\n- {id: c, action: fetch:plain, input: {url: './${{ secrets.token }}'}}";
    let template = super::parse(&super::descriptor(FORM, steps)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let given = Given { parameters: json!({}), user: json!({}), secrets: json!({ "token": "s3cret" }) };
    let report = dry_run(&template, &given, &workspace, &Nowhere);
    assert_eq!(report.steps[0].log, ["with ***"]);
    assert_eq!(report.steps[1].inputs[0]["token"], "***");
    assert_eq!(report.steps[2].state, StepState::Failed("there is no ./***".to_owned()));
    assert!(!format!("{report:?}").contains("s3cret"));
}

/// Skeletons that are not there.
struct Nowhere;

impl Sources for Nowhere {
    fn folder(&self, url: &str) -> Result<PathBuf, String> {
        Err(format!("there is no {url}"))
    }

    fn file(&self, url: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no {url}"))
    }
}
