//! Commands of an organisation's own: files that are checked, answers that nothing in the catalog can bend.

use expect_test::expect;
use serde_json::json;
use steward::{
    chat::{Block, CustomCommands, Does, Span, Status},
    commands::{custom, load_definitions},
    settings::{FolderFile, read_yaml_folder},
    worker::Worker,
};
use tokio_util::sync::CancellationToken;

use crate::{
    shop::{check, shop},
    world::{Bot, World},
};

const WIKI: &str = "\
name: wiki
summary: Its pages in the wiki and its dashboards
answer: |
  **{{ title }}** is kept by {{ owner }} in {{ owner.channel }}; see [the wiki](https://wiki.example.com/{{ name }}).

  {% for link in links %}
  - [{{ link.title }}]({{ link.url }})
  {% endfor %}

  ```sh
  kubectl -n {{ name }} get pods
  ```
";

fn load(files: &[(&str, &str)]) -> CustomCommands {
    let file = |(name, text): &(&str, &str)| FolderFile { name: (*name).to_owned(), text: Ok((*text).to_owned()) };
    custom::load(&load_definitions().unwrap(), &files.iter().map(file).collect::<Vec<_>>())
}

fn with(world: &World, files: &[(&str, &str)]) -> Bot {
    let bot = world.bot();
    let commands = load(files);
    assert_eq!(commands.faults, []);
    bot.app.live.set_custom(commands);
    bot
}

fn of_answer(answer: &str) -> String {
    let answer: String = answer.lines().map(|line| format!("  {line}\n")).collect();
    format!("name: try\nsummary: An answer\nanswer: |\n{answer}")
}

#[test]
fn a_file_is_a_command_at_once_and_stands_in_help() {
    let bot = with(&shop(), &[("wiki.yaml", WIKI)]);
    check(
        &bot.say("/steward wiki payments api"),
        expect![[r#"
        Payments API is kept by Team Payments in #team-payments; see the wiki
        <https://wiki.example.com/payments-api>.

          - Dashboard <https://grafana.example/d/payments>
            kubectl -n payments-api get pods

        Read from acme/payments-api@3f2c1ab, synced 3 min ago
    "#]],
    );
    assert!(bot.say("help").contains("/wiki NAME Its pages in the wiki and its dashboards"));
    assert_eq!(bot.reply("help wiki").status, Status::Answered);
    assert_eq!(bot.refs("wiki payments-api"), ["component:default/payments-api"]);
    // What is not there is asked back as with every command.
    assert_eq!(bot.reply("wiki nothing-like-it").status, Status::NotFound);
    assert_eq!(bot.reply("wiki").status, Status::NotFound);
    assert!(bot.say("wikki payments-api").contains("Did you mean /wiki?"));
}

#[test]
fn what_the_catalog_says_is_text_wherever_a_template_puts_it() {
    let evil = "<!channel> **bold** [good](http://evil.example) <@U0123ABCD>\n\n# Heading\n\n```\n- x";
    let mut world = World::new();
    world.component("evil").title(evil).describe(evil).annotate("x/y", "a b/../?q=<!here>&z").metadata(
        "links",
        json!([
            { "url": "https://good.example/a?b=c", "title": evil },
            { "url": "javascript:alert(1)", "title": "script" },
        ]),
    );
    let answer = "\
{{ title }}

*{{ title }}* `{{ description }}` {{ title | upper | replace('BOLD', '**x**') }}

| {{ title }} |
| --- |
| {{ description }} |

[go](https://x.example/{{ annotations['x/y'] }}) [{{ links[0].title }}]({{ links[0].url }}) [no]({{ links[1].url }})

{% set kept %}{{ title }}{% endset %}{{ kept }} {% macro m(a) %}{{ a }}{% endmacro %}{{ m(title) }}

```
{{ description }}
```";
    let bot = with(&world, &[("try.yaml", &of_answer(answer))]);
    let reply = bot.reply("try evil");
    assert_eq!(reply.status, Status::Answered);
    let one_line = evil.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(reply.lead.0, [Span::Plain(one_line.clone())]);
    let body = &reply.cards[0].body;
    let mut urls = Vec::new();
    let mut bold = 0;
    let mut seen = String::new();
    for block in body {
        let texts = match block {
            Block::Paragraph(text) => vec![text],
            Block::Table { header, rows } => header.iter().chain(rows.iter().flatten()).collect(),
            Block::Code { text, .. } => {
                assert_eq!(text.trim_end(), evil, "a block keeps its lines");
                continue;
            }
            other => panic!("a value became {other:?}"),
        };
        for span in texts.into_iter().flat_map(|text| &text.0) {
            match span {
                Span::Link { url, .. } => urls.push(url.clone()),
                Span::Bold(_) => bold += 1,
                Span::Plain(words) | Span::Italic(words) | Span::Code(words) => seen.push_str(words),
                other => panic!("a value became {other:?}"),
            }
        }
    }
    assert_eq!(bold, 0);
    assert_eq!(urls, ["https://x.example/a%20b%2F..%2F%3Fq%3D%3C%21here%3E%26z", "https://good.example/a?b=c"]);
    assert!(seen.matches("<!channel>").count() >= 5, "nothing was lost: {seen}");
    assert!(!seen.contains(['\u{fdd0}', '\u{fdd1}']), "{seen:?}");
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line_and_stops_no_other() {
    let faults: [(&str, &str); 16] = [
        ("syntax.yaml", "name: a\nsummary: An answer\nanswer: |\n  fine\n  {% if %}\n"),
        ("open.yaml", "name: a\nsummary: An answer\nanswer: \"{{ name\"\n"),
        ("unknown-name.yaml", "name: a\nsummary: An answer\nanswer: |\n  fine\n  {{ onwer }}\n"),
        ("unknown-filter.yaml", "name: a\nsummary: An answer\nanswer: |\n  {{ name | shout }}\n"),
        ("safe.yaml", "name: a\nsummary: An answer\nanswer: |\n  {{ name | safe }}\n"),
        ("include.yaml", "name: a\nsummary: An answer\nanswer: |\n  {% include '/etc/passwd' %}\n"),
        (
            "endless.yaml",
            "name: a\nsummary: An answer\nanswer: |\n  {% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}\n",
        ),
        (
            "long.yaml",
            "name: a\nsummary: An answer\nanswer: |\n  {% for a in range(900) %}0123456789012345678901234567890{% endfor %}\n",
        ),
        ("unknown-key.yaml", "name: a\nsummary: An answer\nanwser: x\nanswer: x\n"),
        ("no-answer.yaml", "name: a\nsummary: An answer\n"),
        ("built-in.yaml", "summary: An answer\nname: owner\nanswer: x\n"),
        ("later.yaml", "name: oncall\nsummary: An answer\nanswer: x\n"),
        ("taken.yaml", "name: wiki\nsummary: An answer\nanswer: x\n"),
        ("Name.yaml", "name: My Wiki\nsummary: An answer\nanswer: x\n"),
        ("arguments.yaml", "name: a\nsummary: An answer\narguments: []\nanswer: x\n"),
        ("yaml.yaml", "name: a\nsummary: [x\n"),
    ];
    let mut files = vec![("wiki.yaml", WIKI)];
    files.extend(faults);
    let later = of_answer("fine");
    files.push(("try.yaml", &later));
    let commands = load(&files);
    let names: Vec<&str> = commands.commands.iter().map(|command| command.definition.name.as_str()).collect();
    assert_eq!(names, ["wiki", "try"], "the others work");
    let told: String = commands.faults.iter().map(|fault| format!("{fault}\n")).collect();
    check(
        &told,
        expect![[r#"
        syntax.yaml:5: syntax error: unexpected end of block
        open.yaml:3: syntax error: unexpected end of input, expected end of variable block
        unknown-name.yaml:5: there is nothing called "onwer"; did you mean owner?
        unknown-filter.yaml:4: unknown filter: filter shout is unknown
        safe.yaml:4: unknown filter: filter safe is unknown
        include.yaml:4: a template stands alone: there is no include, import or extends
        endless.yaml:4: it takes too many steps; loop over less
        long.yaml:4: it writes more than 16384 bytes
        unknown-key.yaml:3: unknown field `anwser`, expected one of `name`, `summary`, `details`, `arguments`, `examples`, `visibility`, `access`, `answer` at line 3 column 1
        no-answer.yaml:1: missing field `answer`
        built-in.yaml:2: /owner is a command of Steward's own; choose another name
        later.yaml:1: /oncall is a command of Steward's own; choose another name
        taken.yaml:1: /wiki is declared by wiki.yaml already; choose another name
        Name.yaml:1: `name` must be at most 32 lower-case letters
        arguments.yaml:3: `arguments` must hold exactly one of type entity, and has 0; leave it out to have one
        yaml.yaml:2: summary: invalid type: sequence, expected a string at line 2 column 10
    "#]],
    );
    let bot = shop().bot().by("ana.silva").admin("group:default/money");
    bot.app.live.set_custom(commands);
    assert!(bot.say("help").contains("syntax.yaml:5"), "admins are told");
    let bot = shop().bot();
    bot.app.live.set_custom(load(&faults));
    assert!(!bot.say("help").contains("syntax.yaml"), "others are not");
}

#[test]
fn an_answer_that_fails_says_where_and_nothing_else() {
    let answer = of_answer("fine\n{% if lifecycle == 'production' %}{{ name + 1 }}{% endif %}");
    let bot = with(&shop(), &[("try.yaml", &answer)]);
    let reply = bot.reply("try payments-api");
    assert_eq!(reply.status, Status::Error);
    assert!(reply.lead.to_plain().starts_with("The answer of /try could not be made: try.yaml:5: "), "{}", reply.lead.to_plain());
}

#[test]
fn more_than_the_entity_can_be_asked_for() {
    let text = "\
name: logs
summary: Its logs
arguments:
  - {name: name, summary: which one, type: entity, required: true, channel_team: true}
  - {name: stage, summary: which stage, type: choice, choices: [test, live]}
answer: \"Logs of {{ name }} in {{ arguments.stage or 'live' }}: {{ tags }}{{ nothing_else or '' }}\"
";
    assert_eq!(load(&[("logs.yaml", text)]).faults[0].line, 6);
    let text = text.replace("{{ nothing_else or '' }}", "");
    let bot = with(&shop(), &[("logs.yaml", &text)]);
    assert_eq!(bot.reply("logs payments-api test").lead.to_plain(), "Logs of payments-api in test:");
    assert_eq!(bot.reply("logs payments-api").lead.to_plain(), "Logs of payments-api in live:");
}

#[test]
fn a_folder_is_read_by_name_and_only_its_yaml() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("b.yml"), "x").unwrap();
    std::fs::write(path("a.yaml"), "y").unwrap();
    std::fs::write(path("a.yaml~"), "y").unwrap();
    std::fs::write(path(".hidden.yaml"), "y").unwrap();
    std::fs::write(path("binary.yaml"), [0xff, 0xfe]).unwrap();
    std::fs::create_dir(path("c.yaml")).unwrap();
    let files = read_yaml_folder(folder.path()).unwrap();
    let told: Vec<(&str, bool)> = files.iter().map(|file| (file.name.rsplit('/').next().unwrap(), file.text.is_ok())).collect();
    assert_eq!(told, [("a.yaml", true), ("b.yml", true), ("binary.yaml", false)]);
    assert!(read_yaml_folder(&path("missing")).is_err());
}

#[tokio::test]
async fn a_changed_file_counts_without_a_restart() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("wiki.yaml");
    std::fs::write(&file, WIKI).unwrap();
    let mut app = shop().bot().app;
    app.settings.custom_commands = Some(folder.path().to_owned());
    let worker = std::sync::Arc::new(Worker::new(std::sync::Arc::new(app), Vec::new()));
    let stop = CancellationToken::new();
    let (kept, stopped) = (std::sync::Arc::clone(&worker), stop.clone());
    let task = tokio::spawn(async move { kept.keep_own_commands(&stopped).await });
    let until = async |what: &str, is_so: &dyn Fn(&CustomCommands) -> bool| {
        for _ in 0..2_000 {
            if is_so(&worker.app.live.custom()) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("never came true: {what}");
    };
    until("it is read at the start", &|custom| custom.find("wiki").is_some()).await;
    std::fs::write(&file, WIKI.replace("name: wiki", "name: pages")).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), "name: [").unwrap();
    until("the change counts", &|custom| custom.find("pages").is_some() && custom.find("wiki").is_none()).await;
    assert_eq!(worker.app.live.custom().faults.len(), 1, "and the other file's fault is known");
    std::fs::remove_file(&file).unwrap();
    until("what is gone is gone", &|custom| custom.commands.is_empty()).await;
    stop.cancel();
    task.await.unwrap();
}

/// The sample that the README points to.
#[test]
fn the_sample_in_deploy_is_a_command() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/commands");
    let files = read_yaml_folder(&folder).unwrap();
    let commands = custom::load(&load_definitions().unwrap(), &files);
    assert_eq!(commands.faults, []);
    assert!(!commands.commands.is_empty());
    let bot = shop().bot();
    bot.app.live.set_custom(commands);
    let reply = bot.reply("links payments-api");
    assert_eq!(reply.status, Status::Answered, "{}", reply.lead.to_plain());
    let say = |button: &steward::chat::Button| matches!(button.does, Does::Say(_));
    assert!(reply.buttons.iter().all(say));
}
