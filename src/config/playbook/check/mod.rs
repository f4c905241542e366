//! The checks: the parts of a draft held against each other and against the platform's limits.

mod actions;
mod campaigns;
mod channels;
mod connectors;
pub mod keywords;
mod menus;
mod notices;
mod pools;
mod references;

use super::draft::Draft;
use super::finding::Finding;

/// Every check but the reading of keywords, which makes something.
pub fn all(draft: &Draft, findings: &mut Vec<Finding>) {
    actions::check(draft, findings);
    campaigns::check(draft, findings);
    channels::check(draft, findings);
    connectors::check(draft, findings);
    menus::check(draft, findings);
    notices::check(draft, findings);
    pools::check(draft, findings);
    if !draft.partial {
        references::check(draft, findings);
    }
}
