//! Lists of openids, page by page (platform.md 4.7).

use std::ops::Bound;

use serde_json::{Value, json};

use crate::domain::ids::Openid;
use crate::sandbox::model::{Customer, State};

/// How a list is shown.
pub enum Total {
    /// With how many there are in all.
    Shown,
    /// Without.
    Hidden,
}

/// The page after an openid: the end is a page without `data`, and `next_openid` is the last openid of a page even if
/// nobody comes after it.
pub fn page(state: &State, after: &str, (total, on_list): (Total, &dyn Fn(&Customer) -> bool)) -> Value {
    let after = Openid::from(after);
    let from = if after.as_str().is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
    let later = state.customers.range((from, Bound::Unbounded)).filter(|(_, customer)| on_list(customer));
    let page: Vec<&Openid> = later.map(|(openid, _)| openid).take(state.conditions.page_rows).collect();
    let mut shown = json!({});
    if let Some(fields) = shown.as_object_mut() {
        if matches!(total, Total::Shown) {
            let all = state.customers.values().filter(|customer| on_list(customer)).count();
            fields.insert("total".to_owned(), all.into());
        }
        fields.insert("count".to_owned(), page.len().into());
        let next = page.last().map(|openid| openid.to_string()).unwrap_or_default();
        if !page.is_empty() {
            fields.insert("data".to_owned(), json!({ "openid": page }));
        }
        fields.insert("next_openid".to_owned(), next.into());
    }
    shown
}
