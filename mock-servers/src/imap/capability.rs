//! What a persona lists, and which command may be given when.

/// The capabilities that hold at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capabilities<'a>(&'a [String]);

/// When a command may be given (RFC 9051 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Always.
    Nothing,
    /// Before the sign-in.
    NotSignedIn,
    /// After the sign-in.
    SignedIn,
    /// After the sign-in, and with no mailbox selected.
    NothingSelected,
    /// With a mailbox selected.
    Selected,
}

/// A command of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The capability without which it does not exist.
    pub(super) capability: Option<&'static str>,
    /// When it may be given.
    pub(super) needs: Needs,
}

impl<'a> Capabilities<'a> {
    pub(super) fn new(listed: &'a [String]) -> Self {
        Self(listed)
    }

    /// Whether the capability is listed.
    pub(super) fn has(self, capability: &str) -> bool {
        self.0.iter().any(|it| it.eq_ignore_ascii_case(capability))
    }

    /// `IMAP4rev1 IDLE …`.
    pub(super) fn write(self) -> Vec<u8> {
        self.0.join(" ").into_bytes()
    }
}

/// What is known about a command in capitals; `None` for one that the engine does not know.
pub(super) fn known(verb: &str) -> Option<Known> {
    use Needs::{NotSignedIn, Nothing, NothingSelected, Selected, SignedIn};
    let (capability, needs) = match verb {
        "CAPABILITY" | "NOOP" | "LOGOUT" => (None, Nothing),
        "ID" => (Some("ID"), Nothing),
        "XYZZY" => (Some("XYZZY"), Nothing),
        "STARTTLS" => (Some("STARTTLS"), NotSignedIn),
        "LOGIN" | "AUTHENTICATE" => (None, NotSignedIn),
        "ENABLE" => (Some("ENABLE"), NothingSelected),
        "SELECT" | "EXAMINE" | "CREATE" | "DELETE" | "RENAME" | "SUBSCRIBE" | "UNSUBSCRIBE"
        | "LIST" | "LSUB" | "STATUS" | "APPEND" => (None, SignedIn),
        "XLIST" => (Some("XLIST"), SignedIn),
        "NAMESPACE" => (Some("NAMESPACE"), SignedIn),
        "IDLE" => (Some("IDLE"), SignedIn),
        "CHECK" | "CLOSE" | "EXPUNGE" | "SEARCH" | "FETCH" | "STORE" | "COPY" | "UID SEARCH"
        | "UID FETCH" | "UID STORE" | "UID COPY" => (None, Selected),
        "UNSELECT" => (Some("UNSELECT"), Selected),
        "UID EXPUNGE" => (Some("UIDPLUS"), Selected),
        "MOVE" | "UID MOVE" => (Some("MOVE"), Selected),
        _ => return None,
    };
    Some(Known { capability, needs })
}
