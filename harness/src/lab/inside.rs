//! What PID 1 of a lab sets up: mounts, `lo`, an address, names.

use std::{ffi::CString, fs, io, net::Ipv4Addr, path::Path};

use mailproof_mock_servers::world::{LAB_IPV4, Place};
use mailproof_scenarios::model::Host;

use super::LabError;

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
    let names: Vec<String> = Host::ALL
        .iter()
        .filter(|it| !it.is_address())
        .map(|it| Place::Lab.reference(*it))
        .collect();
    let hosts = format!(
        "127.0.0.1 localhost\n::1 localhost\n{LAB_IPV4} {}\n",
        names.join(" ")
    );
    shadow("/etc/hosts", &hosts)?;
    shadow(
        "/etc/resolv.conf",
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    )?;
    shadow(
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    )?;
    address("lo:1", LAB_IPV4)?;
    up("lo")?;
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

fn address(interface: &str, address: Ipv4Addr) -> Result<(), LabError> {
    let mut request = request(interface);
    let socket = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from(address).to_be(),
        },
        sin_zero: [0; 8],
    };
    // SAFETY: both are plain data of 16 octets, and every bit pattern is a sockaddr.
    request.ifr_ifru.ifru_addr =
        unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(socket) };
    control(
        libc::SIOCSIFADDR,
        &mut request,
        "the mail host cannot get its address",
    )
}

fn up(interface: &str) -> Result<(), LabError> {
    let what = "`lo` cannot be brought up";
    let mut request = request(interface);
    control(libc::SIOCGIFFLAGS, &mut request, what)?;
    // SAFETY: SIOCGIFFLAGS has just written this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    control(libc::SIOCSIFFLAGS, &mut request, what)
}

fn request(interface: &str) -> libc::ifreq {
    // SAFETY: ifreq is plain data; all zeroes is an empty name and an empty union.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request
        .ifr_name
        .iter_mut()
        .zip(interface.bytes().take(libc::IFNAMSIZ - 1))
    {
        *to = from as libc::c_char;
    }
    request
}

fn control(
    number: libc::c_ulong,
    request: &mut libc::ifreq,
    what: &'static str,
) -> Result<(), LabError> {
    // SAFETY: socket takes numbers only.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(LabError::now(what));
    }
    // SAFETY: the request is an ifreq that outlives the call, as these numbers demand.
    let done = unsafe { libc::ioctl(socket, number as _, std::ptr::from_mut(request)) };
    let result = if done == 0 {
        Ok(())
    } else {
        Err(LabError::now(what))
    };
    // SAFETY: the descriptor was opened above and is used by nobody else.
    unsafe { libc::close(socket) };
    result
}
