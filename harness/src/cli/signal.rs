//! Ctrl-C and its kin: the first one asks to stop, the second one stops.
//!
//! Must not know what is stopped.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{exit::Exit, runner::Cancel};

/// What is cancelled when the user interrupts: see [`Interrupt::watch`].
///
/// # Errors
/// What the operating system says.
pub fn interrupted() -> io::Result<Cancel> {
    let cancel = Cancel::new();
    Interrupt::default().watch({
        let cancel = cancel.clone();
        move || cancel.cancel()
    })?;
    Ok(cancel)
}

/// Whether the user wants the run to stop. Clones share the wish; it stays.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Whether it is wished.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Watches for SIGINT, SIGTERM and SIGHUP from now on. At the first one the flag is set and `then` is
    /// called, on another thread; finished results are kept and the command should end with
    /// [`Exit::Interrupted`]. At the second one the process ends at once with that code.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn watch(&self, then: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let mut signals = {
            let _inside = runtime.enter();
            [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ]
        };
        let flag = Arc::clone(&self.0);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                let mut next = || {
                    let [interrupt, terminate, hangup] = &mut signals;
                    runtime.block_on(async {
                        tokio::select! {
                            it = interrupt.recv() => it,
                            it = terminate.recv() => it,
                            it = hangup.recv() => it,
                        }
                    })
                };
                if next().is_some() {
                    flag.store(true, Ordering::SeqCst);
                    then();
                }
                if next().is_some() {
                    std::process::exit(Exit::Interrupted.code().into());
                }
            })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn the_first_signal_sets_the_flag_and_tells() {
        let interrupt = Interrupt::default();
        let (tell, told) = mpsc::channel();
        interrupt
            .watch(move || tell.send(()).unwrap_or_default())
            .unwrap();
        assert!(!interrupt.is_set());
        kill_process(getpid(), Signal::HUP).unwrap();
        told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(interrupt.is_set());
    }
}
