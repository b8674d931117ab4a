use std::path::PathBuf;

use mailproof_scenarios::model::{CaFile, Crl, Host, Message, Party, PortRole, Process, Store};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;
use crate::{
    process::Input,
    subject::{REQUEST_VERSION, Request},
};

fn parse(source: &str) -> Result<Adapter, AdapterError> {
    Adapter::parse(source, "mine.toml", Path::new("/folder"))
}

fn request(job: Job, protocol: Protocol) -> Request {
    Request {
        v: REQUEST_VERSION,
        case: "a/b".to_owned(),
        job,
        protocol,
        host: "localhost".to_owned(),
        port: 2525,
        security: Security::StarttlsRequired,
        trust: Trust::Ca,
        ca_file: PathBuf::from("/w/ca.pem"),
        store_file: None,
        crl_file: None,
        pin_file: Some(PathBuf::from("/w/pin.pem")),
        auth: Auth::Plain,
        account: "a".to_owned(),
        user: "u@firma.example".to_owned(),
        password: "pw".to_owned(),
        token: "tok".to_owned(),
        from: "u@firma.example".to_owned(),
        to: vec!["x@example.net".to_owned(), "y@example.net".to_owned()],
        message_file: PathBuf::from("/w/message-1.eml"),
        mailbox: "INBOX".to_owned(),
        timeout_ms: 2500,
        work_dir: PathBuf::from("/w"),
    }
}

fn step(job: Job, protocol: Protocol) -> Step {
    Step {
        job,
        protocol,
        security: Security::StarttlsRequired,
        trust: Trust::Ca,
        ca_file: CaFile::default(),
        store: Store::default(),
        crl: Crl::default(),
        host: Host::Name,
        source: 1,
        port: PortRole::Submission,
        auth: Auth::Plain,
        account: "a".to_owned(),
        from: Party::Own,
        to: vec![Party::Other],
        message: Message::Simple,
        mailbox: "INBOX".to_owned(),
        process: Process::New,
    }
}

/// The head and tail of a small template; the middle is what a test is about.
fn with(middle: &str) -> String {
    format!(
        "name = \"mine\"\ntitle = \"Mine\"\nrole = \"client\"\n{middle}\n\
         [settings.security]\nstarttls-required = [\"--tls\"]\n\
         [settings.trust]\nca = []\n[settings.auth]\nplain = []\n\
         [job.send]\nrun = [\"mine\", \"{{host}}\", \"{{settings}}\"]\n"
    )
}

#[test]
fn every_built_in_adapter_is_right() {
    let adapters = all().expect("all of them");
    let names: Vec<&str> = adapters.iter().map(|it| it.name.as_str()).collect();
    let expected = [
        "curl",
        "embedded",
        "mbsync",
        "msmtp",
        "python",
        "python-default",
        "reference",
    ];
    assert_eq!(names, expected);
    for adapter in adapters {
        let found = find(&adapter.name);
        assert_eq!(found.map(|it| it.title).ok(), Some(adapter.title.clone()));
        let Kind::Template(commands) = &adapter.kind else {
            continue;
        };
        assert!(adapter.install.is_some() && !adapter.version.is_empty());
        for (word, named) in [
            (commands.security.len(), adapter.words.security.len()),
            (commands.trust.len(), adapter.words.trust.len()),
        ] {
            assert!(word >= named, "{} names what it has not", adapter.name);
        }
    }
}

#[test]
fn every_combination_of_a_built_in_template_can_be_filled() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let pin = folder.path().join("pin.pem");
    let now = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    let names = mailproof_certs::Names::dns("localhost");
    let chain = mailproof_certs::Authority::fresh(now)
        .and_then(|it| it.chain(mailproof_certs::Fault::Valid, &names))
        .expect("a chain");
    std::fs::write(&pin, chain.sent_pem()).expect("writes");

    let mut filled = 0;
    for adapter in all().expect("all of them") {
        if matches!(adapter.kind, Kind::Embedded { .. }) {
            continue;
        }
        for (protocol, job) in adapter.supports.jobs.clone() {
            for security in adapter.supports.security.clone() {
                for trust in Trust::ALL.iter().copied() {
                    for auth in adapter.supports.auth.clone() {
                        let step = Step {
                            security,
                            trust,
                            auth,
                            ..step(job, protocol)
                        };
                        if adapter.lacks(&step).is_some() {
                            continue;
                        }
                        let request = Request {
                            security,
                            trust,
                            auth,
                            pin_file: Some(pin.clone()),
                            ..request(job, protocol)
                        };
                        let prepared = adapter.prepare(&request);
                        let prepared = prepared.unwrap_or_else(|error| {
                            panic!(
                                "{} {protocol} {job} {security} {trust} {auth}: {error}",
                                adapter.name
                            )
                        });
                        assert_eq!(prepared.command.first(), adapter.program.as_ref());
                        filled += 1;
                    }
                }
            }
        }
    }
    assert!(filled > 300, "{filled}");
}

