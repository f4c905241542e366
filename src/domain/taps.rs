//! Links in words that say something back when they are tapped (platform.md 3.1), and what ties such a tap to the question
//! under which it was read.
//!
//! A link of the playbook has the id [`FREE`]: its words mean what they would mean if they were typed. Where the words are
//! meant for the dialogue that is open when the message is made, the id is replaced by one of `DIGITS` digits: how the
//! message may leave, where the dialogue stood, and the place of the link in the message. A tap that bears another place
//! than the one where the dialogue stands is an old one, and chooses nothing.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::actions::{ActionKind, Claim, Outcome, View};
use super::customer::{Customer, Dialogue};
use super::ids::ActionKey;
use super::notes::MAX_TEXT_BYTES;
use super::playbook::Playbook;
use super::reply::Reply;
use super::time::UnixSecs;

/// The id of a link that is not tied to anything. Ids are numbers in the platform's documentation.
pub const FREE: &str = "1";
/// How a link begins, up to what it says.
pub(super) const OPENS: &str = "<a href=\"weixin://bizmsgmenu?msgmenucontent=";
/// What stands between what it says and its id.
pub(super) const ID: &str = "&msgmenuid=";
const CLOSES: &str = "</a>";
/// So many digits has the id of a tied link: one, eleven and two.
const DIGITS: usize = 14;
const PLACES: u64 = 100_000_000_000;
const AS_TEXT: char = '1';
const AS_MENU: char = '2';
/// The platform has limits on menus and does not print them (45098, 45099): beyond these the words leave as a text.
const MOST_ITEMS: usize = 10;
const MOST_ITEM_BYTES: usize = 128;
/// Said of an old choice where the playbook has no words for it.
pub(super) const OLD: &str = "这是之前的选项，已经过了，什么也没有改动。";

/// Where a dialogue stands, as far as a choice depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    /// Of an action's dialogue.
    pub(super) fn of((key, action): (&ActionKey, &dyn ActionKind), customer: &Customer, dialogue: &Dialogue) -> Self {
        let digest = Sha256::digest(format!("{key}\0{}", action.place(customer, dialogue)));
        Self(digest.iter().take(8).fold(0, |place: u64, byte| place << 8 | u64::from(*byte)) % PLACES)
    }

    /// The place that the id of a tapped link bears; `None` for a link that is not tied.
    pub fn in_id(id: &str) -> Option<Self> {
        let is_ours =
            id.len() == DIGITS && id.starts_with([AS_TEXT, AS_MENU]) && id.bytes().all(|b| b.is_ascii_digit());
        id.get(1..DIGITS - 2).filter(|_| is_ours)?.parse().ok().map(Self)
    }
}

/// A link in a text.
struct Link<'t> {
    at: Range<usize>,
    said: &'t str,
    id: &'t str,
    label: &'t str,
}

impl Link<'_> {
    /// What a tap says.
    fn words(&self) -> String {
        let query = format!("w={}", self.said);
        let (_, words) = url::form_urlencoded::parse(query.as_bytes()).next().unwrap_or_default();
        words.into_owned()
    }

    /// The label, with the words where it does not show them.
    fn plain(&self) -> String {
        let words = self.words();
        if self.label.contains(&words) { self.label.to_owned() } else { format!("{}（{words}）", self.label) }
    }
}

fn links(text: &str) -> Vec<Link<'_>> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(OPENS)).map(|at| from + at) {
        from = start + OPENS.len();
        let read = || {
            let (target, rest) = text.get(from..)?.split_once("\">")?;
            let (said, id) = target.split_once(ID)?;
            let (label, _) = rest.split_once(CLOSES)?;
            let end = from + target.len() + "\">".len() + label.len() + CLOSES.len();
            Some(Link { at: start..end, said, id, label })
        };
        if let Some(link) = read() {
            from = link.at.end;
            all.push(link);
        }
    }
    all
}

