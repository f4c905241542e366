//! What headers need of the environment. Read once, when the process starts; shown to nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::connector::SECRET_PREFIX;

/// The secrets that connectors may name.
#[derive(Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, String>>);

impl Secrets {
    /// Of these variables those whose name says that they are secrets for connectors. White space around a value is what a
    /// file or an editor left there; an empty one is none.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let named = variables.into_iter().filter(|(name, _)| name.starts_with(SECRET_PREFIX));
        let trimmed = named.map(|(name, value)| (name, value.trim().to_owned()));
        Self(Arc::new(trimmed.filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// Those of the environment.
    pub fn of_environment() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(text))
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_for_connectors_is_taken_and_its_value_is_shown_to_nobody() {
        let variables = [("FUWU_SECRET_A", " s3cret\n"), ("FUWU_SECRET_B", " "), ("HOME", "/root"), ("FUWU__X", "y")];
        let secrets = Secrets::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(secrets.get("FUWU_SECRET_A"), Some("s3cret"));
        assert_eq!([secrets.get("FUWU_SECRET_B"), secrets.get("HOME"), secrets.get("FUWU__X")], [None; 3]);
        assert_eq!(format!("{secrets:?}"), "{\"FUWU_SECRET_A\"}");
    }
}
