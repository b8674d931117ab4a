//! Makes the server's side of each connection: a persona with the case's setup and deviations applied.

use mailproof_scenarios::model::{
    Account, Canaries, ImapPersona, PortRole, PortState, Protocol, Setup, SmtpPersona, Step,
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{
    connection::begins_with_tls,
    mail,
    plain::{Plain, Service},
    shared::Deliver,
};
use crate::{
    engine::Engine,
    imap::{ImapConfig, ImapEngine, Store},
    script::{CapabilityChange, imap_persona, smtp_persona},
    smtp::{SmtpConfig, SmtpEngine},
};

const RFC_5322: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day padding:none] [month repr:short] [year] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// RFC 3501 §9 (date-time), with the day in two places.
const RFC_3501: &[BorrowedFormatItem<'_>] = format_description!(
    "[day padding:space]-[month repr:short]-[year] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// Everything that engines are made from.
pub(crate) struct Engines {
    pub(crate) smtp: SmtpPersona,
    pub(crate) imap: ImapPersona,
    pub(crate) setup: Setup,
    pub(crate) canaries: Canaries,
    pub(crate) host: String,
    pub(crate) date: String,
    pub(crate) store: Store,
}

impl Engines {
    /// Engines with mailboxes that have the messages of the setup.
    pub(crate) fn new(
        (smtp, imap): (SmtpPersona, ImapPersona),
        setup: &Setup,
        canaries: &Canaries,
        host: &str,
        now: OffsetDateTime,
        steps: &[Step],
    ) -> Self {
        let date = written(now, RFC_5322);
        let store = Store::new(&canaries.accounts, &imap, &written(now, RFC_3501));
        for account in &canaries.accounts {
            for mailbox in mailboxes(account, steps) {
                for number in 1..=setup.messages {
                    let message = mail::initial(canaries, host, &account.user, &date, number);
                    store.deliver(&account.user, mailbox, message);
                }
            }
        }
        Self {
            smtp,
            imap,
            setup: setup.clone(),
            canaries: canaries.clone(),
            host: host.to_owned(),
            date,
            store,
        }
    }

    /// Delivers the message that a step waits for.
    pub(crate) fn delivery(&self) -> Deliver {
        let (store, canaries) = (self.store.clone(), self.canaries.clone());
        let (host, date) = (self.host.clone(), self.date.clone());
        Box::new(move |user, mailbox, step| {
            store.deliver(
                user,
                mailbox,
                mail::arriving(&canaries, &host, user, &date, step),
            );
        })
    }

    /// Who answers on a port in that state; nobody on one that says nothing.
    pub(crate) fn make(
        &self,
        role: PortRole,
        state: PortState,
        conn: u32,
        client_address: &str,
        changes: &[CapabilityChange],
        recipients: &[String],
    ) -> Option<Box<dyn Engine>> {
        let protocol = role.protocol();
        let plain = |service| Box::new(Plain::new(service, protocol, &self.host));
        match state {
            PortState::Silent
            | PortState::Reset
            | PortState::Closed
            | PortState::Refused
            | PortState::Blackhole
            | PortState::Unreachable
            | PortState::Prohibited => None,
            PortState::Pop3 => Some(plain(Service::Pop3)),
            PortState::Http => Some(plain(Service::Http)),
            PortState::Open | PortState::Clear | PortState::Implicit => {
                let implicit_tls = begins_with_tls(role, state);
                let accounts = self.canaries.accounts.clone();
                let host = self.host.clone();
                let date = self.date.clone();
                let client_address = client_address.to_owned();
                Some(match protocol {
                    Protocol::Smtp => Box::new(SmtpEngine::new(SmtpConfig {
                        persona: smtp_persona(&self.smtp, &self.setup, changes),
                        host,
                        accounts,
                        client_address,
                        date,
                        implicit_tls,
                        queue_id_seed: format!("{}.{conn}", self.canaries.message),
                        recipients_of_step: recipients.to_vec(),
                    })),
                    Protocol::Imap => Box::new(ImapEngine::new(ImapConfig {
                        persona: imap_persona(&self.imap, &self.setup, changes),
                        host,
                        accounts,
                        client_address,
                        date,
                        implicit_tls,
                        store: self.store.clone(),
                    })),
                })
            }
        }
    }
}

/// INBOX, and what the steps of the account name besides.
fn mailboxes<'a>(account: &Account, steps: &'a [Step]) -> Vec<&'a str> {
    let mut names = vec!["INBOX"];
    for step in steps {
        let fresh = !names
            .iter()
            .any(|it| it.eq_ignore_ascii_case(&step.mailbox));
        if step.account == account.name && step.protocol == Protocol::Imap && fresh {
            names.push(&step.mailbox);
        }
    }
    names
}

/// Every part of both formats is one that a date has.
fn written(now: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    now.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn dates_are_written_as_the_two_worlds_want_them() {
        let now = datetime!(2026-11-02 08:05:09 +1);
        assert_eq!(written(now, RFC_5322), "Mon, 2 Nov 2026 08:05:09 +0100");
        assert_eq!(written(now, RFC_3501), " 2-Nov-2026 08:05:09 +0100");
    }
}
