//! What PID 1 of a lab sets up: mounts, addresses, the way to its DNS.

use std::{ffi::CString, fs, io, path::Path};

use mailproof_mock_servers::world::RESOLVER;

use super::{LabError, addresses};

/// Proof that the calling process is in a lab.
#[derive(Debug)]
pub struct Inside(());

/// Sets the lab up. The calling process must be the one that [`super::detach`] started.
///
/// # Errors
/// [`LabError`] where the kernel refuses a step.
pub fn enter() -> Result<Inside, LabError> {
    end_with_parent()?;
    mount(
        None,
        "/",
        None,
        libc::MS_REC | libc::MS_PRIVATE,
        "mounts cannot be made private",
    )?;
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        libc::MS_NOSUID | libc::MS_NODEV,
        "/proc cannot be mounted",
    )?;
    shadow("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    shadow(
        "/etc/resolv.conf",
        &format!(
            "nameserver {}\noptions timeout:1 attempts:2\n",
            RESOLVER.ip()
        ),
    )?;
    shadow(
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    )?;
    addresses::give().map_err(|source| LabError {
        what: "the lab cannot get its addresses",
        source,
    })?;
    Ok(Inside(()))
}

fn end_with_parent() -> Result<(), LabError> {
    // SAFETY: this option takes a signal number and touches no memory.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return Err(LabError::now("the worker cannot be tied to its parent"));
    }
    Ok(())
}

fn mount(
    source: Option<&str>,
    target: &str,
    kind: Option<&str>,
    flags: libc::c_ulong,
    what: &'static str,
) -> Result<(), LabError> {
    let text = |it: &str| {
        CString::new(it).map_err(|error| LabError {
            what,
            source: io::Error::other(error),
        })
    };
    let source = source.map(text).transpose()?;
    let kind = kind.map(text).transpose()?;
    let target = text(target)?;
    let pointer = |it: &Option<CString>| it.as_ref().map_or(std::ptr::null(), |it| it.as_ptr());
    // SAFETY: the pointers are null or come from CStrings that live until the call is over.
    let done = unsafe {
        libc::mount(
            pointer(&source),
            target.as_ptr(),
            pointer(&kind),
            flags,
            std::ptr::null(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(LabError::now(what))
    }
}

/// Puts another file over one that is there. One that is not there needs no other.
fn shadow(path: &str, text: &str) -> Result<(), LabError> {
    let what = "names cannot be given in the lab";
    let wrong = |source| LabError { what, source };
    let Ok(real) = fs::canonicalize(path) else {
        return Ok(());
    };
    let file = tempfile::NamedTempFile::new().map_err(wrong)?;
    fs::write(file.path(), text).map_err(wrong)?;
    readable_by_all(file.path()).map_err(wrong)?;
    let (from, to) = (file.path().to_string_lossy(), real.to_string_lossy());
    mount(Some(&from), &to, None, libc::MS_BIND, what)
}

fn readable_by_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}
