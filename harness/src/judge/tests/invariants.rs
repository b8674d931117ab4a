//! Every invariant, held, broken and not observable.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Auth, Endpoints, Party, PortRole, Process, Security, What,
    event::{Ended, Said},
};
use test_case::test_case;

use super::held;
use crate::{
    judge::{INVARIANTS, testing::Scene},
    results::{
        Held::{self, Broken, NotObservable},
        Verdict,
    },
};

const HELD: Held = Held::Held;

fn working() -> Scene {
    Scene::send().submits_behind(Fault::Valid)
}

fn clear(security: Security) -> Scene {
    Scene::send()
        .security(security)
        .begin()
        .connect()
        .greeting()
}

#[test]
fn every_case_has_every_invariant() {
    let judgement = working().judge();
    for invariant in INVARIANTS {
        let finding = super::finding(&judgement, invariant.name);
        assert_eq!(finding.level, invariant.level);
        assert!(!finding.message.is_empty() && !invariant.rule.is_empty());
    }
}

#[test_case(working => HELD; "everything inside TLS")]
#[test_case(|| clear(Security::None).signs_in().sends() => HELD; "clear was asked for")]
#[test_case(|| clear(Security::StarttlsOptional).sends() => HELD; "a message in clear where TLS is optional")]
#[test_case(|| clear(Security::Automatic).sends() => HELD; "a message in clear where it is automatic")]
#[test_case(|| clear(Security::StarttlsOptional).signs_in() => Broken; "a password in clear where TLS is optional")]
#[test_case(|| clear(Security::Automatic).signs_in() => Broken; "a password in clear where it is automatic")]
#[test_case(|| clear(Security::StarttlsOptional).command("AUTH XOAUTH2 {xoauth2}") => Broken; "a token in clear where TLS is optional")]
#[test_case(|| clear(Security::StarttlsRequired).sends() => Broken; "a message in clear where TLS is demanded")]
#[test_case(|| clear(Security::StarttlsRequired).command("MAIL FROM:<{user}>") => Broken; "a user name in clear where TLS is demanded")]
#[test_case(|| clear(Security::Implicit).signs_in() => Broken; "a password in clear where TLS is implicit")]
#[test_case(|| Scene::send().begin().up_to_go_ahead().tls(Fault::ExpiredLeaf).signs_in() => Broken; "a password to a stranger")]
#[test_case(|| Scene::send().security(Security::StarttlsOptional).begin().up_to_go_ahead().tls(Fault::ExpiredLeaf).signs_in() => Broken; "a password to a stranger where TLS is optional")]
#[test_case(|| Scene::send().security(Security::StarttlsOptional).begin().up_to_go_ahead().tls(Fault::ExpiredLeaf).sends() => HELD; "a message to a stranger where TLS is optional")]
#[test_case(|| Scene::send().security(Security::None).begin().decoy(PortRole::Smtp).octets("{password}") => Broken; "anything to a decoy")]
#[test_case(|| Scene::send().security(Security::None).begin().decoy(PortRole::Smtp).octets("{message-id}") => Broken; "a message to a decoy")]
fn no_secret_outside_allowed_channel(scene: fn() -> Scene) -> Held {
    held(&scene(), "no-secret-outside-allowed-channel")
}

#[test]
fn a_password_is_named_before_the_user_that_goes_with_it() {
    let judgement = clear(Security::Implicit)
        .command("AUTH PLAIN {plain}")
        .judge();
    let finding = super::finding(&judgement, "no-secret-outside-allowed-channel");
    assert_eq!(
        finding.message,
        "The client sent its password (in base64) in clear."
    );
    assert_eq!(finding.step, Some(1));
    assert!(!finding.evidence.is_empty());
}

#[test]
fn a_password_of_another_account_is_judged_by_the_settings_of_that_account() {
    let scene = Scene::send()
        .security(Security::None)
        .then(|it| {
            it.account = "b".to_owned();
            it.security = Security::StarttlsRequired;
            it.process = Process::Same;
        })
        .begin()
        .connect()
        .end(Said::Success)
        .begin()
        .connect()
        .greeting();
    let name = "no-secret-outside-allowed-channel";
    assert_eq!(held(&scene.clone().octets("{password}"), name), HELD);
    assert_eq!(held(&scene.octets("{password-b}"), name), Broken);
}

