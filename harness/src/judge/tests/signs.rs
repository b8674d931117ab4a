//! Every sign: a log that shows it and one that does not.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    AlertName, Auth, Check, Endpoints, Layer, Pattern, PortRole, Process, Security, Sign, Trust,
    What,
    event::{Alert, ClientHello, Direction, Said},
};
use test_case::test_case;

use crate::{judge::testing::Scene, results::Held};

fn seen(scene: &Scene, sign: Sign) -> bool {
    let judgement = scene.clone().never(sign).judge();
    let name = format!("never-{sign}");
    super::finding(&judgement, &name).held == Held::Broken
}

fn clear() -> Scene {
    Scene::send().begin().connect().greeting()
}

fn in_tls() -> Scene {
    Scene::send().begin().up_to_go_ahead().tls(Fault::Valid)
}

fn imap() -> Scene {
    Scene::fetch()
        .begin()
        .connect()
        .tls(Fault::Valid)
        .greeting()
}

fn stranger() -> Scene {
    Scene::send()
        .begin()
        .up_to_go_ahead()
        .tls(Fault::SelfSigned)
}

// Something on the wrong channel.

#[test_case(|| clear().command("AUTH PLAIN {plain}") => true; "sasl plain in clear")]
#[test_case(|| clear().command("AUTH XOAUTH2 {xoauth2}") => true; "xoauth2 in clear")]
#[test_case(|| clear().octets("a1 LOGIN x \"{password}\"\r\n") => true; "quoted in clear")]
#[test_case(|| clear().octets("a1 LOGIN x {19}\r\n").octets("{password}\r\n") => true; "a literal in clear")]
#[test_case(|| { let it = clear(); let p = it.fill("{password}"); let (a, b) = p.split_at(7); it.octets(a).octets(b) } => true; "cut into two writes")]
#[test_case(|| clear().decoy(PortRole::Smtp).octets("{password}") => true; "in clear to a decoy")]
#[test_case(|| in_tls().signs_in() => false; "inside TLS")]
#[test_case(|| clear().command("AUTH LOGIN").answer("334 ").sasl("{user}") => false; "a user name alone")]
fn credential_in_clear(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::CredentialInClear)
}

#[test_case(|| stranger().signs_in() => true; "to a stranger")]
#[test_case(|| in_tls().signs_in() => false; "to the right server")]
#[test_case(|| clear().command("AUTH PLAIN {plain}") => false; "in clear is another sign")]
#[test_case(|| Scene::send().trust(Trust::Always).begin().up_to_go_ahead().tls(Fault::SelfSigned).signs_in() => false; "always-trust")]
fn credential_to_untrusted_peer(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::CredentialToUntrustedPeer)
}

#[test_case(|| clear().command("MAIL FROM:<{user}>") => true; "MAIL")]
#[test_case(|| clear().command("AUTH LOGIN") => true; "AUTH")]
#[test_case(|| clear().command("RSET") => true; "RSET")]
#[test_case(|| Scene::fetch().begin().connect().greeting().command("a1 SELECT INBOX") => true; "SELECT where TLS is implicit")]
#[test_case(|| clear().command("EHLO x").answer("250 x").command("NOOP").command("STARTTLS").command("QUIT") => false; "what comes before TLS")]
#[test_case(|| Scene::fetch().begin().connect().greeting().command("a1 CAPABILITY").command("a2 ID NIL").command("a3 LOGOUT") => false; "what comes before TLS in IMAP")]
#[test_case(|| clear().octets("\x16\x03\x01\r\n").understood("?", b"\x16\x03\x01\r\n", false) => false; "a ClientHello is no command")]
#[test_case(|| Scene::send().security(Security::None).begin().connect().greeting().command("MAIL FROM:<a@b>") => false; "clear was asked for")]
#[test_case(|| in_tls().command("MAIL FROM:<{user}>") => false; "inside TLS")]
fn command_in_clear(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::CommandInClear)
}

