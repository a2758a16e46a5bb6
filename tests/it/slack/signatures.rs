//! Only what Slack signed, and signed just now, is answered.

use std::sync::LazyLock;

use axum::http::StatusCode;

use super::Bench;
use crate::{
    app::test_now,
    fake_slack::person::{SIGNING_SECRET, sign, slash},
};

const TIMESTAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

/// The same each time: a press has a trigger of its own, so another body would be refused whatever its signature.
fn body() -> Vec<u8> {
    static BODY: LazyLock<String> = LazyLock::new(|| slash("/owner", "payments-api", "https://hooks.slack.com/commands/1"));
    BODY.clone().into_bytes()
}

/// The headers and the body of one attempt.
type Attempt = (Vec<(&'static str, Vec<u8>)>, Vec<u8>);

fn headers(timestamp: &str, signature: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![(TIMESTAMP, timestamp.into()), (SIGNATURE, signature.into())]
}

fn forgeries() -> Vec<(&'static str, Attempt)> {
    let now = test_now().timestamp();
    let at = now.to_string();
    let good = sign(SIGNING_SECRET, &at, &body());
    let signed_at = |timestamp: &str| (headers(timestamp, &sign(SIGNING_SECRET, timestamp, &body())), body());
    let with = |signature: &str| (headers(&at, signature), body());
    let altered = |from: &str, to: &str| {
        let altered = String::from_utf8(body()).unwrap().replace(from, to).into_bytes();
        assert_ne!(altered, body());
        (headers(&at, &good), altered)
    };
    let mut flipped = good.clone().into_bytes();
    *flipped.last_mut().unwrap() = if flipped.last() == Some(&b'0') { b'1' } else { b'0' };
    let doubled = |name: &'static str, value: &str| {
        let mut headers = headers(&at, &good);
        headers.push((name, value.into()));
        (headers, body())
    };
    vec![
        ("no headers at all", (vec![], body())),
        ("no signature", (vec![(TIMESTAMP, at.clone().into())], body())),
        ("no timestamp", (vec![(SIGNATURE, good.clone().into())], body())),
        ("empty signature", with("")),
        ("empty timestamp", (headers("", &sign(SIGNING_SECRET, "", &body())), body())),
        ("another secret", with(&sign("another", &at, &body()))),
        ("empty secret", with(&sign("", &at, &body()))),
        ("body altered", altered("payments-api", "payments-apj")),
        ("user altered", altered("U2147483697", "U2147483698")),
        ("body cut", (headers(&at, &good), body()[..body().len() - 1].to_vec())),
        ("body extended", (headers(&at, &good), [body(), b"&user_id=U1".to_vec()].concat())),
        ("body empty", (headers(&at, &good), vec![])),
        ("last digit flipped", with(&String::from_utf8(flipped).unwrap())),
        ("signature cut by a digit", with(&good[..good.len() - 1])),
        ("signature cut to its version", with("v0=")),
        ("signature with a digit more", with(&format!("{good}0"))),
        ("no version", with(good.trim_start_matches("v0="))),
        ("unknown version", with(&good.replace("v0=", "v1="))),
        ("upper case", with(&good.to_uppercase().replace("V0=", "v0="))),
        ("no hexadecimal", with(&format!("v0={}", "z".repeat(64)))),
        ("space before", with(&format!("v0= {}", &good[3..]))),
        ("not ASCII", (vec![(TIMESTAMP, at.clone().into()), (SIGNATURE, [good.as_bytes(), &[0xc3, 0xa9]].concat())], body())),
        ("not UTF-8", (vec![(TIMESTAMP, at.clone().into()), (SIGNATURE, vec![0xff; 67])], body())),
        ("timestamp not ASCII", (vec![(TIMESTAMP, "１７".into()), (SIGNATURE, good.clone().into())], body())),
        ("signature twice, the good one first", doubled(SIGNATURE, "v0=00")),
        ("signature twice, the same", doubled(SIGNATURE, &good)),
        ("timestamp twice", doubled(TIMESTAMP, &at)),
        ("another timestamp than signed", (headers(&(now - 1).to_string(), &good), body())),
        ("five minutes and a second old", signed_at(&(now - 301).to_string())),
        ("five minutes and a second ahead", signed_at(&(now + 301).to_string())),
        ("a day old", signed_at(&(now - 86_400).to_string())),
        ("milliseconds", signed_at(&(now * 1_000).to_string())),
        ("a word", signed_at("now")),
        ("a sign", signed_at(&format!("+{now}"))),
        ("negative", signed_at("-1")),
        ("beyond numbers", signed_at("99999999999999999999")),
        ("a fraction", signed_at(&format!("{now}.5"))),
        ("hexadecimal time", signed_at(&format!("{now:x}"))),
    ]
}

#[tokio::test]
async fn forged_requests_are_refused_each_of_them() {
    let bench = Bench::start().await;
    for path in ["/slack/commands", "/slack/interactions", "/slack/events"] {
        for (name, (headers, body)) in forgeries() {
            let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
            let (status, answer) = bench.send_raw(path, &headers, body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{name} at {path}");
            assert!(answer.is_null(), "{name} was told {answer}");
        }
    }
    assert!(bench.slack.model().messages.is_empty());
    bench.slack.finish();
}

#[tokio::test]
async fn signed_request_is_answered_within_the_window_and_refused_after_it() {
    let bench = Bench::start().await;
    let now = test_now().timestamp();
    for (offset, expected) in [
        (0, StatusCode::OK),
        (-300, StatusCode::OK),
        (300, StatusCode::OK),
        (-301, StatusCode::UNAUTHORIZED),
        (301, StatusCode::UNAUTHORIZED),
    ] {
        let timestamp = (now + offset).to_string();
        let signature = sign(SIGNING_SECRET, &timestamp, &body());
        let (status, _) = bench.send_with("/slack/commands", &[(TIMESTAMP, &timestamp), (SIGNATURE, &signature)], body()).await;
        assert_eq!(status, expected, "sent at {offset} s");
    }
    bench.slack.finish();
}

#[test]
fn empty_signing_secret_is_refused() {
    for secret in ["", "  \n"] {
        let error = steward::slack::Verifier::new(&secret.into()).unwrap_err();
        assert!(error.to_string().contains("signing secret is empty"));
    }
}

#[tokio::test]
async fn example_of_slacks_documents_verifies() {
    use chrono::DateTime;
    use steward::slack::{Stamp, Verifier};
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let stamp = Stamp::parse(
        [&b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"[..]].into_iter(),
        [&b"1531420618"[..]].into_iter(),
        DateTime::from_timestamp(1_531_420_700, 0).unwrap(),
    )
    .unwrap();
    Verifier::new(&SIGNING_SECRET_OF_DOCUMENTS.into()).unwrap().check(&stamp, body).unwrap();
}

const SIGNING_SECRET_OF_DOCUMENTS: &str = "8f742231b10e8888abcd99yyyzzz85a5";
