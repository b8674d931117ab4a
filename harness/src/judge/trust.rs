//! Which servers a conformant client may accept: the one table that every verdict about trust rests on.
//!
//! Must not know connections or events; it answers for one served chain and one declared setting.

use mailproof_certs::{Defect, Fault, Ruling};
use mailproof_scenarios::model::{CaFile, ChainSpec, Crl, Security, Step, Store, Trust};

/// What a conformant client may do with a server that presents a certain chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It accepts: the server is who it says by the declared setting.
    Accept,
    /// It accepts because the user asked for that, and the user should know.
    AcceptWithRisk,
    /// It may accept or reject; both are right and the choice is recorded.
    MayAccept,
    /// It should reject. To accept is a weakness and worth a warning, but no broken promise.
    ShouldReject,
    /// It must not send anything beyond a goodbye.
    Reject,
}

impl Decision {
    /// Whether going on with this server breaks nothing.
    pub const fn accepts(self) -> bool {
        !matches!(self, Decision::Reject)
    }
}

/// Decides by all the settings of a step: the table of [`decide`], and what the settings change in it.
///
/// | setting | what it changes |
/// | --- | --- |
/// | trust `default` | nothing was said, so the client verifies as with `system` (RFC 8314 §5.2) |
/// | `system` with an authority in the store | as `ca` with that authority |
/// | another authority in the file or the store | as `ca`, with the roots exchanged |
/// | a file of authorities that is empty or missing | nothing leads to an anchor: reject |
/// | a file in DER, or with a broken block | what the file gave is known to the client alone: it may accept what `ca` accepts |
/// | an authority of the system beside a file that has another | it should keep to the file |
/// | a chain with an anchor of its own that was not given | nothing leads to an anchor: reject |
/// | revocation lists that were not given | nobody knows what is on them: as if they did not exist |
/// | a chain that is made for another name than the step's | the name is at fault, whatever else is right |
pub(crate) fn decide_for(step: &Step, served: Option<&ChainSpec>, pinned: &ChainSpec) -> Decision {
    let Some(served) = served else {
        return Decision::Reject;
    };
    let anchor = anchor(step);
    let trust = match (step.trust, anchor) {
        (Trust::Pin | Trust::Always, _) => step.trust,
        (_, Anchor::Nothing) => Trust::System,
        _ => Trust::Ca,
    };
    let known = Some((seen_by(step, anchor, served.fault), served.variant));
    let decision = decide(trust, step.security, known, pinned);
    let for_another_name = served.host.is_some_and(|host| host != step.host);
    match (decision, trust) {
        (Decision::Accept | Decision::MayAccept | Decision::ShouldReject, Trust::Ca)
            if for_another_name =>
        {
            Decision::Reject
        }
        (Decision::Accept, Trust::Always) if for_another_name => Decision::AcceptWithRisk,
        (Decision::Accept, _) if anchor == Anchor::Perhaps => Decision::MayAccept,
        (Decision::Reject, _) if by_the_store_beside(step) => {
            match decide_for(&only_the_store(step), Some(served), pinned) {
                Decision::Reject => Decision::Reject,
                _ => Decision::ShouldReject,
            }
        }
        (decision, _) => decision,
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
    /// Whatever the chains of the case lead to.
    TheirOwn,
    /// The test authority, if the client could read it.
    Perhaps,
}

fn anchor(step: &Step) -> Anchor {
    match (step.trust, step.store, step.ca_file) {
        (Trust::Pin | Trust::Always, ..) => Anchor::Nothing,
        (Trust::System | Trust::Default, Store::Own, _) => Anchor::Nothing,
        (Trust::System | Trust::Default, Store::Authority, _) => Anchor::Authority,
        (Trust::System | Trust::Default, Store::OtherAuthority, _) => Anchor::Other,
        (Trust::Ca, _, CaFile::Authority) => Anchor::Authority,
        (Trust::Ca, _, CaFile::OtherAuthority) => Anchor::Other,
        (Trust::Ca, _, CaFile::Anchors) => Anchor::TheirOwn,
        (Trust::Ca, _, CaFile::Empty | CaFile::Missing) => Anchor::Nothing,
        (Trust::Ca, _, CaFile::Der | CaFile::BrokenBlock) => Anchor::Perhaps,
    }
}

/// A chain as it looks to somebody who was given no more than the step gives.
fn seen_by(step: &Step, anchor: Anchor, fault: Fault) -> Fault {
    let anchored = match (anchor, fault) {
        (Anchor::Other, Fault::UnknownRoot) => Fault::Valid,
        (Anchor::Other, Fault::Valid) => Fault::UnknownRoot,
        (Anchor::Authority | Anchor::Other | Anchor::Perhaps, it) if has_own_anchor(it) => {
            Fault::UnknownRoot
        }
        (_, fault) => fault,
    };
    match anchored {
        Fault::CrlRevoked | Fault::CrlRevokedAtLastPoint | Fault::CrlExpired
            if step.crl == Crl::None && !matches!(step.trust, Trust::Pin) =>
        {
            Fault::CrlGood
        }
        fault => fault,
    }
}

/// Whether a chain leads to an anchor that is neither of the two authorities.
const fn has_own_anchor(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::LeafAsAnchor | Fault::CaLeafAsAnchor | Fault::ExpiredRoot
    )
}

