//! How one real server product normally behaves. Data: each persona is one TOML file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Protocol, WireText};

/// One server product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// The name that scenarios use; also the name of the file.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// The day for which the texts are known to be right, as `2026-11` or `2026-11-22`.
    pub as_of: String,
    /// Where the texts come from.
    pub sources: Vec<String>,
    /// The SMTP side, if it has one.
    pub smtp: Option<SmtpPersona>,
    /// The IMAP side, if it has one.
    pub imap: Option<ImapPersona>,
}

impl Persona {
    /// Whether the persona speaks `protocol`.
    pub fn speaks(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Smtp => self.smtp.is_some(),
            Protocol::Imap => self.imap.is_some(),
        }
    }
}

/// The SMTP side of a persona.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpPersona {
    /// The EHLO keywords before TLS, one line each, in the order of the product. A keyword that is listed
    /// works; what is not listed is refused.
    pub clear: Vec<String>,
    /// The EHLO keywords inside TLS. AUTH lists the mechanisms that work.
    pub tls: Vec<String>,
    /// Whether MAIL needs a sign-in first.
    pub requires_auth: bool,
    /// Whether MAIL and AUTH need TLS first.
    pub requires_tls: bool,
    /// Limits.
    pub limits: SmtpLimits,
    /// Reply texts.
    pub texts: SmtpTexts,
}

/// Limits of an SMTP persona.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpLimits {
    /// Octets of a message. Checked against SIZE= and against what arrives.
    pub message_size: u64,
    /// Recipients of a transaction.
    pub recipients: u32,
    /// Octets of a command line with its CRLF (RFC 5321 §4.5.3.1.4 asks for at least 512).
    pub command_line: usize,
    /// Erroneous commands before the server hangs up.
    pub errors: u32,
}

/// What an SMTP persona answers. Each is the code and the text, several lines separated by a line feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpTexts {
    /// 220 on connection.
    pub greeting: WireText,
    /// First line of the answer to EHLO, without the code.
    pub ehlo: WireText,
    /// Answer to HELO.
    pub helo: WireText,
    /// 220 to STARTTLS.
    pub starttls_ready: WireText,
    /// 503 or 554 to STARTTLS inside TLS.
    pub starttls_again: WireText,
    /// 235.
    pub auth_ok: WireText,
    /// 535.
    pub auth_failed: WireText,
    /// 535 after a bearer token; `auth-failed` where absent.
    pub bearer_failed: Option<WireText>,
    /// The text behind 334 that explains a refused bearer token, in clear (it is sent in base64); without
    /// it the refusal comes at once.
    pub bearer_challenge: Option<WireText>,
    /// 501 when the client cancels with `*`.
    pub auth_cancelled: WireText,
    /// 501 for base64 that is none.
    pub auth_not_base64: WireText,
    /// 504 for a mechanism that is not offered.
    pub auth_unknown_mechanism: WireText,
    /// 538 or 530 for AUTH before TLS.
    pub auth_needs_tls: WireText,
    /// 503 for a second AUTH, or one in the middle of a transaction.
    pub auth_again: WireText,
    /// The user name challenge of AUTH LOGIN, in clear.
    pub username_challenge: WireText,
    /// The password challenge of AUTH LOGIN, in clear.
    pub password_challenge: WireText,
    /// 250 to MAIL.
    pub mail_ok: WireText,
    /// 530 to MAIL without a sign-in.
    pub mail_needs_auth: WireText,
    /// 530 to MAIL (or anything else) before TLS.
    pub needs_tls: WireText,
    /// 503 to a second MAIL.
    pub mail_nested: WireText,
    /// 555 or 504 for a parameter of MAIL or RCPT that is not known.
    pub unknown_parameter: WireText,
    /// 552 to MAIL with a SIZE= over the limit, or after the data.
    pub too_large: WireText,
    /// 250 to RCPT.
    pub rcpt_ok: WireText,
    /// 452 to a recipient too many.
    pub too_many_recipients: WireText,
    /// 503 to RCPT without MAIL.
    pub rcpt_needs_mail: WireText,
    /// 354.
    pub data_go: WireText,
    /// 503 to DATA without a recipient, when none was given.
    pub data_needs_rcpt: WireText,
    /// 554 to DATA when every recipient was refused.
    pub no_valid_recipients: WireText,
    /// 250 after the data.
    pub queued: WireText,
    /// 250 to RSET.
    pub reset: WireText,
    /// 250 to NOOP.
    pub noop: WireText,
    /// 252 to VRFY.
    pub vrfy: WireText,
    /// 214 to HELP.
    pub help: WireText,
    /// 221 to QUIT.
    pub quit: WireText,
    /// 500 or 502 for a command that is not known.
    pub unknown_command: WireText,
    /// 501 for arguments that are not right.
    pub syntax: WireText,
    /// 503 for MAIL before EHLO where the product insists.
    pub needs_hello: WireText,
    /// 500 for a line over the limit.
    pub line_too_long: WireText,
    /// 421 before the server hangs up after too many errors.
    pub too_many_errors: WireText,
}

