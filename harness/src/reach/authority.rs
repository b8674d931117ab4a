//! Whose chains the servers present: a fresh authority, a stored one, or a chain that the user brings along. And
//! the files of a stored one.
//!
//! Must not know worlds.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use mailproof_certs::{Authority, Fault, OwnChain, StoredRoot};
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::Host;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::units;

/// The certificate of a stored authority in PEM.
pub const CERTIFICATE: &str = "mailproof-ca.pem";

/// The same in DER.
const CERTIFICATE_DER: &str = "mailproof-ca.der";

/// Its key, which nobody else may read.
pub const KEY: &str = "mailproof-ca.key";

/// How to install it, and how to remove it again.
pub const INSTALL: &str = "INSTALL.md";

/// Whose chains the servers present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchor {
    /// An authority of this run.
    #[default]
    Fresh,
    /// The authority in this folder, made by `mailproof ca init`.
    Stored(PathBuf),
    /// An authority of this run that nobody trusts, and this chain where nothing is wrong.
    Own {
        /// The chain.
        chain: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// Why there is no authority to be had.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// A file that the user named is wrong, or does not fit.
    #[error("{0}")]
    Wrong(String),
    /// Something else fails.
    #[error("{0}")]
    Environment(String),
}

impl Anchor {
    /// The authority, checked for a server at `place` and the time `now`.
    ///
    /// # Errors
    /// [`AnchorError`] where a file cannot be read or used, something is not valid now, or not for the names of
    /// the place.
    pub fn authority(&self, place: &Place, now: OffsetDateTime) -> Result<Authority, AnchorError> {
        let forged =
            |error: mailproof_certs::ForgeError| AnchorError::Environment(error.to_string());
        let names = place.names_of(Host::Name);
        match self {
            Anchor::Fresh => Authority::fresh(now).map_err(forged),
            Anchor::Stored(folder) => {
                let root = load(folder)?;
                let wrong = |error: &dyn std::fmt::Display| {
                    AnchorError::Wrong(format!("{}: {error}", folder.display()))
                };
                root.check(now).map_err(|error| wrong(&error))?;
                let may = root.territory.clone();
                let authority = Authority::with_root(root, now).map_err(forged)?;
                match authority.outside(Fault::Valid, &names) {
                    None => Ok(authority),
                    Some(name) => {
                        let ip = may.ip.iter().map(ToString::to_string);
                        let may: Vec<String> = may.dns.into_iter().chain(ip).collect();
                        Err(wrong(&format!(
                            "the authority may not name `{name}`, by which the server is known, only {}; make \
                             another one: mailproof ca init DIR --for {name}",
                            may.join(", ")
                        )))
                    }
                }
            }
            Anchor::Own { chain, key } => {
                let wrong = |error: mailproof_certs::OwnError| {
                    AnchorError::Wrong(format!("{}: {error}", chain.display()))
                };
                let own = OwnChain::read(&read(chain)?, &read(key)?).map_err(wrong)?;
                own.check(&names, now).map_err(wrong)?;
                Authority::with_own_chain(own, now).map_err(forged)
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, AnchorError> {
    fs::read(path)
        .map_err(|error| AnchorError::Wrong(format!("cannot read {}: {error}", path.display())))
}

/// The authority of a folder. Whether it is valid now is not asked.
fn load(folder: &Path) -> Result<StoredRoot, AnchorError> {
    if !folder.is_dir() {
        return Err(AnchorError::Wrong(format!(
            "`{}` is no folder with an authority; `mailproof ca init DIR` makes one",
            folder.display()
        )));
    }
    let key_file = folder.join(KEY);
    let certificate = read(&folder.join(CERTIFICATE))?;
    let key = read(&key_file)?;
    let mode = fs::metadata(&key_file).map_or(0, |it| it.mode() & 0o777);
    if mode & 0o077 != 0 {
        return Err(AnchorError::Wrong(format!(
            "{} can be read by others (mode {mode:03o}), who could forge certificates that your clients trust. If \
             it was only you so far: chmod 600 {}",
            key_file.display(),
            key_file.display()
        )));
    }
    let key = String::from_utf8_lossy(&key);
    StoredRoot::load(&certificate, &key)
        .map_err(|error| AnchorError::Wrong(format!("{}: {error}", folder.display())))
}

/// Writes an authority into a folder, which is made if it is not there.
///
/// # Errors
/// In words, where a file of it is there already or cannot be written.
pub fn store(root: &StoredRoot, folder: &Path) -> Result<(), AnchorError> {
    let cannot = |path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => AnchorError::Wrong(format!(
            "{} is there already; an authority is never overwritten. Choose another folder, or remove it from \
             every client first and then the folder",
            path.display()
        )),
        _ => AnchorError::Environment(format!("cannot write {}: {error}", path.display())),
    };
    let files = [
        (KEY, 0o600, root.key_pem.clone().into_bytes()),
        (CERTIFICATE, 0o644, root.certificate_pem().into_bytes()),
        (CERTIFICATE_DER, 0o644, root.certificate.clone()),
        (INSTALL, 0o644, install(root).into_bytes()),
    ];
    for (name, ..) in &files {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(cannot(&path, io::ErrorKind::AlreadyExists.into()));
        }
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| cannot(folder, error))?;
    for (name, mode, octets) in files {
        let path = folder.join(name);
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .and_then(|mut file| file.write_all(&octets))
            .map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}

fn install(root: &StoredRoot) -> String {
    let day = |it: OffsetDateTime| it.date().to_string();
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &root.certificate);
    let dns = root
        .territory
        .dns
        .iter()
        .map(|it| format!("{it} and below"));
    let ip = root.territory.ip.iter().map(ToString::to_string);
    let may: Vec<String> = dns.chain(ip).collect();
    include_str!("install.md")
        .replace("{name}", &root.common_name)
        .replace("{from}", &day(root.from))
        .replace("{until}", &day(root.until))
        .replace("{sha256}", &units::fingerprint(&root.certificate))
        .replace("{sha1}", &units::pairs(sha1.as_ref()))
        .replace(
            "{thumbprint}",
            &units::pairs(sha1.as_ref()).replace(':', ""),
        )
        .replace("{may}", &may.join(", "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use mailproof_certs::Territory;

    use super::*;

    fn root(now: OffsetDateTime, name: &str) -> StoredRoot {
        let territory = Territory {
            dns: vec![name.to_owned()],
            ip: Vec::new(),
        };
        StoredRoot::fresh(now, 30, territory).unwrap()
    }

    fn refused(folder: &Path, now: OffsetDateTime) -> String {
        let anchor = Anchor::Stored(folder.to_owned());
        match anchor.authority(&Place::Loopback, now) {
            Err(AnchorError::Wrong(why)) => why,
            Err(AnchorError::Environment(why)) => panic!("{why}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    #[test]
    fn what_is_stored_is_used_and_never_overwritten() {
        let now = OffsetDateTime::now_utc();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("ca");
        store(&root(now, "localhost"), &folder).unwrap();
        let mode = fs::metadata(folder.join(KEY)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let authority = Anchor::Stored(folder.clone())
            .authority(&Place::Loopback, now)
            .unwrap();
        let pem = fs::read_to_string(folder.join(CERTIFICATE)).unwrap();
        assert_eq!(authority.root_pem(), pem);
        let again = store(&root(now, "localhost"), &folder).unwrap_err();
        assert!(matches!(again, AnchorError::Wrong(_)), "{again}");
        assert_eq!(fs::read_to_string(folder.join(CERTIFICATE)).unwrap(), pem);
        let notes = fs::read_to_string(folder.join(INSTALL)).unwrap();
        assert!(
            notes.contains(&units::fingerprint(&authority.root_der())),
            "{notes}"
        );
        assert!(!notes.contains('{'), "{notes}");
    }

    #[test]
    fn what_is_wrong_with_it_is_told() {
        let now = OffsetDateTime::now_utc();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(refused(&path.join("none"), now).contains("ca init"));
        store(&root(now, "localhost"), path).unwrap();
        let late = refused(path, now + time::Duration::days(31));
        assert!(late.contains("was valid until"), "{late}");
        let early = refused(path, now - time::Duration::days(2));
        assert!(early.contains("is valid from"), "{early}");
        fs::set_permissions(path.join(KEY), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(refused(path, now).contains("chmod 600"));
        fs::set_permissions(path.join(KEY), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path.join(KEY), root(now, "localhost").key_pem).unwrap();
        assert!(refused(path, now).contains("not that of the certificate"));
    }

    #[test]
    fn a_name_that_it_may_not_name() {
        let now = OffsetDateTime::now_utc();
        let folder = tempfile::tempdir().unwrap();
        store(&root(now, "firma.test"), folder.path()).unwrap();
        let why = refused(folder.path(), now);
        assert!(why.contains("may not name `localhost`"), "{why}");
    }
}
