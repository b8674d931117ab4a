//! From the tables of a remote adapter to a [`Remote`] in which nothing is left to go wrong.
//!
//! Must not know how a hook is filled or run.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    ops::Range,
    time::Duration,
};

use mailproof_scenarios::model::{Job, Protocol};
use serde_json_path::JsonPath;
use toml::Spanned;

use super::{
    Await, Body, Call, CommandCall, Condition, FromEnvironment, Hook, HttpCall, JobHooks, Json,
    Observe, Poll, Remote, Take,
    file::{self, PerJob},
};
use crate::{
    adapter::{
        Argument, Commands, JobCommand, Template,
        error::{Complaint, did_you_mean},
        file::Support,
        load::{Checker, ReadBeside, Where, duration, pattern},
        places::is_built_in,
        supports::template_supports,
        template::is_name,
    },
    subject::Supports,
};

/// What the name of every secret begins with where it is named.
const SECRET: &str = "secret_";

/// How long an answer of the product may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Between an answer and the next question.
const EVERY: Duration = Duration::from_millis(100);

/// After this long the product hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// The most cases at once that may be declared.
const PARALLEL: usize = 64;

/// Checks `[remote]` and `[secrets]`, and says what the product supports.
pub(in super::super) fn check(
    checker: &Checker<'_>,
    spanned: &Spanned<file::Remote>,
    secrets: &BTreeMap<Spanned<String>, file::Secret>,
    settings: Commands,
    support: Option<&Spanned<Support>>,
    read: ReadBeside<'_>,
) -> Result<(Remote, Supports), Complaint> {
    let file = spanned.as_ref();
    settings_have_no_arguments(&settings, spanned.span())?;
    let secrets = named_secrets(secrets)?;
    let mut checker = checker.clone();
    checker
        .more
        .extend(secrets.keys().map(|name| format!("{SECRET}{name}")));
    let variables = variables(&checker, &file.variables)?;
    checker.more.extend(variables.keys().cloned());
    let mut before = checker.clone();
    before.before_cases = true;
    let common = Common {
        headers: headers(&before, &file.headers)?,
        checker: before,
        has_address: file.url.is_some(),
    };
    let one = |hook: &Option<Spanned<file::Hook>>, name: &str| {
        let hook = hook.as_ref();
        hook.map(|it| common.hook(it.as_ref(), &it.span(), name, Role::Plain))
            .transpose()
    };
    let ready = one(&file.ready, "ready")?;
    let version = one(&file.version, "version")?;
    if let (Some(version), Some(spanned)) = (&version, &file.version)
        && !version.take.contains_key("version")
        && matches!(version.call, Call::Http(_))
    {
        let message = "expected `take.version`: where in the answer the version is";
        return Err(Complaint::new(spanned.span(), message));
    }

    let mut common = Common { checker, ..common };
    // What `reset` forgets is older than what any hook of this case took.
    let reset = common
        .clone()
        .hooks(&file.reset, &spanned.span(), "reset")?;
    let configure = common.hooks(&file.configure, &spanned.span(), "configure")?;
    let mut jobs = BTreeMap::new();
    let (waits, observes) = (each(&file.wait), each(&file.observe));
    for ((key, name), triggers) in each(&file.trigger) {
        let before_trigger = &common.checker;
        let mut common = common.clone();
        let trigger = common.hooks(triggers, &spanned.span(), &format!("trigger.{name}"))?;
        let wait = waits.get(&(key, name));
        let wait = wait
            .map(|it| common.wait(it, &format!("await.{name}")))
            .transpose()?;
        if let Some(poll) = wait.as_ref().and_then(|it| it.poll.as_ref()) {
            let taken = poll.hook.take.keys().cloned();
            common.checker.more.extend(taken);
        }
        let observe = observes.get(&(key, name));
        let observe = observe
            .map(|it| common.observe(it, &format!("observe.{name}"), before_trigger))
            .transpose()?;
        let hooks = JobHooks {
            trigger,
            wait,
            observe,
        };
        jobs.insert(key, hooks);
    }
    for (all, table) in [(&waits, "await"), (&observes, "observe")] {
        if let Some(((_, name), hook)) = all.iter().find(|((key, _), _)| !jobs.contains_key(key)) {
            let message =
                format!("expected [remote.trigger.{name}] beside [remote.{table}.{name}]");
            return Err(Complaint::new(hook.span(), message));
        }
    }
    if jobs.is_empty() {
        let message = "expected a job in [remote.trigger.…]: send, fetch, list, append, idle, test-connection.smtp or test-connection.imap";
        return Err(Complaint::new(spanned.span(), message));
    }
    let supports = supports(&settings, jobs.keys(), support)?;
    let remote = Remote {
        address: file.url.as_ref().map(address).transpose()?,
        variables,
        authorities: authorities(file.ca.as_ref(), read)?,
        parallel: parallel(file.parallel.as_ref())?,
        secrets,
        settings,
        ready,
        version,
        reset,
        configure,
        jobs,
    };
    Ok((remote, supports))
}

