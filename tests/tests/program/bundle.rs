//! A run as a signed bundle, taken to somebody else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use mailproof_tests::program::{Ended, is_installed, mailproof};

const CASE: &str = "cert/trust/self-signed";

const KNOWN: &str = r#"
[[expect]]
case = "cert/trust/self-signed"
outcome = "FAIL"
reason = [
  "never-data-to-untrusted-peer", "never-credential-to-untrusted-peer", "not-completed",
  "no-secret-outside-allowed-channel",
]
because = "it is promised"
"#;

/// A folder with a key, and a bundle of a run that fails as is expected.
struct Vendor {
    folder: tempfile::TempDir,
}

impl Vendor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vendor = Self { folder };
        assert_eq!(
            mailproof(&["key", "new", &vendor.path("vendor.pem")]).code,
            Some(0)
        );
        fs::write(vendor.path("statement.txt"), "We make a CRM.\n").unwrap();
        fs::write(vendor.path("known.toml"), KNOWN).unwrap();
        vendor
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, subject: &str, more: &[&str]) -> Ended {
        let (bundle, key) = (self.path("a.bundle"), self.path("vendor.pem"));
        let mut arguments = vec!["run", subject, "-i", CASE, "-q", "--seed", "1"];
        arguments.extend(["--bundle", &bundle, "--sign-key", &key]);
        arguments.extend(more);
        mailproof(&arguments)
    }

    fn verify(&self, more: &[&str]) -> Ended {
        let bundle = self.path("a.bundle");
        let mut arguments = vec!["verify", bundle.as_str()];
        arguments.extend(more);
        mailproof(&arguments)
    }
}

#[test]
fn a_bundle_verifies_elsewhere_and_one_changed_octet_is_told() {
    let vendor = Vendor::new();
    let statement = vendor.path("statement.txt");
    let out = vendor.path("out");
    let ended = vendor.run("reference", &["--statement", &statement, "--out", &out]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let ended = vendor.verify(&[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("only --key or --fingerprint proves"),
        "{ended:?}"
    );
    let public = vendor.path("vendor.pem.pub");
    let ended = vendor.verify(&["--key", &public]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("the key that you gave"), "{ended:?}");

    let shown = mailproof(&["key", "show", &public]).stdout;
    let fingerprint = shown.trim();
    let told = vendor.verify(&["--fingerprint", fingerprint, "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["verified"], true);
    assert_eq!(told["signer_is_proved"], true);
    assert_eq!(
        format!("SHA256:{}", told["signer"].as_str().unwrap()),
        fingerprint
    );

    let other = mailproof(&["key", "new", &vendor.path("other.pem")]);
    assert_eq!(other.code, Some(0));
    let ended = vendor.verify(&["--key", &vendor.path("other.pem.pub")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("it is signed by"), "{ended:?}");

    let path = vendor.path("a.bundle");
    let whole = fs::read(&path).unwrap();
    // In the first file behind the manifest, its signature and the key: the records.
    let at = whole
        .windows(17)
        .position(|it| it == b"records.ndjson.gz")
        .unwrap();
    let at = at
        + whole[at + 17..]
            .windows(17)
            .position(|it| it == b"records.ndjson.gz")
            .unwrap()
        + 17;
    let mut changed = whole.clone();
    changed[at + 1024] ^= 1;
    fs::write(&path, &changed).unwrap();
    let ended = vendor.verify(&[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in ["`records.ndjson.gz` was changed", "should be", "and is"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let told = vendor.verify(&["--format", "json"]);
    assert_eq!(told.code, Some(2));
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["verified"], false);
    fs::write(&path, &whole).unwrap();

    // From the folder of the same run it is the same to the octet.
    let again = vendor.path("b.bundle");
    let key = vendor.path("vendor.pem");
    let ended = mailproof(&[
        "bundle",
        &out,
        "--out",
        &again,
        "--sign-key",
        &key,
        "--statement",
        &statement,
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(fs::read(&again).unwrap() == whole, "another bundle");
}

#[test]
fn openssl_proves_the_signature_and_sha256sum_the_files() {
    if !["openssl", "tar", "sha256sum"]
        .into_iter()
        .all(is_installed)
    {
        return;
    }
    let vendor = Vendor::new();
    let plain = |program: &str, arguments: &[&str]| -> Ended {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(vendor.folder.path());
        command.output().unwrap().into()
    };
    // A key that OpenSSL made is as good as one of ours.
    let made = plain(
        "openssl",
        &["genpkey", "-algorithm", "ed25519", "-out", "vendor.pem"],
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(vendor.run("reference", &[]).code, Some(0));
    assert_eq!(plain("tar", &["xf", "a.bundle"]).code, Some(0));
    let proved = plain(
        "openssl",
        &[
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "signer.pem",
            "-rawin",
            "-in",
            "manifest.json",
            "-sigfile",
            "manifest.sig",
        ],
    );
    assert_eq!(proved.code, Some(0), "{proved:?}");
    let manifest = fs::read(vendor.path("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let sum = plain("sha256sum", &[file["name"].as_str().unwrap()]).stdout;
        assert!(sum.starts_with(file["sha256"].as_str().unwrap()), "{sum}");
    }
}

#[test]
fn a_bundle_does_not_know_what_was_expected() {
    let vendor = Vendor::new();
    let known = vendor.path("known.toml");
    let ended = vendor.run("accepts-everything", &["--expect", &known]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = vendor.verify(&["--format", "json"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(!told.stdout.contains("promised"), "{}", told.stdout);
    assert!(told.stdout.contains("\"FAIL\": 4"), "{}", told.stdout);
}

fn wrong(arguments: &[&str], hint: &str) {
    let ended = mailproof(arguments);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
}

#[test]
fn what_is_wrong_is_told_before_anything_runs() {
    let vendor = Vendor::new();
    let (bundle, key) = (vendor.path("a.bundle"), vendor.path("vendor.pem"));
    let known = vendor.path("known.toml");
    wrong(&["run", "--bundle", &bundle], "--sign-key");
    wrong(
        &["run", "--bundle", &bundle, "--sign-key", &known],
        "is no private key",
    );
    wrong(
        &["run", "--bundle", &bundle, "--sign-key", "/no/such/key"],
        "/no/such/key",
    );
    wrong(&["verify", &known], "no bundle");
    wrong(&["verify", "/no/such/bundle"], "/no/such/bundle");
    wrong(&["verify", &known, "--key", &key], "is no public key");
    wrong(&["verify", &known, "--fingerprint", "12"], "64 digits");
    wrong(&["key", "new", &key], "is there already");
    assert!(!Path::new(&bundle).exists());
    let left: Vec<PathBuf> = fs::read_dir(vendor.folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.to_str().unwrap().contains("part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
