//! The leak oracle: where the canaries of a case are seen, in whatever encoding and however they were cut
//! into writes.
//!
//! Must not know whether a place was allowed; it reports every place.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use mailproof_scenarios::model::{Canaries, Event, What, event::Ended};

use super::{epochs::Epoch, view::step_of};

/// What is searched for. Accounts are indices into [`Canaries::accounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Secret {
    User(usize),
    Password(usize),
    Token(usize),
    /// The part that every Message-ID of the case has.
    MessageId,
    Body,
}

impl Secret {
    /// Whether it opens an account.
    pub(crate) const fn is_credential(self) -> bool {
        matches!(self, Secret::Password(_) | Secret::Token(_))
    }

    /// Whether it belongs to a message.
    pub(crate) const fn is_message(self) -> bool {
        matches!(self, Secret::MessageId | Secret::Body)
    }

    /// The account that it belongs to.
    pub(crate) const fn account(self) -> Option<usize> {
        match self {
            Secret::User(account) | Secret::Password(account) | Secret::Token(account) => {
                Some(account)
            }
            Secret::MessageId | Secret::Body => None,
        }
    }

    /// For a sentence.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Secret::User(_) => "user name",
            Secret::Password(_) => "password",
            Secret::Token(_) => "token",
            Secret::MessageId => "Message-ID",
            Secret::Body => "message body",
        }
    }
}

/// How it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Encoding {
    Raw,
    Base64,
    /// An IMAP quoted string with escapes (RFC 9051 §4.3).
    Quoted,
    Hex,
    Percent,
}

impl Encoding {
    /// For a sentence, with a blank before it.
    pub(crate) const fn aside(self) -> &'static str {
        match self {
            Encoding::Raw | Encoding::Quoted => "",
            Encoding::Base64 => " (in base64)",
            Encoding::Hex => " (in hex)",
            Encoding::Percent => " (percent-encoded)",
        }
    }
}

/// One place in a stretch of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) secret: Secret,
    pub(crate) encoding: Encoding,
    /// Offset of its first octet.
    pub(crate) from: usize,
    /// Offset behind its last octet.
    pub(crate) to: usize,
}

/// One place on the wire.
pub(crate) struct Leak {
    pub(crate) secret: Secret,
    pub(crate) encoding: Encoding,
    /// Index into the epochs.
    pub(crate) epoch: usize,
    /// The events that brought it.
    pub(crate) events: Vec<usize>,
}

/// One place in what the subject printed or said, or asked DNS for.
pub(crate) struct OutputLeak {
    pub(crate) secret: Secret,
    pub(crate) encoding: Encoding,
    pub(crate) step: u16,
    pub(crate) events: Vec<usize>,
}

/// Everything to search for, compiled.
pub(crate) struct Needles {
    automaton: Option<AhoCorasick>,
    kinds: Vec<(Secret, Encoding)>,
}

/// Shorter ones would be found everywhere.
const SHORTEST: usize = 6;

impl Needles {
    pub(crate) fn new(canaries: &Canaries) -> Self {
        let mut forms = Forms::default();
        for (index, account) in canaries.accounts.iter().enumerate() {
            forms.add(Secret::User(index), &account.user);
            forms.add(Secret::Password(index), &account.password);
            forms.add(Secret::Token(index), &account.token);
        }
        forms.add(Secret::MessageId, &canaries.message);
        forms.add(Secret::Body, &canaries.body);
        Self {
            automaton: AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&forms.octets)
                .ok(),
            kinds: forms.kinds,
        }
    }

    /// Every place, in order. Line ends inside a place do not hide it: base64 and quoted-printable
    /// (RFC 2045 §6.7, §6.8) are cut into lines.
    pub(crate) fn find(&self, octets: &[u8]) -> Vec<Hit> {
        let mut hits = self.search(octets);
        if let Some(squeezed) = Squeezed::of(octets) {
            for hit in self.search(&squeezed.octets) {
                hits.push(Hit {
                    from: squeezed.original(hit.from),
                    to: squeezed.original(hit.to.saturating_sub(1)) + 1,
                    ..hit
                });
            }
        }
        hits.sort_unstable_by_key(|hit| (hit.from, hit.to, hit.secret, hit.encoding));
        hits.dedup();
        hits
    }

    fn search(&self, octets: &[u8]) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        automaton
            .find_overlapping_iter(octets)
            .map(|found| {
                let (secret, encoding) = self.kinds[found.pattern().as_usize()];
                Hit {
                    secret,
                    encoding,
                    from: found.start(),
                    to: found.end(),
                }
            })
            .collect()
    }
}

