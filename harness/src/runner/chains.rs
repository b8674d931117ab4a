//! Which cases cannot be shown with the authority at hand: one that may not name everything, or a chain that the
//! user brought along.
//!
//! Must not know adapters.

use mailproof_certs::Authority;
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::{Case, Security, Store, Trust};

use crate::judge::trust::decide_for;

/// Why a case cannot be shown, where it cannot.
pub(super) fn unshowable(case: &Case, place: &Place, authority: &Authority) -> Option<String> {
    let usual = place.names(case);
    let chains = || case.chains().chain(case.default_chains());
    let outside = |it| {
        let names = place.names_for(it, &usual);
        authority.outside(it.fault, &names)
    };
    if let Some(name) = chains().find_map(outside) {
        return Some(format!(
            "needs a certificate for `{name}`, which the authority of --ca may not name"
        ));
    }
    if !authority.has_own_chain() {
        return None;
    }
    let effective = case.effective_steps();
    let steps = || case.steps.iter().chain(&effective);
    for spec in chains() {
        let names = place.names_for(spec, &usual);
        let own = authority.is_own(spec.fault, &names, spec.variant);
        if own
            && spec
                .host
                .is_some_and(|host| steps().any(|it| it.host != host))
        {
            let why = "needs a chain for another name, and yours is for both";
            return Some(why.to_owned());
        }
        let verifying = steps().filter(|it| {
            it.security != Security::None && !matches!(it.trust, Trust::Pin | Trust::Always)
        });
        for step in verifying {
            let from_system = matches!(step.trust, Trust::System | Trust::Default);
            if own && from_system && step.store == Store::Own {
                let why = "needs a chain of which it is known that the system does not trust it, and yours may be \
                           trusted";
                return Some(why.to_owned());
            }
            if !own && decide_for(step, Some(spec), &case.setup.chain).accepts() {
                let why = "needs a chain of the test authority that the client trusts, and it only trusts yours";
                return Some(why.to_owned());
            }
        }
    }
    None
}
