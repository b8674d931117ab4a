//! Every chain as files, with an index for programs and one for people.
//!
//! Must not know how chains are made; what it says about a fault comes from the table.

use crate::{
    authority::Authority,
    chain::Chain,
    error::ExportError,
    fault::{Defect, Fault, OpensslError, Ruling, Verdicts},
    names::Names,
};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};
use time::format_description::well_known::Rfc3339;

const ROOT: &str = "root.pem";
const OTHER_ROOT: &str = "other-root.pem";

/// `index.toml`.
#[derive(Serialize)]
struct Index<'a> {
    made_at: String,
    names: Vec<String>,
    root: &'static str,
    other_root: &'static str,
    chain: Vec<Entry<'a>>,
}

/// One chain of the index.
#[derive(Serialize)]
struct Entry<'a> {
    fault: Fault,
    wrong: &'static str,
    defect: Defect,
    ruling: Ruling,
    clauses: &'static [&'static str],
    names: Vec<String>,
    chain: String,
    key: String,
    anchor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    staple: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crls: Option<String>,
    fingerprint: String,
    serial: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webpki: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openssl: Option<OpensslError>,
}

/// Writes every chain with its key, both roots, what a client is given beside them (another
/// anchor, revocation lists), and an index, into `dir`, which is made if it is not there. Files
/// of an earlier export are replaced.
///
/// A fault that cannot be shown with these names is shown with the nearest that do
/// ([`Names::fitting`]); the index says which. RSA keys are made for this, which takes some
/// seconds.
///
/// The index says of each chain what is wrong with it, which clause is at stake and which error
/// OpenSSL and webpki give; `index.toml` for programs, `index.md` for people. Keys of the
/// authorities are not written: nobody can sign anything else with what is on disk.
///
/// Returns the files in the order they were written.
///
/// # Errors
///
/// [`ExportError::Write`] names the file or folder that could not be written;
/// [`ExportError::Forge`] the chain that could not be made.
pub fn export(
    authority: &Authority,
    names: &Names,
    dir: &Path,
) -> Result<Vec<PathBuf>, ExportError> {
    let chains = Fault::ALL
        .iter()
        .map(|&fault| {
            let chain = authority.chain(fault, &names.fitting(fault.needs()));
            chain.map_err(|source| ExportError::Forge { fault, source })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let index = Index {
        made_at: made_at(authority),
        names: listed(names),
        root: ROOT,
        other_root: OTHER_ROOT,
        chain: chains.iter().map(|it| entry(authority, it)).collect(),
    };
    let toml = toml::to_string(&index).map_err(|source| ExportError::Index { source })?;

    fs::create_dir_all(dir).map_err(|source| ExportError::Write {
        path: dir.to_owned(),
        source,
    })?;
    let mut folder = Folder {
        dir,
        written: Vec::new(),
    };
    folder.public(ROOT, authority.root_pem())?;
    folder.public(OTHER_ROOT, authority.other_root_pem())?;
    for (chain, entry) in chains.iter().zip(&index.chain) {
        folder.public(&entry.chain, chain.sent_pem())?;
        folder.private(&entry.key, &chain.key_pem)?;
        if entry.anchor != ROOT {
            folder.public(&entry.anchor, chain.anchor_pem())?;
        }
        if let (Some(name), Some(staple)) = (&entry.staple, &chain.staple) {
            folder.public(name, staple)?;
        }
        if let Some(name) = &entry.crls {
            folder.public(name, chain.crls_pem())?;
        }
    }
    folder.public("index.toml", &toml)?;
    folder.public("index.md", for_people(&index))?;
    Ok(folder.written)
}

fn made_at(authority: &Authority) -> String {
    let now = authority.now().truncate_to_second();
    now.format(&Rfc3339).unwrap_or_else(|_| now.to_string())
}

fn listed(names: &Names) -> Vec<String> {
    let addresses = names.ip.iter().map(ToString::to_string);
    names.dns.iter().cloned().chain(addresses).collect()
}

fn entry<'a>(authority: &Authority, chain: &'a Chain) -> Entry<'a> {
    let fault = chain.fault;
    let trusted = chain.anchor == authority.root_der();
    let Verdicts {
        openssl,
        webpki,
        note,
    } = fault.verdicts();
    Entry {
        fault,
        wrong: fault.describe(),
        defect: fault.defect(),
        ruling: fault.ruling(),
        clauses: fault.clauses(),
        names: listed(&chain.names),
        chain: format!("{fault}.chain.pem"),
        key: format!("{fault}.key.pem"),
        anchor: if trusted {
            ROOT.to_owned()
        } else {
            format!("{fault}.anchor.pem")
        },
        staple: chain.staple.as_ref().map(|_| format!("{fault}.ocsp.der")),
        crls: (!chain.crls.is_empty()).then(|| format!("{fault}.crls.pem")),
        fingerprint: chain.fingerprint(),
        serial: &chain.serial,
        note,
        webpki,
        openssl,
    }
}

