//! A report for a person.

use comfy_table::{CellAlignment, Table, presets};

use super::figures::{GOAL_OF_P99, Load, Ratio, Report, Server};

/// A client that needs more of its core than this may be what limits.
const CLIENT_AT_ITS_LIMIT: f64 = 0.9;

type Figure = (&'static str, fn(&Server) -> String);

const FIGURES: &[Figure] = &[
    ("messages/s", |s| rate(&s.full)),
    ("CPU, us", |s| format!("{:.1}", s.full.cpu_us)),
    ("  of it the store's writer, us", |s| format!("{:.1}", s.full.writer_cpu_us)),
    ("full load: p50, ms", |s| millis(s.full.p50_us)),
    ("  p99, ms", |s| millis(s.full.p99_us)),
    ("  p99.9, ms", |s| millis(s.full.p999_us)),
    ("half load: messages/s", |s| format!("{:.0}", s.half.per_second)),
    ("  CPU, us", |s| format!("{:.1}", s.half.cpu_us)),
    ("  p50, ms", |s| millis(s.half.p50_us)),
    ("  p99, ms", |s| millis(s.half.p99_us)),
    ("  p99.9, ms", |s| millis(s.half.p999_us)),
    ("to disk, bytes", |s| format!("{:.0}", s.full.written_bytes)),
    ("  asked to write, bytes", |s| format!("{:.0}", s.full.asked_to_write_bytes)),
    ("  to disk at half load, bytes", |s| format!("{:.0}", s.half.written_bytes)),
    ("peak memory, MiB", |s| format!("{:.0}", s.peak_memory_kib as f64 / 1024.0)),
    ("allocations", |s| counted(s, |c| c.allocations)),
    ("  bytes", |s| counted(s, |c| c.allocated_bytes)),
    ("instructions", |s| counted(s, |c| Some(c.instructions))),
    ("server's share of its core at full load", |s| format!("{:.2}", s.full.server_busy())),
    ("client's share of its core", |s| format!("{:.2}", s.full.client_busy)),
];

/// The table, the ratios and the goals.
pub fn of(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(std::iter::once("per message").chain(report.servers.iter().map(|server| server.kind.name())));
    for (name, figure) in FIGURES {
        table.add_row(std::iter::once((*name).to_owned()).chain(report.servers.iter().map(figure)));
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let counted = report.servers.iter().all(|server| server.counts.is_some());
    let (fsync, ratios) = (&report.fsync, &report.ratios);
    let p99 = report.servers.iter().last().map_or(f64::NAN, |fuwu| fuwu.half.p99_us);
    format!(
        "{}\n{table}\n\
         fsync of 4 KiB on this disk: median {} ms, p99 {} ms\n\
         fuwu to the floor \"{}\", median (least to most) of the rounds:\n\
         throughput {}, CPU {}, p99 at half load {}\n\
         throughput: {:.3} of the floor's; the goal is {:.3}: {}\n\
         p99 at half load: {} ms; the goal is {GOAL_OF_P99} times the floor's and one fsync, {} ms: {}\n\
         {}{}",
        report.asked,
        millis(fsync.median_us),
        millis(fsync.p99_us),
        ratios.floor.name(),
        spread(&ratios.throughput),
        spread(&ratios.cpu),
        spread(&ratios.p99_at_half),
        ratios.throughput.median,
        ratios.goal_of_throughput,
        met(ratios.throughput.median >= ratios.goal_of_throughput),
        millis(p99),
        millis(ratios.p99_at_half_goal_us),
        met(p99 <= ratios.p99_at_half_goal_us),
        if counted {
            ""
        } else {
            "allocations and instructions were not counted (by valgrind, where it is installed)\n"
        },
        faults(report)
    )
}

fn faults(report: &Report) -> String {
    let faults = &report.faults;
    match &faults.first {
        None => "every answer was right".to_owned(),
        Some(first) => format!(
            "FAILED: {} answers not 200, {} wrong, {} connections broken, {} deliveries unanswered; the first: {first}",
            faults.not_ok, faults.wrong, faults.dropped, faults.unanswered
        ),
    }
}

fn rate(load: &Load) -> String {
    let at_least = if load.client_busy > CLIENT_AT_ITS_LIMIT { "≥ " } else { "" };
    format!("{at_least}{:.0}", load.per_second)
}

fn spread(ratio: &Ratio) -> String {
    format!("{:.3} ({:.3} to {:.3})", ratio.median, ratio.least, ratio.most)
}

fn millis(us: f64) -> String {
    format!("{:.2}", us / 1e3)
}

fn counted(server: &Server, figure: fn(&super::counts::Counts) -> Option<f64>) -> String {
    server.counts.as_ref().and_then(figure).map_or("—".to_owned(), |count| format!("{count:.0}"))
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "not met" }
}
