//! The wire seam: in which writes an edited response leaves, and what follows it.

use std::collections::VecDeque;

use mailproof_scenarios::model::{Action, Deviation, Protocol, Split, Then};

use super::Edited;
use crate::engine::{After, Response};

/// A response is cut in at most so many places, half of them at its beginning and half at its end; what is
/// between leaves in one. More would only take time.
const CUTS: usize = 256;

/// What a server does, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What it does.
    pub(crate) ops: Vec<Planned>,
    /// What the client gets for an answer, when everything has left.
    pub(crate) answer: Option<Answer>,
}

/// The answer as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The last unit, without its CRLF.
    pub(crate) last: Vec<u8>,
    /// Whether it accepts.
    pub(crate) positive: bool,
}

/// One thing that a server does, and the deviations that it proves when it is done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// What.
    pub(crate) op: WireOp,
    /// The deviations, by index.
    pub(crate) proves: Vec<u16>,
}

/// Things that a server does on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WireOp {
    /// Sends octets in one write.
    Write(Vec<u8>),
    /// Lets milliseconds pass between two writes.
    Gap(u64),
    /// Keeps the response back for milliseconds. Proves itself when it begins.
    Hold(u64),
    /// Reads nothing more, or not for so many milliseconds.
    StopReading(Option<u64>),
    /// Starts TLS.
    StartTls,
    /// Stays in clear although TLS was to start.
    StayClear,
    /// Closes in good order: inside TLS with a goodbye.
    Close,
    /// Closes the sending side and nothing else.
    Fin,
    /// Resets.
    Reset,
    /// Says nothing more.
    Silence,
    /// Is gone without a word.
    Vanish,
    /// Says nothing here, which is what is to be noted.
    Withhold,
}

/// Plans the writes of an edited response.
pub(super) fn plan(
    edited: Edited,
    decided: &[u16],
    acting: &[(u16, &Deviation)],
    (protocol, segments): (Protocol, Option<Split>),
    response: &Response,
) -> Plan {
    let mut plan = Plan::default();
    let octets: Vec<u8> = edited
        .pieces
        .iter()
        .flat_map(|it| &it.octets)
        .copied()
        .collect();
    let last = octets.len().saturating_sub(1);
    let mut proves: Vec<(usize, u16)> = decided.iter().map(|index| (last, *index)).collect();
    let mut begin = 0;
    for piece in &edited.pieces {
        for index in &piece.proves {
            let known = proves.iter().any(|(_, it)| it == index);
            if !known && !edited.withheld.contains(index) {
                proves.push((begin.min(last), *index));
            }
        }
        begin += piece.octets.len();
    }
    let mut withheld = edited.withheld.clone();
    if octets.is_empty() {
        withheld.extend(proves.drain(..).map(|(_, index)| index));
    }
    if !withheld.is_empty() {
        plan.push(WireOp::Withhold, withheld);
    }
    if !octets.is_empty() {
        for (index, deviation) in acting {
            match deviation.action {
                Action::Hold { ms } => plan.push(WireOp::Hold(ms), vec![*index]),
                // Before the response leaves, so that nothing of what answers it is read.
                Action::StopReading { resume_ms } => {
                    plan.push(WireOp::StopReading(resume_ms), vec![*index]);
                }
                _ => {}
            }
        }
        let answer = edited.last(response).map(|last| {
            let last = without_crlf(last);
            Answer {
                positive: if edited.changed {
                    accepts(protocol, last)
                } else {
                    response.positive
                },
                last: last.to_vec(),
            }
        });
        plan.answer = answer;
        let segments = segments.map(|split| (split, edited.own_length()));
        plan.writes(&octets, &proves, acting, segments);
    }
    let (end, ends) = end(&edited, acting, response.after);
    if let Some(op) = end {
        plan.push(op, ends);
    }
    plan
}

impl Plan {
    fn push(&mut self, op: WireOp, proves: Vec<u16>) {
        self.ops.push(Planned { op, proves });
    }

