//! Which CI a repository has, by the files that set it up. Must not name a project there that no file proves.

/// File, or folder with a slash at its end, and whose it is.
const CI: [(&str, &str); 8] = [
    (".github/workflows/", "GitHub Actions"),
    (".circleci/config.yml", "CircleCI"),
    (".buildkite/pipeline.yml", "Buildkite"),
    (".gitlab-ci.yml", "GitLab CI"),
    (".travis.yml", "Travis CI"),
    ("azure-pipelines.yml", "Azure Pipelines"),
    ("bitbucket-pipelines.yml", "Bitbucket Pipelines"),
    ("Jenkinsfile", "Jenkins"),
];

/// CircleCI's project of a repository: the only one whose name follows from the repository's own.
pub const CIRCLE_CI: &str = "circleci.com/project-slug";

const CIRCLE_CI_FILE: &str = ".circleci/config.yml";

/// Each CI that was seen, and the first of its files.
pub fn find_ci(paths: &[String]) -> Vec<(&'static str, &str)> {
    let seen = CI.iter().filter_map(|(place, name)| {
        let is_one = |path: &&String| match place.strip_suffix('/') {
            Some(_) => path.starts_with(place) && (path.ends_with(".yml") || path.ends_with(".yaml")),
            None => path == place,
        };
        Some((*name, paths.iter().find(is_one)?.as_str()))
    });
    seen.collect()
}

/// The project at CircleCI and the file that proves it (<https://circleci.com/docs/guides/orchestrate/pipelines/>).
pub fn circle_ci(full_name: &str, paths: &[String]) -> Option<(String, &'static str)> {
    paths.iter().any(|path| path == CIRCLE_CI_FILE).then(|| (format!("github/{full_name}"), CIRCLE_CI_FILE))
}
