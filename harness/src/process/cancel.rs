//! The wish to stop. Must not know what is stopped.

use std::sync::Arc;

use tokio::sync::watch;

/// Can be waited for and, from any clone, given. It stays given.
#[derive(Clone, Debug)]
pub struct Cancel {
    wish: Arc<watch::Sender<bool>>,
}

impl Cancel {
    /// A wish that nobody has yet.
    pub fn new() -> Self {
        Self {
            wish: Arc::new(watch::Sender::new(false)),
        }
    }

    /// From now on it is wished.
    pub fn cancel(&self) {
        self.wish.send_replace(true);
    }

    /// Whether it is wished.
    pub fn is_cancelled(&self) -> bool {
        *self.wish.borrow()
    }

    /// Waits until it is wished.
    pub async fn cancelled(&self) {
        let mut wish = self.wish.subscribe();
        // `self` keeps the sender alive, so this ends only when the wish is there.
        let _ = wish.wait_for(|wished| *wished).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_reaches_clones_and_late_comers() {
        let cancel = Cancel::new();
        assert!(!cancel.is_cancelled());
        let waiting = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        cancel.cancel();
        assert!(waiting.await.is_ok());
        cancel.cancelled().await;
        assert!(cancel.is_cancelled());
    }
}
