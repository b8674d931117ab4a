//! Moves the octets of one connection between its socket and the owner of the case.
//!
//! Knows nothing of what it moves. The owner writes by itself, as far as the kernel takes it at once
//! ([`now`]): what has left is recorded before anything that was read afterwards can be. A task of the
//! connection ([`run`]) reads, waits, and writes what the kernel would not take.

use std::{io, net::Shutdown, os::fd::AsRawFd as _, sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::mpsc::{Sender, UnboundedReceiver},
    time::Instant,
};

use super::filter;

/// Octets that are read at once.
const READ: usize = 16 * 1024;

/// How often a vanishing connection looks whether its last words have arrived.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A peer that has gone is an error here and no signal.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NO_SIGNAL: libc::c_int = 0;

/// What is done on a connection, one after the other.
#[derive(Debug)]
pub(crate) enum Op {
    /// Write these octets, and end the connection at once: before the peer can answer them.
    Write(Bytes, Option<End>),
    /// Let time pass; what arrives meanwhile is read.
    Wait(Duration),
    /// Read nothing more, or not for so long, so that the peer's writes come to a stop.
    StopReading(Option<Duration>),
    /// End the connection.
    End(End),
}

/// Ways to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Close the sending side.
    Fin,
    /// Reset, as soon as nobody holds the connection any more. Nothing comes after it.
    Reset,
    /// Hear nothing more; what was written is still acknowledged. [`End::Vanish`] follows.
    Deaf,
    /// Be gone without a word: hear nothing, say nothing, neither now nor when the connection is dropped. Done
    /// when what was written has arrived.
    Vanish,
}

/// What a mover reports.
#[derive(Debug)]
pub(crate) enum Moved {
    /// These octets arrived.
    Octets(Vec<u8>),
    /// The peer closed its sending side.
    Eof,
    /// The connection broke; by a reset, or otherwise.
    Broken {
        /// Whether it was a reset.
        reset: bool,
    },
    /// The operation is done, or failed.
    Done {
        /// Whether it was done.
        ok: bool,
    },
}

/// How far an operation came at once.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It is done, or failed.
    Done {
        /// Whether it was done.
        ok: bool,
    },
    /// The rest of it takes time.
    Later(Op),
}

/// Does what can be done of an operation without waiting.
pub(crate) fn now(stream: &TcpStream, op: Op) -> Tried {
    match op {
        Op::Write(mut octets, end) => {
            if end == Some(End::Deaf) {
                // Before anybody can answer the last octets.
                self::end(stream, End::Deaf);
            }
            while octets.has_remaining() {
                // Past tokio, which would first want to be told by the kernel that there is room.
                match SockRef::from(stream).send_with_flags(&octets, NO_SIGNAL) {
                    Ok(len) => octets.advance(len),
                    Err(error) => match error.kind() {
                        io::ErrorKind::Interrupted => {}
                        io::ErrorKind::WouldBlock => return Tried::Later(Op::Write(octets, end)),
                        _ => return Tried::Done { ok: false },
                    },
                }
            }
            if let Some(end) = end {
                self::end(stream, end);
            }
            Tried::Done { ok: true }
        }
        Op::End(End::Vanish) => {
            self::end(stream, End::Deaf);
            Tried::Later(op)
        }
        Op::End(end) => {
            self::end(stream, end);
            Tried::Done { ok: true }
        }
        Op::Wait(_) | Op::StopReading(_) => Tried::Later(op),
    }
}

/// Reads, and does what takes time, until `ops` ends. `wrap` names the connection to the owner.
pub(crate) async fn run<M>(
    stream: Arc<TcpStream>,
    mut ops: UnboundedReceiver<Op>,
    reports: Sender<M>,
    wrap: impl Fn(Moved) -> M,
) {
    let mut current: Option<Work> = None;
    let mut reading = true;
    let mut again = Instant::now();
    loop {
        let report = tokio::select! {
            biased;
            // Also while something is being done: the end of a case does not wait for a peer that does
            // not read.
            op = ops.recv() => {
                current = match op {
                    Some(Op::Write(octets, end)) => Some(Work::Write(octets, end)),
                    Some(Op::Wait(time)) => Some(Work::Wait(Instant::now() + time)),
                    Some(Op::End(End::Vanish)) => Some(Work::Vanish),
                    Some(Op::StopReading(time)) => {
                        match time {
                            Some(time) => again = Instant::now() + time,
                            None => reading = false,
                        }
                        Some(Work::Write(Bytes::new(), None))
                    }
                    Some(Op::End(end)) => Some(Work::Write(Bytes::new(), Some(end))),
                    None => return,
                };
                continue;
            }
            ok = perform(&stream, &mut current), if current.is_some() => {
                if let Some(Work::Write(_, Some(it))) = current.take()
                    && ok
                {
                    end(&stream, it);
                }
                Moved::Done { ok }
            }
            read = read(&stream, again), if reading => match read {
                Ok(octets) if octets.is_empty() => {
                    reading = false;
                    Moved::Eof
                }
                Ok(octets) => Moved::Octets(octets),
                Err(error) => {
                    reading = false;
                    Moved::Broken { reset: error.kind() == io::ErrorKind::ConnectionReset }
                }
            },
        };
        if reports.send(wrap(report)).await.is_err() {
            return;
        }
    }
}

/// What is under way.
enum Work {
    Write(Bytes, Option<End>),
    Wait(Instant),
    Vanish,
}

/// Goes on with what is under way. Can be dropped and called again: what was written is gone from it.
async fn perform(stream: &TcpStream, current: &mut Option<Work>) -> bool {
    match current {
        Some(Work::Write(octets, _)) => {
            while octets.has_remaining() {
                if stream.writable().await.is_err() {
                    return false;
                }
                match stream.try_write(octets) {
                    Ok(len) => octets.advance(len),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return false,
                }
            }
        }
        Some(Work::Wait(until)) => tokio::time::sleep_until(*until).await,
        Some(Work::Vanish) => {
            // The kernel tells nobody when the last acknowledgement comes.
            while unacknowledged(stream) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            end(stream, End::Vanish);
        }
        None => {}
    }
    true
}

/// What has arrived, but not before the time; nothing at the end.
async fn read(stream: &TcpStream, from: Instant) -> io::Result<Vec<u8>> {
    if from > Instant::now() {
        tokio::time::sleep_until(from).await;
    }
    loop {
        stream.readable().await?;
        match read_now(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

/// Whether something that was written has not arrived yet.
fn unacknowledged(stream: &TcpStream) -> bool {
    let mut octets: libc::c_int = 0;
    // SAFETY: the descriptor is open for as long as the stream is borrowed, and the request writes one int.
    let asked = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut octets) };
    asked == 0 && octets > 0
}

/// Into space that a connection on which nothing happens does not hold.
fn read_now(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut space = [0; READ];
    let len = stream.try_read(&mut space)?;
    Ok(space[..len].to_vec())
}

/// Fails only on a connection that has ended already.
fn end(stream: &TcpStream, end: End) {
    let socket = SockRef::from(stream);
    let _ = match end {
        End::Fin => socket.shutdown(Shutdown::Write),
        End::Reset => socket.set_linger(Some(Duration::ZERO)),
        End::Deaf => filter::only_acknowledgements(&socket),
        End::Vanish => socket
            .set_linger(Some(Duration::ZERO))
            .and_then(|()| filter::drop_everything(&socket)),
    };
}
