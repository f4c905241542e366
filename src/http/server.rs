//! The HTTP server around the routes: its limits, and how it drains.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, ServiceConfig, scope};
use actix_web::{App as Web, HttpServer};

use super::{ApiToken, Observatory, routes, unread};
use crate::app::App;

/// A head that drips in slower than this is nobody's we know.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// While draining, a request in hand may take this long; an answer leaves within 4 s.
const DRAIN_SECS: u64 = 6;

/// What every request can see.
pub struct State {
    /// The shell.
    pub app: Arc<App>,
    /// Set while the server drains.
    pub draining: AtomicBool,
    /// The metrics.
    pub observatory: Observatory,
    /// Opens API and console.
    pub api_token: ApiToken,
    /// Where `/` leads.
    pub front: Front,
}

/// Where somebody begins who comes without a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// At the sandbox's phone.
    Phone,
    /// At the console.
    Console,
}

/// A running server.
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    state: Data<State>,
    handle: ServerHandle,
    running: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Serves the routes, and `more` beside them, on a listener that is bound already.
pub fn serve<F>(listener: TcpListener, state: State, more: F) -> std::io::Result<Served>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let address = listener.local_addr()?;
    let state = Data::new(state);
    let shared = state.clone();
    let server: Server = HttpServer::new(move || {
        Web::new()
            .app_data(shared.clone())
            .wrap(from_fn(unread::hold))
            .configure(routes)
            .service(scope("").wrap(Compress::default()).configure(more.clone()))
    })
    .client_request_timeout(HEAD_WITHIN)
    .client_disconnect_timeout(Duration::from_secs(1))
    .shutdown_timeout(DRAIN_SECS)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Served { address, state, handle, running: tokio::spawn(server) })
}

impl Served {
    /// Waits until the server ends by itself, which only a fault makes it do.
    pub async fn ended(&mut self) -> std::io::Result<()> {
        match (&mut self.running).await {
            Ok(result) => result,
            Err(cause) => Err(std::io::Error::other(cause)),
        }
    }

    /// Turns readiness red, and goes on serving: a balancer that looks sees it and sends its traffic elsewhere.
    pub fn turn_red(&self) {
        self.state.draining.store(true, Ordering::Relaxed);
    }

    /// Turns readiness red, takes no new connection, and finishes what is in hand.
    pub async fn drain(&self) {
        self.turn_red();
        self.handle.stop(true).await;
    }
}
