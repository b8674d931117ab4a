//! Services that are not the one that was expected: POP3 (RFC 1939) and HTTP, just enough of each that a
//! client sees what it has met.

use mailproof_scenarios::model::{Fill, Protocol, Refusal, Unit, When, WireText};

use crate::engine::{After, Engine, Input, InputKind, Response, ResponseUnit};

/// The longest line that is waited for.
const LINE: usize = 8 * 1024;

/// Which service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Greets and refuses to sign anybody in.
    Pop3,
    /// Says nothing until it is spoken to, and then that it did not understand.
    Http,
}

/// A service where a mail server should be.
pub(crate) struct Plain {
    service: Service,
    /// What the port should speak.
    protocol: Protocol,
    host: String,
    unread: Vec<u8>,
    verb: String,
    closed: bool,
}

impl Plain {
    /// A service on a port for `protocol`.
    pub(crate) fn new(service: Service, protocol: Protocol, host: &str) -> Self {
        Self {
            service,
            protocol,
            host: host.to_owned(),
            unread: Vec::new(),
            verb: String::new(),
            closed: false,
        }
    }
}

impl Engine for Plain {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn greet(&mut self, _refusal: Option<&Refusal>, _preauth: Option<&WireText>) -> Response {
        match self.service {
            Service::Pop3 => says(
                format!("+OK POP3 server ready <1896.697170952@{}>\r\n", self.host),
                true,
            ),
            Service::Http => Response::default(),
        }
    }

    fn feed(&mut self, octets: &[u8]) {
        if !self.closed {
            let room = LINE.saturating_sub(self.unread.len());
            self.unread
                .extend_from_slice(&octets[..octets.len().min(room)]);
        }
    }

    fn next(&mut self) -> Option<Input> {
        if self.closed || self.unread.is_empty() {
            return None;
        }
        let end = match self.unread.iter().position(|it| *it == b'\n') {
            Some(at) => at + 1,
            None if self.service == Service::Http || self.unread.len() >= LINE => self.unread.len(),
            None => return None,
        };
        let line: Vec<u8> = self.unread.drain(..end).collect();
        let text = String::from_utf8_lossy(&line).to_ascii_uppercase();
        // An IMAP client says its tag first.
        let place = usize::from(self.protocol == Protocol::Imap);
        let word = text.split_whitespace().nth(place).unwrap_or("?");
        let is_word = word.bytes().all(|it| it.is_ascii_alphanumeric());
        self.verb = if is_word {
            word.to_owned()
        } else {
            "?".to_owned()
        };
        let first = text.split_whitespace().next().unwrap_or_default();
        if self.service == Service::Pop3 && ["USER", "PASS", "QUIT"].contains(&first) {
            self.verb = first.to_owned();
        }
        Some(Input {
            kind: InputKind::Command,
            verb: self.verb.clone(),
            line,
        })
    }

    fn fill(&self) -> Fill {
        let mut fill = Fill::default();
        fill.set("host", self.host.as_str())
            .set("verb", self.verb.as_str());
        fill
    }

    fn holds(&self, when: When) -> bool {
        when == When::NotSignedIn
    }

    fn respond(&mut self, _refusal: Option<&Refusal>) -> Response {
        if self.service == Service::Http {
            self.closed = true;
            let page = "400 Bad Request\n";
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            return Response {
                after: After::Close,
                ..says(answer, false)
            };
        }
        match self.verb.as_str() {
            "USER" => says("+OK\r\n".to_owned(), true),
            "PASS" => says("-ERR [AUTH] invalid user or password\r\n".to_owned(), false),
            "QUIT" => {
                self.closed = true;
                Response {
                    after: After::Close,
                    ..says("+OK bye\r\n".to_owned(), true)
                }
            }
            _ => says("-ERR unknown command\r\n".to_owned(), false),
        }
    }

    fn tls_started(&mut self) {
        self.unread.clear();
    }

    fn tls_abandoned(&mut self) {}

    fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    fn poll(&mut self) -> Option<Response> {
        None
    }
}

fn says(text: String, positive: bool) -> Response {
    Response {
        units: vec![ResponseUnit {
            kind: Unit::Final,
            octets: text.into_bytes(),
        }],
        after: After::GoOn,
        facts: Vec::new(),
        positive,
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn answer(service: Service, protocol: Protocol, octets: &[u8]) -> Option<(String, String)> {
        let mut plain = Plain::new(service, protocol, "localhost");
        plain.feed(octets);
        let verb = plain.next()?.verb;
        let octets = plain.respond(None).units.remove(0).octets;
        let text = String::from_utf8(octets).unwrap();
        Some((verb, text.lines().next().unwrap().to_owned()))
    }

    #[test_case(Service::Pop3, Protocol::Smtp, b"EHLO x\r\n", "EHLO", "-ERR unknown command"; "SMTP to POP3")]
    #[test_case(Service::Pop3, Protocol::Imap, b"a1 LOGIN u p\r\n", "LOGIN", "-ERR unknown command"; "IMAP to POP3")]
    #[test_case(Service::Pop3, Protocol::Imap, b"USER u\r\n", "USER", "+OK"; "POP3 to POP3")]
    #[test_case(Service::Pop3, Protocol::Smtp, b"QUIT\r\n", "QUIT", "+OK bye"; "a goodbye to POP3")]
    #[test_case(Service::Http, Protocol::Smtp, b"EHLO x\r\n", "EHLO", "HTTP/1.1 400 Bad Request"; "SMTP to HTTP")]
    #[test_case(Service::Http, Protocol::Smtp, b"\xff", "?", "HTTP/1.1 400 Bad Request"; "no line to HTTP")]
    fn answers(service: Service, protocol: Protocol, octets: &[u8], verb: &str, line: &str) {
        let expected = Some((verb.to_owned(), line.to_owned()));
        assert_eq!(answer(service, protocol, octets), expected);
    }

    #[test]
    fn half_a_line_is_waited_for_but_not_without_end() {
        assert_eq!(answer(Service::Pop3, Protocol::Smtp, b"EHLO"), None);
        let long = vec![b'x'; LINE * 2];
        assert!(answer(Service::Pop3, Protocol::Smtp, &long).is_some());
    }
}
