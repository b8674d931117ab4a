//! What can be wrong with a chain: the types of the table of faults, and what is asked of it. The
//! rows are in `table`.
//!
//! Must not know how certificates are made, or what a trust mode accepts: the harness decides
//! that from [`Defect`] and [`Ruling`].

mod openssl;

use crate::{names::Needs, naming, recipe::Recipe};
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
    /// A certificate is used for what it was not issued for (RFC 5280 §4.2.1.3, §4.2.1.9,
    /// §4.2.1.12).
    Purpose,
    /// A name is outside of what its authority may name (RFC 5280 §4.2.1.10).
    Constraint,
    /// A certificate can be read, but not everything in it is as it must be (RFC 5280 §4.1,
    /// §4.2).
    Form,
    /// A key or a signature is too weak to mean anything, or of a kind that nobody should use
    /// (RFC 9325 §4.5, RFC 8446 §4.4.2.4).
    Weak,
    /// The certificate is revoked, or its status is not what it must be (RFC 5280 §6.3,
    /// RFC 6960, RFC 7633).
    Revocation,
    /// The server's certificate cannot be read.
    Malformed,
    /// The server sends no certificate at all (RFC 8446 §4.4.2.4). No trust mode may accept
    /// this: there is nothing to trust.
    Empty,
    /// The server does not prove that it has the key (RFC 8446 §4.4.3). No trust mode may
    /// accept this: trust in a certificate means nothing without the proof.
    Proof,
}

/// What a client that verifies does with a chain, given what the chain brings along (its anchor,
/// its revocation lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Nothing is wrong with it.
    MustAccept,
    /// Rejecting is a weakness, not a mistake.
    ShouldAccept,
    /// Both are right; what a client does is worth recording.
    MayAccept,
    /// Accepting is a weakness, not a mistake.
    ShouldReject,
    /// Accepting breaks a standard.
    MustReject,
}

/// As in "a client ...".
impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Ruling::MustAccept => "must accept",
            Ruling::ShouldAccept => "should accept",
            Ruling::MayAccept => "may accept",
            Ruling::ShouldReject => "should reject",
            Ruling::MustReject => "must reject",
        })
    }
}

/// What two verifiers make of a chain, given the right root, time and host name and what the
/// chain brings along: they are facts about these verifiers, not the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdicts {
    /// What `openssl verify -purpose sslserver -verify_hostname` of OpenSSL 3 says; `None` if
    /// it accepts. With revocation lists also `-crl_check_all`.
    pub openssl: Option<OpensslError>,
    /// The `CertificateError` of rustls' default verifier, or the webpki error inside its
    /// `Other`; `None` if it accepts. With revocation lists it enforces that they are current.
    pub webpki: Option<&'static str>,
    /// Why the verdicts leave something to explain: they differ, or both accept a fault.
    pub note: Option<&'static str>,
}

/// A certificate error of OpenSSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OpensslError {
    /// The number behind `error` in the output of `openssl verify`; 0 if it could not even read
    /// the certificate.
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
    ruling: Ruling,
    /// Changes one property of the valid recipe.
    change: fn(&mut Recipe),
    clauses: &'static [&'static str],
    verdicts: Verdicts,
}

/// Declares [`Fault`] from rows of
/// `Variant "name" "description" Defect Ruling [clauses] change, verdicts;`
/// so that a fault cannot exist without its row nor be missing from [`Fault::ALL`].
macro_rules! faults {
    ($(
        $variant:ident $name:literal
        $describe:literal
        $defect:ident $ruling:ident [$($clause:literal),+]
        $change:expr,
        $verdicts:expr;
    )+) => {
        /// The one thing that is wrong with a chain.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum Fault {
            $(#[doc = $describe] #[serde(rename = $name)] $variant,)+
        }

        impl Fault {
            /// Every fault, the valid chain first.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),+];

            /// One plain sentence: what is wrong, or what is special.
            pub fn describe(self) -> &'static str {
                match self { $(Fault::$variant => $describe,)+ }
            }

            pub(super) fn row(self) -> &'static Row {
                match self {
                    $(Fault::$variant => const {
                        &Row {
                            name: $name,
                            defect: Defect::$defect,
                            ruling: Ruling::$ruling,
                            change: $change,
                            clauses: &[$($clause),+],
                            verdicts: $verdicts,
                        }
                    },)+
                }
            }
        }
    };
}

