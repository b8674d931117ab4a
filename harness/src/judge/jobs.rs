//! Whether a job really took place, by the servers' books.
//!
//! Must not listen to the subject; what it says is compared elsewhere.

use std::collections::BTreeSet;

use mailproof_scenarios::model::{Auth, Job, Step, What};

use super::{
    store,
    view::{View, step_of},
};

/// What the books say about a step.
pub(crate) struct Books {
    /// Whether all of it took place.
    pub(crate) done: bool,
    /// Whether any of it took place: enough to break "it must not take place".
    pub(crate) any: bool,
    /// The events that show it.
    pub(crate) evidence: Vec<usize>,
    /// What is missing, where it was not done; what was done, where it was. A clause without subject:
    /// "the server accepted no message".
    pub(crate) detail: String,
}

/// Reads the books for a step.
pub(crate) fn books(view: &View<'_>, number: u16) -> Books {
    let Some(step) = view.step(number) else {
        return Books::nothing("there is no such step");
    };
    match step.job {
        Job::Send => send(view, number, step),
        Job::Fetch => fetch(view, number, step),
        Job::List => simple(
            view,
            number,
            |what| matches!(what, What::Listed { .. }),
            "the server listed its mailboxes",
            "the server was not asked for its mailboxes, or did not list them",
        ),
        Job::Append => append(view, number, step),
        Job::Idle => simple(
            view,
            number,
            |what| matches!(what, What::IdleNotified),
            "the server told the waiting client about a new message",
            "the client did not wait for new messages",
        ),
        Job::TestConnection => test_connection(view, number, step),
    }
}

impl Books {
    fn nothing(detail: &str) -> Self {
        Self {
            done: false,
            any: false,
            evidence: Vec::new(),
            detail: detail.to_owned(),
        }
    }
}

/// Whether a message is that of a step: by its Message-ID, where the step was given one. A person writes a
/// message of their own, and any counts.
fn is_of_step(view: &View<'_>, number: u16, message: &[u8]) -> bool {
    let index = usize::from(number).saturating_sub(1);
    view.record.messages.get(index).is_none()
        || has_message_id(
            message,
            &view.record.canaries.message_id(usize::from(number)),
        )
}

/// The message of the step, accepted for every recipient that the server did not refuse.
fn send(view: &View<'_>, number: u16, step: &Step) -> Books {
    let mut evidence = Vec::new();
    let mut others = Vec::new();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    for (index, event) in view.events_in(Some(number)) {
        if let What::MessageAccepted { to, octets, .. } = &event.what {
            if is_of_step(view, number, octets) {
                evidence.push(index);
                reached.extend(to.iter().map(|it| it.to_lowercase()));
            } else {
                others.push(index);
            }
        }
    }
    if evidence.is_empty() {
        let detail = if others.is_empty() {
            "the server accepted no message"
        } else {
            "the server accepted a message, but not the one that the step was given (by its Message-ID)"
        };
        return Books {
            done: false,
            any: !others.is_empty(),
            evidence: others,
            detail: detail.to_owned(),
        };
    }
    let refused = refused_recipients(view, number);
    let wanted = step.to.iter().collect::<BTreeSet<_>>().len();
    let settled = reached.union(&refused).count();
    let done = settled >= wanted;
    Books {
        done,
        any: true,
        evidence,
        detail: if done {
            "the server accepted the message".to_owned()
        } else {
            format!(
                "the server accepted the message for {} of {wanted} recipients only",
                reached.len()
            )
        },
    }
}

/// The recipients whom the server refused, as the client wrote them.
fn refused_recipients(view: &View<'_>, number: u16) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for connection in &view.connections {
        let mut asked: Vec<String> = Vec::new();
        for (_, event) in view.events_on(connection) {
            match &event.what {
                What::Command { verb, line, .. } if verb == "RCPT" => asked.push(address(line)),
                What::Responded { verb, positive, .. } if verb == "RCPT" && !asked.is_empty() => {
                    let address = asked.remove(0);
                    if !positive && step_of(event) == number {
                        refused.insert(address);
                    }
                }
                _ => {}
            }
        }
    }
    refused
}

/// What stands between the angle brackets.
fn address(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line).to_lowercase();
    text.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(text.clone(), |(address, _)| address.to_owned())
}

fn has_message_id(message: &[u8], id: &str) -> bool {
    store::header(message).iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("message-id")
            && value.trim_start_matches('<').trim_end_matches('>') == id
    })
}

/// The mailbox opened and every message in it read.
fn fetch(view: &View<'_>, number: u16, step: &Step) -> Books {
    let mut opened = None;
    let mut read = BTreeSet::new();
    let mut evidence = Vec::new();
    for (index, event) in view.events_in(Some(number)) {
        match &event.what {
            What::Selected { mailbox, messages } if same_mailbox(mailbox, &step.mailbox) => {
                opened = Some(*messages);
                evidence.push(index);
            }
            What::MessageRead { mailbox, uid } if same_mailbox(mailbox, &step.mailbox) => {
                read.insert(*uid);
                evidence.push(index);
            }
            _ => {}
        }
    }
    let Some(messages) = opened else {
        return Books {
            any: !read.is_empty(),
            evidence,
            ..Books::nothing("the mailbox was never opened")
        };
    };
    let done = read.len() >= usize::try_from(messages).unwrap_or(usize::MAX);
    Books {
        done,
        any: done || !read.is_empty(),
        evidence,
        detail: if done {
            format!("all {messages} messages were read")
        } else {
            format!("{} of {messages} messages were read", read.len())
        },
    }
}

fn append(view: &View<'_>, number: u16, step: &Step) -> Books {
    simple(
        view,
        number,
        |what| {
            matches!(what, What::Appended { mailbox, octets }
                if same_mailbox(mailbox, &step.mailbox) && is_of_step(view, number, octets))
        },
        "the server stored the message",
        "the server stored no message of this step in that mailbox",
    )
}

/// A sign-in, or a hello that was answered well where there is nothing to sign in with.
fn test_connection(view: &View<'_>, number: u16, step: &Step) -> Books {
    const HELLO: &[&str] = &["EHLO", "HELO", "CAPABILITY"];
    if step.auth == Auth::None {
        return simple(
            view,
            number,
            |what| {
                matches!(what, What::Responded { verb, positive: true, .. }
                    if HELLO.contains(&verb.as_str()))
            },
            "the server answered the client's hello",
            "the server did not answer a hello of the client",
        );
    }
    simple(
        view,
        number,
        |what| matches!(what, What::SignIn { accepted: true, .. }),
        "the client signed in",
        "the client did not sign in",
    )
}

fn simple(
    view: &View<'_>,
    number: u16,
    shows: impl Fn(&What) -> bool,
    yes: &str,
    no: &str,
) -> Books {
    let evidence: Vec<usize> = view
        .events_in(Some(number))
        .filter(|(_, event)| shows(&event.what))
        .map(|(index, _)| index)
        .collect();
    let done = !evidence.is_empty();
    Books {
        done,
        any: done,
        evidence,
        detail: if done { yes } else { no }.to_owned(),
    }
}

/// INBOX in any case is the inbox (RFC 9051 §5.1).
fn same_mailbox(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}
