//! Reading what a process prints, however much it is. Must not know what it means.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    task::JoinHandle,
};

/// How long a pipe may stay open after everything that could write to it was ended.
const AFTER_THE_END: Duration = Duration::from_secs(2);

/// How much of the end is kept where something was dropped: a report may stand there.
const TAIL: usize = 64 << 10;

/// One output stream of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The beginning.
    pub kept: Vec<u8>,
    /// How many octets came behind it.
    pub dropped: u64,
    /// The last of these.
    tail: Vec<u8>,
}

impl Captured {
    /// The last line that is not blank; nothing if it is longer than what is kept of the end.
    pub fn last_line(&self) -> Option<&[u8]> {
        let cut = self.dropped > 0;
        let end = if cut { &self.tail } else { &self.kept };
        let mut lines = end.rsplit(|byte| *byte == b'\n').enumerate();
        let (_, line) = lines.find(|(_, line)| !line.trim_ascii().is_empty())?;
        let is_whole = !cut || line.len() < end.trim_ascii_end().len();
        is_whole.then(|| line.trim_ascii())
    }

    /// The beginning as text, with what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

/// A stream that is being read.
pub(super) struct Capture(Option<JoinHandle<Captured>>);

/// Reads `pipe` to its end without ever making its writer wait for long; keeps the first `keep` octets.
pub(super) fn start(pipe: Option<impl AsyncRead + Send + Unpin + 'static>, keep: usize) -> Capture {
    Capture(pipe.map(|pipe| tokio::spawn(read(pipe, keep))))
}

impl Capture {
    /// What was read.
    pub(super) async fn finish(self) -> Captured {
        let Some(mut reading) = self.0 else {
            return Captured::default();
        };
        if let Ok(captured) = tokio::time::timeout(AFTER_THE_END, &mut reading).await {
            return captured.unwrap_or_default();
        }
        reading.abort();
        Captured::default()
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, keep: usize) -> Captured {
    let mut captured = Captured::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => return captured,
            Ok(count) => {
                let room = keep.saturating_sub(captured.kept.len()).min(count);
                captured.kept.extend_from_slice(&buffer[..room]);
                captured.dropped += (count - room) as u64;
                captured.tail.extend_from_slice(&buffer[room..count]);
                let surplus = captured.tail.len().saturating_sub(TAIL);
                captured.tail.drain(..surplus);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[tokio::test]
    async fn the_beginning_is_kept_and_the_rest_counted() {
        let capture = start(Some(&b"0123456789"[..]), 4);
        let captured = capture.finish().await;
        assert_eq!(captured.kept, b"0123");
        assert_eq!(captured.dropped, 6);
    }

    #[test_case("", 9 => None; "nothing")]
    #[test_case("a\nb\r\n\n \n", 99 => Some("b".to_owned()); "blank lines behind")]
    #[test_case("one", 99 => Some("one".to_owned()); "no line end")]
    #[test_case("aaaa\nbbbb\ncc\n", 2 => Some("cc".to_owned()); "behind what was dropped")]
    #[test_case("aaaabbbbcc\n", 4 => None; "cut off")]
    #[tokio::test]
    async fn the_last_line_is_found(output: &'static str, keep: usize) -> Option<String> {
        let captured = start(Some(output.as_bytes()), keep).finish().await;
        let line = captured.last_line()?;
        Some(String::from_utf8_lossy(line).into_owned())
    }
}
