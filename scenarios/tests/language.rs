//! Mistakes in scenario files: each is found, at its line and column, with a hint where one can be given.

use std::{collections::BTreeMap, sync::Arc};

use mailproof_scenarios::{
    language::{self, ExpectationSets, Problems, Source},
    library::Library,
    model::{Action, Case, Delta, Job, PortRole, Security, Split, Trust},
};
use pretty_assertions::assert_eq;
use test_case::test_case;

const GOOD: &str = r#"id = "net/test/good"
title = "A title"
why = "A reason."
kind = "fault"
severity = "high"
frequency = "rare"
refs = ["RFC 5321 §4.2"]
run = [{ carrier = "smtp-implicit" }]
use = ["refuse"]
killed_by = ["reports-success"]

[[deviate]]
on = { command = "MAIL" }
reject = "550 5.7.1 No"

[diagnosis]
who = "user"
en = "English."
de = "Deutsch."
"#;

fn sets() -> ExpectationSets {
    let source = Source::new(
        "expectations.toml",
        "[refuse]\ntitle = \"t\"\nexpect = [{ level = \"MUST\", completed = false }]\n",
    );
    language::expectation_sets(&source).unwrap()
}

fn load(text: &str) -> Result<Vec<Case>, Problems> {
    let source: Arc<Source> = Source::new("library/net/test/good.toml", text);
    language::scenario(&source, &BTreeMap::new(), &sets()).map(|it| it.cases)
}

#[test]
fn a_good_file_loads_with_its_defaults() {
    let cases = load(GOOD).unwrap_or_else(|problems| panic!("{problems}"));
    let [case] = cases.as_slice() else {
        panic!("{} cases", cases.len())
    };
    assert_eq!(case.id, "net/test/good");
    let step = &case.steps[0];
    assert_eq!(
        (step.job, step.security, step.trust, step.port),
        (
            Job::Send,
            Security::Implicit,
            Trust::Ca,
            PortRole::Submissions
        )
    );
    assert!(matches!(&case.delta, Delta::Deviate(d) if matches!(d[0].action, Action::Reject(_))));
    assert_eq!(case.control().delta, Delta::None);
    assert_eq!(case.expect.len(), 1);
}

