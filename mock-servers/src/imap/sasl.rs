//! The SASL exchanges of AUTHENTICATE: PLAIN (RFC 4616), LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628).
//!
//! It sees decoded messages and accounts, and knows nothing of tags and lines.

use mailproof_scenarios::model::Account;

/// A mechanism that the engine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Login,
    Xoauth2,
    OauthBearer,
}

/// An exchange in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    mechanism: Mechanism,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Begun,
    /// LOGIN has the user name.
    User(Vec<u8>),
    /// The refusal of a bearer token was explained; whatever comes ends the exchange.
    Explained,
}

/// Credentials that were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The login name.
    pub(super) user: String,
    /// Whether they are right.
    pub(super) accepted: bool,
}

/// What follows from a message of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The server asks for the password.
    AskPassword,
    /// The credentials are complete.
    Checked(Attempt),
    /// A bearer token is wrong, and this can be explained before the refusal.
    WrongToken(Attempt),
    /// The client has read the explanation.
    Over,
}

impl Mechanism {
    /// The mechanism of that name in capitals.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "PLAIN" => Mechanism::Plain,
            "LOGIN" => Mechanism::Login,
            "XOAUTH2" => Mechanism::Xoauth2,
            "OAUTHBEARER" => Mechanism::OauthBearer,
            _ => return None,
        })
    }

    /// The name in capitals.
    pub(super) fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::Xoauth2 => "XOAUTH2",
            Mechanism::OauthBearer => "OAUTHBEARER",
        }
    }

    /// Whether it sends a password as it is.
    pub(super) fn is_password(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login)
    }
}

impl Exchange {
    pub(super) fn begin(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            state: State::Begun,
        }
    }

    pub(super) fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Takes the next message of the client.
    pub(super) fn step(&mut self, message: &[u8], accounts: &[Account]) -> Step {
        match (&self.state, self.mechanism) {
            (State::Explained, _) => Step::Over,
            (State::Begun, Mechanism::Plain) => Step::Checked(plain(message, accounts)),
            (State::Begun, Mechanism::Login) => {
                self.state = State::User(message.to_vec());
                Step::AskPassword
            }
            (State::User(user), _) => Step::Checked(password(user, message, accounts)),
            (State::Begun, Mechanism::Xoauth2 | Mechanism::OauthBearer) => {
                let attempt = bearer(message, accounts, self.mechanism);
                if attempt.accepted {
                    Step::Checked(attempt)
                } else {
                    self.state = State::Explained;
                    Step::WrongToken(attempt)
                }
            }
        }
    }
}

/// Checks a user name and a password.
pub(super) fn password(user: &[u8], password: &[u8], accounts: &[Account]) -> Attempt {
    let accepted = accounts
        .iter()
        .any(|account| account.user.as_bytes() == user && account.password.as_bytes() == password);
    Attempt {
        user: String::from_utf8_lossy(user).into_owned(),
        accepted,
    }
}

/// `[authzid] NUL authcid NUL passwd`; nobody may act for somebody else.
fn plain(message: &[u8], accounts: &[Account]) -> Attempt {
    let parts: Vec<&[u8]> = message.split(|octet| *octet == 0).collect();
    let [acts_for, user, word] = parts[..] else {
        return Attempt {
            user: String::new(),
            accepted: false,
        };
    };
    let mut attempt = password(user, word, accounts);
    attempt.accepted &= acts_for.is_empty() || acts_for == user;
    attempt
}

/// XOAUTH2: `user=U^Aauth=Bearer T^A^A`. OAUTHBEARER: `n,a=U,^A…auth=Bearer T^A^A`.
fn bearer(message: &[u8], accounts: &[Account], mechanism: Mechanism) -> Attempt {
    let fields: Vec<&[u8]> = message.split(|octet| *octet == 1).collect();
    let user = match mechanism {
        Mechanism::OauthBearer => fields
            .first()
            .and_then(|header| header.strip_prefix(b"n,a="))
            .and_then(|user| user.strip_suffix(b",")),
        _ => fields.iter().find_map(|field| field.strip_prefix(b"user=")),
    };
    let token = fields.iter().find_map(|field| {
        let value = field.strip_prefix(b"auth=")?;
        let scheme = value.get(..7)?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then(|| &value[7..])
    });
    let closed = message.ends_with(b"\x01\x01");
    let accepted = match (user, token) {
        (Some(user), Some(token)) => accounts.iter().any(|account| {
            account.user.as_bytes() == user && account.token.as_bytes() == token && closed
        }),
        _ => false,
    };
    Attempt {
        user: String::from_utf8_lossy(user.unwrap_or_default()).into_owned(),
        accepted,
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn accounts() -> Vec<Account> {
        vec![Account {
            name: "a".to_owned(),
            user: "u".to_owned(),
            password: "p".to_owned(),
            token: "t".to_owned(),
        }]
    }

    #[test_case("PLAIN", b"\0u\0p", true)]
    #[test_case("PLAIN", b"u\0u\0p", true; "for oneself")]
    #[test_case("PLAIN", b"x\0u\0p", false; "for another")]
    #[test_case("PLAIN", b"u\0p", false; "two parts")]
    #[test_case("PLAIN", b"\0u\0p\0", false; "four parts")]
    #[test_case("XOAUTH2", b"user=u\x01auth=Bearer t\x01\x01", true)]
    #[test_case("XOAUTH2", b"user=u\x01auth=Bearer t\x01", false; "not closed")]
    #[test_case("XOAUTH2", b"user=u\x01auth=Bearer x\x01\x01", false; "another token")]
    #[test_case("XOAUTH2", b"auth=Bear", false; "cut off")]
    #[test_case(
        "OAUTHBEARER",
        b"n,a=u,\x01host=h\x01port=993\x01auth=Bearer t\x01\x01",
        true
    )]
    fn checks(mechanism: &str, message: &[u8], accepted: bool) {
        let mut exchange = Exchange::begin(Mechanism::from_name(mechanism).unwrap());
        let step = exchange.step(message, &accounts());
        match step {
            Step::Checked(attempt) => assert_eq!(attempt.accepted, accepted),
            Step::WrongToken(_) => {
                assert!(!accepted);
                assert_eq!(exchange.step(b"", &accounts()), Step::Over);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn login_asks_twice() {
        let mut exchange = Exchange::begin(Mechanism::Login);
        assert_eq!(exchange.step(b"u", &accounts()), Step::AskPassword);
        let Step::Checked(attempt) = exchange.step(b"p", &accounts()) else {
            panic!("credentials");
        };
        assert!(attempt.accepted);
    }
}
