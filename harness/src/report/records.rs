//! `records.ndjson`: the facts of each case, one JSON value on a line, in the order in which they came.
//!
//! Written as the run goes, each line flushed, so that a kill loses nothing that had finished. Must not know
//! what the facts mean.

use std::{
    fs::File,
    io::{self, BufRead, Read, Write},
    path::Path,
};

use mailproof_scenarios::model::event;

use crate::results::Record;

/// The longest line that is read: larger than the events of any case whose mocks keep their bounds.
pub const LONGEST: u64 = 256 << 20;

/// Appends records.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Appends to `to`.
    pub fn new(to: W) -> Self {
        Self { to }
    }

    /// Appends one record and flushes it.
    ///
    /// # Errors
    /// What the file says, a full disk for one.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record).map_err(io::Error::other)?;
        line.push(b'\n');
        self.to.write_all(&line)?;
        self.to.flush()
    }
}

/// Opens a file of records to append to it, without the last line if that stops in the middle.
///
/// # Errors
/// What the system says.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    let mut file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let mut whole = 0;
    let mut at = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        if let Some(end) = memchr::memrchr(b'\n', &buffer[..count]) {
            whole = at + end as u64 + 1;
        }
        at += count as u64;
    }
    file.set_len(whole)?;
    Ok(file)
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The last line stops in the middle: the run was killed while it was written. Nothing that had
    /// finished is lost.
    #[error("line {line} stops in the middle")]
    Cut {
        /// Counted from 1.
        line: usize,
    },
    /// The line is longer than any record. It was skipped.
    #[error("line {line} has more than {limit} octets")]
    TooLong {
        /// Counted from 1.
        line: usize,
        /// The limit.
        limit: u64,
    },
    /// The line is no record. It was skipped.
    #[error("line {line} is no record: {reason}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// Why not.
        reason: String,
    },
    /// The record was written by a newer mailproof. It was skipped.
    #[error("line {line} has version {found}, and this mailproof reads {known} and older", known = event::VERSION)]
    Newer {
        /// Counted from 1.
        line: usize,
        /// Its version.
        found: u32,
    },
    /// The file cannot be read on.
    #[error("cannot be read on: {0}")]
    Io(#[from] io::Error),
}

