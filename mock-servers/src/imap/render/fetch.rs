//! One FETCH response with everything that was asked for.

use std::borrow::Cow;

use super::{
    envelope::envelope,
    strings::{astring, literal},
    structure::structure,
};
use crate::imap::{
    message::{Kind, Part},
    parse::{Item, Section, Where},
    store::Message,
};

/// What a FETCH response is made from.
pub(in crate::imap) struct Answer<'a> {
    /// The message number.
    pub(in crate::imap) number: u32,
    /// The message, with the flags that it has now.
    pub(in crate::imap) message: &'a Message,
    /// The UID validity of its mailbox.
    pub(in crate::imap) uid_validity: u32,
    /// What was asked for.
    pub(in crate::imap) items: &'a [Item],
    /// Whether the UID is told unasked (RFC 9051 §6.4.9).
    pub(in crate::imap) uid: bool,
    /// Whether the flags are told unasked, because fetching has changed them.
    pub(in crate::imap) flags: bool,
}

/// The response without `* ` and CRLF, and whether the whole text of the message is in it.
pub(in crate::imap) fn fetch(answer: &Answer<'_>) -> (Vec<u8>, bool) {
    let message = answer.message;
    let octets = &*message.octets;
    let part = answer
        .items
        .iter()
        .any(Item::looks_inside)
        .then(|| Part::of_message(octets));
    let mut out = format!("{} FETCH (", answer.number).into_bytes();
    let start = out.len();
    let mut sent = Sent::default();
    if answer.uid && !answer.items.contains(&Item::Uid) {
        out.extend_from_slice(format!("UID {}", message.uid).as_bytes());
    }
    if answer.flags && !answer.items.contains(&Item::Flags) {
        separate(start, &mut out);
        out.extend_from_slice(super::flags(&message.flags).as_bytes());
    }
    for item in answer.items {
        separate(start, &mut out);
        match (item, &part) {
            (Item::Flags, _) => {
                out.extend_from_slice(super::flags(&message.flags).as_bytes());
            }
            (Item::Uid, _) => out.extend_from_slice(format!("UID {}", message.uid).as_bytes()),
            (Item::InternalDate, _) => out
                .extend_from_slice(format!("INTERNALDATE \"{}\"", message.date.text()).as_bytes()),
            (Item::Size, _) => {
                out.extend_from_slice(format!("RFC822.SIZE {}", octets.len()).as_bytes());
            }
            (Item::Gmail(name), _) => gmail(name, answer, &mut out),
            (Item::Rfc822, _) => {
                sent.whole = true;
                out.extend_from_slice(b"RFC822 ");
                literal(octets, &mut out);
            }
            (item, Some(part)) => inside(item, octets, part, &mut sent, &mut out),
            (_, None) => (),
        }
    }
    out.push(b')');
    (out, sent.whole || (sent.header && sent.text))
}

/// What of the message has been sent unabridged.
#[derive(Default)]
struct Sent {
    whole: bool,
    header: bool,
    text: bool,
}

impl Item {
    /// Whether the structure of the message must be known.
    fn looks_inside(&self) -> bool {
        matches!(
            self,
            Item::Envelope
                | Item::Body
                | Item::BodyStructure
                | Item::Rfc822Header
                | Item::Rfc822Text
                | Item::Section { .. }
        )
    }
}

fn separate(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b' ');
    }
}

fn inside(item: &Item, octets: &[u8], part: &Part, sent: &mut Sent, out: &mut Vec<u8>) {
    match item {
        Item::Envelope => {
            out.extend_from_slice(b"ENVELOPE ");
            envelope(octets, part, out);
        }
        Item::Body => {
            out.extend_from_slice(b"BODY ");
            structure(octets, part, false, out);
        }
        Item::BodyStructure => {
            out.extend_from_slice(b"BODYSTRUCTURE ");
            structure(octets, part, true, out);
        }
        Item::Rfc822Header => {
            sent.header = true;
            out.extend_from_slice(b"RFC822.HEADER ");
            literal(&octets[part.header.clone()], out);
        }
        Item::Rfc822Text => {
            sent.text = true;
            out.extend_from_slice(b"RFC822.TEXT ");
            literal(&octets[part.body.clone()], out);
        }
        Item::Section {
            section, partial, ..
        } => {
            label(section, *partial, out);
            let found = content(section, octets, part);
            match found {
                Some(found) => {
                    let cut = cut(&found, *partial);
                    if cut.len() == found.len() && section.path.is_empty() {
                        match section.what {
                            Where::Whole => sent.whole = true,
                            Where::Header => sent.header = true,
                            Where::Text => sent.text = true,
                            _ => (),
                        }
                    }
                    literal(cut, out);
                }
                None => out.extend_from_slice(b"NIL"),
            }
        }
        _ => (),
    }
}

