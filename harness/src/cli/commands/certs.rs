//! `mailproof certs export`: the test chains as files.

use std::{io::Write, net::IpAddr};

use mailproof_certs::{Authority, Names};
use time::OffsetDateTime;

use crate::{
    cli::{Failure, args::ExportArgs},
    exit::Exit,
    report::text,
};

pub(crate) fn execute(args: &ExportArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let names = names(&args.host);
    let now = OffsetDateTime::now_utc();
    let authority = Authority::fresh(now).map_err(|error| Failure::environment(chain(&error)))?;
    let written = mailproof_certs::export(&authority, &names, &args.dir).map_err(|error| {
        let message = text::line(&chain(&error));
        match error {
            // The one thing that the user can get wrong here is a name.
            mailproof_certs::ExportError::Forge { .. } => Failure::usage(message),
            _ => Failure::environment(message),
        }
    })?;
    let folder = text::line(&args.dir.display().to_string());
    writeln!(
        stdout,
        "{} in {folder}; index.md says what is wrong with each chain",
        text::count(written.len(), "file")
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

fn names(hosts: &[String]) -> Names {
    if hosts.is_empty() {
        return Names {
            dns: vec!["localhost".to_owned()],
            ip: vec![
                IpAddr::from([127, 0, 0, 1]),
                IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ],
        };
    }
    let mut names = Names {
        dns: Vec::new(),
        ip: Vec::new(),
    };
    for host in hosts {
        match host.parse() {
            Ok(address) => names.ip.push(address),
            Err(_) => names.dns.push(host.clone()),
        }
    }
    names
}

/// An error with what lies behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(dir: &std::path::Path, host: &[&str]) -> Result<Exit, Failure> {
        let args = ExportArgs {
            dir: dir.to_owned(),
            host: host.iter().map(|it| (*it).to_owned()).collect(),
        };
        execute(&args, &mut Vec::new())
    }

    #[test]
    fn writes_what_the_index_says() {
        let dir = tempfile::tempdir().unwrap();
        export(dir.path(), &["mail.example", "192.0.2.1"]).unwrap();
        let index = std::fs::read_to_string(dir.path().join("index.toml")).unwrap();
        assert!(
            index.contains(r#"names = ["mail.example", "192.0.2.1"]"#),
            "{index}"
        );
        assert!(dir.path().join("root.pem").exists());
    }

    #[test]
    fn a_name_that_is_none_and_a_folder_that_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            export(dir.path(), &["bücher.example"]).unwrap_err().exit,
            Exit::Usage
        );
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(export(&file, &[]).unwrap_err().exit, Exit::Environment);
    }
}
