//! The walk through a plan: one stop at a time has its world, the person sets, does and tells, and each stop
//! that is over is kept at once.
//!
//! [`Walk`] is the walk, [`Desk`] is what a page sees of it and says to it, [`page`] puts the desk on the web.
//! Must not know the command line, nor how records are kept and judged: that is handed in as a [`Keeper`].

mod desk;
pub mod page;
mod view;

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use mailproof_certs::Authority;
use mailproof_scenarios::model::{Canaries, Persona, PortRole, Step};
use time::OffsetDateTime;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use crate::{
    adapter::Words,
    plan::{Plan, Stop, Stops},
    reach::Setting,
    report::text,
    results::{Answer, CaseResult, NotRun, Record, Results},
    runner::Cancel,
    serve::{Audience, Kept, Order, Person, QUIET, Serving, Sheet, Typed},
    session::judged,
    units,
};
pub use desk::{Command, Desk, Refusal, Said, told};
use view::{Line, Present};
pub use view::{Phase, View};

/// Lines of a transcript that a page is shown; the whole is in the folder.
const LINES: usize = 1000;

/// Characters of an answer or a reason.
pub const LONGEST: usize = 2000;

/// How long a world may take to close.
const CLOSING: Duration = Duration::from_secs(20);

/// Whoever keeps what was done and has an opinion on it.
pub trait Keeper: Send + 'static {
    /// Keeps the facts of a stop, so that a kill does not lose them.
    ///
    /// # Errors
    /// In words, where they cannot be kept.
    fn keep(&mut self, record: &Record) -> Result<(), String>;

    /// The opinions on everything that was kept, by id; the last of each counts.
    ///
    /// # Errors
    /// In words, where what was kept cannot be read.
    fn judge(&mut self) -> Result<Results, String>;

    /// A stop begins.
    fn started(&mut self, stop: &Stop);

    /// A stop has an opinion.
    fn finished(&mut self, stop: &Stop, result: &CaseResult);
}

/// What a walk is made of.
pub struct Course {
    /// The plan.
    pub plan: Plan,
    /// What it comes to.
    pub stops: Stops,
    /// How the product calls its settings.
    pub words: Words,
    /// Who serves, by name.
    pub personas: std::collections::BTreeMap<String, Persona>,
    /// Users and passwords, the same for every stop.
    pub canaries: Canaries,
    /// Who forges the chains.
    pub authority: Arc<Authority>,
    /// The civil time.
    pub now: OffsetDateTime,
    /// The numbers of the ports.
    pub ports: std::collections::BTreeMap<PortRole, u16>,
    /// Where the servers are reached.
    pub reach: Setting,
    /// Where everything is kept, the certificates too.
    pub folder: PathBuf,
    /// Whether some of it was done in an earlier sitting.
    pub resumed: bool,
}

impl Course {
    /// Writes the certificate of the test authority, so that it can be imported before the first case.
    ///
    /// # Errors
    /// In words.
    pub fn write_authority(&self) -> Result<(), String> {
        let path = self.folder.join("ca.pem");
        let written = std::fs::write(&path, self.authority.root_pem());
        written.map_err(|error| {
            format!(
                "cannot write {}: {error}",
                text::line(&path.display().to_string())
            )
        })
    }

    /// The SHA-256 of the test authority, as clients show it.
    pub fn fingerprint(&self) -> String {
        units::fingerprint(&self.authority.root_der())
    }
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Stops that nobody came to.
    pub open: usize,
}

/// A walk.
pub struct Walk<K> {
    course: Course,
    keeper: K,
    desk: Arc<Desk>,
    results: HashMap<String, CaseResult>,
    now: Option<Now>,
}

/// The stop that has its world.
struct Now {
    stop: usize,
    told: UnboundedSender<Typed>,
    cancel: Cancel,
    heard: UnboundedReceiver<Heard>,
    task: JoinHandle<Record>,
    steps: Vec<Step>,
    sheets: Vec<Sheet>,
    step: u16,
    answers: Vec<Answer>,
    lines: VecDeque<Line>,
    next_line: u64,
    /// Whether the last step was told, so that nothing more is taken.
    closing: bool,
    attempt: u64,
}

/// What the world tells.
enum Heard {
    Step(u16),
    Line(String),
}

struct Ear(UnboundedSender<Heard>);

impl Audience for Ear {
    fn words(&mut self, _lines: &str) {}

    fn step(&mut self, number: u16) {
        let _ = self.0.send(Heard::Step(number));
    }

    fn line(&mut self, line: &str) {
        let _ = self.0.send(Heard::Line(line.to_owned()));
    }
}

