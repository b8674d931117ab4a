//! The server's side of PLAIN (RFC 4616), LOGIN and XOAUTH2 without any transport.
//!
//! LOGIN and XOAUTH2 have no RFC; they follow what clients and servers do. Says who tried and whether the
//! credentials are right; what is answered is decided elsewhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_scenarios::model::Account;

/// The longest line of an exchange with its CRLF (RFC 4954 §4).
pub(super) const LINE: usize = 12288;

/// A mechanism that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Login,
    Xoauth2,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// The first and only message of a mechanism.
    First(Mechanism),
    /// The password that belongs to the user name.
    LoginPassword { user: String },
    /// Whatever a client says to the explanation of a refused token; the sign-in has failed already.
    TokenRefused,
}

/// What follows from a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The password is wanted.
    AskPassword { user: String },
    /// The credentials were checked.
    Checked(Attempt),
    /// The explanation of a refused token was answered.
    Over,
}

/// Checked credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) accepted: bool,
}

impl Mechanism {
    /// By its name in capitals.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Mechanism::Plain, Mechanism::Login, Mechanism::Xoauth2]
            .into_iter()
            .find(|it| it.name() == name)
    }

    /// The name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::Xoauth2 => "XOAUTH2",
        }
    }
}

impl Exchange {
    /// Takes the client's decoded message.
    pub(super) fn advance(&self, message: &[u8], accounts: &[Account]) -> Step {
        let text = String::from_utf8_lossy(message);
        match self {
            Exchange::First(Mechanism::Login) => Step::AskPassword {
                user: text.into_owned(),
            },
            Exchange::First(Mechanism::Plain) => Step::Checked(plain(&text, accounts)),
            Exchange::First(Mechanism::Xoauth2) => Step::Checked(xoauth2(&text, accounts)),
            Exchange::LoginPassword { user } => Step::Checked(Attempt {
                mechanism: Mechanism::Login,
                accepted: accounts
                    .iter()
                    .any(|it| it.user == *user && it.password.as_bytes() == message),
                user: user.clone(),
            }),
            Exchange::TokenRefused => Step::Over,
        }
    }
}

/// Decodes base64 as strictly as RFC 4954 §4 wants it.
pub(super) fn decode(base64: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(base64).ok()
}

/// `[authzid] NUL authcid NUL passwd`. Nobody may act for another.
fn plain(text: &str, accounts: &[Account]) -> Attempt {
    let mut parts = text.split('\0');
    let authzid = parts.next().unwrap_or_default();
    let user = parts.next().unwrap_or_default();
    let password = parts.next();
    let whole = parts.next().is_none() && (authzid.is_empty() || authzid == user);
    Attempt {
        mechanism: Mechanism::Plain,
        accepted: whole
            && accounts
                .iter()
                .any(|it| it.user == user && Some(it.password.as_str()) == password),
        user: user.to_owned(),
    }
}

/// `user=… ^A auth=Bearer … ^A ^A`.
fn xoauth2(text: &str, accounts: &[Account]) -> Attempt {
    let field = |name: &str| {
        text.split('\x01').find_map(|field| {
            let (key, value) = field.split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    };
    let user = field("user").unwrap_or_default();
    let token = field("auth")
        .and_then(|it| it.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    Attempt {
        mechanism: Mechanism::Xoauth2,
        accepted: text.ends_with("\x01\x01")
            && accounts
                .iter()
                .any(|it| it.user == user && Some(it.token.as_str()) == token),
        user: user.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Canaries;
    use test_case::test_case;

    use super::*;

    fn account() -> Account {
        Account {
            name: "a".to_owned(),
            user: "a@x.example".to_owned(),
            password: "pä ss".to_owned(),
            token: "tok".to_owned(),
        }
    }

    fn check(mechanism: Mechanism, message: &str) -> bool {
        match Exchange::First(mechanism).advance(message.as_bytes(), &[account()]) {
            Step::Checked(attempt) => attempt.accepted,
            step => panic!("{step:?}"),
        }
    }

    #[test_case("\0a@x.example\0pä ss", true; "right")]
    #[test_case("a@x.example\0a@x.example\0pä ss", true; "for oneself")]
    #[test_case("b@x.example\0a@x.example\0pä ss", false; "for another")]
    #[test_case("\0a@x.example\0pä", false; "wrong password")]
    #[test_case("\0b@x.example\0pä ss", false; "wrong user")]
    #[test_case("\0a@x.example\0pä ss\0", false; "a NUL too many")]
    #[test_case("\0a@x.example", false; "no password")]
    #[test_case("", false; "nothing")]
    fn plain_is(message: &str, accepted: bool) {
        assert_eq!(check(Mechanism::Plain, message), accepted);
    }

    #[test_case("user=a@x.example\x01auth=Bearer tok\x01\x01", true; "right")]
    #[test_case("user=a@x.example\x01auth=bearer tok\x01\x01", true; "small letters")]
    #[test_case("user=a@x.example\x01auth=Bearer to\x01\x01", false; "wrong token")]
    #[test_case("user=b@x.example\x01auth=Bearer tok\x01\x01", false; "wrong user")]
    #[test_case("user=a@x.example\x01auth=Bearer tok\x01", false; "cut off")]
    #[test_case("user=a@x.example\x01auth=Basic tok\x01\x01", false; "another scheme")]
    #[test_case("", false; "nothing")]
    fn xoauth2_is(message: &str, accepted: bool) {
        assert_eq!(check(Mechanism::Xoauth2, message), accepted);
    }

    #[test]
    fn the_canaries_know_the_same_form() {
        let message = decode(Canaries::xoauth2(&account()).as_bytes()).unwrap();
        let step = Exchange::First(Mechanism::Xoauth2).advance(&message, &[account()]);
        assert!(matches!(
            step,
            Step::Checked(Attempt { accepted: true, .. })
        ));
    }

    #[test_case("=AAA"; "padding first")]
    #[test_case("AAA=BBB"; "padding in the middle")]
    #[test_case("AAA"; "padding missing")]
    #[test_case("AA AA"; "a space")]
    #[test_case("!!!!"; "other characters")]
    fn is_no_base64(text: &str) {
        assert_eq!(decode(text.as_bytes()), None);
    }
}
