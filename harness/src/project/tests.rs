//! What may be written in a file, and what is told of what may not.

use std::{fs, path::Path};

use mailproof_scenarios::language::Source;
use proptest::{prop_assert, proptest};
use test_case::test_case;

use super::*;

const EVERYTHING: &str = r#"
adapter     = "adapters/crm.toml"
profile     = "submission-client"
scenarios   = ["mail/scenarios", "/else/where"]
expect      = "known.toml"
snapshots   = "snapshots"
out         = "report"
include     = ["smtp/**", "tag:slow"]
exclude     = "needs:ports"
jobs        = 3
seed        = "0x10"
timeout     = "500ms"
lab         = true
require     = [200, "cert/*"]
require-lab = true
fail-on     = ["should", "inconclusive"]

[reach]
bind       = "0.0.0.0"
advertise  = "mail.test.example"
port-map   = ["587=10587", "993=10993"]
allow-from = ["172.16.0.0/12"]
ca         = "ca"
chain      = "tls/chain.pem"
key        = "tls/key.pem"
"#;

fn parse(text: &str) -> Result<Project, mailproof_scenarios::language::Problems> {
    let path = Path::new("repo/mailproof.toml");
    file::project(&Source::new(path.display().to_string(), text), path)
}

#[test]
fn every_key() {
    let project = parse(EVERYTHING).unwrap_or_else(|problems| panic!("{problems}"));
    let paths = |it: &[&str]| Some(it.iter().map(PathBuf::from).collect::<Vec<_>>());
    let texts = |it: &[&str]| Some(it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert_eq!(project.folder(), Path::new("repo"));
    assert_eq!(
        project,
        Project {
            file: "repo/mailproof.toml".into(),
            adapter: Some("repo/adapters/crm.toml".to_owned()),
            profile: Some("submission-client".to_owned()),
            scenarios: paths(&["repo/mail/scenarios", "/else/where"]),
            expect: Some("repo/known.toml".into()),
            snapshots: Some("repo/snapshots".into()),
            out: Some("repo/report".into()),
            include: Some(vec![
                "smtp/**".parse().unwrap(),
                "tag:slow".parse().unwrap()
            ]),
            exclude: Some(vec!["needs:ports".parse().unwrap()]),
            jobs: NonZeroUsize::new(3),
            seed: Some(16),
            timeout: Some(Duration::from_millis(500)),
            lab: Some(true),
            require: Some(vec![Require::AtLeast(200), "cert/*".parse().unwrap()]),
            require_lab: Some(true),
            fail_on: Some(vec![FailOn::Should, FailOn::Inconclusive]),
            reach: Reach {
                bind: texts(&["0.0.0.0"]),
                advertise: Some(vec!["mail.test.example".to_owned()]),
                port_map: texts(&["587=10587", "993=10993"]),
                allow_from: texts(&["172.16.0.0/12"]),
                ca: Some("repo/ca".into()),
                chain: Some("repo/tls/chain.pem".into()),
                key: Some("repo/tls/key.pem".into()),
            },
        }
    );
}

#[test]
fn an_empty_file_says_nothing() {
    let file = PathBuf::from("repo/mailproof.toml");
    assert_eq!(
        parse("").unwrap(),
        Project {
            file,
            ..Project::default()
        }
    );
}

#[test_case("adaptor = 'curl'" => "1:1: unknown field `adaptor` | did you mean `adapter`?"; "key")]
#[test_case("\n[reach]\nallow_from = []" => "3:1: unknown field `allow_from` | did you mean `allow-from`?"; "key of a table")]
#[test_case("jobs = 0" => "1:8: at least one case at a time is run | "; "no jobs")]
#[test_case("jobs = 'two'" => "1:8: invalid type: string \"two\", expected i64 | "; "no number")]
#[test_case("seed = -1" => "1:8: a seed is a number from 0 to 18446744073709551615 | "; "seed")]
#[test_case("lab = 'yes'" => "1:7: invalid type: string \"yes\", expected a boolean | "; "no boolean")]
#[test_case("timeout = '10'" => "1:11: a time is written `500ms`, `10s` or `2m` | "; "time")]
#[test_case("fail-on = ['must', 'shuold']"
    => "1:20: `shuold` is none of must, should, inconclusive | did you mean `should`?"; "word")]
#[test_case("include = ['smtp/**', 'tags:x']"
    => "1:23: nothing is selected by `tags:` | did you mean `tag`? (there are id, tag, clause, severity, covers, kind, needs)";
    "pattern")]
#[test_case("exclude = 'severity:bad'" => "1:11: `bad` is none of critical, high, medium, low | "; "one text")]
#[test_case("require = [1, 'tag:x']" => "1:15: a number or a pattern for ids, as `200` or `cert/*` | "; "demand")]
#[test_case("adapter = ' '" => "1:11: an empty name is no name | "; "name")]
#[test_case("out = ''" => "1:7: an empty path is no path | "; "path")]
#[test_case("[reach]\nadvertise = ''" => "2:13: an empty text says nothing | "; "text")]
#[test_case("scenarios = { a = 1 }" => "1:13: invalid type: map, expected a text or a list of texts | "; "shape")]
#[test_case("jobs = 1\njobs = 2" => "2:1: duplicate key | "; "twice")]
fn what_is_wrong_is_told_with_its_place(text: &str) -> String {
    let problems = parse(text).unwrap_err();
    let problem = problems.iter().next().unwrap();
    let (line, column) = problem.position();
    let message = problem.message().lines().next().unwrap_or_default();
    // serde lists all the keys behind the first.
    let message = message.split(", expected one of").next().unwrap();
    let help = problem.suggestion().unwrap_or_default();
    format!("{line}:{column}: {message} | {help}")
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let problems = parse("jobs = 0\ntimeout = '0s'\nfail-on = 'never'").unwrap_err();
    assert_eq!(problems.iter().count(), 3, "{problems}");
    assert!(problems.to_string().contains("repo/mailproof.toml:2:11"));
}

#[test]
fn the_nearest_file_above_counts() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b/c");
    fs::create_dir_all(&inner).unwrap();
    fs::write(dir.path().join(NAME), "adapter = 'outer.toml'").unwrap();
    let found = find(&inner).unwrap().unwrap();
    let outer = dir.path().join("outer.toml").display().to_string();
    assert_eq!(found.adapter, Some(outer));
    fs::write(dir.path().join("a/b").join(NAME), "adapter = 'curl'").unwrap();
    let found = find(&inner).unwrap().unwrap();
    assert_eq!(found.file, dir.path().join("a/b").join(NAME));
    assert_eq!(found.adapter.as_deref(), Some("curl"));
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(NAME), [0xff, 0xfe]).unwrap();
    let error = find(dir.path()).unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
    let big = "#".repeat(1 << 20) + "\n";
    fs::write(dir.path().join(NAME), big).unwrap();
    let error = find(dir.path()).unwrap_err().to_string();
    assert!(error.contains("larger than 1024 KiB"), "{error}");
    assert!(read(&dir.path().join("none.toml")).is_err());
}

proptest! {
    #[test]
    fn no_text_is_too_odd_to_be_told_about(text in ".{0,200}") {
        if let Err(problems) = parse(&text) {
            prop_assert!(problems.to_string().contains("repo/mailproof.toml"));
        }
    }
}
