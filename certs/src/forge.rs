//! From a recipe to certificates.
//!
//! Must not know faults (a recipe says it all) or the TLS library that will serve the chain.

use crate::{
    ca::{self, Ca},
    certificate::{self, Edit},
    error::ForgeError,
    extensions,
    key::Key,
    line::{Hierarchy, Line},
    names::Names,
    naming, ocsp,
    recipe::{
        Anchor, Extra, KeyKind, Naming, Proof, Recipe, Sent, Serial, Staple, Status, Usage,
        Validity, Version,
    },
    revocation,
    san::GeneralName,
    stored::StoredRoot,
    territory::Territory,
};
use rcgen::{CertificateParams, IsCa, KeyUsagePurpose, SerialNumber};
use std::{iter, ops::RangeInclusive};
use time::{OffsetDateTime, UtcOffset};

/// The years a certificate can name, with room for every period around the clock.
const YEARS: RangeInclusive<i32> = 1951..=9980;

/// The authorities that sign leaves, and the clock all dates are relative to.
pub(crate) struct Pki {
    pub(crate) now: OffsetDateTime,
    pub(crate) trusted: Hierarchy,
    pub(crate) other: Hierarchy,
    namesake: Hierarchy,
    expired: Hierarchy,
    /// What the trusted root may name.
    territory: Territory,
}

/// A finished chain, not yet packed for a TLS server.
pub(crate) struct Forged {
    /// The server's certificate, whether it is sent or not.
    pub(crate) leaf: Vec<u8>,
    /// As sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// What a subject is told to trust.
    pub(crate) anchor: Vec<u8>,
    /// The octets of the leaf's serial number.
    pub(crate) serial: Vec<u8>,
    /// The key that signs the handshake, as the kind that the leaf has.
    pub(crate) key: Key,
    pub(crate) kind: KeyKind,
    pub(crate) proof: Proof,
    /// The OCSP response in the handshake.
    pub(crate) staple: Option<Vec<u8>>,
    /// The revocation lists that a client is given.
    pub(crate) lists: Vec<Vec<u8>>,
}

impl Pki {
    pub(crate) fn fresh(now: OffsetDateTime) -> Result<Pki, ForgeError> {
        Pki::below(now, None)
    }

    /// With a trusted root that was there before.
    pub(crate) fn below(
        now: OffsetDateTime,
        stored: Option<StoredRoot>,
    ) -> Result<Pki, ForgeError> {
        if !YEARS.contains(&now.year()) {
            return Err(ForgeError::BadClock { now });
        }
        let now = now.to_offset(UtcOffset::UTC);
        let territory = stored.as_ref().map(|it| it.territory.clone());
        let root = match stored {
            None => Ca::root(now, "root", Validity::ROOT)?,
            Some(stored) => stored.into_ca(now)?,
        };
        let other = Ca::root(now, "other root", Validity::ROOT)?;
        let expired = Ca::root(now, "expired root", Validity::OVER)?;
        let namesake = root.namesake(now)?;
        Ok(Pki {
            now,
            trusted: Hierarchy::below(now, root, "intermediate")?,
            other: Hierarchy::below(now, other, "other intermediate")?,
            namesake: Hierarchy::below(now, namesake, "intermediate")?,
            expired: Hierarchy::below(now, expired, "intermediate")?,
            territory: territory.unwrap_or_default(),
        })
    }

    /// The first name of that chain which the trusted root may not name.
    pub(crate) fn outside(&self, recipe: &Recipe, names: &Names) -> Option<String> {
        if recipe.anchor != Anchor::TrustedRoot || self.territory.is_everything() {
            return None;
        }
        let stranger = self.territory.stranger(names);
        let identity = naming::identity(recipe, names, &stranger).ok()?;
        let mut listed = identity.listed;
        if recipe.leaf.extra == Extra::SecondSubjectAltName {
            listed.push(GeneralName::dns(extensions::SECOND_NAME));
        }
        // Nobody can tell whether it keeps to the limits: a client may reject it for that alone.
        if recipe.leaf.naming == Naming::MalformedSubjectAltName {
            return Some("malformed names".to_owned());
        }
        self.territory.first_outside(&listed)
    }