/// What woke the walk.
enum Woke {
    Stop,
    Asked(desk::Request),
    Heard(Heard),
    Over(Box<Result<Record, String>>),
}

impl<K: Keeper> Walk<K> {
    /// A walk that begins, or goes on with what the keeper has.
    ///
    /// # Errors
    /// In words, where what was kept cannot be read, or not be written.
    pub fn begin(course: Course, mut keeper: K, desk: Arc<Desk>) -> Result<Self, String> {
        let results = by_id(keeper.judge()?);
        let mut walk = Self {
            course,
            keeper,
            desk,
            results,
            now: None,
        };
        walk.pass_over()?;
        // Before anybody can look: whoever resumes sees at once what is done.
        walk.show(None);
        Ok(walk)
    }

    /// Stops that nobody can do here are kept as such, once.
    fn pass_over(&mut self) -> Result<(), String> {
        let not_done = |stop: &&Stop| !self.is_done(stop);
        let all = self.course.stops.all.iter().filter(not_done);
        let records: Vec<Record> = all
            .filter_map(|stop| Some(self.not_run(stop, stop.not_run.clone()?)))
            .collect();
        for record in records {
            self.keeper.keep(&record)?;
            self.judge(&record)?;
        }
        Ok(())
    }

    /// Walks until somebody leaves or `stop` is given.
    ///
    /// # Errors
    /// In words, where something cannot be kept.
    pub async fn walk(mut self, stop: &Cancel) -> Result<(Left, K), String> {
        let desk = Arc::clone(&self.desk);
        let mut attempts = 0;
        loop {
            let woke = tokio::select! {
                biased;
                () = stop.cancelled() => Woke::Stop,
                asked = desk.asked() => Woke::Asked(asked),
                woke = next(self.now.as_mut()) => woke,
            };
            match woke {
                Woke::Stop => break,
                Woke::Asked(request) => {
                    let leaves = matches!(request.command, Command::Leave);
                    attempts += 1;
                    let answer = self.obey(&request.command, attempts).await;
                    // What cannot be kept ends the walk; everything else is told to whoever asked.
                    let (answer, broken) = match answer {
                        Err(Trouble::Broken(why)) => (Err(Refusal::Failed(why.clone())), Some(why)),
                        Err(Trouble::Refused(why)) => (Err(why), None),
                        Ok(()) => (Ok(()), None),
                    };
                    let done = answer.is_ok();
                    let _ = request.answer.send(answer);
                    if let Some(why) = broken {
                        return Err(why);
                    }
                    if leaves && done {
                        break;
                    }
                }
                Woke::Heard(heard) => self.heard(heard),
                Woke::Over(record) => self.over(*record)?,
            }
        }
        self.put_away().await;
        let all = self.course.stops.all.iter();
        let open = all.filter(|it| !self.is_done(it)).count();
        self.desk.end(open);
        Ok((Left { open }, self.keeper))
    }

    async fn obey(&mut self, command: &Command, attempt: u64) -> Result<(), Trouble> {
        match command {
            Command::Open { stop } => self.open(*stop, attempt).await,
            Command::Told {
                attempt,
                step,
                said,
                answers,
            } => self.told(*attempt, *step, *said, answers),
            Command::Skip {
                stop,
                reason,
                unsupported,
            } => self.skip(*stop, reason, *unsupported).await,
            Command::Close => {
                self.put_away().await;
                self.show(None);
                Ok(())
            }
            Command::Leave => Ok(()),
        }
    }

