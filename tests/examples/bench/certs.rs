//! What the certificates cost.

use std::time::Instant;

use mailproof_certs::{Authority, Fault, Names};
use time::OffsetDateTime;

use super::{Outcome, median};

const TIMES: usize = 9;

/// Every chain, by an authority that is made for it, and once more by the same. RSA keys are made once a process,
/// so the first authority is told apart.
pub(crate) fn all() -> Outcome {
    let names = Names::dns("localhost");
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let authority = Authority::fresh(OffsetDateTime::now_utc()).map_err(|it| it.to_string())?;
        forge(&authority, &names)?;
        cold.push(began.elapsed().as_secs_f64() * 1000.0);
        let began = Instant::now();
        forge(&authority, &names)?;
        warm.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let first = cold.remove(0);
    Ok(format!(
        "{first:.0} ms for the first authority of a process, {:.2} ms cold for the next (roots included), {:.3} ms \
         warm; {} chains, medians of {TIMES}",
        median(cold),
        median(warm),
        Fault::ALL.len()
    ))
}

fn forge(authority: &Authority, names: &Names) -> Result<(), String> {
    Fault::ALL.iter().try_for_each(|fault| {
        let chain = authority.chain(*fault, &names.fitting(fault.needs()));
        chain.map(drop).map_err(|it| it.to_string())
    })
}
