//! Whole messages, in and out.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, Question, RCODE, TYPE, rdata::RData,
};
use test_case::test_case;

use super::*;

fn zone() -> Zone {
    let mut zone = Zone::default();
    let v4 = |last| Record::V4([192, 0, 2, last].into());
    let v6 = Record::V6("2001:db8::10".parse().unwrap());
    zone.add("mail.firma.example", [v4(10), v4(20), v6]);
    zone.add(
        "post.firma.example",
        [Record::Alias("host.anbieter.example".to_owned())],
    );
    zone.add("host.anbieter.example", [v4(30)]);
    zone.add(
        "firma.example",
        [Record::Mx(10, "mail.firma.example".to_owned())],
    );
    zone.add("round.example", [Record::Alias("round.example".to_owned())]);
    zone.add("many.example", (0..60).map(v4));
    zone
}

fn question(name: &str, kind: QTYPE) -> Packet<'_> {
    let mut query = Packet::new_query(4711);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new_unchecked(name);
    query
        .questions
        .push(Question::new(name, kind, CLASS::IN.into(), false));
    query
}

fn ask(query: &Packet<'_>, over: Transport) -> Answer {
    let octets = query.build_bytes_vec().unwrap();
    respond(&zone(), &octets, over).unwrap()
}

#[test_case("mail.firma.example", TYPE::A, RCODE::NoError, &["192.0.2.10", "192.0.2.20"]; "addresses in their order")]
#[test_case("mail.firma.example", TYPE::AAAA, RCODE::NoError, &["2001:db8::10"]; "of the other family")]
#[test_case("MAIL.Firma.Example", TYPE::AAAA, RCODE::NoError, &["2001:db8::10"]; "without regard to case")]
#[test_case("post.firma.example", TYPE::A, RCODE::NoError, &["alias of host.anbieter.example", "192.0.2.30"]; "behind an alias")]
#[test_case("post.firma.example", TYPE::AAAA, RCODE::NoError, &["alias of host.anbieter.example"]; "nothing behind an alias")]
#[test_case("post.firma.example", TYPE::CNAME, RCODE::NoError, &["alias of host.anbieter.example"]; "the alias itself")]
#[test_case("firma.example", TYPE::MX, RCODE::NoError, &["10 mail.firma.example"]; "who takes mail")]
#[test_case("mail.firma.example", TYPE::TXT, RCODE::NoError, &["NODATA"]; "no such record")]
#[test_case("anbieter.example", TYPE::A, RCODE::NoError, &["NODATA"]; "a name that others are below")]
#[test_case("nobody.firma.example", TYPE::A, RCODE::NameError, &["NXDOMAIN"]; "no such name")]
#[test_case("xfirma.example", TYPE::A, RCODE::NameError, &["NXDOMAIN"]; "a name that only ends alike")]
#[test_case("round.example", TYPE::A, RCODE::NoError, &["alias of round.example"; 8]; "a circle")]
fn answers(name: &str, kind: TYPE, code: RCODE, says: &[&str]) {
    let answer = ask(&question(name, kind.into()), Transport::Udp);
    let reply = Packet::parse(&answer.octets).unwrap();
    assert_eq!((reply.id(), reply.rcode()), (4711, code));
    assert!(reply.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE));
    assert_eq!(reply.questions[0].qname.to_string(), name);
    let records = reply.answers.len();
    assert_eq!(
        records,
        says.iter().filter(|it| !it.starts_with('N')).count()
    );
    let is_alias = |it: &ResourceRecord<'_>| matches!(it.rdata, RData::CNAME(_));
    let negative = kind != TYPE::CNAME && reply.answers.iter().all(is_alias);
    assert_eq!(reply.name_servers.len(), usize::from(negative));
    assert_eq!(answer.says, says);
}

#[test]
fn the_owner_is_written_as_it_was_asked_for() {
    let answer = ask(
        &question("MAIL.Firma.Example", TYPE::A.into()),
        Transport::Udp,
    );
    let reply = Packet::parse(&answer.octets).unwrap();
    assert_eq!(reply.answers[0].name.to_string(), "MAIL.Firma.Example");
}

#[test]
fn what_is_too_long_for_a_datagram_is_told_to_come_again() {
    let query = question("many.example", TYPE::A.into());
    let short = ask(&query, Transport::Udp);
    let short = Packet::parse(&short.octets).unwrap();
    assert!(short.has_flags(PacketFlag::TRUNCATION) && short.answers.is_empty());
    let whole = ask(&query, Transport::Tcp);
    let whole = Packet::parse(&whole.octets).unwrap();
    assert!(!whole.has_flags(PacketFlag::TRUNCATION) && whole.answers.len() == 60);
}

#[test]
fn a_client_with_edns_gets_longer_datagrams_and_edns() {
    let mut query = question("many.example", TYPE::A.into());
    *query.opt_mut() = Some(OPT {
        opt_codes: Vec::new(),
        udp_packet_size: 4096,
        version: 0,
    });
    let answer = ask(&query, Transport::Udp);
    let reply = Packet::parse(&answer.octets).unwrap();
    assert_eq!(reply.answers.len(), 60);
    assert_eq!(reply.opt().map(|it| it.udp_packet_size), Some(DATAGRAM));
}

#[test_case(|it| *it.opcode_mut() = OPCODE::Update, "NOTIMP"; "another operation")]
#[test_case(|it| it.questions.clear(), "FORMERR"; "no question")]
#[test_case(|it| it.questions.push(it.questions[0].clone()), "FORMERR"; "two questions")]
#[test_case(|it| it.questions[0].qclass = CLASS::CH.into(), "REFUSED"; "another class")]
#[test_case(|it| *it.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: 512, version: 9 }), "BADVERS"; "EDNS of the future")]
fn refuses(change: fn(&mut Packet<'_>), says: &str) {
    let mut query = question("mail.firma.example", TYPE::A.into());
    change(&mut query);
    let answer = ask(&query, Transport::Udp);
    assert!(Packet::parse(&answer.octets).unwrap().answers.is_empty());
    assert_eq!(answer.says, [says]);
}

#[test]
fn an_answer_is_not_answered() {
    let reply = ask(
        &question("mail.firma.example", TYPE::A.into()),
        Transport::Udp,
    );
    assert_eq!(respond(&zone(), &reply.octets, Transport::Udp), None);
}

proptest! {
    #[test]
    fn no_message_is_a_panic(
        message in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0usize..100,
    ) {
        respond(&zone(), &message, Transport::Udp);
        let query = question("post.firma.example", QTYPE::ANY).build_bytes_vec().unwrap();
        let end = query.len().min(cut);
        respond(&zone(), &[&query[..end], &message].concat(), Transport::Tcp);
    }
}
