//! Values that must never be printed.

use std::fmt;

/// A secret: a token, a key, a password. Neither `Debug` nor anything else prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where the store is. The address may carry a password, which is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// Wraps an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The address with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str(&self.0) };
        // A password may hold any character, so everything before the last @ is hidden; another one may stand after the ?.
        let hidden = |place: &str| match place.split_once('?') {
            Some((place, asked)) if asked.contains("password") => format!("{place}?***"),
            _ => place.to_owned(),
        };
        match rest.rsplit_once('@') {
            Some((_, place)) => write!(f, "{scheme}://***@{}", hidden(place)),
            None => write!(f, "{scheme}://{}", hidden(rest)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "Secret(…)");
        let url = StoreUrl::new("redis+sentinel://me:p@ss/w@h1:26379,h2:26379/0?master=M");
        assert_eq!(url.to_string(), "redis+sentinel://***@h1:26379,h2:26379/0?master=M");
        let url = StoreUrl::new("redis+sentinel://h1/0?master=M&sentinel_password=s3cret");
        assert_eq!(url.to_string(), "redis+sentinel://h1/0?***");
        assert_eq!(format!("{:?}", StoreUrl::new("embedded:")), "StoreUrl(embedded:)");
        assert_eq!(StoreUrl::new("redis://h:6379").to_string(), "redis://h:6379");
    }
}
