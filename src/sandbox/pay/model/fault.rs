//! What the payment platform refuses with (platform.md 6.2).

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Its code.
    pub code: &'static str,
    /// Its words.
    pub message: &'static str,
}

impl Fault {
    pub(crate) const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    pub(crate) const fn parameter(message: &'static str) -> Self {
        Self::new(400, "PARAM_ERROR", message)
    }

    pub(crate) const fn invalid(message: &'static str) -> Self {
        Self::new(400, "INVALID_REQUEST", message)
    }

    pub(crate) const fn no_order() -> Self {
        Self::new(404, "ORDER_NOT_EXIST", "订单不存在")
    }

    pub(crate) const fn missing() -> Self {
        Self::new(404, "RESOURCE_NOT_EXISTS", "查询的资源不存在")
    }

    pub(crate) const fn no_bill() -> Self {
        Self::new(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    }

    pub(crate) const fn no_right() -> Self {
        Self::new(403, "NO_AUTH", "商户无权限")
    }

    pub(crate) const fn system() -> Self {
        Self::new(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    }

    /// As the platform writes it.
    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}