#[test_case("title = \"A title\"", "titel = \"A title\"", (2, 1), "unknown field `titel`", Some("did you mean `title`?"); "a misspelt key")]
#[test_case("\"high\"", "\"hihg\"", (5, 12), "unknown variant `hihg`", Some("did you mean `high`?"); "a misspelt word")]
#[test_case("title = \"A title\"", "title = 3", (2, 9), "invalid type", None; "a wrong type")]
#[test_case("title = \"A title\"\n", "", (1, 1), "missing field `title`", None; "a missing key")]
#[test_case("title = \"A title\"", "title = \"A", (2, 11), "invalid basic string", None; "toml that is none")]
#[test_case("net/test/good", "net/test/other", (1, 6), "is not the path of the file", Some("the file would be `…/net/test/other.toml`"); "an id that is not the path")]
#[test_case("net/test/good", "Net Test", (1, 6), "is no id", None; "an id that is none")]
#[test_case("[\"refuse\"]", "[\"refuze\"]", (9, 8), "no set of expectations named `refuze`", Some("did you mean `refuse`?"); "an unknown set")]
#[test_case("550 5.7.1 No", "55 No", (14, 10), "neither a reply code", None; "a refusal that is none")]
#[test_case("550 5.7.1 No", "550 {hots}", (14, 10), "unknown place `{hots}`", None; "an unknown place")]
#[test_case("reject = \"550 5.7.1 No\"", "reject = \"550 No\"\ndrop = true", (12, 1), "has `reject` and `drop`", None; "two things at once")]
#[test_case("reject = \"550 5.7.1 No\"", "", (12, 1), "wants to say what happens", None; "a deviation that does nothing")]
#[test_case("on = { command = \"MAIL\" }\n", "", (12, 1), "wants to know where", None; "a deviation that is nowhere")]
#[test_case("{ command = \"MAIL\" }", "{ command = \"MAIL\", run = 3 }", (13, 26), "`run = 3` can never be", None; "a run that is not there")]
#[test_case("{ command = \"MAIL\" }", "{ command = \"MAIL\", source = 2 }", (13, 26), "no run comes from that address", None; "an address that nobody comes from")]
#[test_case("{ carrier = \"smtp-implicit\" }", "{ carrier = \"smtp-implicit\", source = 4 }", (8, 8), "the client has 3 addresses", None; "an address that is not there")]
#[test_case("reject = \"550 5.7.1 No\"", "dns = { host = \"alias\", a = [] }", (12, 1), "an alias has no addresses", None; "addresses of an alias")]
#[test_case("reject = \"550 5.7.1 No\"", "dns = { host = \"name\" }", (12, 1), "`dns` wants `a` or `aaaa`", None; "a dns that says nothing")]
#[test_case("reject = \"550 5.7.1 No\"", "dns = { a = [] }", (12, 1), "narrowed by `run` only", None; "a dns that waits for a command")]
#[test_case("{ carrier = \"smtp-implicit\" }", "{ carrier = \"smtp-implicit\", port = \"imap\" }", (8, 8), "`carrier` says protocol smtp, but `port` says imap", None; "settings that contradict each other")]
#[test_case("{ carrier = \"smtp-implicit\" }", "{ carrier = \"$carrier\" }", (8, 20), "unknown axis `$carrier`", None; "an axis that is not there")]
#[test_case("killed_by", "segments = [\"octet\", \"octet\"]\nkilled_by", (10, 1), "names one of them twice", None; "a segmentation twice")]
#[test_case("[diagnosis]", "[[expect]]\nlevel = \"MUST\"\nnever = { told = \"x\", channel = \"tls\" }\n[diagnosis]", (16, 1), "`channel` goes with `command` and `octets`", None; "words on a channel")]
#[test_case("[diagnosis]", "[[expect]]\nlevel = \"MUST\"\nnever = { octets = \"x\", times = 2 }\n[diagnosis]", (16, 1), "`times` goes with `command`", None; "octets that are counted")]
#[test_case("[diagnosis]", "[[expect]]\nlevel = \"MUST\"\nnever = { octets = \"x\", told = \"x\" }\n[diagnosis]", (16, 1), "one of `command`, `octets`, `told`", None; "two patterns in one")]
#[test_case("killed_by", "[[vary]]\nwith = { to = [\"self\"] }\n[foo]\nkilled_by", (12, 2), "unknown field `foo`", None; "an unknown table")]
fn mistakes_are_found_at_their_place(
    good: &str,
    bad: &str,
    position: (usize, usize),
    message: &str,
    hint: Option<&str>,
) {
    assert!(GOOD.contains(good));
    let problems = load(&GOOD.replacen(good, bad, 1)).expect_err("the mistake must be found");
    let problem = problems.iter().next().unwrap();
    assert!(problem.message().contains(message), "{}", problem.message());
    assert_eq!(problem.position(), position, "{problem}");
    if hint.is_some() {
        assert_eq!(problem.suggestion(), hint);
    }
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let problems = load(&GOOD.replace("\"high\"", "\"hihg\"")).unwrap_err();
    insta::assert_snapshot!(problems.to_string());
}

#[test]
fn a_matrix_puts_typed_values_in_place() {
    let text = GOOD
        .replace("\"smtp-implicit\"", "\"$carrier\"")
        .replace("\"550 5.7.1 No\"", "\"$reply.text\"")
        .replace(
            "[[deviate]]",
            "[matrix]\nreply = [{ name = \"no\", text = \"550 No\" }, { name = \"later\", text = \"450 Later\" }]\n\
             carrier = [\"smtp-implicit\", \"smtp-starttls\"]\n\n[[deviate]]",
        );
    let cases = load(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let ids: Vec<_> = cases.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "net/test/good#no+smtp-implicit",
            "net/test/good#no+smtp-starttls",
            "net/test/good#later+smtp-implicit",
            "net/test/good#later+smtp-starttls",
        ]
    );
    assert_eq!(cases[3].steps[0].security, Security::StarttlsRequired);
    assert_eq!(
        cases[0].base_key(),
        cases[2].base_key(),
        "one control for both replies"
    );
    assert_ne!(cases[0].base_key(), cases[1].base_key());
}