/// Every place in what the client sent, by epoch.
pub(crate) fn on_the_wire(needles: &Needles, epochs: &[Epoch]) -> Vec<Leak> {
    epochs
        .iter()
        .enumerate()
        .flat_map(|(index, epoch)| {
            first_of_each(needles.find(&epoch.octets))
                .into_iter()
                .map(move |hit| Leak {
                    secret: hit.secret,
                    encoding: hit.encoding,
                    epoch: index,
                    events: epoch.events_between(hit.from, hit.to),
                })
        })
        .collect()
}

/// Every place in what the subject printed, by step and stream, and in its own words.
pub(crate) fn in_output(needles: &Needles, events: &[Event]) -> Vec<OutputLeak> {
    let mut streams: BTreeMap<(u16, u8), Printed> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let (stream, octets) = match &event.what {
            What::Output { stream, octets } => (*stream, octets.as_slice()),
            What::StepEnded(Ended::Finished { text, .. }) => (0, text.as_bytes()),
            What::StepEnded(Ended::Crashed { how }) => (0, how.as_bytes()),
            _ => continue,
        };
        let printed = streams.entry((step_of(event), stream)).or_default();
        printed.octets.extend_from_slice(octets);
        printed.pieces.push((printed.octets.len(), index));
    }
    streams
        .iter()
        .flat_map(|((step, _), printed)| {
            first_of_each(needles.find(&printed.octets))
                .into_iter()
                .map(move |hit| OutputLeak {
                    secret: hit.secret,
                    encoding: hit.encoding,
                    step: *step,
                    events: printed.events_between(hit.from, hit.to),
                })
        })
        .collect()
}

/// Every place in the names that DNS was asked for.
pub(crate) fn in_dns(needles: &Needles, events: &[Event]) -> Vec<OutputLeak> {
    let mut leaks = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let What::Queried { name, .. } = &event.what else {
            continue;
        };
        for hit in first_of_each(needles.find(name.as_bytes())) {
            leaks.push(OutputLeak {
                secret: hit.secret,
                encoding: hit.encoding,
                step: step_of(event),
                events: vec![index],
            });
        }
    }
    leaks
}

/// The first place of each secret in each encoding: a client that repeats one without end shows no more.
fn first_of_each(hits: Vec<Hit>) -> Vec<Hit> {
    let mut seen = BTreeSet::new();
    hits.into_iter()
        .filter(|hit| seen.insert((hit.secret, hit.encoding)))
        .collect()
}

/// One stream of a step.
#[derive(Default)]
struct Printed {
    octets: Vec<u8>,
    /// Offset behind each piece, and its event.
    pieces: Vec<(usize, usize)>,
}

impl Printed {
    fn events_between(&self, from: usize, to: usize) -> Vec<usize> {
        let mut start = 0;
        let mut events = Vec::new();
        for (end, event) in &self.pieces {
            if start < to && from < *end {
                events.push(*event);
            }
            start = *end;
        }
        events
    }
}

#[derive(Default)]
struct Forms {
    octets: Vec<Vec<u8>>,
    kinds: Vec<(Secret, Encoding)>,
}

