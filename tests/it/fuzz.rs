//! A short run of the fuzz targets (tests/fuzz): every kept input, and some thousands made from them and from samples.
//! `make fuzz` is the long one.
//!
//! The same inputs each time; `FUZZ_SEED=7 FUZZ_INPUTS=100000` for others and more. What fails is written to a file,
//! and the message says how to run it alone.

mod mutation;
mod samples;
#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use mutation::Mutation;
use targets::Target;

const SEED: u64 = 2026;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The kept inputs of a target, by name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("fixtures/fuzz").join(target);
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    found.sort();
    found
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Runs one input; a failure says what it was and keeps it.
fn holds(name: &str, target: Target, (what, input): (&str, &[u8])) {
    if catch_unwind(|| target(input)).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        fs::write(&file, input).unwrap();
        panic!("{name} fails for {what}, kept in {}: {:?}", file.display(), String::from_utf8_lossy(input));
    }
}

fn runs(name: &str, inputs: u64) {
    let (_, target) = targets::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
    // What is made once is no cost of an input.
    let _ = catch_unwind(|| target(b""));
    let kept = kept(name);
    for (file, input) in &kept {
        holds(name, target, (&format!("fixtures/fuzz/{name}/{file}"), input));
    }
    let mut samples = samples::of(name);
    for (number, sample) in samples.iter().enumerate() {
        holds(name, target, (&format!("sample {number}"), sample));
    }
    // The long run starts from them too.
    if let Ok(folder) = std::env::var("FUZZ_SAMPLES") {
        let folder = root().join(folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, sample) in samples.iter().enumerate() {
            fs::write(folder.join(number.to_string()), sample).unwrap();
        }
    }
    samples.extend(kept.into_iter().map(|(_, input)| input));
    let words = samples::words(name);
    let seed = setting("FUZZ_SEED", SEED);
    let inputs = setting("FUZZ_INPUTS", inputs);
    for number in 0..inputs {
        let input = Mutation::seeded(seed, number).of(&samples, &words);
        holds(name, target, (&format!("input {number} of seed {seed}"), &input));
    }
    println!("{name}: {} kept inputs and samples, {inputs} mutations", samples.len());
}

#[test]
fn a_query_is_verified_exactly_when_it_is_signed() {
    runs("signature", 1_000);
}

#[test]
fn an_envelope_is_opened_exactly_when_it_is_ours() {
    runs("envelope", 1_000);
}

#[test]
fn a_delivery_is_understood_or_kept_aside() {
    runs("wire", 2_000);
}

#[test]
fn a_reply_is_heard_as_it_was_meant() {
    runs("reply", 1_000);
}

#[test]
fn a_playbook_answers_or_is_refused_with_a_place() {
    runs("playbook", 400);
}

#[test]
fn a_template_is_filled_or_says_why() {
    runs("template", 2_000);
}

/// A limit that is never reached would not be missed.
#[test]
fn what_takes_too_long_or_too_much_is_a_failure() {
    use std::time::Duration;
    use targets::limits::{Limits, within};
    let limits =
        Limits { time: Duration::from_millis(20), time_per_byte: Duration::ZERO, base_bytes: 1000, per_byte: 2 };
    let holds = |work: fn()| catch_unwind(|| within(limits, b"four", work)).is_ok();
    assert!(holds(|| drop(std::hint::black_box(vec![0_u8; 1008]))));
    assert!(!holds(|| drop(std::hint::black_box(vec![0_u8; 1009]))));
    // Waiting is not working.
    assert!(holds(|| std::thread::sleep(Duration::from_millis(101))));
    assert!(!holds(|| {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(1) {}
    }));
}

#[test]
fn every_target_has_its_long_run_its_words_and_a_small_corpus() {
    let names = |folder: &str| -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| PathBuf::from(entry.unwrap().path().file_stem().unwrap())).collect()
    };
    let all: BTreeSet<PathBuf> = targets::ALL.iter().map(|(name, _)| PathBuf::from(name)).collect();
    assert_eq!(names("tests/fuzz/long"), all);
    assert_eq!(names("tests/fuzz/words"), all);
    assert_eq!(names("fixtures/fuzz"), all);
    let cargo = fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).unwrap();
    let mut bytes = 0;
    for (name, _) in targets::ALL {
        assert!(cargo.contains(&format!("path = \"long/{name}.rs\"")), "{name} has no [[bin]]");
        let kept = kept(name);
        assert!((1..=64).contains(&kept.len()), "{name} has {} kept inputs", kept.len());
        for (file, input) in kept {
            assert!(input.len() <= 2048, "{name}/{file} has {} bytes", input.len());
            bytes += input.len();
        }
    }
    assert!(bytes <= 200 * 1024, "{bytes} bytes of kept inputs");
}