fn by_the_store_beside(step: &Step) -> bool {
    step.trust == Trust::Ca && step.store != Store::Own
}

fn only_the_store(step: &Step) -> Step {
    Step {
        trust: Trust::System,
        ..step.clone()
    }
}

/// Decides about a served chain, given what the chain brings along (its anchor, its revocation lists).
///
/// `served` is the chain that the server presented; on a resumed session that of the session's first
/// handshake, judged by the setting that is declared *now* (a session that always-trust opened must not serve
/// an account that verifies). `None` is a chain that nobody saw, which nobody may rely on. `pinned` is the
/// chain of the base.
///
/// | condition | `system` | `ca` | `pin` | `always` |
/// | --- | --- | --- | --- | --- |
/// | nothing wrong, or what must or should be accepted | reject: the test authority is no public root | accept | only the pinned one | accept |
/// | what may be accepted: the common name alone, another purpose named, an expired anchor, odd serial numbers, … | reject | may accept | only the pinned one | accept, risk |
/// | what should be rejected: SHA-1, RSA with 1024 bits, a staple or list that says revoked, `*`, … | reject | should reject | only the pinned one | accept, risk |
/// | what must be rejected: anchor, dates, name, purpose, constraint, form | reject | reject | only the pinned one | accept, risk |
/// | a certificate that cannot be read | reject | reject, or as the table says | it may be the pinned one | should reject |
/// | no certificate at all (RFC 8446 §4.4.2.4) | reject | reject | reject | reject |
/// | key not proved (RFC 8446 §4.4.3) | reject | reject | reject | reject |
///
/// Which of these a chain is, the table of faults says: [`Fault::ruling`] and [`Fault::defect`].
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
    if matches!(fault.defect(), Defect::Proof | Defect::Empty) {
        return Decision::Reject;
    }
    if security == Security::None {
        return Decision::MayAccept;
    }
    match trust {
        Trust::System | Trust::Default => Decision::Reject,
        Trust::Ca => match fault.ruling() {
            Ruling::MustAccept | Ruling::ShouldAccept => Decision::Accept,
            Ruling::MayAccept => Decision::MayAccept,
            Ruling::ShouldReject => Decision::ShouldReject,
            Ruling::MustReject => Decision::Reject,
        },
        Trust::Pin if (fault, variant) != (pinned.fault, pinned.variant) => Decision::Reject,
        Trust::Pin => match fault.defect() {
            Defect::Malformed => Decision::MayAccept,
            _ => Decision::Accept,
        },
        Trust::Always => match fault.defect() {
            Defect::None => Decision::Accept,
            Defect::Malformed => Decision::ShouldReject,
            _ => Decision::AcceptWithRisk,
        },
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Host;
    use test_case::test_case;

    use super::*;

    use Decision::{Accept, AcceptWithRisk, MayAccept, Reject, ShouldReject};

    const EVERY: &[Fault] = Fault::ALL;

    #[test_case(Trust::System, |_| Reject; "system rejects whatever the test authority issues")]
    #[test_case(Trust::Ca, by_ruling; "ca accepts by the table of faults")]
    #[test_case(Trust::Pin, |fault| match fault { Fault::Valid => Accept, _ => Reject }; "pin accepts the pinned chain")]
    #[test_case(Trust::Always, |fault| match fault.defect() {
        Defect::None => Accept,
        Defect::Proof | Defect::Empty => Reject,
        Defect::Malformed => ShouldReject,
        _ => AcceptWithRisk,
    }; "always accepts all but a key that is not proved")]
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

    fn by_ruling(fault: Fault) -> Decision {
        match (fault.defect(), fault.ruling()) {
            (Defect::Proof | Defect::Empty, _) | (_, Ruling::MustReject) => Reject,
            (_, Ruling::ShouldReject) => ShouldReject,
            (_, Ruling::MayAccept) => MayAccept,
            (_, Ruling::ShouldAccept | Ruling::MustAccept) => Accept,
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
                let expected = match fault.defect() {
                    Defect::Proof | Defect::Empty => Reject,
                    _ => MayAccept,
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

    fn step(change: impl Fn(&mut Step)) -> Step {
        use mailproof_scenarios::model::{Job, PortRole, Protocol};
        let mut step = crate::judge::testing::step(
            Job::Send,
            Protocol::Smtp,
            Security::Implicit,
            PortRole::Submissions,
        );
        change(&mut step);
        step
    }

    fn given(file: CaFile) -> Step {
        step(|it| it.ca_file = file)
    }

    fn by_system(trust: Trust, store: Store) -> Step {
        step(|it| {
            it.trust = trust;
            it.store = store;
        })
    }

    fn with_both(file: CaFile, store: Store) -> Step {
        step(|it| {
            it.ca_file = file;
            it.store = store;
        })
    }

    #[test_case(by_system(Trust::Default, Store::Own), Fault::Valid, Reject; "nothing was said and nobody is known")]
    #[test_case(by_system(Trust::Default, Store::Authority), Fault::Valid, Accept; "nothing was said and the system knows")]
    #[test_case(by_system(Trust::Default, Store::Authority), Fault::WrongHost, Reject; "nothing was said and the name is wrong")]
    #[test_case(by_system(Trust::System, Store::OtherAuthority), Fault::UnknownRoot, Accept; "the system knows the other one")]
    #[test_case(by_system(Trust::System, Store::OtherAuthority), Fault::Valid, Reject; "the system knows the other one only")]
    #[test_case(given(CaFile::Empty), Fault::Valid, Reject; "an empty file")]
    #[test_case(given(CaFile::Missing), Fault::Valid, Reject; "no file")]
    #[test_case(given(CaFile::Der), Fault::Valid, MayAccept; "a file in DER")]
    #[test_case(given(CaFile::BrokenBlock), Fault::SelfSigned, Reject; "a broken block is no reason to accept anything")]
    #[test_case(given(CaFile::Authority), Fault::LeafAsAnchor, Reject; "a leaf that was not given")]
    #[test_case(given(CaFile::Anchors), Fault::LeafAsAnchor, MayAccept; "a leaf that was given")]
    #[test_case(given(CaFile::Anchors), Fault::SelfSigned, Reject; "anchors of others")]
    #[test_case(given(CaFile::Authority), Fault::CrlRevoked, Accept; "a list that nobody gave")]
    #[test_case(step(|it| it.crl = Crl::Given), Fault::CrlRevoked, ShouldReject; "a list that was given")]
    #[test_case(with_both(CaFile::Authority, Store::OtherAuthority), Fault::UnknownRoot, ShouldReject; "known to the system only")]
    #[test_case(with_both(CaFile::Authority, Store::OtherAuthority), Fault::SelfSigned, Reject; "known to neither")]
    #[test_case(with_both(CaFile::Authority, Store::OtherAuthority), Fault::Valid, Accept; "known by the file")]
    fn by_what_was_given(step: Step, fault: Fault, expected: Decision) {
        let served = ChainSpec::of(fault);
        let got = decide_for(&step, Some(&served), &ChainSpec::default());
        assert_eq!(got, expected);
    }

    #[test_case(Trust::Ca, Host::Target, Reject; "another name")]
    #[test_case(Trust::Ca, Host::Alias, Accept; "the name that was told")]
    #[test_case(Trust::Always, Host::Target, AcceptWithRisk; "another name, and the user does not mind")]
    fn made_for(trust: Trust, host: Host, expected: Decision) {
        let step = step(|it| {
            it.trust = trust;
            it.host = Host::Alias;
        });
        let served = ChainSpec {
            host: Some(host),
            ..ChainSpec::default()
        };
        let got = decide_for(&step, Some(&served), &ChainSpec::default());
        assert_eq!(got, expected);
    }
}