    /// The writes of a response: as a deviation splits it, or else in the segments of the base. Those end
    /// where the server's own words end; what is put behind leaves with the last of them. `proves` has where
    /// in the octets each deviation begins: in segments that portion proves it, for whoever leaves there has
    /// met it (the control has the same segments), and otherwise the last.
    fn writes(
        &mut self,
        octets: &[u8],
        proves: &[(usize, u16)],
        acting: &[(u16, &Deviation)],
        segments: Option<(Split, usize)>,
    ) {
        let split = acting.iter().find_map(|(index, it)| match it.action {
            Action::Split { split, gap_ms } => Some((*index, split, gap_ms)),
            _ => None,
        });
        let (split, own, gap_ms) = match (split, segments) {
            (Some((_, split, gap_ms)), _) => (split, octets.len(), gap_ms),
            (None, Some((split, own))) => (split, own, 0),
            (None, None) => (Split::Whole, octets.len(), 0),
        };
        // The first portion on its own is what makes it a split, whatever the client does then.
        let mut proof: Vec<u16> = acting
            .iter()
            .filter(|(_, it)| matches!(it.action, Action::Split { .. }))
            .map(|(index, _)| *index)
            .take(1)
            .collect();
        let by_portion = proof.is_empty();
        let mut rest = portions(octets, own, split).into_iter().peekable();
        let mut begin = 0;
        while let Some(portion) = rest.next() {
            let last = rest.peek().is_none();
            let here = begin..begin + portion.len();
            begin = here.end;
            let begun = |at: &usize| if by_portion { here.contains(at) } else { last };
            let begun = proves.iter().filter(|(at, _)| begun(at));
            proof.extend(begun.map(|(_, index)| *index));
            self.push(WireOp::Write(portion.to_vec()), std::mem::take(&mut proof));
            if !last && gap_ms > 0 {
                self.push(WireOp::Gap(gap_ms), Vec::new());
            }
        }
    }
}

/// What follows the octets, and what that proves.
fn end(edited: &Edited, acting: &[(u16, &Deviation)], after: After) -> (Option<WireOp>, Vec<u16>) {
    let mut then = edited.then.unwrap_or(Then::GoOn);
    let mut proves = Vec::new();
    for (index, deviation) in acting {
        if let Action::Then(it) = deviation.action {
            then = it;
            proves = vec![*index];
        }
    }
    let op = match (then, after) {
        (Then::GoOn, After::GoOn) => None,
        (Then::GoOn, After::StartTls) | (Then::Tls, _) => Some(WireOp::StartTls),
        (Then::GoOn, After::Close) => Some(WireOp::Close),
        (Then::Clear, _) => Some(WireOp::StayClear),
        (Then::Fin, _) => Some(WireOp::Fin),
        (Then::Reset, _) => Some(WireOp::Reset),
        (Then::Silence, _) => Some(WireOp::Silence),
        (Then::Vanish, _) => Some(WireOp::Vanish),
    };
    if op.is_none() && !proves.is_empty() {
        return (Some(WireOp::Withhold), proves);
    }
    (op, proves)
}

/// The portions of a response. Its first `own` octets are cut, the others stay with the last of them.
fn portions(octets: &[u8], own: usize, split: Split) -> Vec<&[u8]> {
    let (mut cuts, mut tail) = (Vec::new(), VecDeque::new());
    let mut line_start = true;
    for (at, octet) in octets.iter().enumerate().take(own) {
        let ends_line = *octet == b'\n';
        let cut = match split {
            Split::Octet => true,
            Split::Line => ends_line,
            Split::Kibibyte => (at + 1) % 1024 == 0,
            Split::InsideLine => {
                (line_start && !ends_line)
                    || (*octet == b'\r' && octets.get(at + 1) == Some(&b'\n'))
            }
            Split::Whole => false,
        };
        if cut && at + 1 < own {
            if cuts.len() < CUTS / 2 {
                cuts.push(at + 1);
            } else {
                tail.push_back(at + 1);
            }
            if tail.len() > CUTS / 2 {
                tail.pop_front();
            }
        }
        line_start = ends_line;
    }
    cuts.extend(tail);
    cuts.push(octets.len());
    let mut start = 0;
    let mut all = Vec::with_capacity(cuts.len());
    for cut in cuts {
        all.push(&octets[start..cut]);
        start = cut;
    }
    all
}