/// `BODY[1.HEADER.FIELDS (FROM)]<0> `.
fn label(section: &Section, partial: Option<(u32, u32)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"BODY[");
    let path: Vec<String> = section.path.iter().map(u32::to_string).collect();
    out.extend_from_slice(path.join(".").as_bytes());
    if !path.is_empty() && section.what != Where::Whole {
        out.push(b'.');
    }
    match &section.what {
        Where::Whole => (),
        Where::Header => out.extend_from_slice(b"HEADER"),
        Where::Text => out.extend_from_slice(b"TEXT"),
        Where::Mime => out.extend_from_slice(b"MIME"),
        Where::Fields { names, not } => {
            out.extend_from_slice(b"HEADER.FIELDS");
            out.extend_from_slice(if *not { b".NOT (" } else { b" (" });
            for (index, name) in names.iter().enumerate() {
                if index > 0 {
                    out.push(b' ');
                }
                astring(name, out);
            }
            out.push(b')');
        }
    }
    out.push(b']');
    if let Some((from, _)) = partial {
        out.extend_from_slice(format!("<{from}>").as_bytes());
    }
    out.push(b' ');
}

/// The octets of a section, `None` where the message has no such part.
fn content<'a>(section: &Section, octets: &'a [u8], message: &Part) -> Option<Cow<'a, [u8]>> {
    let part = if section.path.is_empty() {
        message
    } else {
        message.find(&section.path)?
    };
    // HEADER and TEXT of a part are those of the message that it holds (RFC 9051 §6.4.5.1).
    let holder = match (&part.kind, section.path.is_empty()) {
        (_, true) => Some(part),
        (Kind::Message(inner), false) => Some(&**inner),
        _ => None,
    };
    let slice = |range: &std::ops::Range<usize>| octets.get(range.clone()).unwrap_or_default();
    Some(match &section.what {
        Where::Whole if section.path.is_empty() => Cow::Borrowed(octets),
        Where::Whole => Cow::Borrowed(slice(&part.body)),
        Where::Mime => Cow::Borrowed(slice(&part.header)),
        Where::Header => Cow::Borrowed(slice(&holder?.header)),
        Where::Text => Cow::Borrowed(slice(&holder?.body)),
        Where::Fields { names, not } => Cow::Owned(fields(octets, holder?, names, *not)),
    })
}

/// The fields of those names, or all others, and the empty line if the header has one.
fn fields(octets: &[u8], part: &Part, names: &[Vec<u8>], not: bool) -> Vec<u8> {
    let mut out: Vec<u8> = part
        .fields(octets)
        .filter(|field| names.iter().any(|name| field.is(name)) != not)
        .flat_map(|field| field.whole)
        .copied()
        .collect();
    let header = &octets[part.header.clone()];
    if header == b"\r\n"
        || header == b"\n"
        || header.ends_with(b"\n\r\n")
        || header.ends_with(b"\n\n")
    {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn cut(octets: &[u8], partial: Option<(u32, u32)>) -> &[u8] {
    let Some((from, len)) = partial else {
        return octets;
    };
    let from = octets.len().min(from as usize);
    let to = octets.len().min(from.saturating_add(len as usize));
    &octets[from..to]
}

/// The numbers that X-GM-EXT-1 gives a message: its own, unique in the account, and no thread but itself.
fn gmail(name: &str, answer: &Answer<'_>, out: &mut Vec<u8>) {
    let text = if name == "X-GM-LABELS" {
        format!("{name} ()")
    } else {
        let number = u64::from(answer.uid_validity) << 32 | u64::from(answer.message.uid);
        format!("{name} {number}")
    };
    out.extend_from_slice(text.as_bytes());
}
