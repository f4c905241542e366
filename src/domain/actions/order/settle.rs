//! How an order ends: done, refused, or nobody knows.

use super::super::{Outcome, View};
use super::{DEFAULT, Mark, Order, marks, with_mark};
use crate::domain::fact::{FactKind, OrderOutcome};
use crate::domain::notice::Noticed;
use crate::domain::question::Answer;
use crate::domain::reply::Reply;
use crate::domain::template::Template;
use crate::domain::value::{Value, Values};

impl Order {
    /// The business system answered, or did not. Silence is not an answer: the same order is put again by the shell.
    pub(super) fn settle(&self, view: &View<'_>, memo: &Values, answer: &Answer) -> Outcome {
        match answer {
            Answer::Loaded(fields) => {
                // What the customer agreed to stands; the business system adds to it.
                let mut values = fields.clone();
                values.extend(memo.clone());
                self.end(view, (memo, OrderOutcome::Done), (&self.receipt, &values))
            }
            Answer::Refused { code } => match self.refused.get(code).or_else(|| self.refused.get(DEFAULT)) {
                Some(template) => self.end(view, (memo, OrderOutcome::Refused), (template, memo)),
                None => Outcome::default(),
            },
            Answer::TimedOut | Answer::Down => Outcome::default(),
        }
    }

    /// No answer came in all the time we asked.
    pub(super) fn give_up(&self, view: &View<'_>, memo: &Values) -> Outcome {
        self.end(view, (memo, OrderOutcome::Unknown), (&self.unknown, memo))
    }

    fn end(&self, view: &View<'_>, (memo, outcome): (&Values, OrderOutcome), text: (&Template, &Values)) -> Outcome {
        let Some(mark) = Mark::from_memo(view, memo, outcome) else { return Outcome::default() };
        let known = marks(view);
        let before = known.iter().find(|known| known.order == mark.order).map(|known| known.outcome);
        // An order ends once; what is told twice was told by an earlier answer. Only "nobody knows" can still change.
        let over = match before {
            Some(OrderOutcome::Done | OrderOutcome::Refused) => true,
            Some(OrderOutcome::Unknown) => outcome == OrderOutcome::Unknown,
            Some(OrderOutcome::Placed) | None => false,
        };
        if over {
            return Outcome::default();
        }
        let mut out = Outcome::default();
        out.reply = self.tell(view, &mut out, (text, &mark));
        out.facts.push(FactKind::Ordered {
            order: mark.order.clone(),
            action: view.action.clone(),
            amount_fen: mark.amount_fen,
            outcome,
        });
        out.memory = Some(with_mark(known, mark));
        out.notice = self.notice.clone().map(|key| Noticed { key, outcome, values: memo.clone() });
        out
    }
}

impl Order {
    /// What is said about an order; how it stands when that cannot be filled. What became of a customer's money is
    /// never passed over in silence.
    pub(super) fn tell(
        &self,
        view: &View<'_>,
        out: &mut Outcome,
        ((template, values), mark): ((&Template, &Values), &Mark),
    ) -> Reply {
        match view.text(out, template, values) {
            Reply::Silent => view.text(out, self.standing_of(mark.outcome), &mark.values()),
            reply => reply,
        }
    }

    /// The words for how an order stands.
    pub(super) fn standing_of(&self, outcome: OrderOutcome) -> &Template {
        match outcome {
            OrderOutcome::Placed => &self.standing.placed,
            OrderOutcome::Done => &self.standing.done,
            OrderOutcome::Refused => &self.standing.refused,
            OrderOutcome::Unknown => &self.standing.unknown,
        }
    }
}

impl Mark {
    /// What the words for how an order stands may use.
    pub(super) fn values(&self) -> Values {
        Values::from([
            ("label".to_owned(), Value::from(self.label.as_str())),
            ("amount".to_owned(), Value::Fen(self.amount_fen)),
            ("order".to_owned(), Value::from(self.order.as_str())),
        ])
    }

    /// The order a memo is about. `None` for a memo that is none of ours.
    fn from_memo(view: &View<'_>, memo: &Values, outcome: OrderOutcome) -> Option<Self> {
        let (Some(Value::Text(order)), Some(Value::Text(label)), Some(Value::Fen(amount_fen))) =
            (memo.get("order"), memo.get("label"), memo.get("amount"))
        else {
            return None;
        };
        let placed = marks(view).into_iter().find(|known| known.order == *order).map(|known| known.at);
        Some(Self {
            order: order.clone(),
            label: label.clone(),
            amount_fen: *amount_fen,
            at: placed.unwrap_or(view.moment.now),
            outcome,
        })
    }
}
