//! The reply seam: the units of a response replaced, dropped, inserted and mutated.
//!
//! Where a selector names a kind of unit, all units of that kind together are what is acted on: a text
//! takes the place of the first and the others go. Where something other than going on follows, what the
//! server would have said behind it is not said.

use mailproof_scenarios::model::{Action, Deviation, Fill, Then, Unit};

use crate::engine::{Response, ResponseUnit};

/// A response after the reply seam.
#[derive(Debug, Default)]
pub(crate) struct Edited {
    /// What is said, in order.
    pub(super) pieces: Vec<Piece>,
    /// Deviations that kept something back.
    pub(super) withheld: Vec<u16>,
    /// What follows, where a deviation says so.
    pub(super) then: Option<Then>,
    /// Whether anything was changed.
    pub(super) changed: bool,
}

/// One unit, as it is or as it became, or a text put between.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) octets: Vec<u8>,
    /// The deviations that it proves.
    pub(super) proves: Vec<u16>,
    /// Its kind; a text that was put between has none.
    kind: Option<Unit>,
}

/// Whether a response has a unit for the selector to act on.
pub(super) fn has_unit(units: &[ResponseUnit], unit: Option<Unit>) -> bool {
    unit.is_none_or(|kind| units.iter().any(|it| it.kind == kind))
}

impl Edited {
    /// Lets the deviations act in their order.
    pub(super) fn new(response: &Response, acting: &[(u16, &Deviation)], fill: &Fill) -> Self {
        let pieces = response.units.iter().map(|unit| Piece {
            octets: unit.octets.clone(),
            proves: Vec::new(),
            kind: Some(unit.kind),
        });
        let mut edited = Self {
            pieces: pieces.collect(),
            ..Self::default()
        };
        for (index, deviation) in acting {
            edited.apply(*index, deviation, fill);
        }
        edited
    }

    /// The unit that a person would get to read: the last that is the server's own. None where the end of
    /// the response is missing.
    pub(super) fn last(&self, response: &Response) -> Option<&[u8]> {
        let ends = |kind| matches!(kind, Unit::Final | Unit::Continuation);
        let had_end = response.units.iter().any(|it| ends(it.kind));
        let own = self.pieces.iter().rfind(|it| match it.kind {
            Some(kind) => !had_end || ends(kind),
            None => false,
        });
        own.map(|it| it.octets.as_slice())
    }

    /// Up to where the octets are the server's own words, or stand in their place: what is put behind comes
    /// after that. All of them where there is nothing of its own.
    pub(super) fn own_length(&self) -> usize {
        let own = self.pieces.iter().rposition(|it| it.kind.is_some());
        let own = own.map_or(self.pieces.len(), |at| at + 1);
        self.pieces[..own].iter().map(|it| it.octets.len()).sum()
    }

    fn apply(&mut self, index: u16, deviation: &Deviation, fill: &Fill) {
        let unit = deviation.on.unit;
        match &deviation.action {
            Action::Reply { text, then } => {
                let kind = unit.or(Some(Unit::Final));
                let at = self.remove(unit);
                self.insert(at, text.render(fill), kind, index);
                self.follow(at + 1, *then);
            }
            Action::Before(text) => {
                let at = self.first(unit);
                self.insert(at, text.render(fill), None, index);
            }
            Action::After { text, then } => {
                let at = self.behind(unit);
                self.insert(at, text.render(fill), None, index);
                self.follow(at + 1, *then);
            }
            Action::Drop { then } => {
                let at = self.remove(unit);
                self.withheld.push(index);
                self.changed = true;
                self.follow(at, *then);
            }
            Action::Replace(pairs) => {
                for piece in self.pieces.iter_mut().filter(|it| it.is(unit)) {
                    let octets = pairs
                        .iter()
                        .fold(piece.octets.clone(), |octets, (from, to)| {
                            replace_all(&octets, &from.render(fill), &to.render(fill))
                        });
                    if octets != piece.octets {
                        piece.octets = octets;
                        piece.proves.push(index);
                        self.changed = true;
                    }
                }
            }
            _ => {}
        }
    }

    fn insert(&mut self, at: usize, octets: Vec<u8>, kind: Option<Unit>, index: u16) {
        if octets.is_empty() {
            self.withheld.push(index);
        }
        self.pieces.insert(
            at,
            Piece {
                octets,
                proves: vec![index],
                kind,
            },
        );
        self.changed = true;
    }

    /// Where something other than going on follows, nothing else does.
    fn follow(&mut self, at: usize, then: Then) {
        if then != Then::GoOn {
            self.pieces.truncate(at);
            self.then = Some(then);
        }
    }

    fn first(&self, unit: Option<Unit>) -> usize {
        self.pieces.iter().position(|it| it.is(unit)).unwrap_or(0)
    }

    fn behind(&self, unit: Option<Unit>) -> usize {
        self.pieces
            .iter()
            .rposition(|it| it.is(unit))
            .map_or(self.pieces.len(), |at| at + 1)
    }

    /// Removes what the selector names; where it began.
    fn remove(&mut self, unit: Option<Unit>) -> usize {
        let at = self.first(unit);
        self.pieces.retain(|it| !it.is(unit));
        at
    }
}

impl Piece {
    fn is(&self, unit: Option<Unit>) -> bool {
        match unit {
            Some(_) => self.kind == unit,
            None => true,
        }
    }
}

fn replace_all(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return octets.to_vec();
    }
    let mut out = Vec::with_capacity(octets.len());
    let mut done = 0;
    for at in memchr::memmem::find_iter(octets, from) {
        out.extend_from_slice(&octets[done..at]);
        out.extend_from_slice(to);
        done = at + from.len();
    }
    out.extend_from_slice(&octets[done..]);
    out
}