type JobKey = (Protocol, Job);

/// The jobs of a table, each with its name in there.
fn each<T>(table: &PerJob<T>) -> BTreeMap<(JobKey, &'static str), &T> {
    use Protocol::{Imap, Smtp};
    let test = &table.test_connection;
    [
        (((Smtp, Job::Send), "send"), &table.send),
        (((Imap, Job::Fetch), "fetch"), &table.fetch),
        (((Imap, Job::List), "list"), &table.list),
        (((Imap, Job::Append), "append"), &table.append),
        (((Imap, Job::Idle), "idle"), &table.idle),
        (
            ((Smtp, Job::TestConnection), "test-connection.smtp"),
            &test.smtp,
        ),
        (
            ((Imap, Job::TestConnection), "test-connection.imap"),
            &test.imap,
        ),
    ]
    .into_iter()
    .filter_map(|(key, hook)| Some((key, hook.as_ref()?)))
    .collect()
}

/// The product supports what it has triggers and settings for.
fn supports<'a>(
    settings: &Commands,
    jobs: impl Iterator<Item = &'a JobKey>,
    support: Option<&Spanned<Support>>,
) -> Result<Supports, Complaint> {
    let nothing = || JobCommand {
        run: Vec::new(),
        stdin: None,
    };
    let as_template = Commands {
        jobs: jobs.map(|key| (*key, nothing())).collect(),
        security: settings.security.clone(),
        trust: settings.trust.clone(),
        auth: settings.auth.clone(),
        crl: settings.crl.clone(),
        values: BTreeMap::new(),
    };
    template_supports(&as_template, support)
}

fn settings_have_no_arguments(settings: &Commands, span: Range<usize>) -> Result<(), Complaint> {
    let all = settings
        .security
        .values()
        .chain(settings.trust.values())
        .chain(settings.auth.values())
        .chain(settings.crl.values());
    if all.into_iter().any(|it| !it.args.is_empty()) {
        let message = "a remote product has no command line that settings could add to; expected a table of values in each of [settings]";
        return Err(Complaint::new(span, message));
    }
    Ok(())
}

fn named_secrets(
    secrets: &BTreeMap<Spanned<String>, file::Secret>,
) -> Result<BTreeMap<String, String>, Complaint> {
    let mut named = BTreeMap::new();
    for (name, secret) in secrets {
        is_a_name(name)?;
        let variable = secret.env.as_ref();
        if variable.is_empty() || variable.contains(['=', '\0', ' ']) {
            let message = "expected the name of a variable of the environment";
            return Err(Complaint::new(secret.env.span(), message));
        }
        named.insert(name.as_ref().clone(), variable.clone());
    }
    Ok(named)
}

fn address(it: &Spanned<file::FromEnvironment>) -> Result<FromEnvironment, Complaint> {
    let address = from_environment(it.as_ref());
    match &address.otherwise {
        Some(text) if !is_web(text) => {
            let message = "expected an address that begins with http:// or https://";
            Err(Complaint::new(it.span(), message))
        }
        _ => Ok(address),
    }
}

fn from_environment(it: &file::FromEnvironment) -> FromEnvironment {
    let (variable, otherwise) = match it {
        file::FromEnvironment::Text(text) => (None, Some(text.clone())),
        file::FromEnvironment::Variable { env, default } => (Some(env.clone()), default.clone()),
    };
    FromEnvironment {
        variable,
        otherwise,
    }
}

fn variables(
    checker: &Checker<'_>,
    variables: &BTreeMap<Spanned<String>, Spanned<file::FromEnvironment>>,
) -> Result<BTreeMap<String, FromEnvironment>, Complaint> {
    let mut named = BTreeMap::new();
    for (name, value) in variables {
        let name = free_name(checker, name)?;
        named.insert(name, from_environment(value.as_ref()));
    }
    Ok(named)
}

