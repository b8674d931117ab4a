//! `mailproof verify`: whether a bundle is as it was signed, and whether it is judged the same again.
//!
//! Must not know how that is found out.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{Read as _, Write},
    path::Path,
};

use mailproof_scenarios::library::Library;
use serde::Serialize;

use super::key;
use crate::{
    bundle::{self, Again, Bundle, Damage, Demands, Difference, Origin, OtherEdition},
    cli::{
        Failure,
        args::{ListFormat, VerifyArgs},
        library,
    },
    exit::Exit,
    report::{tally::Tally, text},
    results::{Edition, Standing, Verdict},
};

/// Differences that are told; the rest is counted.
const TOLD: usize = 20;

pub(crate) fn execute(args: &VerifyArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let expected = match (&args.key, &args.fingerprint) {
        (Some(path), _) => Some(key::public(path)?.fingerprint()),
        (None, fingerprint) => fingerprint.clone(),
    };
    let octets = read(&args.file)?;
    let library = library(&[])?;
    let report = match verify(&octets, expected.as_deref(), &library) {
        Ok(report) => report,
        Err(why) => {
            if args.format == ListFormat::Json {
                json(&Damaged::new(&why), stdout)?;
            }
            let shown = text::line(&args.file.display().to_string());
            return Err(Failure::usage(format!("{shown}: {why}")));
        }
    };
    match args.format {
        ListFormat::Json => json(&report, stdout)?,
        ListFormat::Human => {
            stdout.write_all(report.human().as_bytes())?;
            stdout.flush()?;
        }
    }
    Ok(match report.verified {
        true => Exit::AsExpected,
        false => Exit::Unexpected,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let read =
        File::open(path).and_then(|it| it.take(bundle::LARGEST + 1).read_to_end(&mut octets));
    read.map_err(|error| {
        let shown = text::line(&path.display().to_string());
        Failure::usage(format!("cannot read `{shown}`: {error}"))
    })?;
    Ok(octets)
}

fn json(value: &impl Serialize, stdout: &mut dyn Write) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::environment(error.to_string()))?;
    text.push('\n');
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Opens, compares keys, judges again.
fn verify(octets: &[u8], expected: Option<&str>, library: &Library) -> Result<Report, String> {
    let told = |damage: Damage| damage.to_string();
    let bundle = bundle::open(octets).map_err(told)?;
    let signer = bundle.signer.fingerprint();
    if let Some(expected) = expected.filter(|it| *it != signer) {
        return Err(format!(
            "it is signed by SHA256:{signer}, and not by SHA256:{expected}"
        ));
    }
    let again = bundle::judge_again(&bundle, library).map_err(told)?;
    Ok(Report::new(&bundle, again, expected.is_some()))
}

/// What is said of a bundle that is none, or no longer one.
#[derive(Serialize)]
struct Damaged<'a> {
    verified: bool,
    damage: &'a str,
}

impl<'a> Damaged<'a> {
    fn new(damage: &'a str) -> Self {
        Self {
            verified: false,
            damage,
        }
    }
}

/// What is said of a bundle.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether everything is the same that has to be.
    verified: bool,
    subject: String,
    subject_version: Option<String>,
    place: String,
    now: String,
    /// The mailproof that judged first.
    mailproof: String,
    /// The mailproof that judged again.
    verified_by: String,
    /// The fingerprint of the key that signed.
    signer: String,
    /// Whether the user gave that key.
    signer_is_proved: bool,
    files: usize,
    edition: Edition,
    other_edition: OtherEdition,
    ran: String,
    /// How often each verdict was found.
    outcome: BTreeMap<Verdict, usize>,
    cases: usize,
    controls: usize,
    standing: Option<Standing>,
    /// Whether the profile's demands are whole.
    demands: Option<Demands>,
    differences: Vec<Difference>,
}

impl Report {
    fn new(bundle: &Bundle<'_>, again: Again, signer_is_proved: bool) -> Self {
        let manifest = &bundle.manifest;
        let mailproof = manifest.mailproof.clone();
        let verified_by = env!("CARGO_PKG_VERSION").to_owned();
        let tally = Tally::of(&again.results);
        let same_version = mailproof == verified_by;
        let weighs = |it: &Difference| same_version || !it.what.is_wording();
        Self {
            verified: !again.differences.iter().any(weighs),
            subject: match again.packed.subject_title.as_str() {
                "" => again.packed.subject.clone(),
                title => title.to_owned(),
            },
            subject_version: again.packed.subject_version.clone(),
            place: again.packed.place.clone(),
            now: again.packed.now.clone(),
            mailproof,
            verified_by,
            signer: bundle.signer.fingerprint(),
            signer_is_proved,
            files: manifest.files.len(),
            edition: manifest.edition.clone(),
            other_edition: again.edition,
            ran: tally.first_line(),
            outcome: tally.verdicts,
            cases: again.results.cases.len(),
            controls: again.results.controls.len(),
            standing: again.results.standing,
            demands: again.demands,
            differences: again.differences,
        }
    }