mod table;

pub use table::Fault;

/// Both accept.
const ACCEPTED: Verdicts = Verdicts {
    openssl: None,
    webpki: None,
    note: None,
};

/// Both reject.
const fn rejected(openssl: OpensslError, webpki: &'static str) -> Verdicts {
    Verdicts {
        openssl: Some(openssl),
        webpki: Some(webpki),
        note: None,
    }
}

/// Only OpenSSL rejects.
const fn by_openssl(openssl: OpensslError, note: &'static str) -> Verdicts {
    Verdicts {
        openssl: Some(openssl),
        webpki: None,
        note: Some(note),
    }
}

/// Only webpki rejects.
const fn by_webpki(webpki: &'static str, note: &'static str) -> Verdicts {
    Verdicts {
        openssl: None,
        webpki: Some(webpki),
        note: Some(note),
    }
}

impl Verdicts {
    const fn noted(mut self, note: &'static str) -> Verdicts {
        self.note = Some(note);
        self
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

    /// What a client that verifies does with the chain.
    pub fn ruling(self) -> Ruling {
        self.row().ruling
    }

    /// What the names of the server must be like, so that the fault can be shown with them.
    pub fn needs(self) -> Needs {
        naming::needs(&self.recipe())
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
            leaf,
            intermediate,
            constraint,
            path,
            anchor,
            sent,
            proof,
            status,
        } = recipe;
        let Leaf {
            validity,
            naming,
            purpose,
            usage,
            is_ca,
            key,
            hash,
            serial,
            version,
            extra,
            damage,
        } = leaf;
        let mut properties = shown(&[
            constraint, path, anchor, sent, proof, status, validity, naming, purpose, usage, is_ca,
            key, hash, serial, version, extra, damage,
        ]);
        let Intermediate {
            validity,
            basic,
            usage,
            purpose,
            key,
            hash,
            extra,
        } = intermediate;
        properties.extend(shown(&[validity, basic, usage, purpose, key, hash, extra]));
        properties
    }

    fn shown(properties: &[&dyn fmt::Debug]) -> Vec<String> {
        let shown = properties.iter().map(|property| format!("{property:?}"));
        shown.collect()
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
    fn what_must_be_accepted_has_no_defect_and_what_must_be_rejected_has_one() {
        for &fault in Fault::ALL {
            let sound = fault.defect() == Defect::None;
            match fault.ruling() {
                Ruling::MustAccept | Ruling::ShouldAccept => assert!(sound, "{fault}"),
                Ruling::ShouldReject | Ruling::MustReject => assert!(!sound, "{fault}"),
                Ruling::MayAccept => {}
            }
        }
    }

    /// A verifier that disagrees with the ruling is explained.
    #[test]
    fn where_a_verifier_is_not_followed_there_is_a_note() {
        for &fault in Fault::ALL {
            let Verdicts {
                openssl,
                webpki,
                note,
            } = fault.verdicts();
            let rejects = match fault.ruling() {
                Ruling::MustAccept | Ruling::ShouldAccept => false,
                Ruling::ShouldReject | Ruling::MustReject => true,
                Ruling::MayAccept => webpki.is_some(),
            };
            let agreed = openssl.is_some() == rejects && webpki.is_some() == rejects;
            assert!(agreed || note.is_some(), "{fault}");
        }
    }

    #[test]
    fn a_description_is_made_of_sentences_and_fits_a_table() {
        for &fault in Fault::ALL {
            let text = fault.describe();
            assert!(text.ends_with('.') && !text.contains('|'), "{fault}");
        }
    }
}
