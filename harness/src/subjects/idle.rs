//! Clients that do nothing. No case may pass with them: they show that silence proves nothing.

use mailproof_scenarios::model::event::Said;

use crate::subject::{Embedded, Performing, Report, Request, Session};

/// A client that never connects.
#[derive(Clone, Copy, Debug)]
pub struct DoNothing {
    said: Said,
}

impl DoNothing {
    /// It says that everything was done.
    pub fn and_say_success() -> Self {
        Self {
            said: Said::Success,
        }
    }

    /// It says that nothing could be done.
    pub fn and_say_failure() -> Self {
        Self { said: Said::Failed }
    }
}

impl Embedded for DoNothing {
    fn open(&self) -> Box<dyn Session> {
        Box::new(*self)
    }
}

impl Session for DoNothing {
    fn perform<'a>(&'a mut self, _request: &'a Request) -> Performing<'a> {
        let said = self.said;
        Box::pin(async move {
            Report::Done {
                said,
                text: String::new(),
            }
        })
    }
}
