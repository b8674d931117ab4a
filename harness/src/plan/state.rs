//! What the folder of a plan remembers between two sittings: that it was begun, with which plan and which
//! mailproof, and the values that the person has typed in. What was done is in the records.
//!
//! Must not know records.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use mailproof_scenarios::model::PortRole;
use serde::{Deserialize, Serialize};

use super::{Plan, Stops, fingerprint};
use crate::report::{
    folder::{Folder, FolderError},
    lock::{Lock, lock},
    text,
};

/// The version of the file.
const VERSION: u32 = 1;

/// The name of the file.
const NAME: &str = "plan.json";

/// Where numbers for ports are looked for: below those that systems give to outgoing connections.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 10_000;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The version of this file.
    pub v: u32,
    /// The version of mailproof.
    pub mailproof: String,
    /// What was planned.
    pub plan: String,
    /// The cases that it came to.
    pub cases: String,
    /// Where user, password and words of the messages come from.
    pub seed: u64,
    /// The numbers of the ports.
    pub ports: BTreeMap<PortRole, u16>,
    /// When it was begun, RFC 3339.
    pub now: String,
}

/// The folder of a plan, while nobody else has it.
#[derive(Debug)]
pub struct State {
    /// What it remembers.
    pub begun: Begun,
    /// Whether it was begun in an earlier sitting.
    pub resumed: bool,
    folder: PathBuf,
    _lock: Arc<Lock>,
}

/// Why a plan cannot be begun or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Somebody else has it open.
    #[error(
        "another mailproof serves the plan in `{0}`; end that one first, or give another --out"
    )]
    Taken(String),
    /// The folder was begun, and nobody said that it is to be gone on with.
    #[error("a plan was begun in `{0}`; go on with --resume, or begin anew with another --out")]
    Begun(String),
    /// The folder has another run.
    #[error("`{0}` has the results of something else; give another --out")]
    Other(String),
    /// There is nothing to go on with.
    #[error("no plan was begun in `{0}`; leave --resume out to begin it")]
    Nothing(String),
    /// It was begun with another mailproof.
    #[error(
        "the plan in `{folder}` was begun with mailproof {found}, and this is {own}: their verdicts do not belong \
         together; go on with {found}, or begin anew with another --out"
    )]
    Version {
        /// Where.
        folder: String,
        /// What it was begun with.
        found: String,
        /// This one.
        own: &'static str,
    },
    /// The file of the plan is another one.
    #[error(
        "the plan has changed since it was begun in `{0}`; undo the change, or begin anew with another --out"
    )]
    Changed(String),
    /// The same plan comes to other cases.
    #[error(
        "the plan in `{0}` was begun with other scenarios than this mailproof has now; give the same --scenarios, or \
         begin anew with another --out"
    )]
    Scenarios(String),
    /// The file is damaged.
    #[error("`{folder}/{NAME}` cannot be used: {why}; begin anew with another --out")]
    Damaged {
        /// Where.
        folder: String,
        /// Why.
        why: String,
    },
    /// The folder cannot be read or written.
    #[error("cannot use `{folder}`: {source}")]
    Io {
        /// Where.
        folder: String,
        /// Why.
        source: io::Error,
    },
}

impl StateError {
    /// Whether the machine is to blame, and not what the user asked for.
    pub fn is_environment(&self) -> bool {
        matches!(self, StateError::Taken(_) | StateError::Io { .. })
    }
}

impl State {
    /// Takes the folder, which is made where it is not there, for as long as the value lives. `records` is the
    /// name of the file that a run leaves behind. Nothing is begun before [`State::remember`].
    ///
    /// # Errors
    /// [`StateError`] where somebody else has the folder, it does not fit `resume`, or what was begun in it does
    /// not fit the plan.
    pub fn open(
        folder: &Path,
        records: &str,
        resume: bool,
        plan: &Plan,
        stops: &Stops,
        fresh: impl FnOnce() -> Begun,
    ) -> Result<Self, StateError> {
        let shown = || text::line(&folder.display().to_string());
        let failed = |source| StateError::Io {
            folder: shown(),
            source,
        };
        let path = folder.join(NAME);
        if resume && !path.exists() {
            return Err(StateError::Nothing(shown()));
        }
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder).map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => StateError::Taken(shown()),
            _ => failed(error),
        })?;
        match (path.exists(), resume) {
            (true, false) => return Err(StateError::Begun(shown())),
            (false, _) if folder.join(records).exists() => return Err(StateError::Other(shown())),
            _ => {}
        }
        if resume {
            let begun = read(&path).map_err(|why| StateError::Damaged {
                folder: shown(),
                why,
            })?;
            fits(&begun, plan, stops, &shown())?;
            return Ok(Self {
                begun,
                resumed: true,
                folder: folder.to_owned(),
                _lock: lock,
            });
        }
        Ok(Self {
            begun: fresh(),
            resumed: false,
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// Writes down that the plan is begun; from then on it can be resumed.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn remember(&self) -> Result<(), FolderError> {
        let folder = Folder::open(&self.folder, "--out")?;
        let json = serde_json::to_string_pretty(&self.begun).map_err(io::Error::other);
        folder.replace(NAME, |file| file.write_all(json?.as_bytes()))
    }
}

impl Begun {
    /// A plan that begins now.
    pub fn fresh(plan: &Plan, stops: &Stops, seed: u64, now: String) -> Self {
        Self {
            v: VERSION,
            mailproof: env!("CARGO_PKG_VERSION").to_owned(),
            plan: fingerprint(plan),
            cases: stops.fingerprint(),
            seed,
            ports: numbers(plan, stops, seed),
            now,
        }
    }
}