impl Forms {
    fn add(&mut self, secret: Secret, text: &str) {
        let raw = text.as_bytes();
        self.push(secret, Encoding::Raw, raw.to_vec());
        for shift in 0..3 {
            self.push(
                secret,
                Encoding::Base64,
                aligned(
                    &STANDARD_NO_PAD.encode(shifted(raw, shift)),
                    shift,
                    raw.len(),
                ),
            );
            self.push(
                secret,
                Encoding::Base64,
                aligned(
                    &URL_SAFE_NO_PAD.encode(shifted(raw, shift)),
                    shift,
                    raw.len(),
                ),
            );
        }
        self.push(secret, Encoding::Quoted, quoted(raw));
        self.push(secret, Encoding::Hex, hex(raw, "0123456789abcdef"));
        self.push(secret, Encoding::Hex, hex(raw, "0123456789ABCDEF"));
        self.push(secret, Encoding::Percent, percent(raw, "0123456789ABCDEF"));
        self.push(secret, Encoding::Percent, percent(raw, "0123456789abcdef"));
    }

    fn push(&mut self, secret: Secret, encoding: Encoding, octets: Vec<u8>) {
        if octets.len() >= SHORTEST && !self.octets.contains(&octets) {
            self.octets.push(octets);
            self.kinds.push((secret, encoding));
        }
    }
}

fn shifted(raw: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(raw);
    padded
}

/// The digits that depend on the needle alone, whatever stands before and behind it.
fn aligned(encoded: &str, shift: usize, len: usize) -> Vec<u8> {
    let before = [0, 2, 3][shift];
    let behind = [0, 1, 1][(shift + len) % 3];
    let digits = encoded.as_bytes();
    digits
        .get(before..digits.len().saturating_sub(behind))
        .unwrap_or(&[])
        .to_vec()
}

fn quoted(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for byte in raw {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

fn hex(raw: &[u8], digits: &str) -> Vec<u8> {
    let digits = digits.as_bytes();
    raw.iter()
        .flat_map(|byte| {
            [
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]
        })
        .collect()
}

fn percent(raw: &[u8], digits: &str) -> Vec<u8> {
    raw.iter()
        .flat_map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
                vec![*byte]
            } else {
                let mut escaped = vec![b'%'];
                escaped.extend(hex(&[*byte], digits));
                escaped
            }
        })
        .collect()
}

/// Octets without line ends and soft line breaks.
struct Squeezed {
    octets: Vec<u8>,
    /// Offset in `octets` from which on so many octets were taken out.
    cuts: Vec<(usize, usize)>,
}

impl Squeezed {
    fn of(octets: &[u8]) -> Option<Self> {
        if !octets.contains(&b'\n') {
            return None;
        }
        let mut squeezed = Self {
            octets: Vec::with_capacity(octets.len()),
            cuts: Vec::new(),
        };
        let mut at = 0;
        while at < octets.len() {
            let cut = line_end(&octets[at..]);
            if cut == 0 {
                squeezed.octets.push(octets[at]);
                at += 1;
            } else {
                at += cut;
                let removed = at - squeezed.octets.len();
                squeezed.cuts.push((squeezed.octets.len(), removed));
            }
        }
        Some(squeezed)
    }

    fn original(&self, offset: usize) -> usize {
        let behind = self.cuts.partition_point(|(at, _)| *at <= offset);
        offset + behind.checked_sub(1).map_or(0, |last| self.cuts[last].1)
    }
}