#[test]
fn curl_sends_as_curl_does() {
    let curl = find("curl").expect("curl");
    let prepared = curl
        .prepare(&request(Job::Send, Protocol::Smtp))
        .expect("a command line");
    let expected = [
        "curl",
        "--silent",
        "--show-error",
        "smtp://localhost:2525/client.example",
        "--mail-from",
        "u@firma.example",
        "--mail-rcpt",
        "x@example.net",
        "--mail-rcpt",
        "y@example.net",
        "--upload-file",
        "/w/message-1.eml",
        "--connect-timeout",
        "3",
        "--max-time",
        "9",
        "--ssl-reqd",
        "--cacert",
        "/w/ca.pem",
        "--user",
        "u@firma.example:pw",
        "--login-options",
        "AUTH=PLAIN",
    ];
    assert_eq!(prepared.command, expected);
    assert_eq!(prepared.stdin, Input::Nothing);

    let implicit = Request {
        security: Security::Implicit,
        ..request(Job::Fetch, Protocol::Imap)
    };
    let prepared = curl.prepare(&implicit).expect("a command line");
    assert_eq!(
        prepared.command[3],
        "imaps://localhost:2525/INBOX;MAILINDEX=1:*"
    );
}

#[test]
fn msmtp_gets_its_configuration_from_a_file() {
    let msmtp = find("msmtp").expect("msmtp");
    let prepared = msmtp
        .prepare(&request(Job::Send, Protocol::Smtp))
        .expect("a command line");
    assert_eq!(
        prepared.command,
        [
            "msmtp",
            "--file=/w/msmtprc",
            "--",
            "x@example.net",
            "y@example.net"
        ]
    );
    assert_eq!(
        prepared.stdin,
        Input::File(PathBuf::from("/w/message-1.eml"))
    );
    let (name, octets) = &prepared.files[0];
    assert_eq!(name, "msmtprc");
    insta::assert_snapshot!(String::from_utf8_lossy(octets), @r"
    account default
    host localhost
    port 2525
    from u@firma.example
    domain client.example
    timeout 3
    tls on
    tls_starttls on
    tls_trust_file /w/ca.pem

    auth plain
    user u@firma.example
    password pw
    ");
}

#[test]
fn a_shim_gets_the_request_as_it_is() {
    let python = find("python").expect("python");
    let request = request(Job::Append, Protocol::Imap);
    let prepared = python.prepare(&request).expect("a command line");
    assert_eq!(prepared.command, ["python3", "/w/python_mail.py"]);
    let Input::Octets(json) = &prepared.stdin else {
        panic!("{:?}", prepared.stdin);
    };
    assert_eq!(serde_json::from_slice::<Request>(json).ok(), Some(request));
    assert!(prepared.files[0].1.starts_with(b"\"\"\"Mail with"));
}

#[test]
fn what_goes_with_one_protocol_only_is_known() {
    let mbsync = find("mbsync").expect("mbsync");
    assert_eq!(mbsync.lacks(&step(Job::Fetch, Protocol::Imap)), None);
    let always = Step {
        trust: Trust::Always,
        ..step(Job::Fetch, Protocol::Imap)
    };
    assert_eq!(mbsync.lacks(&always).as_deref(), Some("trust always"));
    assert_eq!(
        mbsync.lacks(&step(Job::Send, Protocol::Smtp)).as_deref(),
        Some("job send over smtp")
    );
    let two = Step {
        to: vec![Party::Own, Party::Other],
        ..step(Job::Fetch, Protocol::Imap)
    };
    assert_eq!(mbsync.lacks(&two).as_deref(), Some("several recipients"));

    let split = parse(
        &with("[job.fetch]\nrun = [\"x\", \"{settings}\"]")
            .replace("plain = []", "plain = { smtp = [\"--plain\"] }"),
    )
    .expect("right");
    assert_eq!(split.lacks(&step(Job::Send, Protocol::Smtp)), None);
    assert_eq!(
        split.lacks(&step(Job::Fetch, Protocol::Imap)).as_deref(),
        Some("auth plain over imap")
    );
    let prepared = split.prepare(&Request {
        pin_file: None,
        ..request(Job::Send, Protocol::Smtp)
    });
    let command = prepared.map(|it| it.command).expect("a command line");
    assert_eq!(command, ["mine", "localhost", "--tls", "--plain"]);
}

#[test_case("exit = 3", "mine.toml:4:8:", "expected struct Exit"; "not a table")]
#[test_case("colour = 3", "mine.toml:4:1:", "unknown field `colour`"; "unknown field")]
#[test_case("timeout = \"3 s\"", "mine.toml:4:11:", "expected a duration"; "duration")]
#[test_case("timeout = \"99999999999999999999s\"", "mine.toml:4:11:", "expected a duration"; "huge duration")]
#[test_case("[environment]\nX = \"a {hots}\"", "mine.toml:5:8:", "unknown placeholder {hots} (did you mean `host`?)"; "typo")]
#[test_case("[environment]\nX = \"a {to}\"", "mine.toml:5:8:", "several arguments"; "list in a text")]
#[test_case("[environment]\nX = \"{ x\"", "mine.toml:5:6:", "without its `}`"; "open brace")]
#[test_case("[values]\nhost = \"x\"", "mine.toml:5:1:", "built-in placeholder"; "name taken")]
#[test_case("[values]\nmy-host = \"x\"", "mine.toml:5:1:", "small letters"; "bad name")]
#[test_case("[values]\none = \"x\"\ntwo = \"{one}\"", "mine.toml:6:8:", "may only name the built-in"; "value of a value")]
#[test_case("[files]\n\"../x\" = \"\"", "mine.toml:5:1:", "inside the work folder"; "outside")]
#[test_case("fresh = [\"a/../..\"]", "mine.toml:4:10:", "inside the work folder"; "fresh outside")]
#[test_case("[files]\n\"/x\" = \"\"", "mine.toml:5:1:", "inside the work folder"; "absolute")]
#[test_case("[files]\nx = { from = \"no-such\" }", "mine.toml:5:5:", "cannot read no-such"; "absent file")]
#[test_case("[files]\nx = { form = \"y\" }", "mine.toml:5:", "unknown field `form`"; "bad file")]
#[test_case("[exit]\nsuccess = [0]\nfailed = [1, 0]", "mine.toml:6:14:", "code 0 is explained twice"; "code twice")]
#[test_case("[exit]\nfailed = [1]", "mine.toml:4:1:", "expected `success = [0]`"; "no success")]
#[test_case("[exit]\nsuccess = [0]\n[[exit.says]]\nmatches = '('\nmeans = \"failed\"", "mine.toml:7:11:", "expected a regular expression"; "pattern")]
#[test_case("[snapshot]\nhide = [\"helo\"]", "mine.toml:5:9:", "unknown variant `helo`"; "nothing to hide")]
#[test_case("[snapshot]\nignore = ['(']", "mine.toml:5:11:", "expected a regular expression"; "lines to ignore")]
#[test_case("[[snapshot.replace]]\nmatches = '['\nwith = \"x\"", "mine.toml:5:11:", "expected a regular expression"; "pattern to replace")]
#[test_case("[[snapshot.replace]]\nmatches = 'x'\nwith = \"a\\nb\"", "mine.toml:6:8:", "expected one line"; "two lines for one")]
#[test_case("[shim]\nrun = [\"x\"]", "mine.toml:1:8:", "exactly one of"; "two kinds")]
#[test_case("[supports]\nsmtp = [\"send\"]", "mine.toml:4:1:", "expected only `several-recipients`"; "declared twice")]
#[test_case("[job.fetch]\nrun = []", "mine.toml:5:7:", "expected the program"; "empty command")]
#[test_case("[job.fetch]\nrun = [\"x\", \"{to}{settings}\"]", "mine.toml:5:13:", "one such"; "two lists")]
#[test_case("[job.fetch]\nrun = [\"x\", [\"-r\", \"{ot}\"]]", "mine.toml:5:21:", "unknown placeholder {ot}"; "typo in a group")]
#[test_case("[job.fetsch]\nrun = [\"x\"]", "mine.toml:4:6:", "unknown field `fetsch`"; "unknown job")]
fn what_is_wrong_is_said_with_its_place(middle: &str, place: &str, message: &str) {
    let error = parse(&with(middle)).expect_err("wrong").to_string();
    assert!(error.starts_with(place), "{error}");
    assert!(error.contains(message), "{error}");
}

#[test_case("starttls-required = [\"--tls\"]", "encrypted = []", "unknown variant `encrypted`"; "setting")]
#[test_case("[\"--tls\"]", "[\"{settings}\"]", "{settings} belongs into `run`"; "settings in settings")]
#[test_case("[\"--tls\"]", "{ url = \"{settings}\" }", "several arguments"; "settings in a value")]
#[test_case("ca = []", "ca = { x = \"1\" }\nalways = []\n[environment]\nX = \"{x}\"", "{x} has no value with trust = \"always\""; "sometimes set")]
#[test_case("ca = []", "ca = { smtp = { smtp = [] } }", "a protocol inside a protocol"; "nested")]
#[test_case("ca = []", "ca = \"x\"", "expected a list of arguments, or a table"; "wrong type")]
#[test_case("role = \"client\"", "role = \"server\"", "servers are not run"; "server")]
#[test_case("role = \"client\"", "role = \"cleint\"", "unknown variant `cleint`"; "role")]
fn settings_are_checked(from: &str, to: &str, message: &str) {
    let error = parse(&with("").replace(from, to))
        .expect_err("wrong")
        .to_string();
    assert!(error.contains(message), "{error}");
}

#[test_case("[shim]\nrun = [\"x\"]", "expected [supports]"; "shim without")]
#[test_case("[shim]\nrun = [\"x\"]\n[supports]\nsmtp = [\"send\"]", "expected `security`, `trust` and `auth`"; "incomplete")]
#[test_case("[shim]\nrun = [\"x\"]\n[supports]\nsecurity = []\ntrust = []\nauth = []", "expected jobs"; "no jobs")]
#[test_case("[shim]\nrun = [\"x\"]\n[exit]\nsuccess = [0]\n[supports]\nsmtp = [\"send\"]\nsecurity = []\ntrust = []\nauth = []", "only a template or a remote product has exit codes"; "exit")]
#[test_case("[embedded]\nsubject = \"nobody\"", "mine.toml:5:11: there is no embedded subject `nobody`"; "unknown subject")]
#[test_case("[embedded]\nsubject = \"reference\"\n[files]\nx = \"\"", "reads no files"; "files")]
#[test_case("[embedded]\nsubject = \"reference\"\n[supports]\n", "expected no [supports]"; "supports")]
fn other_kinds_are_checked(tables: &str, message: &str) {
    let source = format!("name = \"mine\"\ntitle = \"Mine\"\nrole = \"client\"\n{tables}\n");
    let error = parse(&source).expect_err("wrong").to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_file_of_the_user_is_read_with_what_lies_beside_it() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path.to_string_lossy().into_owned()
    };
    write("beside.sh", "exit 89\n");
    let adapter = write(
        "mine.toml",
        "name = \"mine\"\ntitle = \"Mine\"\nrole = \"client\"\n\
         [files]\n\"run.sh\" = { from = \"beside.sh\" }\n\
         [shim]\nrun = [\"sh\", \"{work}/run.sh\", \"{folder}\"]\n\
         [supports]\nsmtp = [\"send\"]\nsecurity = [\"none\"]\ntrust = []\nauth = [\"none\"]\n",
    );
    let adapter = find(&adapter).expect("right");
    let prepared = adapter
        .prepare(&request(Job::Send, Protocol::Smtp))
        .expect("a command line");
    assert_eq!(
        prepared.files,
        [("run.sh".to_owned(), b"exit 89\n".to_vec())]
    );
    let here = folder
        .path()
        .canonicalize()
        .map(|it| it.to_string_lossy().into_owned());
    assert_eq!(prepared.command.last(), here.ok().as_ref());

    let wrong = write("wrong.toml", "name = 1\n");
    let error = find(&wrong).map(|it| it.name).expect_err("wrong");
    assert!(error.to_string().contains("wrong.toml:1:8:"), "{error}");
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, b"\xff").expect("writes");
    let error = find(&binary.to_string_lossy())
        .map(|it| it.name)
        .expect_err("wrong");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn embedded_subjects_need_no_file() {
    let flawed = find("reference+ignores-name").expect("known");
    assert_eq!(flawed.name, "reference+ignores-name");
    let reference = find("reference").expect("known");
    assert_eq!(flawed.supports, reference.supports);
    assert_eq!(reference.lacks(&step(Job::Idle, Protocol::Imap)), None);
    assert!(find("do-nothing").is_ok());
}

