//! A case in plain words: what happens on the wire, why it matters, what a good client does.
//!
//! Everything is computed from the case, so that it cannot differ from what is run. Must not know where the
//! text goes.

mod expectations;
mod references;
mod server;
mod steps;

pub use references::address;

use std::fmt::Write as _;

use mailproof_scenarios::{
    language::Registries,
    model::{Case, Delta, Frequency, Kind, Need, Severity},
};

use super::{facts, text};

/// A case in plain words, part by part, each a list of sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Told {
    /// What the client is asked to do.
    pub asked: Vec<String>,
    /// The server, apart from what goes wrong.
    pub server: Vec<String>,
    /// What goes wrong.
    pub wrong: Vec<String>,
    /// What a good client does.
    pub good: Vec<String>,
    /// Clauses and advisories, each with its address where it has one.
    pub references: Vec<(String, Option<String>)>,
}

/// Tells a case.
pub fn tell(case: &Case) -> Told {
    Told {
        asked: steps::describe(&case.steps),
        server: server::setup(case),
        wrong: delta(case),
        good: expectations::describe(case),
        references: references::all(case, &Registries::default())
            .into_iter()
            .map(|it| (it.citation.to_owned(), it.address))
            .collect(),
    }
}

/// The page for one case; the registries hold the text of the clauses that it cites.
pub fn page(case: &Case, registries: &Registries, width: usize) -> String {
    let mut page = Page {
        out: String::new(),
        width: width.clamp(40, 120),
    };
    let _ = writeln!(page.out, "{}", text::line(&case.id));
    page.paragraph(&case.title);
    for (axis, value) in &case.variant {
        page.item(&format!("{axis}: {value}"));
    }
    page.section("Why it matters");
    page.paragraph(&case.why);
    page.paragraph(&weight(case));
    page.section("What the client is asked to do");
    page.list(steps::describe(&case.steps));
    page.section("The server, apart from what goes wrong");
    page.list(server::setup(case));
    page.section("What goes wrong");
    page.list(delta(case));
    page.section("What a good client does");
    page.list(expectations::describe(case));
    page.section("If your client fails here");
    page.list(advice(case));
    if let Some(diagnosis) = &case.diagnosis {
        page.section("What to tell the user");
        page.item(&format!("Who can act: {}.", facts::who(diagnosis.who)));
        page.item(&format!("English: {}", diagnosis.en));
        page.item(&format!("German: {}", diagnosis.de));
    }
    page.section("References");
    page.references(case, registries);
    page.section("Run it");
    page.verbatim(&format!(
        "mailproof run ADAPTER --include {}",
        text::quoted(&case.id)
    ));
    for need in &case.needs {
        page.item(needs(*need));
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn section(&mut self, title: &str) {
        let _ = writeln!(self.out, "\n{title}");
    }

    fn paragraph(&mut self, value: &str) {
        let _ = writeln!(
            self.out,
            "{}",
            text::wrap(&text::line(value), self.width, "  ", "  ")
        );
    }

    fn item(&mut self, value: &str) {
        let _ = writeln!(
            self.out,
            "{}",
            text::wrap(&text::line(value), self.width, "  - ", "    ")
        );
    }

    fn list(&mut self, values: Vec<String>) {
        for value in values {
            self.item(&value);
        }
    }

    fn references(&mut self, case: &Case, registries: &Registries) {
        let references = references::all(case, registries);
        for reference in &references {
            match (reference.text, &reference.address) {
                (Some(text), address) => {
                    self.item(reference.citation);
                    self.quotation(text);
                    if let Some(address) = address {
                        let _ = writeln!(self.out, "    {}", text::line(address));
                    }
                }
                (None, Some(address)) => self.item(&format!("{}: {address}", reference.citation)),
                (None, None) => self.item(reference.citation),
            }
        }
        if !case.covers.is_empty() {
            self.item(&format!("requirements: {}", case.covers.join(", ")));
        }
        if references.is_empty() && case.covers.is_empty() {
            self.item("none");
        }
    }

    /// A text in full, however long.
    fn quotation(&mut self, value: &str) {
        let quoted = format!("“{}”", text::block(value));
        let _ = writeln!(
            self.out,
            "{}",
            text::wrap(&quoted, self.width, "      ", "      ")
        );
    }

    fn verbatim(&mut self, value: &str) {
        let _ = writeln!(self.out, "  {}", text::line(value));
    }
}

fn weight(case: &Case) -> String {
    let severity = facts::harm(case.severity);
    let frequency = match case.frequency {
        Frequency::Common => "all the time; every support desk knows it",
        Frequency::Occasional => "now and then",
        Frequency::Rare => "seldom",
        Frequency::Attack => "where somebody attacks",
    };
    format!(
        "Severity {}: {severity} if a client gets it wrong. It is met {frequency}.",
        case.severity
    )
}

fn delta(case: &Case) -> Vec<String> {
    match &case.delta {
        Delta::None => vec!["Nothing: this must simply work.".to_owned()],
        Delta::Deviate(deviations) => deviations.iter().map(server::deviation).collect(),
        Delta::Vary(changes) => changes
            .iter()
            .map(|change| {
                let before = usize::from(change.step)
                    .checked_sub(1)
                    .and_then(|at| case.steps.get(at));
                steps::change(change, before)
            })
            .collect(),
    }
}

fn advice(case: &Case) -> Vec<String> {
    let mut advice = Vec::new();
    advice.push(match (case.kind, case.severity) {
        (Kind::Survey, _) => {
            "You cannot fail: this is a legitimate choice of a client, and it is recorded.".to_owned()
        }
        (_, Severity::Critical) => {
            "Fix it before the next release, and treat it as a security hole until you know better.".to_owned()
        }
        (_, Severity::High) => {
            "Fix it soon: accounts of real users stop working over this, or they are told the wrong thing.".to_owned()
        }
        (_, Severity::Medium | Severity::Low) => {
            "Fix it when you work on this part of the client.".to_owned()
        }
    });
    if case.kind != Kind::Survey {
        advice.push(
            "Read the transcript of the case (`run --out DIR`, then DIR/transcripts): the events say at which \
             octet the client went wrong."
                .to_owned(),
        );
    }
    if !case.killed_by.is_empty() {
        let flaws: Vec<&str> = case.killed_by.iter().map(|it| it.name()).collect();
        advice.push(format!(
            "Known mistakes that show here: {}.",
            flaws.join(", ")
        ));
    }
    if let Some(diagnosis) = &case.diagnosis {
        advice.push(format!(
            "The client itself should notice the situation and tell its user, in words like those below, so \
             that somebody can act: {}.",
            facts::who(diagnosis.who)
        ));
    }
    advice
}

fn needs(need: Need) -> &'static str {
    match need {
        Need::Ports => "needs the registered ports: give --lab",
        Need::Packets => "needs a witness for connection attempts: give --lab",
        Need::Names => "needs real host names: give --lab",
        Need::Addresses => "needs several addresses and a DNS: give --lab",
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::library::Library;

    use super::*;

    fn library() -> Library {
        Library::embedded().unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn every_case_can_be_explained() {
        let library = library();
        for case in library.cases() {
            let page = page(case, library.registries(), 100);
            assert!(page.contains("What a good client does\n  - "), "{page}");
            assert!(page.contains("What goes wrong\n  - "), "{page}");
            assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }

    #[test]
    fn what_a_case_rests_on_is_quoted_in_full() {
        let library = library();
        for case in library.cases() {
            let page = page(case, library.registries(), 80);
            let words: Vec<&str> = page.split_whitespace().collect();
            let page = words.join(" ");
            for citation in case.refs.iter().filter(|it| it.starts_with("RFC ")) {
                let text = library.registries().clause(citation).unwrap();
                assert!(page.contains(&format!("{citation} “{text}”")), "{page}");
            }
        }
    }

    #[test]
    fn injection_after_220() {
        let library = library();
        let case = library.case("smtp/starttls/injection-after-220").unwrap();
        insta::assert_snapshot!(page(case, library.registries(), 100));
    }

    #[test]
    fn two_accounts() {
        let library = library();
        let case = library
            .case("cert/always/not-for-other-accounts#imap-starttls")
            .unwrap();
        insta::assert_snapshot!(page(case, library.registries(), 100));
    }
}
