//! No password and no token in anything that is meant to be read or passed on. `records.ndjson` is left
//! out: it holds the facts, and `rejudge` must know what to search for.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use mailproof::results::CaseResult;
use mailproof_scenarios::{library::Library, model::Canaries};
use mailproof_tests::program::{Report, mailproof};
use test_case::test_case;

use crate::own_adapter::{CASE, script};

const SEED: u64 = 1;

#[test_case("accepts-everything"; "to everybody")]
#[test_case("reference+continues-in-clear"; "in clear")]
fn of_a_client_that_sends_them(subject: &str) {
    let includes = ["cert/trust/**", "smtp/starttls/refused-*", "imap/login/**"];
    let includes = includes.iter().flat_map(|it| ["--include", it]);
    let report = Report::of(
        &["run", subject]
            .into_iter()
            .chain(includes)
            .collect::<Vec<_>>(),
    );
    assert_eq!(report.ended.code, Some(1), "{}", report.ended.stderr);
    let masked = |it: &CaseResult| it.transcript.contains("********");
    assert!(report.results.cases.iter().any(masked));
    check(&report);
}

#[test]
fn of_a_client_that_prints_them() {
    let folder = tempfile::tempdir().unwrap();
    let body = "echo \"password {password} token {token}\"; \
                printf '\\000%s\\000%s' {user} {password} | base64 -w0 >&2; exit 1";
    let adapter = script(folder.path(), "prints", body);
    let report = Report::of(&["run", adapter.to_str().unwrap(), "-i", CASE]);
    assert!(
        report.case(CASE).transcript.contains("password ********"),
        "{:?}",
        report.case(CASE)
    );
    check(&report);
    for format in ["human", "json", "junit", "markdown"] {
        let ended = mailproof(&[
            "run",
            adapter.to_str().unwrap(),
            "-i",
            CASE,
            "--seed",
            "1",
            "-f",
            format,
        ]);
        assert!(ended.stdout.contains(CASE), "{ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(
            leaks(&said, &needles(CASE)),
            Vec::<String>::new(),
            "{format}"
        );
    }
}

fn check(report: &Report) {
    let cases = report.results.cases.iter().chain(&report.results.controls);
    let needles: Vec<String> = cases.flat_map(|it| needles(&it.id)).collect();
    assert!(!needles.is_empty());
    let mut read = 0;
    each_file(report.folder.path(), &mut |path| {
        if path.file_name().is_some_and(|it| it != "records.ndjson") {
            read += 1;
            let text = fs::read_to_string(path).unwrap();
            assert_eq!(
                leaks(&text, &needles),
                Vec::<String>::new(),
                "{}",
                path.display()
            );
        }
    });
    assert!(read > 3, "results, junit, summary, transcripts");
    let said = format!("{}{}", report.ended.stdout, report.ended.stderr);
    assert_eq!(leaks(&said, &needles), Vec::<String>::new());
}

/// Passwords and tokens of a case, raw and in base64 wherever they may begin.
fn needles(id: &str) -> Vec<String> {
    let library = Library::embedded().unwrap();
    let control = library
        .cases()
        .map(|it| it.control())
        .find(|it| it.id == id);
    let case = library.case(id).cloned().or(control).unwrap();
    let canaries = Canaries::derive(SEED, id, case.accounts());
    let accounts = canaries.accounts.iter();
    accounts
        .flat_map(|it| [it.password.clone(), it.token.clone()])
        .flat_map(|secret| {
            let shifted = (0..3).map(|before| {
                let encoded =
                    STANDARD_NO_PAD.encode([vec![0; before], secret.clone().into_bytes()].concat());
                // The digits at both ends depend on the neighbours.
                let from = [0, 2, 3][before];
                encoded[from..encoded.len() - 2].to_owned()
            });
            std::iter::once(secret.clone())
                .chain(shifted)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn leaks(text: &str, needles: &[String]) -> Vec<String> {
    let found = needles.iter().filter(|it| text.contains(it.as_str()));
    found.cloned().collect()
}

fn each_file(folder: &Path, take: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_file(&path, take);
        } else {
            take(&path);
        }
    }
}
