//! One hook: called, its answer checked, values taken out of it. Must not know cases.

use std::path::PathBuf;

use serde_json::Value as Any;
use serde_json_path::JsonPath;

use super::{
    http::{self, Caller},
    secrets::Secrets,
};
use crate::{
    adapter::{
        Adapter, FillError, Remote, Value, Values,
        remote::{Call, CommandCall, Condition, Hook, HookError, HttpCall, Take},
    },
    process::{self, Cancel, Exit, Input, Invocation},
};

/// Characters of an answer that a message quotes.
pub(super) const QUOTED: usize = 300;

/// Octets of an answer that are looked at for a sentence about it.
const LOOKED_AT: usize = 16 << 10;

/// What hooks are called with.
pub(super) struct Operator<'a> {
    pub(super) adapter: &'a Adapter,
    pub(super) remote: &'a Remote,
    pub(super) values: Values,
    pub(super) secrets: Secrets,
    /// Variables of every command.
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: PathBuf,
    pub(super) home: PathBuf,
    pub(super) cancel: Cancel,
    pub(super) caller: Caller<'a>,
}

/// Why a step ends at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The hook did not do its work. For the user, without secrets.
    Failed(String),
    /// What the step asks for cannot be put into the hook.
    Unsupported(String),
    /// The product refuses what it was told, with these words.
    Refused(String),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Trouble::Failed(why)
    }
}

/// What came back, whatever it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status or the exit code.
    pub(super) code: i32,
    /// The body, or standard output.
    pub(super) stdout: Vec<u8>,
    /// Standard error.
    pub(super) stderr: Vec<u8>,
    /// The beginning of it for a sentence: on one line, without secrets.
    pub(super) beginning: String,
}

