//! Markdown as people write it becomes text that no platform has to guess at, and loses no word on the way.

use expect_test::{Expect, expect};
use steward::{
    chat::{Block, Card, Reply, Response, Span, Status, Text, markdown::parse_markdown, paging::pages},
    cli::ask::{Colour, render_text},
    slack::render::render_message,
};

use crate::fake_slack::{check, shown};

fn blocks(text: &str) -> Vec<Block> {
    let sections = parse_markdown(text, &|target| target.starts_with("http").then(|| target.to_owned()));
    sections
        .into_iter()
        .flat_map(|section| {
            let heading = (section.level > 0).then_some(Block::Heading(section.title));
            heading.into_iter().chain(section.blocks)
        })
        .collect()
}

fn reply(body: Vec<Block>) -> Reply {
    let mut reply = Reply::new(Status::Answered, "runbook", "Runbook".into());
    reply.cards.push(Card { body, ..Card::default() });
    reply
}

/// As a terminal shows it.
fn reads(text: &str, expected: Expect) {
    let read = render_text(&Response::Reply(reply(blocks(text))), 100, Colour::Off);
    expected.assert_eq(&read);
}

/// As Slack shows it, on as many pages as it takes.
fn at_slack(text: &str) -> String {
    let mut read = String::new();
    for page in pages(blocks(text), 5_000, 5_000) {
        let message = serde_json::to_value(render_message(&reply(page))).unwrap();
        assert_eq!(check::message_faults(&message), Vec::<String>::new());
        let page = shown::shown(&message);
        assert!(!page.contains("There is more"), "a page was cut: {page}");
        read.push_str(&page);
    }
    read
}

