//! SARIF 2.1.0 for code scanning: one rule for each scenario, one result for each case that failed, was not
//! decided, or missed a SHOULD, at the scenario's file.
//!
//! Pure. Must not know where it goes.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{Level, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    background::Background,
    facts::{self, broken},
    tally::{Class, missed_should},
    text,
};
use crate::results::{CaseResult, Results};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Results of a run, worst first: code hosts read no more.
const RESULTS: usize = 5_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Value,
    full_description: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    help: Value,
    default_configuration: Value,
    properties: Value,
}

/// Renders one SARIF run for each run.
///
/// # Errors
/// What the JSON writer says.
pub fn render(runs: &[&Results], background: &Background) -> Result<String, serde_json::Error> {
    let runs: Vec<Value> = runs.iter().map(|it| run(it, background)).collect();
    let log = json!({"$schema": SCHEMA, "version": "2.1.0", "runs": runs});
    let mut text = serde_json::to_string_pretty(&log)?;
    text.push('\n');
    Ok(text)
}

fn run(results: &Results, background: &Background) -> Value {
    let mut told: Vec<&CaseResult> = results
        .cases
        .iter()
        .filter(|it| level(it).is_some())
        .collect();
    told.sort_by_key(|it| (facts::weight(it), it.id.as_str()));
    told.truncate(RESULTS);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rules = Vec::new();
    for case in &told {
        numbers.entry(facts::scenario(&case.id)).or_insert_with(|| {
            rules.push(rule(case, background));
            rules.len() - 1
        });
    }
    let shown: Vec<Value> = told
        .iter()
        .filter_map(|case| {
            let rule = numbers.get(facts::scenario(&case.id))?;
            result(results, case, *rule, background)
        })
        .collect();
    json!({
        "tool": {"driver": {
            "name": "mailproof",
            "version": text::line(&results.mailproof),
            "semanticVersion": text::line(&results.mailproof),
            "rules": rules,
        }},
        "automationDetails": {"id": format!("mailproof/{}/", text::line(&results.subject))},
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": !results.interrupted,
            "toolExecutionNotifications": notifications(results),
        }],
        "properties": {
            "subject": text::line(&results.subject),
            "subjectVersion": results.subject_version.as_deref().map(text::line),
            "place": text::line(&results.place),
            "seed": results.seed,
        },
        "results": shown,
    })
}

/// That not everything was run, so that nobody takes silence for a pass.
fn notifications(results: &Results) -> Value {
    let line = super::tally::Tally::of(results).first_line();
    json!([{"level": "note", "message": {"text": line}}])
}

fn rule(case: &CaseResult, background: &Background) -> Rule {
    let clauses = case.refs.iter().map(|citation| {
        let citation = text::line(citation);
        match background.clause(&citation) {
            Some(clause) => format!("{citation}: “{}”", text::block(clause)),
            None => citation,
        }
    });
    let clauses: Vec<String> = clauses.collect();
    let mut help = format!("{}\n\n{}", text::line(&case.why), clauses.join("\n\n"));
    if let Some(diagnosis) = &case.diagnosis {
        help.push_str(&format!(
            "\n\nWhat the client should tell its user: “{}” Who can act then: {}.",
            text::line(&diagnosis.en),
            facts::who(diagnosis.who)
        ));
    }
    Rule {
        id: text::line(facts::scenario(&case.id)),
        short_description: json!({"text": text::line(&case.title)}),
        full_description: json!({"text": text::line(&case.why)}),
        help_uri: case.refs.iter().find_map(|it| super::explain::address(it)),
        help: json!({"text": help}),
        default_configuration: json!({"level": by_severity(case.severity)}),
        properties: json!({
            "tags": ["mail", facts::scenario(&case.id).split('/').next().unwrap_or_default()],
            "security-severity": score(case.severity),
            "frequency": case.frequency.name(),
        }),
    }
}

fn result(
    results: &Results,
    case: &CaseResult,
    rule: usize,
    background: &Background,
) -> Option<Value> {
    let scenario = facts::scenario(&case.id);
    let id = text::line(&case.id);
    let file = background.file(scenario).map_or_else(
        || format!("scenarios/library/client/{scenario}.toml"),
        str::to_owned,
    );
    let found: Vec<&str> = broken(case).filter_map(|it| it.clause.as_deref()).collect();
    let message = format!(
        "{}: {} ({id}, {}). See it again: {}",
        case.judgement.verdict.name(),
        text::line(&case.judgement.reason),
        text::line(
            results
                .subject_version
                .as_deref()
                .unwrap_or(&results.subject)
        ),
        text::line(&facts::repeat_command(results, case)),
    );
    let mut result = json!({
        "ruleId": text::line(scenario),
        "ruleIndex": rule,
        "level": level(case)?,
        "message": {"text": message},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&file)},
                "region": {"startLine": background.line(scenario, &found)},
            },
            "logicalLocations": [{"fullyQualifiedName": id, "kind": "member"}],
        }],
        "partialFingerprints": {
            "mailproofCase/v1": format!("{}:{id}", text::line(&results.subject)),
        },
        "properties": {"verdict": case.judgement.verdict.name(), "severity": case.severity.name()},
    });
    if let Some(because) = &case.expected {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": text::line(because),
        }]);
    }
    Some(result)
}

