//! Every check of a scenario, held and broken, and every job by the books.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Auth, Check, Job, Layer, Level, Party, Pattern, Sign, StoreCheck, What,
    event::{Ended, Said},
};
use test_case::test_case;

use super::{finding, held, verdict};
use crate::{
    judge::{finding_name, testing::Scene},
    results::{
        Held::{self, Broken, NotObservable},
        Verdict,
    },
};

const HELD: Held = Held::Held;

fn check(scene: Scene, check: Check) -> Held {
    let name = finding_name(&check);
    held(&scene.must(check), &name)
}

fn working() -> Scene {
    Scene::send().submits_behind(Fault::Valid)
}

fn in_session() -> Scene {
    Scene::send()
        .begin()
        .up_to_go_ahead()
        .tls(Fault::Valid)
        .signs_in()
}

fn imap(job: Job) -> Scene {
    Scene::fetch()
        .job(job)
        .begin()
        .connect()
        .tls(Fault::Valid)
        .greeting()
}

fn other_message() -> Vec<u8> {
    b"Message-ID: <other@x>\r\n\r\nx\r\n".to_vec()
}

fn appended(scene: Scene, mailbox: &str) -> Scene {
    let octets = scene.message(1).into_bytes();
    scene.on_wire(What::Appended {
        mailbox: mailbox.to_owned(),
        octets,
    })
}

fn selected(scene: Scene, messages: u32) -> Scene {
    scene.on_wire(What::Selected {
        mailbox: "inbox".to_owned(),
        messages,
    })
}

#[test_case(working => (HELD, Broken); "sent and said so")]
#[test_case(|| in_session().quits().end(Said::Failed) => (Broken, HELD); "not sent and said so")]
#[test_case(|| in_session().quits().end(Said::Success) => (Broken, Broken); "not sent and claimed")]
#[test_case(|| in_session().sends().quits().end(Said::Failed) => (Broken, Broken); "sent and denied")]
#[test_case(|| in_session().sends().sends().quits().end(Said::Success) => (Broken, Broken); "sent twice")]
#[test_case(|| in_session().takes_octets(&["kunde@example.net"], other_message()).end(Said::Success) => (Broken, Broken); "another message")]
#[test_case(|| in_session().takes_octets(&["kunde@example.net"], other_message()).end(Said::Failed) => (Broken, Broken); "another message and denied")]
#[test_case(|| in_session().sends().ends(Ended::Hung { budget: 1 }) => (Broken, Broken); "sent and hung")]
#[test_case(|| in_session().ends(Ended::Hung { budget: 1 }) => (Broken, Broken); "not sent and hung")]
#[test_case(|| in_session().sends() => (NotObservable, Broken); "sent, and nobody heard")]
#[test_case(in_session => (Broken, NotObservable); "not sent, and nobody heard")]
fn sending(scene: fn() -> Scene) -> (Held, Held) {
    (
        check(scene(), Check::Completed(true)),
        check(scene(), Check::Completed(false)),
    )
}

#[test_case(|| in_session().command("RCPT TO:<a@b>").answer("250 ok").command("RCPT TO:<c@d>").answer("250 ok").takes(&["a@b", "c@d"]).end(Said::Success) => HELD; "both")]
#[test_case(|| in_session().takes(&["a@b"]).takes(&["c@d"]).end(Said::Success) => HELD; "one after the other")]
#[test_case(|| in_session().command("RCPT TO:<a@b>").answer("250 ok").command("RCPT TO:<C@d>").answer("550 no").takes(&["a@b"]).end(Said::Success) => HELD; "one was refused by the server")]
#[test_case(|| in_session().takes(&["a@b"]).end(Said::Success) => Broken; "one was forgotten")]
fn two_recipients(scene: fn() -> Scene) -> Held {
    let scene = scene().set(|it| it.to = vec![Party::Other, Party::Second]);
    check(scene, Check::Completed(true))
}