/// A name for a new placeholder.
fn free_name(checker: &Checker<'_>, name: &Spanned<String>) -> Result<String, Complaint> {
    let text = is_a_name(name)?;
    let mut own = checker.own.names();
    if is_built_in(text) || text.starts_with(SECRET) || own.any(|it| it == text) {
        let message = format!("`{text}` is a placeholder already");
        return Err(Complaint::new(name.span(), message));
    }
    Ok(text.clone())
}

fn is_a_name(name: &Spanned<String>) -> Result<&String, Complaint> {
    if is_name(name.as_ref()) {
        return Ok(name.as_ref());
    }
    let message = "expected a name of small letters, digits and `_`";
    Err(Complaint::new(name.span(), message))
}

fn is_web(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn authorities(
    ca: Option<&Spanned<String>>,
    read: ReadBeside<'_>,
) -> Result<Option<Vec<u8>>, Complaint> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let Some(ca) = ca else {
        return Ok(None);
    };
    let path = ca.as_ref();
    let octets = read(path)
        .map_err(|reason| Complaint::new(ca.span(), format!("cannot read {path}: {reason}")))?;
    if !CertificateDer::pem_slice_iter(&octets).any(|it| it.is_ok()) {
        let message = format!("expected certificates in {path}, PEM");
        return Err(Complaint::new(ca.span(), message));
    }
    Ok(Some(octets))
}

fn parallel(given: Option<&Spanned<usize>>) -> Result<NonZeroUsize, Complaint> {
    let Some(given) = given else {
        return Ok(NonZeroUsize::MIN);
    };
    let number = NonZeroUsize::new(*given.as_ref()).filter(|it| it.get() <= PARALLEL);
    number.ok_or_else(|| {
        Complaint::new(
            given.span(),
            format!("expected 1 to {PARALLEL} cases at once"),
        )
    })
}

fn headers(
    checker: &Checker<'_>,
    headers: &BTreeMap<Spanned<String>, Spanned<String>>,
) -> Result<Vec<(String, Template)>, Complaint> {
    headers
        .iter()
        .map(|(name, value)| {
            if hyper::header::HeaderName::from_bytes(name.as_ref().as_bytes()).is_err() {
                let message = "expected the name of a header field";
                return Err(Complaint::new(name.span(), message));
            }
            if value.as_ref().chars().any(char::is_control) {
                let message = "expected one line without control characters";
                return Err(Complaint::new(value.span(), message));
            }
            let value = checker.template(value, Where::Text)?;
            Ok((name.as_ref().clone(), value))
        })
        .collect()
}

/// What a hook is for, which decides what it may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Await,
    Observe,
}

/// What the hooks have in common.
#[derive(Clone)]
struct Common<'a> {
    checker: Checker<'a>,
    headers: Vec<(String, Template)>,
    has_address: bool,
}