impl Operator<'_> {
    /// What came back, with words for a sentence about it.
    pub(super) fn answer(&self, code: i32, stdout: Vec<u8>, stderr: Vec<u8>) -> Answer {
        let shown = if stderr.is_empty() { &stdout } else { &stderr };
        // Masked before it is cut, so that no part of a secret stays at the end.
        let shown = self
            .secrets
            .mask_octets(&shown[..shown.len().min(LOOKED_AT)]);
        Answer {
            beginning: beginning(&shown),
            code,
            stdout,
            stderr,
        }
    }

    /// Calls a hook, which must do its work, and keeps what it takes.
    pub(super) async fn perform(&mut self, hook: &Hook) -> Result<Answer, Trouble> {
        let answer = self.ask(hook).await?;
        if self.any(hook, &hook.failed_when, &answer)? {
            let shown = match &hook.shown {
                Some(take) => taken(take, &answer).map_err(|why| self.trouble(hook, &why))?,
                None => Some(answer.beginning.clone()),
            };
            let shown = self.secrets.mask(&shown.unwrap_or_default());
            return Err(Trouble::Refused(shown));
        }
        self.expected(hook, &answer)?;
        self.keep(hook, &answer)?;
        Ok(answer)
    }

    /// Whether one of the conditions holds of an answer. About a status that the hook does not expect only a
    /// condition that names it says anything.
    pub(super) fn any(
        &self,
        hook: &Hook,
        conditions: &[Condition],
        answer: &Answer,
    ) -> Result<bool, String> {
        let expected = is_expected(hook, answer.code);
        for condition in conditions {
            let about = condition
                .codes
                .as_ref()
                .is_some_and(|it| it.contains(&answer.code));
            if (expected || about)
                && holds(condition, answer).map_err(|why| self.trouble(hook, &why))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps what a hook takes out of its answer, for the hooks behind it.
    pub(super) fn keep(&mut self, hook: &Hook, answer: &Answer) -> Result<(), String> {
        for (name, take) in &hook.take {
            let taken = taken(take, answer).map_err(|why| self.trouble(hook, &why))?;
            let taken = taken.ok_or_else(|| {
                let what = match take {
                    Take::Path(path) => format!("has nothing at {path}"),
                    Take::Matches(pattern) => format!("has no match of {pattern}"),
                };
                self.trouble(hook, &format!("the answer {what}: {}", answer.beginning))
            })?;
            self.values.insert(name.clone(), Value::One(taken));
        }
        Ok(())
    }

    /// Calls a hook and gives its answer, whatever it says.
    pub(super) async fn ask(&self, hook: &Hook) -> Result<Answer, Trouble> {
        match &hook.call {
            Call::Http(call) => self.http(hook, call).await,
            Call::Command(call) => Ok(self.command(hook, call).await?),
        }
    }

    /// That an answer is one that the hook expects.
    pub(super) fn expected(&self, hook: &Hook, answer: &Answer) -> Result<(), String> {
        if is_expected(hook, answer.code) {
            return Ok(());
        }
        let quoted = &answer.beginning;
        let why = match &hook.call {
            Call::Command(_) => format!("ended with exit code {}: {quoted}", answer.code),
            Call::Http(call) => {
                let status = u16::try_from(answer.code).unwrap_or_default();
                let reason = hyper::StatusCode::from_u16(status).ok();
                let reason = reason.and_then(|it| it.canonical_reason()).unwrap_or("");
                let status = format!("{status} {reason}");
                let status = status.trim_end();
                format!(
                    "{} {} answered {status}: {quoted}",
                    call.method, call.written
                )
            }
        };
        Err(self.trouble(hook, &why))
    }

    /// Calls a command, however it ends.
    pub(super) async fn command(&self, hook: &Hook, call: &CommandCall) -> Result<Answer, String> {
        let trouble = |why: &str| self.trouble(hook, why);
        let unfilled = |error: FillError| trouble(&error.to_string());
        let command = call.command(&self.values).map_err(unfilled)?;
        let Some((program, arguments)) = command.split_first() else {
            return Err(trouble("the command line is empty"));
        };
        let mut environment = self.environment.clone();
        environment.extend(call.variables(&self.values).map_err(unfilled)?);
        let stdin = match &call.stdin {
            Some(file) => Input::File(file.fill(&self.values).map_err(unfilled)?.into()),
            None => Input::Nothing,
        };
        let invocation = Invocation {
            program: program.clone(),
            arguments: arguments.to_vec(),
            environment,
            folder: self.folder.clone(),
            home: self.home.clone(),
            stdin,
            limits: self.adapter.limits,
            budget: hook.within,
        };
        let outcome = process::run(&invocation, &self.cancel).await;
        let outcome = outcome.map_err(|error| trouble(&error.to_string()))?;
        let code = match outcome.exit {
            Exit::Code(code) => code,
            Exit::Signal(signal) => {
                let name = process::signal_name(signal);
                return Err(trouble(&format!("`{program}` was ended by {name}")));
            }
            Exit::OverBudget => {
                let why = format!("`{program}` did not end within {:?}", hook.within);
                return Err(trouble(&why));
            }
            Exit::Cancelled => return Err(trouble("cancelled")),
        };
        Ok(self.answer(code, outcome.stdout.kept, outcome.stderr.kept))
    }

    async fn http(&self, hook: &Hook, call: &HttpCall) -> Result<Answer, Trouble> {
        let address = self.remote.address.as_ref().and_then(|it| it.value());
        let request = call
            .fill(&self.values, address.as_deref())
            .map_err(|error| match error {
                // The product wants the content, and this step is about a file that has none.
                HookError::File(..) => Trouble::Unsupported(error.to_string()),
                _ => Trouble::Failed(self.trouble(hook, &error.to_string())),
            })?;
        let trouble =
            |why: String| self.trouble(hook, &format!("{} {} {why}", request.method, request.url));
        let answer =
            self.caller
                .call(&request, hook.within)
                .await
                .map_err(|error| match error {
                    http::CallError::Url(why) => self.trouble(hook, &why),
                    http::CallError::Connect(..) | http::CallError::Tls(..) => {
                        self.trouble(hook, &error.to_string())
                    }
                    _ => trouble(error.to_string()),
                })?;
        Ok(self.answer(i32::from(answer.status), answer.body, Vec::new()))
    }

    fn trouble(&self, hook: &Hook, why: &str) -> String {
        self.secrets.mask(&format!("{}: {why}", hook.name))
    }
}

/// Whether a status or an exit code is one with which the hook has done its work.
fn is_expected(hook: &Hook, code: i32) -> bool {
    match &hook.call {
        Call::Command(call) => call.expect.contains(&code),
        Call::Http(call) if call.expect.is_empty() => (200..300).contains(&code),
        Call::Http(call) => call.expect.iter().any(|it| i32::from(*it) == code),
    }
}

/// Whether an answer fits a condition. The error says that it cannot be read.
pub(super) fn holds(condition: &Condition, answer: &Answer) -> Result<bool, String> {
    if let Some(codes) = &condition.codes
        && !codes.contains(&answer.code)
    {
        return Ok(false);
    }
    if let Some(pattern) = &condition.matches
        && !pattern.is_match(&answer.stdout)
        && !pattern.is_match(&answer.stderr)
    {
        return Ok(false);
    }
    let Some((path, wanted)) = &condition.value else {
        return Ok(true);
    };
    let json = json(answer)?;
    let found = path.query(&json).first();
    Ok(match (found, &wanted[..]) {
        (None | Some(Any::Null), []) => false,
        (Some(_), []) => true,
        (Some(value), wanted) => wanted.contains(value),
        (None, _) => false,
    })
}

/// The value that is to be taken out of an answer; `None` where it has none.
pub(super) fn taken(take: &Take, answer: &Answer) -> Result<Option<String>, String> {
    match take {
        Take::Path(path) => at(path, answer),
        Take::Matches(pattern) => {
            let streams = [&answer.stdout, &answer.stderr];
            let found = streams.iter().find_map(|it| pattern.captures(it));
            let group = found.and_then(|it| it.get(1).or_else(|| it.get(0)));
            Ok(group.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()))
        }
    }
}

/// The first value at a path: texts as they are, everything else as JSON; `None` also for null.
pub(super) fn at(path: &JsonPath, answer: &Answer) -> Result<Option<String>, String> {
    let json = json(answer)?;
    Ok(match path.query(&json).first() {
        None | Some(Any::Null) => None,
        Some(Any::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    })
}

fn json(answer: &Answer) -> Result<Any, String> {
    serde_json::from_slice(&answer.stdout)
        .map_err(|error| format!("the answer is no JSON ({error}): {}", answer.beginning))
}

/// The beginning of an answer, on one line.
fn beginning(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(QUOTED).collect();
    if line.is_empty() {
        return "(nothing)".to_owned();
    }
    line
}
