//! From the text of an adapter file to an [`Adapter`] in which nothing is left to go wrong.
//!
//! Must not know how a command line is filled or run.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    ops::Range,
    path::{Component, Path},
    time::Duration,
};

use mailproof_scenarios::model::{Job, Protocol};
use regex::bytes::Regex;
use toml::Spanned;

use super::{
    Adapter, AdapterError, Argument, Commands, ExitTable, FileContent, JobCommand, Kind, Meaning,
    Role, Setting, Stream, Template, Words,
    error::{Complaint, did_you_mean},
    exit::SaysRule,
    file,
    own::{OwnPlaces, for_protocol, protocols_of, settings_of},
    places::{BUILT_IN_PLACES, is_built_in, is_list},
    remote,
    supports::{shim_supports, template_supports},
    template::is_name,
};
use crate::{
    process::Limits,
    subject::Supports,
    subjects,
    transcript::{Replacement, Rules},
};

/// What a built-in adapter tells its subject. Short, so that a case in which nobody answers is not long.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The largest file beside an adapter.
const BESIDE: u64 = 1 << 20;

/// The largest pattern, compiled.
const PATTERN: usize = 1 << 20;

/// Reads a file beside the adapter.
pub(super) type ReadBeside<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Reads and checks an adapter file.
pub(super) fn load(
    source: &str,
    name: &str,
    folder: Option<&Path>,
    read: ReadBeside<'_>,
) -> Result<Adapter, AdapterError> {
    let file: file::File = toml::from_str(source).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Complaint::new(span, error.message().trim()).locate(name, source)
    })?;
    let checker = Checker {
        source,
        own: OwnPlaces::of(&file),
        in_folder: folder.is_some(),
        more: BTreeSet::new(),
        before_cases: false,
    };
    checker
        .adapter(file, folder, read)
        .map_err(|complaint| complaint.locate(name, source))
}

/// Reads `path` below `folder`, within bounds.
pub(super) fn read_beside(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(folder.join(path)).map_err(|error| error.to_string())?;
    let mut octets = Vec::new();
    file.take(BESIDE + 1)
        .read_to_end(&mut octets)
        .map_err(|error| error.to_string())?;
    if octets.len() as u64 > BESIDE {
        return Err(format!("it is larger than {} KiB", BESIDE >> 10));
    }
    Ok(octets)
}

/// Where a template stands, which decides what it may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// The command line of a job.
    Run,
    /// What a setting adds to it.
    SettingArgs,
    /// The value of an own place.
    OwnValue,
    /// The command line of a shim.
    Shim,
    /// A file, a variable, the input: one text.
    Text,
}

#[derive(Clone)]
pub(super) struct Checker<'a> {
    source: &'a str,
    pub(super) own: OwnPlaces,
    in_folder: bool,
    /// What else may be named: the secrets of a product, and what its hooks took out of answers.
    pub(super) more: BTreeSet<String>,
    /// Whether there is no case yet, so that nothing of one can be named.
    pub(super) before_cases: bool,
}

