//! From octets as they arrive to whole commands and lines, with literals and with bounds.
//!
//! It knows where a command ends and nothing about what it means.

use std::ops::Range;

/// What a connection takes at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Octets of a command without its literals, or of another line.
    pub(super) line: usize,
    /// Octets of the literals of one command.
    pub(super) literal: u64,
    /// Non-synchronising literals.
    pub(super) nonsync: NonSync,
}

/// Which non-synchronising literals are taken (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NonSync {
    /// None: the plus is not in the grammar.
    Never,
    /// LITERAL-: up to 4096 octets.
    Small,
    /// LITERAL+.
    Any,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// A whole command, or what is kept of one that is in trouble.
    Command {
        /// The octets, literals included.
        octets: Vec<u8>,
        /// What is shown of it.
        shown: Vec<u8>,
        /// Why it cannot be carried out.
        trouble: Option<Trouble>,
    },
    /// A command up to a synchronising literal. It goes on after [`Framer::grant`], and is forgotten
    /// after [`Framer::forget`].
    Announced {
        /// What is shown of it.
        shown: Vec<u8>,
        /// The octets so far.
        octets: Vec<u8>,
        /// Whether the literal is within the limits.
        fits: bool,
    },
}

/// Why a whole command cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The line, or the number of literals, is over the limit.
    TooLong,
    /// A non-synchronising literal is over the limit; its octets were thrown away.
    LiteralTooLarge,
    /// A non-synchronising literal is over what LITERAL- allows; its octets were thrown away.
    LiteralNotSmall,
    /// A non-synchronising literal is so large that nobody would wait for its end.
    Hopeless,
}

/// Cuts what was fed into commands and lines.
#[derive(Debug)]
pub(super) struct Framer {
    unread: Vec<u8>,
    start: usize,
    flooded: bool,
    most_unread: usize,
    octets: Vec<u8>,
    literals: Vec<Range<usize>>,
    text: usize,
    tail: Vec<u8>,
    trouble: Option<Trouble>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// Waiting for the decision about a synchronising literal of so many octets.
    Waiting(u64),
    Literal(u64),
    Swallow(u64),
}

/// Octets of a literal that are shown.
const SHOWN: usize = 4096;
/// A literal that is refused is read and thrown away up to this size (RFC 7888 §4).
const MOST_SWALLOWED: u64 = 256 * 1024 * 1024;
const MOST_LITERALS: usize = 100;
/// Longer than any announcement of a literal.
const TAIL: usize = 32;
const SMALL: u64 = 4096;

impl Framer {
    pub(super) fn new(most_unread: usize) -> Self {
        Self {
            unread: Vec::new(),
            start: 0,
            flooded: false,
            most_unread,
            octets: Vec::new(),
            literals: Vec::new(),
            text: 0,
            tail: Vec::new(),
            trouble: None,
            state: State::Text,
        }
    }

    /// Takes octets. What is too much is dropped; see [`Framer::is_flooded`].
    pub(super) fn feed(&mut self, octets: &[u8]) {
        if self.start > 0 && self.start >= self.unread.len() / 2 {
            self.unread.drain(..self.start);
            self.start = 0;
        }
        if self.unread.len() - self.start + octets.len() > self.most_unread {
            self.flooded = true;
        } else {
            self.unread.extend_from_slice(octets);
        }
    }

