//! A report as lines, before it is written one way or the other.

/// How a piece of a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// A number that matters.
    Strong,
    /// What may be skipped.
    Quiet,
    /// What asks for attention.
    Warning,
}

/// A piece of a line.
pub(super) type Span = (Tone, String);

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Title,
    Heading,
    Line,
}

/// How gladly a line is given up when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// It stays.
    Core,
    /// Somebody has to act on it: it goes last.
    Task,
    /// It goes late.
    Useful,
    /// It goes early.
    Detail,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub place: Place,
    pub worth: Worth,
    pub spans: Vec<Span>,
}

/// The lines of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub lines: Vec<Line>,
}

/// Said in place of what had no room.
const MORE: &str = "（还有内容放不下，请看报告文件）";

impl Page {
    pub fn title(&mut self, text: String) {
        self.push((Place::Title, Worth::Core), vec![(Tone::Plain, text)]);
    }

    pub fn heading(&mut self, text: &str, worth: Worth) {
        self.push((Place::Heading, worth), vec![(Tone::Plain, text.to_owned())]);
    }

    pub fn line(&mut self, worth: Worth, spans: Vec<Span>) {
        self.push((Place::Line, worth), spans);
    }

    fn push(&mut self, (place, worth): (Place, Worth), spans: Vec<Span>) {
        self.lines.push(Line { place, worth, spans });
    }

    /// The lines as they are written, as many as `fits` takes: those of least worth go first, from the end, and one
    /// line tells that they are missing. A heading goes with the last line below it.
    pub fn fitted(&self, write: impl Fn(&Line) -> String, fits: impl Fn(&str) -> bool) -> String {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        let more = Line { place: Place::Line, worth: Worth::Core, spans: vec![(Tone::Quiet, MORE.to_owned())] };
        loop {
            let missing = (lines.len() < self.lines.len()).then_some(&more);
            let written: Vec<String> = lines.iter().copied().chain(missing).map(&write).collect();
            let text = written.join("\n");
            if fits(&text) {
                return text;
            }
            let Some(worst) = lines.iter().map(|line| line.worth).max().filter(|worth| *worth > Worth::Core) else {
                return shortened(&text, fits);
            };
            if let Some(at) = lines.iter().rposition(|line| line.worth == worst) {
                lines.remove(at);
            }
            lines = without_empty_headings(lines);
        }
    }
}

fn without_empty_headings(lines: Vec<&Line>) -> Vec<&Line> {
    let next = lines.iter().skip(1).map(|line| line.place).chain([Place::Title]);
    let kept = lines.iter().zip(next).filter(|(line, next)| line.place != Place::Heading || *next == Place::Line);
    kept.map(|(line, _)| *line).collect()
}

/// The last resort, when even what must stay has no room.
fn shortened(text: &str, fits: impl Fn(&str) -> bool) -> String {
    let ends = text.char_indices().map(|(at, _)| at).rev();
    let beginnings = ends.filter_map(|end| text.get(..end)).map(|beginning| format!("{beginning}…"));
    beginnings.into_iter().find(|beginning| fits(beginning)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &Line) -> String {
        line.spans.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn what_matters_least_goes_first_and_takes_its_heading_along() {
        let mut page = Page::default();
        page.title("标题".into());
        page.heading("甲", Worth::Detail);
        page.line(Worth::Detail, vec![(Tone::Plain, "细节".into())]);
        page.line(Worth::Core, vec![(Tone::Plain, "要紧".into())]);
        page.heading("乙", Worth::Useful);
        page.line(Worth::Useful, vec![(Tone::Plain, "有用".into())]);
        let at_most = |most: usize| page.fitted(words, |text| text.chars().count() <= most);
        assert_eq!(at_most(99), "标题\n甲\n细节\n要紧\n乙\n有用");
        assert_eq!(at_most(99).chars().count(), 15);
        assert_eq!(at_most(30), at_most(99));
        let short = |keep: &str| format!("标题\n{keep}\n{MORE}");
        assert_eq!(page.fitted(words, |text| !text.contains("细节")), short("甲\n要紧\n乙\n有用"));
        assert_eq!(page.fitted(words, |text| !text.contains('甲')), short("要紧\n乙\n有用"));
        assert_eq!(page.fitted(words, |text| !text.contains("有用")), short("要紧"));
        assert_eq!(at_most(4), "标题\n…");
        assert_eq!(at_most(0), "");
    }
}
