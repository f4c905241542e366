//! Where every value of a file stands.

use std::ops::Range;

use serde_path_to_error::Segment;

/// Positions of a value and of everything in it, in bytes of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// The value.
    pub at: Range<usize>,
    /// What is in it.
    pub items: Items,
}

/// What a value holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Items {
    /// Nothing further.
    #[default]
    Leaf,
    /// The elements of a list.
    List(Vec<Spans>),
    /// The entries of a table.
    Table(Vec<Entry>),
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Range<usize>,
    /// The value.
    pub value: Spans,
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the entry of this key.
    Key(String),
    /// To the element of this index.
    Index(usize),
}

impl Spans {
    /// Where `path` leads: the key, if the last step was one, and the value. What is not there is found at the
    /// nearest place above it.
    pub fn find(&self, path: &[Step]) -> (Option<Range<usize>>, &Self) {
        let mut found = (None, self);
        for step in path {
            let next = match (&found.1.items, step) {
                (Items::List(list), Step::Index(index)) => list.get(*index).map(|value| (None, value)),
                (Items::Table(table), Step::Key(key)) => {
                    table.iter().find(|entry| entry.key == *key).map(|entry| (Some(entry.key_at.clone()), &entry.value))
                }
                _ => None,
            };
            match next {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }
}

/// Reads a path as people write it: `choices[0].label`.
pub fn steps(path: &str) -> Vec<Step> {
    let key = |text: &str| Step::Key(text.to_owned());
    path.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| part.strip_suffix(']').and_then(|index| index.parse().ok()).map_or_else(|| key(part), Step::Index))
        .collect()
}

/// The path of a serde error as steps; enum variants are no step of the file.
pub fn steps_of(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            _ => None,
        })
        .collect()
}

/// The value that `path` leads to.
pub fn value_at<'a>(root: &'a serde_json::Value, path: &[Step]) -> Option<&'a serde_json::Value> {
    path.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_people_write_it() {
        let key = |text: &str| Step::Key(text.into());
        assert_eq!(steps("choices[2].label"), [key("choices"), Step::Index(2), key("label")]);
        assert_eq!(steps("reply"), [key("reply")]);
        assert_eq!(steps(""), []);
    }
}
