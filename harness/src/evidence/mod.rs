//! Evidence of a case for other tools: what went over the wire as a pcapng file with the TLS secrets in it,
//! beside the transcript.
//!
//! The packets are made from the chunks that the mock recorded; nothing is captured, and every file says so.
//! Must not judge, and must not know how a case is run.

mod folder;
mod packets;
mod pcapng;
mod stream;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use mailproof_scenarios::model::What;

pub use self::folder::Evidence;
use self::pcapng::Writer;
use crate::results::Record;

/// Writes the wire of a record as pcapng: a section that says what it is, the TLS secrets, the packets.
///
/// # Errors
/// What `to` says.
pub fn write(record: &Record, to: impl Write) -> io::Result<()> {
    let capture = packets::of(record);
    let mut writer = Writer::new(to);
    let application = concat!("mailproof ", env!("CARGO_PKG_VERSION"));
    writer.section(application, &about(record))?;
    writer.interface("synthesised")?;
    let secrets = key_log(record);
    if !secrets.is_empty() {
        writer.secrets(&secrets)?;
    }
    for packet in &capture {
        writer.packet(packet.at, &packet.octets()?, &packet.comments)?;
    }
    writer.finish()
}

/// What a reader must know before looking at a packet.
fn about(record: &Record) -> String {
    let mut about = format!(
        "Case {}. These packets were not captured: mailproof made them from the chunks that its mock servers \
         recorded. The octets, their order and their times (when a chunk was read, or had been written) are \
         as recorded. Handshakes, sequence numbers, acknowledgements and the cuts in chunks over 32 KiB are made up.",
        record.case.id
    );
    match record.log.events.first().map(|it| &it.what) {
        Some(What::WorldStarted { ports, .. }) => {
            let ports: Vec<String> = ports
                .iter()
                .map(|(role, number)| format!("{role} {number}"))
                .collect();
            about.push_str(&format!(
                " Server ports are the registered ones, so that they are known to a reader; really they \
                 were: {}.",
                ports.join(", ")
            ));
        }
        _ => about.push_str(
            " The record is an old one: times count from 1970, and addresses are made up.",
        ),
    }
    about.push_str(" Passwords of the test account are in here as they went over the wire.");
    about
}

/// All secrets in the form of an NSS key log.
fn key_log(record: &Record) -> String {
    let mut log = String::new();
    for event in &record.log.events {
        if let What::TlsSecret { line } = &event.what {
            log.push_str(line);
            log.push('\n');
        }
    }
    log
}
