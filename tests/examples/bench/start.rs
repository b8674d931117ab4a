//! How long it takes until somebody can connect.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Instant,
};

use mailproof_scenarios::model::PortRole;
use mailproof_tests::program::command;
use rustix::process::{Pid, Signal, kill_process};

use super::{Outcome, median, mock::Mocks};

const TIMES: usize = 21;

/// A world, with an authority that has forged its chain before.
pub(crate) fn world() -> Outcome {
    let mocks = Mocks::new()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|it| it.to_string())?;
    let mut times = Vec::new();
    for _ in 0..=TIMES {
        let began = Instant::now();
        let mock =
            runtime.block_on(mocks.start(&[PortRole::Submission, PortRole::Imaps], false))?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        runtime.block_on(mock.world.finish());
    }
    times.remove(0);
    Ok(format!("{:.2} ms, the median of {TIMES}", median(times)))
}

/// The program, until it says where it listens; it makes an authority of its own before.
pub(crate) fn program() -> Outcome {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let mut child = command(["serve", "postfix"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|it| it.to_string())?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let heard = lines.into_iter().find(|line| names_a_port(line));
        let took = began.elapsed().as_secs_f64() * 1000.0;
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        let _ = child.wait();
        heard.ok_or("`mailproof serve` names no port")?;
        times.push(took);
    }
    Ok(format!("{:.2} ms, the median of {TIMES}", median(times)))
}

fn names_a_port(line: &str) -> bool {
    let numbers = line.split(|c: char| !c.is_ascii_digit());
    let mut ports = numbers.filter_map(|it| it.parse::<u16>().ok());
    ports.any(|it| it >= 1024)
}
