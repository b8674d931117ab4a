//! `mailproof serve PLAN`: a person walks through a list of cases, on a page.
//!
//! Must not know how a case is served, nor what the page looks like.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mailproof_mock_servers::world::Place;
use mailproof_scenarios::{
    library::Library,
    model::{Auth, Case, Security, Trust},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    rejudge::{JUDGE, apply, each, rejudge},
    run,
    serve::Options,
};
use crate::{
    adapter::{Adapter, Words},
    cli::{Failure, remark, signal::interrupted, subject, text_width},
    edition,
    exit::{Demands, Exit},
    plan::{Begun, Plan, State, Stop, Stops},
    reach::turned_away,
    report::{
        background::Background,
        out::{self, Out},
        reporter::{Format, Reporter, Reporting},
        text,
    },
    results::{CaseResult, RESULTS_VERSION, Record, Results},
    runner::{Cancel, not_shown, unseen},
    units,
    walk::{Course, Desk, Keeper, Walk, page::Page},
};

/// The largest plan that is read.
const LARGEST: u64 = 1 << 20;

/// How long pages are waited for at the end.
const PARTING: Duration = Duration::from_secs(2);

/// Whether a target means a plan: a file, or something that is written like one.
pub(super) fn is_plan(target: &str) -> bool {
    let path = Path::new(target);
    path.extension().is_some_and(|it| it == "toml") || path.is_file()
}

/// Walks until the person leaves, and reports.
///
/// # Errors
/// [`Failure`] where the plan is wrong or does not fit its folder, or the environment fails.
pub(super) fn execute(
    options: &Options,
    library: &Library,
    stdout: &mut dyn Write,
) -> Result<Exit, Failure> {
    if options.control {
        let message = "a plan has its controls already, so there is no --control for it";
        return Err(Failure::usage(message));
    }
    let path = Path::new(&options.target);
    let plan = read(path)?;
    let adapter = adapter_of(&plan, path)?;
    let expected = run::expected(options.plan.expect.as_deref())?;
    let reach = subject::reach(&options.reach, false)?;
    if reach.reach.is_some() && !plan.ports.is_empty() {
        let message = "the [ports] of a plan are for this machine; where it is reached from elsewhere, \
                       --port-map says which they are";
        return Err(Failure::usage(message));
    }
    let now = OffsetDateTime::now_utc();
    let place = reach.place(Place::Loopback);
    let authority = reach.anchor.authority(&place, now)?;
    let stops = Stops::of(&plan, library, |case| {
        unseen(case, &place).or_else(|| not_shown(case, &place, &authority))
    })?;
    let folder = options.plan.out.clone().unwrap_or_else(|| beside(path));
    let state = State::open(
        &folder,
        out::RECORDS,
        options.plan.resume,
        &plan,
        &stops,
        || {
            let now = now.format(&Rfc3339).unwrap_or_default();
            Begun::fresh(&plan, &stops, options.seed, now)
        },
    );
    let state = state.map_err(|error| match error.is_environment() {
        true => Failure::environment(error.to_string()),
        false => Failure::usage(error.to_string()),
    })?;
    let out = Out::open(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let page = runtime.block_on(open_page(options))?;
    // Begun is what can be gone on with, so whatever may fail comes before.
    if !state.resumed {
        state.remember()?;
    }
    let mut reporter = Reporter::new(reporting(options), Some(out), stops.cases().count())
        .with_background(Background::of(library));
    // Who was ended in between has begun and has no results yet.
    match state.resumed && folder.join(out::RESULTS).exists() {
        true => reporter.resume()?,
        false => reporter.begin(&head(
            options,
            &plan,
            adapter.as_ref(),
            &state.begun,
            &stops,
            &place,
        ))?,
    }
    let cases: Vec<Case> = stops.cases().map(|it| it.case.clone()).collect();
    let course = Course {
        words: words(&plan, adapter.as_ref()),
        canaries: stops.canaries(state.begun.seed),
        personas: library.personas().clone(),
        authority: Arc::new(authority),
        now,
        ports: state.begun.ports.clone(),
        reach,
        folder: folder.canonicalize().unwrap_or_else(|_| folder.clone()),
        resumed: state.resumed,
        plan,
        stops,
    };
    let keeper = Files {
        reporter,
        folder: folder.clone(),
    };
    let resumed = state.resumed;
    let (open, mut keeper) = runtime.block_on(walk(page, course, keeper, stdout))?;
    let mut results = Results {
        interrupted: false,
        ..rejudge(&folder, JUDGE)?
    };
    if let Some(expected) = expected {
        apply(&expected, &mut results, library);
    }
    let done = |it: &&Case| results.cases.iter().any(|result| result.id == it.id);
    results.edition = Some(edition::edition(library, cases.iter().filter(done)));
    for line in turned_away(&results.turned_away) {
        keeper.reporter.note(&line);
    }
    // What earlier sittings saw is in the folder alone.
    if resumed {
        each(&folder, |record| keeper.reporter.detail(&record))?;
    }
    keeper.reporter.left_open(open);
    Ok(keeper.reporter.finish(&results, stdout)?.exit)
}

/// The page, which nobody can look at yet.
async fn open_page(options: &Options) -> Result<Page, Failure> {
    let at = SocketAddr::new(
        options.plan.page_bind,
        options.plan.page_port.unwrap_or_default(),
    );
    let page = Page::open(at)
        .await
        .map_err(|error| Failure::environment(format!("cannot open the page on {at}: {error}")))?;
    if !options.plan.page_bind.is_loopback() {
        remark(
            "the page can be reached from elsewhere, without TLS: whoever sees its address may do everything \
             there",
        );
    }
    Ok(page)
}

/// Serves the page while the walk lasts. Returns how many stops are open.
async fn walk(
    page: Page,
    course: Course,
    keeper: Files,
    stdout: &mut dyn Write,
) -> Result<(usize, Files), Failure> {
    let stop = interrupted()?;
    let folder = course.folder.clone();
    let (title, resumed) = (text::line(&course.plan.title), course.resumed);
    course.write_authority().map_err(Failure::environment)?;
    let desk = Arc::new(Desk::default());
    let walk = Walk::begin(course, keeper, Arc::clone(&desk)).map_err(Failure::environment)?;
    let begun = if resumed { "goes on" } else { "begins" };
    writeln!(stdout, "{title} {begun}. Open this page in a browser:\n")?;
    writeln!(stdout, "  {}\n", page.address())?;
    let shown = text::line(&folder.display().to_string());
    writeln!(
        stdout,
        "Results go to {shown}. Ctrl-C ends it and keeps what was done."
    )?;
    stdout.flush()?;
    let over = Cancel::new();
    let serving = tokio::spawn({
        let over = over.clone();
        page.serve(desk, folder, async move { over.cancelled().await })
    });
    let (left, keeper) = walk.walk(&stop).await.map_err(Failure::environment)?;
    over.cancel();
    // The pages get to know that it is over; who does not listen does not hold it up.
    let _ = tokio::time::timeout(PARTING, serving).await;
    Ok((left.open, keeper))
}

/// Keeps records in the folder and judges what is there.
struct Files {
    reporter: Reporter,
    folder: PathBuf,
}

impl Keeper for Files {
    fn keep(&mut self, record: &Record) -> Result<(), String> {
        self.reporter.record(record).map_err(|it| it.to_string())
    }

    fn judge(&mut self) -> Result<Results, String> {
        rejudge(&self.folder, JUDGE).map_err(|it| it.message)
    }

    fn started(&mut self, stop: &Stop) {
        self.reporter.started(&stop.case.id);
    }

    fn finished(&mut self, stop: &Stop, result: &CaseResult) {
        if stop.is_control() {
            let verdict = result.judgement.verdict.name();
            let id = text::line(&stop.case.id);
            self.reporter.note(&format!("{verdict} {id} (undisturbed)"));
        } else {
            self.reporter.finished(result);
        }
    }
}

fn read(path: &Path) -> Result<Plan, Failure> {
    let shown = text::line(&path.display().to_string());
    let cannot = |why: String| Failure::usage(format!("cannot read the plan `{shown}`: {why}"));
    let size = std::fs::metadata(path)
        .map_err(|it| cannot(it.to_string()))?
        .len();
    if size > LARGEST {
        return Err(cannot(format!("it is larger than {} KiB", LARGEST >> 10)));
    }
    let content = std::fs::read_to_string(path).map_err(|it| cannot(it.to_string()))?;
    Ok(Plan::parse(&shown, &content)?)
}

/// A name, or a path that is seen from the plan.
fn adapter_of(plan: &Plan, path: &Path) -> Result<Option<Adapter>, Failure> {
    let Some(name) = &plan.adapter else {
        return Ok(None);
    };
    let beside = path.parent().unwrap_or(Path::new("")).join(name);
    let name = match units::is_path(name) {
        true => beside.display().to_string(),
        false => name.clone(),
    };
    subject::read(&name).map(Some)
}

/// What the plan says goes before what the adapter says.
fn words(plan: &Plan, adapter: Option<&Adapter>) -> Words {
    let mut words = adapter.map(|it| it.words.clone()).unwrap_or_default();
    let own = |it: (&Security, &String)| (*it.0, it.1.clone());
    words.security.extend(plan.security.iter().map(own));
    let own = |it: (&Trust, &String)| (*it.0, it.1.clone());
    words.trust.extend(plan.trust.iter().map(own));
    let own = |it: (&Auth, &String)| (*it.0, it.1.clone());
    words.auth.extend(plan.auth.iter().map(own));
    words
}

/// `printer-results` for `plans/printer.toml`, where the user is.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    PathBuf::from(format!("{stem}-results"))
}

