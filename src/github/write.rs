//! What Steward writes to GitHub, so that an author hears of a mistake where it was made: check runs, commit statuses and
//! comments. Must not decide what is said, and never writes to a repository's files.
//!
//! One attempt each: the queue tries again, and everything looks first whether it is there already.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use globset::{GlobSet, GlobSetBuilder};
use http::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    GithubSource,
    check::at_once,
    client::{Answer, Client, JSON, Tally},
    error::{Fault, GithubError},
    webhook::CHECK_NAME,
};
use crate::catalog::address::parse_glob;

/// The context of the commit status, for those who require it before a merge.
const STATUS_CONTEXT: &str = "steward/catalog";
/// Marks the comment on a pull request that is Steward's own; readers do not see it.
const COMMENT_MARK: &str = "<!-- steward:catalog -->";
/// GitHub lists no more than 3,000 files of a pull request.
const MOST_FILE_PAGES: usize = 30;
/// Comments looked through for our own; a longer discussion gets a second one.
const MOST_COMMENT_PAGES: usize = 10;
/// GitHub's own limit.
const PAGE: usize = 100;
/// Annotations in one request, GitHub's own limit.
const ANNOTATIONS_AT_ONCE: usize = 50;
/// Annotations in all: past these nobody reads on.
const MOST_ANNOTATIONS: usize = 300;
/// GitHub cuts a status's description here.
const LONGEST_DESCRIPTION: usize = 140;

/// Writes for one source.
#[derive(Debug)]
pub struct Writer {
    client: Arc<Client>,
    source: String,
    refused: Arc<AtomicBool>,
}

/// Whether GitHub took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Done,
    /// It was there already, or there was nothing to say.
    Nothing,
    /// The token or App may not: trying again is of no use.
    NotAllowed,
}

/// A pull request as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// `acme/payments-api`.
    pub repository: String,
    pub number: i64,
    /// The latest commit.
    pub head: String,
    pub is_open: bool,
}

/// What was found in a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Descriptors that it adds or changes.
    pub checked: usize,
    /// Those that were too many to be looked at.
    pub left_out: usize,
    pub remarks: Vec<Remark>,
    /// One line, no full stop.
    pub title: String,
    /// Markdown, for everybody to read.
    pub summary: String,
}

/// A fault of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub path: String,
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Which paths are descriptors.
#[derive(Debug, Clone)]
pub(super) struct DescriptorPaths(GlobSet);

impl DescriptorPaths {
    pub(super) fn new(catalog_paths: &[String]) -> Result<Self, GithubError> {
        let wrong =
            |path: &str, error: globset::Error| GithubError::Config { key: "catalog_paths", why: format!("{path}: {error}") };
        let mut set = GlobSetBuilder::new();
        for path in catalog_paths {
            let plain = path.trim_start_matches("./").trim_start_matches('/');
            set.add(parse_glob(plain).map_err(|error| wrong(path, error))?);
        }
        Ok(Self(set.build().map_err(|error| wrong("", error))?))
    }
}

impl GithubSource {
    /// Whether a path, relative to a repository's root, is that of a descriptor.
    pub fn is_descriptor(&self, path: &str) -> bool {
        self.descriptors.0.is_match(path)
    }

    pub fn writer(&self) -> Writer {
        Writer { client: Arc::clone(&self.client), source: self.id.clone(), refused: Arc::clone(&self.write_refused) }
    }
}

#[derive(Deserialize)]
struct PullAnswer {
    state: String,
    head: HeadAnswer,
}

#[derive(Deserialize)]
struct HeadAnswer {
    sha: String,
}

