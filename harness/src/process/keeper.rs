//! The keeper: the process between mailproof and a subject.
//!
//! After the fork and before the exec the child parts in two. One half goes on to become the subject, in a
//! session of its own. The other half, the keeper, is the *subreaper* of the first (prctl(2),
//! PR_SET_CHILD_SUBREAPER): whatever the subject leaves behind becomes a child of the keeper, whichever
//! group or session it fled to. So "everything that the subject started" is exactly "the descendants of
//! the keeper", and it can be ended without guessing.
//!
//! The keeper is a fork of a process with threads. It therefore makes system calls only: nothing here
//! allocates, takes a lock or unwinds.

use std::{
    io,
    os::fd::{BorrowedFd, RawFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Mode, OFlags},
    io::Errno,
    net::{SendFlags, send},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, getpid, kill_process,
        kill_process_group, pidfd_open, set_child_subreaper, setrlimit, setsid, wait,
    },
};

use super::Limits;

/// Written by mailproof: tell the subject to end. Closing the writing side means: end everything now.
pub(super) const TERMINATE: u8 = b'T';

/// Octets of a report.
pub(super) const REPORT_LEN: usize = 25;

/// What the keeper says when everything has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The exit code, 0 where there is a signal.
    pub(super) code: i32,
    /// The signal that ended the subject.
    pub(super) signal: Option<i32>,
    /// The largest resident set in KiB.
    pub(super) peak_memory: u64,
    /// What the subject had before it began, as a copy of mailproof, in KiB: the kernel counts it, too.
    pub(super) floor: u64,
}

impl Report {
    fn encode(self) -> [u8; REPORT_LEN] {
        let mut octets = [0; REPORT_LEN];
        octets[0] = u8::from(self.signal.is_some());
        octets[1..5].copy_from_slice(&self.code.to_le_bytes());
        octets[5..9].copy_from_slice(&self.signal.unwrap_or(0).to_le_bytes());
        octets[9..17].copy_from_slice(&self.peak_memory.to_le_bytes());
        octets[17..].copy_from_slice(&self.floor.to_le_bytes());
        octets
    }

    pub(super) fn decode(octets: [u8; REPORT_LEN]) -> Self {
        let [by_signal, c0, c1, c2, c3, s0, s1, s2, s3, memory @ ..] = octets;
        let [m0, m1, m2, m3, m4, m5, m6, m7, floor @ ..] = memory;
        Self {
            code: i32::from_le_bytes([c0, c1, c2, c3]),
            signal: (by_signal != 0).then_some(i32::from_le_bytes([s0, s1, s2, s3])),
            peak_memory: u64::from_le_bytes([m0, m1, m2, m3, m4, m5, m6, m7]),
            floor: u64::from_le_bytes(floor),
        }
    }
}

/// Parts a freshly forked child in two. In the one half it returns, and that half becomes the subject; in
/// the other it never returns.
///
/// # Errors
/// Those of the system calls, in the half that becomes the subject.
pub(super) fn part(control: RawFd, limits: &Limits) -> io::Result<()> {
    // Out of the terminal's foreground group: Ctrl-C is for mailproof, which then says what is to happen.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    // SAFETY: the child of a fork has one thread, so forking it again has no other thread to surprise.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => prepare_subject(limits),
        subject => keep(subject, control),
    }
}

fn prepare_subject(limits: &Limits) -> io::Result<()> {
    setsid()?;
    let exactly = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::Core, exactly(0))?;
    setrlimit(Resource::Fsize, exactly(limits.file_size))?;
    if let Some(octets) = limits.address_space {
        setrlimit(Resource::As, exactly(octets))?;
    }
    Ok(())
}

fn keep(subject: i32, control: RawFd) -> ! {
    forget_handlers();
    close_all_but(control);
    // SAFETY: mailproof opened it, it was not closed just now, and nobody else in this process knows it.
    let control = unsafe { BorrowedFd::borrow_raw(control) };
    if let Some(subject) = Pid::from_raw(subject) {
        let report = watch(subject, control);
        end_descendants();
        // Mailproof may be gone; there is nobody else to tell.
        let _ = send(control, &report.encode(), SendFlags::NOSIGNAL);
    }
    // SAFETY: ends this process without running the exit handlers that it has from mailproof.
    unsafe { libc::_exit(0) }
}