/// The text with each of its links written anew; what is written for `None` is left as it is.
fn rewritten(text: &str, write: impl Fn(usize, &Link<'_>) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() + DIGITS * 4);
    let mut done = 0;
    for (nth, link) in links(text).iter().enumerate() {
        out.push_str(text.get(done..link.at.start).unwrap_or_default());
        let whole = || text.get(link.at.clone()).unwrap_or_default().to_owned();
        out.push_str(&write(nth, link).unwrap_or_else(whole));
        done = link.at.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Ties the links whose words the dialogue takes.
fn tied(text: &str, (place, way): (Place, char), takes: impl Fn(&str) -> bool) -> String {
    let tied = rewritten(text, |nth, link| {
        let is_meant = link.id == FREE && takes(&link.words());
        is_meant
            .then(|| format!("{OPENS}{}{ID}{way}{:011}{:02}\">{}{CLOSES}", link.said, place.0, nth % 100, link.label))
    });
    // What does not fit is read and typed: a list that is cut offers less than there is.
    if tied.len() > MAX_TEXT_BYTES { without_choices(&tied) } else { tied }
}

/// The text with the links of choices taken off.
fn without_choices(text: &str) -> String {
    rewritten(text, |_, link| Place::in_id(link.id).map(|_| link.plain()))
}

/// The text with all of its links that say something taken off: the shortest that it can become.
pub fn shortest(text: &str) -> String {
    rewritten(text, |_, link| Some(link.plain()))
}

/// How many bytes the text has once all of its links are tied.
pub fn with_ids(text: &str) -> usize {
    text.len() + links(text).len() * (DIGITS - FREE.len())
}

/// What a tap in this text would say, and the id it would bear: the link whose label or words are these.
pub fn tap(text: &str, named: &str) -> Option<(String, String)> {
    let all = links(text);
    let found =
        all.iter().find(|link| link.label == named).or_else(|| all.iter().find(|link| link.words() == named))?;
    Some((found.words(), found.id.to_owned()))
}

/// A question as a menu to tap (platform.md 4.9, `msgmenu`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Above the choices.
    pub head: String,
    /// Id and words of each.
    pub items: Vec<(String, String)>,
    /// Below them.
    pub tail: String,
}

/// The text as a menu; `None` where it has to leave as it is: it asks nothing, its action does not want it, or something of
/// it cannot stand in a menu.
pub fn menu(text: &str) -> Option<Menu> {
    let all = links(text);
    let is_choice = |link: &Link<'_>| link.id.starts_with(AS_MENU) && Place::in_id(link.id).is_some();
    if all.is_empty() || all.len() > MOST_ITEMS || !all.iter().all(is_choice) {
        return None;
    }
    let items: Vec<(String, String)> = all.iter().map(|link| (link.id.to_owned(), link.words())).collect();
    let fits = |words: &str| (1..=MOST_ITEM_BYTES).contains(&words.len()) && !words.contains('\n');
    let is_told_apart = |nth: usize, words: &str| items.iter().skip(nth + 1).all(|(_, other)| other != words);
    if !items.iter().enumerate().all(|(nth, (_, words))| fits(words) && is_told_apart(nth, words)) {
        return None;
    }
    let (mut head, mut tail) = (String::new(), String::new());
    let mut left = all.len();
    for line in text.split('\n') {
        let is_above = left > 0;
        let on_it = links(line);
        left = left.saturating_sub(on_it.len());
        let rest = rewritten(line, |_, _| Some(String::new()));
        // A line that only names choices is the choices.
        if !on_it.is_empty() && !rest.trim_start_matches(|c: char| c.is_ascii_digit()).contains(char::is_alphanumeric) {
            continue;
        }
        let part = if is_above { &mut head } else { &mut tail };
        let _ = writeln!(part, "{}", rewritten(line, |_, link| Some(link.label.to_owned())));
    }
    let (head, tail) = (head.trim().to_owned(), tail.trim().to_owned());
    // Nobody has said what a client makes of a link there.
    let is_plain = |part: &str| !part.contains("<a ") && !part.contains("://");
    (is_plain(&head) && is_plain(&tail)).then_some(Menu { head, items, tail })
}

/// Ties the links of an outcome to the dialogue it says it is about, where that is another than the one it keeps.
pub(super) fn tie_outcome(playbook: &Playbook, customer: &Customer, outcome: &mut Outcome) {
    if let Some(about) = outcome.about.take() {
        tie(playbook, (customer, &about), &mut outcome.reply);
    }
}

/// Ties the links of a reply to the customer's dialogue, if one is open.
pub(super) fn tie_open(playbook: &Playbook, customer: &Customer, (reply, now): (&mut Reply, UnixSecs)) {
    if let Some(open) = customer.dialogue.as_ref().filter(|open| open.expires > now) {
        tie(playbook, (customer, open), reply);
    }
}

fn tie(playbook: &Playbook, (customer, dialogue): (&Customer, &Dialogue), reply: &mut Reply) {
    let (Reply::Text(text), Some(kind)) = (reply, playbook.actions.get(&dialogue.action)) else { return };
    let action = kind.as_action();
    if text.contains(OPENS) {
        let place = Place::of((&dialogue.action, action), customer, dialogue);
        let way = if action.taps() { AS_MENU } else { AS_TEXT };
        *text = tied(text, (place, way), |words| action.claim(dialogue, words) == Claim::Meant);
    }
}

/// After a tap on an old choice: the dialogue as it is, and its question once more.
pub(super) fn stay(playbook: &Playbook, view: &View<'_>, outcome: &mut Outcome) {
    let Some(open) = view.customer.dialogue.as_ref().filter(|open| open.expires > view.moment.now) else { return };
    if let Some((key, kind)) = playbook.actions.get_key_value(&open.action)
        && let Reply::Text(asked) = kind.as_action().asks_again(&View { action: key, ..*view }, open)
        && let Reply::Text(text) = &mut outcome.reply
        && text.len() + 2 + shortest(&asked).len() <= MAX_TEXT_BYTES
    {
        *text = format!("{text}\n\n{asked}");
    }
    outcome.dialogue = Some(open.clone());
}

#[cfg(test)]
mod tests;
