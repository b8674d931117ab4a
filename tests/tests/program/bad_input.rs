//! What a user gets wrong, and what the machine lacks.

use std::fs;

use mailproof_tests::program::mailproof;
use test_case::test_case;

#[test_case(&["explain", "cert/trust/self-sined"], "did you mean `cert/trust/self-signed`"; "explain an unknown id")]
#[test_case(&["show", "cert/trust/self-sined"], "did you mean `cert/trust/self-signed`"; "show an unknown id")]
#[test_case(&["run", "reference", "-i", "cert/trust/self-sined"], "did you mean `cert/trust/self-signed`"; "run an unknown id")]
#[test_case(&["list", "-i", "kind:fautl"], "fault"; "an unknown kind")]
#[test_case(&["run", "crul"], "did you mean `curl`"; "an unknown adapter")]
#[test_case(&["runn"], "run"; "an unknown command")]
#[test_case(&["run", "--shard", "3/2"], "3/2"; "no such shard")]
#[test_case(&["run", "--expect", "/no/such/file"], "/no/such/file"; "no such file of expectations")]
#[test_case(&["rejudge", "/no/such/folder"], "/no/such/folder"; "no such folder of records")]
fn a_wrong_command_line_is_explained(arguments: &[&str], hint: &str) {
    let ended = mailproof(arguments);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_wrong_adapter_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, "name = \"mine\"\ntitel = \"Mine\"\n").unwrap();
    let path = path.to_str().unwrap();
    let ended = mailproof(&["run", path]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains(&format!("{path}:2:1: unknown field `titel`")),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_wrong_scenario_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    fs::write(&path, "id = \"own/mine\"\ntitel = \"Mine\"\n").unwrap();
    for arguments in [
        ["lint", path.to_str().unwrap()].as_slice(),
        &[
            "run",
            "reference",
            "--scenarios",
            folder.path().to_str().unwrap(),
        ],
    ] {
        let ended = mailproof(arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for part in [
            "mine.toml:2:1",
            "unknown field `titel`",
            "did you mean `title`?",
        ] {
            assert!(ended.stderr.contains(part), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_missing_program_is_told_with_how_to_install_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ghost.toml");
    let text = "name = \"ghost\"\ntitle = \"Ghost\"\nrole = \"client\"\n\
                program = \"no-such-mail-client\"\ninstall = \"apt install ghost\"\ntimeout = \"1s\"\n\
                [settings.security]\nimplicit = []\n[settings.trust]\nca = []\n\
                [settings.auth]\npassword = []\n\
                [job.send]\nrun = [\"no-such-mail-client\"]\n[exit]\nsuccess = [0]\n";
    fs::write(&path, text).unwrap();
    let ended = mailproof(&["run", path.to_str().unwrap()]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    for part in ["no-such-mail-client", "apt install ghost"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for out in [
        file.as_path(),
        &file.join("below"),
        "/proc/mailproof".as_ref(),
    ] {
        for option in ["--out", "--evidence"] {
            let ended = mailproof(&["run", "reference", option, out.to_str().unwrap()]);
            assert_eq!(ended.code, Some(3), "{ended:?}");
            assert!(ended.stderr.contains("cannot write"), "{}", ended.stderr);
            assert_eq!(ended.stdout, "");
        }
    }
}

#[test]
fn nothing_ran_is_no_success() {
    let ended = mailproof(&["run", "reference", "--include", "needs:ports"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.contains("ran 0 of"), "{}", ended.stdout);
    let said = ended
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.contains("only the lab has"), "{said}");
}

#[test]
fn less_than_was_required_is_no_success() {
    let run = |require| {
        mailproof(&[
            "run",
            "reference",
            "-i",
            "smtp/greeting/554",
            "--require",
            require,
        ])
        .code
    };
    assert_eq!(run("2"), Some(0));
    assert_eq!(run("3"), Some(4));
    assert_eq!(run("smtp/greeting/554#smtp-*"), Some(0));
    assert_eq!(run("imap/**"), Some(4));
}
