//! The event log of a case: one total order, whoever sees something.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use mailproof_scenarios::model::{Event, Log, What};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Adds events of others (the runner) to the same total order. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    /// Held by whoever must not be interrupted by others, always before the book.
    others: Arc<Mutex<()>>,
    book: Arc<Mutex<Book>>,
}

struct Book {
    began: Instant,
    step: u16,
    events: Vec<Event>,
    feeds: Vec<UnboundedSender<Event>>,
}

impl Recorder {
    /// An empty log that begins now.
    #[expect(clippy::new_without_default, reason = "it begins now")]
    pub fn new() -> Self {
        Self {
            others: Arc::default(),
            book: Arc::new(Mutex::new(Book {
                began: Instant::now(),
                step: 0,
                events: Vec::new(),
                feeds: Vec::new(),
            })),
        }
    }

    /// Appends an event of the running step, now.
    pub fn record(&self, what: What) {
        let _alone = self.alone();
        self.append(None, what);
    }

    /// A live feed of events as they are appended, for `serve`.
    pub fn subscribe(&self) -> UnboundedReceiver<Event> {
        let (feed, events) = unbounded_channel();
        self.book().feeds.push(feed);
        events
    }

    /// While this is held, nothing comes in between from [`Recorder::record`].
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends an event of a connection.
    pub(crate) fn record_on(&self, conn: u32, what: What) {
        self.append(Some(conn), what);
    }

    /// From now on events belong to this step.
    pub(crate) fn begin_step(&self, step: u16) {
        self.book().step = step;
    }

    /// Takes what was recorded.
    pub(crate) fn take(&self) -> Log {
        Log {
            events: std::mem::take(&mut self.book().events),
        }
    }

    fn append(&self, conn: Option<u32>, what: What) {
        let mut book = self.book();
        let at = u64::try_from(book.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let event = Event {
            at,
            step: book.step,
            conn,
            what,
        };
        book.feeds.retain(|feed| feed.send(event.clone()).is_ok());
        book.events.push(event);
    }

    /// Every statement above leaves the book consistent, also if one panics.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_order_and_live() {
        let recorder = Recorder::new();
        let mut feed = recorder.subscribe();
        recorder.record(What::LingerOver);
        recorder.begin_step(1);
        recorder.clone().record_on(7, What::KeyExchange);
        assert_eq!(feed.try_recv().unwrap().what, What::LingerOver);
        let events = recorder.take().events;
        assert_eq!((events[0].step, events[0].conn), (0, None));
        assert_eq!((events[1].step, events[1].conn), (1, Some(7)));
        assert!(events[0].at <= events[1].at);
        assert!(recorder.take().events.is_empty());
    }
}
