//! What a chain looks like, as plain data: the valid one, and the properties a fault can change.
//! Must not know keys, DER or the library that writes it.
//!
//! A later kind of fault (a key algorithm, an extension, a staple, an edit of the finished
//! bytes) is one more property here with its harmless value in [`Recipe::valid`].

use time::Duration;

/// Everything that decides a chain, except the names and the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    pub(crate) leaf: Leaf,
    pub(crate) intermediate: Intermediate,
    pub(crate) anchor: Anchor,
    pub(crate) sent: Sent,
    pub(crate) proof: Proof,
}

/// The server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) validity: Validity,
    pub(crate) owner: Owner,
    pub(crate) naming: Naming,
    pub(crate) purpose: Purpose,
}

/// The certificate between leaf and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intermediate {
    pub(crate) validity: Validity,
    /// The cA flag of its basic constraints.
    pub(crate) is_ca: bool,
}

/// A period, relative to the authority's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// At the root a subject is told to trust.
    TrustedRoot,
    /// At a root of another name and key, over an intermediate of its own.
    OtherRoot,
    /// At the leaf, which signs itself; there is nothing above it.
    Leaf,
}

/// Whose names the leaf carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    ThisServer,
    AnotherServer,
}

/// Where the names stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// All in the subject alternative name, the first in the common name too.
    SubjectAltName,
    /// The first in the common name, none anywhere else.
    CommonNameOnly,
}

/// The extended key usage of the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    ServerAuth,
    ClientAuth,
}

/// Which certificates go over the wire. The root never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    LeafAndIntermediate,
    LeafOnly,
}

/// Which key signs the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    LeafKey,
    /// A fresh key of the same algorithm.
    AnotherKey,
}

impl Validity {
    /// Periods nest: the root's holds the intermediate's, which holds the leaf's.
    pub(crate) const ROOT: Validity = Validity::days(-60, 3650);
    pub(crate) const INTERMEDIATE: Validity = Validity::days(-30, 365);
    pub(crate) const LEAF: Validity = Validity::days(-1, 90);
    /// Ended yesterday.
    pub(crate) const OVER: Validity = Validity::days(-30, -1);
    /// Starts tomorrow.
    pub(crate) const AHEAD: Validity = Validity::days(1, 90);

    const fn days(from: i64, until: i64) -> Validity {
        Validity {
            from: Duration::days(from),
            until: Duration::days(until),
        }
    }
}

impl Intermediate {
    /// As the authority's standing intermediates are made.
    pub(crate) const VALID: Intermediate = Intermediate {
        validity: Validity::INTERMEDIATE,
        is_ca: true,
    };
}

impl Recipe {
    /// The chain every fault starts from.
    pub(crate) const fn valid() -> Recipe {
        Recipe {
            leaf: Leaf {
                validity: Validity::LEAF,
                owner: Owner::ThisServer,
                naming: Naming::SubjectAltName,
                purpose: Purpose::ServerAuth,
            },
            intermediate: Intermediate::VALID,
            anchor: Anchor::TrustedRoot,
            sent: Sent::LeafAndIntermediate,
            proof: Proof::LeafKey,
        }
    }

    /// Whether the chain can run over an intermediate that other chains show too.
    ///
    /// A faulty or withheld intermediate must not share its name or key with one that a subject
    /// may have seen: a client that remembers intermediates would rightly complete the chain
    /// with the sound one, and the fault would be gone.
    pub(crate) fn shares_intermediate(&self) -> bool {
        self.intermediate == Intermediate::VALID && self.sent == Sent::LeafAndIntermediate
    }
}