#[test_case(|| stranger().command("AUTH LOGIN") => true; "AUTH")]
#[test_case(|| stranger().command("EHLO x").answer("250 x").command("MAIL FROM:<a@b>") => true; "MAIL behind a hello")]
#[test_case(|| stranger().octets("AUTH PLA") => true; "half a command")]
#[test_case(|| stranger().command("STARTTLS") => true; "STARTTLS")]
#[test_case(|| stranger().command("EHLO x").answer("250 x").command("NOOP").command("QUIT") => false; "hello and goodbye")]
#[test_case(|| Scene::fetch().begin().connect().tls(Fault::WrongHost).greeting().command("a1 CAPABILITY").command("a2 LOGOUT") => false; "hello and goodbye in IMAP")]
#[test_case(|| Scene::fetch().begin().connect().tls(Fault::WrongHost).greeting().command("a1 SELECT INBOX") => true; "SELECT")]
#[test_case(stranger => false; "a handshake alone")]
#[test_case(|| in_tls().signs_in().sends() => false; "the right server")]
#[test_case(|| Scene::send().begin().up_to_go_ahead().tls(Fault::WrongKey).command("AUTH LOGIN") => true; "a key that is not proved")]
fn data_to_untrusted_peer(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::DataToUntrustedPeer)
}

// What is said and done in TLS itself.

fn hello(change: fn(&mut ClientHello)) -> Scene {
    let mut hello = ClientHello {
        sni: Some("mail.firma.example".to_owned()),
        versions: vec![0x0304, 0x0303],
        suites: vec![0x1301, 0xc02b],
        ..ClientHello::default()
    };
    change(&mut hello);
    Scene::fetch()
        .begin()
        .connect()
        .on_wire(What::ClientHello(hello))
}

#[test_case(|it| it.sni = Some("192.0.2.10".to_owned()) => true; "an IPv4 address")]
#[test_case(|it| it.sni = Some("::1".to_owned()) => true; "an IPv6 address")]
#[test_case(|it| it.sni = Some("[2001:db8::10]".to_owned()) => true; "in brackets")]
#[test_case(|_| () => false; "a name")]
#[test_case(|it| it.sni = None => false; "no name")]
fn address_as_server_name(change: fn(&mut ClientHello)) -> bool {
    seen(&hello(change), Sign::AddressAsServerName)
}

#[test_case(|it| it.suites.push(0x0005) => true; "RC4")]
#[test_case(|it| it.suites.push(0xc012) => true; "3DES")]
#[test_case(|_| () => false; "sound suites")]
fn weak_suite_offered(change: fn(&mut ClientHello)) -> bool {
    seen(&hello(change), Sign::WeakSuiteOffered)
}

#[test_case(|it| it.resumes = true => true; "a session")]
#[test_case(|_| () => false; "none")]
fn session_offered(change: fn(&mut ClientHello)) -> bool {
    seen(&hello(change), Sign::SessionOffered)
}

#[test_case(|| in_tls().hello() => true; "a hello inside TLS")]
#[test_case(|| in_tls().connect().hello() => false; "a hello on another connection")]
#[test_case(|| in_tls().on_wire(What::TlsFailed { error: String::new() }).hello() => false; "a hello behind TLS that failed")]
#[test_case(in_tls => false; "one handshake")]
fn renegotiation(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::Renegotiation)
}

fn early(octets: &str) -> Scene {
    let scene = Scene::send().begin().connect().hello();
    let octets = scene.fill(octets).into_bytes();
    scene.on_wire(What::EarlyData { octets })
}

#[test_case("EHLO x\r\nAUTH PLAIN {plain}\r\n" => true; "a sign-in")]
#[test_case("MAIL FROM:<{user}>" => true; "half a command")]
#[test_case("EHLO x\r\n" => false; "a hello")]
fn command_in_early_data(octets: &str) -> bool {
    seen(&early(octets), Sign::CommandInEarlyData)
}