#[test_case("refrence", "there is no adapter `refrence`; did you mean `reference`?"; "near an embedded one")]
#[test_case("reference+no-such-flaw", "there is no adapter `reference+no-such-flaw`"; "no such flaw")]
#[test_case("culr", "there is no adapter `culr`; did you mean `curl`?"; "near")]
#[test_case("zzz", "there is no adapter `zzz`"; "far")]
#[test_case("./no/such.toml", "cannot read the adapter ./no/such.toml: No such file"; "no folder")]
fn unknown_names_are_explained(name: &str, message: &str) {
    let error = find(name).map(|it| it.name).expect_err("unknown");
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn a_missing_program_comes_with_the_way_to_get_it() {
    let with_program = with("program = \"no-such-mail-client\"\ninstall = \"apt install mine\"");
    let adapter = parse(&with_program).expect("right");
    assert_eq!(
        adapter.check_program().map_err(|it| it.to_string()),
        Err("`no-such-mail-client` is not installed; to get it: apt install mine".to_owned())
    );
    let adapter = parse(&with("program = \"sh\"")).expect("right");
    assert_eq!(adapter.check_program(), Ok(()));
    let adapter = parse(&with("")).expect("right");
    assert_eq!(adapter.program.as_deref(), Some("mine"), "the first word");
}

#[test]
fn braces_in_values_stay_what_they_are() {
    let adapter = parse(&with("[environment]\nX = \"{mailbox}\"")).expect("right");
    let odd = Request {
        mailbox: "{to} {{".to_owned(),
        ..request(Job::Send, Protocol::Smtp)
    };
    let prepared = adapter.prepare(&odd).expect("a command line");
    assert_eq!(
        prepared.environment,
        [("X".to_owned(), "{to} {{".to_owned())]
    );
}

#[test_case("curl", 67, "", Meaning::Permanent; "curl sign-in")]
#[test_case("curl", 60, "curl: (60) SSL certificate problem", Meaning::RefusedTls; "curl certificate")]
#[test_case("curl", 55, "curl: (55) RCPT failed: 450", Meaning::Temporary; "curl 4yz")]
#[test_case("curl", 55, "curl: (55) RCPT failed: 550", Meaning::Permanent; "curl 5yz")]
#[test_case("curl", 55, "curl: (55) Send failure: Broken pipe", Meaning::Failed; "curl cut")]
#[test_case("curl", 8, "curl: (8) Got unexpected smtp-server response: 421", Meaning::Temporary; "curl greeting")]
#[test_case("curl", 8, "curl: (8) Weird server reply", Meaning::Failed; "curl after the data")]
#[test_case("msmtp", 69, "msmtp: the server did not accept the mail\nmsmtp: server message: 451 x", Meaning::Temporary; "msmtp 4yz")]
#[test_case("msmtp", 69, "msmtp: server message: 554 x", Meaning::Permanent; "msmtp 5yz")]
#[test_case("msmtp", 76, "msmtp: command STARTTLS failed\nmsmtp: server message: 454 x", Meaning::RefusedTls; "msmtp starttls")]
#[test_case("msmtp", 69, "msmtp: TLS certificate verification failed: x", Meaning::RefusedTls; "msmtp certificate")]
#[test_case("msmtp", 77, "msmtp: authentication failed (method PLAIN)\nmsmtp: server message: 535 x", Meaning::Permanent; "msmtp sign-in")]
#[test_case("msmtp", 77, "msmtp: server message: 454 x", Meaning::Temporary; "msmtp sign-in later")]
#[test_case("mbsync", 1, "SSL error connecting localhost (127.0.0.1:1): unable to get local issuer certificate", Meaning::RefusedTls; "mbsync certificate")]
#[test_case("mbsync", 1, "IMAP command 'AUTHENTICATE CRAM-MD5' returned an error: NO [AUTHENTICATIONFAILED] x", Meaning::Permanent; "mbsync sign-in")]
#[test_case("mbsync", 1, "Cannot connect to localhost (127.0.0.1:1): Connection refused", Meaning::Temporary; "mbsync refused")]
#[test_case("mbsync", 1, "odd", Meaning::Failed; "mbsync else")]
fn codes_and_words_mean(adapter: &str, code: i32, stderr: &str, meaning: Meaning) {
    let adapter = find(adapter).expect("built in");
    assert_eq!(
        adapter.exit.meaning(code, b"", stderr.as_bytes()),
        Some(meaning)
    );
}

/// A remote adapter with `hooks` behind a right head; its line 11 is the first of the hooks.
fn remote(hooks: &str) -> Result<Adapter, AdapterError> {
    parse(&format!(
        "name = \"mine\"\ntitle = \"Mine\"\nrole = \"client\"\n\
         [secrets]\napi = {{ env = \"MINE_TOKEN\" }}\n\
         [settings]\nsecurity.implicit = {{ encryption = \"SSL\" }}\ntrust.ca = {{}}\nauth.password = {{}}\n\
         [remote]\n{hooks}"
    ))
}

const TRIGGER: &str = "[remote.trigger.send]\nrun = [\"x\"]\n";

#[test]
fn a_remote_product_supports_what_it_has_hooks_and_settings_for() {
    let hooks = format!(
        "url = \"http://127.0.0.1:1\"\nparallel = 3\n[[remote.configure]]\nput = \"/a/{{encryption}}\"\ntake = {{ a = \"$.a\" }}\n[[remote.configure]]\nput = \"/{{a}}\"\nheaders = {{ X = \"{{secret_api}}\" }}\n{TRIGGER}"
    );
    let adapter = remote(&hooks).unwrap_or_else(|error| panic!("{error}"));
    let asked = Step {
        security: Security::Implicit,
        auth: Auth::Password,
        ..step(Job::Send, Protocol::Smtp)
    };
    assert_eq!(adapter.lacks(&asked), None);
    assert_eq!(
        adapter.lacks(&step(Job::Send, Protocol::Smtp)).as_deref(),
        Some("security starttls-required")
    );
    assert_eq!(
        adapter.lacks(&step(Job::Fetch, Protocol::Imap)).as_deref(),
        Some("job fetch over imap")
    );
    assert!(!adapter.is_heard(&[asked]), "nothing observes");
    let Kind::Remote(remote) = &adapter.kind else {
        panic!("a remote adapter");
    };
    assert_eq!((remote.parallel.get(), remote.configure.len()), (3, 2));
}

#[test_case("", "mine.toml:10:", "missing field `trigger`"; "no trigger")]
#[test_case("[remote.trigger]\n", "mine.toml:10:", "expected a job in [remote.trigger.…]"; "no job")]
#[test_case("[remote.trigger.sned]\nrun = [\"x\"]", "mine.toml:11:", "unknown field `sned`"; "unknown job")]
#[test_case("[remote.trigger.send]\npots = \"/x\"", "mine.toml:12:", "unknown field `pots`"; "unknown key")]
#[test_case("[remote.trigger.send]\nget = \"/x\"", "mine.toml:12:7:", "expected `url` in [remote]"; "no address")]
#[test_case("[remote.trigger.send]\nget = \"{host}/x\"", "mine.toml:12:7:", "below [remote] url"; "address by a value")]
#[test_case("[remote.trigger.send]\nget = \"http://h\"\nrun = [\"x\"]", "mine.toml:12:7:", "expected exactly one of `get`"; "two calls")]
#[test_case("[remote.trigger.send]\nwithin = \"1s\"", "mine.toml:", "expected exactly one of `get`"; "no call")]
#[test_case("[remote.trigger.send]\nget = \"http://h/{hots}\"", "mine.toml:12:17:", "unknown placeholder {hots} (did you mean `host`?)"; "typo")]
#[test_case("[remote.trigger.send]\nget = \"http://h/{secret_apy}\"", "mine.toml:12:17:", "did you mean `secret_api`?"; "typo in a secret")]
#[test_case("[remote.trigger.send]\nget = \"http://h\"\nexpect = [20]", "mine.toml:13:10:", "expected HTTP statuses"; "status")]
#[test_case("[remote.trigger.send]\nget = \"http://h\"\nstdin = \"x\"", "mine.toml:13:9:", "expected `stdin` only beside `run`"; "stdin of a call")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\njson = {}", "mine.toml:13:8:", "expected `json` only in an HTTP call"; "body of a command")]
#[test_case("[remote.trigger.send]\npost = \"http://h\"\njson = {}\ntext = \"\"", "mine.toml:14:8:", "at most one of `json`, `form` and `text`"; "two bodies")]
#[test_case("[remote.trigger.send]\npost = \"http://h\"\njson = { a = \"{ot}\" }", "mine.toml:13:15:", "unknown placeholder {ot}"; "typo in json")]
#[test_case("[remote.trigger.send]\npost = \"http://h\"\njson = { a = \"{to}\" }", "mine.toml:13:15:", "several arguments"; "list in a text")]
#[test_case("[remote.trigger.send]\npost = \"http://h\"\njson = { a = { as = \"numer\", value = \"1\" } }", "mine.toml:13:22:", "did you mean `number`?"; "type")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\ntake = { id = \"id\" }", "mine.toml:13:15:", "expected a JSON path"; "path")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\ntake = { host = \"$.id\" }", "mine.toml:13:10:", "is a placeholder already"; "taken name")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\ntake = { encryption = \"$.id\" }", "mine.toml:13:10:", "`encryption` is a placeholder already"; "name of a setting")]
#[test_case("[remote.variables]\nencryption = { env = \"X\" }\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:12:1:", "`encryption` is a placeholder already"; "variable like a setting")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\nquiet = \"1s\"", "mine.toml:13:9:", "only in [remote.await.…]"; "wrong role")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.await.send]\nget = \"http://h\"", "mine.toml:", "expected `done-when`"; "never done")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.await.send]\nevery = \"1s\"", "mine.toml:", "or `quiet = \"2s\"`"; "nothing to wait for")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.await.send]\nget = \"http://h\"\ndone-when = { is = [1] }", "mine.toml:15:13:", "expected `status = [200]`"; "empty condition")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.await.fetch]\nquiet = \"1s\"", "mine.toml:", "expected [remote.trigger.fetch]"; "await without a trigger")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.observe.send]\nlog = \"/l\"\nstate = \"$.s\"", "mine.toml:15:9:", "a log is read as it is"; "state of a log")]
#[test_case("[remote.trigger.send]\nrun = [\"x\"]\n[remote.observe.send]\nlog = \"/l/{id}\"", "mine.toml:14:11:", "unknown placeholder {id}"; "log of something taken")]
#[test_case("parallel = 0\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:12:", "expected 1 to 64"; "nobody at once")]
#[test_case("url = \"example.com\"\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:7:", "begins with http://"; "no scheme")]
#[test_case("ca = \"no-such\"\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:6:", "cannot read no-such"; "no authorities")]
#[test_case("headers = { \"a b\" = \"x\" }\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:13:", "name of a header field"; "header")]
#[test_case("ready = { get = \"http://h/{port}\" }\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:27:", "no value before the first case"; "too early")]
#[test_case("version = { get = \"http://h\" }\n[remote.trigger.send]\nrun = [\"x\"]", "mine.toml:11:11:", "expected `take.version`"; "no version")]
fn wrong_hooks_are_placed(hooks: &str, place: &str, message: &str) {
    let error = remote(hooks).expect_err("wrong").to_string();
    assert!(
        error.starts_with(place) && error.contains(message),
        "{error}"
    );
}
