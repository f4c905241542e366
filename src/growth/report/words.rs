//! Words that stand in for what a table holds as values, the same on a screen and in a spreadsheet.

use super::table::Cell;
use crate::domain::time::UnixSecs;
use crate::growth::lateness::DayState;

/// How final a day is, in the words of whoever reads reports.
pub fn state_word(state: DayState) -> &'static str {
    match state {
        DayState::Open => "进行中",
        DayState::Provisional => "待定",
        DayState::Closed => "已关账",
        DayState::Sealed => "已封存",
    }
}

/// A cell as people read it.
pub fn shown(cell: &Cell) -> String {
    match cell {
        Cell::State(state) => state_word(*state).to_owned(),
        Cell::Day(_) | Cell::Count(_) | Cell::Text(_) | Cell::Unknown => cell.to_string(),
    }
}

/// A moment on the clocks of China: `2026-03-02 10:00:00`.
pub fn clock_time(at: UnixSecs) -> String {
    let day = at.business_day();
    let secs = at.secs_since(day.start());
    format!("{day} {:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_apart() {
        let all = [DayState::Open, DayState::Provisional, DayState::Closed, DayState::Sealed];
        let words: std::collections::BTreeSet<_> = all.into_iter().map(state_word).collect();
        assert_eq!(words.len(), all.len());
        assert_eq!(shown(&Cell::State(DayState::Open)), "进行中");
        assert_eq!(shown(&Cell::Unknown), "—");
    }

    #[test]
    fn a_moment_is_told_in_chinas_time() {
        assert_eq!(clock_time(UnixSecs(1_767_196_799)), "2025-12-31 23:59:59");
        assert_eq!(clock_time(UnixSecs(1_767_196_800)), "2026-01-01 00:00:00");
    }
}
