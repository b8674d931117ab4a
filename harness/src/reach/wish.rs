//! What a user wrote about being reached, and what is made of it.
//!
//! Must not know where it was written.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use mailproof_mock_servers::world::Reach;

use super::{Anchor, Setting, names::Advertised, port_map};

/// The words of a user; empty where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Addresses to listen on.
    pub bind: Vec<String>,
    /// A name, and an address of each family, that the subject is told.
    pub advertise: Vec<String>,
    /// Entries of the port map.
    pub port_map: Vec<String>,
    /// Networks and addresses from where connections are taken.
    pub allow_from: Vec<String>,
    /// The folder of a stored authority.
    pub ca: Option<PathBuf>,
    /// A chain of the user's own.
    pub chain: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

/// Something that a user wrote about being reached is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (for --{option})")]
pub struct WishError {
    /// The option, as the command line and files call it.
    pub option: &'static str,
    /// What is wrong, and what was expected.
    pub message: String,
}

fn wrong(option: &'static str) -> impl Fn(String) -> WishError {
    move |message| WishError { option, message }
}

impl Wish {
    /// These words, and those `beneath` where these say nothing.
    pub fn over(self, beneath: Wish) -> Wish {
        // One kind of authority takes the place of the other.
        let says = self.ca.is_some() || self.chain.is_some() || self.key.is_some();
        let anchor = if says { &self } else { &beneath }.clone();
        let first = |mine: Vec<String>, other| if mine.is_empty() { other } else { mine };
        Wish {
            bind: first(self.bind, beneath.bind),
            advertise: first(self.advertise, beneath.advertise),
            port_map: first(self.port_map, beneath.port_map),
            allow_from: first(self.allow_from, beneath.allow_from),
            ..anchor
        }
    }

    /// The arguments that say the same on the command line.
    pub fn arguments(&self) -> Vec<String> {
        let lists = [
            ("--bind", &self.bind),
            ("--advertise", &self.advertise),
            ("--port-map", &self.port_map),
            ("--allow-from", &self.allow_from),
        ];
        let lists = lists.into_iter().flat_map(|(option, words)| {
            words.iter().map(move |it| [option.to_owned(), it.clone()])
        });
        let files = [
            ("--ca", &self.ca),
            ("--chain", &self.chain),
            ("--key", &self.key),
        ];
        let files = files.into_iter().filter_map(|(option, path)| {
            let path = path.as_ref()?.display().to_string();
            Some([option.to_owned(), path])
        });
        lists.chain(files).flatten().collect()
    }

    /// Whether anybody asked to be reached from elsewhere.
    fn asks_for_reach(&self) -> bool {
        let words = [
            &self.bind,
            &self.advertise,
            &self.port_map,
            &self.allow_from,
        ];
        words.iter().any(|it| !it.is_empty())
    }

    /// What a world needs of it.
    ///
    /// # Errors
    /// [`WishError`] for the first thing that is wrong, and where somebody would listen beyond loopback without
    /// saying to whom.
    pub fn resolve(&self) -> Result<Setting, WishError> {
        let reach = self.asks_for_reach().then(|| self.reach()).transpose()?;
        let anchor = match (&self.ca, &self.chain, &self.key) {
            (None, None, None) => Anchor::Fresh,
            (Some(folder), None, None) => Anchor::Stored(absolute(folder)),
            (None, Some(chain), Some(key)) => Anchor::Own {
                chain: absolute(chain),
                key: absolute(key),
            },
            (None, Some(_), None) => {
                let message = "a chain needs its private key: --key FILE".to_owned();
                return Err(wrong("chain")(message));
            }
            (None, None, Some(_)) => {
                let message = "a key alone is of no use: --chain FILE".to_owned();
                return Err(wrong("key")(message));
            }
            (Some(_), ..) => {
                let message = "an authority and a chain of your own do not go together".to_owned();
                return Err(wrong("ca")(message));
            }
        };
        Ok(Setting { reach, anchor })
    }

    fn reach(&self) -> Result<Reach, WishError> {
        let bind = self.bind()?;
        let allow = self.allow(&bind)?;
        let Advertised { name, v4, v6 } = if self.advertise.is_empty() {
            Advertised::of(&bind).map_err(wrong("bind"))?
        } else {
            Advertised::parse(&self.advertise).map_err(wrong("advertise"))?
        };
        let ports = port_map::parse(&self.port_map).map_err(wrong("port-map"))?;
        Ok(Reach {
            bind,
            name,
            v4,
            v6,
            ports,
            allow,
        })
    }

