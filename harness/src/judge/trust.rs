//! Which servers a conformant client may accept: the one table that every verdict about trust rests on.
//!
//! Must not know connections or events; it answers for one served chain and one declared setting.

use mailproof_certs::{Defect, Fault};
use mailproof_scenarios::model::{CaFile, ChainSpec, Security, Step, Store, Trust};

/// What a conformant client may do with a server that presents a certain chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It accepts: the server is who it says by the declared setting.
    Accept,
    /// It accepts because the user asked for that, and the user should know.
    AcceptWithRisk,
    /// It may accept or reject; both are right and the choice is recorded.
    MayAccept,
    /// It must not send anything beyond a goodbye.
    Reject,
}

impl Decision {
    /// Whether going on with this server is right.
    pub const fn accepts(self) -> bool {
        !matches!(self, Decision::Reject)
    }
}

/// Decides by all the settings of a step: the table of [`decide`], and what the settings change in it.
///
/// | setting | what it changes |
/// | --- | --- |
/// | trust `default` | nothing was said, so the client verifies as with `system` (RFC 8314 §5.2) |
/// | `system` with the test authority in the store | as `ca` |
/// | another authority in the file or the store | as `ca`, with the roots exchanged |
/// | a file of authorities that is empty or missing | nothing leads to an anchor: reject |
/// | a file in DER, or with a broken block | what the file gave is known to the client alone: it may accept what `ca` accepts |
/// | a chain that is made for another name than the step's | the name is at fault, whatever else is right |
pub(crate) fn decide_for(
    step: &Step,
    served: Option<&ChainSpec>,
    pinned: &ChainSpec,
) -> Decision {
    let known = served.map(|it| (it.fault, it.variant));
    let elsewhere = served
        .and_then(|it| it.host)
        .is_some_and(|host| host != step.host);
    let by = |trust, known| decide(trust, step.security, known, pinned);
    let (trust, anchor) = match (step.trust, step.store, step.ca_file) {
        (Trust::System | Trust::Default, Store::Own, _) => (Trust::System, Anchor::Nothing),
        (Trust::System | Trust::Default, Store::Authority, _) => (Trust::Ca, Anchor::Authority),
        (Trust::System | Trust::Default, Store::OtherAuthority, _) => (Trust::Ca, Anchor::Other),
        (Trust::Ca, _, CaFile::Authority) => (Trust::Ca, Anchor::Authority),
        (Trust::Ca, _, CaFile::OtherAuthority) => (Trust::Ca, Anchor::Other),
        (Trust::Ca, _, CaFile::Empty | CaFile::Missing) => (Trust::System, Anchor::Nothing),
        (Trust::Ca, _, CaFile::Der | CaFile::BrokenBlock) => (Trust::Ca, Anchor::Perhaps),
        (Trust::Pin | Trust::Always, ..) => (step.trust, Anchor::Nothing),
    };
    let decision = match (anchor, known) {
        (Anchor::Other, Some((Fault::UnknownRoot, variant))) => {
            by(trust, Some((Fault::Valid, variant)))
        }
        (Anchor::Other, Some((Fault::Valid, variant))) => {
            by(trust, Some((Fault::UnknownRoot, variant)))
        }
        _ => by(trust, known),
    };
    match decision {
        Decision::Accept if anchor == Anchor::Perhaps => Decision::MayAccept,
        Decision::Accept | Decision::MayAccept if elsewhere && trust != Trust::Pin => {
            match trust {
                Trust::Always => Decision::AcceptWithRisk,
                _ => Decision::Reject,
            }
        }
        decision => decision,
    }
}

/// What the settings gave the client to verify with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// Nothing that a chain of ours leads to.
    Nothing,
    /// The test authority.
    Authority,
    /// The other authority.
    Other,
    /// The test authority, if the client could read it.
    Perhaps,
}

