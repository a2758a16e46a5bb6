//! What in a text may name something: addresses, labels, hosts, words. Must not know which names there are.

use url::Url;

/// More than any alert holds; what comes after it is not looked at.
const LONGEST_TEXT: usize = 60_000;
const MOST_WORDS: usize = 6_000;
const MOST_ADDRESSES: usize = 100;

/// Labels that say which service it is.
const OWN_LABELS: [&str; 34] = [
    "service",
    "services",
    "service_name",
    "servicename",
    "service.name",
    "app",
    "app_name",
    "application",
    "component",
    "deployment",
    "kube_deployment",
    "kube_app_name",
    "kube_service",
    "app.kubernetes.io/name",
    "k8s-app",
    "container",
    "container_name",
    "pod",
    "pod_name",
    "kube_stateful_set",
    "statefulset",
    "daemonset",
    "cronjob",
    "entity",
    "destination_service",
    "destination_workload",
    "workload",
    "project",
    "project_slug",
    "source",
    "topic",
    "queue",
    "affected service",
    "impacted service",
];

/// Labels that say where it runs, or what watches it.
const PLACE_LABELS: [&str; 16] = [
    "job",
    "instance",
    "host",
    "hostname",
    "node",
    "namespace",
    "kube_namespace",
    "cluster",
    "database",
    "db",
    "dbname",
    "system",
    "consumergroup",
    "consumer_group",
    "server",
    "dashboard",
];

const REPOSITORY_LABELS: [&str; 4] = ["repo", "repository", "git_repository", "git.repository_url"];

const TEAM_LABELS: [&str; 4] = ["team", "owner", "squad", "responsible"];

/// What a label's value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Service,
    Place,
    Repository,
    Team,
}

/// What stands in the texts, each in the order written.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub addresses: Vec<Url>,
    pub labels: Vec<(Says, String, String)>,
    /// Runs of characters without space, freed of the marks around them.
    pub words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    /// Marked as a name: `code`, [brackets], or at the beginning of a line before a colon.
    pub marked: bool,
    /// Whether the next word goes on behind it: no sentence or line ends between.
    pub goes_on: bool,
}

pub(super) fn read(texts: &[String]) -> Found {
    let mut found = Found::default();
    let mut left = LONGEST_TEXT;
    for text in texts {
        let text = text.get(..left.min(text.len())).unwrap_or(text);
        left = left.saturating_sub(text.len());
        // Markup of Slack stands in texts that come as they were sent.
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        for line in text.lines() {
            found.read_line(line);
        }
        if left == 0 || found.words.len() > MOST_WORDS {
            break;
        }
    }
    found
}

impl Found {
    fn read_line(&mut self, line: &str) {
        let mut prose = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
            prose.push_str(&rest[..at]);
            let ends = |letter: char| letter.is_whitespace() || "<>|\"'`)]}\\".contains(letter);
            let end = rest[at..].find(ends).map_or(rest.len(), |end| at + end);
            let address = rest[at..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
            if let (Ok(url), true) = (Url::parse(address), self.addresses.len() < MOST_ADDRESSES) {
                self.addresses.push(url);
            }
            prose.push(' ');
            rest = &rest[end..];
        }
        prose.push_str(rest);
        self.read_labels(&prose);
        self.read_words(&prose);
    }

    /// `service=payments-api`, `service: payments-api`, `"service": "payments-api"`, `service:payments-api`.
    fn read_labels(&mut self, line: &str) {
        for (at, mark) in line.char_indices().filter(|(_, letter)| matches!(letter, '=' | ':')) {
            let before = line[..at].trim_end_matches([' ', '"', '\'', '*', '_', '`', '\\', ']']);
            let is_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/');
            let start = before
                .rfind(|letter: char| !is_key(letter))
                .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
            let key = before[start..].to_lowercase();
            let longer = before[..start].trim_end().rsplit(' ').next().unwrap_or_default().to_lowercase();
            let Some(says) = says(&format!("{longer} {key}")).or_else(|| says(&key)) else { continue };
            let after = line[at + mark.len_utf8()..].trim_start_matches([' ', '"', '\'', '*', '_', '`', '~', '=', '\\', '[']);
            // A title may hold spaces; a value ends where the next label or mark stands.
            let end = after.find(['"', '\'', ',', ';', '|', '}', ')', '`', '*', '\\', ']', '\t', '<']).unwrap_or(after.len());
            let value = after[..end].trim();
            let first = value.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ':', '!']);
            let whole = value.split("  ").next().unwrap_or_default().trim();
            for value in [whole, first] {
                if !value.is_empty() && value.len() <= 200 && !self.labels.iter().any(|(_, _, known)| known == value) {
                    self.labels.push((
                        says,
                        line[start..at].trim_matches(['"', ' ', '*', '\\', '`']).to_owned(),
                        value.to_owned(),
                    ));
                }
            }
        }
    }

    fn read_words(&mut self, line: &str) {
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/' | ':' | '@' | '#');
        let first_new = self.words.len();
        let mut rest = line;
        while let Some(start) = rest.find(is_part) {
            let before = rest[..start].chars().next_back();
            let run = &rest[start..];
            let end = run.find(|letter| !is_part(letter)).unwrap_or(run.len());
            let after = run[end..].chars().next();
            let text = run[..end].trim_matches(['.', ':', '-', '/', '#', '_', '@']);
            let in_marks = matches!((before, after), (Some('`'), Some('`')) | (Some('['), Some(']')));
            let heads_line = self.words.len() == first_new && run[..end].ends_with(':');
            if !text.is_empty() && self.words.len() < MOST_WORDS {
                let ends = run[..end].ends_with(['.', ':']) || after.is_some_and(|letter| !letter.is_whitespace());
                self.words.push(Word { text: text.to_owned(), marked: in_marks || heads_line, goes_on: !ends });
            }
            rest = &run[end..];
        }
        if let Some(last) = self.words.last_mut().filter(|_| !line.is_empty()) {
            last.goes_on = false;
        }
    }
}

pub(super) fn says(key: &str) -> Option<Says> {
    let key = key.trim();
    let has = |labels: &[&str]| labels.contains(&key);
    // Grafana's variables: var-service.
    let key_is_own = has(&OWN_LABELS) || key.strip_prefix("var-").is_some_and(|key| OWN_LABELS.contains(&key));
    match () {
        () if key_is_own => Some(Says::Service),
        () if has(&PLACE_LABELS) => Some(Says::Place),
        () if has(&REPOSITORY_LABELS) => Some(Says::Repository),
        () if has(&TEAM_LABELS) => Some(Says::Team),
        () => None,
    }
}