fn reporting(options: &Options) -> Reporting {
    Reporting {
        format: Format::Human,
        quiet: false,
        width: text_width(),
        demands: Demands::new(&options.plan.fail_on, &options.plan.require),
    }
}

/// The arguments that one case needs when it is served again: see [`Results::repeat`].
fn repeat(options: &Options) -> Vec<String> {
    let mut arguments = vec!["serve".to_owned()];
    for folder in &options.scenarios {
        arguments.extend(["--scenarios".to_owned(), folder.display().to_string()]);
    }
    arguments.extend(options.reach.arguments());
    arguments
}

/// What is known before the first case.
fn head(
    options: &Options,
    plan: &Plan,
    adapter: Option<&Adapter>,
    begun: &Begun,
    stops: &Stops,
    place: &Place,
) -> Results {
    let subject = plan.subject.clone();
    let subject = subject.or_else(|| adapter.map(|it| it.name.clone()));
    let title = adapter.map(|it| it.title.clone());
    Results {
        v: RESULTS_VERSION,
        mailproof: env!("CARGO_PKG_VERSION").to_owned(),
        subject: subject.unwrap_or_else(|| "client".to_owned()),
        subject_title: title.unwrap_or_else(|| plan.title.clone()),
        subject_version: plan.version.clone(),
        place: place.name().to_owned(),
        seed: begun.seed,
        repeat: repeat(options),
        now: begun.now.clone(),
        selected: stops.cases().count(),
        ..Results::default()
    }
}