fn read(path: &Path) -> Result<Begun, String> {
    let json = fs::read(path).map_err(|error| error.to_string())?;
    let begun: Begun = serde_json::from_slice(&json).map_err(|it| text::line(&it.to_string()))?;
    if begun.v > VERSION {
        return Err(format!(
            "it has version {}, and {VERSION} is known",
            begun.v
        ));
    }
    Ok(begun)
}

fn fits(begun: &Begun, plan: &Plan, stops: &Stops, folder: &str) -> Result<(), StateError> {
    if begun.mailproof != env!("CARGO_PKG_VERSION") {
        return Err(StateError::Version {
            folder: folder.to_owned(),
            found: text::line(&begun.mailproof),
            own: env!("CARGO_PKG_VERSION"),
        });
    }
    if begun.plan != fingerprint(plan) {
        return Err(StateError::Changed(folder.to_owned()));
    }
    if begun.cases != stops.fingerprint() {
        return Err(StateError::Scenarios(folder.to_owned()));
    }
    Ok(())
}

/// A number for every port that the plan uses: what it says, else one that is free now.
fn numbers(plan: &Plan, stops: &Stops, seed: u64) -> BTreeMap<PortRole, u16> {
    let used = |role: &&PortRole| stops.all.iter().any(|it| it.case.has_port(**role));
    let mut numbers = plan.ports.clone();
    let first = u16::try_from(seed % u64::from(PORTS)).unwrap_or(0);
    let mut free = (0..PORTS).map(|it| FIRST_PORT + (first + it) % PORTS);
    for role in PortRole::ALL.iter().filter(used) {
        if numbers.contains_key(role) {
            continue;
        }
        let taken: Vec<u16> = numbers.values().copied().collect();
        if let Some(number) = free.find(|it| !taken.contains(it) && is_free(*it)) {
            numbers.insert(*role, number);
        }
    }
    numbers
}

fn is_free(number: u16) -> bool {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, number));
    // A machine without IPv6 has nobody there either.
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, number));
    let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    v4.is_ok() && v6.as_ref().err().is_none_or(|it| !in_use(it))
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::library::Library;

    use super::*;

    const PLAN: &str = "title = \"x\"\n[[scenario]]\ncase = \"smtp/starttls/not-offered\"\n";
    const RECORDS: &str = "records.ndjson";

    fn planned(text: &str) -> (Plan, Stops) {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let plan = Plan::parse("p.toml", text).unwrap_or_else(|it| panic!("{it}"));
        let stops = Stops::of(&plan, &library, |_| None).unwrap_or_else(|it| panic!("{it}"));
        (plan, stops)
    }

    fn open(folder: &Path, resume: bool, text: &str) -> Result<State, StateError> {
        let (plan, stops) = planned(text);
        let fresh = || Begun::fresh(&plan, &stops, 7, "now".to_owned());
        let state = State::open(folder, RECORDS, resume, &plan, &stops, fresh)?;
        state.remember().unwrap_or_else(|error| panic!("{error}"));
        Ok(state)
    }

    #[test]
    fn what_was_begun_is_gone_on_with_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), false, PLAN).unwrap().begun;
        assert!(first.ports.values().all(|it| *it >= FIRST_PORT));
        let again = open(folder.path(), true, &format!("# a remark\n{PLAN}")).unwrap();
        assert!(again.resumed);
        assert_eq!(again.begun, first);
    }

    fn changed(change: impl FnOnce(&mut Begun), text: &str) -> StateError {
        let folder = tempfile::tempdir().unwrap();
        let mut begun = open(folder.path(), false, PLAN).unwrap().begun;
        change(&mut begun);
        let path = folder.path().join(NAME);
        fs::write(path, serde_json::to_vec(&begun).unwrap()).unwrap();
        open(folder.path(), true, text).unwrap_err()
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let version = changed(|it| it.mailproof = "0.0.9".to_owned(), PLAN);
        assert!(
            version.to_string().contains("begun with mailproof 0.0.9"),
            "{version}"
        );
        let other = PLAN.replace("\"x\"", "\"y\"");
        assert!(matches!(changed(|_| {}, &other), StateError::Changed(_)));
        let cases = changed(|it| it.cases = "0".to_owned(), PLAN);
        assert!(matches!(cases, StateError::Scenarios(_)));
        let newer = changed(|it| it.v = 99, PLAN);
        assert!(newer.to_string().contains("version 99"), "{newer}");
        assert!(!newer.is_environment());
    }

    #[test]
    fn a_folder_has_one_plan_and_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = open(&folder.path().join("no"), true, PLAN).unwrap_err();
        assert!(matches!(nothing, StateError::Nothing(_)));
        drop(open(folder.path(), false, PLAN).unwrap());
        // Another process; this one may name a folder twice.
        let held = fs::File::open(folder.path()).unwrap();
        held.try_lock().unwrap();
        let taken = open(folder.path(), true, PLAN).unwrap_err();
        assert!(matches!(taken, StateError::Taken(_)) && taken.is_environment());
        drop(held);
        assert!(matches!(
            open(folder.path(), false, PLAN).unwrap_err(),
            StateError::Begun(_)
        ));
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join(RECORDS), "").unwrap();
        assert!(matches!(
            open(other.path(), false, PLAN).unwrap_err(),
            StateError::Other(_)
        ));
    }

    #[test]
    fn the_plan_says_which_number_a_port_has() {
        let (plan, stops) = planned(&format!("{PLAN}[ports]\nsubmission = 2587\n"));
        assert_eq!(numbers(&plan, &stops, 7)[&PortRole::Submission], 2587);
    }
}
