//! What a call of the API is, and what it takes to make it.

use actix_web::http::Method;
use serde_json::Value;

use super::call::Call;
use crate::sandbox::model::{ApiFault, Capability};

/// A file in place of JSON.
pub struct File {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: actix_web::web::Bytes,
}

/// What a call answers with.
pub enum Answer {
    /// JSON.
    Json(Value),
    /// A file.
    File(File),
}

impl From<Value> for Answer {
    fn from(json: Value) -> Self {
        Self::Json(json)
    }
}

/// What a call does.
#[derive(Clone, Copy)]
pub enum Run {
    /// Answers JSON.
    Json(fn(&Call<'_>) -> Result<Value, ApiFault>),
    /// Answers JSON or a file.
    Either(fn(&Call<'_>) -> Result<Answer, ApiFault>),
}

/// How a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// GET.
    Get,
    /// POST.
    Post,
    /// Whichever.
    Either,
}

/// How the caller is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// By the access token of the account.
    Token,
    /// By what the call itself asks for.
    Itself,
    /// By the token of a customer's web authorization; no white list holds there.
    Customer,
}

/// A call of the API.
#[derive(Clone, Copy)]
pub struct Api {
    /// Below the API's base, `cgi-bin/menu/create`.
    pub path: &'static str,
    /// How it is made.
    pub by: By,
    /// How the caller is known.
    pub known: Known,
    /// What it needs of the account.
    pub needs: Capability,
    /// Calls a day: of an account, of a test account (platform.md 4.2).
    pub a_day: (u64, u64),
    /// Calls a minute.
    pub a_minute: u64,
    /// What it does.
    pub run: Run,
}

/// For calls whose count is not documented.
const PLENTY: u64 = 10_000_000;

/// A call made by GET.
pub const fn get(path: &'static str, run: fn(&Call<'_>) -> Result<Value, ApiFault>) -> Api {
    Api {
        path,
        by: By::Get,
        known: Known::Token,
        needs: Capability::Anyone,
        a_day: (PLENTY, PLENTY),
        a_minute: PLENTY,
        run: Run::Json(run),
    }
}

/// A call made by POST.
pub const fn post(path: &'static str, run: fn(&Call<'_>) -> Result<Value, ApiFault>) -> Api {
    Api { by: By::Post, ..get(path, run) }
}

/// A call made either way.
pub const fn either(path: &'static str, run: fn(&Call<'_>) -> Result<Value, ApiFault>) -> Api {
    Api { by: By::Either, ..get(path, run) }
}

impl Api {
    /// With a capability it needs.
    pub const fn needs(self, needs: Capability) -> Self {
        Self { needs, ..self }
    }

    /// With its daily counts: of an account, of a test account.
    pub const fn daily(self, account: u64, test: u64) -> Self {
        Self { a_day: (account, test), ..self }
    }

    /// With its count a minute.
    pub const fn minutely(self, a_minute: u64) -> Self {
        Self { a_minute, ..self }
    }

    /// With another way to know the caller.
    pub const fn known(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// Refuses the wrong method.
    pub fn check_method(&self, method: &Method) -> Result<(), ApiFault> {
        match self.by {
            By::Post if method != Method::POST => Err(ApiFault::new(43002, "require POST method")),
            By::Get if method != Method::GET => Err(ApiFault::new(43001, "require GET method")),
            _ => Ok(()),
        }
    }
}
