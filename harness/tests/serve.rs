//! `mailproof serve` as a person meets it: settings on standard output, a client that connects, Ctrl-C.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal, kill_process};
use test_case::test_case;

/// A server that runs, and what it said so far.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    settings: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mailproof"))
            .arg("serve")
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut settings = String::new();
        while !settings.contains("Ctrl-C ends it") {
            assert_ne!(stdout.read_line(&mut settings).unwrap(), 0, "{settings}");
        }
        Self {
            child,
            stdout,
            settings,
        }
    }

    /// The word behind the name of a setting.
    fn setting(&self, name: &str) -> &str {
        let lines = self.settings.lines().map(str::trim);
        let line = lines.filter_map(|it| it.strip_prefix(name)).next();
        let line = line.unwrap_or_else(|| panic!("{name} in {}", self.settings));
        line.trim().split([' ', ',']).next().unwrap_or_default()
    }

    fn connect(&self, port: &str) -> Client {
        let port: u16 = self.setting(port).parse().unwrap();
        let mut client = Client(BufReader::new(
            TcpStream::connect(("localhost", port)).unwrap(),
        ));
        assert!(client.reply().starts_with("220"));
        client
    }

    fn secret(&self) -> String {
        STANDARD.encode(format!(
            "\0{}\0{}",
            self.setting("user"),
            self.setting("password")
        ))
    }

    /// Ends it; the exit code and what it said since it was set up.
    fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

/// A mail client made of a socket.
struct Client(BufReader<TcpStream>);

impl Client {
    fn say(&mut self, line: &str) -> String {
        write!(self.0.get_mut(), "{line}\r\n").unwrap();
        self.reply()
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            assert_ne!(self.0.read_line(&mut reply).unwrap(), 0, "{reply}");
            if reply.as_bytes()[start..].get(3) != Some(&b'-') {
                return reply;
            }
        }
    }
}

#[test_case(Signal::INT; "ctrl-c")]
#[test_case(Signal::TERM; "term")]
fn a_persona_shows_what_is_said_and_no_secret(signal: Signal) {
    let served = Served::start(&["postfix", "--seed", "5"]);
    assert!(served.settings.contains("on this machine only"));
    let ca = served.setting("Test authority").to_owned();
    assert!(
        std::fs::read_to_string(&ca)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    let secret = served.secret();
    let mut client = served.connect("submission ");
    assert!(client.say("EHLO gui.example").starts_with("250"));
    client.say(&format!("AUTH PLAIN {secret}"));
    client.say("NOOP \x1b[2J");
    client.say("QUIT");
    let (code, shown) = served.stop(signal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("[1] -- the client connects to submission\n"),
        "{shown}"
    );
    assert!(shown.contains("[1] C: EHLO gui.example\n"), "{shown}");
    assert!(shown.contains("[1] C: AUTH PLAIN ********\n"), "{shown}");
    assert!(shown.contains("[1] C: NOOP \\u{1b}[2J\n"), "{shown}");
    assert!(shown.contains("[1] S: 221"), "{shown}");
    assert!(!shown.contains(&secret) && !shown.contains('\x1b'));
    assert!(!std::path::Path::new(&ca).exists());
}

#[test]
fn who_gives_the_password_away_fails() {
    let served = Served::start(&["smtp/starttls/not-offered"]);
    let secret = served.secret();
    let mut client = served.connect("port");
    client.say("EHLO gui.example");
    client.say(&format!("AUTH PLAIN {secret}"));
    client.say("QUIT");
    let (code, shown) = served.stop(Signal::INT);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("\nFAIL: "), "{shown}");
    assert!(shown.contains("BROKEN"), "{shown}");
    assert!(!shown.contains(&secret));
}

#[test]
fn who_leaves_must_be_looked_at_for_nobody_hears_what_it_says() {
    let served = Served::start(&["smtp/starttls/not-offered"]);
    let mut client = served.connect("port");
    client.say("EHLO gui.example");
    client.say("QUIT");
    let (code, shown) = served.stop(Signal::INT);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("\nREVIEW: "), "{shown}");
}

#[test]
fn whoever_never_came_shows_nothing() {
    let served = Served::start(&["smtp/starttls/not-offered", "--control"]);
    assert!(served.settings.contains("This is the control"));
    let (code, shown) = served.stop(Signal::INT);
    assert_eq!(code, Some(4), "{shown}");
    assert!(shown.contains("\nINCONCLUSIVE: "), "{shown}");
}

#[test]
fn the_same_seed_keeps_the_account_for_the_control() {
    let case = Served::start(&["smtp/starttls/not-offered", "--seed", "7"]);
    let control = Served::start(&["smtp/starttls/not-offered", "--seed", "7", "--control"]);
    assert_eq!(case.setting("user"), control.setting("user"));
    assert_eq!(case.setting("password"), control.setting("password"));
    case.stop(Signal::INT);
    control.stop(Signal::INT);
}
