//! Remote adapters: a product that no command line starts is operated by *hooks*, each a command or an HTTP
//! call. For each step: `configure` tells it the settings, `trigger` asks for the job, `await` waits until the
//! product is done, `observe` reads what a user would have been told. `reset` makes it forget.
//!
//! What a hook takes out of an answer is a placeholder for the hooks behind it. How each hook is checked is in
//! `check`, how it is filled in `fill`. Nothing here connects anywhere; `runner` does.

mod check;
pub(super) mod file;
mod fill;

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use mailproof_scenarios::model::{Job, Protocol};
use regex::bytes::Regex;
use serde_json_path::JsonPath;

use super::{Argument, Commands, Meaning, Template};

pub(super) use check::check;
pub use fill::{HookError, HttpRequest, in_url};

/// A product that is operated by hooks.
#[derive(Debug)]
pub struct Remote {
    /// Where its API is, for URLs that begin with a slash.
    pub address: Option<FromEnvironment>,
    /// PEM of the authorities that its https is checked with; the system's where absent.
    pub authorities: Option<Vec<u8>>,
    /// How many cases it stands at once.
    pub parallel: NonZeroUsize,
    /// Placeholders for what differs from machine to machine.
    pub variables: BTreeMap<String, FromEnvironment>,
    /// The variable of the environment that has each secret.
    pub secrets: BTreeMap<String, String>,
    /// What each setting gives to the adapter's own places. It has no jobs.
    pub settings: Commands,
    /// Succeeds when the product is there.
    pub ready: Option<Hook>,
    /// Asks the product for its version.
    pub version: Option<Hook>,
    /// Makes the product forget earlier cases.
    pub reset: Vec<Hook>,
    /// Tells the product the settings of a step.
    pub configure: Vec<Hook>,
    /// What it can be asked for.
    pub jobs: BTreeMap<(Protocol, Job), JobHooks>,
}

impl Remote {
    /// How a job is asked for, without any values: `POST /messages`, or the program.
    pub fn shown(&self, protocol: Protocol, job: Job) -> Vec<String> {
        let hooks = self.jobs.get(&(protocol, job));
        let Some(trigger) = hooks.and_then(|it| it.trigger.last()) else {
            return Vec::new();
        };
        match &trigger.call {
            Call::Http(call) => vec![call.method.to_owned(), call.written.clone()],
            Call::Command(call) => call.written.clone(),
        }
    }
}

/// A value, or the variable of the environment that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromEnvironment {
    /// The variable.
    pub variable: Option<String>,
    /// The value where there is no such variable.
    pub otherwise: Option<String>,
}

impl FromEnvironment {
    /// The value, if there is one.
    pub fn value(&self) -> Option<String> {
        let found = self.variable.as_ref().and_then(|it| std::env::var(it).ok());
        found
            .filter(|it| !it.is_empty())
            .or_else(|| self.otherwise.clone())
    }
}

/// The hooks of one job.
#[derive(Debug)]
pub struct JobHooks {
    /// Asks for the job.
    pub trigger: Vec<Hook>,
    /// Waits until the product is done; nothing where it is done when the trigger is answered.
    pub wait: Option<Await>,
    /// Reads what a user would have been told; nothing where nobody can.
    pub observe: Option<Observe>,
}

/// One command or HTTP call, and what is taken out of its answer.
#[derive(Debug)]
pub struct Hook {
    /// For messages: `configure`, `trigger.send`.
    pub name: String,
    /// What is done.
    pub call: Call,
    /// How long one answer may take.
    pub within: Duration,
    /// Placeholders for the hooks behind it.
    pub take: BTreeMap<String, Take>,
    /// The product refuses what it was told, or the job has failed, when one of these holds.
    pub failed_when: Vec<Condition>,
    /// The words for the user in such an answer; its beginning where absent.
    pub shown: Option<Take>,
}

/// What a hook does.
#[derive(Debug)]
pub enum Call {
    /// Runs a program.
    Command(CommandCall),
    /// Calls an API.
    Http(HttpCall),
}

/// A program.
#[derive(Debug)]
pub struct CommandCall {
    /// Program and arguments.
    pub run: Vec<Argument>,
    /// The same as the adapter writes them, for messages.
    pub written: Vec<String>,
    /// The file that is its standard input.
    pub stdin: Option<Template>,
    /// Variables of its environment, beside those of the adapter.
    pub environment: BTreeMap<String, Template>,
    /// Codes with which it has done its work.
    pub expect: Vec<i32>,
}

/// An HTTP call. Redirections are not followed.
#[derive(Debug)]
pub struct HttpCall {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Where to; `/…` is below the product's address.
    pub url: Template,
    /// The same as the adapter writes it, for messages.
    pub written: String,
    /// Header fields; those of the adapter first.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Body,
    /// Statuses that mean success; every 2xx where empty.
    pub expect: Vec<u16>,
}

/// The body of an HTTP call.
#[derive(Debug)]
pub enum Body {
    /// None.
    Nothing,
    /// JSON with placeholders in its texts.
    Json(Json),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// A text as it is; its type is for the headers to say.
    Text(Template),
}

/// A JSON value with placeholders: what stands for one is always a whole text, number or list, so no value can
/// break out of it.
#[derive(Debug)]
pub enum Json {
    /// As it is.
    Constant(serde_json::Value),
    /// A text.
    Text(Template),
    /// A number.
    Number(Template),
    /// `true` or `false`.
    Boolean(Template),
    /// The place with several values, as a list of texts.
    List(Template),
    /// The content of a file, as a text.
    File(Template),
    /// Several.
    Array(Vec<Json>),
    /// Named ones.
    Object(Vec<(String, Json)>),
}

/// What is taken out of an answer.
#[derive(Clone, Debug)]
pub enum Take {
    /// The first value at this path (RFC 9535) of a JSON answer.
    Path(JsonPath),
    /// The first group of this pattern, or all of it where it has no group.
    Matches(Regex),
}

/// How the end of a job is found.
#[derive(Debug)]
pub struct Await {
    /// Asked again and again; nothing where only the quiet counts.
    pub poll: Option<Poll>,
    /// Done when nothing has happened at the servers for this long and no connection is open.
    pub quiet: Option<Duration>,
    /// After this long the product hangs.
    pub deadline: Duration,
}

/// A question that is repeated.
#[derive(Debug)]
pub struct Poll {
    /// The question.
    pub hook: Hook,
    /// Between an answer and the next question.
    pub every: Duration,
    /// The product is done when one of these holds.
    pub done_when: Vec<Condition>,
}

/// What must hold of an answer; all of what is given.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The HTTP status, or the exit code, is one of these.
    pub codes: Option<Vec<i32>>,
    /// The value at this path is one of these; without any, it is there.
    pub value: Option<(JsonPath, Vec<serde_json::Value>)>,
    /// The answer has a match of this.
    pub matches: Option<Regex>,
}

/// How it is found out what a user would have been told.
#[derive(Debug)]
pub enum Observe {
    /// By an answer.
    Answer {
        /// The question; where absent, it is the answer of the last trigger. The exit code of a command is part
        /// of its answer, whatever it is.
        hook: Option<Box<Hook>>,
        /// The value that says how it went.
        state: Option<JsonPath>,
        /// What each such value means.
        means: BTreeMap<String, Meaning>,
        /// The words for the user; the whole answer where absent.
        shown: Option<Take>,
    },
    /// By what a log file has got since the step began.
    Log {
        /// The file.
        file: Template,
        /// Only lines with a match of this.
        lines: Option<Regex>,
    },
}
