//! A plan that is served, and its page as a program asks it.
//!
//! Must not know what is planned.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::program::{Ended, command};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with its page. It is killed with the value.
pub struct Sitting {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The address of the page.
    pub address: String,
}

/// An answer of the page.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Its headers as they came.
    pub head: String,
    /// Its body.
    pub body: String,
}

/// A plan in a folder of its own.
pub struct Planned {
    /// The folder.
    pub folder: tempfile::TempDir,
}

impl Planned {
    /// Writes the plan.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("plan.toml"), plan).expect("a plan");
        Self { folder }
    }

    /// Where the plan is.
    pub fn plan(&self) -> PathBuf {
        self.folder.path().join("plan.toml")
    }

    /// Where its results are.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The command that serves it, not started yet.
    pub fn command(&self, more: &[&str]) -> std::process::Command {
        let mut command = command(["serve"]);
        command.arg(self.plan()).arg("--out").arg(self.out());
        command.args(more);
        command
    }

    /// Serves it.
    pub fn sit(&self, more: &[&str]) -> Sitting {
        Sitting::start(self.command(more))
    }

    /// Serves it where that ends at once.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn refused(&self, more: &[&str]) -> Ended {
        let output = self.command(more).output();
        output.expect("the program can be started").into()
    }
}

impl Sitting {
    /// Starts and waits for the address of the page.
    ///
    /// # Panics
    /// Where there is none.
    pub fn start(mut command: std::process::Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap_or(0) == 0 {
                let mut said = String::new();
                let stderr = child.stderr.as_mut().map(|it| it.read_to_string(&mut said));
                panic!("no address: {stderr:?} {said}");
            }
            if line.trim().starts_with("http://") {
                break line.trim().to_owned();
            }
        };
        Self {
            child,
            stdout,
            address,
        }
    }

    /// Host and port of the page.
    pub fn host(&self) -> &str {
        self.address.split('/').nth(2).unwrap_or_default()
    }

    /// The path of the page, with a slash at both ends.
    pub fn path(&self) -> String {
        format!("/{}/", self.address.split('/').nth(3).unwrap_or_default())
    }

    /// Asks for `path` as it is, with these headers and no others.
    ///
    /// # Panics
    /// Where nothing answers.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.connect();
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Answer {
            status: status.expect("a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Asks for something below the page, as a browser would.
    pub fn get(&self, below: &str) -> Answer {
        let path = self.path() + below;
        self.raw("GET", &path, &[("Host", self.host())], "")
    }

    /// Gives a command.
    pub fn ask(&self, command: &Value) -> Answer {
        let origin = format!("http://{}", self.host());
        let headers = [
            ("Host", self.host()),
            ("Origin", origin.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.raw(
            "POST",
            &(self.path() + "do"),
            &headers,
            &command.to_string(),
        )
    }

    /// The same where it must be done.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn must(&self, command: &Value) {
        let answer = self.ask(command);
        assert_eq!(answer.status, 204, "{command}: {}", answer.body);
    }

    /// What the page shows.
    ///
    /// # Panics
    /// Where it is no JSON.
    pub fn view(&self) -> Value {
        serde_json::from_str(&self.get("view").body).expect("JSON")
    }

    /// Listens to the news until the view is as it should be.
    ///
    /// # Panics
    /// Where that does not come.
    pub fn wait(&self, is: impl Fn(&Value) -> bool) -> Value {
        let mut stream = self.connect();
        let (path, host) = (self.path(), self.host());
        write!(stream, "GET {path}news HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("it listens");
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap_or_else(|error| panic!("{error}: {:#}", self.view()));
            if line.starts_with("data:") {
                let view = self.view();
                if is(&view) {
                    return view;
                }
            }
        }
        panic!("no more news: {:#}", self.view());
    }

    /// Opens a stop.
    pub fn open(&self, stop: usize) -> Value {
        self.must(&json!({"do": "open", "stop": stop}));
        self.view()
    }

    /// Tells what the client said of the present step, and waits for the verdict of the stop.
    pub fn tell(&self, said: &str, answers: &Value) -> Value {
        let view = self.view();
        let present = &view["present"];
        self.must(&json!({
            "do": "told", "attempt": present["attempt"], "step": present["step"], "said": said, "answers": answers,
        }));
        let stop = present["stop"].clone();
        self.wait(|it| it["finished"] == stop)
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// Where that is not possible.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it does not end as programs do.
    pub fn end(mut self) -> Ended {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("text");
        let pipe = self.child.stderr.as_mut().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        Ended {
            code: self.child.wait().expect("its end").code(),
            stdout,
            stderr,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).expect("the page listens");
        let patient = stream.set_read_timeout(Some(PATIENCE));
        patient.expect("a timeout");
        stream
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a setting of the present step.
///
/// # Panics
/// Where there is none.
pub fn setting<'a>(view: &'a Value, name: &str) -> &'a str {
    let rows = view["present"]["sheet"]["rows"].as_array();
    let row = rows.and_then(|it| it.iter().find(|it| it["name"] == name));
    let value = row.and_then(|it| it["value"].as_str());
    value.unwrap_or_else(|| panic!("no {name}: {view:#}"))
}

/// The person's client: curl sends a message with what the page says. Returns whether it said that it worked.
///
/// # Panics
/// Where there is no curl.
pub fn curl_sends(settings: &dyn Fn(&str) -> String, task: &str, out: &Path) -> bool {
    let word = task.split_whitespace().find(|it| it.starts_with("body-"));
    let message = format!(
        "From: <{0}>\r\nTo: <b@example.net>\r\nSubject: x\r\n\r\n{1}\r\n",
        settings("user"),
        word.unwrap_or_default()
    );
    let file = out.join("message.eml");
    std::fs::write(&file, message).expect("a message");
    let address = |before: &str| {
        let rest = task
            .split_once(before)
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let word = rest.split_whitespace().next().unwrap_or_default();
        word.trim_end_matches('.').to_owned()
    };
    let done = std::process::Command::new("curl")
        .args(["--silent", "--max-time", "10", "--ssl-reqd", "--cacert"])
        .arg(out.join("ca.pem"))
        .arg(format!(
            "smtp://{}:{}/client.example",
            settings("server"),
            settings("port")
        ))
        .args([
            "--user",
            &format!("{}:{}", settings("user"), settings("password")),
        ])
        .args([
            "--mail-from",
            &address(" from "),
            "--mail-rcpt",
            &address(" to "),
        ])
        .arg("--upload-file")
        .arg(file)
        .status();
    done.expect("curl can be started").success()
}