    /// Makes the chain that the recipe describes, with a leaf key of its own.
    pub(crate) fn forge(&self, recipe: &Recipe, names: &Names) -> Result<Forged, ForgeError> {
        let kind = recipe.leaf.key;
        let key = Key::of(kind)?;
        let (params, edits) = self.leaf(recipe, names, &key)?;

        let hierarchy = self.hierarchy(recipe.anchor);
        let line = hierarchy
            .map(|it| {
                let stranger = self.territory.stranger(names);
                it.line(self.now, recipe, (names, &stranger), &self.other.root)
            })
            .transpose()?;
        let leaf = match &line {
            Some(line) => line.issuer.certify(&params, &key, &edits)?,
            None => {
                let own = params.self_signed(&key);
                let own = own.map_err(|source| ForgeError::Issue {
                    what: "server certificate",
                    source,
                })?;
                own.der().to_vec()
            }
        };
        let serial = certificate::fields(&leaf)?.serial.content().to_vec();
        let mut forged = Forged {
            leaf: certificate::damage(leaf, recipe.leaf.damage)?,
            sent: Vec::new(),
            anchor: Vec::new(),
            serial,
            key: match recipe.proof {
                Proof::LeafKey | Proof::AnotherTranscript => key,
                Proof::AnotherKey => Key::of(kind)?,
            },
            kind,
            proof: recipe.proof,
            staple: None,
            lists: Vec::new(),
        };
        forged.anchor = match recipe.anchor {
            Anchor::TrustedLeaf | Anchor::TrustedCaLeaf => forged.leaf.clone(),
            Anchor::ExpiredRoot => self.expired.root.der.clone(),
            Anchor::TrustedRoot | Anchor::OtherRoot | Anchor::Namesake | Anchor::Leaf => {
                self.trusted.root.der.clone()
            }
        };
        let Some((hierarchy, line)) = hierarchy.zip(line) else {
            forged.sent = vec![forged.leaf.clone()];
            return Ok(forged);
        };
        forged.sent = self.sent(recipe.sent, &forged.leaf, &line, &hierarchy.root);
        match recipe.status {
            Status::Unsaid | Status::MustStaple(None) => {}
            Status::Stapled(staple) | Status::MustStaple(Some(staple)) => {
                forged.staple = Some(self.staple(staple, &forged.serial, &line)?);
            }
            Status::Listed(listing) => {
                let serial = SerialNumber::from_slice(&forged.serial);
                let (issuer, root) = (&line.issuer, &hierarchy.root);
                forged.lists = revocation::lists(self.now, listing, &serial, issuer, root)?;
            }
        }
        Ok(forged)
    }

    fn hierarchy(&self, anchor: Anchor) -> Option<&Hierarchy> {
        match anchor {
            Anchor::TrustedRoot => Some(&self.trusted),
            Anchor::OtherRoot => Some(&self.other),
            Anchor::Namesake => Some(&self.namesake),
            Anchor::ExpiredRoot => Some(&self.expired),
            Anchor::Leaf | Anchor::TrustedLeaf | Anchor::TrustedCaLeaf => None,
        }
    }

    fn staple(&self, staple: Staple, serial: &[u8], line: &Line) -> Result<Vec<u8>, ForgeError> {
        ocsp::response(self.now, staple, serial, &line.issuer)
    }

    fn sent(&self, sent: Sent, leaf: &[u8], line: &Line, root: &Ca) -> Vec<Vec<u8>> {
        let leaf = iter::once(leaf.to_vec());
        let above = line.certificates.iter().cloned();
        match sent {
            Sent::LeafAndIntermediate => leaf.chain(above).collect(),
            Sent::LeafOnly => leaf.collect(),
            Sent::Nothing => Vec::new(),
            Sent::WithRoot => leaf.chain(above).chain([root.der.clone()]).collect(),
            Sent::Twice => leaf.chain(above).flat_map(|it| [it.clone(), it]).collect(),
            Sent::Shuffled => {
                let unrelated = self.other.intermediate.der.clone();
                leaf.chain([unrelated, root.der.clone()])
                    .chain(above)
                    .collect()
            }
        }
    }

    /// The form of the leaf, and what the certificate writer cannot do about it.
    fn leaf(
        &self,
        recipe: &Recipe,
        names: &Names,
        key: &Key,
    ) -> Result<(CertificateParams, Vec<Edit>), ForgeError> {
        let leaf = &recipe.leaf;
        let identity = naming::identity(recipe, names, &self.territory.stranger(names))?;
        let mut params = ca::params(self.now, identity.common_name, leaf.validity);
        let san = identity.alternative_names.map(extensions::subject_alt_name);
        params.custom_extensions = san
            .into_iter()
            .chain(extensions::extra(leaf.extra))
            .collect();
        // Said outright and not left out: a self-signed leaf without it may pass for an
        // authority.
        params.is_ca = if leaf.is_ca || recipe.anchor == Anchor::TrustedCaLeaf {
            IsCa::Ca(rcgen::BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        params.key_usages = match (leaf.usage, leaf.key) {
            // What the key exchange of old versions does with it (RFC 5280 §4.2.1.3).
            (Usage::Right, KeyKind::Rsa(_)) => vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyEncipherment,
            ],
            (Usage::Right, _) => vec![KeyUsagePurpose::DigitalSignature],
            (Usage::CrlSign, _) => vec![KeyUsagePurpose::CrlSign],
        };
        params.extended_key_usages = ca::purposes(leaf.purpose);
        match recipe.status {
            Status::MustStaple(_) => params.custom_extensions.push(extensions::must_staple()),
            Status::Listed(listing) => {
                params.crl_distribution_points = revocation::distribution_points(listing);
            }
            Status::Unsaid | Status::Stapled(_) => {}
        }

        let mut edits = ca::hash_edit(leaf.hash);
        edits.extend(key.disguise(leaf.key).map(Edit::PublicKey));
        let mut serial = ca::random_serial()?;
        match leaf.serial {
            Serial::Random => {}
            Serial::Zero => serial = vec![0],
            Serial::TooLong => serial.resize(21, 1),
            Serial::Negative => {
                let mut octets = serial.clone();
                octets[0] |= 0x80;
                edits.push(Edit::Serial(octets));
            }
        }
        params.serial_number = Some(SerialNumber::from(serial));
        if leaf.version == Version::V1 {
            edits.push(Edit::Version1);
        }
        Ok((params, edits))
    }
}