impl Checker<'_> {
    fn adapter(
        &self,
        file: file::File,
        folder: Option<&Path>,
        read: ReadBeside<'_>,
    ) -> Result<Adapter, Complaint> {
        self.own_places_are_named(&file)?;
        let (kind, supports) = self.kind(&file, read)?;
        let embedded = matches!(kind, Kind::Embedded { .. });
        if let (true, Some((name, _))) = (embedded, file.files.first_key_value()) {
            let message = "code inside mailproof reads no files";
            return Err(Complaint::new(name.span(), message));
        }
        if let (Kind::Template(_), Some(exit)) = (&kind, &file.exit) {
            self.says_success(exit)?;
        } else if let (Kind::Remote(_), Some(_)) = (&kind, &file.exit) {
            // A product may say success in its state alone.
        } else if let Some(exit) = &file.exit {
            let message = "only a template or a remote product has exit codes and words to explain; a shim says how it went in its report";
            return Err(Complaint::new(exit.span(), message));
        }
        let program = file.program.clone().or_else(|| first_word(&kind));
        Ok(Adapter {
            role: match file.role {
                Role::Client => Role::Client,
                Role::Server => {
                    let message = "expected role = \"client\": servers are not run by adapters yet";
                    return Err(Complaint::new(file.name.span(), message));
                }
            },
            timeout: match &file.timeout {
                Some(timeout) => duration(timeout)?,
                None => TIMEOUT,
            },
            files: self.files(&file, read)?,
            fresh: file.fresh.iter().map(inside).collect::<Result<_, _>>()?,
            environment: self.variables(&file.environment)?,
            system_store: self.variables(&file.system_store)?,
            exit: match &file.exit {
                Some(exit) => exit_table(exit.as_ref())?,
                None => ExitTable::default(),
            },
            limits: Limits {
                address_space: file.limits.address_space_mib.map(|it| u64::from(it) << 20),
                file_size: file
                    .limits
                    .file_size_mib
                    .map_or(Limits::default().file_size, |it| u64::from(it) << 20),
                ..Limits::default()
            },
            words: Words {
                security: file.words.security,
                trust: file.words.trust,
                auth: file.words.auth,
            },
            snapshot: snapshot_rules(&file.snapshot)?,
            name: file.name.into_inner(),
            title: file.title,
            program: if embedded { None } else { program },
            install: file.install,
            version: file.version,
            supports,
            kind,
            folder: folder.map(Path::to_owned),
        })
    }

    fn variables(
        &self,
        variables: &BTreeMap<String, Spanned<String>>,
    ) -> Result<BTreeMap<String, Template>, Complaint> {
        variables
            .iter()
            .map(|(name, value)| Ok((name.clone(), self.template(value, Where::Text)?)))
            .collect()
    }

    /// Exactly one of the four tables says what kind it is.
    fn kind(&self, file: &file::File, read: ReadBeside<'_>) -> Result<(Kind, Supports), Complaint> {
        let supports = file.supports.as_ref();
        if let (None, Some((name, _))) = (&file.remote, file.secrets.first_key_value()) {
            let message = "expected [secrets] only beside [remote]";
            return Err(Complaint::new(name.span(), message));
        }
        match (&file.job, &file.shim, &file.embedded, &file.remote) {
            (None, None, None, Some(remote)) => {
                let settings = self.commands_of_settings(file)?;
                let (remote, mut supports) =
                    remote::check(self, remote, &file.secrets, settings, supports, read)?;
                supports.store = !file.system_store.is_empty();
                Ok((Kind::Remote(Box::new(remote)), supports))
            }
            (Some(jobs), None, None, None) => {
                let commands = self.commands(jobs.as_ref(), file)?;
                let mut supports = template_supports(&commands, supports)?;
                supports.store = !file.system_store.is_empty();
                Ok((Kind::Template(commands), supports))
            }
            (None, Some(shim), None, None) => {
                if let Some(settings) = &file.settings {
                    let message = "a shim gets its settings in the request; expected no [settings]";
                    return Err(Complaint::new(settings.span(), message));
                }
                let run = self.run(&shim.as_ref().run, Where::Shim)?;
                let mut supports = shim_supports(shim.span(), supports)?;
                supports.store = !file.system_store.is_empty();
                Ok((Kind::Shim { run }, supports))
            }
            (None, None, Some(embedded), None) => {
                if let Some(supports) = supports {
                    let message = "code inside mailproof says itself what it supports; expected no [supports]";
                    return Err(Complaint::new(supports.span(), message));
                }
                let name = &embedded.as_ref().subject;
                let found = subjects::embedded(name.as_ref());
                let (subject, supports, version) = found.ok_or_else(|| {
                    let message = format!("there is no embedded subject `{}`", name.as_ref());
                    Complaint::new(name.span(), message)
                        .help(did_you_mean(name.as_ref(), subjects::names()))
                })?;
                let kind = Kind::Embedded {
                    name: name.as_ref().clone(),
                    subject,
                    version,
                };
                Ok((kind, supports))
            }
            _ => Err(Complaint::new(
                file.name.span(),
                "expected exactly one of [job.…] (a command line for each job), [shim] (a program that speaks JSON), [embedded] and [remote] (a product that is operated by hooks)",
            )),
        }
    }

    fn commands(&self, jobs: &file::Jobs, file: &file::File) -> Result<Commands, Complaint> {
        use Protocol::{Imap, Smtp};
        let named = [
            (Smtp, Job::Send, &jobs.send),
            (Imap, Job::Fetch, &jobs.fetch),
            (Imap, Job::List, &jobs.list),
            (Imap, Job::Append, &jobs.append),
            (Imap, Job::Idle, &jobs.idle),
            (Smtp, Job::TestConnection, &jobs.test_connection.smtp),
            (Imap, Job::TestConnection, &jobs.test_connection.imap),
        ];
        let mut commands = self.commands_of_settings(file)?;
        for (protocol, job, command) in named {
            if let Some(command) = command {
                let stdin = command.stdin.as_ref();
                let command = JobCommand {
                    run: self.run(&command.run, Where::Run)?,
                    stdin: stdin.map(|it| self.template(it, Where::Text)).transpose()?,
                };
                commands.jobs.insert((protocol, job), command);
            }
        }
        Ok(commands)
    }

    /// What the settings give, without any job.
    fn commands_of_settings(&self, file: &file::File) -> Result<Commands, Complaint> {
        let mut commands = Commands::default();
        for (name, value) in &file.values {
            let template = self.template(value, Where::OwnValue)?;
            commands.values.insert(name.as_ref().clone(), template);
        }
        if let Some(settings) = &file.settings {
            let settings = settings.as_ref();
            commands.security = self.axis(&settings.security)?;
            commands.trust = self.axis(&settings.trust)?;
            commands.auth = self.axis(&settings.auth)?;
            commands.crl = self.axis(&settings.crl)?;
        }
        Ok(commands)
    }

    fn axis<Word: Copy + Ord>(
        &self,
        axis: &BTreeMap<Word, file::Setting>,
    ) -> Result<BTreeMap<(Protocol, Word), Setting>, Complaint> {
        let mut resolved = BTreeMap::new();
        for (word, setting) in axis {
            for protocol in protocols_of(setting) {
                let mut whole = Setting::default();
                self.add(setting, &mut whole)?;
                if let Some(more) = for_protocol(setting, protocol) {
                    self.add(more, &mut whole)?;
                }
                resolved.insert((protocol, *word), whole);
            }
        }
        Ok(resolved)
    }

    fn add(&self, setting: &file::Setting, to: &mut Setting) -> Result<(), Complaint> {
        for argument in &setting.args {
            to.args.push(self.argument(argument, Where::SettingArgs)?);
        }
        for (name, value) in &setting.values {
            let template = self.template(value, Where::OwnValue)?;
            to.values.insert(name.as_ref().clone(), template);
        }
        Ok(())
    }

    pub(super) fn run(
        &self,
        run: &Spanned<Vec<Spanned<file::Argument>>>,
        place: Where,
    ) -> Result<Vec<Argument>, Complaint> {
        if run.as_ref().is_empty() {
            let message = "expected the program and its arguments";
            return Err(Complaint::new(run.span(), message));
        }
        let arguments = run.as_ref().iter();
        arguments.map(|it| self.argument(it, place)).collect()
    }

    pub(super) fn argument(
        &self,
        argument: &Spanned<file::Argument>,
        place: Where,
    ) -> Result<Argument, Complaint> {
        let parsed = match argument.as_ref() {
            file::Argument::One(text) => Argument::One(self.parse(text, argument.span())?),
            file::Argument::Group(texts) => Argument::Group(
                texts
                    .iter()
                    .map(|text| self.parse(text, argument.span()))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let lists: BTreeSet<&str> = parsed
            .templates()
            .iter()
            .flat_map(Template::places)
            .filter(|it| is_list(it))
            .collect();
        if let [first, second, ..] = Vec::from_iter(lists)[..] {
            let message = format!(
                "{{{first}}} and {{{second}}} stand for several arguments each; expected one such in an argument"
            );
            return Err(Complaint::new(argument.span(), message));
        }
        for template in parsed.templates() {
            self.places_are_known(template, argument.span(), place)?;
        }
        Ok(parsed)
    }

    pub(super) fn template(
        &self,
        text: &Spanned<String>,
        place: Where,
    ) -> Result<Template, Complaint> {
        let template = self.parse(text.as_ref(), text.span())?;
        self.places_are_known(&template, text.span(), place)?;
        Ok(template)
    }

    pub(super) fn parse(&self, text: &str, span: Range<usize>) -> Result<Template, Complaint> {
        Template::parse(text).map_err(|bad| {
            let meant = text.get(bad.at).unwrap_or_default();
            Complaint::new(self.narrow(span, meant), bad.message)
        })
    }

    pub(super) fn places_are_known(
        &self,
        template: &Template,
        span: Range<usize>,
        place: Where,
    ) -> Result<(), Complaint> {
        for name in template.places() {
            let complaint = |message: String| {
                let span = self.narrow(span.clone(), &format!("{{{name}}}"));
                Err(Complaint::new(span, message))
            };
            let own_allowed = matches!(place, Where::Run | Where::SettingArgs | Where::Text);
            match (name, place) {
                ("settings", Where::Run)
                | ("to", Where::Run | Where::SettingArgs | Where::Shim) => {}
                ("to" | "settings", Where::OwnValue | Where::Text) => {
                    return complaint(format!(
                        "{{{name}}} stands for several arguments; expected it in a command line"
                    ));
                }
                ("settings", _) => {
                    return complaint("{settings} belongs into `run` of a job".to_owned());
                }
                ("folder", _) if !self.in_folder => {
                    return complaint("a built-in adapter has no folder".to_owned());
                }
                ("folder", _) => {}
                _ if self.more.contains(name) && own_allowed => {}
                _ if self.before_cases => {
                    return complaint(format!(
                        "{{{name}}} has no value before the first case; expected a secret or {{folder}}"
                    ));
                }
                _ if is_built_in(name) => {}
                _ if self.own.always.contains(name) && own_allowed => {}
                _ => {
                    if let (true, Some(without)) = (own_allowed, self.own.sometimes.get(name)) {
                        return complaint(format!(
                            "{{{name}}} has no value with {without}; give it one there or in [values]"
                        ));
                    }
                    if self.own.names().any(|own| own == name) {
                        return complaint(format!(
                            "{{{name}}} is the adapter's own; a value may only name the built-in placeholders"
                        ));
                    }
                    let known: Vec<&str> = BUILT_IN_PLACES
                        .iter()
                        .map(|(place, _)| *place)
                        .chain(self.own.names())
                        .chain(self.more.iter().map(String::as_str))
                        .collect();
                    let span = self.narrow(span, &format!("{{{name}}}"));
                    let message = format!("unknown placeholder {{{name}}}");
                    let help = did_you_mean(name, &known)
                        .unwrap_or_else(|| format!("expected one of {}", known.join(", ")));
                    return Err(Complaint::new(span, message).help(Some(help)));
                }
            }
        }
        Ok(())
    }

    fn own_places_are_named(&self, file: &file::File) -> Result<(), Complaint> {
        let mut names: Vec<&Spanned<String>> = file.values.keys().collect();
        for (_, setting) in settings_of(file) {
            let inner = [
                Some(setting),
                setting.smtp.as_deref(),
                setting.imap.as_deref(),
            ];
            for setting in inner.into_iter().flatten() {
                names.extend(setting.values.keys());
            }
            for inner in [&setting.smtp, &setting.imap].into_iter().flatten() {
                if inner.smtp.is_some() || inner.imap.is_some() {
                    let span = names.first().map_or(file.name.span(), |it| it.span());
                    return Err(Complaint::new(span, "a protocol inside a protocol"));
                }
            }
        }
        for name in names {
            if is_built_in(name.as_ref()) {
                let message = format!("`{}` is a built-in placeholder", name.as_ref());
                return Err(Complaint::new(name.span(), message));
            }
            if !is_name(name.as_ref()) {
                let message = "expected a name of small letters, digits and `_`, or one of `args`, `smtp`, `imap`";
                return Err(Complaint::new(name.span(), message));
            }
        }
        Ok(())
    }

    fn files(
        &self,
        file: &file::File,
        read: ReadBeside<'_>,
    ) -> Result<BTreeMap<String, FileContent>, Complaint> {
        let mut files = BTreeMap::new();
        for (name, content) in &file.files {
            let name = inside(name)?;
            let filled = match content.as_ref() {
                file::Content::Template(text) => {
                    let template = self.parse(text, content.span())?;
                    self.places_are_known(&template, content.span(), Where::Text)?;
                    FileContent::Template(template)
                }
                file::Content::From(path) => {
                    let octets = read(path).map_err(|reason| {
                        Complaint::new(content.span(), format!("cannot read {path}: {reason}"))
                    })?;
                    FileContent::Verbatim(octets)
                }
            };
            files.insert(name, filled);
        }
        Ok(files)
    }

    fn says_success(&self, exit: &Spanned<file::Exit>) -> Result<(), Complaint> {
        let says = exit.as_ref().says.iter();
        let by_words = says.filter(|it| it.means == Meaning::Success).count();
        if exit.as_ref().success.is_empty() && by_words == 0 {
            let message = "expected `success = [0]`, or a rule on words that means success";
            return Err(Complaint::new(exit.span(), message));
        }
        Ok(())
    }

    /// The octets of `meant` inside `span`, where it stands there as it is.
    pub(super) fn narrow(&self, span: Range<usize>, meant: &str) -> Range<usize> {
        let inside = self.source.get(span.clone()).unwrap_or_default();
        match inside.find(meant) {
            Some(at) if !meant.is_empty() => {
                let start = span.start + at;
                start..start + meant.len()
            }
            _ => span,
        }
    }
}

fn first_word(kind: &Kind) -> Option<String> {
    let run = match kind {
        Kind::Template(commands) => &commands.jobs.values().next()?.run,
        Kind::Shim { run } => run,
        Kind::Embedded { .. } | Kind::Remote(_) => return None,
    };
    // A program whose path is only known when it runs cannot be looked up before.
    run.first()?
        .templates()
        .first()?
        .fill(&super::Values::new())
        .ok()
}

fn exit_table(exit: &file::Exit) -> Result<ExitTable, Complaint> {
    let lists = [
        (Meaning::Success, &exit.success),
        (Meaning::Temporary, &exit.temporary),
        (Meaning::Permanent, &exit.permanent),
        (Meaning::RefusedTls, &exit.refused_tls),
        (Meaning::Failed, &exit.failed),
        (Meaning::Unsupported, &exit.unsupported),
    ];
    let mut codes = BTreeMap::new();
    for (meaning, list) in lists {
        for code in list {
            if codes.insert(*code.as_ref(), meaning).is_some() {
                let message = format!("code {} is explained twice", code.as_ref());
                return Err(Complaint::new(code.span(), message));
            }
        }
    }
    let mut says = Vec::new();
    for rule in &exit.says {
        says.push(SaysRule {
            matches: pattern(rule.matches.as_ref(), rule.matches.span())?,
            codes: rule.code.clone(),
            on: rule.on.unwrap_or(Stream::Stderr),
            means: rule.means,
        });
    }
    Ok(ExitTable {
        codes,
        says,
        words: exit.words.unwrap_or(Stream::Stderr),
    })
}

/// A regular expression that stands at `span`.
pub(super) fn pattern(text: &str, span: Range<usize>) -> Result<Regex, Complaint> {
    let pattern = regex::bytes::RegexBuilder::new(text)
        .size_limit(PATTERN)
        .build();
    pattern.map_err(|error| no_pattern(span, &error))
}

fn no_pattern(span: Range<usize>, error: &regex::Error) -> Complaint {
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default();
    Complaint::new(span, format!("expected a regular expression: {reason}"))
}

fn snapshot_rules(table: &file::Snapshot) -> Result<Rules, Complaint> {
    let mut rules = Rules {
        hide: table.hide.iter().copied().collect(),
        ..Rules::default()
    };
    for it in &table.replace {
        if it.with.as_ref().contains(['\n', '\r']) {
            let message = "expected one line: a line of a snapshot is replaced by a line";
            return Err(Complaint::new(it.with.span(), message));
        }
        let replacement = Replacement::new(it.matches.as_ref(), it.with.as_ref());
        let replacement = replacement.map_err(|error| no_pattern(it.matches.span(), &error))?;
        rules.replace.push(replacement);
    }
    for it in &table.ignore {
        let line = Rules::line(it.as_ref()).map_err(|error| no_pattern(it.span(), &error))?;
        rules.ignore.push(line);
    }
    Ok(rules)
}

/// A path that stays in the work folder.
fn inside(path: &Spanned<String>) -> Result<String, Complaint> {
    let text = path.as_ref();
    let mut parts = Path::new(text).components();
    if !text.is_empty() && parts.all(|it| matches!(it, Component::Normal(_))) {
        return Ok(text.clone());
    }
    let message = "expected a path inside the work folder";
    Err(Complaint::new(path.span(), message))
}

/// `10s`, `500ms`, `2m`.
pub(super) fn duration(text: &Spanned<String>) -> Result<Duration, Complaint> {
    let it = text.as_ref().as_str();
    let unit_at = it.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = it.split_at(unit_at.unwrap_or(it.len()));
    let per_unit = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let millis = number.parse::<u64>().ok().zip(per_unit);
    match millis.and_then(|(number, per_unit)| number.checked_mul(per_unit)) {
        Some(millis @ 1..=3_600_000) => Ok(Duration::from_millis(millis)),
        _ => Err(Complaint::new(
            text.span(),
            "expected a duration such as \"3s\", \"500ms\" or \"2m\", of an hour at most",
        )),
    }
}
