//! How fast the SMTP mock takes messages, beside a server that is made for speed.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mailproof_scenarios::model::PortRole;

use super::{
    Outcome, median,
    mock::{CONNECTIONS, Mocks},
};

const SESSIONS: usize = 10;

const ROUNDS: usize = 9;

/// Messages per second, one in each connection, of the mock by those of Postfix's smtp-sink.
pub(crate) fn ratio() -> Outcome {
    let source = postfix("smtp-source").ok_or("smtp-source (Postfix) is not installed")?;
    let sink = Sink::start()?;
    let mocks = Mocks::new()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|it| it.to_string())?;
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mock = runtime.block_on(mocks.start(&[PortRole::Submission], true))?;
        let our = per_second(&source, mock.world.port(PortRole::Submission))?;
        let log = runtime.block_on(mock.world.finish());
        let accepted = log
            .events
            .iter()
            .filter(|it| {
                matches!(
                    it.what,
                    mailproof_scenarios::model::What::MessageAccepted { .. }
                )
            })
            .count();
        if accepted != CONNECTIONS {
            return Err(format!(
                "the mock accepted {accepted} of {CONNECTIONS} messages"
            ));
        }
        let their = per_second(&source, sink.port)?;
        ratios.push(our / their);
        ours.push(our);
        theirs.push(their);
    }
    Ok(format!(
        "{:.2}; medians of {ROUNDS}: {:.0} / {:.0} messages per second",
        median(ratios),
        median(ours),
        median(theirs)
    ))
}

fn per_second(source: &str, port: u16) -> Result<f64, String> {
    let mut feed = Command::new(source);
    feed.args(["-s", &SESSIONS.to_string(), "-m", &CONNECTIONS.to_string()])
        .args(["-f", "a@firma.example", "-t", "b@example.net"])
        .arg(format!("127.0.0.1:{port}"))
        .stdout(Stdio::null());
    let began = Instant::now();
    let output = feed.output().map_err(|it| it.to_string())?;
    let took = began.elapsed().as_secs_f64();
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("smtp-source: {}", words.trim()));
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let messages = CONNECTIONS as f64;
    Ok(messages / took)
}

/// Postfix's programs for tests are where only root looks.
fn postfix(program: &str) -> Option<String> {
    let places = [program.to_owned(), format!("/usr/sbin/{program}")];
    places
        .into_iter()
        .find(|it| mailproof::process::look_up(it).is_some())
}

/// A running smtp-sink; dropping it ends it.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start() -> Result<Self, String> {
        let program = postfix("smtp-sink").ok_or("smtp-sink (Postfix) is not installed")?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = free.map_err(|it| it.to_string())?.port();
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(format!("127.0.0.1:{port}"))
            .arg("100")
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|it| it.to_string())?;
        let sink = Self { child, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > Duration::from_secs(5) {
                return Err("smtp-sink does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
