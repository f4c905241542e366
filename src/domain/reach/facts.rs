//! What a delivery tells of the ways to its customer.

use super::windows::opening;
use super::{Hindrance, Windows};
use crate::domain::customer::Customer;
use crate::domain::inbound::{Event, Report, TemplateOutcome, What};
use crate::domain::time::UnixSecs;

/// The platform: no consent is left (platform.md 4.11).
const NO_CONSENT: i64 = 43101;

/// Why a message that the platform had taken did not arrive, as it reports; for the operator.
pub fn undelivered(what: &What) -> Option<String> {
    let What::Event(Event::Report(report)) = what else { return None };
    match report {
        Report::TemplateSent { outcome: TemplateOutcome::Success, .. } => None,
        Report::TemplateSent { outcome: TemplateOutcome::Blocked, .. } => Some("user block".to_owned()),
        Report::TemplateSent { outcome: TemplateOutcome::SystemFailed, .. } => Some("system failed".to_owned()),
        Report::TemplateSent { outcome: TemplateOutcome::Other(status), .. } => Some(status.clone()),
        Report::SubscriptionsSent(ends) => {
            let failed = ends.iter().find(|end| end.error_code.is_some_and(|code| code != 0))?;
            Some(format!("{} {}", failed.error_code.unwrap_or_default(), failed.error_status))
        }
        _ => None,
    }
}

/// Windows and consents as `what`, done or reported at `at`, leaves them.
pub fn take_note(customer: &mut Customer, what: &What, at: UnixSecs) {
    if let Some(opening) = opening(what) {
        customer.windows.open(opening, at);
        customer.ways.heard_from();
    }
    match what {
        What::Event(Event::SubscriptionsAnswered(choices)) => customer.ways.consents.answered(choices, at),
        What::Event(Event::SubscriptionsChanged(choices)) => customer.ways.consents.changed(choices),
        What::Event(Event::Report(Report::SubscriptionsSent(ends))) => {
            for end in ends.iter().filter(|end| end.error_code == Some(NO_CONSENT)) {
                customer.ways.consents.refused(&end.template_id.as_str().into());
            }
        }
        What::Event(Event::Report(Report::TemplateSent { outcome: TemplateOutcome::Blocked, .. })) => {
            let now: &Windows = &customer.windows;
            customer.ways.learn(Hindrance::Blocked, (now, now), at);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inbound::{Message, SubscriptionChoice, SubscriptionDelivery};

    fn noted(customer: &mut Customer, event: Event) {
        take_note(customer, &What::Event(event), UnixSecs(5));
    }

    fn choices(accepted: bool) -> Vec<SubscriptionChoice> {
        vec![SubscriptionChoice { template_id: "T".into(), accepted, scene: None }]
    }

    #[test]
    fn consents_come_from_pop_ups_and_go_by_settings_and_by_the_platforms_report() {
        let mut customer = Customer::default();
        let left = |customer: &Customer| customer.ways.consents.left(&"T".into());
        noted(&mut customer, Event::SubscriptionsAnswered(choices(true)));
        assert_eq!(left(&customer), 1);
        noted(&mut customer, Event::SubscriptionsChanged(choices(false)));
        assert_eq!(left(&customer), 0);
        noted(&mut customer, Event::SubscriptionsAnswered(choices(true)));
        let sent = |code| SubscriptionDelivery {
            template_id: "T".into(),
            error_code: Some(code),
            ..SubscriptionDelivery::default()
        };
        noted(&mut customer, Event::Report(Report::SubscriptionsSent(vec![sent(0)])));
        assert_eq!(left(&customer), 1, "it was spent when it was sent");
        noted(&mut customer, Event::Report(Report::SubscriptionsSent(vec![sent(43101)])));
        assert_eq!(left(&customer), 0);
        assert!(customer.windows.room(UnixSecs(5)).is_none(), "none of it opens a window");
    }

    #[test]
    fn what_did_not_arrive_is_said_with_its_reason() {
        let said = |report| undelivered(&What::Event(Event::Report(report)));
        let template = |outcome| said(Report::TemplateSent { message_id: "1".into(), outcome });
        assert_eq!(template(TemplateOutcome::Success), None);
        let others = [
            TemplateOutcome::Blocked,
            TemplateOutcome::SystemFailed,
            TemplateOutcome::Other("failed: moved".to_owned()),
        ];
        assert_eq!(others.map(|outcome| template(outcome).unwrap()), ["user block", "system failed", "failed: moved"]);
        let sent = |code: Option<i64>| SubscriptionDelivery {
            error_code: code,
            error_status: "refused".into(),
            ..SubscriptionDelivery::default()
        };
        assert_eq!(said(Report::SubscriptionsSent(vec![sent(Some(0)), sent(None)])), None);
        let one_of_two = Report::SubscriptionsSent(vec![sent(Some(0)), sent(Some(43101))]);
        assert_eq!(said(one_of_two).as_deref(), Some("43101 refused"));
    }

    #[test]
    fn who_blocks_messages_is_known_from_the_platforms_report_until_they_do_something() {
        let mut customer = Customer::default();
        let blocked = Report::TemplateSent { message_id: "1".into(), outcome: TemplateOutcome::Blocked };
        noted(&mut customer, Event::Report(blocked));
        assert_eq!(customer.ways.refused(), Some(Hindrance::Blocked));
        noted(&mut customer, Event::LinkOpened { url: "u".into(), menu_id: None });
        assert_eq!(customer.ways.refused(), Some(Hindrance::Blocked), "that opens nothing");
        take_note(&mut customer, &What::Message(Message::Unsupported), UnixSecs(6));
        assert_eq!(customer.ways.refused(), None);
        assert_eq!(customer.windows.room(UnixSecs(6)).map(|room| room.left), Some(5));
    }
}