/// Decides about a served chain.
///
/// `served` is the chain that the server presented; on a resumed session that of the session's first
/// handshake, judged by the setting that is declared *now* (a session that always-trust opened must not serve
/// an account that verifies). `None` is a chain that nobody saw, which nobody may rely on. `pinned` is the
/// chain of the base.
///
/// | condition | `system` | `ca` | `pin` | `always` |
/// | --- | --- | --- | --- | --- |
/// | valid | reject: the test authority is no public root | accept | only the pinned one | accept |
/// | name in the common name only | reject | may accept (RFC 7817 §3, RFC 6125 §6.4.4) | only the pinned one | accept, risk |
/// | anchor, validity, name or purpose at fault | reject | reject | only the pinned one | accept, risk |
/// | key not proved (RFC 8446 §4.4.3) | reject | reject | reject | reject |
///
/// With security `none` the user asked for no protection at all: TLS that takes place anyway need not be
/// authentic, but a key that is not proved ends the handshake under every setting.
pub fn decide(
    trust: Trust,
    security: Security,
    served: Option<(Fault, u32)>,
    pinned: &ChainSpec,
) -> Decision {
    let Some((fault, variant)) = served else {
        return Decision::Reject;
    };
    if fault.defect() == Defect::Proof {
        return Decision::Reject;
    }
    if security == Security::None {
        return Decision::MayAccept;
    }
    match trust {
        Trust::System | Trust::Default => Decision::Reject,
        Trust::Ca => match fault {
            Fault::Valid => Decision::Accept,
            Fault::NoSan => COMMON_NAME_ONLY,
            _ => Decision::Reject,
        },
        Trust::Pin if (fault, variant) == (pinned.fault, pinned.variant) => Decision::Accept,
        Trust::Pin => Decision::Reject,
        Trust::Always => match fault {
            Fault::Valid => Decision::Accept,
            _ => Decision::AcceptWithRisk,
        },
    }
}

/// RFC 7817 §3 lets a mail client fall back to the common name where there is no subject alternative name
/// (RFC 6125 §6.4.4), and lets it refuse. A scenario that wants more says so in its expectations.
const COMMON_NAME_ONLY: Decision = Decision::MayAccept;

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    use Decision::{Accept, AcceptWithRisk, MayAccept, Reject};

    const EVERY: &[Fault] = Fault::ALL;

    #[test_case(Trust::System, |_| Reject; "system rejects whatever the test authority issues")]
    #[test_case(Trust::Ca, |fault| match fault { Fault::Valid => Accept, Fault::NoSan => MayAccept, _ => Reject }; "ca accepts the valid chain")]
    #[test_case(Trust::Pin, |fault| match fault { Fault::Valid => Accept, _ => Reject }; "pin accepts the pinned chain")]
    #[test_case(Trust::Always, |fault| match fault { Fault::Valid => Accept, Fault::WrongKey => Reject, _ => AcceptWithRisk }; "always accepts all but a key that is not proved")]
    fn every_cell(trust: Trust, expected: fn(Fault) -> Decision) {
        let pinned = ChainSpec::default();
        for security in [
            Security::StarttlsOptional,
            Security::StarttlsRequired,
            Security::Implicit,
            Security::Automatic,
        ] {
            for &fault in EVERY {
                let got = decide(trust, security, Some((fault, 0)), &pinned);
                assert_eq!(got, expected(fault), "{trust} {security} {fault}");
            }
        }
    }

    #[test_case(Fault::SelfSigned, 0, Accept; "the pinned one, whatever a verifier says of it")]
    #[test_case(Fault::SelfSigned, 1, Reject; "another of the same kind")]
    #[test_case(Fault::Valid, 0, Reject; "a valid one that is not the pinned one")]
    #[test_case(Fault::WrongKey, 0, Reject; "a key that is not proved")]
    fn pin(fault: Fault, variant: u32, expected: Decision) {
        let pinned = ChainSpec::of(Fault::SelfSigned);
        let got = decide(
            Trust::Pin,
            Security::Implicit,
            Some((fault, variant)),
            &pinned,
        );
        assert_eq!(got, expected);
    }

    #[test]
    fn a_pinned_key_must_still_be_proved() {
        let pinned = ChainSpec::of(Fault::WrongKey);
        let served = Some((Fault::WrongKey, 0));
        assert_eq!(
            decide(Trust::Pin, Security::Implicit, served, &pinned),
            Reject
        );
    }

    #[test]
    fn without_protection_asked_for_only_the_proof_counts() {
        for &trust in Trust::ALL {
            for &fault in EVERY {
                let got = decide(
                    trust,
                    Security::None,
                    Some((fault, 0)),
                    &ChainSpec::default(),
                );
                let expected = if fault == Fault::WrongKey {
                    Reject
                } else {
                    MayAccept
                };
                assert_eq!(got, expected, "{trust} {fault}");
            }
        }
    }

    #[test]
    fn a_chain_that_nobody_saw_is_never_relied_on() {
        for &trust in Trust::ALL {
            for &security in Security::ALL {
                assert_eq!(
                    decide(trust, security, None, &ChainSpec::default()),
                    Reject,
                    "{trust} {security}"
                );
            }
        }
    }
}
