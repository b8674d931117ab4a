//! Who is let in. Must not know what is served.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// 128 bits by chance, as they stand in an address.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token that nobody can guess.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub fn fresh() -> io::Result<Self> {
        let mut octets = [0; 16];
        rand::fill(&mut octets).map_err(|_| io::Error::other("no random numbers to be had"))?;
        Ok(Self(octets.iter().map(|it| format!("{it:02x}")).collect()))
    }

    fn is(&self, other: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a request must have.
pub(super) struct Guard {
    at: SocketAddr,
    token: Token,
}

impl Guard {
    pub(super) fn new(at: SocketAddr, token: Token) -> Self {
        Self { at, token }
    }

    /// Why a request is refused; `None` where it is not.
    fn refuses(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|it| it.to_str().ok());
        if hosts.next().is_some() || !host.is_some_and(|it| self.is_own(it)) {
            return Some("this page is not known by that name");
        }
        let token = uri.path().split('/').nth(1).unwrap_or_default();
        if !self.token.is(token) {
            return Some("the address is not whole: open the one that mailproof printed");
        }
        let foreign = |origin: &str| {
            !origin
                .strip_prefix("http://")
                .is_some_and(|it| self.is_own(it))
        };
        if headers.contains_key(header::ORIGIN) && text(header::ORIGIN).is_none_or(foreign) {
            return Some("another page asked for this");
        }
        let site = headers.get("sec-fetch-site").map(|it| it.as_bytes());
        if method != Method::GET && !matches!(site, None | Some(b"same-origin")) {
            return Some("another page asked for this");
        }
        None
    }

    /// Only `localhost` and addresses: a name of somebody else can be made to lead here.
    fn is_own(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != self.at.port()
        {
            return false;
        }
        let name = authority.host();
        let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        match bare.unwrap_or(name).parse::<IpAddr>() {
            Ok(ip) => ip == self.at.ip() || self.at.ip().is_unspecified(),
            Err(_) => name.eq_ignore_ascii_case("localhost") && self.is_here(),
        }
    }

    fn is_here(&self) -> bool {
        self.at.ip().is_loopback() || self.at.ip().is_unspecified()
    }
}

/// Lets a request through or answers 403.
pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.refuses(request.method(), request.uri(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use test_case::test_case;

    use super::*;

    fn guard(at: &str) -> Guard {
        Guard::new(at.parse().unwrap(), Token("t0ken".to_owned()))
    }

    #[test_case("127.0.0.1:8000", "127.0.0.1:8000" => true)]
    #[test_case("127.0.0.1:8000", "LocalHost:8000" => true; "localhost")]
    #[test_case("[::1]:8000", "[::1]:8000" => true; "six")]
    #[test_case("127.0.0.1:8000", "127.0.0.1" => false; "no port")]
    #[test_case("127.0.0.1:8000", "127.0.0.1:8001" => false; "another port")]
    #[test_case("127.0.0.1:8000", "127.0.0.2:8000" => false; "another address")]
    #[test_case("127.0.0.1:8000", "evil.example:8000" => false; "a name")]
    #[test_case("127.0.0.1:8000", "localhost.evil.example:8000" => false; "a name that begins well")]
    #[test_case("127.0.0.1:8000", "127.0.0.1:8000@evil.example" => false; "a name behind an at")]
    #[test_case("127.0.0.1:8000", "x@127.0.0.1:8000" => false; "somebody before an at")]
    #[test_case("127.0.0.1:8000", "" => false; "nothing")]
    #[test_case("0.0.0.0:8000", "192.0.2.7:8000" => true; "any address where it listens on all")]
    #[test_case("0.0.0.0:8000", "evil.example:8000" => false; "no name where it listens on all")]
    #[test_case("192.0.2.7:8000", "localhost:8000" => false; "localhost where it is not")]
    fn own(at: &str, host: &str) -> bool {
        guard(at).is_own(host)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:8000");

    #[test_case(Method::GET, "/t0ken/", &[HOST] => true)]
    #[test_case(Method::GET, "/t0ke/", &[HOST] => false; "a part of the token")]
    #[test_case(Method::GET, "/t0kenn/", &[HOST] => false; "more than the token")]
    #[test_case(Method::GET, "/", &[HOST] => false; "no token")]
    #[test_case(Method::GET, "//t0ken/", &[HOST] => false; "the token elsewhere")]
    #[test_case(Method::GET, "/?t0ken", &[HOST] => false; "the token in the query")]
    #[test_case(Method::GET, "/t0ken/", &[] => false; "no host")]
    #[test_case(Method::GET, "/t0ken/", &[HOST, ("host", "evil.example")] => false; "two hosts")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST, ("origin", "http://127.0.0.1:8000"), ("sec-fetch-site", "same-origin")] => true; "from the page")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST, ("origin", "http://evil.example")] => false; "from another page")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST, ("origin", "null")] => false; "from nowhere")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST, ("origin", "https://127.0.0.1:8000")] => false; "from another scheme")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST, ("sec-fetch-site", "cross-site")] => false; "across sites")]
    #[test_case(Method::POST, "/t0ken/do", &[HOST] => true; "by a program")]
    fn lets_in(method: Method, path: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let uri = path.parse().unwrap();
        guard("127.0.0.1:8000")
            .refuses(&method, &uri, &map)
            .is_none()
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, two) = (Token::fresh().unwrap(), Token::fresh().unwrap());
        assert_eq!(one.0.len(), 32);
        assert!(one.is(&one.0) && !one.is(&two.0));
    }
}