impl Common<'_> {
    /// Hooks in their order. What each takes can be named behind it, also by whatever is checked with this
    /// afterwards.
    fn hooks(
        &mut self,
        hooks: &file::Hooks,
        span: &Range<usize>,
        name: &str,
    ) -> Result<Vec<Hook>, Complaint> {
        let mut checked = Vec::new();
        for hook in &hooks.0 {
            let hook = self.hook(hook, span, name, Role::Plain)?;
            self.checker.more.extend(hook.take.keys().cloned());
            checked.push(hook);
        }
        Ok(checked)
    }

    fn hook(
        &self,
        hook: &file::Hook,
        span: &Range<usize>,
        name: &str,
        role: Role,
    ) -> Result<Hook, Complaint> {
        only_what_belongs(hook, role)?;
        let calls = [
            ("GET", &hook.get),
            ("POST", &hook.post),
            ("PUT", &hook.put),
            ("PATCH", &hook.patch),
            ("DELETE", &hook.delete),
        ];
        let mut calls = calls
            .into_iter()
            .filter_map(|(method, url)| Some((method, url.as_ref()?)));
        let one = "expected exactly one of `get`, `post`, `put`, `patch`, `delete` (an HTTP call) and `run` (a command)";
        let call = match (calls.next(), calls.next(), &hook.run) {
            (Some((method, url)), None, None) => Call::Http(self.http(hook, method, url)?),
            (None, None, Some(run)) => Call::Command(self.command(hook, run)?),
            (Some((_, url)), ..) => return Err(Complaint::new(url.span(), one)),
            _ => {
                let message = format!("{one} in `{name}`");
                return Err(Complaint::new(span.clone(), message));
            }
        };
        Ok(Hook {
            name: name.to_owned(),
            call,
            within: hook.within.as_ref().map_or(Ok(WITHIN), duration)?,
            take: self.takes(&hook.take)?,
            failed_when: self.conditions(hook.failed_when.as_ref())?,
            shown: hook.shown.as_ref().map(take).transpose()?,
        })
    }

    fn takes(
        &self,
        takes: &BTreeMap<Spanned<String>, Spanned<file::Take>>,
    ) -> Result<BTreeMap<String, Take>, Complaint> {
        let mut taken = BTreeMap::new();
        for (name, what) in takes {
            taken.insert(free_name(&self.checker, name)?, take(what)?);
        }
        Ok(taken)
    }

    fn http(
        &self,
        hook: &file::Hook,
        method: &'static str,
        url: &Spanned<String>,
    ) -> Result<HttpCall, Complaint> {
        let other = [
            hook.stdin.as_ref().map(|it| (it.span(), "stdin")),
            first_key(&hook.environment).map(|span| (span, "environment")),
        ];
        if let Some((span, key)) = other.into_iter().flatten().next() {
            return Err(Complaint::new(
                span,
                format!("expected `{key}` only beside `run`"),
            ));
        }
        let template = self.checker.template(url, Where::Text)?;
        let below = template.beginning().starts_with('/');
        if !below && !is_web(template.beginning()) {
            let message = "expected `/…`, which is below [remote] url, or http://… or https://…";
            return Err(Complaint::new(url.span(), message));
        }
        if below && !self.has_address {
            let message = "expected `url` in [remote]: what this is below";
            return Err(Complaint::new(url.span(), message));
        }
        let expect = hook.expect.as_ref();
        if let Some(bad) = expect.filter(|it| it.as_ref().iter().any(|it| !(100..600).contains(it)))
        {
            return Err(Complaint::new(
                bad.span(),
                "expected HTTP statuses, 100 to 599",
            ));
        }
        let mut headers_of_call = self.headers.clone();
        for (name, value) in headers(&self.checker, &hook.headers)? {
            headers_of_call.retain(|(it, _)| !it.eq_ignore_ascii_case(&name));
            headers_of_call.push((name, value));
        }
        Ok(HttpCall {
            method,
            url: template,
            written: url.as_ref().clone(),
            headers: headers_of_call,
            body: self.body(hook)?,
            expect: expect
                .map(|it| it.as_ref().as_slice())
                .unwrap_or_default()
                .iter()
                .filter_map(|it| u16::try_from(*it).ok())
                .collect(),
        })
    }

    fn body(&self, hook: &file::Hook) -> Result<Body, Complaint> {
        match (&hook.json, &hook.form, &hook.text) {
            (None, None, None) => Ok(Body::Nothing),
            (Some(json), None, None) => Ok(Body::Json(self.json(json.as_ref(), &json.span())?)),
            (None, Some(form), None) => Ok(Body::Form(
                form.as_ref()
                    .iter()
                    .map(|(name, value)| {
                        Ok((name.clone(), self.checker.template(value, Where::Text)?))
                    })
                    .collect::<Result<_, Complaint>>()?,
            )),
            (None, None, Some(text)) => Ok(Body::Text(self.checker.template(text, Where::Text)?)),
            (json, form, text) => {
                let span = text
                    .as_ref()
                    .map(Spanned::span)
                    .or_else(|| form.as_ref().map(Spanned::span))
                    .or_else(|| json.as_ref().map(Spanned::span));
                let message = "expected at most one of `json`, `form` and `text`";
                Err(Complaint::new(span.unwrap_or_default(), message))
            }
        }
    }

    fn json(&self, value: &toml::Value, span: &Range<usize>) -> Result<Json, Complaint> {
        Ok(match value {
            toml::Value::String(text) => Json::Text(self.text(text, span, Where::Text)?),
            toml::Value::Integer(number) => Json::Constant((*number).into()),
            toml::Value::Float(number) => Json::Constant((*number).into()),
            toml::Value::Boolean(truth) => Json::Constant((*truth).into()),
            toml::Value::Datetime(when) => Json::Constant(when.to_string().into()),
            toml::Value::Array(items) => Json::Array(
                items
                    .iter()
                    .map(|it| self.json(it, span))
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(table) => match typed(table) {
                Some((kind, text)) => self.typed(kind, text, span)?,
                None => Json::Object(
                    table
                        .iter()
                        .map(|(name, it)| Ok((name.clone(), self.json(it, span)?)))
                        .collect::<Result<_, Complaint>>()?,
                ),
            },
        })
    }

    fn typed(&self, kind: &str, text: &str, span: &Range<usize>) -> Result<Json, Complaint> {
        const KINDS: &[&str] = &["number", "boolean", "list", "file"];
        Ok(match kind {
            "number" => Json::Number(self.text(text, span, Where::Text)?),
            "boolean" => Json::Boolean(self.text(text, span, Where::Text)?),
            "file" => Json::File(self.text(text, span, Where::Text)?),
            "list" => {
                let place = self.text(text, span, Where::SettingArgs)?;
                if place.only_place().is_none() {
                    let message = "expected one placeholder and nothing else, as in \"{to}\"";
                    return Err(Complaint::new(
                        self.checker.narrow(span.clone(), text),
                        message,
                    ));
                }
                Json::List(place)
            }
            other => {
                let message = format!("`{other}` is no type; expected one of {}", KINDS.join(", "));
                let span = self.checker.narrow(span.clone(), other);
                return Err(Complaint::new(span, message).help(did_you_mean(other, KINDS)));
            }
        })
    }

    fn text(&self, text: &str, span: &Range<usize>, place: Where) -> Result<Template, Complaint> {
        let template = self.checker.parse(text, span.clone())?;
        self.checker
            .places_are_known(&template, span.clone(), place)?;
        Ok(template)
    }

    fn command(
        &self,
        hook: &file::Hook,
        run: &Spanned<Vec<Spanned<crate::adapter::file::Argument>>>,
    ) -> Result<CommandCall, Complaint> {
        let other = [
            first_key(&hook.headers).map(|span| (span, "headers")),
            hook.json.as_ref().map(|it| (it.span(), "json")),
            hook.form.as_ref().map(|it| (it.span(), "form")),
            hook.text.as_ref().map(|it| (it.span(), "text")),
        ];
        if let Some((span, key)) = other.into_iter().flatten().next() {
            let message = format!("expected `{key}` only in an HTTP call");
            return Err(Complaint::new(span, message));
        }
        let arguments: Vec<Argument> = self.checker.run(run, Where::SettingArgs)?;
        let mut environment = BTreeMap::new();
        for (name, value) in &hook.environment {
            let value = self.checker.template(value, Where::Text)?;
            environment.insert(name.as_ref().clone(), value);
        }
        let stdin = hook.stdin.as_ref();
        Ok(CommandCall {
            run: arguments,
            written: written(run.as_ref()),
            stdin: stdin
                .map(|it| self.checker.template(it, Where::Text))
                .transpose()?,
            environment,
            expect: match &hook.expect {
                Some(codes) => codes.as_ref().clone(),
                None => vec![0],
            },
        })
    }

    fn wait(&self, spanned: &Spanned<file::Hook>, name: &str) -> Result<Await, Complaint> {
        let hook = spanned.as_ref();
        only_what_belongs(hook, Role::Await)?;
        let quiet = hook.quiet.as_ref().map(duration).transpose()?;
        let asks = hook.run.is_some() || method_of(hook).is_some();
        let poll = if asks {
            let done_when = self.conditions(hook.done_when.as_ref())?;
            if done_when.is_empty() && quiet.is_none() {
                let message = format!(
                    "expected `done-when` in `{name}`: what the answer says when the product is done"
                );
                return Err(Complaint::new(spanned.span(), message));
            }
            Some(Poll {
                hook: self.hook(hook, &spanned.span(), name, Role::Await)?,
                every: hook.every.as_ref().map_or(Ok(EVERY), duration)?,
                done_when,
            })
        } else {
            if quiet.is_none() {
                let message = format!(
                    "expected a question that is repeated (`get`, `run`, …) or `quiet = \"2s\"` in `{name}`"
                );
                return Err(Complaint::new(spanned.span(), message));
            }
            if let Some(conditions) = hook.done_when.as_ref().or(hook.failed_when.as_ref()) {
                let message = "a condition is about an answer; expected a question beside it (`get`, `run`, …)";
                return Err(Complaint::new(conditions.span(), message));
            }
            None
        };
        Ok(Await {
            poll,
            quiet,
            deadline: hook.deadline.as_ref().map_or(Ok(DEADLINE), duration)?,
        })
    }

    fn conditions(
        &self,
        conditions: Option<&Spanned<file::Conditions>>,
    ) -> Result<Vec<Condition>, Complaint> {
        let Some(spanned) = conditions else {
            return Ok(Vec::new());
        };
        let mut checked = Vec::new();
        for condition in &spanned.as_ref().0 {
            let empty = condition.status.is_none()
                && condition.path.is_none()
                && condition.matches.is_none();
            if empty || condition.path.is_none() && condition.is.is_some() {
                let message = "expected `status = [200]`, `path = \"$.state\"` with `is = [\"sent\"]`, or `matches = \"…\"`";
                return Err(Complaint::new(spanned.span(), message));
            }
            let is = condition.is.as_ref();
            let wanted: Vec<serde_json::Value> = is
                .map(|it| it.as_ref().as_slice())
                .unwrap_or_default()
                .iter()
                .map(|it| serde_json::to_value(it).unwrap_or_default())
                .collect();
            if let Some(is) = is.filter(|_| wanted.is_empty()) {
                let message = "expected values; without `is` the condition is that there is one";
                return Err(Complaint::new(is.span(), message));
            }
            checked.push(Condition {
                codes: condition.status.clone(),
                value: condition
                    .path
                    .as_ref()
                    .map(|it| Ok((json_path(it.as_ref(), it.span())?, wanted)))
                    .transpose()?,
                matches: condition
                    .matches
                    .as_ref()
                    .map(|it| pattern(it.as_ref(), it.span()))
                    .transpose()?,
            });
        }
        Ok(checked)
    }

    /// The place of a log is needed before the trigger, so it can only name what is known there.
    fn observe(
        &self,
        spanned: &Spanned<file::Hook>,
        name: &str,
        before_trigger: &Checker<'_>,
    ) -> Result<Observe, Complaint> {
        let hook = spanned.as_ref();
        only_what_belongs(hook, Role::Observe)?;
        let lines = hook.lines.as_ref();
        if let Some(log) = &hook.log {
            let other = [
                hook.run.as_ref().map(Spanned::span),
                method_of(hook),
                hook.state.as_ref().map(Spanned::span),
                hook.shown.as_ref().map(Spanned::span),
            ];
            if let Some(span) = other.into_iter().flatten().next() {
                let message = "a log is read as it is, and `[exit]` says what its words mean; expected only `lines` beside `log`";
                return Err(Complaint::new(span, message));
            }
            return Ok(Observe::Log {
                file: before_trigger.template(log, Where::Text)?,
                lines: lines
                    .map(|it| pattern(it.as_ref(), it.span()))
                    .transpose()?,
            });
        }
        if let Some(lines) = lines {
            return Err(Complaint::new(
                lines.span(),
                "expected `lines` only beside `log`",
            ));
        }
        if let (Some(means), None) = (&hook.means, &hook.state) {
            let message = "expected `state` beside it: the JSON path of what means this";
            return Err(Complaint::new(means.span(), message));
        }
        let asks = hook.run.is_some() || method_of(hook).is_some();
        if !asks && hook.state.is_none() && hook.shown.is_none() {
            let message = format!(
                "expected a question (`get`, `run`, …), `log`, or `state` and `shown` of what the trigger answered in `{name}`"
            );
            return Err(Complaint::new(spanned.span(), message));
        }
        let asked = asks.then(|| self.hook(hook, &spanned.span(), name, Role::Observe));
        Ok(Observe::Answer {
            hook: asked.transpose()?.map(Box::new),
            state: hook
                .state
                .as_ref()
                .map(|it| json_path(it.as_ref(), it.span()))
                .transpose()?,
            means: hook
                .means
                .as_ref()
                .map(|it| it.as_ref().clone())
                .unwrap_or_default(),
            shown: hook.shown.as_ref().map(take).transpose()?,
        })
    }
}