#[derive(Deserialize)]
struct FileAnswer {
    filename: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct CommentAnswer {
    id: i64,
    body: Option<String>,
    user: Option<UserAnswer>,
}

#[derive(Deserialize)]
struct UserAnswer {
    login: String,
}

#[derive(Deserialize)]
struct StatusAnswer {
    context: String,
    state: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct CheckRunsAnswer {
    check_runs: Vec<CheckRunAnswer>,
}

#[derive(Deserialize)]
struct CheckRunAnswer {
    #[serde(default)]
    status: String,
    external_id: Option<String>,
}

#[derive(Serialize)]
struct Said<'a> {
    body: &'a str,
}

#[derive(Serialize)]
struct Status<'a> {
    state: &'a str,
    context: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct CheckRun<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'a str>,
    output: Output<'a>,
}

#[derive(Serialize)]
struct Output<'a> {
    title: &'a str,
    summary: &'a str,
    annotations: Vec<Annotation<'a>>,
}

#[derive(Serialize)]
struct Annotation<'a> {
    path: &'a str,
    start_line: usize,
    end_line: usize,
    annotation_level: &'a str,
    message: &'a str,
}

#[derive(Deserialize)]
struct Created {
    id: i64,
}

impl Writer {
    /// Reads a pull request; `None` where there is none, or none that the token may see.
    pub async fn load_pull_request(&self, repository: &str, number: i64) -> Result<Option<PullRequest>, GithubError> {
        match self.read::<PullAnswer>(&address(repository, &["pulls", &number.to_string()])).await {
            Ok(PullAnswer { state, head }) => {
                Ok(Some(PullRequest { repository: repository.to_owned(), number, head: head.sha, is_open: state == "open" }))
            }
            Err(GithubError::Rejected { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Paths that a pull request adds or changes, not those it removes.
    pub async fn load_changed_files(&self, pull: &PullRequest) -> Result<Vec<String>, GithubError> {
        let path = address(&pull.repository, &["pulls", &pull.number.to_string(), "files"]);
        let files: Vec<FileAnswer> = self.read_pages(&path, MOST_FILE_PAGES).await?;
        Ok(files.into_iter().filter(|file| file.status != "removed").map(|file| file.filename).collect())
    }

    /// A file's contents at a commit; `None` where it is not there.
    pub async fn load_file(&self, repository: &str, path: &str, commit: &str) -> Result<Option<Vec<u8>>, GithubError> {
        let mut segments = vec!["contents"];
        segments.extend(path.split('/'));
        let request = format!("{}?ref={commit}", address(repository, &segments));
        let tally = Tally::of_job(self.client.budget.allowance());
        match self.client.rest(&tally, &request, "application/vnd.github.raw+json").await.map_err(at_once) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(GithubError::Rejected { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells the author of a pull request: a check run of an App; a commit status and one comment with a token.
    ///
    /// `fingerprint` tells one outcome from another: what was said with it already is not said again.
    pub async fn report(&self, pull: &PullRequest, review: &Review, fingerprint: &str) -> Result<Written, GithubError> {
        match self.client.installation() {
            Some(_) if review.checked == 0 => Ok(Written::Nothing),
            Some(_) => self.write_check_run(pull, review, fingerprint).await,
            None => self.write_status_and_comment(pull, review).await,
        }
    }

    /// Says something beside a commit, once: `mark` is a text without `--` that tells this from other comments.
    pub async fn comment_on_commit(
        &self,
        repository: &str,
        commit: &str,
        text: &str,
        mark: &str,
    ) -> Result<Written, GithubError> {
        let path = address(repository, &["commits", commit, "comments"]);
        let mark = format!("<!-- steward:note {mark} -->");
        let told = async {
            let comments: Vec<CommentAnswer> = self.read_pages(&path, MOST_COMMENT_PAGES).await?;
            if comments.iter().any(|comment| comment.body.as_deref().is_some_and(|body| body.starts_with(&mark))) {
                return Ok(Written::Nothing);
            }
            self.send(&Method::POST, &path, &Said { body: &format!("{mark}\n{text}") }).await?;
            Ok(Written::Done)
        };
        self.unless_refused(told.await)
    }

    /// What a token without the permission gets (403, or 404 where GitHub hides it) is no fault: nobody has to let Steward write.
    pub fn unless_refused(&self, told: Result<Written, GithubError>) -> Result<Written, GithubError> {
        match told {
            Err(GithubError::Forbidden { said } | GithubError::Rejected { status: 403 | 404 | 410, said }) => {
                if !self.refused.swap(true, Ordering::Relaxed) {
                    let source = self.source.as_str();
                    tracing::info!(
                        source,
                        said,
                        "GitHub does not let Steward write checks, statuses or comments; authors are not told there"
                    );
                }
                Ok(Written::NotAllowed)
            }
            told => told,
        }
    }

    async fn write_check_run(&self, pull: &PullRequest, review: &Review, fingerprint: &str) -> Result<Written, GithubError> {
        let listed = address(&pull.repository, &["commits", &pull.head, "check-runs"]);
        let known: CheckRunsAnswer = self.read(&format!("{listed}?check_name={CHECK_NAME}&filter=latest")).await?;
        let ours = known.check_runs.iter().find(|run| run.external_id.as_deref() == Some(fingerprint));
        if ours.is_some_and(|run| run.status == "completed") {
            return Ok(Written::Nothing);
        }
        let shown: Vec<Annotation<'_>> = review.remarks.iter().take(MOST_ANNOTATIONS).map(annotation).collect();
        let conclusion = match (review.remarks.is_empty(), review.left_out) {
            (false, _) => "failure",
            (true, 0) => "success",
            (true, _) => "neutral",
        };
        let mut parts: Vec<Vec<Annotation<'_>>> = Vec::new();
        let mut rest = shown.into_iter();
        loop {
            let part: Vec<_> = rest.by_ref().take(ANNOTATIONS_AT_ONCE).collect();
            if part.is_empty() && !parts.is_empty() {
                break;
            }
            parts.push(part);
        }
        let runs = address(&pull.repository, &["check-runs"]);
        // One that broke off before its end is not gone on with: a later run of the name takes its place.
        let mut id: Option<i64> = None;
        let last = parts.len() - 1;
        for (at, annotations) in parts.into_iter().enumerate() {
            let first = at == 0;
            let body = CheckRun {
                name: first.then_some(CHECK_NAME),
                head_sha: first.then_some(&pull.head),
                external_id: first.then_some(fingerprint),
                status: if at == last { "completed" } else { "in_progress" },
                conclusion: (at == last).then_some(conclusion),
                output: Output { title: &review.title, summary: &review.summary, annotations },
            };
            match id {
                None => id = Some(self.read_answer::<Created>(&self.send(&Method::POST, &runs, &body).await?)?.id),
                Some(id) => drop(self.send(&Method::PATCH, &format!("{runs}/{id}"), &body).await?),
            }
        }
        Ok(Written::Done)
    }

    async fn write_status_and_comment(&self, pull: &PullRequest, review: &Review) -> Result<Written, GithubError> {
        let mut written = Written::Nothing;
        if review.checked > 0 {
            written = self.write_status(pull, review).await?;
        }
        match self.write_comment(pull, review).await? {
            Written::Nothing => Ok(written),
            other @ (Written::Done | Written::NotAllowed) => Ok(other),
        }
    }

    async fn write_status(&self, pull: &PullRequest, review: &Review) -> Result<Written, GithubError> {
        let description: String = review.title.chars().take(LONGEST_DESCRIPTION).collect();
        let state = if review.remarks.is_empty() { "success" } else { "failure" };
        let listed = address(&pull.repository, &["commits", &pull.head, "statuses"]);
        // The latest comes first.
        let known: Vec<StatusAnswer> = self.read(&format!("{listed}?per_page={PAGE}")).await?;
        let ours = known.iter().find(|status| status.context.eq_ignore_ascii_case(STATUS_CONTEXT));
        if ours.is_some_and(|status| status.state == state && status.description.as_deref() == Some(description.as_str())) {
            return Ok(Written::Nothing);
        }
        let body = Status { state, context: STATUS_CONTEXT, description: &description };
        self.send(&Method::POST, &address(&pull.repository, &["statuses", &pull.head]), &body).await?;
        Ok(Written::Done)
    }

    /// One comment, changed when there is something else to say; none where all is well and nothing was said before.
    async fn write_comment(&self, pull: &PullRequest, review: &Review) -> Result<Written, GithubError> {
        let number = pull.number.to_string();
        let comments = address(&pull.repository, &["issues", &number, "comments"]);
        let known: Vec<CommentAnswer> = self.read_pages(&comments, MOST_COMMENT_PAGES).await?;
        let marked = |comment: &&CommentAnswer| comment.body.as_deref().is_some_and(|body| body.starts_with(COMMENT_MARK));
        let mut marked: Vec<&CommentAnswer> = known.iter().filter(marked).collect();
        if !marked.is_empty()
            && let Ok(UserAnswer { login }) = self.read("/user").await
        {
            // Whoever writes the mark into a comment of their own keeps it as they wrote it.
            marked.retain(|comment| comment.user.as_ref().is_none_or(|user| user.login.eq_ignore_ascii_case(&login)));
        }
        let body = format!("{COMMENT_MARK}\n{}", review.summary);
        match marked.first() {
            None if review.remarks.is_empty() => Ok(Written::Nothing),
            None => {
                self.send(&Method::POST, &comments, &Said { body: &body }).await?;
                Ok(Written::Done)
            }
            Some(comment) if comment.body.as_deref().is_some_and(|said| said.replace("\r\n", "\n") == body) => {
                Ok(Written::Nothing)
            }
            Some(comment) => {
                let path = address(&pull.repository, &["issues", "comments", &comment.id.to_string()]);
                self.send(&Method::PATCH, &path, &Said { body: &body }).await?;
                Ok(Written::Done)
            }
        }
    }

    async fn send(&self, method: &Method, path: &str, body: &impl Serialize) -> Result<Answer, GithubError> {
        let tally = Tally::of_job(self.client.budget.allowance());
        self.client.send(&tally, method, path, Some(body), JSON).await.map_err(at_once)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, GithubError> {
        let tally = Tally::of_job(self.client.budget.allowance());
        let answer = self.client.rest(&tally, path, JSON).await.map_err(at_once)?;
        self.read_answer(&answer)
    }

    fn read_answer<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, GithubError> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| at_once(Fault::Transient(format!("the answer of {} cannot be read: {error}", self.client.address))))
    }

    /// Page after page, as long as GitHub says that there is a next.
    async fn read_pages<T: DeserializeOwned>(&self, path: &str, most: usize) -> Result<Vec<T>, GithubError> {
        let tally = Tally::of_job(self.client.budget.allowance());
        let mut all = Vec::new();
        for page in 1..=most {
            let request = format!("{path}?per_page={PAGE}&page={page}");
            let answer = self.client.rest(&tally, &request, JSON).await.map_err(at_once)?;
            all.extend(self.read_answer::<Vec<T>>(&answer)?);
            let links = answer.headers.get(http::header::LINK).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !links.contains("rel=\"next\"") {
                break;
            }
        }
        Ok(all)
    }
}

fn annotation(remark: &Remark) -> Annotation<'_> {
    let Remark { path, line, message } = remark;
    Annotation { path, start_line: *line, end_line: *line, annotation_level: "failure", message }
}

/// The REST path of something in a repository, with whatever its parts hold escaped.
fn address(repository: &str, segments: &[&str]) -> String {
    let mut url = url::Url::parse("http://github").expect("a fixed address");
    url.path_segments_mut().expect("http addresses have segments").push("repos").extend(repository.split('/')).extend(segments);
    url.path().to_owned()
}
