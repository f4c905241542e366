//! Findings: how it stands, and what to do.

use std::fmt;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Fault,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(Level, String, String)>);

impl Findings {
    /// As it should be.
    pub(super) fn ok(&mut self, chinese: impl Into<String>, english: impl Into<String>) {
        self.0.push((Level::Ok, chinese.into(), english.into()));
    }

    /// It works, and something may be lost or slow.
    pub(super) fn warning(&mut self, chinese: impl Into<String>, english: impl Into<String>) {
        self.0.push((Level::Warning, chinese.into(), english.into()));
    }

    /// It does not work, or must not go on like this.
    pub(super) fn fault(&mut self, chinese: impl Into<String>, english: impl Into<String>) {
        self.0.push((Level::Fault, chinese.into(), english.into()));
    }

    /// Whether anything must be mended.
    pub(super) fn has_fault(&self) -> bool {
        self.count(Level::Fault) > 0
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|(of, ..)| *of == level).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, chinese, english) in &self.0 {
            let level = match level {
                Level::Ok => "正常 ok",
                Level::Warning => "注意 warning",
                Level::Fault => "故障 fault",
            };
            writeln!(f, "{level}  {chinese}。{english}")?;
        }
        let (faults, warnings) = (self.count(Level::Fault), self.count(Level::Warning));
        writeln!(f, "{faults} 个故障，{warnings} 个提醒。{faults} faults, {warnings} warnings")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fault_is_a_fault_and_every_line_says_how_it_stands() {
        let mut findings = Findings::default();
        findings.ok("好", "good");
        findings.warning("小心", "careful");
        assert!(!findings.has_fault());
        findings.fault("坏", "bad");
        assert!(findings.has_fault());
        let told = findings.to_string();
        let lines: Vec<&str> = told.lines().collect();
        let expected = [
            "正常 ok  好。good",
            "注意 warning  小心。careful",
            "故障 fault  坏。bad",
            "1 个故障，1 个提醒。1 faults, 1 warnings",
        ];
        assert_eq!(lines, expected);
    }
}