#[test]
fn segments_make_a_case_of_each_and_whole_keeps_the_id() {
    let segments = "segments = [\"whole\", \"octet\", \"inside-line\"]\nkilled_by";
    let text = GOOD.replace("killed_by", segments);
    let ids = |text: &str| -> Vec<(String, Option<Split>)> {
        let cases = load(text).unwrap_or_else(|problems| panic!("{problems}"));
        let of = |it: Case| (it.id, it.setup.segments);
        cases.into_iter().map(of).collect()
    };
    assert_eq!(
        ids(&text),
        [
            ("net/test/good".to_owned(), None),
            ("net/test/good#octet".to_owned(), Some(Split::Octet)),
            (
                "net/test/good#inside-line".to_owned(),
                Some(Split::InsideLine)
            ),
        ]
    );
    let matrix = "[matrix]\nreply = [{ name = \"no\", text = \"550 No\" }]\n\n[[deviate]]";
    let text = text
        .replace("\"550 5.7.1 No\"", "\"$reply.text\"")
        .replace("[[deviate]]", matrix);
    let ids: Vec<_> = ids(&text).into_iter().map(|it| it.0).collect();
    assert_eq!(
        ids,
        [
            "net/test/good#no",
            "net/test/good#no+octet",
            "net/test/good#no+inside-line"
        ]
    );
}

#[test_case("RFC 5321 §4.2", "RFC 5321 §99.9", "RFC 5321 has no section 99.9"; "a section that does not exist")]
#[test_case("RFC 5321 §4.2", "CVE-21-1", "a CVE is cited as"; "a cve that is none")]
#[test_case("\"MAIL\"", "\"MIAL\"", "`MIAL` is no command of smtp, did you mean `MAIL`?"; "a command that does not exist")]
#[test_case("550 5.7.1 No", "NO not that", "this refusal is not one of smtp"; "a refusal of the other protocol")]
#[test_case("killed_by = [\"reports-success\"]", "", "a fault wants `killed_by`"; "a fault that nothing can fail")]
#[test_case("\"Deutsch.\"", "\"English.\"", "the German diagnosis is the English one"; "one language twice")]
#[test_case("killed_by", "covers = [\"TLSI-99\"]\nkilled_by", "there is no requirement `TLSI-99`"; "a requirement that does not exist")]
#[test_case("550 5.7.1 No", "550 {port:imaps}", "port `imaps` is not open in this case"; "a port that is not there")]
#[test_case("command = \"MAIL\"", "at = \"tls-start\"", "comes behind STARTTLS only"; "a moment that never comes")]
fn lint_finds(good: &str, bad: &str, message: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net/test/good.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = GOOD.replace("\"refuse\"", "\"fails-cleanly\"");
    std::fs::write(&file, text.replacen(good, bad, 1)).unwrap();
    let library =
        Library::with_folder(folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    let problems = language::lint(&library).to_string();
    assert!(problems.contains(message), "{problems}");
}

#[test]
fn every_case_reads_back_from_json() {
    for case in Library::embedded().unwrap().cases() {
        let json = serde_json::to_string(case).unwrap();
        assert_eq!(&serde_json::from_str::<Case>(&json).unwrap(), case);
    }
}

#[test]
fn the_schema_names_every_key_of_a_scenario() {
    let schema = language::schema();
    let keys = schema["properties"].as_object().unwrap();
    for key in [
        "id",
        "run",
        "deviate",
        "vary",
        "expect",
        "use",
        "matrix",
        "killed_by",
        "diagnosis",
    ] {
        assert!(keys.contains_key(key), "{key}");
    }
}