/// A hook has only what its role knows.
fn only_what_belongs(hook: &file::Hook, role: Role) -> Result<(), Complaint> {
    let of_await = [
        hook.every.as_ref().map(|it| (it.span(), "every")),
        hook.deadline.as_ref().map(|it| (it.span(), "deadline")),
        hook.quiet.as_ref().map(|it| (it.span(), "quiet")),
        hook.done_when.as_ref().map(|it| (it.span(), "done-when")),
    ];
    let of_observe = [
        hook.log.as_ref().map(|it| (it.span(), "log")),
        hook.lines.as_ref().map(|it| (it.span(), "lines")),
        hook.state.as_ref().map(|it| (it.span(), "state")),
        hook.means.as_ref().map(|it| (it.span(), "means")),
    ];
    for (belongs, keys, table) in [
        (role == Role::Await, &of_await, "await"),
        (role == Role::Observe, &of_observe, "observe"),
    ] {
        if let (false, Some((span, key))) = (belongs, keys.iter().flatten().next()) {
            let message = format!("expected `{key}` only in [remote.{table}.…]");
            return Err(Complaint::new(span.clone(), message));
        }
    }
    if let (Role::Plain, None, Some(shown)) = (role, &hook.failed_when, &hook.shown) {
        let message = "expected `failed-when` beside `shown`: it is about an answer that says no";
        return Err(Complaint::new(shown.span(), message));
    }
    if let (Role::Observe, Some(failed)) = (role, &hook.failed_when) {
        let message = "`state` and `means` say how it went; expected no `failed-when`";
        return Err(Complaint::new(failed.span(), message));
    }
    if let (Role::Observe, Some(span)) = (role, first_key(&hook.take)) {
        let message = "nothing comes behind `observe` that could use it; expected no `take`";
        return Err(Complaint::new(span, message));
    }
    if let (Role::Observe, Some(_), Some(expect)) = (role, &hook.run, &hook.expect) {
        let message = "`[exit]` says what the codes of `observe` mean; expected no `expect`";
        return Err(Complaint::new(expect.span(), message));
    }
    Ok(())
}

