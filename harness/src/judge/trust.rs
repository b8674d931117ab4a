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
    /// It should not send anything beyond a goodbye. Going on misses a recommendation: an expectation of that
    /// level is broken by it, what holds in every case is not.
    ShouldReject,
    /// It must not send anything beyond a goodbye.
    Reject,
}

impl Decision {
    /// Whether going on with this server is right.
    pub const fn accepts(self) -> bool {
        !matches!(self, Decision::ShouldReject | Decision::Reject)
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

/// The same where the user brought the valid chain along: it is authentic, and whether a client that was given
/// no authority knows its root, nobody can say. Every other chain leads to an authority that no client was
/// told to trust, so whoever verifies rejects it.
pub(crate) fn decide_beside_own(
    step: &Step,
    served: Option<&ChainSpec>,
    pinned: &ChainSpec,
) -> Decision {
    let usual = decide_for(step, served, pinned);
    let own = served.is_some_and(|it| {
        let right_name = it.host.is_none_or(|host| host == step.host);
        (it.fault, it.variant) == (Fault::Valid, 0) && right_name
    });
    match step.trust {
        Trust::Pin | Trust::Always => usual,
        _ if step.security == Security::None => usual,
        _ if !own => Decision::Reject,
        Trust::System | Trust::Default if step.store == Store::Own => Decision::MayAccept,
        _ => usual,
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
/// What a row of the chains says ([`Fault::ruling`], [`Fault::defect`]) decides:
///
/// | condition | `system` | `ca` | `pin` | `always` |
/// | --- | --- | --- | --- | --- |
/// | nothing is wrong, or only unusual for good | reject: the test authority is no public root | accept | only the pinned one | accept |
/// | nothing is wrong, but it asks much of a client (P-521, a huge certificate) | reject | may accept | may accept the pinned one | may accept |
/// | name in the common name only, expired root, odd serial numbers and other rows where clients may differ | reject | may accept | only the pinned one | accept, risk |
/// | self-signed, unknown root, missing intermediate, broken signature | reject | reject | only the pinned one | accept, risk |
/// | expired, not yet valid | reject | reject | only the pinned one | accept, risk |
/// | name, purpose, name constraints or form at fault | reject | reject | only the pinned one | accept, risk |
/// | wildcard for a whole top-level domain | reject | should reject | only the pinned one | accept, risk |
/// | revoked by staple or list, staple demanded and not there | reject | should reject, where it is checked | only the pinned one | accept, risk |
/// | SHA-1, RSA with 1024 bits, explicit curve parameters (MD5, RSA with 512 bits) | reject | should reject (reject) | may accept the pinned one | may accept |
/// | certificate that cannot be read | reject | reject | should reject the pinned one | should reject |
/// | no certificate at all (RFC 8446 §4.4.2.4) | reject | reject | reject | reject |
/// | key not proved (RFC 8446 §4.4.3) | reject | reject | reject | reject |
///
/// With security `none` the user asked for no protection at all: TLS that takes place anyway need not be
/// authentic, but a key that is not proved ends the handshake under every setting, and so does no certificate.
pub fn decide(
    trust: Trust,
    security: Security,
    served: Option<(Fault, u32)>,
    pinned: &ChainSpec,
) -> Decision {
    let Some((fault, variant)) = served else {
        return Decision::Reject;
    };
    let defect = fault.defect();
    if matches!(defect, Defect::Proof | Defect::Empty) {
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
        Trust::Pin => match unasked(fault) {
            // Somebody looked at it.
            Decision::AcceptWithRisk => Decision::Accept,
            decision => decision,
        },
        Trust::Always => unasked(fault),
    }
}

/// Decides about a chain that no verifier is asked about.
fn unasked(fault: Fault) -> Decision {
    match (fault.defect(), fault.ruling()) {
        (Defect::Malformed, _) => Decision::ShouldReject,
        (Defect::Weak, _) | (Defect::None, Ruling::MayAccept) => Decision::MayAccept,
        (Defect::None, _) => Decision::Accept,
        _ => Decision::AcceptWithRisk,
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Host;
    use test_case::test_case;

    use super::*;

    use Decision::{Accept, AcceptWithRisk, MayAccept, Reject, ShouldReject};

    const EVERY: &[Fault] = Fault::ALL;

    /// Chains that every client accepts that has the root.
    const RIGHT: &str = "valid wildcard thousand-names mixed-case-name ends-after-2050 no-end-date \
        shuffled-chain duplicated-chain chain-with-root cross-signed-one-expired no-eku constraint-kept \
        rsa-2048-leaf rsa-3072-leaf rsa-4096-leaf p384-leaf staple-good must-staple-good crl-good";

    /// Right, but not everybody can do them.
    const DEMANDING: &str = "ten-thousand-names very-long-chain huge-certificate rsa-16384-leaf rsa-pss-leaf \
        p521-leaf ed25519-leaf";

    /// Not right in every eye.
    const DEBATED: &str = "no-san wrong-key-usage srv-id-only mail-domain-only leaf-as-anchor ca-leaf-as-anchor expired-root \
        any-eku intermediate-eku ca-leaf serial-zero serial-negative serial-too-long long-length \
        staple-expired staple-other-serial staple-other-signer staple-garbage crl-expired";

    /// Wrong, by a recommendation.
    const DUBIOUS: &str = "version-1 wildcard-bare wildcard-top-level staple-revoked \
        must-staple-missing must-staple-expired must-staple-other-serial must-staple-other-signer \
        must-staple-garbage crl-revoked crl-revoked-at-last-point";

    /// Broken or breakable keys and signatures.
    const WEAK: &str = "sha1-leaf sha1-intermediate md5-leaf md5-intermediate rsa-512-leaf rsa-1024-leaf \
        rsa-1024-intermediate explicit-curve-leaf";

    /// Of these, what must not be accepted.
    const BROKEN: &str = "md5-leaf md5-intermediate rsa-512-leaf";

    const UNREADABLE: &str = "cut-short";

    const UNPROVED: &str =
        "wrong-key foreign-signature dsa-leaf p192-leaf secp256k1-leaf empty-chain";

    fn among(names: &str, fault: Fault) -> bool {
        names.split_ascii_whitespace().any(|it| it == fault.name())
    }

    #[test]
    fn the_lists_have_no_name_that_is_no_fault() {
        for names in [
            RIGHT, DEMANDING, DEBATED, DUBIOUS, WEAK, BROKEN, UNREADABLE, UNPROVED,
        ] {
            for name in names.split_ascii_whitespace() {
                assert!(Fault::from_name(name).is_some(), "{name}");
            }
        }
    }

    fn by_ca(fault: Fault) -> Decision {
        let among = |names| among(names, fault);
        match () {
            () if among(RIGHT) => Accept,
            () if among(DEMANDING) || among(DEBATED) => MayAccept,
            () if among(BROKEN) => Reject,
            () if among(DUBIOUS) || among(WEAK) => ShouldReject,
            () => Reject,
        }
    }

    fn by_always(fault: Fault) -> Decision {
        let among = |names| among(names, fault);
        match () {
            () if among(RIGHT) => Accept,
            () if among(DEMANDING) || among(WEAK) => MayAccept,
            () if among(UNREADABLE) => ShouldReject,
            () if among(UNPROVED) => Reject,
            () => AcceptWithRisk,
        }
    }

    #[test_case(Trust::System, |_| Reject; "system rejects whatever the test authority issues")]
    #[test_case(Trust::Ca, by_ca; "ca accepts the right chains")]
    #[test_case(Trust::Pin, |fault| match fault { Fault::Valid => Accept, _ => Reject }; "pin accepts the pinned chain")]
    #[test_case(Trust::Always, by_always; "always accepts all but what is not proved")]
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

    #[test_case(Trust::Ca, Fault::Valid, 0 => Accept; "the chain itself")]
    #[test_case(Trust::System, Fault::Valid, 0 => MayAccept; "nobody knows the roots of a system")]
    #[test_case(Trust::Ca, Fault::Valid, 1 => Reject; "another one that would be valid")]
    #[test_case(Trust::Ca, Fault::NoEku, 0 => Reject; "one that others accept")]
    #[test_case(Trust::Ca, Fault::ExpiredLeaf, 0 => Reject; "one that nobody accepts")]
    #[test_case(Trust::Always, Fault::ExpiredLeaf, 0 => AcceptWithRisk; "who does not verify")]
    #[test_case(Trust::Always, Fault::WrongKey, 0 => Reject; "a key that is not proved anyway")]
    #[test_case(Trust::Pin, Fault::Valid, 0 => Accept; "the pinned one beside it")]
    fn beside_an_own_chain(trust: Trust, fault: Fault, variant: u32) -> Decision {
        let mut step = crate::judge::testing::Scene::send().record.steps[0].clone();
        step.security = Security::Implicit;
        step.trust = trust;
        let served = ChainSpec {
            variant,
            ..ChainSpec::of(fault)
        };
        decide_beside_own(&step, Some(&served), &ChainSpec::default())
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

    #[test_case(Fault::WrongKey, Reject; "a pinned key must still be proved")]
    #[test_case(Fault::EmptyChain, Reject; "a pinned certificate must still be shown")]
    #[test_case(Fault::CutShort, ShouldReject; "a pinned certificate must still be one")]
    fn a_pin_is_not_enough(fault: Fault, expected: Decision) {
        let pinned = ChainSpec::of(fault);
        let served = Some((fault, 0));
        assert_eq!(
            decide(Trust::Pin, Security::Implicit, served, &pinned),
            expected
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
                let expected = if among(UNPROVED, fault) {
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