fn tried_tls_then(security: Security) -> Scene {
    clear(security)
        .command("STARTTLS")
        .answer("454 no")
        .close()
        .connect()
        .greeting()
        .command("MAIL FROM:<x@y.example>")
}

#[test_case(|| tried_tls_then(Security::StarttlsRequired) => Broken; "demanded")]
#[test_case(|| tried_tls_then(Security::StarttlsOptional) => HELD; "optional")]
#[test_case(working => HELD; "one connection")]
fn no_weaker_retry(scene: fn() -> Scene) -> Held {
    held(&scene(), "no-weaker-retry")
}

#[test_case(working => HELD; "untouched")]
#[test_case(|| working().decoy(PortRole::Smtp) => Broken; "touched")]
#[test_case(|| working().observed(|it| it.decoys = false) => NotObservable; "nobody looked")]
#[test_case(|| working().observed(|it| it.decoys = false).connect_to(PortRole::Imaps) => Broken; "touched where somebody looked by chance")]
fn no_decoy_touched(scene: fn() -> Scene) -> Held {
    held(&scene(), "no-decoy-touched")
}

fn words(text: &str) -> Ended {
    Ended::Finished {
        code: Some(1),
        said: Said::Permanent,
        text: text.to_owned(),
    }
}

#[test_case(|| working().prints("sent to {user}") => HELD; "harmless")]
#[test_case(|| Scene::send().begin().prints("> AUTH PLAIN {plain}\n") => Broken; "in base64")]
#[test_case(|| Scene::send().begin().prints("token {token}") => Broken; "a token")]
#[test_case(|| { let it = Scene::send().begin(); let p = it.fill("{password}"); let (a, b) = p.split_at(5); it.prints(a).prints(b) } => Broken; "in two pieces")]
#[test_case(|| { let it = Scene::send().begin(); let p = it.fill("{password}"); it.ends(words(&p)) } => Broken; "in its own words")]
#[test_case(|| working().observed(|it| it.output = false) => NotObservable; "nobody listened")]
fn no_secret_in_output(scene: fn() -> Scene) -> Held {
    held(&scene(), "no-secret-in-output")
}

#[test]
fn a_printed_password_fails_a_case_that_works() {
    let scene = Scene::send()
        .completed(true)
        .submits_behind(Fault::Valid)
        .prints("{password}");
    super::verdict(
        scene,
        Verdict::Fail,
        "The client printed its password in step 1.",
    );
}

#[test_case(working, HELD, HELD; "ended")]
#[test_case(|| Scene::send().begin().ends(Ended::Crashed { how: "abort".to_owned() }), Broken, HELD; "crashed")]
#[test_case(|| Scene::send().begin().ends(Ended::Hung { budget: 1 }), HELD, Broken; "hung")]
#[test_case(|| Scene::send().begin(), NotObservable, NotObservable; "nobody saw the end")]
#[test_case(|| working().observed(|it| it.process = false), NotObservable, NotObservable; "nobody watched the process")]
fn process(scene: fn() -> Scene, crash: Held, hang: Held) {
    assert_eq!(held(&scene(), "no-crash"), crash);
    assert_eq!(held(&scene(), "ends-within-budget"), hang);
}

fn refused_sign_in() -> Scene {
    Scene::send()
        .begin()
        .up_to_go_ahead()
        .tls(Fault::Valid)
        .again("535 5.7.8 no")
}

impl Scene {
    fn again(self, answer: &str) -> Self {
        self.command("AUTH PLAIN {plain}").answer(answer)
    }

    fn mail_refused(self) -> Self {
        self.command("MAIL FROM:<{user}>").answer("550 5.7.1 no")
    }

    fn rejects_chain(self) -> Self {
        self.connect()
            .hello()
            .chain(Fault::SelfSigned)
            .alert()
            .close()
    }
}