    /// The world of a stop, in the place of the one that is open.
    async fn open(&mut self, number: usize, attempt: u64) -> Result<(), Trouble> {
        let stop = self.stop(number)?.clone();
        if let Some(why) = &stop.not_run {
            let why = not_run_words(why).to_owned();
            return Err(Refusal::Cannot(format!("This cannot be done here: {why}.")).into());
        }
        if let Some(control) = self.missing_control(&stop) {
            let why = format!(
                "Number {} comes first: the same settings, undisturbed.",
                control + 1
            );
            return Err(Refusal::Cannot(why).into());
        }
        self.put_away().await;
        let order = Order {
            case: stop.case.clone(),
            free: false,
            personas: self.course.personas.clone(),
            canaries: self.course.canaries.clone(),
            now: self.course.now,
            words: self.course.words.clone(),
            reach: self.course.reach.clone(),
            quiet: QUIET,
            kept: Kept {
                authority: Some(Arc::clone(&self.course.authority)),
                numbers: self.course.ports.clone(),
                folder: Some(self.course.folder.clone()),
            },
        };
        let serving = match Serving::open(order).await {
            Ok(serving) => serving,
            Err(why) => {
                self.show(None);
                let why = format!("The server cannot be started: {why}. Try again.");
                return Err(Refusal::Failed(text::line(&why)).into());
            }
        };
        self.keeper.started(&stop);
        let sheets = serving.sheets(&self.course.words);
        let (told, typing) = unbounded_channel();
        let (ear, heard) = unbounded_channel();
        let cancel = Cancel::new();
        let task = tokio::spawn({
            let cancel = cancel.clone();
            async move {
                let mut person = Person::typing(typing, false);
                serving.serve(&mut person, &cancel, &mut Ear(ear)).await
            }
        });
        self.now = Some(Now {
            stop: number,
            told,
            cancel,
            heard,
            task,
            steps: stop.case.effective_steps(),
            sheets,
            step: 1,
            answers: Vec::new(),
            lines: VecDeque::new(),
            next_line: 0,
            closing: false,
            attempt,
        });
        self.show(None);
        Ok(())
    }

    /// What the person says of the running step.
    fn told(
        &mut self,
        attempt: u64,
        step: u16,
        said: Said,
        answers: &[(String, String)],
    ) -> Result<(), Trouble> {
        let stale = || Refusal::Stale("This is not the step that is open now.".to_owned());
        let now = self.now.as_mut().ok_or_else(stale)?;
        if now.attempt != attempt || now.step != step || now.closing {
            return Err(stale().into());
        }
        if usize::from(step) >= now.steps.len() {
            let stop = &self.course.stops.all[now.stop];
            now.answers = answered(stop, answers)?;
            now.closing = true;
        } else {
            // The next step comes when the world is ready for it; until then nothing is taken.
            now.step = 0;
        }
        let _ = now.told.send(Typed::Told(told(said)));
        self.show(None);
        Ok(())
    }

    async fn skip(&mut self, number: usize, reason: &str, lacks: bool) -> Result<(), Trouble> {
        let stop = self.stop(number)?.clone();
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Refusal::Cannot("Say why, in a few words.".to_owned()).into());
        }
        if reason.chars().count() > LONGEST {
            return Err(too_long().into());
        }
        // Leaving out another one does nothing to the one that is open.
        if let Some(now) = self.now.as_ref().filter(|it| it.stop == number) {
            if now.closing {
                let why = "This one is being finished.".to_owned();
                return Err(Refusal::Stale(why).into());
            }
            self.put_away().await;
        }
        let reason = text::line(reason);
        let why = match lacks {
            true => NotRun::Unsupported(reason),
            false => NotRun::Skipped(reason),
        };
        let record = self.not_run(&stop, why);
        self.keep(number, &record)?;
        Ok(())
    }

    fn heard(&mut self, heard: Heard) {
        let Some(now) = &mut self.now else { return };
        match heard {
            Heard::Step(number) => {
                now.step = number;
                self.show(None);
            }
            Heard::Line(text) => {
                let line = Line {
                    n: now.next_line,
                    text,
                };
                now.next_line += 1;
                self.desk.line(now.attempt, &line);
                if now.lines.len() == LINES {
                    now.lines.pop_front();
                }
                now.lines.push_back(line);
            }
        }
    }

    /// The world is closed: what happened there is kept and judged.
    fn over(&mut self, record: Result<Record, String>) -> Result<(), String> {
        let Some(now) = self.now.take() else {
            return Ok(());
        };
        let stop = &self.course.stops.all[now.stop];
        let record = match record {
            Ok(record) => Record {
                control: stop.control.clone(),
                answers: now.answers,
                ..record
            },
            Err(error) => self.not_run(stop, NotRun::HarnessError(text::line(&error))),
        };
        self.keep(now.stop, &record)
            .map_err(|trouble| match trouble {
                Trouble::Broken(why) | Trouble::Refused(Refusal::Failed(why)) => why,
                Trouble::Refused(why) => why.to_string(),
            })
    }

    fn keep(&mut self, number: usize, record: &Record) -> Result<(), Trouble> {
        self.keeper.keep(record).map_err(Trouble::Broken)?;
        self.judge(record).map_err(Trouble::Broken)?;
        let stop = &self.course.stops.all[number];
        if let Some(result) = self.results.get(&stop.case.id) {
            self.keeper.finished(stop, result);
        }
        self.show(Some(number));
        Ok(())
    }

    /// The opinion on a new record. Where a control is done again, what it is the control of may be judged
    /// otherwise, and only the keeper has those records.
    fn judge(&mut self, record: &Record) -> Result<(), String> {
        let id = &record.case.id;
        if record.case.is_control() && self.results.contains_key(id) {
            self.results = by_id(self.keeper.judge()?);
            return Ok(());
        }
        let control = record.control_id().and_then(|id| self.results.get(&id));
        let result = judged(record, control.map(|it| &it.judgement));
        self.results.insert(id.clone(), result);
        Ok(())
    }

    /// Closes the world that is open. What happened in it is nobody's business.
    async fn put_away(&mut self) {
        let Some(mut now) = self.now.take() else {
            return;
        };
        now.cancel.cancel();
        if tokio::time::timeout(CLOSING, &mut now.task).await.is_err() {
            now.task.abort();
        }
    }

    fn stop(&self, number: usize) -> Result<&Stop, Refusal> {
        let stop = self.course.stops.all.get(number);
        stop.ok_or_else(|| Refusal::Cannot("There is no such case in the plan.".to_owned()))
    }

    fn is_done(&self, stop: &Stop) -> bool {
        self.results.contains_key(&stop.case.id)
    }

    fn missing_control(&self, stop: &Stop) -> Option<usize> {
        let id = stop.control.as_ref()?;
        let all = &self.course.stops.all;
        let at = all.iter().position(|it| it.case.id == *id)?;
        (!self.is_done(&all[at])).then_some(at)
    }

    fn not_run(&self, stop: &Stop, why: NotRun) -> Record {
        Record {
            canaries: self.course.canaries.clone(),
            control: stop.control.clone(),
            ..Record::not_run(&stop.case, 0, why)
        }
    }

    /// Puts what is the case now on the desk. `finished` is the stop that has just got its verdict.
    fn show(&self, finished: Option<usize>) {
        let present = self.now.as_ref().map(|now| {
            let stop = &self.course.stops.all[now.stop];
            Present {
                stop: now.stop,
                attempt: now.attempt,
                step: now.step,
                steps: now.steps.len(),
                sheet: now.sheets.get(usize::from(now.step.max(1)) - 1).cloned(),
                phase: match (now.closing, now.step) {
                    (true, _) => Phase::Closing,
                    (false, 0) => Phase::Between,
                    (false, _) => Phase::Running,
                },
                note: stop.note.clone(),
                questions: stop.questions.clone(),
                lines: now.lines.iter().cloned().collect(),
                next_line: now.next_line,
            }
        });
        let view = View::new(&self.course, &self.results, present, finished);
        self.desk.show(view, &self.results);
    }
}