/// Reads records line by line: no more than one line is in memory.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    limit: u64,
    line: usize,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `from`, lines of at most [`LONGEST`] octets.
    pub fn new(from: R) -> Self {
        Self::with_limit(from, LONGEST)
    }

    /// Reads from `from`, lines of at most `limit` octets.
    pub fn with_limit(from: R, limit: u64) -> Self {
        Self {
            from,
            limit,
            line: 0,
            ended: false,
        }
    }

    fn next_line(&mut self) -> Result<Option<Record>, RecordError> {
        loop {
            let mut octets = Vec::new();
            let mut limited = (&mut self.from).take(self.limit.saturating_add(1));
            limited.read_until(b'\n', &mut octets)?;
            if octets.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            let whole = octets.pop_if(|it| *it == b'\n').is_some();
            if !whole && octets.len() as u64 > self.limit {
                self.skip_line()?;
                return Err(RecordError::TooLong {
                    line: self.line,
                    limit: self.limit,
                });
            }
            if octets.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return self.parse(&octets, whole).map(Some);
        }
    }

    fn parse(&self, octets: &[u8], whole: bool) -> Result<Record, RecordError> {
        #[derive(serde::Deserialize)]
        struct Version {
            v: u32,
        }
        let line = self.line;
        let error = |error: serde_json::Error| {
            if whole {
                let reason = error.to_string();
                RecordError::Malformed { line, reason }
            } else {
                RecordError::Cut { line }
            }
        };
        let Version { v } = serde_json::from_slice(octets).map_err(error)?;
        if v > event::VERSION {
            return Err(RecordError::Newer { line, found: v });
        }
        serde_json::from_slice(octets).map_err(error)
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.from.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, done) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.from.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.next_line().transpose();
        self.ended = matches!(item, None | Some(Err(RecordError::Io(_))));
        item
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mailproof_scenarios::{
        library::Library,
        model::{Canaries, Event, Layer, Log, What},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::results::Observed;

    pub(crate) fn record(octets: &[u8]) -> Record {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let case = library.cases().next().unwrap().clone();
        Record {
            v: event::VERSION,
            steps: case.effective_steps(),
            canaries: Canaries::derive(7, &case.id, case.accounts()),
            messages: vec!["Subject: x\r\n\r\nbody\r\n".to_owned()],
            observed: Observed::default(),
            host: "localhost".to_owned(),
            hosts: Vec::new(),
            not_run: None,
            control: None,
            answers: Vec::new(),
            log: Log {
                events: vec![Event {
                    at: 12,
                    step: 1,
                    conn: Some(1),
                    what: What::Received {
                        layer: Layer::Clear,
                        octets: octets.to_vec(),
                    },
                }],
            },
            own_chain: false,
            turned_away: Vec::new(),
            took_ms: 3,
            case,
        }
    }

    fn written(records: &[Record]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for record in records {
            writer.append(record).unwrap();
        }
        writer.to
    }

    fn kinds(octets: &[u8], limit: u64) -> Vec<String> {
        Reader::with_limit(octets, limit)
            .map(|it| match it {
                Ok(record) => format!("{}", record.took_ms),
                Err(error) => error.to_string(),
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn reads_back(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let records = [record(&octets), record(b"QUIT\r\n")];
            let read: Vec<Record> = Reader::new(&written(&records)[..]).map(Result::unwrap).collect();
            prop_assert_eq!(&read[..], &records[..]);
        }

        #[test]
        fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Reader::with_limit(&octets[..], 50).count() <= octets.len());
        }
    }

    #[test]
    fn a_kill_at_any_octet_loses_nothing_that_had_finished() {
        let first = written(&[record(b"EHLO x\r\n")]).len();
        let both = written(&[record(b"EHLO x\r\n"), record(b"QUIT\r\n")]);
        for end in (first..both.len()).step_by(7) {
            let read: Vec<_> = Reader::new(&both[..end]).collect();
            assert!(read[0].is_ok());
            match &read[1..] {
                [] => assert_eq!(end, first),
                [Err(RecordError::Cut { line: 2 })] => {}
                // Only the line feed is missing.
                [Ok(_)] => assert_eq!(end, both.len() - 1),
                other => panic!("at {end}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_appended_behind_a_cut_line_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.ndjson");
        let one = written(&[record(b"EHLO x\r\n")]);
        for kept in [0, 5, one.len(), one.len() + 9] {
            let both = [&one[..], &one[..]].concat();
            std::fs::write(&path, &both[..kept]).unwrap();
            let mut writer = Writer::new(open_to_append(&path).unwrap());
            writer.append(&record(b"QUIT\r\n")).unwrap();
            let read: Vec<_> = Reader::new(&std::fs::read(&path).unwrap()[..])
                .map(Result::unwrap)
                .collect();
            assert_eq!(read.len(), usize::from(kept >= one.len()) + 1);
        }
    }

    #[test]
    fn a_huge_line_is_skipped_and_told() {
        let small = written(&[record(b"")]);
        let limit = small.len() as u64 + 10;
        let mut octets = written(&[record(&[b'x'; 100_000])]);
        octets.extend_from_slice(&small);
        assert_eq!(
            kinds(&octets, limit),
            [
                format!("line 1 has more than {limit} octets"),
                "3".to_owned()
            ]
        );
        // As the last line, without its end.
        assert_eq!(kinds(&[b'x'; 100], 50), ["line 1 has more than 50 octets"]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_read() {
        let octets = written(&[record(b"")]);
        assert_eq!(kinds(&octets, octets.len() as u64 - 1), ["3"]);
    }

    #[test]
    fn other_lines_are_told_and_the_rest_is_read() {
        let mut octets = b"{}\n\n{\"v\": 99}\n".to_vec();
        octets.extend(written(&[record(b"")]));
        let kinds = kinds(&octets, LONGEST);
        assert!(
            kinds[0].starts_with("line 1 is no record: missing field `v`"),
            "{kinds:?}"
        );
        assert_eq!(
            kinds[1],
            "line 3 has version 99, and this mailproof reads 1 and older"
        );
        assert_eq!(kinds[2..], ["3"]);
    }
}
