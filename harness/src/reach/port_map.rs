//! The port map: which number a subject is told for each role, and which one is listened on.
//!
//! | entry | role | told | listened on |
//! | --- | --- | --- | --- |
//! | `465=2465` | submissions, by its registered number | 465 | 2465 |
//! | `submissions=2465` | submissions, by its name | 2465 | 2465 |
//! | `submissions:12465=2465` | submissions | 12465 | 2465 |
//!
//! Must not know sockets.

use std::collections::BTreeMap;

use mailproof_mock_servers::world::Mapped;
use mailproof_scenarios::model::PortRole;

use crate::select::suggest;

/// What is added to a registered number below 1024, so that nobody needs a privilege for it.
const ABOVE: u16 = 2000;

/// The map of these entries over the usual one.
pub(super) fn parse(entries: &[String]) -> Result<BTreeMap<PortRole, Mapped>, String> {
    let mut asked = BTreeMap::new();
    for text in entries {
        let (role, mapped) = entry(text.trim())?;
        if asked.insert(role, mapped).is_some() {
            return Err(format!("`{text}` maps {role} a second time"));
        }
    }
    let mut ports: BTreeMap<PortRole, Mapped> =
        PortRole::ALL.iter().map(|it| (*it, usual(*it))).collect();
    ports.extend(asked);
    for (what, number) in [
        ("told", (|it| it.told) as fn(&Mapped) -> u16),
        ("listened on", |it| it.listens),
    ] {
        let mut taken: BTreeMap<u16, PortRole> = BTreeMap::new();
        for (role, mapped) in &ports {
            let number = number(mapped);
            if let Some(other) = taken.insert(number, *role) {
                return Err(format!("{number} is {what} for {other} and for {role}"));
            }
        }
    }
    Ok(ports)
}

/// Where nothing is said.
fn usual(role: PortRole) -> Mapped {
    let number = match role.number() {
        low @ 0..1024 => low + ABOVE,
        high => high,
    };
    Mapped {
        told: number,
        listens: number,
    }
}

fn entry(text: &str) -> Result<(PortRole, Mapped), String> {
    let form = "as `465=2465`, `submissions=2465` or `submissions:12465=2465`";
    let (left, right) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` maps no port; it is written {form}"))?;
    let listens = number(right)?;
    let (word, told) = match left.split_once(':') {
        Some((word, told)) => (word.trim(), Some(number(told)?)),
        None => (left.trim(), None),
    };
    if word.bytes().all(|it| it.is_ascii_digit()) && !word.is_empty() {
        let registered = number(word)?;
        let role = PortRole::ALL.iter().copied();
        let role = role
            .clone()
            .find(|it| it.number() == registered)
            .ok_or_else(|| {
                let known: Vec<String> = role.map(|it| it.number().to_string()).collect();
                format!(
                    "{registered} is the number of no role ({}); give the role by its name, {form}",
                    known.join(", ")
                )
            })?;
        let told = told.unwrap_or(registered);
        return Ok((role, Mapped { told, listens }));
    }
    let role = PortRole::ALL.iter().find(|it| it.name() == word);
    let role = role.copied().ok_or_else(|| {
        let known = PortRole::ALL.iter().map(|it| it.name());
        let near = suggest::did_you_mean(&suggest::nearest(word, known, 1));
        format!("there is no port role `{word}`{near}")
    })?;
    let told = told.unwrap_or(listens);
    Ok((role, Mapped { told, listens }))
}

fn number(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("`{text}` is no port: a number from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn parsed(text: &str) -> Result<BTreeMap<PortRole, Mapped>, String> {
        let entries: Vec<String> = text.split_terminator(',').map(str::to_owned).collect();
        parse(&entries)
    }

    #[test_case("", PortRole::Submissions => (2465, 2465); "nothing said")]
    #[test_case("", PortRole::Alternate => (2525, 2525); "no privilege needed anyway")]
    #[test_case("465=3465", PortRole::Submissions => (465, 3465); "by its number")]
    #[test_case("465=3465", PortRole::Imaps => (2993, 2993); "the others stay")]
    #[test_case("imaps=3993", PortRole::Imaps => (3993, 3993); "by its name")]
    #[test_case("imaps:13993=3993", PortRole::Imaps => (13993, 3993); "all three")]
    #[test_case("993:13993=3993", PortRole::Imaps => (13993, 3993); "all three by number")]
    #[test_case(" 25 = 25 ", PortRole::Smtp => (25, 25); "blanks")]
    fn maps(text: &str, role: PortRole) -> (u16, u16) {
        let mapped = parsed(text).unwrap_or_else(|error| panic!("{error}"))[&role];
        (mapped.told, mapped.listens)
    }

    #[test_case("465", "maps no port"; "no number")]
    #[test_case("466=2466", "the number of no role"; "no role has it")]
    #[test_case("submision=2587", "did you mean `submission`"; "a typo")]
    #[test_case("465=0", "no port"; "zero")]
    #[test_case("465=70000", "no port"; "too large")]
    #[test_case("465=2465,submissions=3465", "a second time"; "twice")]
    #[test_case("465=2587", "2587 is listened on for"; "one port for two roles")]
    #[test_case("submission:2465=3587", "2465 is told for"; "one number told for two roles")]
    #[test_case("=2587", "no port role"; "no role")]
    fn refuses(text: &str, why: &str) {
        let error = parsed(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
