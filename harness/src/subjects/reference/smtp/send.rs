//! One mail transaction (RFC 5321 §3.3): all recipients or none.

use mailproof_scenarios::model::event::Said;

use super::{
    super::{
        connection::Stream,
        failure::{Failure, Kind, Phase},
    },
    Reply, Session, data,
};

const MAIL: Phase = Phase::smtp("MAIL FROM");
const RCPT: Phase = Phase::smtp("RCPT TO");
const DATA: Phase = Phase::smtp("DATA");
const END: Phase = Phase::smtp("end of data");

impl<S: Stream> Session<'_, S> {
    /// Hands the message over.
    pub(super) async fn send_message(&mut self) -> Result<(), Failure> {
        let message = data::prepare(&self.task.message, self.task.flaws)
            .map_err(|why| DATA.declined(Said::Permanent, why))?;
        let heedless = self.task.flaws.ignores_envelope_replies();

        let mail = self.mail_command(&message)?;
        let reply = self.command(MAIL, &mail).await?;
        if !self.accepts(&reply) && !heedless {
            return Err(reply.refusal(MAIL));
        }
        self.recipients(heedless).await?;
        let reply = self.command(DATA, "DATA").await?;
        if reply.code != 354 {
            return Err(reply.refusal(DATA));
        }
        if let Err(cut) = self.connection.send(&message.octets).await {
            return Err(self.last_words(DATA, &cut).await);
        }
        self.end_of_data().await
    }

    /// Every recipient is asked for. If one is refused, nobody gets the message: RSET, and the failure says
    /// who was refused.
    async fn recipients(&mut self, heedless: bool) -> Result<(), Failure> {
        let mut refused: Option<Failure> = None;
        let mut accepted = false;
        for recipient in &self.task.request.to {
            let rcpt = format!("RCPT TO:<{}>", address(recipient, RCPT)?);
            let reply = self.command(RCPT, &rcpt).await?;
            if self.accepts(&reply) || heedless {
                accepted = true;
                continue;
            }
            let mut failure = reply.refusal(RCPT);
            if failure.kind != Kind::Refused {
                return Err(failure);
            }
            if reply.code == 552 && accepted {
                // Too many recipients (RFC 5321 §4.5.3.1.10).
                failure.said = Said::Temporary;
            }
            refused = Some(match refused.take() {
                None => failure,
                Some(other) => both(other, &failure),
            });
        }
        match refused {
            None => Ok(()),
            Some(mut failure) => {
                if self.command(Phase::smtp("RSET"), "RSET").await.is_err() {
                    failure.kind = Kind::Lost;
                }
                Err(failure)
            }
        }
    }

    /// The reply to the final dot. Without it nobody knows whether the message was accepted: it counts as
    /// not, and is not sent again (RFC 5321 §3.8).
    async fn end_of_data(&mut self) -> Result<(), Failure> {
        let outcome = self.reply(END).await;
        if self.task.flaws.ignores_data_reply() {
            return Ok(());
        }
        match outcome {
            Ok(reply) if self.accepts(&reply) => Ok(()),
            Ok(reply) => Err(reply.refusal(END)),
            Err(mut failure) if failure.kind == Kind::Lost => {
                failure.kind = Kind::LostReply;
                Err(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The first digit decides (RFC 5321 §4.3.2); a flaw knows one code only.
    fn accepts(&self, reply: &Reply) -> bool {
        if self.task.flaws.knows_few_codes() {
            return reply.code == 250;
        }
        reply.class() == 2
    }

    /// MAIL with the parameters that the server offers and the message needs (RFC 1870, RFC 6152,
    /// RFC 6531).
    fn mail_command(&self, message: &data::Prepared) -> Result<String, Failure> {
        let request = self.task.request;
        let mut command = format!("MAIL FROM:<{}>", address(&request.from, MAIL)?);
        if self.capabilities.contains_key("SIZE") {
            command += &format!(" SIZE={}", message.size);
        }
        if message.is_eight_bit {
            if !self.capabilities.contains_key("8BITMIME") {
                return Err(MAIL.declined(
                    Said::Permanent,
                    "the message has octets above 127, and the server does not offer 8BITMIME",
                ));
            }
            command += " BODY=8BITMIME";
        }
        let international = !(request.from.is_ascii() && request.to.iter().all(|it| it.is_ascii()));
        if international {
            if !self.capabilities.contains_key("SMTPUTF8") {
                return Err(MAIL.declined(
                    Said::Permanent,
                    "an address is not ASCII, and the server does not offer SMTPUTF8",
                ));
            }
            command += " SMTPUTF8";
        }
        Ok(command)
    }
}

/// An address as it may stand between angle brackets: nothing in it can end the command.
fn address(address: &str, phase: Phase) -> Result<&str, Failure> {
    if address.chars().any(char::is_control) {
        return Err(phase.declined(Said::Permanent, "the address has control characters in it"));
    }
    Ok(address)
}

/// Two refusals: it is permanent if one of them is.
fn both(mut one: Failure, other: &Failure) -> Failure {
    if other.said == Said::Permanent {
        one.said = Said::Permanent;
    }
    one.text = format!("{}\n{}", one.text, other.text);
    one
}
