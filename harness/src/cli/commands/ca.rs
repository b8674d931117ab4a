//! `mailproof ca init`: an authority that outlives a run.

use std::io::Write;

use mailproof_certs::{StoredRoot, Territory};
use time::OffsetDateTime;

use crate::{
    cli::{Failure, args::CaInitArgs},
    exit::Exit,
    reach::{self, CERTIFICATE, INSTALL, KEY},
    report::text,
    units,
};

/// What every authority may name: whoever has its key owns this machine anyway.
const LOCAL_NAME: &str = "localhost";
const LOCAL_NETWORKS: [&str; 2] = ["127.0.0.0/8", "::1"];

pub(crate) fn init(args: &CaInitArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let territory = territory(&args.names)?;
    let root = StoredRoot::fresh(OffsetDateTime::now_utc(), args.days, territory)
        .map_err(|error| Failure::environment(text::line(&error.to_string())))?;
    reach::store(&root, &args.dir)?;
    let dir = text::line(&args.dir.display().to_string());
    let dns = root.territory.dns.iter().cloned();
    let ip = root.territory.ip.iter().map(ToString::to_string);
    let may: Vec<String> = dns.chain(ip).collect();
    writeln!(
        stdout,
        "{}, valid until {}\n  may name     {}\n  SHA-256      {}\n  to install   {dir}/{CERTIFICATE}, as \
         {dir}/{INSTALL} says\n  key          {dir}/{KEY}: it stays here, and nobody else may read it\n  to use it    \
         mailproof run … --ca {dir}",
        root.common_name,
        root.until.date(),
        may.join(", "),
        units::fingerprint(&root.certificate)
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

fn territory(names: &[String]) -> Result<Territory, Failure> {
    let mut territory = Territory::default();
    let all = names.iter().map(String::as_str);
    for word in all.chain([LOCAL_NAME]).chain(LOCAL_NETWORKS) {
        let word = word.trim();
        let is_address = word.contains(['/', ':']) || word.parse::<std::net::IpAddr>().is_ok();
        let usage = |error: String| Failure::usage(text::line(&format!("{error} (for --for)")));
        if is_address {
            let net = reach::network(word).map_err(usage)?;
            if !territory.ip.contains(&net) {
                territory.ip.push(net);
            }
        } else {
            let name = reach::host_name(word).map_err(usage)?;
            if !territory.dns.contains(&name) {
                territory.dns.push(name);
            }
        }
    }
    Ok(territory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_always_in_it() {
        let names = ["Firma.test".to_owned(), "10.1.0.0/16".to_owned()];
        let territory = territory(&names).unwrap();
        assert_eq!(territory.dns, ["firma.test", "localhost"]);
        let ip: Vec<String> = territory.ip.iter().map(ToString::to_string).collect();
        assert_eq!(ip, ["10.1.0.0/16", "127.0.0.0/8", "::1/128"]);
    }

    #[test]
    fn no_name() {
        for word in ["*.firma.test", "10.0.0.0/40", "a b"] {
            let failure = territory(&[word.to_owned()]).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{word}");
        }
    }
}