/// The level of a result; `None` for what is none.
fn level(case: &CaseResult) -> Option<&'static str> {
    let failed = case.judgement.verdict.is_failure();
    match Class::of(case) {
        _ if failed => {
            let soft = matches!(
                facts::clause_level(case),
                Some(Level::Should | Level::May | Level::Interop)
            );
            Some(if soft {
                "warning"
            } else {
                by_severity(case.severity)
            })
        }
        Class::Good if missed_should(case) => Some("note"),
        Class::Open | Class::Expected => Some("note"),
        _ => None,
    }
}

const fn by_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// In the middle of the bands that code hosts make of CVSS.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// A path as a relative or file URI.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b'+'
            | b'@' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    if uri.starts_with('/') {
        uri.insert_str(0, "file://");
    }
    uri
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::library::Library;

    use super::*;
    use crate::report::sample;

    fn background() -> Background {
        Background::of(&Library::embedded().unwrap_or_else(|problems| panic!("{problems}")))
    }

    fn parsed(results: &Results) -> Value {
        serde_json::from_str(&render(&[results], &background()).unwrap()).unwrap()
    }

    #[test]
    fn everything_at_once() {
        insta::assert_snapshot!(render(&[&sample::hostile()], &background()).unwrap());
    }

    /// What the schema of SARIF 2.1.0 demands of the objects that are used here.
    #[test]
    fn has_what_the_schema_demands() {
        let log = parsed(&sample::hostile());
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert!(run["tool"]["driver"]["name"].is_string());
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(rules.iter().all(|it| it["id"].is_string()));
        assert!(
            run["invocations"]
                .as_array()
                .unwrap()
                .iter()
                .all(|it| it["executionSuccessful"].is_boolean())
        );
        let results = run["results"].as_array().unwrap();
        assert!(results.len() >= 5);
        for result in results {
            assert!(result["message"]["text"].is_string());
            let level = result["level"].as_str().unwrap();
            assert!(["none", "note", "warning", "error"].contains(&level));
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[rule]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.is_ascii() && !uri.contains([' ', '<', '\\']), "{uri}");
        }
        let mut fingerprints: Vec<String> = results
            .iter()
            .map(|it| it["partialFingerprints"].to_string())
            .collect();
        fingerprints.sort();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), results.len());
    }

    #[test]
    fn expected_failures_are_suppressed_and_passes_are_no_results() {
        let log = parsed(&sample::hostile());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of = |id: &str| results.iter().find(|it| it["ruleId"] == id);
        let known = of("smtp/auth/known").unwrap();
        assert_eq!(
            known["suppressions"][0]["justification"],
            "fixed in the next version | promised"
        );
        assert!(of("smtp/base/plain").is_none() && of("imap/idle/drop").is_none());
        assert_eq!(of("smtp/base/dots").unwrap()["level"], "note");
    }

    #[test]
    fn a_finding_points_to_the_line_of_its_expectation() {
        let mut results = sample::hostile();
        results.cases.retain(|it| it.id.contains("injection"));
        results.cases[0].id = "smtp/starttls/injection-after-220#octet".to_owned();
        let log = parsed(&results);
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert_eq!(
            uri,
            "scenarios/library/client/smtp/starttls/injection-after-220.toml"
        );
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(uri);
        let text = std::fs::read_to_string(file).unwrap();
        let line = usize::try_from(place["region"]["startLine"].as_u64().unwrap()).unwrap();
        assert_eq!(text.lines().nth(line - 1), Some("[[expect]]"));
    }

    #[test]
    fn the_same_failure_has_the_same_fingerprint_in_the_next_run() {
        let one = sample::hostile();
        let mut next = one.clone();
        next.seed = 99;
        next.now = "2027-01-01T00:00:00Z".to_owned();
        let prints = |results: &Results| -> Vec<Value> {
            let log = parsed(results);
            let results = log["runs"][0]["results"].as_array().unwrap();
            results
                .iter()
                .map(|it| it["partialFingerprints"].clone())
                .collect()
        };
        assert_eq!(prints(&one), prints(&next));
    }
}
