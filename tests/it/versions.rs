//! Ranges of versions, each ecosystem by its own documented rules.

use steward::catalog::version::{Ecosystem, Package, PackageQuery, VersionRange, compare};

use Ecosystem::{Cargo, Composer, Gem, Go, Maven, Npm, Nuget, Other, Pypi};

/// Ecosystem, range, versions in it, versions out of it.
type Case = (Ecosystem, &'static str, &'static [&'static str], &'static [&'static str]);

const RANGES: [Case; 62] = [
    // The same everywhere.
    (Npm, "<2.17", &["2.16.0", "0.1.0", "2.16.9-beta.1"], &["2.17.0", "2.17.1", "10.0.0"]),
    (Cargo, "<2.17", &["2.16.0", "2.16.9-beta.1"], &["2.17.0", "10.0.0"]),
    (Maven, "<2.17", &["2.16.0", "2.9.1", "2.0-beta9", "2.17.0-rc1"], &["2.17", "2.17.0", "2.17.1"]),
    (Pypi, "<2.17", &["2.16.0", "2.9.1", "2.16rc1"], &["2.17", "2.17.0", "2.17rc1", "2.17.0.post1", "1!0.1"]),
    (Go, "<v2.17.0", &["v2.16.0", "2.16.0"], &["v2.17.0", "v2.17.1+incompatible"]),
    (Gem, "<2.17", &["2.16.0", "2.17.0.rc1"], &["2.17", "2.17.0", "2.18"]),
    (Nuget, "<2.17", &["2.16.0", "2.16.9.4", "2.17.0-rc1"], &["2.17", "2.17.0.0", "2.17.0.1"]),
    (Other, "<2.17", &["2.16.0", "v2.16"], &["2.17", "3"]),
    (Npm, ">=1.0.0 <2.0.0", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0"]),
    (Cargo, ">=1 <2", &["1.0.0", "1.9.9"], &["0.9.9", "2.0.0", "1.0.0-rc.1"]),
    (Maven, ">= 1, < 2", &["1", "1.0.0", "1.9-sp"], &["0.9", "2.0", "1-SNAPSHOT"]),
    (Pypi, ">=1 <2", &["1.0", "1.9.9"], &["0.9", "2.0"]),
    (Go, ">=1.2.0 <1.9.0", &["v1.2.0", "v1.8.9"], &["v1.1.9", "v1.9.0"]),
    (Gem, ">=1 <2", &["1.0", "1.9.9"], &["0.9", "2.0", "1.0.a"]),
    (Composer, ">=1<2", &["1.0", "v1.9.9"], &["0.9", "2.0"]),
    (Npm, "=1.2.3", &["1.2.3"], &["1.2.4", "1.2.3-beta"]),
    (Cargo, "=1.2.3", &["1.2.3"], &["1.2.4"]),
    (Maven, "=1.2.3", &["1.2.3", "1.2.3.Final", "1.2.3-ga"], &["1.2.4"]),
    (Pypi, "=1.2.3", &["1.2.3", "1.2.3.0"], &["1.2.4", "1.2.3.post1"]),
    (Gem, "=1.2.0", &["1.2", "1.2.0"], &["1.2.0.1"]),
    (Other, "=1.2.3", &["1.2.3", "v1.2.3"], &["1.2.3.1", "1.2.3-1"]),
    // npm: <https://github.com/npm/node-semver#ranges>.
    (Npm, "^4.17.0", &["4.17.0", "4.99.1"], &["4.16.9", "5.0.0", "4.18.0-beta.1"]),
    (Npm, "^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.2.2"]),
    (Npm, "^0.0.3", &["0.0.3"], &["0.0.4"]),
    (Npm, "~1.2.3", &["1.2.3", "1.2.99"], &["1.3.0", "1.2.2"]),
    (Npm, "~1", &["1.0.0", "1.9.0"], &["2.0.0"]),
    (Npm, "^1.2.3-beta.2", &["1.2.3-beta.2", "1.2.3-beta.4", "1.2.3", "1.9.0"], &["1.2.4-beta.2", "1.2.3-beta.1"]),
    (Npm, "1.2.x", &["1.2.0", "1.2.8"], &["1.3.0"]),
    (Npm, "1.2.3 - 2.3.4", &["1.2.3", "2.3.4"], &["2.3.5", "1.2.2"]),
    (Npm, "<1.0.0 || >=2.3.1 <2.4.5", &["0.9.0", "2.3.1", "2.4.4"], &["1.0.0", "2.4.5"]),
    (Npm, "1.x || >=2.5.0 || 5.0.0 - 7.2.3", &["1.2.3", "2.5.0", "9.0.0"], &["2.4.0"]),
    // Cargo: <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>.
    (Cargo, "^1.2.3", &["1.2.3", "1.9.0"], &["2.0.0", "1.2.2", "1.3.0-alpha"]),
    (Cargo, "1.2.3", &["1.2.3", "1.9.0"], &["2.0.0"]),
    (Cargo, "^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]),
    (Cargo, "~1.2", &["1.2.0", "1.2.9"], &["1.3.0"]),
    (Cargo, "1.2.*", &["1.2.0", "1.2.9"], &["1.3.0"]),
    (Cargo, "<=1.2", &["1.2.0", "1.2.9", "1.1.0"], &["1.3.0"]),
    (Cargo, ">1.2", &["1.3.0"], &["1.2.9", "1.2.0"]),
    // Maven: <https://maven.apache.org/pom.html#dependency-version-requirement-specification>.
    (Maven, "[2.0,2.17)", &["2.0", "2.14.1", "2.16.0"], &["2.17.0", "1.2.17", "2.0-beta9"]),
    (Maven, "(,1.0]", &["0.1", "1.0", "1.0.0", "1.0-alpha-1"], &["1.0.1", "1.0-sp"]),
    (Maven, "[1.2]", &["1.2", "1.2.0"], &["1.2.1"]),
    (Maven, "[1.5,)", &["1.5", "99"], &["1.4.9", "1.5-SNAPSHOT"]),
    (Maven, "(,1.0],[1.2,)", &["0.9", "1.0", "1.2", "2"], &["1.1"]),
    (Maven, "(,1.1),(1.1,)", &["1.0", "1.2"], &["1.1", "1.1.0"]),
    // PEP 440: <https://packaging.python.org/en/latest/specifications/version-specifiers/>.
    (Pypi, "~=2.2", &["2.2", "2.9", "2.2.post3"], &["3.0", "2.1"]),
    (Pypi, "~=1.4.5", &["1.4.5", "1.4.99"], &["1.5.0", "1.4.4"]),
    (Pypi, "~=2.2.post3", &["2.2.post3", "2.3"], &["2.2.post2", "3"]),
    (Pypi, "==1.1.*", &["1.1", "1.1.9", "1.1a1"], &["1.2", "1.10"]),
    (Pypi, "!=1.1", &["1.0", "1.1.1"], &["1.1", "1.1.0"]),
    (Pypi, ">1.7", &["1.7.1", "1.8"], &["1.7", "1.7.post1"]),
    (Pypi, "<=1.0", &["1.0", "1.0.dev456", "1.0a1", "1.0rc1"], &["1.0.post1", "1.0.1"]),
    (Pypi, ">=1!1.0", &["1!1.0", "2!0.1"], &["5.0", "1!0.9"]),
    (Pypi, ">=1.0.dev1,<1.0rc1", &["1.0.dev456", "1.0a2.dev456", "1.0b2"], &["1.0", "1.0rc1"]),
    // Go: <https://go.dev/ref/mod#pseudo-versions>.
    (Go, "<v0.3.8", &["v0.3.7", "v0.0.0-20191109021931-daa7c04131f5", "v0.3.8-0.20220101000000-abcdefabcdef"], &["v0.3.8"]),
    (
        Go,
        "<v0.0.0-20220314234659-1baeb1ce4c0b",
        &["v0.0.0-20191109021931-daa7c04131f5"],
        &["v0.0.0-20220314234659-1baeb1ce4c0b", "v0.0.0-20220315160706-3147a52a75dd", "v0.1.0"],
    ),
    (Go, "=v2.0.0", &["v2.0.0", "v2.0.0+incompatible"], &["v2.0.1", "v2.0.0-rc.1"]),
    // RubyGems: <https://guides.rubygems.org/patterns/#pessimistic-version-constraint>.
    (Gem, "~> 2.2", &["2.2.0", "2.9.9", "2.3.rc1"], &["3.0", "2.1", "3.0.a", "3.0.0.beta1"]),
    (Gem, "~>2.2.0", &["2.2.0", "2.2.9"], &["2.3", "2.3.0.rc1"]),
    (Gem, ">= 1.0.a", &["1.0.a", "1.0.b2", "1.0"], &["0.9"]),
    // Leniently.
    (Nuget, "[1.0,2.0)", &["1.0.0", "1.9.9.9"], &["2.0.0", "0.9"]),
    (Composer, "~1.2", &["1.2.0", "1.9"], &["2.0", "1.1"]),
    (Composer, "^1.2.3", &["1.2.3", "v1.9.0"], &["2.0.0", "1.2.2", "2.0.0-RC1"]),
];

#[test]
fn ranges_hold_what_their_ecosystem_says() {
    let mut wrong = Vec::new();
    for (ecosystem, written, inside, outside) in RANGES {
        let range = match VersionRange::parse(ecosystem, written) {
            Ok(range) => range,
            Err(bad) => {
                wrong.push(format!("{ecosystem} {bad}"));
                continue;
            }
        };
        let expected = inside.iter().map(|version| (version, true)).chain(outside.iter().map(|version| (version, false)));
        for (version, is_in) in expected {
            if range.contains(version) != Ok(is_in) {
                wrong.push(format!("{ecosystem} {written}: {version} is {:?}, not {is_in}", range.contains(version)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Oldest first.
const ORDERS: [(Ecosystem, &[&str]); 9] = [
    // `ComparableVersion`'s documentation: alpha < beta < milestone < rc = cr < snapshot < "" = final = ga < sp.
    (Maven, &["1-alpha-1", "1-beta-2", "1-milestone-1", "1-rc", "1-SNAPSHOT", "1", "1-sp", "1-abc", "1-pom-1", "1-1", "1.1"]),
    (Maven, &["2.0-alpha", "2.0-beta9", "2.0-rc1", "2.0", "2.9.1", "2.10", "2.17.0", "2.17.1"]),
    (Maven, &["1-foo2", "1-foo10", "1-1-snapshot", "1-1", "1-2", "1-123", "1.1"]),
    (Maven, &["1-sp-1", "1-ga-1", "1-2", "1.0.1", "1.0.2-jre", "20190126.230843", "1234567890.12345"]),
    (
        Pypi,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ],
    ),
    (
        Npm,
        &[
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
    ),
    (Gem, &["1.0.a", "1.0.a2", "1.0.b1", "1.0", "1.0.1", "1.1.rc1", "1.1", "1.10"]),
    (Go, &["v0.0.0-20191109021931-daa7c04131f5", "v0.1.0-rc.1", "v0.1.0", "v0.1.1-0.20200101000000-abcdefabcdef", "v1.10.0"]),
    (Nuget, &["1.0.0-alpha2", "1.0.0-alpha10", "1.0.0-RC1", "1.0.0", "1.0.0.1", "1.0.1", "1.10"]),
];

#[test]
fn versions_are_ordered_as_documented() {
    for (ecosystem, versions) in ORDERS {
        for (at, pair) in versions.windows(2).enumerate() {
            assert!(compare(ecosystem, pair[0], pair[1]).is_lt(), "{ecosystem} {at}: {} before {}", pair[0], pair[1]);
        }
        let (first, last) = (versions[0], versions[versions.len() - 1]);
        assert!(compare(ecosystem, last, first).is_gt(), "{ecosystem}: {first} before {last}");
    }
}

#[test]
fn mavens_equal_versions_are_equal() {
    for (one, other) in [
        ("1.ga", "1-ga"),
        ("1-ga", "1"),
        ("1.0", "1"),
        ("1-0", "1"),
        ("1.final", "1"),
        ("1.release", "1"),
        ("1a1", "1-alpha-1"),
        ("1b2", "1-beta-2"),
        ("1m3", "1-milestone-3"),
        ("1-cr1", "1-rc1"),
        ("1.foo", "1-foo"),
        ("5.0.0.RELEASE", "5"),
        ("1-X", "1-x"),
    ] {
        let range = VersionRange::parse(Maven, &format!("={one}")).unwrap();
        assert_eq!(range.contains(other), Ok(true), "{one} and {other}");
    }
}

#[test]
fn what_is_no_version_is_unreadable_and_no_range_is_refused_with_a_reason() {
    let range = |ecosystem| VersionRange::parse(ecosystem, "<2.17").unwrap();
    for ecosystem in [Npm, Cargo, Maven, Pypi, Go, Gem, Nuget, Composer, Other] {
        for version in ["", "^1.2", ">= 1.0, < 2", "main", "*", "1.0 || 2.0", "dev-master", "latest", &"1".repeat(200)] {
            assert!(range(ecosystem).contains(version).is_err(), "{ecosystem} {version}");
        }
        for written in ["", "<", "2.17 nonsense", "<<1", "[1,2", "newest", "<2.17 ||", &"1".repeat(200)] {
            assert!(VersionRange::parse(ecosystem, written).is_err(), "{ecosystem} “{written}”");
        }
        for example in ecosystem.example().split(" or ") {
            assert!(VersionRange::parse(ecosystem, example).is_ok(), "{ecosystem}: its own example {example}");
        }
    }
    assert!(VersionRange::parse(Maven, "[2.0,1.0]").unwrap_err().to_string().contains("lower end"));
    assert!(VersionRange::parse(Maven, "^1.0").unwrap_err().to_string().contains("Maven does not know"));
}

#[test]
fn packages_are_named_as_people_and_lists_name_them() {
    let key = |text: &str| {
        let query = PackageQuery::parse(text).unwrap_or_else(|| panic!("{text}"));
        format!("{} {}", query.ecosystem.as_deref().unwrap_or("any"), query.key)
    };
    assert_eq!(key("log4j-core"), "any log4j-core");
    assert_eq!(key("maven:log4j-core"), "maven log4j-core");
    assert_eq!(key("org.apache.logging.log4j:log4j-core"), "maven org.apache.logging.log4j:log4j-core");
    assert_eq!(key("maven:org.apache.logging.log4j:log4j-core"), "maven org.apache.logging.log4j:log4j-core");
    assert_eq!(key("npm:@Babel/core"), "npm @babel/core");
    assert_eq!(key("pip:Flask_SQLAlchemy"), "pypi flask-sqlalchemy");
    assert_eq!(key("go:github.com/gin-gonic/gin"), "golang github.com/gin-gonic/gin");
    assert_eq!(key("pkg:npm/%40babel/core@7.1.0"), "npm @babel/core");
    assert_eq!(PackageQuery::parse("pkg:npm/%40babel/core@7.1.0").unwrap().version.as_deref(), Some("7.1.0"));
    assert_eq!(PackageQuery::parse(" "), None);
    assert_eq!(PackageQuery::parse("pkg:nonsense"), None);

    let read = |purl: &str| {
        let package = Package::parse_purl(purl).unwrap_or_else(|| panic!("{purl}"));
        (package.name.clone(), package.version.clone(), package.tail())
    };
    let owned = |name: &str, version: &str, tail: &str| (name.to_owned(), version.to_owned(), tail.to_owned());
    let log4j = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1";
    assert_eq!(read(log4j), owned("org.apache.logging.log4j:log4j-core", "2.14.1", "log4j-core"));
    assert_eq!(read("pkg:npm/%40types/node@18.0.0"), owned("@types/node", "18.0.0", "node"));
    assert_eq!(read("pkg:golang/github.com/go-chi/chi/v5@5.0.1"), owned("github.com/go-chi/chi/v5", "5.0.1", "chi"));
    assert_eq!(read("pkg:pypi/Flask_SQLAlchemy"), owned("flask-sqlalchemy", "", "flask-sqlalchemy"));
    assert_eq!(Package::parse_purl("no purl"), None);
}
