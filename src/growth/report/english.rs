//! What the reports' titles and columns mean, in English: for programs and for the console's English page. Tables, CSV,
//! workbooks and the small print speak Chinese.

use super::ReportName;

/// A column in English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct English {
    /// What stands above it.
    pub title: String,
    /// What it counts and what not.
    pub meaning: &'static str,
}

/// What stands above a report.
pub fn title(name: ReportName) -> &'static str {
    match name {
        ReportName::Followers => "Followers",
        ReportName::Activity => "Activity",
        ReportName::Unique => "Distinct active customers",
        ReportName::Retention => "Retention",
        ReportName::Survival => "Follows still standing",
        ReportName::Referral => "Referral",
        ReportName::KFactor => "K factor",
        ReportName::Cycle => "Referral cycle time",
        ReportName::Menu => "Menu taps",
        ReportName::Unanswered => "Not answered",
        ReportName::Datacube => "Beside the platform's statistics",
    }
}

/// `d7`, `w3`, `t7`: a column of the n-th day or week of a cohort, or of a window of n days.
pub fn is_nth(name: &str) -> bool {
    name.strip_prefix(['d', 'w', 't']).is_some_and(|n| n.parse::<u8>().is_ok())
}

/// What a column is called and what it means; `None` for one that is not known here.
pub fn column(name: &str) -> Option<English> {
    if let Some(of) = name.strip_suffix("_previous") {
        let meaning = "The same number of the period before, on the same weekdays.";
        return column(of).map(|of| English { title: format!("{} (before)", of.title), meaning });
    }
    if let Some(of) = name.strip_suffix("_change") {
        let meaning = "This period less the one before; not compared until both are final.";
        return column(of).map(|of| English { title: format!("{} (change)", of.title), meaning });
    }
    if name.starts_with('t') && is_nth(name) {
        let title = format!("Within {} days", name.get(1..).unwrap_or_default());
        let meaning =
            "Friends attributed to customers of the row within n days of their own first follow; — until it is over.";
        return Some(English { title, meaning });
    }
    if is_nth(name) {
        let unit = if name.starts_with('d') { "Day" } else { "Week" };
        let title = format!("{unit} {}", name.get(1..).unwrap_or_default());
        let meaning = "How many of the row are still there on the n-th day (or week) after; — until it is over.";
        return Some(English { title, meaning });
    }
    let (title, meaning) = match name {
        "day" => ("Day", "Business day, cut at 0:00 in China."),
        "state" => (
            "State",
            "How final the row is: open (today), provisional (just over), closed (late messages may still change it), \
             sealed.",
        ),
        "first_follows" => ("First follows", "Customers who followed for the first time."),
        "refollows" => ("Re-follows", "Follows by customers who had left and came back."),
        "follows" => ("Follows", "All follows of the day: first and again."),
        "unfollows" => ("Unfollows", "Unfollows of the day."),
        "net" => ("Net", "Follows less unfollows."),
        "total" => ("Followers", "Followers at the end of the day."),
        "messages" => ("Messages", "Messages, taps and scans of customers."),
        "follows_platform" => ("Follows (platform)", "New followers in the platform's statistics, over all sources."),
        "unfollows_platform" => {
            ("Unfollows (platform)", "Lost followers in the platform's statistics, over all sources.")
        }
        "net_difference" => ("Net difference", "The platform's net less ours; 0 when nothing was lost on the way."),
        "total_platform" => ("Followers (platform)", "Followers at the end of the day in the platform's statistics."),
        "total_gap" => {
            ("Follower gap", "The platform's followers less ours: those from before us, and every difference since.")
        }
        "messages_and_scans" => (
            "Messages and scans",
            "Messages and scans that reached us, no taps; counted otherwise there: no difference.",
        ),
        "messages_platform" => {
            ("Messages (platform)", "Texts, pictures, voices, videos and links in the platform's statistics.")
        }
        "dau" => ("Active", "Distinct customers active on the day."),
        "r7" => (
            "Active in 7 days",
            "Distinct customers active on at least one of the 7 days up to this one; not a sum of days.",
        ),
        "r30" => (
            "Active in 30 days",
            "Distinct customers active on at least one of the 30 days up to this one; not a sum of days.",
        ),
        "new" => ("New", "Active on the day for the first time ever."),
        "returning" => ("Returning", "Active on the day and on the one before."),
        "resurrected" => ("Resurrected", "Active on the day, not on the one before, but some time earlier."),
        "dormant" => ("Gone quiet", "Active on the day before, not on this one; known when the day is over."),
        "from" => ("From", "First day of the period."),
        "to" => ("To", "Last day of the period."),
        "customers" => ("Customers", "Distinct customers; somebody who is there on many days counts once."),
        "cohort" => {
            ("Cohort", "The day that the customers of the row have in common: their first active one, or their follow.")
        }
        "size" => ("Size", "How many customers the cohort has."),
        "channel" => ("Channel", "The channel of a customer's first follow; empty without a code."),
        "campaign" => ("Campaign", "The campaign that the personal code is of."),
        "referrer" => ("Referrer", "Who invited, by a keyed hash that leads back to nobody."),
        "reason" => ("Reason", "Why an invite does not count; empty for those that were attributed."),
        "attributed" => {
            ("Attributed", "Friends whose first follow ever was by a personal code, credited to its owner.")
        }
        "qualified" => ("Qualified", "Of those, who did in time what the campaign asks for; — until the time is over."),
        "clawed_back" => {
            ("Clawed back", "Of those, who left within the hold, qualified or not; — until the hold is over.")
        }
        "refused" => ("Refused", "First follows by a personal code that are nobody's credit."),
        "rewards_granted" => ("Rewards granted", "Rewards of the campaign that were given on the day."),
        "matured" => {
            ("Matured", "Of the attributed, who qualified and had not left when the hold was over; caps aside.")
        }
        "again" => ("Not new", "Came by a personal code, but it was no first follow; never counted as a new friend."),
        "coded" => ("By a personal code", "All first follows by a personal code: attributed and refused."),
        "kept_t7" => {
            ("Within 7 days, kept", "Of those within 7 days, who qualified and stayed; — until that is known.")
        }
        "kept_t30" => {
            ("Within 30 days, kept", "Of those within 30 days, who qualified and stayed; — until that is known.")
        }
        "days" => ("Days", "Business days from the inviter's own first follow to the friend's."),
        "friends" => ("Friends", "Attributed friends who came in the period after so many days."),
        "within" => ("Up to here", "Friends who came after so many days or fewer."),
        "key" => ("Key", "What taps are counted under: a menu entry's key, page or address."),
        "label" => ("Label", "What is written on the button now."),
        "taps" => ("Taps", "How often it was tapped."),
        "text" => ("Words", "What customers wrote."),
        "times" => ("Times", "How often it was written."),
        "last" => ("Last", "The last day that it was written."),
        _ => return None,
    };
    Some(English { title: title.to_owned(), meaning })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counters::Counters;
    use crate::growth::lateness::Lateness;
    use crate::growth::report::{AsOf, Asked, Compare, Context, Measure, Period, build};

    #[test]
    fn every_column_of_every_report_is_explained() {
        let period = Period::new(BusinessDay(20_000), BusinessDay(20_000)).unwrap();
        for name in ReportName::ALL {
            let clock = AsOf { now: BusinessDay(20_001).start(), lateness: Lateness::default() };
            let measure = if name == ReportName::Retention { Measure::Weekly } else { Measure::OnDay };
            for (measure, compare) in [(Measure::OnDay, Compare::Nothing), (measure, Compare::Previous)] {
                let asked = Asked { measure, compare, ..Asked::new(name, period) };
                let table = build(&asked, clock, &Counters::default(), &Context::default());
                assert!(!table.columns.is_empty(), "{name:?}");
                let mut titles = std::collections::BTreeSet::new();
                for column in table.columns {
                    let english = super::column(&column.name);
                    let title = english.map(|english| english.title);
                    assert!(title.is_some_and(|title| titles.insert(title)), "{name:?}: {}", column.name);
                }
            }
        }
    }
}
