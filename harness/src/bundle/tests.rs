//! Bundles from end to end: packed, damaged, forged, judged again.

use std::sync::OnceLock;

use mailproof_scenarios::{
    library::Library,
    model::{Canaries, Event, Layer, Log, What as Seen, event},
};
use proptest::prelude::*;
use test_case::test_case;

use super::*;
use crate::{
    edition,
    report::sample,
    results::{CaseResult, NotRun, Observed, Record, Results, Verdict},
    session::judged,
    subject::Supports,
};

const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEILvOfRsvieMrryFf/VsgGMWmnK7s05woLRDCEv9N3hVI\n-----END PRIVATE KEY-----\n";

fn key() -> SigningKey {
    SigningKey::from_pem(KEY).unwrap()
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| Library::embedded().unwrap_or_else(|problems| panic!("{problems}")))
}

/// A run of one case with its control, and one that was not run.
fn run() -> (Vec<Record>, Results) {
    let mut cases = library().cases().filter(|it| it.has_delta());
    let (case, skipped) = (cases.next().unwrap(), cases.next().unwrap());
    let record = |case: &mailproof_scenarios::model::Case| Record {
        v: event::VERSION,
        steps: case.effective_steps(),
        canaries: Canaries::derive(7, &case.id, case.accounts()),
        messages: Vec::new(),
        observed: Observed::default(),
        host: "localhost".to_owned(),
        hosts: Vec::new(),
        not_run: None,
        log: Log {
            events: vec![Event {
                at: 12,
                step: 1,
                conn: Some(1),
                what: Seen::Received {
                    layer: Layer::Clear,
                    octets: b"QUIT\r\n".to_vec(),
                },
            }],
        },
        control: None,
        answers: Vec::new(),
        own_chain: false,
        turned_away: Vec::new(),
        took_ms: 3,
        case: case.clone(),
    };
    let control = record(&case.control());
    let case = record(case);
    let skipped = Record::not_run(skipped, 7, NotRun::Skipped("needs ports".to_owned()));
    let on_control = judged(&control, None);
    let mut results = Results {
        selected: 2,
        ran: 1,
        mailproof: env!("CARGO_PKG_VERSION").to_owned(),
        edition: Some(edition::edition(library(), [&case.case, &skipped.case])),
        cases: vec![
            judged(&case, Some(&on_control.judgement)),
            judged(&skipped, None),
        ],
        controls: vec![on_control],
        ..sample::empty()
    };
    results.cases.sort_by(|a, b| a.id.cmp(&b.id));
    (vec![skipped, case, control], results)
}

fn packed_with(records: &[Record], results: &Results) -> Vec<u8> {
    let mut packer = Packer::new().unwrap();
    for record in records {
        packer.keep(record).unwrap();
    }
    let about = About {
        subject: "name = \"crm\"\n".to_owned(),
        statement: Some("We make a CRM.\n".to_owned()),
    };
    let mut octets = Vec::new();
    packer.finish(results, &about, &key(), &mut octets).unwrap();
    octets
}

fn packed() -> &'static [u8] {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    PACKED.get_or_init(|| {
        let (records, results) = run();
        packed_with(&records, &results)
    })
}

fn again(octets: &[u8]) -> Again {
    let bundle = open(octets).unwrap_or_else(|damage| panic!("{damage}"));
    judge_again(&bundle, library()).unwrap_or_else(|damage| panic!("{damage}"))
}

/// What is found of a bundle with other results than its records give.
fn differences(change: impl FnOnce(&mut Results)) -> Vec<What> {
    let (records, mut results) = run();
    change(&mut results);
    let found = again(&packed_with(&records, &results)).differences;
    found.iter().map(|it| it.what).collect()
}

