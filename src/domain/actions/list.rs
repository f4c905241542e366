//! Lists that say the same to every customer. They are filled once, when the playbook is read: filling ten templates is
//! most of what answering with a list would cost.

use super::Outcome;
use crate::domain::template::Template;
use crate::domain::value::Values;

/// The lines of a list, each with the values it is filled with.
pub(super) type Lines<'a> = Vec<(&'a Template, Values)>;

/// What a list says to everybody; nothing where a line of it cannot be filled.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filled(Option<String>);

impl Filled {
    pub(super) fn of(lines: &Lines<'_>) -> Self {
        let lines: Result<Vec<String>, _> = lines.iter().map(|(template, values)| template.fill(values)).collect();
        Self(lines.ok().map(joined))
    }

    /// The list. One that could not be filled is tried again, so that its faults are told.
    pub(super) fn say<'a>(&self, out: &mut Outcome, lines: impl FnOnce() -> Lines<'a>) -> String {
        self.0.clone().unwrap_or_else(|| fill(out, lines()))
    }
}

/// Fills a list for one customer.
pub(super) fn fill(out: &mut Outcome, lines: Lines<'_>) -> String {
    joined(lines.into_iter().map(|(template, values)| out.fill(template, &values)).collect())
}

fn joined(mut lines: Vec<String>) -> String {
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Value;

    fn template(source: &str) -> Template {
        Template::new(source).unwrap()
    }

    #[test]
    fn a_filled_list_says_what_its_lines_say_and_leaves_out_empty_ones() {
        let (head, item, empty) = (template("请选择："), template("{{ number }}. 包"), template(""));
        let lines = || {
            let values = Values::from([("number".to_owned(), Value::Integer(1))]);
            vec![(&head, Values::new()), (&item, values), (&empty, Values::new())]
        };
        let mut out = Outcome::default();
        let never = || -> Lines<'static> { panic!("it is filled already") };
        assert_eq!(Filled::of(&lines()).say(&mut out, never), "请选择：\n1. 包");
        assert_eq!(fill(&mut out, lines()), "请选择：\n1. 包");
        assert_eq!(out, Outcome::default());
    }

    #[test]
    fn a_line_that_cannot_be_filled_is_told_every_time() {
        let (head, item) = (template("请选择："), template("{{ nothing }}"));
        let lines = || vec![(&head, Values::new()), (&item, Values::new())];
        let filled = Filled::of(&lines());
        let mut out = Outcome::default();
        assert_eq!(filled.say(&mut out, lines), "请选择：");
        assert_eq!(out.faults.len(), 1);
    }
}