#[test]
fn html_keeps_its_text_and_what_its_tags_mean() {
    reads(
        "<details>\n<summary>Roll back</summary>\n\nRun **this**.\n\n</details>\n\n<p align=\"center\"><b>Careful</b>: a &lt;b&gt; \
         <a href=\"https://wiki.example/x\">wiki <i>page</i></a><br>next</p>\n\n<!-- a\ncomment -->\n\n<ul><li>one</li><li>two</li></ul>\n\n\
         Press <kbd>Ctrl</kbd>, <img src='https://x.example/a.png' alt='the graph'>, 1 < 2 and a<b.\n\n\
         <pre>\n  keep   this\n</pre>\n\n<script>never()</script><table><tr><td>a</td><td>b</td></tr></table>\n",
        expect![[r#"
            Runbook

              Roll back
              Run this.
              Careful: a <b> wiki page <https://wiki.example/x>
              next
              • one
              • two
              Press Ctrl, the graph <https://x.example/a.png>, 1 < 2 and a<b.
                  keep   this
              a b
        "#]],
    );
}

#[test]
fn what_an_item_holds_stays_in_its_order() {
    reads(
        "1. first\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n2. second\n   - inner\n     1. deep\n\n   after the inner list\n3. third\n   \
         > quoted\n4. # Heading\n   text\n",
        expect![[r#"
            Runbook

              1. first
              a  b
              1  2
              2. second
                - inner
                  - 1. deep
              after the inner list
              3. third
                 quoted

            Heading
              text
        "#]],
    );
}

#[test]
fn bare_addresses_become_links_and_end_where_the_sentence_goes_on() {
    let links = |text: &str| -> Vec<String> {
        let mut found = Vec::new();
        for block in blocks(text) {
            let Block::Paragraph(Text(spans)) = block else { panic!("{block:?} is no paragraph") };
            found.extend(spans.into_iter().filter_map(|span| match span {
                Span::Link { url, .. } => Some(url),
                _ => None,
            }));
        }
        found
    };
    assert_eq!(
        links("See https://a.example/x_y_z?q=1&r=2, or (https://b.example/(c))."),
        ["https://a.example/x_y_z?q=1&r=2", "https://b.example/(c)"]
    );
    assert_eq!(links("http:// nothttps://x.example `https://code.example` <https://auto.example>"), ["https://auto.example"]);
    assert_eq!(links("**https://bold.example**"), ["https://bold.example"]);
}

/// One piece of each construct of CommonMark and GitHub's, with a word of its own in each place that has one.
const PIECES: [&str; 30] = [
    "# W *W* `W`",
    "W\n===",
    "W W\nW\\\nW",
    "- W\n- W\n  - W\n    - W\n\n      W\n",
    "3. W\n4. W\n\n   ```sh\n   W --W\n   ```\n\n   W\n5. W",
    "- [x] W\n- [ ] **W** _W_ ~~W~~ ***W***",
    "> W\n> > W\n>\n> - W",
    "```rust\nfn W() { \"<!channel>\" }\n```",
    "    W indented\n    W",
    "| W | W |\n|:--|--:|\n| W `W` | [W](https://w.example) |\n| W \\| W | W |",
    "[W *W*](https://w.example \"title\") ![W](https://w.example/i.png) [W][r]\n\n[r]: https://r.example",
    "[![W](https://i.example/b.svg)](https://w.example)",
    "<details><summary>W</summary>\n\nW\n\n</details>",
    "<div>\nW <b>W</b>\n</div>",
    "W<br/>W <sub>W</sub> <span title='x>y'>W</span>",
    "***\n\nW\n\n---",
    "W[^1]\n\n[^1]: W",
    "* W\n+ W\n1) W",
    "\\*W\\* \\_W\\_ &amp; &copy; W",
    "W <https://w.example/W> https://w.example/W.",
    "**W _W_ W** *W **W** W* **_W_",
    "- W\n\n  > W\n\n  W\n- ***\n- # W",
    "- W\n  | W | W |\n  |---|---|\n  | W | W |\n- W",
    "`` W ` W `` ``` W",
    "~~~\nW ``` W\n~~~",
    "1. W\n   1. W\n      1. W\n2. W",
    "<p>W</p>\n<!-- hidden -->\nW",
    "[W]() [W](javascript:W(1)) [](https://w.example/W)",
    "Term W\n: W",
    "W \u{202e}W\u{202c} \u{200b}W <!channel> <@U0123> *W* _W_",
];

/// Every word of every construct, alone and in any company, is read at Slack once, and in its order where it is in a line.
#[test]
fn no_word_is_lost_on_the_way_to_slack() {
    let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut roll = |below: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 11) as usize % below
    };
    let documents = PIECES.len() + 150;
    for number in 0..documents {
        let chosen: Vec<&str> = match PIECES.get(number) {
            Some(alone) => vec![alone],
            None => (0..2 + roll(12)).map(|_| PIECES[roll(PIECES.len())]).collect(),
        };
        let (mut text, mut count) = (String::new(), 0);
        let breaks = if roll(3) == 0 { "\n" } else { "\n\n" };
        for letter in chosen.join(breaks).chars() {
            if letter == 'W' {
                count += 1;
                text.push_str(&format!("w{count:04}x"));
            } else {
                text.push(letter);
            }
        }
        let read = at_slack(&text);
        for word in (1..=count).map(|number| format!("w{number:04}x")) {
            // What leads nowhere that may be opened is not shown, as no target is.
            let is_target = text.contains(&format!("javascript:{word}")) || text.contains(&format!("/{word}"));
            assert!(is_target || read.contains(&word), "{word} is lost of\n{text}\nwhich reads\n{read}");
        }
        assert!(!read.contains("hidden"), "{read}");
    }
}

#[test]
fn huge_parts_are_paged_whole() {
    let line = |number: usize| format!("kubectl get pods -n namespace-{number:04}\n");
    let code: String = (0..400).map(line).collect();
    let items: String = (0..300).map(|number| format!("{}. step-{number:04} {}\n", number + 1, "words ".repeat(12))).collect();
    let rows: String = (0..200).map(|number| format!("| row-{number:04} | {} |\n", "cell ".repeat(10))).collect();
    let long = format!("- {}\n", (0..2_000).map(|number| format!("long-{number:04} ")).collect::<String>());
    let text = format!("# Huge\n\n```\n{code}```\n\n{items}\n\n| Name | Says |\n|---|---|\n{rows}\n\n{long}");
    let read = at_slack(&text);
    for number in 0..400 {
        assert!(read.contains(line(number).trim_end()), "line {number}");
    }
    for (what, count) in [("step", 300), ("row", 200), ("long", 2_000)] {
        for number in 0..count {
            assert!(read.contains(&format!("{what}-{number:04}")), "{what} {number}");
        }
    }
}
