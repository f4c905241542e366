//! `fuwu serve`: everything, until told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::assemble::{Parts, start};
use crate::app::SystemClock;
use crate::config::Settings;
use crate::http::Observatory;

/// What is logged unless `RUST_LOG` says otherwise. Whoever sends rubbish must not be able to fill the log with errors.
const USUAL_LOG: &str = "info,actix_server=warn,actix_http=off";

/// So long readiness is red before connections are refused: whoever looks once a second sees it.
const SEEN_RED: Duration = Duration::from_secs(1);

pub(super) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    start_log();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(settings))?;
    Ok(ExitCode::SUCCESS)
}

/// To standard error: lines for a person at a terminal, JSON for everything else. `RUST_LOG` chooses what.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| USUAL_LOG.into());
    // A line that cannot be written, because the disk is full, is left out. The subscriber would tell of it on the same
    // stream, and end the thread that said something when that fails as well.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    if std::io::stderr().is_terminal() { log.init() } else { log.json().init() }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let listen = settings.listen;
    let listener = TcpListener::bind(listen).with_context(|| {
        format!("cannot listen on {listen}; choose another with FUWU__SERVER__LISTEN=127.0.0.1:8081")
    })?;
    // Before anything is opened, so that a signal during start is not lost.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let parts = Parts { clock: Arc::new(SystemClock), observatory: Observatory::install()? };
    let mut running = start(settings, listener, parts).await?;
    // Whoever started us may have stopped reading, which is no reason to stop serving.
    let _ = writeln!(std::io::stdout(), "{}", running.welcome());
    tokio::select! {
        ended = running.served.ended() => ended.context("the HTTP server ended")?,
        _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
        _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
    }
    running.served.turn_red();
    tokio::time::sleep(SEEN_RED).await;
    running.stop().await
}