#[test]
fn a_bundle_is_judged_the_same_again() {
    let again = again(packed());
    assert_eq!(again.differences, []);
    assert_eq!(again.results, again.packed);
    assert!(again.edition.is_same(), "{:?}", again.edition);
    assert_eq!(again.edition.not_in, library().cases().count() - 2);
    let bundle = open(packed()).unwrap();
    assert_eq!(bundle.signer, key().public());
    assert_eq!(bundle.file(STATEMENT), Some(&b"We make a CRM.\n"[..]));
}

/// A run for a built-in profile, with these demands instead of its own.
fn demanding(change: impl FnOnce(&mut crate::profile::Obligations)) -> Again {
    let (records, mut results) = run();
    let profile = crate::profile::find("mail-client").unwrap();
    let named = profile.cases(library().cases()).unwrap();
    let mut obligations = profile.obligations(named, &Supports::default(), |_| None);
    change(&mut obligations);
    results.obligations = Some(obligations);
    crate::profile::stand(&mut results);
    again(&packed_with(&records, &results))
}

#[test]
fn the_demands_of_a_built_in_profile_are_whole() {
    let again = demanding(|_| ());
    assert_eq!(again.differences, []);
    let demands = again.demands.unwrap();
    assert_eq!(demands.origin, Origin::BuiltIn);
    assert_eq!((demands.left_out, demands.excused), (vec![], vec![]));
}

#[test]
fn demands_that_were_shortened_are_found() {
    let again = demanding(|it| {
        it.cases.pop();
    });
    let found: Vec<What> = again.differences.iter().map(|it| it.what).collect();
    assert_eq!(found, [What::Standing]);
    assert_eq!(again.demands.unwrap().left_out.len(), 1);
}

#[test]
fn cases_that_an_earlier_mailproof_did_not_have_are_no_difference() {
    let (records, mut results) = run();
    let profile = crate::profile::find("mail-client").unwrap();
    let named = profile.cases(library().cases()).unwrap();
    let mut obligations = profile.obligations(named, &Supports::default(), |_| None);
    obligations.cases.pop();
    results.obligations = Some(obligations);
    results.mailproof = "0.0.9".to_owned();
    crate::profile::stand(&mut results);
    let again = again(&packed_with(&records, &results));
    assert!(!again.differences.iter().any(|it| it.what == What::Standing));
    assert_eq!(again.demands.unwrap().left_out.len(), 1);
}

#[test]
fn an_excuse_for_what_was_run_is_found() {
    let ran = run().1.cases[0].id.clone();
    let again = demanding(|it| {
        let case = it.cases.iter_mut().find(|it| it.id == ran).unwrap();
        case.beyond = Some("trust pin".to_owned());
    });
    assert_eq!(again.demands.unwrap().excused, [ran]);
    assert!(again.differences.iter().any(|it| it.what == What::Standing));
}

#[test]
fn another_text_under_a_known_name_is_told() {
    let again = demanding(|it| it.text.push_str("# softer\n"));
    assert_eq!(again.demands.unwrap().origin, Origin::Other);
}

/// Cases of a plan share a control by their settings, and a record says which one it is.
#[test]
fn a_case_is_judged_by_the_control_that_its_record_names() {
    let (records, mut results) = run();
    let mut records: Vec<Record> = records;
    let shared = "control/shared".to_owned();
    let mut by_id: Vec<CaseResult> = Vec::new();
    for record in &mut records {
        match record.case.id.starts_with("control/") {
            true => record.case.id.clone_from(&shared),
            false => record.control = Some(shared.clone()),
        }
    }
    let control = records.iter().find(|it| it.case.id == shared).unwrap();
    let on_control = judged(control, None);
    let cases = records.iter().filter(|it| it.case.id != shared);
    by_id.extend(cases.map(|it| judged(it, Some(&on_control.judgement))));
    by_id.sort_by(|a, b| a.id.cmp(&b.id));
    results.cases = by_id;
    results.controls = vec![on_control];
    assert_eq!(again(&packed_with(&records, &results)).differences, []);
}

