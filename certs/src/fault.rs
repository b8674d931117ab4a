//! The table of faults: what each is called, what it changes in the valid recipe, which clause
//! it breaks, and what two common verifiers say about it. One row each, nothing elsewhere.
//!
//! Must not know how certificates are made, or what a trust mode accepts: the harness decides
//! that from [`Defect`].

use crate::recipe::{Anchor, Naming, Owner, Proof, Purpose, Recipe, Sent, Validity};
use std::fmt;

/// What a chain's defect means to a verifier. A trust policy decides by this, not by the fault.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// The chain is sound.
    None,
    /// No path leads to a trusted root (RFC 5280 §6.1).
    Anchor,
    /// A certificate of the path is not valid at this time (RFC 5280 §6.1.3 (a)(2)).
    Validity,
    /// The server's name does not stand where it must (RFC 7817 §3, RFC 6125 §6).
    Name,
    /// A certificate is used for what it was not issued for (RFC 5280 §4.2.1.9, §4.2.1.12).
    Purpose,
    /// The server does not prove that it has the key (RFC 8446 §4.4.3). No trust mode may
    /// accept this: trust in a certificate means nothing without the proof.
    Proof,
}

/// What two verifiers make of a chain, given the right root, time and host name: they are
/// facts about these verifiers, not the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdicts {
    /// What `openssl verify -purpose sslserver -verify_hostname` of OpenSSL 3 says; `None` if
    /// it accepts.
    pub openssl: Option<OpensslError>,
    /// The `CertificateError` of rustls' default verifier, or the webpki error inside its
    /// `Other`; `None` if it accepts.
    pub webpki: Option<&'static str>,
    /// Why the verdicts leave something to explain: they differ, or both accept a fault.
    pub note: Option<&'static str>,
}

/// A certificate error of OpenSSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OpensslError {
    /// The number behind `error` in the output of `openssl verify`.
    pub code: u16,
    /// The place in the chain: 0 is the leaf, 1 its issuer.
    pub depth: u8,
    /// The constant for the number, from `openssl/x509_vfy.h`.
    pub name: &'static str,
}

/// One fault, in full.
struct Row {
    name: &'static str,
    defect: Defect,
    /// Changes one property of the valid recipe.
    change: fn(&mut Recipe),
    clauses: &'static [&'static str],
    verdicts: Verdicts,
}

/// Declares [`Fault`] from `Variant(description, row)`, so that a fault cannot exist without
/// its row nor be missing from [`Fault::ALL`].
macro_rules! faults {
    ($($variant:ident($describe:literal, $row:expr),)+) => {
        /// The one thing that is wrong with a chain.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $(#[doc = $describe] $variant,)+
        }

        impl Fault {
            /// Every fault, the valid chain first.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),+];

            /// One plain sentence: what is wrong.
            pub fn describe(self) -> &'static str {
                match self { $(Fault::$variant => $describe,)+ }
            }

            fn row(self) -> &'static Row {
                match self { $(Fault::$variant => const { &$row },)+ }
            }
        }
    };
}

