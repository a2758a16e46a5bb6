//! The benchmark: one command that measures what the product promises and prints the figures.
//!
//! `cargo build --release && cargo run --release --example load`
//!
//! It runs the release binary as a whole process against the tests' fake GitHub: pushes told of by webhooks, syncs of 2,000
//! repositories and of 20,000 whose GitHub takes 150 ms an answer, then `steward run` with 20,000 entities, a rota and news of
//! every repository under signed `/owner` commands at a steady rate, the restart without a database, and hostile descriptors.
//! Latency counts from when a request was due, so a stall is not hidden.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use sha2::Sha256;

mod card;
#[path = "../it/fake_github/mod.rs"]
#[expect(dead_code, reason = "the tests use the other verbs")]
mod fake_github;
mod hygiene;
mod judge;
mod search;
mod webhooks;

use fake_github::FakeGithub;

type HttpClient = Client<HttpConnector, Full<axum::body::Bytes>>;

const SECRET: &str = "load-signing-secret";

#[derive(Parser)]
struct Arguments {
    /// Repositories of the sync measurement
    #[arg(long, default_value_t = 2_000)]
    repositories: usize,
    /// Entities loaded while commands are answered
    #[arg(long, default_value_t = 20_000)]
    entities: usize,
    /// Requests a second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Seconds of load
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Repositories of the organisation whose GitHub takes its time
    #[arg(long, default_value_t = 20_000)]
    organisation: usize,
    /// What that GitHub takes for each answer, in milliseconds
    #[arg(long, default_value_t = 150)]
    answer_ms: u64,
    /// Measure the syncs alone
    #[arg(long)]
    syncs_only: bool,
    /// Pushes told of by webhooks
    #[arg(long, default_value_t = 200)]
    pushes: usize,
    /// Measure the webhooks alone
    #[arg(long)]
    webhooks_only: bool,
    /// Measure search alone; needs no binary
    #[arg(long)]
    search_only: bool,
    /// Measure the checks of hygiene alone; needs no binary
    #[arg(long)]
    hygiene_only: bool,
    /// Searches a second
    #[arg(long, default_value_t = 200)]
    searches: u64,
    /// The binary under test
    #[arg(long, default_value = "target/release/steward")]
    binary: PathBuf,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    if arguments.search_only {
        search::measure(folder.path(), arguments.entities, arguments.searches, arguments.seconds.min(10)).await;
        return;
    }
    if arguments.hygiene_only {
        return hygiene::measure(arguments.entities);
    }
    let binary = arguments.binary.canonicalize().expect("build it first: cargo build --release");
    if arguments.syncs_only {
        return measure_syncs(&binary, folder.path(), &arguments).await;
    }
    webhooks::measure(&binary, folder.path(), arguments.repositories, arguments.pushes).await;
    if arguments.webhooks_only {
        return;
    }
    measure_syncs(&binary, folder.path(), &arguments).await;
    measure_answers(&binary, folder.path(), &arguments).await;
    measure_hostile_input(&binary, folder.path());
    hygiene::measure(arguments.entities);
}

async fn measure_syncs(binary: &Path, folder: &Path, arguments: &Arguments) {
    measure_sync(binary, folder, arguments.repositories, Duration::ZERO).await;
    let answer = Duration::from_millis(arguments.answer_ms);
    measure_sync(binary, folder, arguments.organisation, answer).await;
}

