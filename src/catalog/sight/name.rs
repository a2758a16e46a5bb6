//! The service behind a name that machines made: pods, hosts, alert and metric names, environments.
//! Must not know which names there are; it gives what may be one, best first.

/// The letters of the random ends of Kubernetes' names
/// (<https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go>): no vowels, nothing alike.
const RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Parts of names that say where or how something runs, not what it is.
const SURROUNDINGS: [&str; 26] = [
    "prod",
    "production",
    "prd",
    "staging",
    "stage",
    "stg",
    "dev",
    "test",
    "qa",
    "live",
    "canary",
    "primary",
    "replica",
    "standby",
    "blue",
    "green",
    "svc",
    "deployment",
    "deploy",
    "pod",
    "lb",
    "internal",
    "eu",
    "us",
    "main",
    "v1",
];

/// Longer names are none.
const LONGEST: usize = 253;

/// What a pod or workload's name may stand for: itself first, then without its random and numbered ends.
pub(super) fn of_workload(name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    if name.len() > LONGEST {
        return names;
    }
    let parts: Vec<&str> = name.split('-').collect();
    let is_random = |part: &str| part.len() == 5 && part.chars().all(|letter| RANDOM.contains(letter));
    let is_hash = |part: &str| {
        (8..=10).contains(&part.len())
            && part.chars().all(|letter| letter.is_ascii_alphanumeric())
            && part.contains(|letter: char| letter.is_ascii_digit())
    };
    let is_number = |part: &str| !part.is_empty() && part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    let ends = |number: usize| (parts.len() > number).then(|| parts[..parts.len() - number].join("-"));
    match parts.as_slice() {
        // A Deployment's pod: payments-api-7d9f6c9b5-x2x4z; a CronJob's: invoicing-28411200-abcde.
        [.., hash, random] if is_random(random) && (is_hash(hash) || is_number(hash)) => names.extend(ends(2)),
        // A DaemonSet's or Job's pod.
        [.., random] if is_random(random) => names.extend(ends(1)),
        // A ReplicaSet, a StatefulSet's pod, a CronJob's job.
        [.., end] if is_hash(end) || is_number(end) => names.extend(ends(1)),
        _ => {}
    }
    for at in 0..names.len() {
        names.extend(without_surroundings(&names[at].clone()));
    }
    names.dedup();
    names
}

/// `payments-api` of `payments-api-prod` and `prod-payments-api`; each part taken off gives another name.
fn without_surroundings(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut parts: Vec<&str> = name.split(['-', '_']).collect();
    while parts.len() > 1 {
        if is_surrounding(parts[parts.len() - 1]) {
            parts.pop();
        } else if is_surrounding(parts[0]) {
            parts.remove(0);
        } else {
            break;
        }
        names.push(parts.join("-"));
    }
    names
}

fn is_surrounding(part: &str) -> bool {
    SURROUNDINGS.iter().any(|known| part.eq_ignore_ascii_case(known))
}

/// The names in a host's name: the whole of it, then its labels before the domain as a workload's.
pub(super) fn of_host(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned()];
    let labels: Vec<&str> = host.split('.').collect();
    let first = labels.first().copied().unwrap_or_default();
    names.extend(of_workload(first));
    // A stateful set's pod behind its service: 0.payments-api.prod.svc, www.checkout.example.com.
    if (is_surrounding(first) || first == "www" || first.bytes().all(|byte| byte.is_ascii_digit())) && labels.len() > 2 {
        names.extend(of_workload(labels[1]));
    }
    names
}

/// The beginnings of an alert's or metric's name: `payments-api` of `PaymentsApiErrorRateHigh` and of
/// `payments_api_requests_total`, longest first. A single word is none: half of all metrics begin with one.
pub(super) fn of_alert(name: &str) -> Vec<String> {
    let tokens = humps(name);
    let longest = tokens.len().saturating_sub(1).min(5);
    (2..=longest).rev().map(|length| tokens[..length].join("-")).collect()
}

/// Whether it reads as an alert's or metric's name: humps within, or underscores.
pub(super) fn is_alert(name: &str) -> bool {
    let hump = name.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    (hump || name.contains('_')) && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn humps(name: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let letters: Vec<char> = name.chars().collect();
    let mut token = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && letters[at - 1].is_lowercase();
        // The last capital of "APIError" begins the next word.
        let before_lower =
            at > 0 && letters[at - 1].is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if (letter.is_uppercase() && (after_lower || before_lower) || *letter == '_') && !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        if *letter != '_' {
            token.extend(letter.to_lowercase());
        }
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}
