//! The recipes for CI: every command in them is run as the CI system would, in a repository of its own.
//!
//! What the systems themselves do (check out, cache, upload) is left out; `cargo` and `gh` are stubs.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use mailproof_tests::program::{Ended, is_installed, mailproof, program, skipped};
use saphyr::{LoadableYamlNode as _, Yaml};

const CASE: &str = "cert/trust/self-signed#smtp-implicit";

/// What a variable of the script needs of the program: the help that shows whether it is there.
const WANTS: &[(&str, &[&str], &str)] = &[
    ("MAILPROOF_SNAPSHOTS", &["run", "--help"], "--snapshots"),
    ("MAILPROOF_SARIF", &["--help"], "\n  report "),
    ("MAILPROOF_BASE", &["--help"], "\n  diff "),
];

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci")
}

/// A client's repository with the script in it, and the programs that the recipes call.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["ci", "bin", "tests/mail"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::copy(recipes().join("mailproof.sh"), path("ci/mailproof.sh")).unwrap();
        symlink(program(), path("bin/mailproof")).unwrap();
        stub(
            &path("bin/cargo"),
            "root=; while [ $# -gt 0 ]; do case $1 in --root) root=$2 ;; esac; shift; done\n\
             [ -z \"$root\" ] || { mkdir -p \"$root/bin\"; ln -s \"$(command -v mailproof)\" \"$root/bin/mailproof\"; }\n",
        );
        stub(&path("bin/gh"), "echo \"$@\" >>gh.log\n");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a text of a recipe. Variables that this program cannot serve are left out, and that is said.
    fn run(&self, shell: &[&str], text: &str, variables: &[(String, String)]) -> Ended {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.path("bin");
        let mut command = Command::new(shell[0]);
        command
            .args(&shell[1..])
            .args(["-c", text])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("GITHUB_STEP_SUMMARY", self.path("page.md"))
            .env(
                "MAILPROOF_ARGUMENTS",
                format!("reference -i {CASE} --seed 1 --quiet"),
            );
        let calls_script = text.contains("mailproof.sh");
        for (name, value) in variables {
            if !(calls_script && is_lacking(name)) {
                command.env(name, value);
            }
        }
        command.output().unwrap().into()
    }

    /// Runs the text that runs mailproof. Where it has no snapshots yet, they are accepted.
    fn run_mailproof(&self, shell: &[&str], text: &str, variables: &[(String, String)]) {
        let mut ended = self.run(shell, text, variables);
        if ended.code == Some(6) {
            let folder = self.path("tests/mail");
            let folder = folder.to_str().unwrap();
            let accepted = mailproof(&["snapshot", "accept", "--snapshots", folder, "--all"]);
            assert_eq!(accepted.code, Some(0), "{accepted:?}");
            ended = self.run(shell, text, variables);
        }
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

fn stub(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether the program cannot do what a variable asks the script for.
fn is_lacking(variable: &str) -> bool {
    let wanted = WANTS.iter().find(|it| it.0 == variable);
    let lacking = wanted.is_some_and(|(_, help, word)| !mailproof(help).stdout.contains(word));
    if lacking {
        skipped(&format!(
            "{variable} of docs/ci: this mailproof has no such thing"
        ));
    }
    lacking
}

fn has(variable: &str) -> bool {
    !is_lacking(variable)
}

fn text(name: &str) -> String {
    fs::read_to_string(recipes().join(name)).unwrap()
}

/// The variables below a key, expressions filled in.
fn variables(node: &Yaml<'_>, key: &str) -> Vec<(String, String)> {
    let Some(fields) = node.as_mapping_get(key).and_then(Yaml::as_mapping) else {
        return Vec::new();
    };
    let text = |it: &Yaml<'_>| it.as_str().expect("a text").to_owned();
    fields
        .iter()
        .map(|(name, value)| (text(name), filled(&text(value))))
        .collect()
}

/// What GitHub puts in the place of an expression.
fn filled(value: &str) -> String {
    match value
        .strip_prefix("${{")
        .and_then(|it| it.strip_suffix("}}"))
    {
        None => value.to_owned(),
        Some(expression) => match expression.trim() {
            "vars.MAILPROOF_GIT" => "https://git.example/mailproof".to_owned(),
            "vars.MAILPROOF_REV" => "v1".to_owned(),
            "github.token" => "a token".to_owned(),
            "github.event.pull_request.number" => "7".to_owned(),
            other => panic!("the test does not know {other}"),
        },
    }
}

#[test]
fn every_step_of_the_github_workflow_runs() {
    let source = text("github.yml");
    let documents = Yaml::load_from_str(&source).unwrap();
    let job = &documents[0]["jobs"]["mailproof"];
    let steps = job["steps"].as_sequence().unwrap();
    let repository = Repository::new();
    let mut ran = 0;
    for event in ["push", "pull_request"] {
        for step in steps {
            let get = |key: &str| step.as_mapping_get(key).and_then(Yaml::as_str);
            let Some(run) = get("run") else { continue };
            assert!(!run.contains("${{"), "an expression in a script: {run}");
            let only = ["push", "pull_request"]
                .into_iter()
                .find(|it| get("if").is_some_and(|text| text.contains(&format!("'{it}'"))));
            if only.is_some_and(|it| it != event) {
                continue;
            }
            let all = [variables(job, "env"), variables(step, "env")].concat();
            let shell = ["bash", "-e", "-o", "pipefail"];
            if run.contains("mailproof.sh") {
                repository.run_mailproof(&shell, run, &all);
            } else {
                let ended = repository.run(&shell, run, &all);
                assert_eq!(ended.code, Some(0), "{run}: {ended:?}");
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 6, "three steps for each event");
    for name in ["results.json", "junit.xml", "summary.md"] {
        let path = repository.path("mailproof-report").join(name);
        assert!(path.exists(), "{name}");
    }
    let page = fs::read_to_string(repository.path("page.md")).unwrap();
    assert!(page.contains("ran 1 of 1"), "{page}");
    assert!(repository.path("mailproof-base/results.json").exists());
    assert_eq!(
        repository.path("gh.log").exists(),
        has("MAILPROOF_BASE"),
        "a comment where there is a comparison"
    );
    assert_eq!(
        repository.path("mailproof-report/mailproof.sarif").exists(),
        has("MAILPROOF_SARIF")
    );
}

#[test]
fn every_script_of_the_gitlab_jobs_runs() {
    let source = text("gitlab.yml");
    let documents = Yaml::load_from_str(&source).unwrap();
    let root = &documents[0];
    let repository = Repository::new();
    for name in ["mailproof", "pages"] {
        let job = &root[name];
        let mut all = [variables(root, "variables"), variables(job, "variables")].concat();
        for (name, value) in [
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("MAILPROOF_GIT", "https://git.example/mailproof"),
            ("MAILPROOF_REV", "v1"),
        ] {
            all.push((name.to_owned(), value.to_owned()));
        }
        if name == "pages" && !repository.path("mailproof-report/report.html").exists() {
            skipped("the pages of docs/ci/gitlab.yml: this mailproof writes no report.html");
            continue;
        }
        for part in ["before_script", "script", "after_script"] {
            let lines = job.as_mapping_get(part).and_then(Yaml::as_sequence);
            let lines = lines.into_iter().flatten().filter_map(Yaml::as_str);
            let script = lines.collect::<Vec<_>>().join("\n");
            if script.contains("mailproof.sh") {
                repository.run_mailproof(&["sh", "-e"], &script, &all);
            } else {
                let ended = repository.run(&["sh", "-e"], &script, &all);
                assert_eq!(ended.code, Some(0), "{script}: {ended:?}");
            }
        }
    }
    assert!(repository.path(".mailproof/bin/mailproof").exists());
    assert!(repository.path("mailproof-base/results.json").exists());
}

#[test]
fn the_script_packs_a_bundle_and_keeps_the_exit_code() {
    let repository = Repository::new();
    let key = repository.path("vendor.pem");
    assert_eq!(
        mailproof(&["key", "new", key.to_str().unwrap()]).code,
        Some(0)
    );
    let with = |arguments: &str| {
        let variables = [
            ("MAILPROOF_SIGN_KEY", "vendor.pem"),
            ("MAILPROOF_ARGUMENTS", arguments),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let good = format!("reference -i {CASE} --quiet");
    let ended = repository.run(&["sh"], "sh ci/mailproof.sh", &with(&good));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("verified"), "{ended:?}");
    assert!(
        repository
            .path("mailproof-report/mailproof.bundle")
            .exists()
    );

    let bad = format!("reference+accepts-any-certificate -i {CASE} --quiet");
    let ended = repository.run(&["sh"], "sh ci/mailproof.sh", &with(&bad));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(repository.path("mailproof-report/summary.md").exists());

    let ended = repository.run(&["sh"], "sh ci/mailproof.sh", &with("no-such-client"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn linters_find_nothing() {
    let rules = "{extends: default, rules: {line-length: {max: 130}, document-start: disable, \
                 truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}}}";
    let checks: [&[&str]; 5] = [
        &["yamllint", "-s", "-d", rules, "github.yml", "gitlab.yml"],
        &["actionlint", "-shellcheck=", "-pyflakes=", "github.yml"],
        &[
            "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            "github.yml",
        ],
        &[
            "check-jsonschema",
            "--builtin-schema",
            "vendor.gitlab-ci",
            "--data-transform",
            "gitlab-ci",
            "gitlab.yml",
        ],
        &["shellcheck", "mailproof.sh"],
    ];
    for check in checks.into_iter().filter(|it| is_installed(it[0])) {
        let mut command = Command::new(check[0]);
        let ended = Ended::from(
            command
                .args(&check[1..])
                .current_dir(recipes())
                .output()
                .unwrap(),
        );
        assert_eq!(ended.code, Some(0), "{check:?}: {ended:?}");
    }
}