    fn bind(&self) -> Result<Vec<IpAddr>, WishError> {
        if self.bind.is_empty() {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let mut bind: Vec<IpAddr> = Vec::new();
        for word in &self.bind {
            let ip = word.trim().parse().map_err(|_| {
                wrong("bind")(format!(
                    "`{word}` is no address of a machine, as `0.0.0.0`, `192.168.1.20` or `::`"
                ))
            })?;
            if !bind.contains(&ip) {
                bind.push(ip);
            }
        }
        let covered = |ip: &IpAddr| {
            let same_family = |it: &&IpAddr| it.is_ipv4() == ip.is_ipv4();
            let mut others = bind.iter().filter(same_family);
            !ip.is_unspecified() && others.any(IpAddr::is_unspecified)
        };
        if let Some(ip) = bind.iter().find(|it| covered(it)) {
            return Err(wrong("bind")(format!(
                "`{ip}` is one of every address, which is listened on as well"
            )));
        }
        Ok(bind)
    }

    fn allow(&self, bind: &[IpAddr]) -> Result<Vec<IpNet>, WishError> {
        if !self.allow_from.is_empty() {
            let allow = self.allow_from.iter().map(|it| network(it.trim()));
            return allow.collect::<Result<_, _>>().map_err(wrong("allow-from"));
        }
        if let Some(ip) = bind.iter().find(|it| !it.is_loopback()) {
            return Err(wrong("bind")(format!(
                "`{ip}` can be reached from other machines, so say from which it may be: --allow-from CIDR"
            )));
        }
        Ok(vec![
            Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
            Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into(),
        ])
    }
}

/// Another process may be somewhere else.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A network in CIDR notation (RFC 4632 §3.1), or one address.
///
/// # Errors
/// In words, where it is none.
pub fn network(word: &str) -> Result<IpNet, String> {
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Ok(ip.into());
    }
    let form = "a network is written as `192.168.0.0/16`, `2001:db8::/32`, or one address";
    let Ok(net) = word.parse::<IpNet>() else {
        return Err(format!("`{word}` is no network: {form}"));
    };
    if net.trunc() != net {
        return Err(format!(
            "`{word}` has an address with more bits than its prefix; did you mean `{}`, or `{}` alone?",
            net.trunc(),
            net.addr()
        ));
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn wish(words: &[&str]) -> Wish {
        let mut wish = Wish::default();
        for pair in words.chunks(2) {
            let list = match pair[0] {
                "bind" => &mut wish.bind,
                "advertise" => &mut wish.advertise,
                "port-map" => &mut wish.port_map,
                _ => &mut wish.allow_from,
            };
            list.push(pair[1].to_owned());
        }
        wish
    }

    #[test_case(&["bind", "0.0.0.0"], "bind", "--allow-from"; "everybody could come")]
    #[test_case(&["bind", "127.0.0.1", "bind", "192.0.2.1"], "bind", "192.0.2.1"; "some could come")]
    #[test_case(&["bind", "localhost"], "bind", "no address"; "a name")]
    #[test_case(&["bind", "0.0.0.0", "bind", "127.0.0.1", "allow-from", "10.0.0.0/8"], "bind", "every address"; "one twice")]
    #[test_case(&["bind", "0.0.0.0", "allow-from", "10.0.0.0/8"], "bind", "--advertise"; "nothing to tell")]
    #[test_case(&["allow-from", "10.0.0.0/33"], "allow-from", "no network"; "an impossible prefix")]
    #[test_case(&["allow-from", "10.0.0.300"], "allow-from", "no network"; "an impossible address")]
    #[test_case(&["allow-from", "10.0.0.1/8"], "allow-from", "10.0.0.0/8"; "more bits than the prefix")]
    #[test_case(&["allow-from", "everyone"], "allow-from", "no network"; "a word")]
    #[test_case(&["port-map", "465"], "port-map", "maps no port"; "no map")]
    #[test_case(&["advertise", "*.test"], "advertise", "no host name"; "no name")]
    fn refuses(words: &[&str], option: &str, why: &str) {
        let error = wish(words).resolve().unwrap_err();
        assert_eq!(error.option, option);
        let said = error.to_string();
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn one_authority_or_one_chain_with_its_key() {
        let with = |ca: Option<&str>, chain: Option<&str>, key: Option<&str>| Wish {
            ca: ca.map(PathBuf::from),
            chain: chain.map(PathBuf::from),
            key: key.map(PathBuf::from),
            ..Wish::default()
        };
        let option = |wish: Wish| wish.resolve().map_err(|it| it.option);
        assert_eq!(option(with(Some("a"), Some("b"), Some("c"))), Err("ca"));
        assert_eq!(option(with(None, Some("b"), None)), Err("chain"));
        assert_eq!(option(with(None, None, Some("c"))), Err("key"));
        let own = with(None, Some("/b"), Some("/c")).over(with(Some("/a"), None, None));
        assert_eq!(own.arguments(), ["--chain", "/b", "--key", "/c"]);
        let setting = own.resolve().unwrap();
        assert_eq!(setting.reach, None, "on loopback as ever");
        assert!(matches!(setting.anchor, Anchor::Own { .. }));
    }

    #[test]
    fn without_a_word_nobody_is_reached() {
        assert_eq!(Wish::default().resolve(), Ok(Setting::default()));
    }

    #[test]
    fn loopback_alone_is_for_this_machine() {
        let setting = wish(&["port-map", "465=2465"]).resolve().unwrap();
        let reach = setting.reach.unwrap();
        assert_eq!(reach.advertised(), "localhost");
        assert!(reach.bind.iter().all(IpAddr::is_loopback));
        assert!(reach.admits("127.0.0.9".parse().unwrap()));
        assert!(reach.admits("::1".parse().unwrap()));
        assert!(!reach.admits("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn what_is_advertised_is_told_and_nothing_else() {
        let words = [
            "bind",
            "0.0.0.0",
            "advertise",
            "mail.firma.test",
            "allow-from",
            "172.16.0.0/12",
            "allow-from",
            "2001:db8::5",
        ];
        let reach = wish(&words).resolve().unwrap().reach.unwrap();
        assert_eq!(reach.advertised(), "mail.firma.test");
        assert_eq!(reach.addresses(), [] as [IpAddr; 0]);
        assert!(reach.admits("2001:db8::5".parse().unwrap()));
        assert!(!reach.admits("127.0.0.1".parse().unwrap()), "not allowed");
    }

    #[test]
    fn the_words_above_win_and_are_repeated() {
        let above = wish(&["bind", "127.0.0.1"]);
        let beneath = wish(&["bind", "::1", "advertise", "a.test"]);
        let both = above.over(beneath);
        assert_eq!(
            both.arguments(),
            ["--bind", "127.0.0.1", "--advertise", "a.test"]
        );
    }
}