    fn human(&self) -> String {
        let mut page = String::new();
        let mut put = |label: &str, value: &str| {
            let _ = writeln!(page, "{label:<11}{value}");
        };
        let version = self.subject_version.as_deref().unwrap_or("version unknown");
        put(
            "subject",
            &text::line(&format!("{} ({version})", self.subject)),
        );
        put(
            "run",
            &text::line(&format!(
                "{} at {}, judged by mailproof {}",
                self.place, self.now, self.mailproof
            )),
        );
        put("signed by", &format!("SHA256:{}", self.signer));
        put(
            "",
            match self.signer_is_proved {
                true => "which is the key that you gave",
                false => {
                    "which the bundle says of itself: only --key or --fingerprint proves whose it is"
                }
            },
        );
        put(
            "files",
            &format!("{}, each as it was signed", text::count(self.files, "file")),
        );
        put("edition", &self.edition_line());
        for line in self.edition_remarks() {
            put("", &line);
        }
        put("ran", &self.ran);
        let outcome = self.outcome.iter();
        let outcome: Vec<String> = outcome
            .map(|(verdict, n)| format!("{n} {}", verdict.name()))
            .collect();
        put("outcome", &outcome.join(", "));
        put("judged", &self.judged());
        for difference in self.differences.iter().take(TOLD) {
            put("", &told(difference));
        }
        if let Some(more) = self
            .differences
            .len()
            .checked_sub(TOLD)
            .filter(|it| *it > 0)
        {
            put("", &format!("and {more} more"));
        }
        match &self.standing {
            Some(it) => {
                let title = text::line(&format!("{}: {}", it.title, it.conformance.name()));
                put("roll-up", &title);
                put("", &text::line(&it.why));
                put("", origin(self.demands.as_ref()));
            }
            None => put("roll-up", "the run was for no profile"),
        }
        put(
            "",
            match self.verified {
                true => "verified",
                false => "NOT VERIFIED: it was signed like this, and is judged otherwise",
            },
        );
        page
    }

    fn edition_line(&self) -> String {
        let name = text::line(&self.edition.name);
        format!(
            "{name}, {}, SHA256:{}",
            text::count(self.edition.cases, "case"),
            self.edition.sha256
        )
    }

    fn edition_remarks(&self) -> Vec<String> {
        let other = &self.other_edition;
        let mut lines = Vec::new();
        let mut some = |ids: &[String], what: &str| {
            if !ids.is_empty() {
                let named: Vec<&str> = ids.iter().take(3).map(String::as_str).collect();
                let more = if ids.len() > 3 { ", …" } else { "" };
                let named = text::line(&named.join(", "));
                lines.push(format!("{} {what}: {named}{more}", ids.len()));
            }
        };
        some(&other.changed, "with other contents than here");
        some(&other.unknown, "not known here");
        some(&other.personas, "of its personas others than here");
        let all = match (other.is_same(), other.not_in) {
            (true, 0) => "exactly the cases of this mailproof".to_owned(),
            (true, n) => format!("each as in this mailproof, which has {n} more"),
            (false, _) => "verified with another edition: see above".to_owned(),
        };
        lines.push(all);
        lines
    }

    fn judged(&self) -> String {
        let judged = format!(
            "{} and {} again, by mailproof {}: ",
            text::count(self.cases, "case"),
            text::count(self.controls, "control"),
            self.verified_by
        );
        let outcome = match (self.differences.len(), self.verified) {
            (0, _) => "all the same".to_owned(),
            (n, true) => format!(
                "the same but for {} of wording",
                text::count(n, "difference")
            ),
            (n, false) => text::count(n, "difference"),
        };
        judged + &outcome
    }
}

fn told(difference: &Difference) -> String {
    let id = match difference.id.as_str() {
        "" => "the run",
        id => id,
    };
    text::line(&format!(
        "{id}: {} was `{}`, is `{}`",
        difference.what.name(),
        difference.packed,
        difference.again
    ))
}
/// Whose profile it is, in words.
fn origin(demands: Option<&Demands>) -> &'static str {
    match demands.map(|it| it.origin) {
        Some(Origin::BuiltIn) => "by the profile of that name as it is here",
        Some(Origin::Other) => {
            "by a profile with that name and ANOTHER TEXT than the one that is here"
        }
        Some(Origin::Own) => "by a profile of the vendor's own: its text is in the bundle",
        None => "by a profile that cannot be read here",
    }
}
