//! `mailproof key`: keys that sign bundles.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write},
    path::Path,
};

use crate::{
    bundle::{PublicKey, SigningKey},
    cli::{Failure, args::KeyCommand, remark},
    exit::Exit,
    report::text,
};

/// The largest key file that is read.
const LARGEST: u64 = 64 << 10;

pub(crate) fn execute(command: &KeyCommand, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        KeyCommand::New(args) => new(&args.file, stdout),
        KeyCommand::Show(args) => {
            let key = match (public(&args.file), signing_key(&args.file)) {
                (Ok(key), _) => key,
                (_, Ok(key)) => key.public(),
                (Err(failure), Err(_)) => return Err(failure),
            };
            writeln!(stdout, "SHA256:{}", key.fingerprint())?;
            stdout.flush()?;
            Ok(Exit::AsExpected)
        }
    }
}

fn new(file: &Path, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let beside = file.with_added_extension("pub");
    let shown = |path: &Path| text::line(&path.display().to_string());
    if let Some(path) = [file, &beside].into_iter().find(|it| it.exists()) {
        return Err(Failure::usage(format!(
            "`{}` is there already, and keys are not overwritten",
            shown(path)
        )));
    }
    let key = SigningKey::fresh().map_err(|error| Failure::environment(error.to_string()))?;
    let pem = key
        .to_pem()
        .map_err(|error| Failure::environment(error.to_string()))?;
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::environment(format!("cannot write `{}`: {error}", shown(path)))
    };
    write_new(file, &pem, 0o600).map_err(|error| cannot(file, error))?;
    write_new(&beside, &key.public().to_pem(), 0o644).map_err(|error| {
        // A private key without its public part would be in the way of the next attempt.
        let _ = fs::remove_file(file);
        cannot(&beside, error)
    })?;
    writeln!(
        stdout,
        "{} signs bundles: keep it to yourself.\n{} proves them: publish it, or its fingerprint:\nSHA256:{}",
        shown(file),
        shown(&beside),
        key.public().fingerprint()
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The key in a file of `--sign-key`.
pub(super) fn signing_key(path: &Path) -> Result<SigningKey, Failure> {
    let key = SigningKey::from_pem(&read(path)?).map_err(|error| wrong(path, &error))?;
    #[cfg(unix)]
    if let Ok(about) = fs::metadata(path) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
        if mode & 0o077 != 0 {
            let shown = text::line(&path.display().to_string());
            remark(&format!(
                "`{shown}` is not only yours to read; `chmod 600` makes it so"
            ));
        }
    }
    Ok(key)
}

/// The key in a file of `--key`.
pub(super) fn public(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::from_pem(&read(path)?).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &crate::bundle::KeyError) -> Failure {
    let shown = text::line(&path.display().to_string());
    Failure::usage(format!("`{shown}` {error}"))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|it| it.take(LARGEST).read_to_end(&mut octets));
    read.map_err(|error| {
        let shown = text::line(&path.display().to_string());
        Failure::usage(format!("cannot read `{shown}`: {error}"))
    })?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_private_and_never_written_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vendor.pem");
        let mut said = Vec::new();
        new(&file, &mut said).unwrap();
        let key = signing_key(&file).unwrap();
        let beside = dir.path().join("vendor.pem.pub");
        assert_eq!(public(&beside).unwrap(), key.public());
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains(&key.public().fingerprint()), "{said}");
        #[cfg(unix)]
        {
            let mode = fs::metadata(&file).unwrap().permissions();
            let mode = std::os::unix::fs::PermissionsExt::mode(&mode);
            assert_eq!(mode & 0o777, 0o600);
        }
        let before = fs::read(&file).unwrap();
        assert_eq!(new(&file, &mut Vec::new()).unwrap_err().exit, Exit::Usage);
        fs::remove_file(&file).unwrap();
        assert_eq!(new(&file, &mut Vec::new()).unwrap_err().exit, Exit::Usage);
        assert!(!file.exists());
        assert!(!before.is_empty());
    }
}
