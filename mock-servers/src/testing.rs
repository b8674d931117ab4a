//! A tiny engine for tests: one line in, one prepared response out.

use std::collections::HashMap;

use mailproof_scenarios::model::{Fill, Protocol, Refusal, Unit, What, When, WireText};

use crate::engine::{After, Engine, Input, InputKind, Response, ResponseUnit};

/// Answers `250 VERB` to everything it was not told otherwise; `220` and TLS to STARTTLS; closes at QUIT.
pub(crate) struct Puppet {
    pub(crate) answers: HashMap<&'static str, Response>,
    pub(crate) log: Vec<String>,
    unread: Vec<u8>,
    waiting: bool,
    verb: String,
}

impl Puppet {
    pub(crate) fn new() -> Self {
        let mut starttls = response(&[(Unit::Final, "220 go\r\n")]);
        starttls.after = After::StartTls;
        let mut quit = response(&[(Unit::Final, "221 bye\r\n")]);
        quit.after = After::Close;
        Self {
            answers: HashMap::from([("STARTTLS", starttls), ("QUIT", quit)]),
            log: Vec::new(),
            unread: Vec::new(),
            waiting: false,
            verb: String::new(),
        }
    }
}

/// A positive response with these units.
pub(crate) fn response(units: &[(Unit, &str)]) -> Response {
    Response {
        units: units
            .iter()
            .map(|(kind, text)| ResponseUnit {
                kind: *kind,
                octets: text.as_bytes().to_vec(),
            })
            .collect(),
        after: After::GoOn,
        facts: Vec::new(),
        positive: true,
    }
}

impl Engine for Puppet {
    fn protocol(&self) -> Protocol {
        Protocol::Smtp
    }

    fn greet(&mut self, refusal: Option<&Refusal>, _preauth: Option<&WireText>) -> Response {
        match refusal {
            None => response(&[(Unit::Final, "220 puppet\r\n")]),
            Some(_) => Response {
                positive: false,
                ..response(&[(Unit::Final, "554 no\r\n")])
            },
        }
    }

    fn feed(&mut self, octets: &[u8]) {
        self.unread.extend_from_slice(octets);
    }

    fn next(&mut self) -> Option<Input> {
        if self.waiting {
            return None;
        }
        let end = self.unread.iter().position(|it| *it == b'\n')?;
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line).to_ascii_uppercase();
        self.verb = text.split_whitespace().next().unwrap_or("?").to_owned();
        Some(Input {
            kind: InputKind::Command,
            verb: self.verb.clone(),
            line,
        })
    }

    fn fill(&self) -> Fill {
        let mut fill = Fill::default();
        fill.set("verb", self.verb.clone()).set("host", "puppet");
        fill
    }

    fn holds(&self, when: When) -> bool {
        when == When::NotSignedIn
    }

    fn respond(&mut self, refusal: Option<&Refusal>) -> Response {
        if refusal.is_some() {
            return Response {
                positive: false,
                ..response(&[(Unit::Final, "550 refused\r\n")])
            };
        }
        let prepared = self.answers.get(self.verb.as_str()).cloned();
        let answer = prepared.unwrap_or_else(|| {
            let mut answer = response(&[(Unit::Final, &format!("250 {}\r\n", self.verb))]);
            if self.verb == "MAIL" {
                answer.facts.push(What::SignIn {
                    mechanism: "PUPPET".to_owned(),
                    user: "a".to_owned(),
                    accepted: true,
                });
            }
            answer
        });
        self.waiting = answer.after == After::StartTls;
        answer
    }

    fn tls_started(&mut self) {
        self.waiting = false;
        self.log.push("tls started".to_owned());
    }

    fn tls_abandoned(&mut self) {
        self.waiting = false;
        self.log.push("tls abandoned".to_owned());
    }

    fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    fn poll(&mut self) -> Option<Response> {
        None
    }
}