/// Why a command was not done.
enum Trouble {
    /// It cannot be done now.
    Refused(Refusal),
    /// Nothing can be kept any more.
    Broken(String),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

/// What comes next from the world that is open; nothing, if none is.
async fn next(now: Option<&mut Now>) -> Woke {
    let Some(now) = now else {
        return std::future::pending().await;
    };
    tokio::select! {
        biased;
        Some(heard) = now.heard.recv() => Woke::Heard(heard),
        record = &mut now.task => Woke::Over(Box::new(record.map_err(|error| error.to_string()))),
    }
}

fn by_id(results: Results) -> HashMap<String, CaseResult> {
    let all = results.cases.into_iter().chain(results.controls);
    all.map(|it| (it.id.clone(), it)).collect()
}

fn too_long() -> Refusal {
    Refusal::Cannot(format!("Write no more than {LONGEST} characters."))
}

fn not_run_words(why: &NotRun) -> &str {
    match why {
        NotRun::Unsupported(why) | NotRun::Skipped(why) | NotRun::HarnessError(why) => why,
    }
}

/// The answers in the order of the questions. Who leaves one empty has not answered it.
fn answered(stop: &Stop, given: &[(String, String)]) -> Result<Vec<Answer>, Refusal> {
    let mut answers = Vec::new();
    for question in &stop.questions {
        let Some((_, answer)) = given.iter().find(|(id, _)| *id == question.id) else {
            continue;
        };
        let answer = answer.trim();
        if answer.chars().count() > LONGEST {
            return Err(too_long());
        }
        if answer.is_empty() {
            continue;
        }
        if !question.choices.is_empty() && !question.choices.iter().any(|it| it.trim() == answer) {
            let why = format!("This is no answer to \"{}\".", question.ask);
            return Err(Refusal::Cannot(why));
        }
        answers.push(Answer {
            question: question.id.clone(),
            ask: question.ask.clone(),
            answer: answer.to_owned(),
            fine: question.fine.iter().any(|it| it.trim() == answer),
        });
    }
    Ok(answers)
}
