//! `fuwu replay`: recorded deliveries through the whole pipeline (contract.md "Replay files").

mod recording;
mod told;
mod way;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::replay::Progress;
use crate::config::Settings;
use recording::Recording;
use way::{Ready, Way};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The file: JSON Lines, `{"at": 1767225600, "account": "demo", "xml": "<xml>…</xml>"}`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Lines applied in one step.
    #[arg(long, value_name = "LINES", hide = true)]
    chunk: Option<usize>,
}

/// How a replay ended.
enum End {
    /// Everything is applied.
    Applied,
    /// Everything was applied before.
    AppliedBefore,
    /// Somebody stopped it.
    Stopped,
}

pub(super) fn run(settings: &Settings, args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (end, progress) = runtime.block_on(replay(settings, args))?;
    match end {
        End::AppliedBefore => {
            println!("{}", told::APPLIED_BEFORE);
            print!("{}", told::tallies(&progress));
            Ok(ExitCode::SUCCESS)
        }
        End::Applied => {
            print!("{}{}", told::listed(&progress), told::tallies(&progress));
            Ok(if progress.tallies.unusable == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        End::Stopped => {
            print!("{}{}", told::listed(&progress), told::tallies(&progress));
            eprintln!("fuwu: stopped after line {}; the same command goes on there", progress.lines);
            Ok(ExitCode::from(1))
        }
    }
}

async fn replay(settings: &Settings, args: &ReplayArgs) -> anyhow::Result<(End, Progress)> {
    let told = || args.file.display().to_string();
    let way = Way::find(settings).await?;
    let chunk_lines = args.chunk.unwrap_or(way.chunk_lines()).max(1);
    let mut recording = Recording::open(&args.file, chunk_lines)?;
    let known = way.known(settings, recording.head()).await?;
    let mut progress = Progress::default();
    if let Some(known) = known {
        recording.go_on(&known).with_context(told)?;
        progress = known.progress;
    }
    let mut end = if progress.lines > 0 { End::AppliedBefore } else { End::Applied };
    let stop = stopped_by_hand();
    let shown = Shown::new(recording.length, &progress)?;
    let reader = Arc::new(way.reader());
    let mut next = tokio::spawn(read(recording, Arc::clone(&reader)));
    loop {
        let (recording, ready) = next.await?.with_context(told)?;
        let Some(ready) = ready else { break };
        if stop.load(Ordering::Relaxed) {
            end = End::Stopped;
            break;
        }
        // The next lines are read while these are applied.
        next = tokio::spawn(read(recording, Arc::clone(&reader)));
        progress = way.apply(ready).await?;
        end = End::Applied;
        shown.at(&progress);
    }
    shown.finish();
    way.close().await?;
    Ok((end, progress))
}

async fn read<R: Fn(crate::app::replay::Chunk) -> Ready + Send + Sync + 'static>(
    mut recording: Recording,
    reader: Arc<R>,
) -> anyhow::Result<(Recording, Option<Ready>)> {
    let read = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let chunk = recording.next()?;
        Ok((recording, chunk.map(|chunk| reader(chunk))))
    });
    read.await?
}

/// Set by the first Ctrl-C. What is being applied then is finished.
fn stopped_by_hand() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            set.store(true, Ordering::Relaxed);
        }
    });
    stop
}

/// What a terminal shows meanwhile.
struct Shown {
    bar: ProgressBar,
    began: Instant,
    lines_before: u64,
}

impl Shown {
    fn new(length: u64, progress: &Progress) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {msg} 剩余 {eta}")?;
        let bar = ProgressBar::new(length).with_style(style).with_position(progress.offset);
        Ok(Self { bar, began: Instant::now(), lines_before: progress.lines })
    }

    fn at(&self, progress: &Progress) {
        self.bar.set_length(self.bar.length().unwrap_or_default().max(progress.offset));
        self.bar.set_position(progress.offset);
        let millis = self.began.elapsed().as_millis().max(1);
        let a_second = u128::from(progress.lines.saturating_sub(self.lines_before)) * 1000 / millis;
        self.bar.set_message(format!("{} 行，每秒 {a_second} 行", progress.lines));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
