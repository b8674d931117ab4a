//! What stands between a walk and its pages: the walk puts on it what is the case, the pages put on it what
//! the person wants. Must not know how either does its work.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{
    Mutex as AsyncMutex, broadcast,
    mpsc::{Receiver, Sender, channel},
    oneshot,
};

use super::view::{Line, View};
use crate::{results::CaseResult, serve::Told};

/// News that a page may be behind; then it asks for everything again.
const NEWS: usize = 256;

/// Wishes that wait.
const WISHES: usize = 16;

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Begin a stop, or begin it again.
    Open {
        /// Its number, counted from 0.
        stop: usize,
    },
    /// The step is done, and this is what the client said.
    Told {
        /// Which opening of the stop is meant.
        attempt: u64,
        /// The step, counted from 1.
        step: u16,
        /// What it said.
        said: Said,
        /// The id of each question that was answered, with the answer.
        #[serde(default)]
        answers: Vec<(String, String)>,
    },
    /// Leave a stop out.
    Skip {
        /// Its number, counted from 0.
        stop: usize,
        /// Why.
        reason: String,
        /// Whether the client cannot do it at all.
        #[serde(default)]
        unsupported: bool,
    },
    /// Close the stop that is open without a verdict.
    Close,
    /// End the sitting.
    Leave,
}

/// What the client said, as the person tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// That it worked.
    Worked,
    /// That it failed.
    Failed,
    /// Nothing.
    Unknown,
}

/// In the words of serving.
pub fn told(said: Said) -> Told {
    match said {
        Said::Worked => Told::Worked,
        Said::Failed => Told::Failed,
        Said::Unknown => Told::Unknown,
    }
}

/// Why something is not done, for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The page shows what is no longer the case.
    #[error("{0}")]
    Stale(String),
    /// It cannot be done.
    #[error("{0}")]
    Cannot(String),
    /// The machine failed.
    #[error("{0}")]
    Failed(String),
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "news", rename_all = "kebab-case")]
pub enum News {
    /// Ask for everything again.
    View,
    /// The sitting is over. Nothing comes behind it.
    Ended {
        /// How many stops are left.
        open: usize,
    },
    /// One more line of the transcript.
    Line {
        /// Of which opening.
        attempt: u64,
        /// Its number.
        n: u64,
        /// What it says.
        text: String,
    },
}

/// A wish that waits for its answer.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result<(), Refusal>>,
}

/// The desk.
pub struct Desk {
    shown: Mutex<Shown>,
    news: broadcast::Sender<News>,
    wishes: Sender<Request>,
    inbox: AsyncMutex<Receiver<Request>>,
}

#[derive(Default)]
struct Shown {
    view: View,
    results: HashMap<String, CaseResult>,
}

impl Default for Desk {
    fn default() -> Self {
        let (wishes, inbox) = channel(WISHES);
        Self {
            shown: Mutex::default(),
            news: broadcast::Sender::new(NEWS),
            wishes,
            inbox: AsyncMutex::new(inbox),
        }
    }
}

impl Desk {
    /// Everything that a page shows.
    pub fn view(&self) -> View {
        self.shown().view.clone()
    }

    /// The result of a stop, if it has one.
    pub fn result(&self, stop: usize) -> Option<CaseResult> {
        let shown = self.shown();
        let id = &shown.view.stops.get(stop)?.id;
        shown.results.get(id).cloned()
    }

    /// What happens from now on.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Asks for something and waits until it is done.
    ///
    /// # Errors
    /// [`Refusal`], also where nobody walks any more.
    pub async fn ask(&self, command: Command) -> Result<(), Refusal> {
        let gone = || Refusal::Stale("This sitting has ended.".to_owned());
        let (answer, answered) = oneshot::channel();
        let request = Request { command, answer };
        self.wishes.send(request).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// The next wish. Only the walk asks.
    pub(super) async fn asked(&self) -> Request {
        match self.inbox.lock().await.recv().await {
            Some(request) => request,
            // The desk holds a sender itself.
            None => std::future::pending().await,
        }
    }

    pub(super) fn show(&self, view: View, results: &HashMap<String, CaseResult>) {
        {
            let mut shown = self.shown();
            shown.view = view;
            shown.results.clone_from(results);
        }
        let _ = self.news.send(News::View);
    }

    pub(super) fn line(&self, attempt: u64, line: &Line) {
        let _ = self.news.send(News::Line {
            attempt,
            n: line.n,
            text: line.text.clone(),
        });
        self.shown().view.add(attempt, line);
    }

    pub(super) fn end(&self, open: usize) {
        {
            let mut shown = self.shown();
            shown.view.present = None;
            shown.view.ended = Some(open);
        }
        let _ = self.news.send(News::Ended { open });
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // Every statement above leaves it whole, also if one panics.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