fn for_people(index: &Index<'_>) -> String {
    let mut page = format!(
        "# Test certificate chains\n\n\
         Made for {names} at {at}; all dates are relative to that time. These are test \
         certificates: never install `{ROOT}` where real traffic is verified.\n\n\
         - `{ROOT}`: the root a client is told to trust.\n\
         - `{OTHER_ROOT}`: a root it is not told to trust.\n\
         - `FAULT.chain.pem`: what the server sends, its own certificate first.\n\
         - `FAULT.key.pem`: the key the server signs with.\n\
         - `FAULT.anchor.pem`: the certificate a client is told to trust instead of `{ROOT}`.\n\
         - `FAULT.ocsp.der`: the OCSP response the server sends along.\n\
         - `FAULT.crls.pem`: the revocation lists a client is given.\n\n\
         The first two are in the form that servers load. Most servers compare key and \
         certificate and refuse the pair of `{wrong_key}` and of keys they do not know; they need \
         one that does not. Where the names above cannot show a fault, `index.toml` has the \
         names that it was made for.\n\n\
         The errors are those of OpenSSL 3 (code @ place in the chain) and of rustls with \
         webpki.\n\n\
         | fault | what is wrong | a client | clauses | openssl | webpki |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        names = index.names.join(", "),
        at = index.made_at,
        wrong_key = Fault::WrongKey,
    );
    for entry in &index.chain {
        let openssl = entry.openssl.map_or("accepts".to_owned(), |error| {
            format!("{} @ {} `{}`", error.code, error.depth, error.name)
        });
        let webpki = entry
            .webpki
            .map_or("accepts".to_owned(), |error| format!("`{error}`"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {openssl} | {webpki} |",
            entry.fault,
            entry.wrong,
            entry.ruling,
            entry.clauses.join("; "),
        );
    }
    let explained = index.chain.iter().filter_map(|entry| {
        let note = entry.note?;
        Some(format!("- `{}`: {note}\n", entry.fault))
    });
    page.push_str("\n## Where the verifiers need a word\n\n");
    page.extend(explained);
    page
}

/// The folder that is filled, and what is in it so far.
struct Folder<'a> {
    dir: &'a Path,
    written: Vec<PathBuf>,
}

impl Folder<'_> {
    fn public(&mut self, name: &str, octets: impl AsRef<[u8]>) -> Result<(), ExportError> {
        self.write(name, octets.as_ref(), &mut fs::OpenOptions::new())
    }

    /// For the owner's eyes only, where the system knows owners.
    fn private(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.write(name, text.as_bytes(), &mut options)
    }

    fn write(
        &mut self,
        name: &str,
        octets: &[u8],
        options: &mut fs::OpenOptions,
    ) -> Result<(), ExportError> {
        let path = self.dir.join(name);
        let options = options.write(true).create(true).truncate(true);
        let outcome = options
            .open(&path)
            .and_then(|mut file| file.write_all(octets));
        outcome.map_err(|source| ExportError::Write {
            path: path.clone(),
            source,
        })?;
        self.written.push(path);
        Ok(())
    }
}
