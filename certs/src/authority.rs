//! The authority of a run: the roots, the clock, and every chain made so far.
//!
//! Must not know what any fault does.

use crate::{
    chain::{CertificateDer, Chain},
    error::ForgeError,
    fault::Fault,
    forge::Pki,
    names::Names,
    own::OwnChain,
    pem,
    stored::StoredRoot,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use time::OffsetDateTime;

/// The chains of one server, by kind.
type Kinds = HashMap<(Fault, u32), Slot>;

/// A chain, once it is made. Who needs it waits for it here, and nobody else does.
type Slot = Arc<Mutex<Option<Arc<Chain>>>>;

/// A root that subjects are told to trust, one they are not, and the chains that lead there.
///
/// All keys are random: nobody can make these chains again. Share it in an `Arc`; chains are
/// forged on first use and kept, so asking again is a look-up. Most take about a millisecond;
/// the first with an RSA key of some size takes up to some seconds, and who asks for another
/// chain meanwhile does not wait.
pub struct Authority {
    pki: Pki,
    root_pem: String,
    other_root_pem: String,
    chains: Mutex<HashMap<Names, Kinds>>,
    own: Option<OwnChain>,
}

impl Authority {
    /// Makes the roots. Every date of every certificate is relative to `now`.
    ///
    /// # Errors
    ///
    /// [`ForgeError::BadClock`] if certificates cannot name the dates around `now`;
    /// [`ForgeError::Key`] or [`ForgeError::Issue`] if the cryptographic library fails.
    pub fn fresh(now: OffsetDateTime) -> Result<Authority, ForgeError> {
        Ok(Authority::of(Pki::fresh(now)?))
    }

    /// The same with a trusted root that was there before. Whether it is valid now is not asked
    /// ([`StoredRoot::check`]).
    ///
    /// # Errors
    ///
    /// As [`Authority::fresh`].
    pub fn with_root(stored: StoredRoot, now: OffsetDateTime) -> Result<Authority, ForgeError> {
        Ok(Authority::of(Pki::below(now, Some(stored))?))
    }

    /// The same with a valid chain that somebody brought along; every other chain is forged, under
    /// a root that nobody trusts. The CA file of a subject is the end of that chain.
    ///
    /// # Errors
    ///
    /// As [`Authority::fresh`].
    pub fn with_own_chain(own: OwnChain, now: OffsetDateTime) -> Result<Authority, ForgeError> {
        let authority = Authority::fresh(now)?;
        Ok(Authority {
            root_pem: pem::certificate(&own.anchor()),
            own: Some(own),
            ..authority
        })
    }

    fn of(pki: Pki) -> Authority {
        Authority {
            root_pem: pem::certificate(&pki.trusted.root.der),
            other_root_pem: pem::certificate(&pki.other.root.der),
            chains: Mutex::default(),
            own: None,
            pki,
        }
    }

    /// Whether the valid chain is one that somebody brought along.
    pub fn has_own_chain(&self) -> bool {
        self.own.is_some()
    }

    /// Whether the chain with that fault for these names is the one that somebody brought along.
    pub fn is_own(&self, fault: Fault, names: &Names, variant: u32) -> bool {
        let fits = |it: &OwnChain| it.covers(names);
        (fault, variant) == (Fault::Valid, 0) && self.own.as_ref().is_some_and(fits)
    }

    /// The first name of the chain with that fault which the trusted root may not name: a client
    /// would reject that, and not the fault.
    pub fn outside(&self, fault: Fault, names: &Names) -> Option<String> {
        self.pki.outside(&fault.recipe(), names)
    }

    /// The time at which the valid chain is valid, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        self.pki.now
    }

    /// The trusted root as PEM: what a subject is given as its CA file, unless the chain it is to
    /// meet has another ([`Chain::anchor_pem`]).
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The trusted root.
    pub fn root_der(&self) -> CertificateDer<'static> {
        match &self.own {
            Some(own) => own.anchor(),
            None => CertificateDer::from(self.pki.trusted.root.der.clone()),
        }
    }

    /// The root behind [`Fault::UnknownRoot`], as PEM.
    pub fn other_root_pem(&self) -> &str {
        &self.other_root_pem
    }

    /// The chain with that fault for a server of these names.
    ///
    /// # Errors
    ///
    /// As [`chain_variant`](Authority::chain_variant).
    pub fn chain(&self, fault: Fault, names: &Names) -> Result<Arc<Chain>, ForgeError> {
        self.chain_variant(fault, names, 0)
    }

    /// Another chain of the same kind with another leaf and key, for a server whose certificate
    /// changes; variant 0 is [`chain`](Authority::chain).
    ///
    /// # Errors
    ///
    /// [`ForgeError::NoNames`], [`ForgeError::BadName`] or [`ForgeError::LongCommonName`] if the
    /// names cannot stand in the certificate, [`ForgeError::UnfitNames`] if they cannot show the
    /// fault ([`Fault::needs`]); otherwise only if a cryptographic library fails.
    pub fn chain_variant(
        &self,
        fault: Fault,
        names: &Names,
        variant: u32,
    ) -> Result<Arc<Chain>, ForgeError> {
        if let Some(own) = &self.own
            && self.is_own(fault, names, variant)
        {
            return Ok(Arc::new(own.chain(names)));
        }
        let slot = self.slot(names, (fault, variant));
        // The slot is empty or whole, also if somebody panics.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chain) = &*slot {
            return Ok(chain.clone());
        }
        let forged = self.pki.forge(&fault.recipe(), names)?;
        let chain = Arc::new(Chain::pack(fault, names.clone(), variant, forged)?);
        *slot = Some(chain.clone());
        Ok(chain)
    }

    fn slot(&self, names: &Names, kind: (Fault, u32)) -> Slot {
        // The map is whole after every statement, also if one panics.
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds = chains.entry(names.clone()).or_default();
        kinds.entry(kind).or_default().clone()
    }
}

/// Without the private keys.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("now", &self.pki.now)
            .finish_non_exhaustive()
    }
}
