//! What a list of EHLO keywords switches on. A keyword that is listed works, any other does not.

/// The keywords of one layer, one EHLO line each.
#[derive(Clone, Copy)]
pub(super) struct Capabilities<'a>(pub(super) &'a [String]);

impl<'a> Capabilities<'a> {
    /// Whether a line begins with this keyword.
    pub(super) fn has(self, keyword: &str) -> bool {
        self.lines(keyword).next().is_some()
    }

    /// Whether an AUTH line lists this mechanism.
    pub(super) fn has_mechanism(self, name: &str) -> bool {
        self.lines("AUTH")
            .flatten()
            .any(|it| it.eq_ignore_ascii_case(name))
    }

    /// The arguments of each line with this keyword. `AUTH=LOGIN` is an AUTH line too: servers still send
    /// that form for clients from before RFC 2554.
    fn lines(self, keyword: &str) -> impl Iterator<Item = impl Iterator<Item = &'a str>> {
        self.0.iter().filter_map(move |line| {
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            words
                .next()
                .is_some_and(|first| first.eq_ignore_ascii_case(keyword))
                .then_some(words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_first_words_and_mechanisms() {
        let lines = ["SIZE 1000", "auth LOGIN", "AUTH=PLAIN", "8BITMIME"].map(str::to_owned);
        let capabilities = Capabilities(&lines);
        assert!(capabilities.has("SIZE") && capabilities.has("8bitmime"));
        assert!(!capabilities.has("1000") && !capabilities.has("STARTTLS"));
        assert!(capabilities.has_mechanism("login") && capabilities.has_mechanism("PLAIN"));
        assert!(!capabilities.has_mechanism("XOAUTH2"));
    }
}
