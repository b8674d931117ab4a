//! Read back by a reader that is not ours.

use std::{
    collections::BTreeMap,
    net::{Ipv6Addr, SocketAddr},
    slice,
};

use etherparse::{IpHeaders, SlicedPacket, TcpHeader, TransportSlice};
use mailproof_scenarios::{
    library::Library,
    model::{Action, Endpoints, Event, Layer, PortRole, PortState, Setup, What, event::Direction},
};
use pcap_parser::{Block, OptionCode, PcapNGOption, parse_block_le};
use proptest::prelude::*;
use test_case::test_case;

use super::write;
use crate::{report::records::tests::record, results::Record};

/// A packet as a reader sees it.
struct Seen {
    micros: u64,
    from: SocketAddr,
    to: SocketAddr,
    tcp: TcpHeader,
    payload: Vec<u8>,
    comments: Vec<String>,
}

struct File {
    comment: String,
    secrets: Option<String>,
    packets: Vec<Seen>,
}

fn comments(options: &[PcapNGOption<'_>]) -> Vec<String> {
    let comments = options.iter().filter(|it| it.code == OptionCode::Comment);
    comments
        .map(|it| String::from_utf8(it.value()[..usize::from(it.len)].to_vec()).unwrap())
        .collect()
}

/// Blocks in their order: section, interface, secrets, packets.
fn read(record: &Record) -> File {
    let mut octets = Vec::new();
    write(record, &mut octets).unwrap();
    let mut rest = &octets[..];
    let mut file = File {
        comment: String::new(),
        secrets: None,
        packets: Vec::new(),
    };
    let mut kinds = String::new();
    while !rest.is_empty() {
        let (after, block) = parse_block_le(rest).unwrap();
        rest = after;
        match block {
            Block::SectionHeader(it) => {
                kinds.push('s');
                file.comment = comments(&it.options).concat();
            }
            Block::InterfaceDescription(it) => {
                kinds.push('i');
                assert_eq!((it.linktype.0, it.if_tsresol), (101, 6));
            }
            Block::DecryptionSecrets(it) => {
                kinds.push('d');
                assert_eq!(it.secrets_type.0, 0x544c_534b);
                let text = it.data[..it.secrets_len as usize].to_vec();
                file.secrets = Some(String::from_utf8(text).unwrap());
            }
            Block::EnhancedPacket(it) => {
                kinds.push('p');
                assert_eq!(it.caplen, it.origlen);
                file.packets.push(packet(
                    (u64::from(it.ts_high) << 32) | u64::from(it.ts_low),
                    &it.data[..it.caplen as usize],
                    comments(&it.options),
                ));
            }
            other => panic!("{other:?}"),
        }
    }
    let secrets = if file.secrets.is_some() { "d" } else { "" };
    assert_eq!(
        kinds,
        format!("si{secrets}{}", "p".repeat(file.packets.len()))
    );
    file
}

/// Takes a packet apart and proves its checksums.
fn packet(micros: u64, octets: &[u8], comments: Vec<String>) -> Seen {
    let sliced = SlicedPacket::from_ip(octets).unwrap();
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        panic!("no TCP");
    };
    let (header, payload) = (tcp.to_header(), tcp.payload());
    let (ip, ..) = IpHeaders::from_slice(octets).unwrap();
    let (from, to, checksum) = match &ip {
        IpHeaders::Ipv4(ip, _) => {
            assert_eq!(ip.header_checksum, ip.calc_header_checksum());
            let checksum = header.calc_checksum_ipv4(ip, payload).unwrap();
            (ip.source.into(), ip.destination.into(), checksum)
        }
        IpHeaders::Ipv6(ip, _) => {
            let checksum = header.calc_checksum_ipv6(ip, payload).unwrap();
            (ip.source.into(), ip.destination.into(), checksum)
        }
    };
    assert_eq!(header.checksum, checksum);
    Seen {
        micros,
        from: SocketAddr::new(from, header.source_port),
        to: SocketAddr::new(to, header.destination_port),
        payload: payload.to_vec(),
        tcp: header,
        comments,
    }
}

impl Seen {
    /// `S`, `SA`, `A`, `PA`, `FA`, `RA`.
    fn flags(&self) -> String {
        let all = [
            (self.tcp.syn, 'S'),
            (self.tcp.fin, 'F'),
            (self.tcp.rst, 'R'),
            (self.tcp.psh, 'P'),
            (self.tcp.ack, 'A'),
        ];
        all.iter()
            .filter(|(set, _)| *set)
            .map(|(_, it)| *it)
            .collect()
    }
}

/// A record with these events, one microsecond after the other.
fn happened(events: impl IntoIterator<Item = (Option<u32>, What)>) -> Record {
    let mut record = record(b"");
    record.log.events = events
        .into_iter()
        .zip(0..)
        .map(|((conn, what), at)| Event {
            at,
            step: 1,
            conn,
            what,
        })
        .collect();
    record
}

fn started() -> (Option<u32>, What) {
    let what = What::WorldStarted {
        civil: 1_700_000_000_000_000,
        ports: BTreeMap::from([(PortRole::Imaps, 40123)]),
    };
    (None, what)
}

fn connected() -> [(Option<u32>, What); 2] {
    let here = |port| SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
    let connected = What::Connected {
        port: PortRole::Imaps,
        decoy: false,
        between: Endpoints::default(),
    };
    let ends = What::Endpoints {
        client: here(50001),
        server: here(40123),
    };
    [(Some(1), connected), (Some(1), ends)]
}

fn raw(from: Direction, octets: &[u8]) -> (Option<u32>, What) {
    let octets = octets.to_vec();
    (Some(1), What::Raw { from, octets })
}