fn line_end(octets: &[u8]) -> usize {
    const ENDS: &[&[u8]] = &[b"=\r\n", b"=\n", b"\r\n", b"\n"];
    ENDS.iter()
        .find(|end| octets.starts_with(end))
        .map_or(0, |end| end.len())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn canaries() -> Canaries {
        Canaries::derive(7, "leaks", ["a", "b"])
    }

    fn found(octets: &[u8]) -> Vec<(Secret, Encoding)> {
        Needles::new(&canaries())
            .find(octets)
            .into_iter()
            .map(|hit| (hit.secret, hit.encoding))
            .collect()
    }

    #[test_case(|it| it.to_owned(), Encoding::Raw; "raw")]
    #[test_case(|it| STANDARD.encode(it), Encoding::Base64; "base64 from the first octet")]
    #[test_case(|it| STANDARD.encode(format!("x{it}")), Encoding::Base64; "base64 from the second octet")]
    #[test_case(|it| STANDARD.encode(format!("xy{it}zz")), Encoding::Base64; "base64 from the third octet")]
    #[test_case(|it| STANDARD.encode(format!("\0somebody@firma.example\0{it}")), Encoding::Base64; "sasl plain")]
    #[test_case(|it| format!("\"{it}\""), Encoding::Raw; "imap quoted")]
    #[test_case(|it| format!("{{19}}\r\n{it}\r\n"), Encoding::Raw; "imap literal")]
    #[test_case(|it| it.bytes().map(|b| format!("{b:02x}")).collect(), Encoding::Hex; "hex")]
    #[test_case(|it| it.bytes().map(|b| format!("{b:02X}")).collect(), Encoding::Hex; "hex in capitals")]
    fn a_password_is_found(write: fn(&str) -> String, encoding: Encoding) {
        let text = write(&canaries().accounts[1].password);
        assert!(
            found(text.as_bytes()).contains(&(Secret::Password(1), encoding)),
            "{text}"
        );
    }

    #[test]
    fn an_xoauth2_message_gives_user_and_token() {
        let all = canaries();
        let text = Canaries::xoauth2(&all.accounts[0]);
        let found = found(text.as_bytes());
        assert!(found.contains(&(Secret::User(0), Encoding::Base64)));
        assert!(found.contains(&(Secret::Token(0), Encoding::Base64)));
    }

    #[test]
    fn quotes_and_backslashes_do_not_hide_it() {
        let mut all = canaries();
        all.accounts[0].password = r#"pa"ss\word"#.to_owned();
        let hits = Needles::new(&all).find(br#"A1 LOGIN u "pa\"ss\\word""#);
        assert_eq!(
            hits.iter().map(|it| it.encoding).collect::<Vec<_>>(),
            [Encoding::Quoted]
        );
    }

    #[test]
    fn a_user_name_in_an_address_of_the_web_is_found() {
        let user = canaries().accounts[0].user.replace('@', "%40");
        assert_eq!(
            found(format!("imap://{user}@localhost").as_bytes()),
            [(Secret::User(0), Encoding::Percent)]
        );
    }

    #[test]
    fn the_url_alphabet_of_base64_does_not_hide_it() {
        let mut all = canaries();
        all.accounts[0].password = "???>>>~~~password".to_owned();
        let hits = Needles::new(&all).find(URL_SAFE.encode("???>>>~~~password").as_bytes());
        assert!(!hits.is_empty());
    }

    #[test]
    fn an_empty_canary_is_not_everywhere() {
        let mut all = canaries();
        all.accounts[0].password.clear();
        all.accounts[0].token = "ab".to_owned();
        assert!(Needles::new(&all).find(b"EHLO ab abab").is_empty());
    }

    proptest! {
        #[test]
        fn found_wherever_it_stands_in_base64(
            before in proptest::collection::vec(any::<u8>(), 0..40),
            behind in proptest::collection::vec(any::<u8>(), 0..40),
            width in 1_usize..80,
            soft in any::<bool>(),
        ) {
            let all = canaries();
            let mut text = before;
            text.extend_from_slice(all.accounts[0].token.as_bytes());
            text.extend_from_slice(&behind);
            let mut folded = Vec::new();
            for line in STANDARD.encode(text).as_bytes().chunks(width) {
                folded.extend_from_slice(line);
                folded.extend_from_slice(if soft { b"=\r\n" } else { b"\r\n" });
            }
            let hits = Needles::new(&all).find(&folded);
            prop_assert!(hits.iter().any(|hit| hit.secret == Secret::Token(0)));
            for hit in hits {
                prop_assert!(hit.from < hit.to && hit.to <= folded.len());
            }
        }

        #[test]
        fn nothing_is_found_where_nothing_is(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(found(&octets), []);
        }
    }
}
