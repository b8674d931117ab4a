//! Whatever a server sends, the client ends with words and without a panic.

use mailproof_scenarios::model::{Flaw, Job, Protocol, Security, event::Said};
use proptest::prelude::*;

use super::world::run;
use crate::subjects::test_server::{Server, Then, request};

/// Octets that come near to what a server says.
fn nearly() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "220 ",
        "250-",
        "250 ",
        "334 ",
        "354",
        "421 x",
        "\r\n",
        "\n",
        "\r",
        "* ",
        "OK",
        "BYE",
        "+ ",
        "{tag} ",
        "A0001 ",
        "A0009 ",
        "FETCH (",
        "BODY[] ",
        "{5}",
        "{4294967295}",
        "{5}\r\nabc",
        "(",
        ")",
        "\"",
        "\\",
        "1 ",
        "EXISTS",
        "CAPABILITY ",
        "[",
        "]",
        "[ALERT] ",
        "\u{1b}",
        "\0",
        "ä",
        "EXPUNGE",
        "-1",
        "~{1}",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn smtp(place in prop::sample::select(vec!["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "data", "QUIT"]), what in nearly(), close in any::<bool>()) {
        let then = if close { Then::Close } else { Then::Clear };
        let server = Server::new(Protocol::Smtp, Security::None).instead(place, &what, then);
        let outcome = run(&[], request(Protocol::Smtp, Job::Send, Security::None), server);
        prop_assert!(outcome.said() == Said::Success || !outcome.text().is_empty());
        prop_assert_ne!(outcome.text(), "HANG");
    }

    #[test]
    fn imap(place in prop::sample::select(vec!["greeting", "CAPABILITY", "LOGIN", "SELECT", "UID", "IDLE", "literal", "LOGOUT"]), what in nearly(), close in any::<bool>(), job in prop::sample::select(vec![Job::Fetch, Job::Idle, Job::Append, Job::List])) {
        let then = if close { Then::Close } else { Then::Clear };
        let server = Server::new(Protocol::Imap, Security::None)
            .instead(place, &what, then)
            .with(|it| it.clear = "IMAP4rev1 IDLE");
        let outcome = run(&[], request(Protocol::Imap, job, Security::None), server);
        prop_assert!(outcome.said() == Said::Success || !outcome.text().is_empty());
        prop_assert_ne!(outcome.text(), "HANG");
    }

    /// The flawed clients may do what they like, but only one of them dies of it.
    #[test]
    fn with_any_flaw(flaw in prop::sample::select(Flaw::ALL), what in nearly(), smtp in any::<bool>()) {
        prop_assume!(flaw != Flaw::Crashes);
        let (protocol, job, place) = if smtp {
            (Protocol::Smtp, Job::Send, "MAIL")
        } else {
            (Protocol::Imap, Job::Fetch, "UID")
        };
        let server = Server::new(protocol, Security::None).reply(place, &what);
        run(&[flaw], request(protocol, job, Security::None), server);
    }
}
