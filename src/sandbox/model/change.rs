//! Changing what is switched while the sandbox runs: circumstances and faults.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `own` with what `change` names changed; `null` sets a field back to what it is in `default`.
///
/// # Errors
/// In words, what `change` holds that has no place there.
pub fn changed<T: Serialize + DeserializeOwned>(own: &T, default: &T, change: &Value) -> Result<T, String> {
    let changes = change.as_object().ok_or("not an object")?;
    let (own, default) = (serde_json::to_value(own), serde_json::to_value(default));
    let (Ok(Value::Object(mut all)), Ok(default)) = (own, default) else { return Err("not an object".into()) };
    for (name, value) in changes {
        let default = default.get(name).ok_or_else(|| format!("unknown: {name}"))?;
        let value = if value.is_null() { default } else { value };
        all.insert(name.clone(), value.clone());
    }
    serde_json::from_value(Value::Object(all)).map_err(|fault| fault.to_string())
}