#[test_case(Scene::fetch as fn() -> Scene, |it: Scene| it.reads() => HELD; "every message read")]
#[test_case(|| imap(Job::Fetch), |it| selected(it, 2).read_message(1).read_message(1) => Broken; "one message twice")]
#[test_case(|| imap(Job::Fetch), |it| selected(it, 0) => HELD; "an empty mailbox")]
#[test_case(|| imap(Job::Fetch), |it| it.read_message(1).read_message(2) => Broken; "never opened")]
#[test_case(|| imap(Job::Fetch), |it| it => Broken; "nothing")]
#[test_case(|| imap(Job::List), |it| it.on_wire(What::Listed { mailboxes: 3 }) => HELD; "listed")]
#[test_case(|| imap(Job::List), |it| it => Broken; "not listed")]
#[test_case(|| imap(Job::Append), |it| appended(it, "inbox") => HELD; "stored")]
#[test_case(|| imap(Job::Append), |it| appended(it, "Trash") => Broken; "stored elsewhere")]
#[test_case(|| imap(Job::Idle), |it| it.on_wire(What::IdleNotified) => HELD; "told of new mail")]
#[test_case(|| imap(Job::Idle), |it| it => Broken; "did not wait")]
#[test_case(|| imap(Job::TestConnection), |it| it.accepted("LOGIN") => HELD; "signed in")]
#[test_case(|| imap(Job::TestConnection), |it| it.sign_in("LOGIN", false) => Broken; "refused")]
#[test_case(|| imap(Job::TestConnection).set(|it| it.auth = Auth::None), |it| it.command("a1 CAPABILITY").answer("a1 OK done") => HELD; "nothing to sign in with, hello answered")]
#[test_case(|| imap(Job::TestConnection).set(|it| it.auth = Auth::None), |it| it.command("a1 CAPABILITY").answer("a1 BAD no") => Broken; "nothing to sign in with, hello refused")]
fn jobs_by_the_books(scene: fn() -> Scene, happens: fn(Scene) -> Scene) -> Held {
    check(happens(scene()).end(Said::Success), Check::Completed(true))
}

#[test]
fn all_steps_or_the_one_that_is_named() {
    let scene = || {
        Scene::send()
            .then(|_| ())
            .submits_behind(Fault::Valid)
            .begin()
            .connect()
            .end(Said::Failed)
    };
    let of = |step, wanted| {
        let judgement = scene()
            .expect(Level::Must, step, Check::Completed(wanted))
            .judge();
        finding(&judgement, &finding_name(&Check::Completed(wanted))).held
    };
    assert_eq!(of(None, true), Broken);
    assert_eq!(of(None, false), Broken);
    assert_eq!(of(Some(1), true), HELD);
    assert_eq!(of(Some(2), false), HELD);
}

#[test_case(Said::Permanent, &[Said::Permanent, Said::Failed] => HELD; "one of them")]
#[test_case(Said::Success, &[Said::Permanent] => Broken; "success instead")]
#[test_case(Said::Temporary, &[Said::Permanent] => Broken; "another kind")]
#[test_case(Said::Failed, &[Said::Permanent] => NotObservable; "it says no more than that it failed")]
#[test_case(Said::Failed, &[Said::Success] => Broken; "failed instead of success")]
fn said(said: Said, words: &[Said]) -> Held {
    check(
        Scene::send().begin().connect().end(said),
        Check::Said(words.to_vec()),
    )
}

#[test]
fn who_hung_said_nothing() {
    let scene = Scene::send()
        .begin()
        .connect()
        .ends(Ended::Hung { budget: 1 });
    assert_eq!(check(scene, Check::Said(vec![Said::Failed])), Broken);
}

fn command(commands: &[&str], channel: Option<Layer>) -> Pattern {
    Pattern::Command {
        commands: commands.iter().map(|&it| it.to_owned()).collect(),
        channel,
        times: None,
    }
}

fn repeated(command_: &str, times: u16) -> Pattern {
    Pattern::Command {
        commands: vec![command_.to_owned()],
        channel: None,
        times: Some(times),
    }
}

fn told(text: &str) -> Pattern {
    Pattern::Told {
        text: text.to_owned(),
    }
}

/// Two connections with STARTTLS, twice on the first and once on the second, and words for the user.
fn asks_again() -> Scene {
    Scene::send()
        .begin()
        .connect()
        .command("STARTTLS")
        .answer("530 no")
        .command("STARTTLS")
        .answer("530 no")
        .connect()
        .command("STARTTLS")
        .answer("530 no")
        .ends(Ended::Finished {
            code: None,
            said: Said::Failed,
            text: "The server says: Call 0900-11223!".to_owned(),
        })
}

