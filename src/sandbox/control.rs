//! Faults and circumstances, changed while the sandbox runs.

use serde_json::{Value, json};

use super::SandboxError;
use super::service::{Sandbox, fresh_token};

impl Sandbox {
    /// Changes the faults that `change` names (`{"slow_ms": 3000}`); 0, an empty list or `null` takes one back. Gives
    /// back all of them.
    ///
    /// # Errors
    /// When `change` holds what is no fault.
    pub fn switch_faults(&self, change: &Value) -> Result<Value, SandboxError> {
        let mut switches = self.switches();
        let changed = switches.changed(change).map_err(SandboxError::BadSwitch)?;
        *switches = changed;
        Ok(json!(&*switches))
    }

    /// Changes the circumstances that `change` names (`{"kind": "subscription"}`); `null` takes one back. Gives back
    /// all of them. The account hears of a certification that is given or taken.
    ///
    /// # Errors
    /// When `change` holds what is no circumstance.
    pub fn change_conditions(&self, change: &Value) -> Result<Value, SandboxError> {
        let now = self.now();
        let mut state = self.keeper().change();
        let changed = state.conditions.changed(self.spec().kind, change).map_err(SandboxError::BadSwitch)?;
        let turned = changed.certified != state.conditions.certified;
        state.conditions = changed;
        if turned {
            state.certified(now)?;
        }
        Ok(json!(state.conditions))
    }

    /// Somebody else with the account's secret takes new tokens: the former ones die at once.
    pub fn replace_tokens(&self) {
        let now = self.now();
        let mut state = self.keeper().change();
        let rules = state.conditions.token_rules();
        state.tokens.replace_all(&fresh_token(), now, rules);
    }
}