/// The first sync, one with nothing new, and one after twelve pushes.
async fn measure_sync(binary: &Path, folder: &Path, repositories: usize, answer: Duration) {
    let fake = FakeGithub::serve(FakeGithub::generate("acme", repositories), 0).await;
    fake.answer_after(answer);
    let folder = folder.join(format!("sync-{repositories}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let names: Vec<String> = fake.model(|model| model.repos.iter().step_by(97).map(|repo| repo.name.clone()).take(12).collect());
    for run in ["first sync", "sync with nothing new", "sync after 12 pushes"] {
        if run.ends_with("pushes") {
            for name in &names {
                fake.push_file(name, "catalog-info.yaml", pushed(name));
            }
        }
        let started = Instant::now();
        let child = steward(binary, &folder)
            .args(["sync", "--json"])
            .env("GITHUB_ORG", "acme")
            .env("GITHUB_TOKEN", fake_github::TOKEN)
            .env("GITHUB_API_URL", &fake.url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (output, peak) = tokio::task::block_in_place(|| wait(child));
        let took = started.elapsed();
        let summary: serde_json::Value = serde_json::from_slice(&output).expect("one JSON object");
        let source = &summary["sources"][0];
        println!(
            "{run} of {repositories} repositories, {} ms an answer: {:.2} s ({:.2} s with start and stop of PostgreSQL), {} GraphQL \
             + {} REST requests, {} entities, {} added, {} changed, {} unchanged, peak memory {peak}",
            answer.as_millis(),
            source["seconds"].as_f64().unwrap_or(f64::NAN),
            took.as_secs_f64(),
            source["api_requests"]["graphql"],
            source["api_requests"]["rest"],
            source["entities"],
            source["added"],
            source["changed"],
            source["unchanged"],
        );
    }
}

fn pushed(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  description: pushed just now\nspec:\n  \
         type: service\n  lifecycle: production\n  owner: team-a\n"
    )
}

/// What a process printed, and the most memory that was seen of it.
fn wait(mut child: Child) -> (Vec<u8>, String) {
    let stdout = child.stdout.take().expect("it is piped");
    let reader = std::thread::spawn(move || {
        let mut output = Vec::new();
        std::io::Read::read_to_end(&mut std::io::BufReader::new(stdout), &mut output).expect("its output can be read");
        output
    });
    let mut peak = String::new();
    while child.try_wait().expect("it can be waited for").is_none() {
        let seen = memory(&child);
        // A process that has just ended has no memory left to tell of.
        if !seen.contains("NaN") {
            peak = seen;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (reader.join().expect("it ends with the process"), peak)
}

fn steward(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder).env_remove("DATABASE_URL").env("RUST_LOG", "error");
    command
}

async fn measure_answers(binary: &Path, folder: &Path, arguments: &Arguments) {
    let folder = folder.join("answers");
    let port = free_port();
    write_organisation(&folder.join("org"), arguments.entities);
    let config = format!(
        "data_dir: ./data\nserver: {{ listen: \"127.0.0.1:{port}\" }}\n\
         sources: [{{ type: directory, id: local, path: ./org, schedule: {{ every: 1h }} }}]\n\
         slack: {{ bot_token: xoxb-load, signing_secret: {SECRET}, api_url: \"http://127.0.0.1:9/api\" }}\n"
    );
    let config = config + &card::serve_rota().await;
    std::fs::write(folder.join("steward.yaml"), config).expect("a written file");
    let mut server = Running(steward(binary, &folder).arg("run").stderr(Stdio::null()).spawn().expect("the binary runs"));
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    wait_until_ready(&client, port, arguments.entities).await;
    card::write_news(&folder).await;
    let whole = wait_for_full_card(&client, port).await;
    println!("a full card has {whole} bytes; memory with {} entities loaded: {}", arguments.entities, memory(&server.0));
    // The pool of connections and the page cache are warm in any server that has run for a second.
    load(&client, port, arguments, 2).await;
    let mut latencies = load(&client, port, arguments, arguments.seconds).await;
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!(
        "signed /owner at {} requests a second for {} s: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms; {}",
        arguments.rate,
        arguments.seconds,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        memory(&server.0)
    );
    server.kill();
    stop_database(&folder);
    // A database that cannot be reached: what is on disk has to do.
    let started = Instant::now();
    let mut restarted = Running(
        steward(binary, &folder)
            .arg("run")
            .env("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs"),
    );
    while ask(&client, port, 0).await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("restart without a database: first /owner answered after {} ms", started.elapsed().as_millis());
    restarted.kill();
}

/// Twenty entities a repository: a team, and services that lean on one another.
fn write_organisation(folder: &Path, entities: usize) {
    for repository in 0..entities.div_ceil(20) {
        let mut text = String::new();
        for at in 0..20.min(entities - repository * 20) {
            let number = repository * 20 + at;
            if at == 0 {
                text.push_str(&format!(
                    "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team-{repository}\n  annotations:\n    \
                     steward.dev/channel: '#team-{repository}'\nspec:\n  type: team\n  children: []\n---\n"
                ));
                continue;
            }
            text.push_str(&format!(
                "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: service-{number}\n  title: Service {number}\n  \
                 description: Does what service {number} has to do, day and night, for the shops of the company.\n  annotations:\n    \
                 github.com/project-slug: acme/repo-{repository}\n    pagerduty.com/service-id: P{repository}\n  tags: [java, pii]\n  links:\n    \
                 - {{ url: 'https://grafana.example.com/d/{number}', title: Dashboard }}\nspec:\n  type: service\n  \
                 lifecycle: production\n  owner: team-{repository}\n  dependsOn: [component:service-{}, component:service-{}]\n---\n",
                number.saturating_sub(1),
                (number * 7) % entities,
            ));
        }
        let folder = folder.join(format!("repo-{repository}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("catalog-info.yaml"), text).expect("a written file");
    }
}

async fn wait_until_ready(client: &HttpClient, port: u16, entities: usize) {
    let started = Instant::now();
    loop {
        let uri = format!("http://127.0.0.1:{port}/readyz").parse().expect("an address");
        if let Ok(answer) = client.get(uri).await {
            let body = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            if body["entities"].as_u64() == Some(entities as u64) {
                println!("{entities} entities read, stored and answered from after {:.1} s", started.elapsed().as_secs_f64());
                return;
            }
        }
        assert!(started.elapsed() < Duration::from_secs(180), "the server never had all entities");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Until a card shows who is on call and what changed, of itself and of what it depends on; its size.
async fn wait_for_full_card(client: &HttpClient, port: u16) -> usize {
    let started = Instant::now();
    loop {
        let card = ask(client, port, 41).await.expect("an answer");
        if ["on call", "v2026.47.2", "Nightly checks", "Retry what times out"].iter().all(|part| card.contains(part)) {
            return card.len();
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the card was never full: {card}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sends at a steady rate, whether or not earlier answers have come. Gives each answer's delay since it was due.
async fn load(client: &HttpClient, port: u16, arguments: &Arguments, seconds: u64) -> Vec<Duration> {
    let total = arguments.rate * seconds;
    let started = Instant::now();
    let mut answers = tokio::task::JoinSet::new();
    for number in 0..total {
        let due = started + Duration::from_nanos(number * 1_000_000_000 / arguments.rate);
        tokio::time::sleep_until(due.into()).await;
        let client = client.clone();
        // A step that shares no factor with the number of entities visits all of them.
        let entity = (number as usize * 7_919) % arguments.entities;
        answers.spawn(async move {
            ask(&client, port, entity).await.expect("an answer");
            due.elapsed()
        });
    }
    answers.join_all().await
}

/// The answer's body.
async fn ask(client: &HttpClient, port: u16, entity: usize) -> Result<String, String> {
    let name = if entity.is_multiple_of(20) { format!("team-{}", entity / 20) } else { format!("service-{entity}") };
    let body = format!(
        "token=x&team_id=T0001&team_domain=acme&channel_id=C0001&channel_name=ops&user_id=U0001&user_name=ada&command=%2Fowner\
         &text={name}&api_app_id=A1&response_url=http%3A%2F%2F127.0.0.1%3A9%2Fr&trigger_id=1.2.3"
    );
    let timestamp = chrono::Utc::now().timestamp();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key");
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let request = axum::http::Request::post(format!("http://127.0.0.1:{port}/slack/commands"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", timestamp.to_string())
        .header("x-slack-signature", format!("v0={}", hex::encode(mac.finalize().into_bytes())))
        .body(Full::from(body))
        .expect("a request");
    let answer = client.request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let is_answer = status.is_success() && body.windows(name.len()).any(|window| window == name.as_bytes());
    let body = String::from_utf8_lossy(&body).into_owned();
    if is_answer { Ok(body) } else { Err(format!("{status}: {body}")) }
}

fn measure_hostile_input(binary: &Path, folder: &Path) {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let inputs: [(&str, Vec<u8>); 5] = [
        ("aliases that expand to 10 GB", bomb.into_bytes()),
        ("100,000 levels deep", "[".repeat(100_000).into_bytes()),
        ("10 MB", format!("kind: Component\n# {}\n", "x".repeat(10_000_000)).into_bytes()),
        ("broken UTF-8", b"kind: Comp\xff\xfeonent\n".to_vec()),
        ("NUL bytes", b"kind: Comp\0onent\n".to_vec()),
    ];
    for (what, bytes) in inputs {
        let file = folder.join("catalog-info.yaml");
        std::fs::write(&file, bytes).expect("a written file");
        let started = Instant::now();
        let output = steward(binary, folder).args(["lint", "--format", "json"]).arg(&file).output().expect("the binary runs");
        let took = started.elapsed().as_millis();
        let text = String::from_utf8_lossy(&output.stdout);
        let verdict: serde_json::Value = text.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        println!("lint of {what}: {took} ms, {}", verdict["error"].as_str().unwrap_or("NO ERROR"));
    }
}

struct Running(Child);

impl Running {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The private database outlives a killed server, as it should; here it has to go.
fn stop_database(folder: &Path) {
    let file = folder.join("data/postgres/cluster/postmaster.pid");
    if let Some(pid) = std::fs::read_to_string(file).ok().and_then(|text| text.lines().next().map(str::to_owned)) {
        let _ = Command::new("kill").args(["-INT", &pid]).status();
    }
}

fn memory(server: &Child) -> String {
    memory_of(server.id())
}

fn memory_of(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let megabytes = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    };
    format!("{:.0} MB now, {:.0} MB at its peak", megabytes("VmRSS"), megabytes("VmHWM"))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