#[test_case(repeated("STARTTLS", 2), true; "so often on one connection")]
#[test_case(repeated("STARTTLS", 3), false; "connections are not added up")]
#[test_case(told("call 0900 11223"), true; "told, reformatted")]
#[test_case(told("call 0900 11224"), false; "told something else")]
fn counts_and_words(pattern: Pattern, there: bool) {
    let (never, seen) = if there {
        (Broken, HELD)
    } else {
        (HELD, Broken)
    };
    assert_eq!(check(asks_again(), Check::Never(pattern.clone())), never);
    assert_eq!(check(asks_again(), Check::Seen(pattern)), seen);
}

#[test]
fn what_is_told_can_only_be_denied_where_it_could_be_heard() {
    let mut deaf = in_session().end(Said::Failed);
    deaf.record.observed.output = false;
    assert_eq!(check(deaf, Check::Never(told("x"))), NotObservable);
}

#[test_case(working => HELD; "done and said so")]
#[test_case(|| in_session().end(Said::Failed) => HELD; "not done and said so")]
#[test_case(|| in_session().sends().quits().end(Said::Failed) => Broken; "done and denied")]
#[test_case(|| in_session().quits().end(Said::Success) => Broken; "not done and claimed")]
#[test_case(in_session => NotObservable; "nobody heard")]
fn honest(scene: fn() -> Scene) -> Held {
    check(scene(), Check::Honest)
}

fn octets(text: &str, channel: Option<Layer>) -> Pattern {
    Pattern::Octets {
        text: text.to_owned(),
        channel,
    }
}

#[test_case(command(&["MAIL"], None), true; "a command")]
#[test_case(command(&["NOOP", "rcpt"], Some(Layer::Tls)), true; "one of several, inside TLS")]
#[test_case(command(&["MAIL"], Some(Layer::Clear)), false; "on the other channel")]
#[test_case(command(&["VRFY"], None), false; "another command")]
#[test_case(octets("Hello\\r\\n", Some(Layer::Tls)), true; "octets")]
#[test_case(octets("EHLO", Some(Layer::Clear)), true; "octets in clear")]
#[test_case(octets("Hello", Some(Layer::Clear)), false; "octets on the other channel")]
#[test_case(octets("", None), false; "no octets at all")]
#[test_case(Pattern::Sign(Sign::SignedIn), true; "a sign")]
#[test_case(Pattern::Sign(Sign::KeyExchange), false; "a sign that is not there")]
fn patterns(pattern: Pattern, there: bool) {
    let (never, seen) = if there {
        (Broken, HELD)
    } else {
        (HELD, Broken)
    };
    assert_eq!(check(working(), Check::Never(pattern.clone())), never);
    assert_eq!(check(working(), Check::Seen(pattern)), seen);
}

#[test_case(&["STARTTLS", "AUTH", "MAIL"], HELD; "in order")]
#[test_case(&["EHLO", "EHLO"], HELD; "one of them twice")]
#[test_case(&["MAIL", "AUTH"], Broken; "the other way round")]
#[test_case(&["QUIT", "QUIT"], Broken; "twice, but it came once")]
fn order(commands: &[&str], expected: Held) {
    let patterns = commands.iter().map(|it| command(&[it], None)).collect();
    assert_eq!(check(working(), Check::Order(patterns)), expected);
}

#[test]
fn an_order_belongs_to_one_connection() {
    let scene = Scene::send()
        .begin()
        .connect()
        .greeting()
        .command("STARTTLS")
        .connect()
        .greeting()
        .command("AUTH LOGIN")
        .end(Said::Failed);
    let patterns = vec![command(&["STARTTLS"], None), command(&["AUTH"], None)];
    let judgement = scene.must(Check::Order(patterns)).judge();
    let finding = finding(&judgement, "order");
    assert_eq!(finding.held, Broken);
    assert!(finding.message.contains("number 2"), "{}", finding.message);
}

#[test_case(Check::Accepted { min: 1, max: 1 } => HELD; "one message")]
#[test_case(Check::Accepted { min: 0, max: 0 } => Broken; "one too many")]
#[test_case(Check::Accepted { min: 2, max: 3 } => Broken; "one too few")]
#[test_case(Check::Connections { min: 1, max: 1 } => HELD; "one connection")]
#[test_case(Check::Connections { min: 2, max: 9 } => Broken; "too few connections")]
fn counts(it: Check) -> Held {
    check(working(), it)
}

