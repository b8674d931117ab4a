use proptest::prelude::*;

use super::*;
use crate::{
    report::{records, sample},
    results::{Conformance, Results, Standing},
};

fn page_of(results: &[&Results]) -> String {
    let details = Details::default();
    let runs: Vec<Run<'_>> = results
        .iter()
        .map(|results| Run {
            results,
            details: &details,
        })
        .collect();
    render(&runs, &Background::default()).unwrap()
}

/// The page before its data, without style and policy.
fn for_people(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (body, _) = rest.split_once("<script type").unwrap();
    let policy = "http-equiv=\"Content-Security-Policy\" content=\"";
    let (before, after) = head.split_once(policy).unwrap();
    let (_, after) = after.split_once('"').unwrap();
    format!("{before}{policy}…\"{after}{body}").replace("><", ">\n<")
}

/// Every block of data by its id, as JSON again.
fn blocks(page: &str) -> Vec<(String, serde_json::Value)> {
    page.split("<script type=\"application/json\" id=\"")
        .skip(1)
        .map(|it| {
            let (id, rest) = it.split_once("\">").unwrap();
            let (json, _) = rest.split_once("</script>").unwrap();
            (id.to_owned(), serde_json::from_str(json).unwrap())
        })
        .collect()
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(for_people(&page_of(&[&sample::hostile()])));
}

#[test]
fn standing_and_two_subjects() {
    let standing = Standing {
        profile: "submission".to_owned(),
        title: "A program that sends <mail>".to_owned(),
        conformance: Conformance::NonConformant,
        why: "2 mandatory cases failed.".to_owned(),
        mandatory: 9,
        decided: 7,
        open: Vec::new(),
        failed: Vec::new(),
        warned: Vec::new(),
    };
    let one = Results {
        standing: Some(standing),
        ..sample::hostile()
    };
    let other = Results {
        subject: "msmtp".to_owned(),
        selected: 1,
        cases: vec![sample::case(
            "smtp/starttls/injection-after-220#smtp-starttls",
            crate::results::Verdict::Pass,
            "",
        )],
        ..sample::empty()
    };
    let page = page_of(&[&one, &other]);
    let seen = for_people(&page);
    assert!(seen.contains("NON-CONFORMANT") && seen.contains("sends &lt;mail&gt;"));
    assert!(seen.contains("Decided: 7 of 9 mandatory cases."));
    assert!(!seen.contains('%') || !seen.contains("0 %"));
    let blocks = blocks(&page);
    let index = &blocks[0].1;
    let rows = index["cases"].as_array().unwrap();
    let cells = |row: &serde_json::Value| row["cells"].as_array().unwrap().len();
    assert!(rows.iter().all(|row| cells(row) == 2));
    let id = "smtp/starttls/injection-after-220#smtp-starttls";
    let row = rows.iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(row["cells"][0]["verdict"], "FAIL");
    assert_eq!(row["cells"][1]["verdict"], "PASS");
    assert_eq!(
        rows.iter().filter(|it| it["cells"][1].is_null()).count(),
        rows.len() - 1
    );
}

#[test]
fn versions_of_one_subject_are_told_apart() {
    let of = |subject: &str, version: &str, now: &str| Results {
        subject: subject.to_owned(),
        subject_version: Some(version.to_owned()),
        now: now.to_owned(),
        ..sample::empty()
    };
    let all = [
        of("curl", "curl 7.1 (linux) libcurl", "2026-11-22T08:00:00Z"),
        of("curl", "curl 8.5", "2026-11-22T08:00:00Z"),
        of("curl", "curl 8.5", "2026-11-23T08:00:00Z"),
        of("msmtp", "1.8", "2026-11-23T08:00:00Z"),
    ];
    let details = Details::default();
    let runs: Vec<Run<'_>> = all
        .iter()
        .map(|results| Run {
            results,
            details: &details,
        })
        .collect();
    let names = [
        "curl 7.1",
        "curl 8.5 2026-11-22T08:00",
        "curl 8.5 2026-11-23T08:00",
        "msmtp",
    ];
    assert_eq!(labels(&runs), names);
}

#[test]
fn nothing_loads_and_nothing_else_runs() {
    let page = page_of(&[&sample::hostile()]);
    assert!(page.contains("default-src 'none'; script-src 'sha256-"));
    for word in [
        "src=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML =",
        "eval(",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(!page.contains(" style="));
    let scripts = page.matches("<script>").count();
    assert_eq!(scripts, 1, "one script of our own");
}

#[test]
fn no_runs_and_no_cases_make_a_page() {
    for_people(&page_of(&[]));
    assert!(for_people(&page_of(&[&sample::empty()])).contains("Nothing was decided."));
}

#[test]
fn octets_are_there_and_bounded() {
    let mut details = Details::default();
    let long = [
        b"NOOP \x00\xff<script>\r\n".repeat(2000),
        b"QUIT\r\n".to_vec(),
    ]
    .concat();
    let record = records::tests::record(&long);
    details.add(&record);
    let mut results = sample::empty();
    results.cases = vec![sample::case(
        &record.case.id,
        crate::results::Verdict::Pass,
        "ok",
    )];
    let run = Run {
        results: &results,
        details: &details,
    };
    let page = render(&[run], &Background::default()).unwrap();
    let blocks = blocks(&page);
    let case = &blocks.iter().find(|(id, _)| id == "case-0").unwrap().1;
    let connection = &case["runs"][0]["connections"][0];
    assert_eq!(connection["more"], long.len() - 2048);
    let strings = &blocks.iter().find(|(id, _)| id == "strings").unwrap().1;
    let number = usize::try_from(connection["chunks"][0][3][0].as_u64().unwrap()).unwrap();
    assert_eq!(strings[number], "NOOP \\x00\\xff<script>\\r\\n");
}

/// Results whose every text is `text`.
fn saying(text: &str) -> Results {
    let mut results = sample::hostile();
    results.subject_title = format!("t{text}");
    results.stale = vec![text.to_owned()];
    results.mailproof = text.to_owned();
    results.place = format!("p{text}");
    for case in results.cases.iter_mut().chain(&mut results.controls) {
        case.title = text.to_owned();
        case.why = text.to_owned();
        case.transcript = text.to_owned();
        case.refs = vec![text.to_owned()];
        case.covers = vec![text.to_owned()];
        case.judgement.reason = format!("r{text}");
        case.judgement.warnings = vec![text.to_owned()];
        for finding in &mut case.judgement.findings {
            finding.name = text.to_owned();
            finding.message = text.to_owned();
            finding.clause = Some(text.to_owned());
        }
        if let Some(diagnosis) = &mut case.diagnosis {
            diagnosis.en = text.to_owned();
            diagnosis.de = text.to_owned();
        }
        if case.expected.is_some() {
            case.expected = Some(text.to_owned());
        }
    }
    results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_becomes_markup(any in any::<String>(), odd in "[<>\"'&/= a-z!`\u{0}\u{202e}-]{0,60}") {
        let text = format!("{any}{odd}</script><script>x</script><img src=x onerror=\"y\"> '\"`");
        let page = page_of(&[&saying(&text)]);
        let plain = page_of(&[&saying("x")]);
        let marks = |page: &str| {
            let page = for_people(page);
            let count = |mark| page.matches(mark).count();
            (count('<'), count('>'), count('"'))
        };
        prop_assert_eq!(marks(&page), marks(&plain));
        prop_assert_eq!(blocks(&page).len(), blocks(&plain).len());
        let invisible = page.contains('\u{202e}');
        prop_assert!(!invisible);
    }
}