#[test]
fn the_order_of_a_run_is_not_seen() {
    let (mut records, results) = run();
    records.reverse();
    assert_eq!(packed_with(&records, &results), packed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn one_changed_bit_is_found(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut octets = packed().to_vec();
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        prop_assert!(open(&octets).is_err(), "bit {} of octet {}", bit, at);
    }

    #[test]
    fn one_changed_octet_is_found(at in any::<prop::sample::Index>(), other in 1..=255_u8) {
        let mut octets = packed().to_vec();
        let at = at.index(octets.len());
        octets[at] ^= other;
        prop_assert!(open(&octets).is_err(), "octet {}", at);
    }

    #[test]
    fn what_is_cut_off_or_added_is_found(at in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..2000)) {
        let whole = packed();
        prop_assert!(open(&whole[..at.index(whole.len())]).is_err());
        prop_assert!(open(&[whole, &more].concat()).is_err());
    }

    #[test]
    fn what_is_no_bundle_is_refused(octets in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(open(&octets).is_err());
    }
}

/// The files of a bundle, changed, and packed into a container again.
fn repacked(change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Vec<u8> {
    let files = container::read(packed()).unwrap().into_iter();
    let mut files: Vec<(String, Vec<u8>)> = files.map(|(name, it)| (name, it.to_vec())).collect();
    change(&mut files);
    let mut octets = Vec::new();
    let files = files
        .iter()
        .map(|(name, it)| (name.as_str(), it.as_slice()));
    container::write(files, &mut octets).unwrap();
    octets
}

fn index(files: &[(String, Vec<u8>)], name: &str) -> usize {
    files.iter().position(|it| it.0 == name).unwrap()
}

/// Makes the manifest say what is there, and signs it with another key: what a forger does.
fn signed_again(files: &mut [(String, Vec<u8>)], change: impl FnOnce(&mut Manifest)) {
    let key = SigningKey::fresh().unwrap();
    let mut manifest = Manifest::read(&files[0].1).unwrap();
    for entry in &mut manifest.files {
        let octets = &files[index(files, &entry.name)].1;
        *entry = FileEntry::new(&entry.name, octets, entry.unpacked);
    }
    manifest.signer = key.public().fingerprint();
    change(&mut manifest);
    files[0].1 = manifest.render().unwrap();
    files[1].1 = key.sign(&files[0].1);
    files[2].1 = key.public().to_pem().into_bytes();
}

#[test]
fn a_changed_file_is_named_with_both_hashes() {
    let octets = repacked(|files| {
        let at = index(files, SUBJECT);
        files[at].1[0] = b'N';
    });
    let damage = open(&octets).unwrap_err();
    let Damage::Hash {
        name,
        expected,
        found,
    } = &damage
    else {
        panic!("{damage}");
    };
    assert_eq!(name, SUBJECT);
    assert_eq!(*expected, edition::hex(b"name = \"crm\"\n"));
    assert_eq!(*found, edition::hex(b"Name = \"crm\"\n"));
}

#[test_case(|files| { files.remove(index(files, STATEMENT)); }, "`statement.txt` is missing"; "a file less")]
#[test_case(|files| files.push(("x".to_owned(), Vec::new())), "`x` does not belong"; "a file more")]
#[test_case(|files| files.push(files[5].clone()), "does not belong"; "a file twice")]
#[test_case(|files| files.swap(4, 5), "does not belong"; "another order")]
#[test_case(|files| { files.remove(0); }, "`manifest.json` is missing"; "no manifest")]
#[test_case(|files| files[0].1.push(b' '), "`manifest.json` is no manifest: it is not in its usual form"; "a blank in the manifest")]
#[test_case(|files| files[2].1 = SigningKey::fresh().unwrap().public().to_pem().into(), "not the key of the manifest"; "another key")]
#[test_case(|files| files[1].1[5] ^= 1, "the signature is wrong"; "another signature")]
#[test_case(|files| signed_again(files, |it| it.v = 99), "format version 99"; "a newer format")]
#[test_case(|files| signed_again(files, |it| it.files[0].name = "../x".to_owned()), "`../x` does not belong"; "a path out of the folder")]
#[test_case(|files| signed_again(files, |it| it.files.push(it.files[0].clone())), "in the order of their names"; "a name twice in the manifest")]
fn a_container_that_somebody_changed(change: fn(&mut Vec<(String, Vec<u8>)>), words: &str) {
    let damage = open(&repacked(change)).unwrap_err().to_string();
    assert!(damage.contains(words), "{damage}");
}

/// What a signer can make up is found where it contradicts itself.
#[test_case(|files| {
    let at = index(files, RECORDS);
    files[at].1 = packed::pack(&vec![b'{'; 50_000_000]).unwrap();
    signed_again(files, |_| {});
}, "is wrong in itself"; "a bomb")]
#[test_case(|files| signed_again(files, |it| {
    it.files.iter_mut().for_each(|it| it.unpacked = it.unpacked.map(|n| n + 1));
}), "less in it than the manifest says"; "sizes that are not true")]
#[test_case(|files| signed_again(files, |it| it.edition.sha256 = "0".repeat(64)), "its edition should have 2 cases"; "another edition")]
#[test_case(|files| signed_again(files, |it| {
    it.cases.values_mut().next().unwrap().replace_range(0..1, "x");
}), "is not that of the manifest"; "another case")]
#[test_case(|files| signed_again(files, |it| it.mailproof = "9.9.9".to_owned()), "another run"; "another version in the manifest")]
fn a_bundle_that_contradicts_itself(change: fn(&mut Vec<(String, Vec<u8>)>), words: &str) {
    let octets = repacked(change);
    let bundle = open(&octets).unwrap_or_else(|damage| panic!("{damage}"));
    let damage = judge_again(&bundle, library()).unwrap_err().to_string();
    assert!(damage.contains(words), "{damage}");
}