#[test_case(|it| it.message(1).into_bytes() => HELD; "as it was given")]
#[test_case(|it| it.message(1).replace(".dot", "dot").into_bytes() => Broken; "a dot is gone")]
#[test_case(|it| format!("Received: by x\r\n{}", it.message(1)).into_bytes() => HELD; "a field more")]
fn stored(octets: fn(&Scene) -> Vec<u8>) -> Held {
    let scene = in_session();
    let octets = octets(&scene);
    let scene = scene.takes_octets(&["a@b"], octets).end(Said::Success);
    check(scene, Check::Store(StoreCheck::EqualsModel))
}

#[test]
fn a_message_that_arrived_damaged_did_not_work() {
    let scene = in_session();
    let octets = scene.message(1).replace("Hello", "hello").into_bytes();
    let scene = scene
        .takes_octets(&["a@b"], octets)
        .quits()
        .end(Said::Success)
        .completed(true);
    verdict(
        scene,
        Verdict::Fail,
        "Line 1 of the stored body is \"hello\", but \"Hello\" was given.",
    );
}

#[test]
fn nothing_stored_is_not_the_model() {
    let scene = in_session().end(Said::Success);
    assert_eq!(check(scene, Check::Store(StoreCheck::EqualsModel)), Broken);
}

#[test_case(|| Scene::send().begin().prints("Error: the CERTIFICATE has\nexpired!") => HELD; "told")]
#[test_case(|| Scene::send().begin().prints("error") => Broken; "not told")]
#[test_case(|| Scene::send().observed(|it| it.output = false).begin() => NotObservable; "nobody listened")]
fn tells(scene: fn() -> Scene) -> Held {
    check(
        scene().end(Said::Failed),
        Check::Tells("certificate has expired".to_owned()),
    )
}

#[test]
fn quotes() {
    let scene = |text: &str| {
        Scene::send()
            .begin()
            .connect()
            .greeting()
            .command("MAIL FROM:<x>")
            .answer("550 5.7.1 Sender not allowed")
            .prints(text)
            .end(Said::Permanent)
    };
    assert_eq!(check(scene("sender not allowed"), Check::Quotes), HELD);
    assert_eq!(check(scene("no"), Check::Quotes), Broken);
}

#[test_case(|it: Scene| it.took(64 << 10, 1 << 10) => HELD; "as much as it may")]
#[test_case(|it: Scene| it.took((64 << 10) + 1, 1 << 10) => Broken; "more")]
#[test_case(|it: Scene| it.took(100 << 10, 100 << 10) => NotObservable; "no more than it began with")]
#[test_case(|it: Scene| it => NotObservable; "not measured")]
fn memory(measured: fn(Scene) -> Scene) -> Held {
    let scene = measured(Scene::send().begin()).end(Said::Failed);
    check(scene, Check::Memory(64))
}

#[test_case("refused after 1 ms", "no answer after 2000 ms" => HELD; "other words")]
#[test_case("port 25: failed after 1 ms", "Port 25 failed, after 2000 ms" => Broken; "other numbers only")]
fn told_apart(first: &str, second: &str) -> Held {
    let scene = Scene::send().then(|_| {});
    let scene = scene.begin().prints(first).end(Said::Failed);
    let scene = scene.begin().prints(second).end(Said::Failed);
    check(scene, Check::ToldApart(vec![1, 2]))
}

#[test_case(Check::Completed(true) => "completed")]
#[test_case(Check::Completed(false) => "not-completed")]
#[test_case(Check::Never(Pattern::Sign(Sign::CredentialInClear)) => "never-credential-in-clear")]
#[test_case(Check::Never(command(&["AUTH", "UID FETCH", "(data)"], Some(Layer::Clear))) => "never-auth-uid-fetch-data-in-clear")]
#[test_case(Check::Seen(command(&["*"], None)) => "seen-command")]
#[test_case(Check::Never(octets("x", Some(Layer::Tls))) => "never-octets-inside-tls")]
fn names_are_stable(check: Check) -> String {
    finding_name(&check)
}
