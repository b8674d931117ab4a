//! The way in: the first process unshares and starts the second, which is PID 1 of its namespace.

use std::{
    fs, io,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
};

use super::LabError;

/// The hidden argument that makes the binary the first process of a lab.
pub const INIT: &str = "lab-init";

/// Moves the calling process, which must have one thread, into namespaces of its own, then starts the
/// same program with `arguments` as PID 1 in there and waits for it.
///
/// Standard streams are inherited.
///
/// # Errors
/// [`LabError`] where the kernel refuses a namespace.
pub fn detach(arguments: &[String]) -> Result<ExitStatus, LabError> {
    // SAFETY: geteuid and getegid cannot fail and touch no memory.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    // SAFETY: unshare takes flags only; the process has one thread, as CLONE_NEWUSER demands.
    if unsafe { libc::unshare(flags) } != 0 {
        return Err(LabError::now("the kernel refuses namespaces to this user"));
    }
    let map = |file: &str, text: String| {
        fs::write(file, text).map_err(|source| LabError {
            what: "the user cannot be mapped",
            source,
        })
    };
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {user} 1"))?;
    map("/proc/self/gid_map", format!("0 {group} 1"))?;
    let program = std::env::current_exe().map_err(|source| LabError {
        what: "the program's own path is not known",
        source,
    })?;
    Command::new(program)
        .args(arguments)
        .status()
        .map_err(|source| LabError {
            what: "the program cannot be started in the lab",
            source,
        })
}

/// Whether a lab can be had: starts one that does nothing.
///
/// # Errors
/// The reason in the words of the kernel.
pub fn probe() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args([INIT, "worker", "--lab", "--probe"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error: io::Error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let reason = words.lines().last().unwrap_or_default().trim();
    Err(match (reason.is_empty(), output.status.signal()) {
        (false, _) => reason.to_owned(),
        (true, Some(signal)) => format!("no lab here: it was ended by signal {signal}"),
        (true, None) => "no lab here: it gave no reason".to_owned(),
    })
}
