//! What the server does for a command: the state of one connection and the answers that follow from it.
//!
//! It sees typed commands, not octets, and it does not know that decisions can be overruled.

mod mailboxes;
mod messages;
mod sign_in;

use mailproof_scenarios::model::{Fill, ImapStatus, ImapTexts, Unit, What, WireText};

use super::{
    ImapConfig,
    capability::{Capabilities, Needs, known},
    parse::Command,
    render,
    sasl::Exchange,
    view::{Rules, View},
};
use crate::engine::{After, ResponseUnit};

pub(super) use sign_in::Signing;

/// One connection's state.
pub(super) struct Session {
    pub(super) config: ImapConfig,
    /// Whether TLS is on.
    pub(super) tls: bool,
    /// Who has signed in.
    pub(super) user: Option<String>,
    /// The selected mailbox.
    pub(super) view: Option<View>,
}

/// The answer to one input, as it grows.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) units: Vec<ResponseUnit>,
    pub(super) facts: Vec<What>,
    pub(super) after: After,
    /// The values of places in texts.
    pub(super) fill: Fill,
    /// The octets in the units.
    size: usize,
}

/// How a command ends.
#[derive(Debug)]
pub(super) enum Done {
    /// With a tagged status response.
    Status(ImapStatus, Vec<u8>),
    /// Not yet: a SASL exchange goes on.
    Sasl(Exchange),
    /// Not yet: the client waits for news.
    Idle,
}

/// The octets of one response; what would be more is refused.
const MOST_RESPONSE: usize = 256 * 1024 * 1024;

impl Reply {
    pub(super) fn new(fill: Fill) -> Self {
        Self {
            fill,
            ..Self::default()
        }
    }

    /// An untagged response, without `* ` and CRLF.
    pub(super) fn untagged(&mut self, line: &[u8]) {
        self.unit(Unit::Untagged, &[b"* ", line, b"\r\n"]);
    }

    /// A continuation request, without `+ ` and CRLF.
    pub(super) fn continuation(&mut self, text: &[u8]) {
        self.unit(Unit::Continuation, &[b"+ ", text, b"\r\n"]);
    }

    /// A status response, untagged where there is no tag.
    pub(super) fn status(&mut self, tag: Option<&[u8]>, status: ImapStatus, text: &[u8]) {
        let (kind, tag) = match tag {
            Some(tag) => (Unit::Final, tag),
            None => (Unit::Untagged, &b"*"[..]),
        };
        self.unit(
            kind,
            &[tag, b" ", status.name().as_bytes(), b" ", text, b"\r\n"],
        );
    }

    fn unit(&mut self, kind: Unit, parts: &[&[u8]]) {
        let octets = parts.concat();
        self.size += octets.len();
        self.units.push(ResponseUnit { kind, octets });
    }

    fn is_full(&self) -> bool {
        self.size > MOST_RESPONSE
    }
}

