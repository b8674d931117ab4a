//! `mailproof doctor`: proves an adapter before its verdicts are trusted, and the lab.
//!
//! Must not know how an adapter is run.

use std::{io::Write, time::Duration};

use crate::{
    adapter::Adapter,
    cli::{Failure, args::DoctorArgs, library, signal::interrupted, subject, text_width, values},
    doctor::{
        ExamineError, Finding, Grade, Report, Row, examine,
        labels::{Axis, Label},
        probes::About,
    },
    exit::Exit,
    lab, process,
    reach::Wish,
    report::text,
    session::Session,
};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of a built-in adapter or the path of an adapter file; `None` for the lab itself.
    pub adapter: Option<String>,
    /// What the subject is told instead of its adapter's time.
    pub timeout: Option<Duration>,
    /// In namespaces of its own.
    pub lab: bool,
    /// Where the servers are reached.
    pub reach: Wish,
}

impl Options {
    /// Resolves the command line.
    pub fn new(args: DoctorArgs) -> Self {
        Self {
            adapter: args.adapter,
            timeout: args.timeout,
            lab: args.lab,
            reach: args.reach.wish(),
        }
    }
}

/// Examines the adapter and prints what was found. The exit code is [`Exit::Unexpected`] where it is not
/// usable.
///
/// # Errors
/// [`Failure`] where the adapter file is wrong, its program is not installed, or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let asked = match options.adapter.as_deref() {
        Some(asked) => asked,
        None if options.lab => return the_lab(stdout),
        None => {
            let message = "which adapter? Name one, or the file of one (mailproof.toml names none here), \
                           or check the lab with --lab";
            return Err(Failure::usage(message));
        }
    };
    let library = library(&[])?;
    let adapter = subject::find(Some(asked))?;
    let reach = subject::reach(&options.reach, options.lab)?;
    if let Some(why) = subject::no_lab_for(options.lab, &adapter) {
        return Err(Failure::environment(why));
    }
    let cancel = interrupted()?;
    let session = Session {
        timeout: options.timeout,
        jobs: super::run::processors().get(),
        reach,
        ..subject::session(
            Some(asked),
            adapter.clone(),
            &library,
            options.lab,
            values::fresh_seed(),
        )
    };
    head(&adapter, session.version().as_deref(), stdout)?;
    let report = examine(&session, &cancel, &mut |_| ()).map_err(|error| match error {
        ExamineError::Probes(problems) => problems.into(),
        ExamineError::Environment(error) => Failure::environment(error.to_string()),
    })?;
    let width = text_width();
    section(&report, "Undisturbed, it must work", true, width, stdout)?;
    section(
        &report,
        "Here it must fail, and say so",
        false,
        width,
        stdout,
    )?;
    labels(&report.labels, width, stdout)?;
    findings(&report, width, stdout)?;
    if report.interrupted {
        writeln!(
            stdout,
            "\nInterrupted: the adapter `{}` is not proved.",
            name(&adapter)
        )?;
        return Ok(Exit::Interrupted);
    }
    let usable = report.usable();
    let verdict = match (usable, weak(&report)) {
        (false, _) => {
            "is not usable as it is: its verdicts would be INCONCLUSIVE, or worth nothing"
        }
        (true, true) => "is usable; its client has weaknesses",
        (true, false) => "is usable",
    };
    writeln!(stdout, "\nThe adapter `{}` {verdict}.", name(&adapter))?;
    Ok(if usable {
        Exit::AsExpected
    } else {
        Exit::Unexpected
    })
}

/// Says what this machine can do for the lab. The exit code is [`Exit::Environment`] where something is missing.
fn the_lab(stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let lines = lab::examine().map_err(|error| Failure::environment(error.to_string()))?;
    writeln!(stdout, "The lab on this machine")?;
    for line in &lines {
        let mark = if line.there { "ok" } else { "MISSING" };
        let first = format!("  {mark:<9}{:<13}", line.what);
        let says = text::wrap(
            &text::line(&line.says),
            text_width(),
            &first,
            &" ".repeat(24),
        );
        writeln!(stdout, "{says}")?;
    }
    let complete = lines.iter().all(|it| it.there);
    let (says, exit) = if complete {
        ("The lab is complete.", Exit::AsExpected)
    } else {
        (
            "The lab is not complete: cases that need what is missing are not run, or prove nothing.",
            Exit::Environment,
        )
    };
    writeln!(stdout, "\n{says}")?;
    Ok(exit)
}

