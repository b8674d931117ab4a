//! When nothing happens at the servers any more. Must not know what is waited for.

use std::{collections::BTreeSet, time::Duration};

use mailproof_scenarios::model::{Event, What};
use tokio::sync::mpsc::UnboundedReceiver;

/// What happens at the servers from now on.
pub(super) struct Quiet {
    feed: UnboundedReceiver<Event>,
    open: BTreeSet<u32>,
}

impl Quiet {
    pub(super) fn new(feed: UnboundedReceiver<Event>) -> Self {
        Self {
            feed,
            open: BTreeSet::new(),
        }
    }

    /// Returns when no connection is open and nothing has happened for `long`.
    pub(super) async fn wait(&mut self, long: Duration) {
        loop {
            let silence = tokio::time::sleep(long);
            tokio::select! {
                biased;
                event = self.feed.recv() => match event {
                    Some(event) => self.take(&event),
                    None => return,
                },
                () = silence, if self.open.is_empty() => return,
            }
        }
    }

    fn take(&mut self, event: &Event) {
        let Some(conn) = event.conn else {
            return;
        };
        match event.what {
            What::Connected { .. } => {
                self.open.insert(conn);
            }
            What::ClientClosed { .. }
            | What::ServerClosed { .. }
            | What::ServerVanished
            | What::LingerOver => {
                self.open.remove(&conn);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::{Endpoints, PortRole};
    use tokio::{sync::mpsc::unbounded_channel, time::Instant};

    use super::*;

    fn event(conn: u32, what: What) -> Event {
        Event {
            at: 0,
            step: 1,
            conn: Some(conn),
            what,
        }
    }

    fn connected() -> What {
        What::Connected {
            port: PortRole::Submission,
            decoy: false,
            between: Endpoints::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_event_and_never_beside_an_open_connection() {
        let (sender, feed) = unbounded_channel();
        let mut quiet = Quiet::new(feed);
        let began = Instant::now();
        tokio::spawn(async move {
            let after = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
            after(1).await;
            let _ = sender.send(event(1, connected()));
            after(60).await;
            let _ = sender.send(event(1, What::ClientClosed { reset: false }));
            after(3600).await;
        });
        quiet.wait(Duration::from_secs(2)).await;
        assert_eq!(began.elapsed().as_secs(), 63);
    }
}
