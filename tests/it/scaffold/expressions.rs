//! Expressions: values keep their types, faults are told without values, and nothing runs away. What they print is held
//! against Backstage's renderer by tests/contract/templates.sh.

use serde_json::{Value, json};
use steward::template::expression::{Context, Syntax, Template, render_json};

fn render(template: &str) -> Result<String, String> {
    let context =
        Context::new(&json!({ "secrets": { "token": "s3cret" }, "parameters": { "port": 443, "list": [], "name": "shop" } }));
    let template = Template::parse(template, Syntax::default()).map_err(|error| error.to_string())?;
    template.render(&context).map_err(|error| error.to_string())
}

#[test]
fn whole_expression_keeps_its_type_and_a_longer_text_does_not() {
    let input = json!({
        "port": "${{ parameters.port }}", "list": "${{ parameters.list }}", "text": "${{ parameters.port }}!", "gone": "${{ parameters.nope }}",
        "bad": "${{ parameters.port ? 1 : 2 }}", "deep": [{ "is": "${{ parameters.port === 443 }}" }], "plain": 7
    });
    let mut faults = Vec::new();
    let rendered = render_json(&input, &Context::new(&json!({ "parameters": { "port": 443, "list": [] } })), &mut faults);
    let expected = json!({
        "port": 443, "list": [], "text": "443!", "bad": "${{ parameters.port ? 1 : 2 }}", "deep": [{ "is": true }], "plain": 7
    });
    assert_eq!(rendered, Some(expected));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].message.contains("write `a if condition else b`"), "{faults:?}");
}

#[test]
fn javascript_shows_through_as_in_backstage() {
    assert_eq!(render("${{ ':' + parameters.port }}"), Ok(":443".to_owned()));
    assert_eq!(render("${{ parameters.port == '443' }} ${{ parameters.port === '443' }}"), Ok("true false".to_owned()));
    assert_eq!(render("{% if parameters.list %}yes{% endif %}${{ parameters.list or 'x' }}|"), Ok("yes|".to_owned()));
    assert_eq!(render("{% set a = 1 %}{% for x in [2] %}{% set a = x %}{% endfor %}${{ a }}"), Ok("2".to_owned()));
    assert_eq!(render("${{ 'a/blob/main/b/c'.split('/blob/').pop().split('/').slice(1).join('/') }}"), Ok("b/c".to_owned()));
}

#[test]
fn faults_name_what_is_written_and_never_a_value() {
    assert_eq!(
        render("a\n${{ secrets.token | uper }}"),
        Err("there is no filter uper; did you mean upper? (line 1 of the expression's text)".to_owned())
    );
    for template in [
        "${{ secrets.token | parseRepoUrl }}",
        "${{ secrets.token.nope() }}",
        "${{ secrets.token() }}",
        "${{ 1 in secrets.token.x }}",
    ] {
        let error = render(template).expect_err(template);
        assert!(!error.contains("s3cret"), "{error}");
    }
    assert_eq!(
        render("a\n{% if parameters.port %}"),
        Err("{% if %} is not closed by {% endif %} (line 2 of the expression's text)".to_owned())
    );
}

#[test]
fn nothing_runs_away() {
    let nested = format!("${{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    let prefixed = format!("${{{{ {}1 }}}}", "-".repeat(100_000));
    let sum = format!("${{{{ 1{} }}}}", " + 1".repeat(100_000));
    let member = format!("${{{{ a{} }}}}", ".b".repeat(100_000));
    let macros = format!(
        "{{% macro m() %}}{}${{{{ m() }}}}{}{{% endmacro %}}${{{{ m() }}}}",
        "{% if 1 %}".repeat(40),
        "{% endif %}".repeat(40)
    );
    let tags = "{% if 1 %}".repeat(5_000);
    for (template, told) in [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "takes too long"),
        ("{% set a = 'xxxxxxxxxx' %}{% for i in range(99) %}{% set a = a + a %}{% endfor %}", "larger than"),
        ("${{ 'x'.repeat(999999999) }}", "larger than"),
        ("${{ 'x' | center(999999999) }}", "larger than"),
        ("${{ range(0, 999999999) }}", "more than"),
        ("{% macro m() %}${{ m() }}{% endmacro %}${{ m() }}", "levels deep"),
        (nested.as_str(), "levels deep"),
        (prefixed.as_str(), "levels deep"),
        (sum.as_str(), "more than 200 operators"),
        (member.as_str(), "more than 200 operators"),
        (macros.as_str(), "levels deep"),
        (tags.as_str(), "levels deep"),
    ] {
        let error = render(template).expect_err("it is beyond a limit");
        assert!(error.contains(told), "{told}: {error}");
    }
    // As much as is allowed at once, on a thread's usual stack.
    assert!(render(&format!("${{{{ {}1{}{} }}}}", "(".repeat(20), " + 1".repeat(150), ")".repeat(20))).is_ok());
    // A list that holds itself prints, and ends.
    assert!(render("{% set a = [1] %}{% set b = a.push(a) %}${{ a }}${{ a | dump }}").is_ok());
}

#[test]
fn a_changed_list_of_the_context_is_whole_the_next_time() {
    let context = Context::new(&json!({ "list": [1, 2] }));
    let template = Template::parse("${{ list.pop() }}${{ list.length }}", Syntax::default()).unwrap();
    assert_eq!([template.render(&context).unwrap(), template.render(&context).unwrap()], ["21", "21"]);
    assert_eq!(template.render_value(&context).unwrap(), Some(Value::from("21")));
}
