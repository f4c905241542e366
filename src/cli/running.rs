//! What a command asks of the running server, because that holds the store.

use anyhow::Context as _;
use serde_json::Value;
use url::Url;

/// Posts nothing but the address; the status and the JSON of the answer, `null` when it is none.
///
/// # Errors
/// No server answers there.
pub(super) async fn post((url, token): (Url, String)) -> anyhow::Result<(u16, Value)> {
    let request = crate::backend::client()?.post(url).bearer_auth(token);
    // An openid may be part of the address.
    let answer = request.send().await.map_err(reqwest::Error::without_url);
    let answer = answer.context("the store is in use, and no server answers; stop what uses it and try again")?;
    Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
}
