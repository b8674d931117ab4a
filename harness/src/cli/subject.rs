//! The subject that the user named, ready to be run, or why it is not.

use std::{path::Path, sync::Arc};

use mailproof_mock_servers::world::Place;
use mailproof_scenarios::library::Library;
use time::OffsetDateTime;

use super::Failure;
use crate::{
    adapter::{self, Adapter, FindError, Kind},
    lab,
    reach::{Anchor, Setting, Wish},
    report::text,
    runner,
    session::{At, Session},
    units,
};

/// The subject that is run where nobody names one.
pub(super) const DEFAULT: &str = "embedded";

/// Finds an adapter by name or path, and its program.
///
/// # Errors
/// [`Failure`] of usage where there is no such adapter or it is wrong, of the environment where its program
/// is not installed.
pub(super) fn find(name: Option<&str>) -> Result<Arc<Adapter>, Failure> {
    let adapter = read(name.unwrap_or(DEFAULT))?;
    adapter
        .check_program()
        .map_err(|missing| Failure::environment(text::line(&missing.to_string())))?;
    if let Kind::Remote(_) = adapter.kind {
        is_there(&adapter)?;
    }
    Ok(Arc::new(adapter))
}

/// The adapter alone, whether its program is there or not.
///
/// # Errors
/// [`Failure`] of usage where there is none or it is wrong.
pub(super) fn read(name: &str) -> Result<Adapter, Failure> {
    adapter::find(name).map_err(|error| match &error {
        FindError::Wrong(_) | FindError::Unknown { .. } => {
            Failure::usage(text::block(&error.to_string()))
        }
        FindError::Unreadable { .. } => Failure::usage(text::line(&error.to_string())),
    })
}

/// A product that nobody answers for is no product to judge.
fn is_there(adapter: &Adapter) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(error.to_string()))?;
    runtime
        .block_on(runner::is_there(adapter))
        .map_err(|why| Failure::environment(text::line(&why)))
}

/// A session with the defaults of every command.
pub(super) fn session(
    name: Option<&str>,
    adapter: Arc<Adapter>,
    library: &Library,
    lab: bool,
    seed: u64,
) -> Session {
    let name = name.unwrap_or(DEFAULT);
    let at = match (&adapter.kind, lab) {
        (_, true) => At::Lab,
        (Kind::Embedded { .. }, false) => At::Workers,
        (_, false) => At::Here,
    };
    Session {
        adapter_name: absolute(name),
        adapter,
        personas: Arc::new(library.personas().clone()),
        at,
        seed,
        now: OffsetDateTime::now_utc(),
        timeout: None,
        jobs: 1,
        reach: Setting::default(),
    }
}

/// Where the servers are reached and whose chains they present, which is tried.
///
/// # Errors
/// [`Failure`] of usage where a word or a file is wrong, or the lab is asked for as well: it has no way in.
pub(super) fn reach(wish: &Wish, lab: bool) -> Result<Setting, Failure> {
    let setting = wish
        .resolve()
        .map_err(|error| Failure::usage(text::line(&error.to_string())))?;
    if lab && setting.reach.is_some() {
        let message = "the lab cannot be reached from elsewhere: --lab does not go with --bind, --advertise, \
                       --port-map or --allow-from";
        return Err(Failure::usage(message));
    }
    // What is forged anew needs no try.
    if setting.anchor != Anchor::Fresh {
        let place = setting.place(if lab { Place::Lab } else { Place::Loopback });
        drop(
            setting
                .anchor
                .authority(&place, OffsetDateTime::now_utc())?,
        );
    }
    Ok(setting)
}

/// Why there is no lab, where one was asked for and cannot be had.
pub(super) fn no_lab(asked: bool) -> Option<String> {
    asked.then(lab::probe)?.err()
}

/// Why there is none for this subject.
pub(super) fn no_lab_for(asked: bool, adapter: &Adapter) -> Option<String> {
    match adapter.kind {
        Kind::Remote(_) if asked => Some(
            "a product that hooks operate is outside of the lab and cannot reach it".to_owned(),
        ),
        _ => no_lab(asked),
    }
}

fn absolute(name: &str) -> String {
    let path = units::is_path(name)
        .then(|| Path::new(name).canonicalize().ok())
        .flatten();
    path.map_or_else(|| name.to_owned(), |it| it.display().to_string())
}