/// Waits for the end of the subject and passes on what mailproof wishes in the meantime.
fn watch(subject: Pid, control: BorrowedFd<'_>) -> Report {
    let Ok(pidfd) = pidfd_open(subject, PidfdFlags::empty()) else {
        end(subject);
        return wait_for(subject);
    };
    let mut connected = true;
    loop {
        let mut wanted = [
            PollFd::new(&pidfd, PollFlags::IN),
            PollFd::new(&control, PollFlags::IN),
        ];
        let count = if connected { 2 } else { 1 };
        match poll(&mut wanted[..count], None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => end(subject),
        }
        if !wanted[0].revents().is_empty() {
            return wait_for(subject);
        }
        if connected && !wanted[1].revents().is_empty() {
            let mut wish = [0];
            match rustix::io::read(control, &mut wish) {
                Ok(1) if wish == [TERMINATE] => {
                    let _ = kill_process_group(subject, Signal::TERM);
                }
                Err(Errno::INTR) => {}
                _ => {
                    connected = false;
                    end(subject);
                }
            }
        }
    }
}

fn end(subject: Pid) {
    let _ = kill_process_group(subject, Signal::KILL);
    let _ = kill_process(subject, Signal::KILL);
}

fn wait_for(subject: Pid) -> Report {
    let mut status = 0;
    // SAFETY: all zeroes is a value of this plain C structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the right types.
        let waited = unsafe {
            libc::wait4(
                subject.as_raw_nonzero().get(),
                &raw mut status,
                0,
                &raw mut usage,
            )
        };
        if waited >= 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            break;
        }
    }
    Report {
        code: if libc::WIFEXITED(status) {
            libc::WEXITSTATUS(status)
        } else {
            0
        },
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0),
        floor: own_peak(),
    }
}

/// The keeper and the subject begin as two copies of the same process, and the keeper stays one.
fn own_peak() -> u64 {
    // SAFETY: all zeroes is a value of this plain C structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live value of the right type.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    u64::try_from(usage.ru_maxrss).unwrap_or(0)
}

/// Ends every descendant. Killing a child makes its children ours, so this goes on until there is none.
fn end_descendants() {
    loop {
        let listed = kill_children();
        // With the list, a child that is not dead yet will be at once. Without /proc there is nobody to
        // wait for but those that are dead already.
        let options = if listed {
            WaitOptions::empty()
        } else {
            WaitOptions::NOHANG
        };
        match wait(options) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

/// Kills those children that fit one reading of the list; says whether there is a list.
fn kill_children() -> bool {
    let path = c"/proc/thread-self/children";
    let Ok(list) = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else {
        return false;
    };
    let mut buffer = [0_u8; 4096];
    let Ok(count) = rustix::io::read(&list, &mut buffer[..]) else {
        return false;
    };
    let mut number = 0_i32;
    for byte in &buffer[..count] {
        if byte.is_ascii_digit() {
            number = number
                .saturating_mul(10)
                .saturating_add(i32::from(byte - b'0'));
            continue;
        }
        // Each number is followed by a space; one that was cut off is left for the next reading.
        if let Some(child) = Pid::from_raw(number) {
            let _ = kill_process(child, Signal::KILL);
        }
        number = 0;
    }
    true
}

/// Mailproof's signal handlers write to descriptors of mailproof. An exec forgets them, the keeper has none.
fn forget_handlers() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action runs no code of this process. What may not be set is refused.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// The keeper must hold no pipe open: neither the subject's output, nor what the standard library waits on
/// until the exec, nor the control of another keeper.
fn close_all_but(kept: RawFd) {
    let close = |first: u32, last: u32| {
        if first > last {
            return;
        }
        // SAFETY: this process has one thread, and nothing in it uses any of these descriptors again.
        let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        if done != 0 {
            for descriptor in first..=last.min(4096) {
                // SAFETY: as above.
                unsafe { libc::close(descriptor.cast_signed()) };
            }
        }
    };
    let kept = kept.cast_unsigned();
    if kept > 0 {
        close(0, kept - 1);
    }
    close(kept + 1, u32::MAX);
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(Report { code: 77, signal: None, peak_memory: 1, floor: u64::MAX }; "code")]
    #[test_case(Report { code: 0, signal: Some(11), peak_memory: u64::MAX, floor: 2 }; "signal")]
    fn reports_read_back(report: Report) {
        assert_eq!(Report::decode(report.encode()), report);
    }
}
