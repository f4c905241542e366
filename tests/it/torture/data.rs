//! The lines as data, and how many of them hold.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One line of reliability.md 3.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line<C> {
    /// `W1`, `O1`.
    pub id: String,
    /// What is sent.
    pub input: String,
    /// Why the answer must be what it is.
    pub why: String,
    /// What this line still waits for; it is not counted as passed.
    pub later: Option<String>,
    #[serde(default = "Vec::new")]
    pub case: Vec<C>,
}

#[derive(Deserialize)]
struct File<C> {
    line: Vec<Line<C>>,
}

/// A case that may have to wait for something that is not there yet.
pub trait Waits {
    fn later(&self) -> Option<&str>;
}

/// Reads a file of lines; one without a reason, or without anything to try, is a slip.
pub fn read<C: DeserializeOwned + Waits>(name: &str) -> Vec<Line<C>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/torture").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let file: File<C> = toml::from_str(&text).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    for line in &file.line {
        assert!(!line.why.is_empty() && !line.input.is_empty(), "{} says neither what nor why", line.id);
        assert_ne!(line.later.is_some(), !line.case.is_empty(), "{} is either tried or said to wait", line.id);
        for later in line.later.iter().map(String::as_str).chain(line.case.iter().filter_map(Waits::later)) {
            let reason = later.strip_prefix("issue ").and_then(|rest| rest.split_once(": "));
            assert!(reason.is_some_and(|(n, why)| n.parse::<u8>().is_ok() && !why.is_empty()), "{}: {later}", line.id);
        }
    }
    file.line
}

/// `«<a>*17»` is `<a>` seventeen times: what is long is written short. One may stand inside another.
pub fn grown(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(end) = text.find('»') {
        let start = text[..end].rfind('«').expect("» closes «");
        let (what, times) = text[start + '«'.len_utf8()..end].rsplit_once('*').expect("«what*times»");
        let many = what.repeat(times.parse().expect("a number of times"));
        text.replace_range(start..end + '»'.len_utf8(), &many);
    }
    text
}

/// What was tried and what held.
#[derive(Debug, Default)]
pub struct Tally {
    pub lines: usize,
    pub cases: usize,
    pub passed: usize,
    /// Lines and cases that wait for what is not built.
    pub later: (usize, usize),
    /// Cases in which we do otherwise than the list says, with a reason.
    pub deviating: usize,
    pub failed: Vec<String>,
    parts: String,
    /// What took longest.
    slowest: (Duration, String),
    took: Duration,
}

impl Tally {
    /// Counts what a line waits for.
    pub fn of<C: Waits>(lines: &[Line<C>]) -> Self {
        let waiting = |line: &&Line<C>| line.case.iter().all(|case| case.later().is_some());
        let whole = lines.iter().filter(waiting).count();
        let cases = lines.iter().flat_map(|line| &line.case).filter(|case| case.later().is_some()).count();
        Self { lines: lines.len() - whole, later: (whole, cases), ..Self::default() }
    }

    /// One case and how it went.
    pub fn case(&mut self, id: &str, what: &str, (went, began): (Result<(), String>, Instant)) {
        self.cases += 1;
        self.took += began.elapsed();
        self.slowest = std::mem::take(&mut self.slowest).max((began.elapsed(), format!("{id} {what:.80}")));
        match went {
            Ok(()) => self.passed += 1,
            Err(wrong) => self.failed.push(format!("{id} {what:.200}: {wrong:.600}")),
        }
    }

    pub fn add(&mut self, part: &str, other: Self) {
        let (slowest, which) = &other.slowest;
        self.parts += &format!("{part}: {other}; all {:.1?}, slowest {slowest:.1?}: {which}\n", other.took);
        self.lines += other.lines;
        self.cases += other.cases;
        self.passed += other.passed;
        self.later = (self.later.0 + other.later.0, self.later.1 + other.later.1);
        self.deviating += other.deviating;
        self.failed.extend(other.failed);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, cases, passed, later: (lines_later, cases_later), deviating, parts, .. } = self;
        write!(
            f,
            "{parts}{lines} lines, {cases} cases, {passed} passed ({deviating} of them otherwise than listed, with a reason); "
        )?;
        write!(f, "not applicable yet: {lines_later} whole lines and {cases_later} single cases")
    }
}

/// Whether two things are the same, in words.
pub fn same<T: PartialEq + fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what} is {got:?}, not {expected:?}")) }
}
