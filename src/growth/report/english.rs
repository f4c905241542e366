//! What the reports' titles and columns mean, in English. The reports themselves speak Chinese.

use crate::growth::report::ReportName;

pub(super) fn title(name: ReportName) -> &'static str {
    match name {
        ReportName::Followers => "Followers",
        ReportName::Activity => "Activity",
        ReportName::Unique => "Distinct active customers",
        ReportName::Retention => "Retention",
        ReportName::Survival => "Follows still standing",
        ReportName::Menu => "Menu taps",
        ReportName::Unanswered => "Not answered",
        ReportName::Datacube => "Beside the platform's statistics",
    }
}

/// `d7`, `w3`: a column of the n-th day or week of a cohort.
pub(super) fn is_nth(name: &str) -> bool {
    name.strip_prefix(['d', 'w']).is_some_and(|n| n.parse::<u8>().is_ok())
}

/// `None` for a column that is not known here.
pub(super) fn meaning(column: &str) -> Option<&'static str> {
    Some(match column {
        "day" => "Business day, cut at 0:00 in China.",
        "state" => {
            "How final the row is: open (today), provisional (just over), closed (late messages may still change it), \
             sealed."
        }
        "first_follows" => "Customers who followed for the first time.",
        "refollows" => "Follows by customers who had left and came back.",
        "follows" => "All follows of the day: first and again.",
        "unfollows" => "Unfollows of the day.",
        "net" => "Follows less unfollows.",
        "total" => "Followers at the end of the day.",
        "messages" => "Messages, taps and scans of customers.",
        "follows_platform" => "New followers in the platform's statistics, over all sources.",
        "unfollows_platform" => "Lost followers in the platform's statistics, over all sources.",
        "net_difference" => "The platform's net less ours; 0 when nothing was lost on the way.",
        "total_platform" => "Followers at the end of the day in the platform's statistics.",
        "total_gap" => "The platform's followers less ours: those from before us, and every difference since.",
        "messages_and_scans" => "Messages and scans that reached us, no taps; counted otherwise there: no difference.",
        "messages_platform" => "Texts, pictures, voices, videos and links in the platform's statistics.",
        "dau" => "Distinct customers active on the day.",
        "r7" => "Distinct customers active on at least one of the 7 days up to this one; not a sum of days.",
        "r30" => "Distinct customers active on at least one of the 30 days up to this one; not a sum of days.",
        "new" => "Active on the day for the first time ever.",
        "returning" => "Active on the day and on the one before.",
        "resurrected" => "Active on the day, not on the one before, but some time earlier.",
        "dormant" => "Active on the day before, not on this one; known when the day is over.",
        "from" => "First day of the period.",
        "to" => "Last day of the period.",
        "customers" => "Distinct customers; somebody who is there on many days counts once.",
        "cohort" => "The day that the customers of the row have in common: their first active one, or their follow.",
        "size" => "How many customers the cohort has.",
        "key" => "What taps are counted under: a menu entry's key, page or address.",
        "label" => "What is written on the button now.",
        "taps" => "How often it was tapped.",
        "text" => "What customers wrote.",
        "times" => "How often it was written.",
        "last" => "The last day that it was written.",
        nth if is_nth(nth) => {
            "How many of the row are still there on the n-th day (or week) after; — until it is over."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counters::Counters;
    use crate::growth::lateness::Lateness;
    use crate::growth::report::{AsOf, Asked, Context, Period, build};

    #[test]
    fn every_column_of_every_report_is_explained() {
        let period = Period::new(BusinessDay(20_000), BusinessDay(20_000)).unwrap();
        for name in ReportName::ALL {
            let clock = AsOf { now: BusinessDay(20_001).start(), lateness: Lateness::default() };
            let table = build(&Asked::new(name, period), clock, &Counters::default(), &Context::default());
            assert!(!table.columns.is_empty(), "{name:?}");
            for column in table.columns {
                assert!(meaning(&column.name).is_some(), "{name:?}: {}", column.name);
            }
        }
    }
}