/// The IMAP side of a persona.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImapPersona {
    /// Capabilities before TLS.
    pub clear: Vec<String>,
    /// Capabilities inside TLS, before the sign-in.
    pub tls: Vec<String>,
    /// Capabilities after the sign-in.
    pub authenticated: Vec<String>,
    /// Whether the greeting carries them as a response code.
    pub greeting_capability: bool,
    /// Whether the tagged OK of a sign-in carries them.
    pub login_capability: bool,
    /// Whether an untagged CAPABILITY line comes before the tagged OK of a sign-in.
    pub login_untagged_capability: bool,
    /// The hierarchy delimiter.
    pub delimiter: String,
    /// The mailboxes of a new account with their attributes, as LIST shows them. INBOX is always there.
    pub mailboxes: Vec<MailboxSpec>,
    /// The answer to ID as name and value, in order; empty means NIL.
    pub id: Vec<(String, String)>,
    /// Octets of a command line without its literals.
    pub command_line: usize,
    /// Octets of a literal, and so of a message that is appended.
    pub literal: u64,
    /// Response texts.
    pub texts: ImapTexts,
}

/// A mailbox that a persona has from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MailboxSpec {
    /// The name, in UTF-8.
    pub name: String,
    /// Attributes as `\Sent`.
    #[serde(default)]
    pub attributes: Vec<String>,
}

/// What an IMAP persona answers: response code and text, without tag and status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImapTexts {
    /// Behind `* OK`, after the capabilities if they are shown there.
    pub greeting: WireText,
    /// OK to CAPABILITY.
    pub capability: WireText,
    /// OK to STARTTLS.
    pub starttls_ready: WireText,
    /// BAD to STARTTLS inside TLS or after the sign-in.
    pub starttls_again: WireText,
    /// OK to LOGIN or AUTHENTICATE, after the capabilities if they are shown there.
    pub login_ok: WireText,
    /// NO to wrong credentials.
    pub login_failed: WireText,
    /// NO to a password in clear.
    pub login_needs_tls: WireText,
    /// The text of the challenge that explains a refused bearer token (sent in base64); without it the
    /// refusal comes at once.
    pub bearer_challenge: Option<WireText>,
    /// BAD when the client cancels with `*`.
    pub auth_cancelled: WireText,
    /// NO for a mechanism that is not offered.
    pub auth_unknown_mechanism: WireText,
    /// OK to any other command; `{verb}` names it.
    pub completed: WireText,
    /// NO to a mailbox that is not there.
    pub no_such_mailbox: WireText,
    /// NO to CREATE of one that is.
    pub mailbox_exists: WireText,
    /// BAD to a command that is not known.
    pub unknown_command: WireText,
    /// BAD to a command that is known but not now.
    pub wrong_state: WireText,
    /// BAD to arguments that are not right.
    pub syntax: WireText,
    /// NO to a literal over the limit.
    pub too_large: WireText,
    /// Behind `* BYE` at LOGOUT.
    pub bye: WireText,
}