impl Session {
    /// What is listed at the moment.
    pub(super) fn capabilities(&self) -> Capabilities<'_> {
        let persona = &self.config.persona;
        Capabilities::new(if self.user.is_some() {
            &persona.authenticated
        } else if self.tls {
            &persona.tls
        } else {
            &persona.clear
        })
    }

    /// A text of the persona with its places filled in.
    pub(super) fn text(&self, of: fn(&ImapTexts) -> &WireText, reply: &Reply) -> Vec<u8> {
        of(&self.config.persona.texts).render(&reply.fill)
    }

    /// Whether the command exists here and now; otherwise how it is answered.
    pub(super) fn admits(&self, verb: &str, reply: &Reply) -> Result<(), Done> {
        let bad = |of: fn(&ImapTexts) -> &WireText| {
            Err(Done::Status(ImapStatus::Bad, self.text(of, reply)))
        };
        if verb == "STARTTLS" && (self.tls || self.user.is_some()) {
            return bad(|texts| &texts.starttls_again);
        }
        let persona = &self.config.persona;
        let lists = [&persona.clear, &persona.tls, &persona.authenticated];
        let exists = |capability: &str| {
            lists
                .iter()
                .any(|list| Capabilities::new(list).has(capability))
        };
        let Some(command) = known(verb).filter(|it| it.capability.is_none_or(exists)) else {
            return bad(|texts| &texts.unknown_command);
        };
        let now = match command.needs {
            Needs::Nothing => true,
            Needs::NotSignedIn => self.user.is_none(),
            Needs::SignedIn => self.user.is_some(),
            Needs::NothingSelected => self.user.is_some() && self.view.is_none(),
            Needs::Selected => self.view.is_some(),
        };
        if !now {
            return bad(|texts| &texts.wrong_state);
        }
        if command
            .capability
            .is_some_and(|capability| !self.capabilities().has(capability))
        {
            return bad(|texts| &texts.unknown_command);
        }
        Ok(())
    }

    /// Carries out a command that [`Session::admits`].
    pub(super) fn run(&mut self, command: Command, reply: &mut Reply) -> Done {
        match command {
            Command::Capability => {
                reply.untagged(&[b"CAPABILITY ", &self.capabilities().write()[..]].concat());
                self.ok_with(|texts| &texts.capability, reply)
            }
            Command::Noop | Command::Check => self.completed(reply),
            Command::Logout => {
                let bye = self.text(|texts| &texts.bye, reply);
                reply.status(None, ImapStatus::Bye, &bye);
                reply.after = After::Close;
                self.user = None;
                self.view = None;
                self.completed(reply)
            }
            Command::Id => self.id(reply),
            Command::Enable => {
                reply.untagged(b"ENABLED");
                self.completed(reply)
            }
            Command::StartTls => {
                reply.after = After::StartTls;
                self.ok_with(|texts| &texts.starttls_ready, reply)
            }
            Command::Login { user, password } => self.login(&user, &password, reply),
            Command::Authenticate { mechanism, initial } => {
                self.authenticate(&mechanism, initial.as_deref(), reply)
            }
            Command::Idle => Done::Idle,
            Command::Select { mailbox, read_only } => self.select(&mailbox, read_only, reply),
            Command::Create(mailbox) => self.create(&mailbox, reply),
            Command::Delete(mailbox) => self.delete(&mailbox, reply),
            Command::Rename(from, to) => self.rename(&from, &to, reply),
            Command::Subscribe(mailbox) => self.subscribe(&mailbox, reply),
            Command::Unsubscribe(mailbox) => self.unsubscribe(&mailbox, reply),
            Command::List(list) => self.list(&list, "LIST", reply),
            Command::Xlist(list) => self.list(&list, "XLIST", reply),
            Command::Lsub { reference, pattern } => self.lsub(&reference, &pattern, reply),
            Command::Namespace => self.namespace(reply),
            Command::Status { mailbox, items } => self.status(&mailbox, &items, reply),
            Command::Append {
                mailbox,
                flags,
                date,
                message,
            } => self.append(&mailbox, flags, date, message, reply),
            Command::Close => self.close(true, reply),
            Command::Unselect => self.close(false, reply),
            Command::Expunge(set) => self.expunge(set.as_ref(), reply),
            Command::Search { uid, charset, key } => {
                self.search(uid, charset.as_deref(), key, reply)
            }
            Command::Fetch { uid, set, items } => self.fetch(uid, &set, &items, reply),
            Command::Store {
                uid,
                set,
                how,
                silent,
                flags,
            } => self.store(uid, &set, how, silent, &flags, reply),
            Command::Copy { uid, set, mailbox } => self.copy(uid, &set, &mailbox, false, reply),
            Command::Move { uid, set, mailbox } => self.copy(uid, &set, &mailbox, true, reply),
        }
    }

    /// Tells what has changed in the selected mailbox; whether a new message is among it. `Err` if the
    /// mailbox itself is gone.
    pub(super) fn update(&mut self, rules: Rules, reply: &mut Reply) -> Result<bool, ()> {
        let (Some(user), Some(view)) = (&self.user, &mut self.view) else {
            return Ok(false);
        };
        let updates = self
            .config
            .store
            .with(user, |mailboxes| {
                let mailbox = mailboxes.by_id(view.id)?;
                Some(view.update(mailbox, rules))
            })
            .flatten()
            .ok_or(())?;
        for line in &updates.lines {
            reply.untagged(line);
        }
        Ok(updates.arrived)
    }

    fn completed(&self, reply: &Reply) -> Done {
        self.ok_with(|texts| &texts.completed, reply)
    }

    fn ok_with(&self, of: fn(&ImapTexts) -> &WireText, reply: &Reply) -> Done {
        Done::Status(ImapStatus::Ok, self.text(of, reply))
    }

    fn no_with(&self, of: fn(&ImapTexts) -> &WireText, reply: &Reply) -> Done {
        Done::Status(ImapStatus::No, self.text(of, reply))
    }

    /// OK with a response code in front of the usual text.
    fn completed_code(&self, code: &str, reply: &Reply) -> Done {
        let mut text = format!("[{code}] ").into_bytes();
        text.extend(without_code(&self.text(|texts| &texts.completed, reply)));
        Done::Status(ImapStatus::Ok, text)
    }

    fn syntax(&self, reply: &Reply) -> Done {
        Done::Status(ImapStatus::Bad, self.text(|texts| &texts.syntax, reply))
    }

    fn id(&self, reply: &mut Reply) -> Done {
        let pairs = &self.config.persona.id;
        let mut line = b"ID ".to_vec();
        for (index, (name, value)) in pairs.iter().enumerate() {
            line.push(if index == 0 { b'(' } else { b' ' });
            line.extend(render::quoted(name));
            line.push(b' ');
            render::nstring(Some(value.as_bytes()), &mut line);
        }
        line.extend_from_slice(if pairs.is_empty() { b"NIL" } else { b")" });
        reply.untagged(&line);
        self.completed(reply)
    }
}

/// A fixed NO.
fn no(text: &str) -> Done {
    Done::Status(ImapStatus::No, text.as_bytes().to_vec())
}

/// The text behind a response code.
fn without_code(text: &[u8]) -> &[u8] {
    if !text.starts_with(b"[") {
        return text;
    }
    memchr::memmem::find(text, b"] ").map_or(text, |end| &text[end + 2..])
}