/// The case with a port that behaves so, by its delta or by its setup.
fn with_port(mut record: Record, port: PortRole, is: PortState, by_delta: bool) -> Record {
    let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    let changes = |it: &&mailproof_scenarios::model::Case| matches!(it.deviations(), [one] if matches!(&one.action, Action::Port(change) if change.is == is));
    record.case = match by_delta {
        true => library.cases().find(changes).unwrap().clone(),
        false => {
            let mut case = record.case.control();
            case.setup = Setup {
                ports: vec![(port, is)],
                ..Setup::default()
            };
            case
        }
    };
    record
}

#[test]
fn a_connection_with_its_secrets_ends_and_deviation() {
    let secret = |line: &str| {
        let line = line.to_owned();
        (Some(1), What::TlsSecret { line })
    };
    let events = [started()].into_iter().chain(connected()).chain([
        raw(Direction::Client, b"hello"),
        secret("CLIENT_RANDOM 01 02"),
        raw(Direction::Server, b"certificate"),
        (
            Some(1),
            What::Sent {
                layer: Layer::Tls,
                octets: b"inside".to_vec(),
            },
        ),
        (Some(1), What::Deviated { index: 0 }),
        secret("CLIENT_RANDOM 03 04"),
        (Some(1), What::ClientClosed { reset: false }),
        (Some(1), What::ServerClosed { reset: true }),
    ]);
    let file = read(&happened(events));
    assert_eq!(
        file.secrets.as_deref(),
        Some("CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n")
    );
    for words in ["were not captured", "imaps 40123", "Passwords"] {
        assert!(file.comment.contains(words), "{}", file.comment);
    }
    let flags: Vec<String> = file.packets.iter().map(Seen::flags).collect();
    assert_eq!(flags, ["S", "SA", "A", "PA", "PA", "FA", "RA"]);
    let syn = &file.packets[0];
    assert_eq!(syn.micros, 1_700_000_000_000_001);
    assert_eq!((syn.from.port(), syn.to.port()), (50001, 993));
    assert!(syn.to.is_ipv6());
    assert_eq!(
        syn.comments,
        ["Connection 1 to imaps; the port was 40123 in the test."]
    );
    assert_eq!(file.packets[4].payload, b"certificate");
    assert_eq!(file.packets[4].micros, 1_700_000_000_000_005);
    let [remark] = &file.packets[4].comments[..] else {
        panic!("{:?}", file.packets[4].comments);
    };
    assert!(remark.starts_with("deviation 0: "), "{remark}");
    let (hello, certificate, fin, reset) = (
        &file.packets[3].tcp,
        &file.packets[4].tcp,
        &file.packets[5].tcp,
        &file.packets[6].tcp,
    );
    assert_eq!(certificate.acknowledgment_number, hello.sequence_number + 5);
    assert_eq!(fin.acknowledgment_number, certificate.sequence_number + 11);
    assert_eq!(reset.acknowledgment_number, fin.sequence_number + 1);
}

#[test_case(PortState::Refused, true => vec!["S", "RA"]; "refused by the delta")]
#[test_case(PortState::Blackhole, true => vec!["S"]; "dropped by the delta")]
#[test_case(PortState::Refused, false => vec!["S", "RA"]; "refused by the setup")]
fn attempts(is: PortState, by_delta: bool) -> Vec<String> {
    let port = PortRole::Smtp;
    let mut events = vec![
        started(),
        (
            None,
            What::Attempted {
                port,
                between: Endpoints::default(),
            },
        ),
    ];
    if by_delta {
        events.push((None, What::Deviated { index: 0 }));
    }
    let record = with_port(happened(events), port, is, by_delta);
    let packets = read(&record).packets;
    assert_eq!(packets[0].to.port(), 25);
    assert_eq!(packets[0].comments.len(), if by_delta { 2 } else { 1 });
    packets.iter().map(Seen::flags).collect()
}

#[test]
fn an_old_record_is_told_to_be_one() {
    let file = read(&happened(connected().into_iter().take(1)));
    assert!(file.comment.contains("an old one"), "{}", file.comment);
    assert!(file.packets[0].comments[0].contains("made up"));
    assert_eq!(file.packets.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_octet_is_there_once_and_in_its_place(
        chunks in proptest::collection::vec((any::<bool>(), 0_usize..70_000), 0..8)
    ) {
        let chunks: Vec<(Direction, Vec<u8>)> = chunks
            .into_iter()
            .zip(0..)
            .map(|((client, len), mark)| {
                let from = if client { Direction::Client } else { Direction::Server };
                (from, vec![mark; len])
            })
            .collect();
        let said = chunks.iter().map(|(from, octets)| raw(*from, octets));
        let events: Vec<_> = connected().into_iter().chain(said).collect();
        let file = read(&happened(events));
        for (from, first) in [(Direction::Client, 0), (Direction::Server, 1)] {
            let sender = file.packets[first].from;
            let mut next = file.packets[first].tcp.sequence_number + 1;
            let mut heard = Vec::new();
            for packet in file.packets[2..].iter().filter(|it| it.from == sender) {
                prop_assert_eq!(packet.tcp.sequence_number, next);
                next += packet.payload.len() as u32;
                heard.extend(slice::from_ref(packet).iter().flat_map(|it| it.payload.clone()));
            }
            let sent: Vec<u8> = chunks.iter().filter(|it| it.0 == from).flat_map(|it| it.1.clone()).collect();
            prop_assert!(heard == sent);
        }
    }

    #[test]
    fn a_comment_of_any_length_can_be_read(text in ".{0,40}", times in 0_usize..5000) {
        let mut record = happened([]);
        record.case.id = text.repeat(times);
        prop_assert!(read(&record).comment.len() <= usize::from(u16::MAX));
    }
}
