//! Serving, with the reference client in the place of a person's.

use mailproof_scenarios::library::Library;
use test_case::test_case;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::*;
use crate::{
    judge::judge,
    subject::{REQUEST_VERSION, Report, Request},
    subjects,
};

fn order(id: &str, control: bool, quiet: Duration) -> Order {
    let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    let case = library.case(id).unwrap_or_else(|| panic!("{id}")).clone();
    Order {
        canaries: Canaries::derive(1, id, case.accounts()),
        case: if control { case.control() } else { case },
        free: false,
        personas: library.personas().clone(),
        now: time::OffsetDateTime::now_utc(),
        words: crate::adapter::Words::default(),
        reach: Setting::default(),
        quiet,
        kept: Kept::default(),
    }
}

/// What a person would type into the client, from the first of the settings to the last.
fn request(serving: &Serving, number: usize, folder: &std::path::Path) -> Request {
    let step = &serving.record.steps[number - 1];
    let canaries = &serving.record.canaries;
    let account = canaries.account(&step.account);
    let message_file = folder.join("message.eml");
    let message = format!(
        "From: <{}>\r\nTo: <x@example.net>\r\nMessage-ID: <own@client>\r\n\r\n{}\r\n",
        account.user, canaries.body
    );
    fs::write(&message_file, message).unwrap();
    Request {
        v: REQUEST_VERSION,
        case: String::new(),
        job: step.job,
        protocol: step.protocol,
        host: serving.world.host(step.host),
        port: serving.world.port(step.port),
        security: step.security,
        trust: step.trust,
        ca_file: serving.files.ca.clone(),
        store_file: None,
        crl_file: None,
        pin_file: Some(serving.files.pin.clone()),
        auth: step.auth,
        account: step.account.clone(),
        user: account.user.clone(),
        password: account.password.clone(),
        token: account.token.clone(),
        from: canaries.address(step.from, account),
        to: step
            .to
            .iter()
            .map(|it| canaries.address(*it, account))
            .collect(),
        message_file,
        mailbox: step.mailbox.clone(),
        timeout_ms: 3000,
        work_dir: folder.to_owned(),
    }
}

async fn perform(client: &str, request: &Request) -> Report {
    let (subject, ..) = subjects::embedded(client).unwrap_or_else(|| panic!("{client}"));
    subject.open().perform(request).await
}

struct Served {
    record: Record,
    judgement: Judgement,
    shown: String,
}

/// One step: the client does it, then `typed` is typed, or it is stopped.
async fn served(order: Order, client: &str, typed: Option<Told>) -> Served {
    let serving = Serving::open(order).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let request = request(&serving, 1, folder.path());
    let (lines, typing): (UnboundedSender<Typed>, _) = unbounded_channel();
    let mut person = Person::typing(typing, false);
    let stop = Cancel::new();
    let mut shown = String::new();
    let mut tell = |lines: &str| shown.push_str(lines);
    let client = async {
        perform(client, &request).await;
        match typed {
            Some(told) => lines.send(Typed::Told(told)).unwrap(),
            None => stop.cancel(),
        }
    };
    let (record, ()) = tokio::join!(serving.serve(&mut person, &stop, &mut tell), client);
    let judgement = without_control(&record.case, judge(&record, None));
    Served {
        record,
        judgement,
        shown,
    }
}

const REFUSES: &str = "smtp/starttls/not-offered";

#[test_case(true, "reference", Some(Told::Worked) => Verdict::Pass; "a control that worked")]
#[test_case(true, "reference", Some(Told::Failed) => Verdict::Fail; "a control that the client calls failed")]
#[test_case(true, "reference", None => Verdict::Review; "a control of which nobody tells")]
#[test_case(false, "reference", Some(Told::Failed) => Verdict::Review; "it refuses, without a control")]
#[test_case(false, "reference", None => Verdict::Review; "it refuses and nobody tells")]
#[test_case(false, "reference", Some(Told::Worked) => Verdict::Fail; "it claims that it worked")]
#[test_case(false, "reference+continues-in-clear", Some(Told::Worked) => Verdict::Fail; "it goes on in clear")]
#[test_case(false, "reference+continues-in-clear", None => Verdict::Fail; "it goes on in clear and nobody tells")]
#[test_case(false, "do-nothing", None => Verdict::Inconclusive; "it does nothing")]
#[tokio::test]
async fn verdicts(control: bool, client: &str, typed: Option<Told>) -> Verdict {
    served(order(REFUSES, control, QUIET), client, typed)
        .await
        .judgement
        .verdict
}

