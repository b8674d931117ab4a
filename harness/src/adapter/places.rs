//! The places that every adapter may name. Must not know templates.

/// Each place and what stands for it, for `mailproof explain` and for error messages.
pub const BUILT_IN_PLACES: &[(&str, &str)] = &[
    ("host", "the configured host name"),
    (
        "url_host",
        "the same as it stands in a URL: an IPv6 address in brackets",
    ),
    ("port", "the configured port"),
    ("protocol", "`smtp` or `imap`"),
    ("job", "what is asked"),
    ("case", "the id of the case"),
    (
        "account",
        "the name of the account, for clients that keep several",
    ),
    ("user", "the login name"),
    ("password", "the password"),
    ("token", "the bearer token"),
    ("from", "the envelope sender"),
    ("to", "the envelope recipients, one argument each"),
    (
        "ca",
        "a file with the certificate of the test authority, PEM",
    ),
    (
        "store",
        "a file with the authorities that the system is to trust, PEM",
    ),
    ("crl", "a file with certificate revocation lists, PEM"),
    ("pin", "a file with the certificate to pin, PEM"),
    (
        "pin_fingerprint",
        "SHA-256 of that certificate as `AB:CD:…`",
    ),
    ("pin_spki", "SHA-256 of its public key in base64"),
    ("message", "the file with the message"),
    ("mailbox", "the mailbox"),
    ("work", "a folder of the case's own"),
    ("home", "the folder that HOME names"),
    ("folder", "the folder of the adapter file"),
    (
        "timeout_s",
        "how long to wait for the network, in whole seconds",
    ),
    ("timeout_ms", "the same in milliseconds"),
    (
        "total_s",
        "how long everything together may take (twice that and a little), for programs that know no other limit",
    ),
    (
        "settings",
        "what the settings of the step add to the command line",
    ),
];

/// Whether every adapter may name it.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN_PLACES.iter().any(|(place, _)| *place == name)
}

/// Whether it stands for several arguments.
pub(super) fn is_list(name: &str) -> bool {
    matches!(name, "to" | "settings")
}
