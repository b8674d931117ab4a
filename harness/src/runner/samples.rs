//! Small cases and adapters for the tests of the runner.

use std::path::Path;

use mailproof_scenarios::model::{
    Auth, CaFile, Case, Crl, Delta, Expectation, Frequency, Host, Job, Kind, Message, Party,
    PortRole, Process, Protocol, Security, Setup, Severity, Step, Store, Trust,
};

use crate::adapter::Adapter;

/// An adapter whose `send` over SMTP is this command line, in TOML.
pub(super) fn adapter(run: &str) -> Adapter {
    let source = format!(
        "name = \"sample\"\ntitle = \"Sample\"\nrole = \"client\"\ninstall = \"apt install sample\"\n\
         [settings.security]\nnone = []\nimplicit = []\n\
         [settings.trust]\nca = []\n[settings.auth]\nnone = []\nplain = []\n\
         [job.send]\nrun = {run}\n\
         [exit]\nsuccess = [0]\ntemporary = [7]\nunsupported = [89]\n"
    );
    Adapter::parse(&source, "sample.toml", Path::new(".")).expect("a right adapter")
}

/// A positive case with one step in clear.
pub(super) fn case(id: &str) -> Case {
    Case {
        id: id.to_owned(),
        scenario: id.to_owned(),
        variant: Vec::new(),
        title: String::new(),
        why: String::new(),
        kind: Kind::Positive,
        severity: Severity::Low,
        frequency: Frequency::Common,
        refs: Vec::new(),
        covers: Vec::new(),
        tags: Vec::new(),
        steps: vec![Step {
            job: Job::Send,
            protocol: Protocol::Smtp,
            security: Security::None,
            trust: Trust::Ca,
            ca_file: CaFile::default(),
            store: Store::default(),
            crl: Crl::default(),
            host: Host::Name,
            source: 1,
            port: PortRole::Submission,
            auth: Auth::Plain,
            account: "a".to_owned(),
            from: Party::Own,
            to: vec![Party::Other],
            message: Message::Simple,
            mailbox: "INBOX".to_owned(),
            process: Process::New,
        }],
        setup: Setup::default(),
        delta: Delta::None,
        expect: vec![Expectation::completed()],
        killed_by: Vec::new(),
        needs: Vec::new(),
        waits: false,
        diagnosis: None,
    }
}