/// A command line as it stands in the file.
fn written(run: &[Spanned<crate::adapter::file::Argument>]) -> Vec<String> {
    use crate::adapter::file::Argument::{Group, One};
    let words = run.iter().flat_map(|it| match it.as_ref() {
        One(word) => std::slice::from_ref(word),
        Group(words) => words.as_slice(),
    });
    words.cloned().collect()
}

fn first_key<T>(map: &BTreeMap<Spanned<String>, T>) -> Option<Range<usize>> {
    map.first_key_value().map(|(key, _)| key.span())
}

/// The place of the URL.
fn method_of(hook: &file::Hook) -> Option<Range<usize>> {
    [&hook.get, &hook.post, &hook.put, &hook.patch, &hook.delete]
        .into_iter()
        .flatten()
        .next()
        .map(Spanned::span)
}

/// `{ as = "number", value = "{port}" }`, and nothing else in the table.
fn typed(table: &toml::Table) -> Option<(&str, &str)> {
    let kind = table.get("as")?.as_str()?;
    let text = table.get("value")?.as_str()?;
    (table.len() == 2).then_some((kind, text))
}

fn take(what: &Spanned<file::Take>) -> Result<Take, Complaint> {
    match what.as_ref() {
        file::Take::Path(path) => Ok(Take::Path(json_path(path, what.span())?)),
        file::Take::Matches { matches } => Ok(Take::Matches(pattern(matches, what.span())?)),
    }
}

fn json_path(text: &str, span: Range<usize>) -> Result<JsonPath, Complaint> {
    JsonPath::parse(text).map_err(|error| {
        let message = format!(
            "expected a JSON path such as \"$.id\" (RFC 9535): {}",
            error.message()
        );
        Complaint::new(span, message)
    })
}

impl Remote {
    /// The name by which hooks know a secret.
    pub fn place_of(secret: &str) -> String {
        format!("{SECRET}{secret}")
    }

    /// Every variable of the environment that has no value although one is needed.
    pub fn missing_variables(&self) -> Vec<String> {
        let is_set = |name: &&String| std::env::var(name).is_ok_and(|it| !it.is_empty());
        let mut missing: BTreeSet<String> = self
            .secrets
            .values()
            .filter(|it| !is_set(it))
            .cloned()
            .collect();
        let others = self.address.iter().chain(self.variables.values());
        for other in others.filter(|it| it.value().is_none()) {
            missing.extend(other.variable.clone());
        }
        missing.into_iter().collect()
    }
}
