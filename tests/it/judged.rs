//! Search finds what people mean: a set of questions over the sample organisation, each with what it is about.

use steward::catalog::Catalog;

use crate::world::Bot;

#[path = "../load/judge.rs"]
mod judge;

/// A chat over the sample organisation and its search index.
pub fn sample_bot() -> Bot {
    bot_of(&judge::SAMPLE)
}

fn bot_of(company: &judge::Company) -> Bot {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (catalog, search) = runtime.block_on(judge::read(company));
    let mut bot = Bot::new(Catalog::clone(&catalog));
    bot.app.search = search;
    bot
}

#[test]
fn the_right_one_is_first_for_95_of_100_questions() {
    let bot = sample_bot();
    let judged = judge::judge(&judge::SAMPLE, |query| bot.refs(&format!("find {query}")));
    println!("{}\n{:?}\n{}", judged.line(), judged.classes, judged.missed.join("\n"));
    assert!(judged.all >= 200, "{} questions", judged.all);
    let (first, top) = (judged.share(judged.first), judged.share(judged.top_three));
    assert!(first >= 95.0 && top >= 99.0, "{}\n{}", judged.line(), judged.missed.join("\n"));
}

/// Whoever changes the ranker for one organisation sees what it costs another.
#[test]
fn it_is_as_good_for_a_company_it_was_not_made_with() {
    let bot = bot_of(&judge::BANK);
    let judged = judge::judge(&judge::BANK, |query| bot.refs(&format!("find {query}")));
    println!("{}\n{:?}\n{}", judged.line(), judged.classes, judged.missed.join("\n"));
    assert!(judged.all >= 100, "{} questions", judged.all);
    let (first, top) = (judged.share(judged.first), judged.share(judged.top_three));
    assert!(first >= 95.0 && top >= 99.0, "{}\n{}", judged.line(), judged.missed.join("\n"));
}

#[test]
fn find_and_owner_begin_with_the_same_one() {
    let bot = sample_bot();
    let judged = judge::judge(&judge::SAMPLE, |query| {
        let (owner, find) = (bot.refs(&format!("owner {query}")), bot.refs(&format!("find {query}")));
        let is_one_name = !query.contains(':') || query.starts_with("component:") || query.starts_with("resource:");
        if let (Some(owner), true) = (owner.first(), is_one_name) {
            assert_eq!(find.first(), Some(owner), "{query}");
        }
        find
    });
    assert!(judged.all >= 200);
}