    /// Whether more waited to be read than a connection may leave unread: the stream has a hole.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded
    }

    /// Everything that is not consumed.
    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        let mut unread = std::mem::take(&mut self.unread);
        unread.drain(..std::mem::take(&mut self.start));
        unread
    }

    /// The next whole command, or its part up to a synchronising literal.
    pub(super) fn command(&mut self, limits: Limits) -> Option<Framed> {
        loop {
            match self.state {
                State::Waiting(_) => return None,
                State::Literal(left) => {
                    let taken = self.available(left);
                    let octets = &self.unread[self.start..self.start + taken];
                    self.octets.extend_from_slice(octets);
                    self.advance(left, taken, State::Literal)?;
                    if let Some(literal) = self.literals.last_mut() {
                        literal.end = self.octets.len();
                    }
                }
                State::Swallow(left) => {
                    let taken = self.available(left);
                    self.advance(left, taken, State::Swallow)?;
                }
                State::Text => {
                    let whole = self.take_text(limits.line);
                    if !whole {
                        return None;
                    }
                    if let Some(framed) = self.line_ended(limits) {
                        return Some(framed);
                    }
                }
            }
        }
    }

    /// The next line, whatever it is: `Err` with the octets that are kept of one over the limit.
    pub(super) fn line(&mut self, limit: usize) -> Option<Result<Vec<u8>, Vec<u8>>> {
        if !self.take_text(limit) {
            return None;
        }
        let trouble = self.trouble;
        let octets = self.forget();
        Some(if trouble.is_some() {
            Err(octets)
        } else {
            Ok(octets)
        })
    }

    /// The announced literal may come.
    pub(super) fn grant(&mut self) {
        if let State::Waiting(size) = self.state {
            self.begin_literal(size);
        }
    }

    /// The command so far is forgotten, and handed out.
    pub(super) fn forget(&mut self) -> Vec<u8> {
        self.state = State::Text;
        self.text = 0;
        self.trouble = None;
        self.tail.clear();
        self.literals.clear();
        std::mem::take(&mut self.octets)
    }

    fn available(&self, left: u64) -> usize {
        let unread = self.unread.len() - self.start;
        usize::try_from(left).map_or(unread, |left| left.min(unread))
    }

    /// Consumes `taken` of `left` octets; `None` if more must arrive.
    fn advance(&mut self, left: u64, taken: usize, state: fn(u64) -> State) -> Option<()> {
        self.start += taken;
        let left = left - taken as u64;
        if left > 0 {
            self.state = state(left);
            return None;
        }
        self.state = State::Text;
        Some(())
    }

    /// Moves text up to and with the next LF; whether there is one.
    fn take_text(&mut self, limit: usize) -> bool {
        let unread = &self.unread[self.start..];
        let (len, whole) = match memchr::memchr(b'\n', unread) {
            Some(at) => (at + 1, true),
            None => (unread.len(), false),
        };
        let octets = &unread[..len];
        let room = limit.saturating_sub(self.text);
        if len > room {
            self.trouble.get_or_insert(Trouble::TooLong);
        }
        self.octets.extend_from_slice(&octets[..len.min(room)]);
        self.tail
            .extend_from_slice(&octets[len.saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        self.text = self.text.saturating_add(len);
        self.start += len;
        whole
    }

    fn line_ended(&mut self, limits: Limits) -> Option<Framed> {
        let announced = if self.trouble.is_some() {
            announcement(&self.tail)
        } else {
            let from = self.literals.last().map_or(0, |literal| literal.end);
            let segment = &self.octets[from..];
            announcement(segment).filter(|_| is_argument(segment))
        };
        self.tail.clear();
        match announced {
            Some((size, true)) if limits.nonsync != NonSync::Never => {
                self.announced_nonsync(size, limits)
            }
            Some((size, false)) if self.trouble.is_none() => {
                let fits = self.fits(size, limits);
                if self.literals.len() == MOST_LITERALS {
                    self.trouble = Some(Trouble::TooLong);
                    return Some(self.whole());
                }
                self.state = State::Waiting(size);
                Some(Framed::Announced {
                    shown: self.shown(),
                    octets: self.octets.clone(),
                    fits,
                })
            }
            _ => Some(self.whole()),
        }
    }

    fn announced_nonsync(&mut self, size: u64, limits: Limits) -> Option<Framed> {
        if limits.nonsync == NonSync::Small && size > SMALL {
            self.trouble.get_or_insert(Trouble::LiteralNotSmall);
        } else if !self.fits(size, limits) {
            self.trouble.get_or_insert(Trouble::LiteralTooLarge);
        }
        if self.literals.len() == MOST_LITERALS {
            self.trouble.get_or_insert(Trouble::TooLong);
        }
        if self.trouble.is_none() {
            self.begin_literal(size);
        } else if size <= MOST_SWALLOWED {
            self.state = State::Swallow(size);
        } else {
            self.trouble = Some(Trouble::Hopeless);
            return Some(self.whole());
        }
        None
    }

    fn fits(&self, size: u64, limits: Limits) -> bool {
        let before: usize = self.literals.iter().map(Range::len).sum();
        size.saturating_add(before as u64) <= limits.literal
    }

    fn begin_literal(&mut self, size: u64) {
        let at = self.octets.len();
        self.literals.push(at..at);
        self.state = State::Literal(size);
    }

    fn whole(&mut self) -> Framed {
        let shown = self.shown();
        let trouble = self.trouble;
        Framed::Command {
            octets: self.forget(),
            shown,
            trouble,
        }
    }

    /// The octets without what is too long in literals.
    fn shown(&self) -> Vec<u8> {
        let mut shown = Vec::new();
        let mut from = 0;
        for literal in &self.literals {
            let end = literal.end.min(literal.start + SHOWN);
            shown.extend_from_slice(&self.octets[from..end]);
            from = literal.end;
        }
        shown.extend_from_slice(&self.octets[from..]);
        shown
    }
}

/// The size in `{5}` or `{5+}` before the CRLF, and whether there is a plus.
fn announcement(line: &[u8]) -> Option<(u64, bool)> {
    let line = line.strip_suffix(b"}\r\n")?;
    let (line, plus) = match line.strip_suffix(b"+") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let open = line.iter().rposition(|octet| *octet == b'{')?;
    let digits = &line[open + 1..];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((size, plus))
}

/// Whether the announcement at the end of the segment stands where an argument begins, and not in a
/// quoted string.
fn is_argument(segment: &[u8]) -> bool {
    let open = segment
        .iter()
        .rposition(|octet| *octet == b'{')
        .unwrap_or(0);
    let before = &segment[..open];
    if !matches!(before.last(), Some(b' ' | b'(')) {
        return false;
    }
    let mut quoted = false;
    let mut octets = before.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                octets.next();
            }
            _ => (),
        }
    }
    !quoted
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    const LIMITS: Limits = Limits {
        line: 64,
        literal: 10_000,
        nonsync: NonSync::Any,
    };

    fn first(octets: &[u8], limits: Limits) -> Option<Framed> {
        let mut framer = Framer::new(1 << 20);
        framer.feed(octets);
        framer.command(limits)
    }

    fn command(octets: &[u8], trouble: Option<Trouble>) -> Option<Framed> {
        Some(Framed::Command {
            octets: octets.to_vec(),
            shown: octets.to_vec(),
            trouble,
        })
    }

    #[test_case(b"A NOOP\r\nB", Some(b"A NOOP\r\n"); "a line")]
    #[test_case(b"A NOOP\nB", Some(b"A NOOP\n"); "a bare LF ends it too")]
    #[test_case(b"A NOOP\r", None; "half a line")]
    #[test_case(b"A LOGIN {1+}\r\na {2+}\r\nb\n\r\nB", Some(b"A LOGIN {1+}\r\na {2+}\r\nb\n\r\n"); "two literals")]
    #[test_case(b"A LOGIN {1+}\r\na {2+}\r\nb", None; "half a literal")]
    #[test_case(b"A NOOP{1+}\r\nB", Some(b"A NOOP{1+}\r\n"); "no argument")]
    #[test_case(b"A LOGIN \"x {1+}\r\nB", Some(b"A LOGIN \"x {1+}\r\n"); "in a quoted string")]
    #[test_case(b"A X {99999999999999999999+}\r\n", Some(b"A X {99999999999999999999+}\r\n"); "no number")]
    fn commands(octets: &[u8], expected: Option<&[u8]>) {
        assert_eq!(
            first(octets, LIMITS),
            expected.and_then(|octets| command(octets, None))
        );
    }

    #[test]
    fn a_plus_means_nothing_where_it_is_not_offered() {
        let limits = Limits {
            nonsync: NonSync::Never,
            ..LIMITS
        };
        assert_eq!(
            first(b"A X {1+}\r\na\r\n", limits),
            command(b"A X {1+}\r\n", None)
        );
    }

    #[test]
    fn a_line_over_the_limit_keeps_its_beginning_and_the_next_is_whole() {
        let mut framer = Framer::new(1 << 20);
        framer.feed(&[b'a'; 100]);
        assert_eq!(framer.command(LIMITS), None);
        framer.feed(b"bbb {3+}\r\nxyz end\r\nB NOOP\r\n");
        assert_eq!(
            framer.command(LIMITS),
            command(&[b'a'; 64], Some(Trouble::TooLong))
        );
        assert_eq!(framer.command(LIMITS), command(b"B NOOP\r\n", None));
    }

    #[test]
    fn a_large_literal_is_thrown_away() {
        let mut framer = Framer::new(1 << 20);
        let limits = Limits {
            nonsync: NonSync::Small,
            ..LIMITS
        };
        framer.feed(b"A X {5000+}\r\n");
        framer.feed(&[b'x'; 5000]);
        framer.feed(b" y\r\nB NOOP\r\n");
        assert_eq!(
            framer.command(limits),
            command(b"A X {5000+}\r\n y\r\n", Some(Trouble::LiteralNotSmall))
        );
        assert_eq!(framer.command(limits), command(b"B NOOP\r\n", None));
    }

    #[test]
    fn a_literal_waits_to_be_granted() {
        let mut framer = Framer::new(1 << 20);
        framer.feed(b"A X {3}\r\nabc {2}\r\n");
        let announced = |octets: &[u8]| Framed::Announced {
            shown: octets.to_vec(),
            octets: octets.to_vec(),
            fits: true,
        };
        assert_eq!(framer.command(LIMITS), Some(announced(b"A X {3}\r\n")));
        assert_eq!(framer.command(LIMITS), None);
        framer.grant();
        assert_eq!(
            framer.command(LIMITS),
            Some(announced(b"A X {3}\r\nabc {2}\r\n"))
        );
        framer.forget();
        framer.feed(b"B NOOP\r\n");
        assert_eq!(framer.command(LIMITS), command(b"B NOOP\r\n", None));
    }

    #[test]
    fn long_literals_are_shown_in_part() {
        let mut framer = Framer::new(1 << 20);
        framer.feed(b"A X {5000+}\r\n");
        framer.feed(&[b'x'; 5000]);
        framer.feed(b" {1+}\r\ny\r\n");
        let Some(Framed::Command { octets, shown, .. }) = framer.command(LIMITS) else {
            panic!("a command");
        };
        assert_eq!(octets.len(), 13 + 5000 + 10);
        assert_eq!(shown.len(), 13 + 4096 + 10);
    }

    #[test]
    fn a_flood_is_said() {
        let mut framer = Framer::new(100);
        framer.feed(&[b'x'; 101]);
        assert!(framer.is_flooded());
    }
}
