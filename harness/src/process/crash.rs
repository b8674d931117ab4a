//! The signs of a crash that a process leaves. Must not know who crashed.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// Longest line that is quoted.
const QUOTED: usize = 300;

/// How sanitizers and language runtimes say that a program is broken. Each begins a line.
const REPORTS: &str = r"(?x)^(
      ==\d+==\s?ERROR:\ \w*Sanitizer:.*
    | .*SUMMARY:\ \w*Sanitizer:.*
    | WARNING:\ (Thread|Memory)Sanitizer:.*
    | .*:\d+:\d+:\ runtime\ error:\ .*
    | thread\ '[^'\n]*'\ (\(\d+\)\ )?(panicked\ at|has\ overflowed\ its\ stack).*
    | fatal\ runtime\ error:.*
    | panic:\ .*
    | fatal\ error:\ .*(concurrent|all\ goroutines|stack|nil).*
    | Fatal\ Python\ error:.*
    | terminate\ called\ (after\ throwing|without).*
    | \*\*\*\ .*(smashing|buffer\ overflow)\ detected\ \*\*\*.*
    | (double\ free\ or\ corruption|free\(\):\ invalid|malloc\(\):|corrupted\ size).*
    | .*:\ Assertion\ `.*'\ failed\.?
    | \#\ A\ fatal\ error\ has\ been\ detected\ by\ the\ Java\ Runtime.*
    )\r?$";

/// The line of `stderr` that reports a crash, if there is one. Some programs survive what they report, with
/// exit code 0 even, and still have crashed in a part of theirs.
pub fn crash_report(stderr: &[u8]) -> Option<String> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| {
        RegexBuilder::new(REPORTS)
            .multi_line(true)
            .unicode(false)
            .build()
            .ok()
    });
    let line = pattern.as_ref()?.find(stderr)?.as_bytes();
    let line = String::from_utf8_lossy(&line[..line.len().min(QUOTED)]);
    Some(line.trim_end().to_owned())
}

/// `SIGSEGV (segmentation fault)`.
pub fn signal_name(signal: i32) -> String {
    let (name, meaning) = match signal {
        libc::SIGHUP => ("SIGHUP", "hang-up"),
        libc::SIGINT => ("SIGINT", "interrupt"),
        libc::SIGQUIT => ("SIGQUIT", "quit"),
        libc::SIGILL => ("SIGILL", "illegal instruction"),
        libc::SIGTRAP => ("SIGTRAP", "trap"),
        libc::SIGABRT => ("SIGABRT", "abort"),
        libc::SIGBUS => ("SIGBUS", "bus error"),
        libc::SIGFPE => ("SIGFPE", "arithmetic error"),
        libc::SIGKILL => ("SIGKILL", "killed"),
        libc::SIGSEGV => ("SIGSEGV", "segmentation fault"),
        libc::SIGPIPE => ("SIGPIPE", "wrote to a closed connection"),
        libc::SIGALRM => ("SIGALRM", "alarm"),
        libc::SIGTERM => ("SIGTERM", "terminated"),
        libc::SIGXCPU => ("SIGXCPU", "too much processor time"),
        libc::SIGXFSZ => ("SIGXFSZ", "file too large"),
        libc::SIGSYS => ("SIGSYS", "forbidden system call"),
        other => return format!("signal {other}"),
    };
    format!("{name} ({meaning})")
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(b"==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n", true; "asan")]
    #[test_case(b"parse.c:12:3: runtime error: signed integer overflow\n", true; "ubsan")]
    #[test_case(b"a\nthread 'main' panicked at src/main.rs:2:5:\nboom\n", true; "rust panic")]
    #[test_case(b"thread 'main' (17) panicked at src/main.rs:2:5:\nboom\n", true; "rust panic with an id")]
    #[test_case(b"panic: runtime error: index out of range\r\n", true; "go")]
    #[test_case(b"terminate called after throwing an instance of 'x'\n", true; "c++")]
    #[test_case(b"x: a.c:3: f: Assertion `0' failed.\n", true; "assertion")]
    #[test_case(b"curl: (67) Login denied\n", false; "ordinary")]
    #[test_case(b"server said: panic: at the disco\n", false; "quoted")]
    #[test_case(b"", false; "silence")]
    fn reports_are_told_from_words(stderr: &[u8], crashed: bool) {
        assert_eq!(crash_report(stderr).is_some(), crashed);
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(11), "SIGSEGV (segmentation fault)");
        assert_eq!(signal_name(64), "signal 64");
    }
}
