//! Classic BPF programs for sockets: one that drops everything, one that lets in nothing but
//! acknowledgements, one that lets only the SYNs on the loopback device through. All need no more than the
//! right to open the socket.
//!
//! Must not know ports: whoever reads behind a filter looks at the numbers.

use std::io;

use socket2::{SockRef, Socket};

/// Makes a listening socket deaf: the kernel drops every segment for it, so that a SYN is never answered.
///
/// # Errors
/// As `setsockopt`, and where the system has no such filters.
pub(crate) fn drop_everything(socket: &Socket) -> io::Result<()> {
    system::attach(socket, &system::drop_all())
}

/// Lets in the acknowledgements of segments and nothing else: their octets are cut off, and an end or a reset
/// is dropped. So what was sent is not sent again, but nothing that comes is ever acknowledged.
///
/// # Errors
/// As [`drop_everything`].
pub(crate) fn only_acknowledgements(socket: &SockRef<'_>) -> io::Result<()> {
    system::attach(socket, &system::only_acknowledgements())
}

/// Undoes [`drop_everything`]; a socket without a filter is left alone.
pub(crate) fn hear_again(socket: &Socket) {
    system::detach(socket);
}

/// Lets a packet socket see outgoing TCP SYNs on the loopback device and nothing else.
///
/// # Errors
/// As [`drop_everything`].
pub(crate) fn only_syns(socket: &Socket) -> io::Result<()> {
    system::attach(socket, &system::only_syns())
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use socket2::{SockFilter, Socket};

    const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
    const LOAD_BYTE_AT_X: u16 = 0x50; // BPF_LD | BPF_B | BPF_IND
    const LOAD_HEADER_LENGTH: u16 = 0xb1; // BPF_LDX | BPF_B | BPF_MSH
    const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
    const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
    const JUMP_IF_SET: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K

    /// Where the kernel's own facts about a packet are found: SKF_AD_OFF plus the fact's number.
    const ABOUT: u32 = 0xffff_f000;
    const PROTOCOL: u32 = ABOUT;
    const PACKET_TYPE: u32 = ABOUT + 4;
    const DEVICE: u32 = ABOUT + 8;

    /// The loopback device is the first of every network namespace.
    const LOOPBACK: u32 = 1;
    const OUTGOING: u32 = 4;
    const IPV4: u32 = 0x0800;
    const IPV6: u32 = 0x86dd;
    const TCP: u32 = 6;
    const FLAGS: u32 = 13;
    const SYN_AND_ACK: u32 = 0x12;
    const SYN: u32 = 0x02;
    const FIN_SYN_OR_RST: u32 = 0x07;

    pub(super) fn drop_all() -> [SockFilter; 1] {
        [SockFilter::new(RETURN, 0, 0, 0)]
    }

    /// A stream socket's filter sees segments from their TCP header on; however little it lets in, the kernel
    /// keeps that header.
    pub(super) fn only_acknowledgements() -> [SockFilter; 4] {
        [
            SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
            SockFilter::new(JUMP_IF_SET, 1, 0, FIN_SYN_OR_RST),
            SockFilter::new(RETURN, 0, 0, 1),
            SockFilter::new(RETURN, 0, 0, 0),
        ]
    }

    pub(super) fn only_syns() -> [SockFilter; 19] {
        const DROP: u8 = 18;
        let load = |code, at| SockFilter::new(code, 0, 0, at);
        // Goes on with the next instruction where it holds; `line` is its own number.
        let only = |line: u8, value| SockFilter::new(JUMP_IF_EQUAL, 0, DROP - line - 1, value);
        [
            load(LOAD_WORD, PACKET_TYPE),
            only(1, OUTGOING),
            load(LOAD_WORD, DEVICE),
            only(3, LOOPBACK),
            load(LOAD_WORD, PROTOCOL),
            SockFilter::new(JUMP_IF_EQUAL, 0, 5, IPV4),
            load(LOAD_BYTE, 9),
            only(7, TCP),
            load(LOAD_HEADER_LENGTH, 0),
            load(LOAD_BYTE_AT_X, FLAGS),
            SockFilter::new(JUMP, 0, 0, 4),
            // IPv6 has a header of 40 octets; nobody puts extension headers on loopback.
            only(11, IPV6),
            load(LOAD_BYTE, 6),
            only(13, TCP),
            load(LOAD_BYTE, 40 + FLAGS),
            SockFilter::new(AND, 0, 0, SYN_AND_ACK),
            only(16, SYN),
            SockFilter::new(RETURN, 0, 0, u32::MAX),
            SockFilter::new(RETURN, 0, 0, 0),
        ]
    }

    pub(super) fn attach(socket: &Socket, program: &[SockFilter]) -> io::Result<()> {
        socket.attach_filter(program)
    }

    pub(super) fn detach(socket: &Socket) {
        // There may be none, which is as good.
        let _ = socket.detach_filter();
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use socket2::Socket;

    pub(super) fn drop_all() {}

    pub(super) fn only_acknowledgements() {}

    pub(super) fn only_syns() {}

    pub(super) fn attach(_socket: &Socket, _program: &()) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn detach(_socket: &Socket) {}
}