#[tokio::test]
async fn without_a_control_the_reason_says_so() {
    let told = served(
        order(REFUSES, false, QUIET),
        "reference",
        Some(Told::Failed),
    )
    .await;
    let reason = &told.judgement.reason;
    assert!(reason.starts_with("No control was made"), "{reason}");
}

#[tokio::test]
async fn the_transcript_is_live_and_without_secrets() {
    let served = served(order(REFUSES, true, QUIET), "reference", None).await;
    let (settings, transcript) = served.shown.split_once("[1] ").unwrap();
    let account = &served.record.canaries.accounts[0];
    assert!(settings.contains(&account.password) && settings.contains("ca.pem"));
    assert!(transcript.contains("[1] C: STARTTLS\n"), "{transcript}");
    assert!(transcript.contains("[1] -- TLS 1."), "{transcript}");
    assert!(transcript.contains("message accepted"), "{transcript}");
    assert!(transcript.contains("********"), "{transcript}");
    assert!(!transcript.contains(&account.password));
}

#[tokio::test]
async fn the_next_step_begins_when_nothing_happens_any_more() {
    let id = "cert/always/not-for-other-accounts#smtp-implicit";
    let serving = Serving::open(order(id, false, Duration::from_millis(20)))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (
        request(&serving, 1, folder.path()),
        request(&serving, 2, folder.path()),
    );
    let recorder = serving.world.recorder();
    let (lines, typing) = unbounded_channel();
    drop(lines);
    let mut person = Person::typing(typing, false);
    let stop = Cancel::new();
    let mut shown = String::new();
    let mut tell = |lines: &str| shown.push_str(lines);
    let client = async {
        perform("reference", &first).await;
        let mut feed = recorder.subscribe();
        while let Some(event) = feed.recv().await {
            if event.step == 2 && matches!(event.what, What::StepStarted { .. }) {
                break;
            }
        }
        perform("reference", &second).await;
        stop.cancel();
    };
    let (record, ()) = tokio::join!(serving.serve(&mut person, &stop, &mut tell), client);
    let steps: BTreeSet<u16> = record
        .log
        .events
        .iter()
        .filter(|it| matches!(it.what, What::Connected { .. }))
        .map(|it| it.step)
        .collect();
    assert_eq!(steps, BTreeSet::from([1, 2]));
    assert!(shown.contains("Step 2 of 2"), "{shown}");
    let judgement = without_control(&record.case, judge(&record, None));
    assert_eq!(judgement.verdict, Verdict::Review, "{}", judgement.reason);
}

#[tokio::test]
async fn at_a_terminal_the_person_is_asked_when_it_is_stopped() {
    let serving = Serving::open(order(REFUSES, true, QUIET)).await.unwrap();
    let (lines, typing) = unbounded_channel();
    let mut person = Person::typing(typing, true);
    let stop = Cancel::new();
    stop.cancel();
    let mut asked = 0;
    let mut tell = |it: &str| {
        if it.starts_with("Did the client say that it worked?") {
            asked += 1;
            let typed = match asked {
                1 => Typed::Other,
                _ => Typed::Told(Told::Failed),
            };
            lines.send(typed).unwrap();
        }
    };
    let record = serving.serve(&mut person, &stop, &mut tell).await;
    assert_eq!(asked, 2);
    let ended = record.log.events.iter().find_map(|it| match &it.what {
        What::StepEnded(ended) => Some(ended.clone()),
        _ => None,
    });
    assert!(
        matches!(
            ended,
            Some(Ended::Finished {
                code: None,
                said: Said::Failed,
                ..
            })
        ),
        "{ended:?}"
    );
}

#[tokio::test]
async fn every_persona_can_be_served() {
    let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    for persona in library.personas().values() {
        let case = for_persona(persona);
        let order = Order {
            canaries: Canaries::derive(1, &persona.name, case.accounts()),
            case,
            free: true,
            personas: library.personas().clone(),
            now: time::OffsetDateTime::now_utc(),
            words: crate::adapter::Words::default(),
            reach: Setting::default(),
            quiet: QUIET,
            kept: Kept::default(),
        };
        let serving = Serving::open(order).await.unwrap();
        let folder = serving.files.ca.parent().unwrap().to_owned();
        assert!(folder.join("server.pem").exists());
        for step in &serving.record.steps {
            assert_ne!(serving.world.port(step.port), 0, "{}", step.port);
        }
        let (_lines, typing) = unbounded_channel();
        let stop = Cancel::new();
        stop.cancel();
        let mut shown = String::new();
        let record = serving
            .serve(&mut Person::typing(typing, true), &stop, &mut |it: &str| {
                shown.push_str(it);
            })
            .await;
        assert!(!folder.exists(), "the files go with the world");
        assert!(shown.contains("on this machine only"), "{shown}");
        assert!(!record.steps.is_empty());
    }
}