#[test_case(&[AlertName::UnknownCa], false => true; "the one that was sent")]
#[test_case(&[AlertName::BadCertificate, AlertName::UnknownCa], false => true; "one of several")]
#[test_case(&[AlertName::ProtocolVersion], false => false; "another")]
#[test_case(&[AlertName::UnknownCa], true => false; "the server's own")]
fn alerts_of_the_client(names: &[AlertName], from_server: bool) -> bool {
    let alert = Alert {
        from: if from_server {
            Direction::Server
        } else {
            Direction::Client
        },
        fatal: true,
        description: 48,
    };
    let scene = in_tls().on_wire(What::Alert(alert));
    let never = Check::Never(Pattern::Alert(names.to_vec()));
    let judgement = scene.must(never).judge();
    judgement
        .findings
        .iter()
        .any(|it| it.name.starts_with("never-alert") && it.held == Held::Broken)
}

#[test_case(|| clear().envelope().content() => true; "all of it")]
#[test_case(|| clear().octets("X: {message-id}") => true; "its id")]
#[test_case(|| clear().octets("{body}") => true; "a word of it")]
#[test_case(|| in_tls().signs_in().sends() => false; "inside TLS")]
#[test_case(|| clear().command("MAIL FROM:<{user}>") => false; "the envelope alone")]
fn message_in_clear(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::MessageInClear)
}

#[test_case(|| in_tls().command("STARTTLS") => true; "inside")]
#[test_case(|| Scene::send().begin().up_to_go_ahead() => false; "before")]
fn starttls_inside_tls(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::StarttlsInsideTls)
}

#[test_case(|| in_tls().command("AUTH PLAIN {plain}") => true; "another command")]
#[test_case(|| in_tls().command("EHLO x").command("AUTH PLAIN {plain}") => false; "hello first")]
#[test_case(|| in_tls().command("QUIT") => false; "a goodbye")]
#[test_case(|| Scene::send().begin().up_to_go_ahead().command("AUTH PLAIN {plain}") => false; "in clear")]
#[test_case(|| Scene::fetch().begin().connect().tls(Fault::Valid).greeting().command("a1 NOOP") => false; "imap")]
fn no_hello_inside_tls(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::NoHelloInsideTls)
}

// Turns.

#[test_case(|| in_tls().command("EHLO x").early("AUTH PLAIN {plain}") => true; "before the answer to EHLO")]
#[test_case(|| in_tls().command("EHLO x").early("MAIL FROM:<a@b>") => true; "any command before the answer to EHLO")]
#[test_case(|| in_tls().command("EHLO x").answer("250 x").command("AUTH LOGIN").early("MAIL FROM:<a@b>") => true; "behind AUTH")]
#[test_case(|| in_tls().command("EHLO x").answer("250 x").command("DATA").early("QUITE something") => true; "behind DATA")]
#[test_case(|| in_tls().command("EHLO x").answer("250 PIPELINING").command("MAIL FROM:<a@b>").early("RCPT TO:<c@d>").early("DATA") => false; "legitimate pipelining")]
#[test_case(|| in_tls().command("EHLO x").answer("250 x").command("AUTH PLAIN {plain}").early("MAIL FROM:<a@b>") => false; "AUTH with everything in it (RFC 4954)")]
#[test_case(|| in_tls().command("EHLO x").early("QUIT") => false; "who is tired may leave")]
#[test_case(|| in_tls().signs_in().sends() => false; "in turn")]
#[test_case(|| in_tls().command("EHLO x").command("MAIL FROM:<a@b>").early("RCPT TO:<c@d>") => false; "behind an answer that left no event")]
#[test_case(|| clear().command("EHLO x").early("MAIL FROM:<a@b>") => false; "in clear it is no injection")]
#[test_case(|| imap().command("a1 CAPABILITY").early("a2 LOGIN {user} {password}") => true; "before the first answer in IMAP")]
#[test_case(|| imap().command("a1 CAPABILITY").early("a2 SELECT INBOX") => true; "anything before the first answer in IMAP")]
#[test_case(|| imap().command("a1 CAPABILITY").answer("a1 OK x").command("a2 LOGIN u p").early("a3 SELECT INBOX") => true; "behind LOGIN")]
#[test_case(|| imap().command("a1 NOOP").answer("a1 OK x").command("a2 NOOP").early("a3 LOGIN u p") => true; "LOGIN behind something")]
#[test_case(|| imap().command("a1 LOGIN u p").answer("a1 OK x").command("a2 SELECT INBOX").early("a3 NOOP") => false; "pipelining in IMAP")]
#[test_case(|| imap().command("a1 CAPABILITY").early("a2 LOGOUT") => false; "LOGOUT")]
fn command_answered_by_injected_reply(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::CommandAnsweredByInjectedReply)
}

