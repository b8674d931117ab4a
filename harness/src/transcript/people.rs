//! The transcript for people.

use mailproof_scenarios::model::{
    What,
    event::{Alert, Direction, Ended},
};

use super::{
    dialogue::{self, Is, Talk, Turn},
    names,
    text::{for_people, mask_octets, printable, spoken},
};
use crate::{judge::leaks::Needles, results::Record};

/// How much of everything is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether each line says when it was, in milliseconds since the case began.
    pub times: bool,
    /// Lines of a message or literal that are shown.
    pub block_lines: usize,
    /// Characters of a line that are shown.
    pub width: usize,
    /// Lines of the subject's output that are shown, for each stream.
    pub output_lines: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            times: false,
            block_lines: 12,
            width: 400,
            output_lines: 40,
        }
    }
}

/// Writes the events of a record as a mail dialogue for each connection, grouped by step.
///
/// `C:` is the client, `S:` the server, `--` what happened between the lines. Passwords and tokens are masked
/// in every encoding, long data is folded, and nothing of it can make a terminal do anything.
pub fn render(record: &Record, options: Options) -> String {
    let writer = Writer {
        record,
        options,
        needles: Needles::new(&record.canaries),
    };
    let mut out = String::new();
    for part in dialogue::of(record) {
        if !out.is_empty() {
            out.push('\n');
        }
        writer.part(&part, &mut out);
    }
    out
}

struct Writer<'a> {
    record: &'a Record,
    options: Options,
    needles: Needles,
}

impl Writer<'_> {
    fn part(&self, part: &dialogue::Part<'_>, out: &mut String) {
        out.push_str(&names::step_title(self.record, part.number));
        out.push('\n');
        if let Some(command) = part.command.filter(|it| !it.is_empty()) {
            let line = self.text(command.join(" ").as_bytes());
            out.push_str(&format!("  $ {line}\n"));
        }
        for event in &part.aside {
            if let Some(words) = names::milestone(self.record, &event.what) {
                out.push_str(&format!(
                    "  {}-- {}\n",
                    self.time(event.at),
                    printable(&words)
                ));
            }
        }
        for talk in &part.talks {
            self.talk(talk, out);
        }
        for (stream, octets) in &part.output {
            self.output(*stream, octets, out);
        }
        if let Some(ended) = part.ended {
            out.push_str(&format!("  -- {}\n", self.ended(ended)));
        }
    }

    fn talk(&self, talk: &Talk<'_>, out: &mut String) {
        let port = talk
            .port
            .map_or_else(|| "an unknown port".to_owned(), |it| it.to_string());
        let decoy = if talk.decoy {
            ", which nobody configured"
        } else {
            ""
        };
        let way = names::way(talk.between);
        out.push_str(&format!("  connection {} to {port}{way}{decoy}\n", talk.id));
        for turn in &talk.turns {
            self.turn(turn, out);
        }
    }

    fn turn(&self, turn: &Turn<'_>, out: &mut String) {
        let time = self.time(turn.at);
        let mut line = |text: &str| out.push_str(&format!("    {time}{text}\n"));
        match &turn.is {
            Is::Client { octets, early, .. } => {
                let mark = if *early { "  [before the answer]" } else { "" };
                line(&spoken('C', &format!("{}{mark}", self.line(octets))));
            }
            Is::Server { octets } | Is::AnswerToTls { octets } => {
                line(&spoken('S', &self.line(octets)));
            }
            Is::TlsInClear => line("C: (octets of TLS)"),
            Is::Step(number) => line(&format!("-- step {number} goes on here")),
            Is::Block { client, octets } => {
                let side = if *client { 'C' } else { 'S' };
                for text in self.block(octets) {
                    line(&spoken(side, &text));
                }
            }
            Is::Event(event) => {
                let words = match &event.what {
                    What::Alert(alert) => Some(alert_words(alert)),
                    what => names::milestone(self.record, what),
                };
                if let Some(words) = words {
                    line(&format!("-- {}", self.text(words.as_bytes())));
                }
            }
        }
    }

    fn line(&self, octets: &[u8]) -> String {
        for_people(&mask_octets(octets, &self.needles), self.options.width)
    }

    fn text(&self, octets: &[u8]) -> String {
        let masked = mask_octets(octets, &self.needles);
        printable(&String::from_utf8_lossy(&masked))
    }

    fn block(&self, octets: &[u8]) -> Vec<String> {
        let masked = mask_octets(octets, &self.needles);
        let all: Vec<&[u8]> = masked.split_inclusive(|byte| *byte == b'\n').collect();
        let shown = all.len().min(self.options.block_lines);
        let mut lines: Vec<String> = all[..shown]
            .iter()
            .map(|line| for_people(line, self.options.width))
            .collect();
        if all.len() > shown {
            lines.push(format!(
                "… ({} more lines, {} octets in all)",
                all.len() - shown,
                octets.len()
            ));
        }
        lines
    }

    fn output(&self, stream: u8, octets: &[u8], out: &mut String) {
        let name = if stream == 2 { "err" } else { "out" };
        let masked = mask_octets(octets, &self.needles);
        let all: Vec<&[u8]> = masked.split_inclusive(|byte| *byte == b'\n').collect();
        for line in all.iter().take(self.options.output_lines) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"].concat();
            out.push_str(&format!(
                "  {name}: {}\n",
                for_people(&line, self.options.width)
            ));
        }
        if all.len() > self.options.output_lines {
            let more = all.len() - self.options.output_lines;
            out.push_str(&format!("  {name}: … ({more} more lines)\n"));
        }
    }

    fn ended(&self, ended: &Ended) -> String {
        let words = match ended {
            Ended::Finished { code, said, text } => {
                let code = code.map_or_else(String::new, |it| format!(", exit {it}"));
                let text = text.trim();
                let text = if text.is_empty() {
                    String::new()
                } else {
                    format!(": {text}")
                };
                format!("the client said {}{code}{text}", names::said(*said))
            }
            Ended::Unsupported { what } => {
                format!("the client said that it cannot do this: {what}")
            }
            Ended::Crashed { how } => format!("the client crashed: {how}"),
            Ended::Hung { budget } => format!("the client did not end within {budget} ms"),
            Ended::NotStarted { error } => format!("the client could not be started: {error}"),
            Ended::Unheard => "nobody heard what the client says of it".to_owned(),
        };
        self.text(words.as_bytes())
    }

    fn time(&self, at: u64) -> String {
        if self.options.times {
            format!("{:>8.1} ms  ", at as f64 / 1000.0)
        } else {
            String::new()
        }
    }
}

pub(crate) fn alert_words(alert: &Alert) -> String {
    let who = match alert.from {
        Direction::Client => "the client",
        Direction::Server => "the server",
    };
    match alert.description {
        0 => format!("{who} ends TLS (close_notify)"),
        number => {
            let fatal = if alert.fatal { "fatal " } else { "" };
            format!(
                "{who} sends the {fatal}alert {} ({number})",
                names::alert(number)
            )
        }
    }
}