fn name(adapter: &Adapter) -> String {
    text::line(&adapter.name)
}

fn weak(report: &Report) -> bool {
    let mut findings = report.rows.iter().flat_map(|it| &it.findings);
    findings.any(|it| it.grade == Grade::Weak)
}

fn head(adapter: &Adapter, version: Option<&str>, stdout: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        stdout,
        "Adapter  {} ({})",
        name(adapter),
        text::line(&adapter.title)
    )?;
    let program = match &adapter.program {
        Some(program) => {
            let found = process::look_up(program);
            let found = found.map_or_else(|| program.clone(), |it| it.display().to_string());
            text::line(&found)
        }
        None => "inside mailproof".to_owned(),
    };
    writeln!(stdout, "Program  {program}")?;
    let version = version.map_or_else(
        || "it does not say".to_owned(),
        |it| text::cut(&text::line(it), 80),
    );
    writeln!(stdout, "Version  {version}")?;
    Ok(())
}

fn section(
    report: &Report,
    title: &str,
    undisturbed: bool,
    width: usize,
    stdout: &mut dyn Write,
) -> Result<(), Failure> {
    let rows = report.rows.iter();
    let rows: Vec<&Row> = rows
        .filter(|it| (it.about == About::Undisturbed) == undisturbed)
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(stdout, "\n{title}")?;
    for row in rows {
        let mark = row.grade().map_or("ok", mark);
        let first = format!("  {mark:<14}");
        let rest = " ".repeat(16);
        let asked = text::wrap(&text::line(&row.asked), width, &first, &rest);
        let seen = text::wrap(&text::line(&row.seen), width, &rest, &rest);
        writeln!(stdout, "{asked}\n{seen}")?;
    }
    Ok(())
}

/// What each setting really does, under the name that it has in the product.
fn labels(labels: &[Label], width: usize, stdout: &mut dyn Write) -> Result<(), Failure> {
    if labels.is_empty() {
        return Ok(());
    }
    writeln!(
        stdout,
        "\nWhat the settings really do, by their names in the product"
    )?;
    for label in labels {
        let axis = match label.axis {
            Axis::Security(it) => it.to_string(),
            Axis::Trust(it) => format!("trust {it}"),
        };
        let named = match &label.name {
            Some(name) => format!("{} “{}” ({axis})", label.protocol, text::line(name)),
            None => format!("{} {axis}", label.protocol),
        };
        let mark = if label.wrong.is_empty() {
            "ok"
        } else {
            "NOT AS NAMED"
        };
        let first = format!("  {mark:<14}");
        let rest = " ".repeat(16);
        writeln!(stdout, "{}", text::wrap(&named, width, &first, &rest))?;
        writeln!(
            stdout,
            "{}",
            text::wrap(&label.does.join("; "), width, &rest, &rest)
        )?;
        for wrong in &label.wrong {
            writeln!(
                stdout,
                "{}",
                text::wrap(&format!("But {wrong}."), width, &rest, &rest)
            )?;
        }
    }
    Ok(())
}

fn findings(report: &Report, width: usize, stdout: &mut dyn Write) -> Result<(), Failure> {
    let findings = report.findings();
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(stdout, "\nFindings")?;
    for (Finding { grade, says }, times) in findings {
        let times = if times > 1 {
            format!(" ({times} times)")
        } else {
            String::new()
        };
        let first = format!("  {:<14}", mark(*grade));
        let says = format!("{}{times}.", text::line(says));
        writeln!(
            stdout,
            "{}",
            text::wrap(&says, width, &first, &" ".repeat(16))
        )?;
    }
    Ok(())
}

const fn mark(grade: Grade) -> &'static str {
    match grade {
        Grade::Unusable => "NOT USABLE",
        Grade::Contradiction => "CONTRADICTION",
        Grade::Weak => "weak",
        Grade::Warning => "warning",
    }
}
