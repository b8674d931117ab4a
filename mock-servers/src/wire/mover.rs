//! Moves the octets of one connection between its socket and the owner of the case.
//!
//! Knows nothing of what it moves. Reads and writes are done by one task, and what was written is
//! reported before anything is read that the peer can have sent in answer to it: that is what gives the
//! event log its total order.

use std::{io, net::Shutdown, time::Duration};

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::mpsc::{Sender, UnboundedReceiver},
    time::Instant,
};

/// Octets that are read at once.
const READ: usize = 16 * 1024;

/// What a mover is told to do, one after the other; only a reset may come before the one before is done.
/// When no more can come, the mover closes the socket.
#[derive(Debug)]
pub(crate) enum Op {
    /// Write these octets, and end the connection at once: before the peer can answer them.
    Write(Bytes, Option<End>),
    /// Let time pass; what arrives meanwhile is read.
    Wait(Duration),
    /// End the connection.
    End(End),
}

/// Ways to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Close the sending side.
    Fin,
    /// Reset. Nothing comes after it, not even what was being done.
    Reset,
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

/// Moves until the connection is reset or `ops` ends. `wrap` names the connection to the owner.
pub(crate) async fn run<M>(
    stream: TcpStream,
    mut ops: UnboundedReceiver<Op>,
    reports: Sender<M>,
    wrap: impl Fn(Moved) -> M,
) {
    let mut space = vec![0; READ];
    let mut current: Option<Work> = None;
    let mut reading = true;
    loop {
        let report = tokio::select! {
            biased;
            // Also while something is being done: a reset and the end of the case do not wait for a
            // peer that does not read.
            op = ops.recv() => match op {
                Some(Op::End(End::Reset)) => {
                    reset(stream);
                    let _ = reports.send(wrap(Moved::Done { ok: true })).await;
                    return;
                }
                Some(Op::Write(octets, end)) => {
                    current = Some(Work::Write(octets, end));
                    continue;
                }
                Some(Op::Wait(time)) => {
                    current = Some(Work::Wait(Instant::now() + time));
                    continue;
                }
                Some(Op::End(End::Fin)) => Moved::Done { ok: fin(&stream) },
                None => return,
            },
            ok = perform(&stream, &mut current), if current.is_some() => {
                match current.take() {
                    Some(Work::Write(_, Some(End::Fin))) if ok => {
                        fin(&stream);
                    }
                    Some(Work::Write(_, Some(End::Reset))) if ok => {
                        reset(stream);
                        let _ = reports.send(wrap(Moved::Done { ok })).await;
                        return;
                    }
                    _ => {}
                }
                Moved::Done { ok }
            }
            read = read(&stream, &mut space), if reading => match read {
                Ok(0) => {
                    reading = false;
                    Moved::Eof
                }
                Ok(len) => Moved::Octets(space[..len].to_vec()),
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
}

fn fin(stream: &TcpStream) -> bool {
    SockRef::from(stream).shutdown(Shutdown::Write).is_ok()
}

fn reset(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
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
        None => {}
    }
    true
}

async fn read(stream: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(space) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}
