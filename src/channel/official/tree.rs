//! A message as a flat list of elements in document order, each knowing its depth: cheap to build, easy to look up.

use std::borrow::Cow;
use std::str::FromStr;

/// Deeper than this is no message.
pub(super) const MAX_DEPTH: u8 = 16;
/// More elements than this are no message.
pub(super) const MAX_ELEMENTS: usize = 1024;
/// A longer name is no name.
pub(super) const MAX_NAME_BYTES: usize = 128;

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its name.
    pub(super) name: Cow<'a, str>,
    /// Its own text; that of its children is theirs.
    pub(super) text: Cow<'a, str>,
    /// 0 for the root.
    pub(super) depth: u8,
}

/// The elements of a message; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree<'a>(Vec<Element<'a>>);

impl<'a> Tree<'a> {
    /// Wraps elements in document order; `None` without a root.
    pub(super) fn new(elements: Vec<Element<'a>>) -> Option<Self> {
        elements.first().is_some_and(|root| root.depth == 0).then_some(Self(elements))
    }

    /// The root.
    pub(super) fn root(&self) -> Node<'_> {
        Node(&self.0)
    }
}

/// One element together with everything after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'t>(&'t [Element<'t>]);

impl<'t> Node<'t> {
    fn own(self) -> Option<&'t Element<'t>> {
        self.0.first()
    }

    /// Its name.
    pub(super) fn name(self) -> &'t str {
        self.own().map_or("", |element| &element.name)
    }

    /// Its text exactly as sent.
    pub(super) fn value(self) -> &'t str {
        self.own().map_or("", |element| &element.text)
    }

    /// Everything below it, in document order.
    pub(super) fn descendants(self) -> impl Iterator<Item = Node<'t>> {
        let depth = self.own().map_or(0, |element| element.depth);
        let below = self.0.get(1..).unwrap_or_default();
        // Everything is below the root, and most questions are asked of it.
        let end = if depth == 0 { None } else { below.iter().position(|element| element.depth <= depth) };
        let end = end.unwrap_or(below.len());
        (0..end).map(move |index| Node(below.get(index..).unwrap_or_default()))
    }

    /// Its children, in document order.
    pub(super) fn children(self) -> impl Iterator<Item = Node<'t>> {
        let depth = self.own().map_or(0, |element| element.depth);
        self.descendants().filter(move |node| node.own().is_some_and(|element| element.depth == depth + 1))
    }

    /// Its children of a name.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = Node<'t>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first child of a name: a later one never overrides it (platform.md 9.26).
    pub(super) fn child(self, name: &str) -> Option<Node<'t>> {
        self.all(name).next()
    }

    /// A child's text exactly as sent, empty if it is missing.
    pub(super) fn get(self, name: &str) -> &'t str {
        self.child(name).map_or("", Node::value)
    }

    /// A child's text, empty if it is missing.
    pub(super) fn text(self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// A child's text, `None` if it is missing or empty.
    pub(super) fn some_text(self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A child's number, `None` if it is missing or no number.
    pub(super) fn number<N: FromStr>(self, name: &str) -> Option<N> {
        self.get(name).trim().parse().ok()
    }

    /// A child's decimal number, `None` if it is missing or not a finite one.
    pub(super) fn decimal(self, name: &str) -> Option<f64> {
        self.number(name).filter(|number: &f64| number.is_finite())
    }

    /// Whether a child says yes: any number but 0.
    pub(super) fn flag(self, name: &str) -> bool {
        self.number::<i64>(name).is_some_and(|number| number != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &'static str, text: &'static str, depth: u8) -> Element<'static> {
        Element { name: name.into(), text: text.into(), depth }
    }

    #[test]
    fn children_are_those_one_below_and_the_first_of_a_name_counts() {
        let tree = Tree::new(vec![
            element("xml", "", 0),
            element("a", "1", 1),
            element("list", "", 1),
            element("item", "", 2),
            element("a", "deep", 3),
            element("item", "x", 2),
            element("a", "2", 1),
        ])
        .unwrap();
        let root = tree.root();
        assert_eq!(root.children().map(Node::name).collect::<Vec<_>>(), ["a", "list", "a"]);
        assert_eq!(root.number::<u8>("a"), Some(1));
        let list = root.child("list").unwrap();
        assert_eq!(list.all("item").map(|item| item.get("a")).collect::<Vec<_>>(), ["deep", ""]);
        assert_eq!(list.descendants().count(), 3);
        assert_eq!((root.get("none"), root.some_text("list"), root.flag("a")), ("", None, true));
    }

    #[test]
    fn without_a_root_there_is_no_tree() {
        assert_eq!(Tree::new(Vec::new()), None);
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        let tree = Tree::new(vec![element("xml", "", 0), element("n", "NaN", 1), element("m", " 2.5 ", 1)]).unwrap();
        assert_eq!((tree.root().decimal("n"), tree.root().decimal("m")), (None, Some(2.5)));
    }
}
