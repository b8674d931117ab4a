use crate::{AUTHORITY, HOST, NOW, chain};
use mailproof_certs::{ExportError, Fault, Names, export};
use pretty_assertions::assert_eq;
use std::{collections::BTreeSet, fs, path::Path};
use x509_parser::pem::Pem;

fn export_into(dir: &Path) -> Vec<String> {
    let written = export(&AUTHORITY, &Names::dns(HOST), dir).unwrap();
    let name = |path: std::path::PathBuf| path.strip_prefix(dir).unwrap().display().to_string();
    written.into_iter().map(name).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn blocks(path: &Path) -> Vec<Pem> {
    let text = read(path);
    let blocks = Pem::iter_from_buffer(text.as_bytes());
    blocks.map(|block| block.unwrap()).collect()
}

#[test]
fn all_files_are_reported_and_nothing_else_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let reported: BTreeSet<String> = export_into(dir.path()).into_iter().collect();
    let found: BTreeSet<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(reported, found);
    let of = |suffix: &str| found.iter().filter(|it| it.ends_with(suffix)).count();
    assert_eq!(of(".chain.pem"), Fault::ALL.len());
    assert_eq!(of(".key.pem"), Fault::ALL.len());
    let anchors = ["leaf-as-anchor", "ca-leaf-as-anchor", "expired-root"];
    for fault in anchors {
        assert!(found.contains(&format!("{fault}.anchor.pem")), "{fault}");
    }
    assert_eq!(of(".anchor.pem"), anchors.len());
    assert_eq!((of(".ocsp.der"), of(".crls.pem")), (11, 4));
}

#[test]
fn an_earlier_export_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let first = export_into(dir.path());
    fs::write(dir.path().join("index.md"), "x".repeat(100_000)).unwrap();
    assert_eq!(export_into(dir.path()), first);
    assert!(read(&dir.path().join("index.md")).starts_with("# Test certificate chains\n"));
}

#[test]
fn certificates_and_keys_can_be_read_back() {
    let dir = tempfile::tempdir().unwrap();
    export_into(dir.path());
    for name in ["root.pem", "other-root.pem"] {
        let root = &blocks(&dir.path().join(name))[0];
        assert!(root.parse_x509().unwrap().is_ca(), "{name}");
    }
    for &fault in Fault::ALL {
        let sent = blocks(&dir.path().join(format!("{fault}.chain.pem")));
        let chain = chain(fault);
        assert_eq!(sent.len(), chain.sent.len());
        for (block, der) in sent.iter().zip(&chain.sent) {
            assert_eq!(block.contents, der.as_ref());
        }
        let key = blocks(&dir.path().join(format!("{fault}.key.pem")));
        assert_eq!(key[0].label, "PRIVATE KEY");
    }
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    export_into(dir.path());
    let key = fs::metadata(dir.path().join("valid.key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_index_for_programs_lists_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    export_into(dir.path());
    let index: toml::Table = read(&dir.path().join("index.toml")).parse().unwrap();
    assert_eq!(index["made_at"].as_str(), Some("2041-02-28T23:30:00Z"));
    assert_eq!(AUTHORITY.now(), NOW);
    assert_eq!(index["names"], toml::Value::from(vec![HOST]));
    let chains = index["chain"].as_array().unwrap();
    assert_eq!(chains.len(), Fault::ALL.len());
    for (entry, fault) in chains.iter().zip(Fault::ALL) {
        assert_eq!(entry["fault"].as_str(), Some(fault.name()));
        assert_eq!(entry["wrong"].as_str(), Some(fault.describe()));
        for key in ["chain", "key"] {
            assert!(dir.path().join(entry[key].as_str().unwrap()).is_file());
        }
        let openssl = entry.get("openssl").map(|error| error["code"].as_integer());
        let expected = fault
            .verdicts()
            .openssl
            .map(|error| Some(error.code.into()));
        assert_eq!(openssl, expected, "{fault}");
    }
}

#[test]
fn the_index_for_people_lists_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    export_into(dir.path());
    let page = read(&dir.path().join("index.md"));
    for fault in Fault::ALL {
        let row = format!(
            "| `{fault}` | {} | {} | RFC ",
            fault.describe(),
            fault.ruling()
        );
        assert!(page.contains(&row), "{fault}\n{page}");
    }
    assert!(
        page.contains("| 10 @ 1 `X509_V_ERR_CERT_HAS_EXPIRED` | `Expired` |"),
        "{page}"
    );
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("not-a-folder");
    fs::write(&file, "").unwrap();
    let refusal = export(&AUTHORITY, &Names::dns(HOST), &file).unwrap_err();
    assert!(matches!(&refusal, ExportError::Write { path, .. } if *path == file));
    assert_eq!(
        refusal.to_string(),
        format!("cannot write {}", file.display())
    );
}