#[test]
fn verdicts_that_the_records_do_not_give_are_found() {
    assert_eq!(
        differences(|it| it.controls[0].judgement.verdict = Verdict::Pass),
        [What::Verdict]
    );
    assert_eq!(
        differences(|it| it.cases[0].judgement.findings.clear()),
        [What::Findings]
    );
    assert_eq!(
        differences(|it| it.cases[1].title = "Other".to_owned()),
        [What::Words]
    );
    assert_eq!(
        differences(|it| it.cases[1].transcript = "C: QUIT\n".to_owned()),
        [What::Transcript]
    );
    assert_eq!(differences(|it| it.ran = 2), [What::Counts]);
}

#[test]
fn what_the_vendor_expects_is_not_packed() {
    let (records, mut results) = run();
    for case in &mut results.cases {
        case.expected = Some("known".to_owned());
    }
    results.stale.push("old".to_owned());
    assert_eq!(packed_with(&records, &results), packed());
}

#[test]
fn other_cases_than_here_are_told() {
    let (mut records, mut results) = run();
    records[1].case.why.push_str(" Really.");
    let id = records[1].case.id.clone();
    let changed = results.cases.iter_mut().find(|it| it.id == id).unwrap();
    changed.why = records[1].case.why.clone();
    let cases = [&records[0].case, &records[1].case];
    results.edition = Some(edition::edition(library(), cases));
    let again = again(&packed_with(&records, &results));
    assert_eq!(again.differences, []);
    assert_eq!(again.edition.changed, [id]);
}

#[test]
fn records_without_results_are_not_packed() {
    let (records, results) = run();
    let mut packer = Packer::new().unwrap();
    packer.keep(&records[0]).unwrap();
    let error = packer
        .finish(&results, &About::default(), &key(), Vec::new())
        .unwrap_err();
    assert!(matches!(error, PackError::Apart(_)), "{error}");
}