#[test_case(|| Scene::send().begin().connect().command("EHLO x").greeting() => true; "before the greeting")]
#[test_case(|| Scene::send().begin().connect().says("220-wait\r\n").command("EHLO x").answer_to("(greeting)", "220 ready") => true; "before the last line of it")]
#[test_case(|| Scene::send().begin().connect().octets("EHLO x\r\n") => true; "to a server that never greets")]
#[test_case(|| Scene::fetch().begin().connect().tls(Fault::Valid).command("a1 NOOP").greeting() => true; "inside TLS")]
#[test_case(|| clear().command("EHLO x") => false; "behind it")]
#[test_case(|| Scene::fetch().begin().connect().octets("\x16\x03\x01abc").greeting() => false; "a ClientHello to a server that speaks in clear")]
#[test_case(|| imap().command("a1 NOOP") => false; "implicit TLS")]
fn spoke_before_greeting(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::SpokeBeforeGreeting)
}

fn asks() -> Scene {
    clear().command("EHLO x").answer("250 STARTTLS")
}

#[test_case(|| asks().octets("STARTTLS\r\nEHLO x\r\n").understood("STARTTLS", b"STARTTLS\r\n", false).answer("220 Go") => true; "in the same write")]
#[test_case(|| asks().command("STARTTLS").octets("EHLO x\r\n").answer_to("STARTTLS", "220 Go") => true; "in the next write")]
#[test_case(|| asks().command("STARTTLS").hello().answer_to("STARTTLS", "220 Go") => true; "a ClientHello")]
#[test_case(|| asks().command("STARTTLS").octets("EHLO x\r\n") => true; "to a server that never answers")]
#[test_case(|| asks().command("STARTTLS").octets("QUIT\r\n") => false; "who is tired may leave")]
#[test_case(|| asks().command("STARTTLS").answer("454 no").command("QUIT") => false; "a refusal and a goodbye")]
#[test_case(|| asks().command("STARTTLS").answer("220 Go").tls(Fault::Valid).command("EHLO x") => false; "as it should be")]
fn spoke_after_starttls(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::SpokeAfterStarttls)
}

// Again, elsewhere, weaker.

#[test_case(|| clear().hello().alert().close().connect().greeting().command("EHLO x").command("MAIL FROM:<a@b>") => true; "clear behind TLS")]
#[test_case(|| clear().command("STARTTLS").answer("454 no").close().connect().greeting().command("AUTH LOGIN") => true; "clear behind a refused STARTTLS")]
#[test_case(|| clear().hello_with(&[0x304, 0x303]).close().connect().hello_with(&[0x301]) => true; "an older TLS")]
#[test_case(|| clear().hello_with(&[0x1a1a, 0x304]).close().connect().hello_with(&[0xfafa, 0x304, 0x303]) => false; "grease is no version")]
#[test_case(|| clear().hello().close().connect().greeting().command("EHLO x").command("QUIT") => false; "a hello alone")]
#[test_case(|| clear().hello().close().connect().hello() => false; "the same again")]
#[test_case(|| clear().command("MAIL FROM:<a@b>").close().connect().hello() => false; "stronger")]
fn weaker_retry(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::WeakerRetry)
}

