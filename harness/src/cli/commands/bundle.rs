//! `mailproof bundle` and `run --bundle`: a run as one signed file.
//!
//! Must not know what is in a bundle.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{key, runs};
use crate::{
    adapter,
    bundle::{About, PackError, Packer, SigningKey, masked},
    cli::{
        Failure,
        args::{BundleArgs, PackArgs},
        subject,
    },
    exit::Exit,
    report::{out, records, text},
    results::{Record, Results},
};

/// The largest statement.
const LARGEST_STATEMENT: u64 = 1 << 20;

/// A bundle that is filled while a run goes on. Everything that can be wrong with it is tried before.
pub(super) struct Packing {
    packer: Packer,
    about: About,
    key: SigningKey,
    file: PathBuf,
    to: NamedTempFile,
}

impl Packing {
    /// What the user asked `run` for; nothing where there is no `--bundle`.
    pub(super) fn open(args: &BundleArgs, adapter: Option<&str>) -> Result<Option<Self>, Failure> {
        let (Some(file), Some(key)) = (&args.bundle, &args.sign_key) else {
            return Ok(None);
        };
        Self::to(file, key, adapter, args.statement.as_deref()).map(Some)
    }

    fn to(
        file: &Path,
        key: &Path,
        adapter: Option<&str>,
        statement: Option<&Path>,
    ) -> Result<Self, Failure> {
        let name = adapter.unwrap_or(subject::DEFAULT);
        let subject = adapter::source(name).ok_or_else(|| {
            let name = text::line(name);
            Failure::usage(format!("there is no adapter `{name}` to put into a bundle"))
        })?;
        let about = About {
            subject: masked(&subject),
            statement: statement.map(read_statement).transpose()?,
        };
        let key = key::signing_key(key)?;
        let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let to = beside().tempfile_in(folder).map_err(cannot(file))?;
        Ok(Self {
            packer: Packer::new().map_err(failed)?,
            about,
            key,
            file: file.to_owned(),
            to,
        })
    }

    /// Keeps the facts of a case or control.
    pub(super) fn keep(&mut self, record: &Record) -> Result<(), Failure> {
        self.packer.keep(record).map_err(failed)
    }

    /// Writes the bundle. Until then a bundle of that name stays as it is.
    pub(super) fn finish(self, results: &Results) -> Result<(), Failure> {
        let mut to = BufWriter::new(self.to);
        self.packer
            .finish(results, &self.about, &self.key, &mut to)
            .map_err(failed)?;
        let cannot = cannot(&self.file);
        let to = to.into_inner().map_err(|it| cannot(it.into_error()))?;
        to.persist(&self.file).map_err(|it| cannot(it.error))?;
        Ok(())
    }
}

/// The file that is filled until it takes the bundle's name; readable as any other file is.
fn beside() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".bundle-part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Packs a folder that `run --out` wrote.
pub(crate) fn execute(args: &PackArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let results = runs::results(&args.dir.join(out::RESULTS))?;
    let adapter = adapter_of(args, &results)?;
    let mut packing = Packing::to(
        &args.out,
        &args.sign_key,
        adapter.as_deref(),
        args.statement.as_deref(),
    )?;
    keep_all(&args.dir.join(out::RECORDS), &mut packing.packer)?;
    packing.finish(&results)?;
    let shown = text::line(&args.out.display().to_string());
    writeln!(
        stdout,
        "{shown}: {}",
        text::count(results.cases.len(), "case")
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// The adapter that was named, or that the run says it had; `None` is the built-in one. What a person did, or
/// of which nobody knows how it was run, had none.
fn adapter_of(args: &PackArgs, results: &Results) -> Result<Option<String>, Failure> {
    if args.adapter.is_some() {
        return Ok(args.adapter.clone());
    }
    if results.repeat.first().is_none_or(|it| it != "run") {
        return Err(Failure::usage(
            "these results do not say how the subject was run; name its adapter with --adapter",
        ));
    }
    let second = results.repeat.get(1);
    Ok(second.filter(|it| !it.starts_with('-')).cloned())
}

fn keep_all(path: &Path, packer: &mut Packer) -> Result<(), Failure> {
    let mut from = BufReader::new(File::open(path).map_err(unreadable(path))?);
    let shown = text::line(&path.display().to_string());
    for number in 1.. {
        let mut line = Vec::new();
        let mut limited = (&mut from).take(records::LONGEST);
        limited
            .read_until(b'\n', &mut line)
            .map_err(unreadable(path))?;
        if line.is_empty() {
            break;
        }
        if line.pop() != Some(b'\n') {
            return Err(Failure::usage(format!(
                "{shown}: line {number} stops in the middle: the run did not finish"
            )));
        }
        packer.keep_line(&line).map_err(|error| match error {
            PackError::NoRecord(error) => Failure::usage(format!(
                "{shown}: line {number} is no record: {}",
                text::line(&error.to_string())
            )),
            error => failed(error),
        })?;
    }
    Ok(())
}

fn read_statement(path: &Path) -> Result<String, Failure> {
    let mut statement = String::new();
    let file = File::open(path).map_err(unreadable(path))?;
    file.take(LARGEST_STATEMENT + 1)
        .read_to_string(&mut statement)
        .map_err(unreadable(path))?;
    if statement.len() as u64 > LARGEST_STATEMENT {
        let path = text::line(&path.display().to_string());
        return Err(Failure::usage(format!(
            "`{path}` has more than {LARGEST_STATEMENT} octets"
        )));
    }
    Ok(statement)
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Failure + use<> {
    let shown = text::line(&path.display().to_string());
    move |error| Failure::usage(format!("cannot read `{shown}`: {error}"))
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> Failure + use<> {
    let shown = text::line(&path.display().to_string());
    move |error| Failure::environment(format!("cannot write `{shown}`: {error}"))
}

fn failed(error: PackError) -> Failure {
    match error {
        PackError::Apart(_) => Failure::usage(error.to_string()),
        PackError::Io(_) | PackError::NoRecord(_) => Failure::environment(error.to_string()),
    }
}