faults!(
    Valid(
        "Nothing is wrong: the chain leads to the trusted root and names the server.",
        Row {
            name: "valid",
            defect: Defect::None,
            change: |_| {},
            clauses: &["RFC 5280 §6.1", "RFC 7817 §3"],
            verdicts: ACCEPTED,
        }
    ),
    SelfSigned(
        "The server's certificate is signed by its own key instead of by an authority.",
        Row {
            name: "self-signed",
            defect: Defect::Anchor,
            change: |recipe| recipe.anchor = Anchor::Leaf,
            clauses: &["RFC 5280 §6.1 (b)", "RFC 7817 §3"],
            verdicts: rejected(
                (18, 0, "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT"),
                "UnknownIssuer"
            ),
        }
    ),
    ExpiredLeaf(
        "The server's certificate ended yesterday.",
        Row {
            name: "expired-leaf",
            defect: Defect::Validity,
            change: |recipe| recipe.leaf.validity = Validity::OVER,
            clauses: &["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"],
            verdicts: rejected((10, 0, "X509_V_ERR_CERT_HAS_EXPIRED"), "Expired"),
        }
    ),
    ExpiredIntermediate(
        "The intermediate certificate ended yesterday; the server's own is still good.",
        Row {
            name: "expired-intermediate",
            defect: Defect::Validity,
            change: |recipe| recipe.intermediate.validity = Validity::OVER,
            clauses: &["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"],
            verdicts: rejected((10, 1, "X509_V_ERR_CERT_HAS_EXPIRED"), "Expired"),
        }
    ),
    NotYetValid(
        "The server's certificate starts tomorrow.",
        Row {
            name: "not-yet-valid",
            defect: Defect::Validity,
            change: |recipe| recipe.leaf.validity = Validity::AHEAD,
            clauses: &["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"],
            verdicts: rejected((9, 0, "X509_V_ERR_CERT_NOT_YET_VALID"), "NotValidYet"),
        }
    ),
    WrongHost(
        "The certificate names another host, in the alternative name and in the common name.",
        Row {
            name: "wrong-host",
            defect: Defect::Name,
            change: |recipe| recipe.leaf.owner = Owner::AnotherServer,
            clauses: &["RFC 7817 §3", "RFC 6125 §6.6.3"],
            verdicts: rejected((62, 0, "X509_V_ERR_HOSTNAME_MISMATCH"), "NotValidForName"),
        }
    ),
    NoSan(
        "The host stands in the common name only; there is no subject alternative name.",
        Row {
            name: "no-san",
            defect: Defect::Name,
            change: |recipe| recipe.leaf.naming = Naming::CommonNameOnly,
            clauses: &["RFC 7817 §3 rule 4", "RFC 6125 §6.4.4"],
            verdicts: Verdicts {
                openssl: None,
                webpki: Some("NotValidForName"),
                note: Some(
                    "Both are right: a client may fall back to the common name of a certificate \
                     without alternative names, and need not. OpenSSL does for host names, never \
                     for addresses; webpki does not."
                ),
            },
        }
    ),
    UnknownRoot(
        "The chain leads to a root the client was not given.",
        Row {
            name: "unknown-root",
            defect: Defect::Anchor,
            change: |recipe| recipe.anchor = Anchor::OtherRoot,
            clauses: &["RFC 5280 §6.1 (b)", "RFC 5280 §6.1.1 (d)"],
            verdicts: rejected(
                (20, 1, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
                "UnknownIssuer"
            ),
        }
    ),
    MissingIntermediate(
        "The server sends its own certificate only, without the intermediate that signed it.",
        Row {
            name: "missing-intermediate",
            defect: Defect::Anchor,
            change: |recipe| recipe.sent = Sent::LeafOnly,
            clauses: &["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"],
            verdicts: rejected(
                (20, 0, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
                "UnknownIssuer"
            ),
        }
    ),
    IntermediateNotCa(
        "The intermediate is not an authority: its basic constraints say CA:FALSE.",
        Row {
            name: "intermediate-not-ca",
            defect: Defect::Purpose,
            change: |recipe| recipe.intermediate.is_ca = false,
            clauses: &["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (k)"],
            verdicts: rejected((79, 1, "X509_V_ERR_INVALID_CA"), "EndEntityUsedAsCa"),
        }
    ),
    WrongEku(
        "The certificate is for clients: its extended key usage is clientAuth only.",
        Row {
            name: "wrong-eku",
            defect: Defect::Purpose,
            change: |recipe| recipe.leaf.purpose = Purpose::ClientAuth,
            clauses: &["RFC 5280 §4.2.1.12"],
            verdicts: rejected((26, 0, "X509_V_ERR_INVALID_PURPOSE"), "InvalidPurpose"),
        }
    ),
    WrongKey(
        "The chain is sound, but the server proves another key than the certificate's.",
        Row {
            name: "wrong-key",
            defect: Defect::Proof,
            change: |recipe| recipe.proof = Proof::AnotherKey,
            clauses: &["RFC 8446 §4.4.3", "RFC 5246 §7.4.3"],
            verdicts: Verdicts {
                openssl: None,
                webpki: None,
                note: Some(
                    "Both accept the chain, which is sound. The handshake must fail with \
                     decrypt_error, whatever the client thinks of the chain."
                ),
            },
        }
    ),
);

const ACCEPTED: Verdicts = Verdicts {
    openssl: None,
    webpki: None,
    note: None,
};

const fn rejected(openssl: (u16, u8, &'static str), webpki: &'static str) -> Verdicts {
    let (code, depth, name) = openssl;
    Verdicts {
        openssl: Some(OpensslError { code, depth, name }),
        webpki: Some(webpki),
        note: None,
    }
}

impl Fault {
    /// The name in scenario files and on the command line, such as `expired-leaf`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The fault of that name.
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::ALL
            .iter()
            .copied()
            .find(|fault| fault.name() == name)
    }

    /// What the fault means to a verifier.
    pub fn defect(self) -> Defect {
        self.row().defect
    }

    /// The clauses a client follows when it rejects the chain (or accepts the valid one), such
    /// as `RFC 5280 §6.1.3 (a)(2)`.
    pub fn clauses(self) -> &'static [&'static str] {
        self.row().clauses
    }

    /// What OpenSSL and webpki say of the chain.
    pub fn verdicts(self) -> Verdicts {
        self.row().verdicts
    }

    /// The valid recipe with the one change of this fault.
    pub(crate) fn recipe(self) -> Recipe {
        let mut recipe = Recipe::valid();
        (self.row().change)(&mut recipe);
        recipe
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Intermediate, Leaf};
    use pretty_assertions::assert_eq;
    use std::collections::HashSet;

    #[test]
    fn a_name_leads_back_to_its_fault() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
            assert_eq!(fault.to_string(), fault.name());
        }
        assert_eq!(Fault::from_name("Valid"), None);
        assert_eq!(Fault::from_name(""), None);
    }

    #[test]
    fn files_and_the_table_use_the_same_names() {
        for &fault in Fault::ALL {
            let written = serde_json::to_value(fault).unwrap();
            assert_eq!(written, fault.name());
            assert_eq!(serde_json::from_value::<Fault>(written).unwrap(), fault);
        }
    }

    /// Every property by itself. A new one does not compile until it is listed here.
    fn properties(recipe: &Recipe) -> Vec<String> {
        let Recipe {
            leaf:
                Leaf {
                    validity,
                    owner,
                    naming,
                    purpose,
                },
            intermediate:
                Intermediate {
                    validity: above,
                    is_ca,
                },
            anchor,
            sent,
            proof,
        } = recipe;
        let properties: [&dyn fmt::Debug; 9] = [
            validity, owner, naming, purpose, above, is_ca, anchor, sent, proof,
        ];
        properties.map(|property| format!("{property:?}")).to_vec()
    }

    #[test]
    fn every_fault_but_the_valid_chain_changes_exactly_one_property() {
        let valid = properties(&Recipe::valid());
        for &fault in Fault::ALL {
            let faulty = properties(&fault.recipe());
            let changed = faulty.iter().zip(&valid).filter(|(a, b)| a != b).count();
            assert_eq!(changed, usize::from(fault != Fault::Valid), "{fault}");
        }
    }

    #[test]
    fn no_two_faults_are_the_same() {
        let recipes: HashSet<String> = Fault::ALL
            .iter()
            .map(|fault| format!("{:?}", fault.recipe()))
            .collect();
        assert_eq!(recipes.len(), Fault::ALL.len());
    }

    #[test]
    fn only_the_valid_chain_has_no_defect() {
        for &fault in Fault::ALL {
            assert_eq!(fault.defect() == Defect::None, fault == Fault::Valid);
        }
    }
}
