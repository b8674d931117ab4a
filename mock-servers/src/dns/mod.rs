//! A DNS server without its sockets: a message in, a message out (RFC 1035, EDNS(0) of RFC 6891).
//!
//! To its client it is a resolver that knows every answer. Must not know what the names are for, nor where a
//! message came from.

mod zone;

use mailproof_scenarios::model::Transport;
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    rdata::{MX, OPT, RData, SOA},
};

pub(crate) use self::zone::{Found, Record, Zone};

/// Octets of an answer in a datagram to a client that says nothing about it (RFC 1035 §4.2.1).
const USUAL_DATAGRAM: usize = 512;

/// Octets of a datagram that this server takes, and sends at most.
const DATAGRAM: u16 = 1232;

/// Seconds that an answer holds. Short, so that the next case finds nothing of this one.
const TTL: u32 = 1;

/// An answer, and what there is to tell of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The message.
    pub(crate) octets: Vec<u8>,
    /// What was asked for; empty where that could not be read.
    pub(crate) name: String,
    /// The type that was asked for.
    pub(crate) kind: String,
    /// The records in their order, or what there was instead.
    pub(crate) says: Vec<String>,
}

/// Answers a message. `None` for one that is none, or is an answer itself.
pub(crate) fn respond(zone: &Zone, message: &[u8], over: Transport) -> Option<Answer> {
    const ANSWER: u8 = 0x80;
    let (id, flags) = (message.first_chunk::<2>()?, message.get(2)?);
    if flags & ANSWER != 0 || message.len() < 12 {
        return None;
    }
    let Ok(query) = Packet::parse(message) else {
        let mut reply = Packet::new_reply(u16::from_be_bytes(*id));
        return Some(refused(&mut reply, None, RCODE::FormatError));
    };
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    let mut room = USUAL_DATAGRAM;
    if let Some(opt) = query.opt() {
        room = usize::from(opt.udp_packet_size.min(DATAGRAM)).max(USUAL_DATAGRAM);
        *reply.opt_mut() = Some(OPT {
            opt_codes: Vec::new(),
            udp_packet_size: DATAGRAM,
            version: 0,
        });
    }
    *reply.opcode_mut() = query.opcode();
    let question = query.questions.first();
    reply.questions = question.cloned().into_iter().collect();
    if query.opcode() != OPCODE::StandardQuery {
        return Some(refused(&mut reply, question, RCODE::NotImplemented));
    }
    if query.opt().is_some_and(|opt| opt.version != 0) {
        return Some(refused(&mut reply, question, RCODE::BADVERS));
    }
    let [question] = query.questions.as_slice() else {
        return Some(refused(&mut reply, question, RCODE::FormatError));
    };
    if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        return Some(refused(&mut reply, Some(question), RCODE::Refused));
    }
    let asked = question.qname.to_string();
    let wanted = wanted(question.qtype);
    let (found, exists) = zone.look_up(&asked, wanted);
    let says = match (found.is_empty(), exists) {
        (false, _) => found.iter().map(|it| it.record.to_string()).collect(),
        (true, true) => vec!["NODATA".to_owned()],
        (true, false) => vec!["NXDOMAIN".to_owned()],
    };
    if !exists {
        *reply.rcode_mut() = RCODE::NameError;
    }
    for Found { owner, record } in &found {
        // An owner that is what was asked for is written as it was asked for.
        let owner = match owner {
            Some(owner) => Name::new(owner).ok()?,
            None => question.qname.clone(),
        };
        reply.answers.push(resource(owner, record)?);
    }
    if !found.iter().any(|it| wanted(it.record)) {
        reply.name_servers.push(authority(zone.apex(&asked))?);
    }
    let mut octets = reply.build_bytes_vec_compressed().ok()?;
    if over == Transport::Udp && octets.len() > room {
        reply.answers.clear();
        reply.name_servers.clear();
        reply.set_flags(PacketFlag::TRUNCATION);
        octets = reply.build_bytes_vec_compressed().ok()?;
    }
    Some(Answer {
        octets,
        name: asked,
        kind: kind(question.qtype),
        says,
    })
}

fn refused(reply: &mut Packet<'_>, question: Option<&Question<'_>>, why: RCODE) -> Answer {
    *reply.rcode_mut() = why;
    Answer {
        octets: reply.build_bytes_vec().unwrap_or_default(),
        name: question.map_or_else(String::new, |it| it.qname.to_string()),
        kind: question.map_or_else(|| "?".to_owned(), |it| kind(it.qtype)),
        says: vec![
            match why {
                RCODE::NotImplemented => "NOTIMP",
                RCODE::BADVERS => "BADVERS",
                RCODE::Refused => "REFUSED",
                _ => "FORMERR",
            }
            .to_owned(),
        ],
    }
}

fn wanted(kind: QTYPE) -> fn(&Record) -> bool {
    match kind {
        QTYPE::TYPE(TYPE::A) => |it| matches!(it, Record::V4(_)),
        QTYPE::TYPE(TYPE::AAAA) => |it| matches!(it, Record::V6(_)),
        QTYPE::TYPE(TYPE::CNAME) => |it| matches!(it, Record::Alias(_)),
        QTYPE::TYPE(TYPE::MX) => |it| matches!(it, Record::Mx(..)),
        QTYPE::ANY => |_| true,
        _ => |_| false,
    }
}

fn kind(kind: QTYPE) -> String {
    match kind {
        QTYPE::TYPE(TYPE::Unknown(number)) => format!("TYPE{number}"),
        QTYPE::TYPE(kind) => format!("{kind:?}"),
        other => format!("{other:?}"),
    }
}

fn resource<'a>(owner: Name<'a>, record: &'a Record) -> Option<ResourceRecord<'a>> {
    let data = match record {
        Record::V4(ip) => RData::A((*ip).into()),
        Record::V6(ip) => RData::AAAA((*ip).into()),
        Record::Alias(target) => RData::CNAME(Name::new(target).ok()?.into()),
        Record::Mx(preference, exchange) => RData::MX(MX {
            preference: *preference,
            exchange: Name::new(exchange).ok()?,
        }),
    };
    Some(ResourceRecord::new(owner, CLASS::IN, TTL, data))
}

/// How long it is known that there is nothing (RFC 2308 §3).
fn authority(apex: &str) -> Option<ResourceRecord<'_>> {
    let start = SOA {
        mname: Name::new("ns.example").ok()?,
        rname: Name::new("hostmaster.example").ok()?,
        serial: 1,
        refresh: 3600,
        retry: 600,
        expire: 86_400,
        minimum: TTL,
    };
    let apex = Name::new(apex).ok()?;
    Some(ResourceRecord::new(apex, CLASS::IN, TTL, RData::SOA(start)))
}

#[cfg(test)]
mod tests;
