//! The page of a walk: a small web server for one person's browser.
//!
//! Whoever has the address may do everything, so the address has a token in it, drawn by chance; nothing is
//! answered without it. The name by which the browser asks must be this machine's, so that no other page's
//! name can be made to lead here, and what is changed must be asked for by this page itself.
//!
//! Must not know what is walked.

mod guard;

use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, stream};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
};

pub use guard::Token;

use super::{Command, Desk, Refusal, View, desk::News};
use crate::results::CaseResult;
use guard::Guard;

/// Octets of one request that are read.
const REQUEST: usize = 64 << 10;

/// Pages that are told the news at once.
const PAGES: usize = 32;

const HTML: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// Nothing comes from elsewhere, nothing is written into the page, and nobody puts it into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page that has its port.
pub struct Page {
    listener: TcpListener,
    at: SocketAddr,
    token: Token,
}

#[derive(Clone)]
struct Site {
    desk: Arc<Desk>,
    /// The folder with the certificates.
    folder: Arc<PathBuf>,
    pages: Arc<Semaphore>,
}

impl Page {
    /// Takes the port; 0 is any.
    ///
    /// # Errors
    /// What the system says.
    pub async fn open(at: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        Ok(Self {
            at: listener.local_addr()?,
            listener,
            token: Token::fresh()?,
        })
    }

    /// What a person opens.
    pub fn address(&self) -> String {
        format!("http://{}/{}/", self.at, self.token)
    }

    /// Serves until `over`, and what was asked for before.
    ///
    /// # Errors
    /// What the system says.
    pub async fn serve(
        self,
        desk: Arc<Desk>,
        folder: PathBuf,
        over: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let site = Site {
            desk,
            folder: Arc::new(folder),
            pages: Arc::new(Semaphore::new(PAGES)),
        };
        let guard = Guard::new(self.at, self.token);
        axum::serve(self.listener, router(site, guard))
            .with_graceful_shutdown(over)
            .await
    }
}

fn router(site: Site, guard: Guard) -> Router {
    Router::new()
        .route(
            "/{token}/",
            get(|| async { text("text/html; charset=utf-8", HTML) }),
        )
        .route(
            "/{token}/page.css",
            get(|| async { text("text/css; charset=utf-8", CSS) }),
        )
        .route(
            "/{token}/page.js",
            get(|| async { text("text/javascript; charset=utf-8", JS) }),
        )
        .route("/{token}/view", get(view))
        .route("/{token}/news", get(news))
        .route("/{token}/result/{stop}", get(result))
        .route("/{token}/file/{name}", get(file))
        .route("/{token}/do", post(command))
        .layer(DefaultBodyLimit::max(REQUEST))
        .layer(middleware::map_response(harden))
        .layer(middleware::from_fn_with_state(
            Arc::new(guard),
            guard::check,
        ))
        .with_state(site)
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn view(State(site): State<Site>) -> Json<View> {
    Json(site.desk.view())
}

async fn result(
    State(site): State<Site>,
    Path((_, stop)): Path<(String, usize)>,
) -> Result<Json<CaseResult>, StatusCode> {
    site.desk
        .result(stop)
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

/// The certificates that a person imports.
async fn file(
    State(site): State<Site>,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, StatusCode> {
    // Only these: the folder has records with passwords in them.
    let known = ["ca.pem", "server.pem"].into_iter().find(|it| *it == name);
    let known = known.ok_or(StatusCode::NOT_FOUND)?;
    // A kilobyte or two.
    let pem = std::fs::read(site.folder.join(known));
    let pem = pem.map_err(|_| StatusCode::NOT_FOUND)?;
    let named = format!("attachment; filename=\"mailproof-{known}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, pem).into_response())
}

async fn command(State(site): State<Site>, Json(command): Json<Command>) -> Response {
    match site.desk.ask(command).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => {
            let status = match &refusal {
                Refusal::Stale(_) => StatusCode::CONFLICT,
                Refusal::Cannot(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Refusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, refusal.to_string()).into_response()
        }
    }
}

async fn news(State(site): State<Site>) -> Result<Response, StatusCode> {
    let permit = site.pages.try_acquire_owned();
    let permit = permit.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let events = Sse::new(events(site.desk.news(), permit));
    Ok(events.keep_alive(KeepAlive::default()).into_response())
}

/// Who comes in, or has fallen behind, is told to ask for everything.
fn events(
    news: broadcast::Receiver<News>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let first = Some(News::View);
    let state = (first, Some(news), permit);
    stream::unfold(state, |(first, news, permit)| async {
        let mut news = news?;
        let item = match first {
            Some(item) => item,
            None => match news.recv().await {
                Ok(item) => item,
                Err(broadcast::error::RecvError::Lagged(_)) => News::View,
                Err(broadcast::error::RecvError::Closed) => return None,
            },
        };
        let json = serde_json::to_string(&item).unwrap_or_default();
        let more = (!matches!(item, News::Ended { .. })).then_some(news);
        Some((Ok(Event::default().data(json)), (None, more, permit)))
    })
}