#[test_case(refused_sign_in => HELD; "once")]
#[test_case(|| refused_sign_in().again("535 no") => HELD; "one more")]
#[test_case(|| refused_sign_in().again("535 no").again("535 no") => Broken; "and another")]
#[test_case(|| Scene::send().begin().up_to_go_ahead().tls(Fault::Valid).again("454 later").again("454 later").again("454 later") => NotObservable; "for now only")]
#[test_case(|| refused_sign_in().connect().connect() => Broken; "connections count")]
#[test_case(|| Scene::send().set(|it| it.auth = Auth::None).begin().connect().greeting().mail_refused().mail_refused() => HELD; "a message one more time")]
#[test_case(|| Scene::send().begin().connect().greeting().mail_refused().mail_refused().mail_refused() => Broken; "a message again and again")]
#[test_case(|| Scene::send().set(|it| it.to = vec![Party::Other, Party::Second, Party::Third]).begin().connect().greeting().mail_refused().mail_refused().mail_refused() => HELD; "a transaction for each recipient")]
#[test_case(|| Scene::send().begin().connect().greeting().command("MAIL FROM:<x>").answer("250 ok").command("RCPT TO:<a@b>").answer("550 no").command("RCPT TO:<c@d>").answer("250 ok") => NotObservable; "a recipient of several")]
#[test_case(|| Scene::send().begin().rejects_chain().rejects_chain() => HELD; "another address of the host")]
#[test_case(|| Scene::send().begin().rejects_chain().rejects_chain().rejects_chain() => Broken; "a bad certificate again and again")]
#[test_case(|| Scene::send().begin().connect().greeting().command("STARTTLS").answer("454 no").connect().connect() => Broken; "STARTTLS refused where it is demanded")]
#[test_case(|| Scene::send().security(Security::StarttlsOptional).begin().connect().greeting().command("STARTTLS").answer("454 no").connect().connect() => NotObservable; "STARTTLS refused where it is optional")]
#[test_case(|| Scene::send().begin().connect().greeting().command("EHLO x").answer("502 no").command("HELO x").answer("250 x") => NotObservable; "EHLO refused leads to HELO")]
#[test_case(working => NotObservable; "nothing was refused")]
fn one_attempt_after_permanent(scene: fn() -> Scene) -> Held {
    held(&scene(), "one-attempt-after-permanent")
}

fn refused_mail() -> Scene {
    Scene::send()
        .begin()
        .connect()
        .greeting()
        .command("MAIL FROM:<x>")
        .answer("550 5.7.60 SMTP; Client does not have permissions to send as this sender")
        .quits()
}

#[test_case(|| refused_mail().ends(words("SMTP error: Client does not have permissions to send as this sender.")) => Broken; "a part of it")]
#[test_case(|| refused_mail().ends(words("550 5.7.60 SMTP; Client does not have permissions to send as this sender")) => HELD; "in its words")]
#[test_case(|| refused_mail().prints("smtp; client does not have\npermissions to send as this sender").end(Said::Permanent) => HELD; "printed")]
#[test_case(|| refused_mail().ends(words("something went wrong")) => Broken; "something else")]
#[test_case(|| refused_mail().end(Said::Permanent) => Broken; "silence where somebody listened")]
#[test_case(|| refused_mail().end(Said::Permanent).observed(|it| it.output = false) => NotObservable; "silence where nobody did")]
#[test_case(|| refused_mail().end(Said::Success) => NotObservable; "it claims success, which is another matter")]
#[test_case(working => NotObservable; "nothing was refused")]
fn last_reply_quoted(scene: fn() -> Scene) -> Held {
    held(&scene(), "last-reply-quoted")
}

#[test]
fn a_reply_that_is_not_passed_on_is_a_warning() {
    let scene = refused_mail().completed(false).ends(words("no"));
    let judgement = super::verdict(scene, Verdict::Pass, "one recommendation was missed");
    assert_eq!(judgement.warnings.len(), 1);
    assert!(
        judgement.warnings[0]
            .starts_with("SHOULD: The client did not pass on what the server said to MAIL")
    );
}

#[test]
fn attempts_on_closed_ports_are_seen_without_decoys() {
    let scene = working()
        .observed(|it| it.decoys = false)
        .event(What::Attempted {
            port: PortRole::Smtp,
            between: Endpoints::default(),
        });
    assert_eq!(held(&scene, "no-decoy-touched"), Broken);
}