#[test_case(|| clear().decoy(PortRole::Smtp) => true; "a decoy")]
#[test_case(|| clear().connect_to(PortRole::Submissions) => true; "a port of the case, but not of the step")]
#[test_case(|| Scene::send().begin().event(What::Attempted { port: PortRole::Smtp, between: Endpoints::default() }).end(Said::Failed) => true; "a knock at another port")]
#[test_case(|| Scene::send().begin().event(What::Attempted { port: PortRole::Submission, between: Endpoints::default() }).end(Said::Failed) => false; "a knock at the right one")]
#[test_case(|| clear().connect() => false; "the configured port twice")]
#[test_case(|| Scene::send().then(|it| { it.port = PortRole::Submissions; it.process = Process::Same; }).begin().connect().end(Said::Failed).begin().connect().connect_to(PortRole::Submission) => false; "the port of an account in the same process")]
#[test_case(|| Scene::send().then(|it| it.port = PortRole::Submissions).begin().connect().end(Said::Failed).begin().connect_to(PortRole::Submission) => true; "the port of an earlier process")]
fn decoy_touched(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::DecoyTouched)
}

#[test_case(|| in_tls().command("AUTH PLAIN {plain}").answer("535 no").command("AUTH PLAIN {plain}") => true; "at once")]
#[test_case(|| in_tls().command("AUTH PLAIN {plain}").answer("535 no").command("AUTH LOGIN").answer("334 ").sasl("{user}").answer("334 ").sasl("{password}") => true; "by another mechanism")]
#[test_case(|| imap().command("a1 LOGIN {user} {password}").answer("a1 NO no").connect().tls(Fault::Valid).greeting().command("a1 LOGIN {user} {password}") => true; "on a new connection")]
#[test_case(|| in_tls().command("AUTH PLAIN {plain}").answer("235 yes").connect().tls(Fault::Valid).command("AUTH PLAIN {plain}") => false; "behind a good one")]
#[test_case(|| in_tls().command("AUTH XOAUTH2 {xoauth2}").answer("535 no").command("AUTH PLAIN {plain}") => false; "another credential")]
#[test_case(|| in_tls().command("AUTH LOGIN").answer("504 no").command("AUTH PLAIN {plain}") => false; "nothing was given away yet")]
fn repeated_sign_in(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::RepeatedSignIn)
}

// Messages and literals.

#[test_case(|| in_tls().signs_in().sends().sends() => true; "twice")]
#[test_case(|| in_tls().signs_in().sends().takes(&["KUNDE@example.net"]) => true; "in other letters")]
#[test_case(|| in_tls().signs_in().sends().takes(&["second@example.net"]) => false; "one transaction for each recipient")]
#[test_case(|| Scene::send().then(|_| ()).submits_behind(Fault::Valid).submits_behind(Fault::Valid) => false; "two messages")]
fn duplicate_delivery(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::DuplicateDelivery)
}

#[test_case(|| in_tls().signs_in().envelope().octets("a\n.\r\n") => true; "a dot between bare ends")]
#[test_case(|| in_tls().signs_in().envelope().octets("a\r\n").octets(".").octets("\nMAIL") => true; "cut into writes")]
#[test_case(|| in_tls().signs_in().sends() => false; "a clean message")]
#[test_case(|| in_tls().command("BDAT 5").octets("a\n.\nb") => false; "chunks have no end of data")]
#[test_case(|| imap().octets("a\n.\n") => false; "IMAP")]
fn smuggling_sequence(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::SmugglingSequence)
}

