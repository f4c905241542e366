//! What a customer is asked for an order between the choice and the confirmation: an address, a name.

use super::super::details::{Came, Details};
use super::super::{Outcome, View};
use super::settings::{Choice, Order};
use crate::domain::value::Values;

impl Order {
    /// A choice was made: what is not told yet is asked, and then whether all of it is right.
    pub(super) fn chosen(&self, view: &View<'_>, choice: &Choice, mut slots: Values) -> Outcome {
        let Some(details) = &self.details else { return self.ask_to_confirm(view, choice, slots) };
        slots.extend(self.offer(choice).map(|(name, value)| (name.to_owned(), value)));
        let mut out = Outcome::default();
        let came = details.begin(view, slots, &mut out);
        self.came(view, choice, (came, out))
    }

    /// Words in answer to what is asked.
    pub(super) fn hear_detail(&self, view: &View<'_>, choice: &Choice, (slots, words): (Values, &str)) -> Outcome {
        // The operator asks for nothing any more.
        let Some(details) = &self.details else { return self.ask_to_confirm(view, choice, slots) };
        let mut out = Outcome::default();
        let came = details.go_on(view, (slots, words), &mut out);
        self.came(view, choice, (came, out))
    }

    fn came(&self, view: &View<'_>, choice: &Choice, (came, mut out): (Came, Outcome)) -> Outcome {
        match came {
            Came::Asked(reply, slots) => {
                out.reply = reply;
                out.dialogue = Some(self.stand(view, Details::step_name(), slots));
                out
            }
            Came::Gathered(slots) => self.ask_to_confirm(view, choice, slots),
            Came::Left(slots) => self.show_list(view, slots),
            Came::Cancelled => self.cancel(view),
        }
    }

    /// Whether all that is asked for is told, by what is asked for now.
    pub(super) fn is_told(&self, view: &View<'_>, slots: &Values) -> bool {
        self.details.as_ref().is_none_or(|details| {
            matches!(details.begin(view, slots.clone(), &mut Outcome::default()), Came::Gathered(_))
        })
    }

    /// Nothing was ordered, and nothing of what was told is kept.
    pub(super) fn cancel(&self, view: &View<'_>) -> Outcome {
        let mut out = Outcome::default();
        out.reply = view.text(&mut out, &self.cancelled, &Values::new());
        out
    }
}