fn without_crlf(octets: &[u8]) -> &[u8] {
    let end = octets.iter().rposition(|it| !matches!(it, b'\r' | b'\n'));
    &octets[..end.map_or(0, |at| at + 1)]
}

/// Whether a reply that a deviation wrote accepts, to whoever reads it.
fn accepts(protocol: Protocol, last: &[u8]) -> bool {
    let line = last.rsplit(|it| *it == b'\n').next().unwrap_or(last);
    match protocol {
        Protocol::Smtp => matches!(line.first(), Some(b'2' | b'3')),
        Protocol::Imap => {
            let mut words = line.split(|it| *it == b' ');
            let first = words.next().unwrap_or_default();
            first == b"+"
                || words.next().is_some_and(|status| {
                    status.eq_ignore_ascii_case(b"OK") || status.eq_ignore_ascii_case(b"PREAUTH")
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case(Split::Octet, &["2", "2", "0", "\r", "\n"]; "octets")]
    #[test_case(Split::Whole, &["220\r\n"]; "whole")]
    #[test_case(Split::Line, &["220\r\n"]; "one line")]
    #[test_case(Split::Kibibyte, &["220\r\n"]; "less than a kibibyte")]
    #[test_case(Split::InsideLine, &["2", "20\r", "\n"]; "inside one line")]
    fn cuts(split: Split, expected: &[&str]) {
        let expected: Vec<&[u8]> = expected.iter().map(|it| it.as_bytes()).collect();
        assert_eq!(portions(b"220\r\n", 5, split), expected);
    }

    #[test]
    fn what_is_long_is_cut_at_both_ends() {
        let octets = vec![b'x'; 10_000];
        let lengths: Vec<_> = portions(&octets, octets.len(), Split::Octet)
            .into_iter()
            .map(<[u8]>::len)
            .collect();
        assert_eq!(lengths.len(), CUTS + 1);
        assert_eq!(lengths[CUTS / 2], 10_000 - CUTS);
        assert!(lengths[..CUTS / 2].iter().all(|it| *it == 1));
        assert!(lengths[CUTS / 2 + 1..].iter().all(|it| *it == 1));
    }

    #[test]
    fn cuts_after_every_kibibyte() {
        let octets = vec![b'x'; 2500];
        let lengths = portions(&octets, octets.len(), Split::Kibibyte)
            .into_iter()
            .map(<[u8]>::len);
        assert!(lengths.eq([1024, 1024, 452]));
    }

    #[test]
    fn cuts_inside_every_line() {
        let expected: [&[u8]; 5] = [b"2", b"50-a\r", b"\n2", b"50 b\r", b"\n"];
        let octets = b"250-a\r\n250 b\r\n";
        assert_eq!(portions(octets, octets.len(), Split::InsideLine), expected);
    }

    #[test_case(Protocol::Smtp, b"250-a\r\n550 b", false; "the last line counts")]
    #[test_case(Protocol::Smtp, b"354 go", true; "intermediate")]
    #[test_case(Protocol::Imap, b"A1 OK done", true; "tagged ok")]
    #[test_case(Protocol::Imap, b"A1 NO", false; "tagged no")]
    #[test_case(Protocol::Imap, b"+ ", true; "continuation")]
    #[test_case(Protocol::Imap, b"", false; "nothing")]
    fn reads_acceptance(protocol: Protocol, last: &[u8], positive: bool) {
        assert_eq!(accepts(protocol, last), positive);
    }

    proptest! {
        #[test]
        fn portions_are_the_response(octets in proptest::collection::vec(any::<u8>(), 1..6000), put_behind in 0..6000_usize) {
            for split in Split::ALL.iter().copied() {
                let own = octets.len() - put_behind % octets.len();
                let portions = portions(&octets, own, split);
                prop_assert!(portions.iter().all(|it| !it.is_empty()));
                prop_assert!(portions.len() <= CUTS + 1);
                prop_assert_eq!(portions.concat(), octets.clone());
                prop_assert!(portions.last().unwrap().len() > octets.len() - own);
            }
        }
    }
}