#[test_case(|| imap().octets("a1 APPEND INBOX {5}\r\nhello\r\n") => true; "in the same write")]
#[test_case(|| imap().octets("a1 APPEND INBOX {5}\r\n").says("* 1 EXISTS\r\n").octets("hello\r\n") => true; "behind something else")]
#[test_case(|| imap().octets("a1 APPEND INBOX {5+}\r\nhello\r\n") => true; "without waiting, and without LITERAL+")]
#[test_case(|| imap().says("* CAPABILITY IMAP4rev1 LITERAL-\r\n").octets("a1 APPEND INBOX {5000+}\r\nhello\r\n") => true; "more than LITERAL- allows")]
#[test_case(|| imap().says("* CAPABILITY IMAP4rev1 LITERAL+\r\n").octets("a1 APPEND INBOX {5000+}\r\nhello\r\n") => false; "LITERAL+")]
#[test_case(|| imap().says("* CAPABILITY IMAP4rev1 LITERAL-\r\n").octets("a1 APPEND INBOX {5+}\r\nhello\r\n") => false; "LITERAL-")]
#[test_case(|| imap().octets("a1 APPEND INBOX {5}\r\n").says("+ go\r\n").octets("hello\r\n") => false; "in turn")]
#[test_case(|| imap().octets("a1 APPEND INBOX {5}\r\n").says("a1 NO too big\r\n").octets("a2 LOGOUT\r\n") => false; "refused, and gone on")]
#[test_case(|| imap().octets("a1 APPEND INBOX {500}\r\n").says("a1 NO too big\r\n").octets("a2 APPEND INBOX {5}\r\nhello\r\n") => true; "refused, and then in the same write")]
#[test_case(|| imap().octets("a1 APPEND INBOX {9}\r\n").says("+ go\r\n").octets("a {5}\r\nhi").octets("\r\n") => false; "what looks like one inside another")]
#[test_case(|| imap().octets("a1 APPEND INBOX {5}\r\n") => false; "still waiting")]
fn literal_before_continuation(scene: fn() -> Scene) -> bool {
    seen(&scene(), Sign::LiteralBeforeContinuation)
}

// What is simply there.

#[test_case(Sign::KeyExchange, || clear().hello().on_wire(What::KeyExchange), true)]
#[test_case(Sign::KeyExchange, || clear().hello().alert(), false)]
#[test_case(Sign::ServerNameSent, || clear().hello(), true)]
#[test_case(Sign::ServerNameSent, || { let mut it = clear().hello(); it.record.host = "other.example".to_owned(); it }, false)]
#[test_case(Sign::ServerNameSent, clear, false)]
#[test_case(Sign::Handshake, in_tls, true)]
#[test_case(Sign::Handshake, || clear().hello().chain(Fault::Valid).alert(), false)]
#[test_case(Sign::SignedIn, || in_tls().signs_in(), true)]
#[test_case(Sign::SignedIn, || in_tls().sign_in("PLAIN", false), false)]
fn facts(sign: Sign, scene: fn() -> Scene, expected: bool) {
    assert_eq!(seen(&scene(), sign), expected, "{sign}");
}

#[test]
fn a_sign_belongs_to_its_step() {
    let scene = Scene::send()
        .then(|it| it.auth = Auth::None)
        .expect(
            mailproof_scenarios::model::Level::Must,
            Some(2),
            Check::Never(mailproof_scenarios::model::Pattern::Sign(Sign::Handshake)),
        )
        .submits_behind(Fault::Valid)
        .begin()
        .connect()
        .end(Said::Failed);
    assert_eq!(super::held(&scene, "never-handshake"), Held::Held);
}

#[test]
fn clear_again_behind_tls_is_clear() {
    let scene = in_tls()
        .back_to(1, Layer::Clear)
        .command("AUTH PLAIN {plain}");
    assert!(seen(&scene, Sign::CredentialInClear));
    assert!(seen(&scene, Sign::CommandInClear));
}
