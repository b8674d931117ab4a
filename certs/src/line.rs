//! What lies between a leaf and its root: the authority that signs the leaf, and the
//! certificates that lead up from there.
//!
//! Must not know leaves.

use crate::{
    ca::{Ca, Draft},
    error::ForgeError,
    key::RSA_BITS,
    names::Names,
    naming,
    recipe::{Constraint, Hash, Intermediate, KeyKind, Path, Recipe, Validity},
};
use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use std::{
    iter, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};
use time::OffsetDateTime;

/// A root and its standing intermediate.
pub(crate) struct Hierarchy {
    pub(crate) root: Ca,
    pub(crate) intermediate: Arc<Ca>,
}

/// The authorities above one leaf.
pub(crate) struct Line {
    pub(crate) issuer: Arc<Ca>,
    /// The certificates between leaf and root, the issuer's first.
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Hierarchy {
    pub(crate) fn below(
        now: OffsetDateTime,
        root: Ca,
        role: &str,
    ) -> Result<Hierarchy, ForgeError> {
        let intermediate =
            Draft::intermediate(now, role, &Intermediate::VALID, Some(0))?.signed_by(&root)?;
        Ok(Hierarchy {
            root,
            intermediate: Arc::new(intermediate),
        })
    }

    /// The line that the recipe describes, for a server of these names and not for the other. `stranger` is a root that nobody trusts.
    pub(crate) fn line(
        &self,
        now: OffsetDateTime,
        recipe: &Recipe,
        (names, stranger_name): (&Names, &Names),
        stranger: &Ca,
    ) -> Result<Line, ForgeError> {
        if recipe.shares_intermediate() {
            return Ok(Line::of(self.intermediate.clone(), &[]));
        }
        let mut plan = recipe.intermediate.clone();
        if recipe.leaf.hash != Hash::Sha256 {
            plan.key = KeyKind::Rsa(RSA_BITS);
        }
        let upper = |key, path_length| {
            let plan = Intermediate {
                key,
                ..Intermediate::VALID
            };
            Draft::intermediate(now, "upper intermediate", &plan, Some(path_length))?
                .signed_by(&self.root)
        };
        let draft = |path_length| {
            let mut draft = Draft::intermediate(now, "intermediate", &plan, path_length)?;
            draft.params.name_constraints = constraints(recipe.constraint, names, stranger_name);
            Ok::<_, ForgeError>(draft)
        };
        match recipe.path {
            // Outdated hashes take an issuer with an RSA key, which the root has not.
            Path::Plain if plan.hash != Hash::Sha256 => {
                let upper = upper(KeyKind::Rsa(RSA_BITS), 1)?;
                let issuer = draft(Some(0))?.signed_by(&upper)?;
                Ok(Line::of(issuer.into(), &[upper]))
            }
            Path::Plain => {
                let issuer = draft(Some(0))?.signed_by(&self.root)?;
                Ok(Line::of(issuer.into(), &[]))
            }
            Path::LengthViolated => {
                let upper = upper(KeyKind::P256, 0)?;
                let issuer = draft(Some(0))?.signed_by(&upper)?;
                Ok(Line::of(issuer.into(), &[upper]))
            }
            Path::Long(count) => {
                let mut issuer = draft(None)?.signed_by(&self.root)?;
                let mut above = Vec::new();
                for _ in 1..count {
                    let lower = draft(None)?.signed_by(&issuer)?;
                    above.push(mem::replace(&mut issuer, lower));
                }
                above.reverse();
                Ok(Line::of(issuer.into(), &above))
            }
            Path::Cyclic => {
                // An authority signs with its name and key, whatever certificate it has.
                let (one, two) = (draft(None)?, draft(None)?);
                let forms = (one.params.clone(), two.params.clone());
                let one = one.with_certificate(Vec::new());
                let two = two.with_certificate(Vec::new());
                let certificates = vec![
                    two.certify(&forms.0, &one.key, &[])?,
                    one.certify(&forms.1, &two.key, &[])?,
                ];
                Ok(Line {
                    issuer: one.into(),
                    certificates,
                })
            }
            Path::CrossSigned => {
                let draft = draft(Some(0))?;
                let mut over = draft.params.clone();
                (over.not_before, over.not_after) = Validity::OVER.around(now);
                let expired = stranger.certify(&over, &draft.key, &[])?;
                let issuer = draft.signed_by(&self.root)?;
                Ok(Line {
                    certificates: vec![expired, issuer.der.clone()],
                    issuer: issuer.into(),
                })
            }
        }
    }
}

impl Line {
    /// The leaf's issuer, and the authorities above it from there upwards.
    fn of(issuer: Arc<Ca>, above: &[Ca]) -> Line {
        let above = above.iter().map(|ca| ca.der.clone());
        Line {
            certificates: iter::once(issuer.der.clone()).chain(above).collect(),
            issuer,
        }
    }
}

/// The name constraints (RFC 5280 §4.2.1.10), for names that meet the needs of the recipe.
fn constraints(constraint: Constraint, names: &Names, stranger: &Names) -> Option<NameConstraints> {
    let host = names.dns.first().cloned().unwrap_or_default();
    let domain = naming::domain(&host).unwrap_or(&host).to_owned();
    let stranger = stranger.first().unwrap_or_default();
    let (permitted, excluded) = match constraint {
        Constraint::None => return None,
        Constraint::PermitsDomain => (Some(dns(domain)), None),
        Constraint::PermitsStranger => (Some(dns(stranger)), None),
        Constraint::ExcludesDomain => (None, Some(dns(domain))),
        Constraint::ExcludesHostUnderWildcard => (None, Some(dns(host))),
        Constraint::PermitsSiblingUnderWildcard => (Some(dns(format!("sibling.{domain}"))), None),
        Constraint::PermitsOtherNetwork => (Some(other_network(names)), None),
    };
    Some(NameConstraints {
        permitted_subtrees: permitted.into_iter().collect(),
        excluded_subtrees: excluded.into_iter().collect(),
    })
}

fn dns(name: String) -> GeneralSubtree {
    GeneralSubtree::DnsName(name)
}

/// A network for documentation (RFC 5737 §3, RFC 3849 §2), of the family of the first address;
/// its addresses are no server's.
fn other_network(names: &Names) -> GeneralSubtree {
    const TEST_NET_3: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 0));
    const DOCUMENTATION: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0));
    let network = match names.ip.first() {
        Some(IpAddr::V6(_)) => CidrSubnet::from_addr_prefix(DOCUMENTATION, 32),
        _ => CidrSubnet::from_addr_prefix(TEST_NET_3, 24),
    };
    GeneralSubtree::IpAddress(network)
}
