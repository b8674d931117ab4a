//! Hooks against a real socket: what a product can answer, and what becomes of it.

use std::{path::Path, sync::Arc};

use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust};
use test_case::test_case;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Mutex,
};

use super::*;
use crate::subject::REQUEST_VERSION;

/// What a product did not answer.
const SILENT: &str = "";

/// A product that gives these answers, one a connection, and keeps what it was asked.
struct Product {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Product {
    async fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answers) = (asked.clone(), answers.iter().map(|it| (*it).to_owned()));
        let answers: Vec<String> = answers.collect();
        tokio::spawn(async move {
            let mut open = Vec::new();
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept().await else {
                    return;
                };
                kept.lock().await.push(request_of(&mut stream).await);
                if answer == SILENT {
                    open.push(stream);
                    continue;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            std::future::pending::<()>().await;
        });
        Self { url, asked }
    }
}

/// A whole request: its head and as much body as the head says.
async fn request_of(stream: &mut tokio::net::TcpStream) -> String {
    let mut octets = Vec::new();
    loop {
        let mut more = [0; 4096];
        let Ok(count @ 1..) = stream.read(&mut more).await else {
            break;
        };
        octets.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&octets);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "));
        if body.len() >= length.and_then(|it| it.parse().ok()).unwrap_or(0) {
            break;
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

fn ok(body: &str) -> String {
    answer("200 OK", body)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn request(work: &WorkFolder) -> Request {
    Request {
        v: REQUEST_VERSION,
        case: "a/b".to_owned(),
        job: Job::Send,
        protocol: Protocol::Smtp,
        host: "localhost".to_owned(),
        port: 2525,
        security: Security::None,
        trust: Trust::Ca,
        ca_file: work.file("ca.pem"),
        store_file: None,
        crl_file: None,
        pin_file: None,
        auth: Auth::Password,
        account: "a".to_owned(),
        user: "u@firma.example".to_owned(),
        password: "p\"w\r\n{x}".to_owned(),
        token: String::new(),
        from: "u@firma.example".to_owned(),
        to: vec!["x@example.net".to_owned(), "y@example.net".to_owned()],
        message_file: work.file("message.eml"),
        mailbox: String::new(),
        timeout_ms: 1000,
        work_dir: work.path().to_owned(),
    }
}

fn adapter(url: &str, hooks: &str) -> Adapter {
    let source = format!(
        "name = \"mine\"\ntitle = \"Mine\"\nrole = \"client\"\n\
         [settings.security]\nnone = {{ encryption = \"none\" }}\n\
         [settings.trust]\nca = {{}}\n\
         [settings.auth]\npassword = {{}}\n\
         [exit]\nsuccess = [0]\nfailed = [1]\n\
         [[exit.says]]\nmatches = \"certificate\"\nmeans = \"refused-tls\"\n\
         [remote]\nurl = \"{url}\"\n{hooks}"
    );
    Adapter::parse(&source, "mine.toml", Path::new("/")).unwrap_or_else(|error| panic!("{error}"))
}

async fn performed(adapter: &Adapter) -> Performance {
    let work = WorkFolder::create("CA", "").expect("a folder");
    let request = request(&work);
    let (recorder, cancel) = (Recorder::new(), Cancel::new());
    let scene = Scene {
        adapter,
        request: &request,
        work: &work,
        recorder: &recorder,
        cancel: &cancel,
    };
    let Kind::Remote(remote) = &adapter.kind else {
        panic!("a remote adapter");
    };
    perform(scene, remote, true).await.expect("not cancelled")
}

const SEND: &str = "[remote.trigger.send]\npost = \"/send\"\ntake = { id = \"$.id\" }\n\
    [remote.await.send]\nget = \"/status/{id}\"\nevery = \"1ms\"\ndeadline = \"5s\"\n\
    done-when = { path = \"$.state\", is = [\"sent\", \"failed\"] }\n\
    failed-when = { status = [410] }\n\
    [remote.observe.send]\nget = \"/status/{id}\"\nstate = \"$.state\"\nshown = \"$.text\"\n\
    means = { sent = \"success\", failed = \"permanent\" }\n";

fn finished(said: Said, text: &str) -> Ended {
    Ended::Finished {
        code: None,
        said,
        text: text.to_owned(),
    }
}

#[test_case(&["{\"id\": 7}", "{\"state\": \"queued\"}", "{\"state\": \"sent\"}", "{\"state\": \"sent\", \"text\": \"Gone\"}"] => finished(Said::Success, "Gone"); "sent")]
#[test_case(&["{\"id\": 7}", "{\"state\": \"failed\"}", "{\"state\": \"failed\", \"text\": \"550 no\"}"] => finished(Said::Permanent, "550 no"); "failed")]
#[test_case(&["{\"id\": 7}", "{\"state\": \"failed\"}", "{\"state\": \"failed\", \"text\": \"bad certificate\"}"] => finished(Said::RefusedTls, "bad certificate"); "words say more")]
#[test_case(&["{\"id\": 7}", "{\"state\": \"sent\"}", "{\"state\": \"odd\", \"text\": \"?\"}"] => Ended::Unheard; "nobody knows the state")]
#[tokio::test]
async fn a_job_ends(answers: &[&str]) -> Ended {
    let answers: Vec<String> = answers.iter().map(|it| ok(it)).collect();
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let product = Product::answering(&answers).await;
    let ended = performed(&adapter(&product.url, SEND)).await.ended;
    let asked = product.asked.lock().await;
    assert!(
        asked
            .last()
            .is_some_and(|it| it.starts_with("GET /status/7 ")),
        "{asked:?}"
    );
    ended
}

#[test_case("HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops" => "trigger.send: POST /send answered 500 Internal Server Error: oops"; "status")]
#[test_case("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n" => "trigger.send: POST /send answered 302 Found: (nothing)"; "elsewhere")]
#[test_case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>" => "trigger.send: the answer is no JSON (expected value at line 1 column 1): <htm>"; "no json")]
#[test_case("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"no\": \"id\"}" => "trigger.send: the answer is no JSON (EOF while parsing an object at line 1 column 11): {\"no\": \"id\""; "cut json")]
#[test_case("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"no\": \"id\"}" => "trigger.send: the answer has nothing at $.id: {\"no\": \"id\"}"; "other json")]
#[test_case("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{" => "trigger.send: POST URL/send gave no answer: error reading a body from connection: end of file before message length reached"; "cut")]
#[test_case("SMTP ready\r\n\r\n" => "trigger.send: POST URL/send gave no answer: invalid HTTP version parsed"; "no http")]
#[test_case(SILENT => "trigger.send: POST URL/send gave no answer within 50ms"; "never")]
#[tokio::test]
async fn a_hook_fails(bad: &str) -> String {
    let product = Product::answering(&[bad]).await;
    let hooks = SEND.replace("post = ", "within = \"50ms\"\npost = ");
    match performed(&adapter(&product.url, &hooks)).await.ended {
        Ended::NotStarted { error } => error.replace(&product.url, "URL"),
        other => panic!("{other:?}"),
    }
}

/// A product that repeats what it was given: its token stays out of what is told, whole or in part.
#[tokio::test]
async fn a_refusal_is_told_without_secrets() {
    let secret = std::env::var("PATH").expect("a path");
    for before in [0, hooks::QUOTED - 2] {
        let body = format!("{}{secret}", "x".repeat(before));
        let product = Product::answering(&[&answer("400 Bad Request", &body)]).await;
        let hooks = "failed-when = { status = [400] }\n";
        let hooks = SEND.replace("take = { id", &format!("{hooks}take = {{ id"));
        let mut adapter = adapter(&product.url, &hooks);
        if let Kind::Remote(remote) = &mut adapter.kind {
            remote.secrets.insert("api".to_owned(), "PATH".to_owned());
        }
        let Ended::Finished { text, .. } = performed(&adapter).await.ended else {
            panic!("it refuses");
        };
        let beginning = &secret[..2];
        assert!(!text.trim_start_matches('x').contains(beginning), "{text}");
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let adapter = adapter(&url, SEND);
    let error = is_there(&adapter).await.expect_err("nobody is there");
    assert!(
        error.contains("Mine is not there: cannot connect to 127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test]
async fn a_product_that_is_never_done_hangs() {
    let id = ok("{\"id\": 1}");
    let queued = ok("{\"state\": \"queued\"}");
    let answers = [[id.as_str()].as_slice(), &[queued.as_str(); 5000]].concat();
    let product = Product::answering(&answers).await;
    let hooks = SEND.replace("deadline = \"5s\"", "deadline = \"30ms\"");
    let ended = performed(&adapter(&product.url, &hooks)).await.ended;
    assert_eq!(ended, Ended::Hung { budget: 30 });
}

#[tokio::test]
async fn a_status_can_say_that_the_job_failed() {
    let answers = [
        ok("{\"id\": 1}"),
        answer("410 Gone", "gone"),
        ok("{\"state\": \"odd\"}"),
    ];
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let product = Product::answering(&answers).await;
    let ended = performed(&adapter(&product.url, SEND)).await.ended;
    assert_eq!(ended, finished(Said::Failed, ""));
}

#[tokio::test]
async fn values_stand_in_the_body_as_data() {
    let hooks = "[remote.trigger.send]\npost = \"/send\"\nheaders = { X-Case = \"{case}\" }\n\
        [remote.trigger.send.json]\npassword = \"{password}\"\nport = { as = \"number\", value = \"{port}\" }\n\
        to = { as = \"list\", value = \"{to}\" }\nca = { as = \"file\", value = \"{ca}\" }\ndeep = [{ a = \"{encryption}\" }, true, 1]\n";
    let product = Product::answering(&[&ok("")]).await;
    assert_eq!(
        performed(&adapter(&product.url, hooks)).await.ended,
        Ended::Unheard
    );
    let asked = product.asked.lock().await.concat();
    let (head, body) = asked.split_once("\r\n\r\n").expect("a body");
    assert!(
        head.contains("x-case: a/b") || head.contains("X-Case: a/b"),
        "{head}"
    );
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let expected = serde_json::json!({
        "password": "p\"w\r\n{x}", "port": 2525, "to": ["x@example.net", "y@example.net"],
        "ca": "CA", "deep": [{"a": "none"}, true, 1],
    });
    assert_eq!(body, expected);
}

#[test_case("exit 0" => finished_with(0, Said::Success); "done")]
#[test_case("echo 'bad certificate' >&2; exit 1" => Ended::Finished { code: Some(1), said: Said::RefusedTls, text: "bad certificate".to_owned() }; "words")]
#[test_case("exit 9" => finished_with(9, Said::Failed); "unknown code")]
#[tokio::test]
async fn a_command_observes(script: &str) -> Ended {
    let hooks = format!(
        "[remote.trigger.send]\nrun = [\"true\"]\n[remote.observe.send]\nrun = [\"sh\", \"-c\", {script:?}]\n"
    );
    performed(&adapter("http://127.0.0.1:1", &hooks))
        .await
        .ended
}

fn finished_with(code: i32, said: Said) -> Ended {
    Ended::Finished {
        code: Some(code),
        said,
        text: String::new(),
    }
}

#[test_case("exit 3" => "trigger.send: ended with exit code 3: (nothing)"; "code")]
#[test_case("echo why >&2; exit 3" => "trigger.send: ended with exit code 3: why"; "words")]
#[test_case("exec sleep 60" => "trigger.send: `sh` did not end within 200ms"; "never")]
#[tokio::test]
async fn a_command_fails(script: &str) -> String {
    let hooks =
        format!("[remote.trigger.send]\nrun = [\"sh\", \"-c\", {script:?}]\nwithin = \"200ms\"\n");
    match performed(&adapter("http://127.0.0.1:1", &hooks))
        .await
        .ended
    {
        Ended::NotStarted { error } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_is_read_from_where_the_step_began() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    std::fs::write(&log, "old certificate\n").expect("writes");
    let hooks = format!(
        "[remote.trigger.send]\nrun = [\"sh\", \"-c\", \"echo new noise >> {log}; echo new certificate >> {log}\"]\n\
         [remote.observe.send]\nlog = \"{log}\"\nlines = \"cert\"\n",
        log = log.display()
    );
    let ended = performed(&adapter("http://127.0.0.1:1", &hooks))
        .await
        .ended;
    assert_eq!(ended, finished(Said::RefusedTls, "new certificate"));
}
