//! `--evidence`: what Wireshark's own reader makes of the files.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use mailproof_tests::program::{is_installed, mailproof};
use test_case::test_case;

/// Runs the reference client on some cases and leaves evidence and records.
fn run(includes: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (evidence, out) = (folder.path().join("evidence"), folder.path().join("out"));
    let mut arguments = vec!["run", "reference", "--quiet", "--seed", "1"];
    arguments.extend(["--evidence", evidence.to_str().unwrap()]);
    arguments.extend(["--out", out.to_str().unwrap()]);
    for include in includes {
        arguments.extend(["--include", include]);
    }
    let ended = mailproof(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    folder
}

/// The files with that extension, by name.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|it| it.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort();
    files
}

/// What tshark shows of a file's packets that fit a filter.
fn tshark(file: &Path, filter: &str) -> String {
    let output = Command::new("tshark")
        .args([
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "ip.check_checksum:TRUE",
        ])
        .args(["-Y", filter, "-r"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const WRONG: &str =
    "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.flags";

#[test_case("tls/version/tls12-only", "TLSv1.2"; "TLS 1.2")]
#[test_case("tls/version/tls13-only", "TLSv1.3"; "TLS 1.3")]
fn wireshark_reads_what_was_said_inside_tls(scenario: &str, version: &str) {
    if !is_installed("tshark") {
        return;
    }
    let folder = run(&[scenario]);
    let evidence = folder.path().join("evidence");
    let mut smtp = 0;
    let mut imap = 0;
    for file in files(&evidence, "pcapng") {
        let shown = file.display();
        assert_eq!(tshark(&file, WRONG), "", "{shown}");
        let all = tshark(&file, "frame");
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("control") {
            assert!(all.contains(version), "{shown}: {all}");
            assert_ne!(tshark(&file, "frame.comment contains \"deviation 0\""), "");
        }
        let signs_in = tshark(&file, "tls && smtp.req.command == \"AUTH\"");
        if all.contains("SMTP") {
            smtp += 1;
            assert!(signs_in.contains("C: AUTH PLAIN"), "{shown}: {all}");
            assert_ne!(
                tshark(&file, "tls && smtp.req.command == \"EHLO\""),
                "",
                "{shown}"
            );
        } else {
            imap += 1;
            let signs_in = tshark(
                &file,
                "tls && imap.request.command in {\"LOGIN\", \"AUTHENTICATE\"}",
            );
            assert_ne!(signs_in, "", "{shown}: {all}");
        }
    }
    assert!(smtp >= 4 && imap >= 4, "{smtp} and {imap}");
}

#[test]
fn wireshark_reads_what_is_no_session() {
    if !is_installed("tshark") {
        return;
    }
    let includes = [
        "net/connect/refused",
        "cert/trust/self-signed",
        "imap/starttls/tls-fails-after-ok",
    ];
    let folder = run(&includes);
    let files = files(&folder.path().join("evidence"), "pcapng");
    assert!(files.len() > 10);
    for file in &files {
        // A reset is what some of these are about.
        let wrong = tshark(file, &format!("({WRONG}) && !tcp.flags.reset == 1"));
        assert_eq!(wrong, "", "{}", file.display());
    }
}

#[test]
fn every_case_has_a_capture_and_a_transcript_and_records_give_them_again() {
    let folder = run(&[
        "cert/trust/self-signed#smtp-*",
        "tls/version/tls12-only#imap-implicit",
    ]);
    let first = folder.path().join("evidence");
    let again = folder.path().join("again");
    let ended = mailproof(&[
        "rejudge",
        folder.path().join("out").to_str().unwrap(),
        "--quiet",
        "--evidence",
        again.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Three cases and the control of each.
    for (extension, magic) in [("pcapng", &b"\x0a\x0d\x0d\x0a"[..]), ("txt", b"case ")] {
        let files = files(&first, extension);
        assert_eq!(files.len(), 6);
        for file in files {
            let octets = fs::read(&file).unwrap();
            assert!(octets.starts_with(magic));
            assert_eq!(
                octets,
                fs::read(again.join(file.file_name().unwrap())).unwrap()
            );
        }
    }
}
