//! What became of a call that brought no answer (platform.md 6.2). The question is always: may it have been done?

use super::stamp::Disbelief;

/// Why a call brought no answer that can be used. Closed; never holds a key, a signature or an openid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// Surely not done: it never left, or nobody was there.
    #[error("the payment platform was not reached: the call was not made")]
    NotSent,
    /// It may have been done. Ask again with the same number, or query; never with another number.
    #[error("the call may have been made ({cause}): ask again with the same number, or query")]
    Unknown {
        /// What came instead of an answer.
        cause: Cause,
    },
    /// Surely not done, and the same may do later: too many calls, or a bill that is still being written.
    #[error("not now: the payment platform says {} (request {})", code.as_str(), shown(request_id))]
    Later {
        /// The platform's code.
        code: Code,
        /// To quote to its support.
        request_id: Option<String>,
    },
    /// Surely not done, and asking the same again will not help.
    #[error("the payment platform refuses with {} (request {})", code.as_str(), shown(request_id))]
    Refused {
        /// The platform's code.
        code: Code,
        /// To quote to its support.
        request_id: Option<String>,
    },
    /// Not asked at all: the platform would refuse it.
    #[error("not asked: {0}")]
    Invalid(#[from] Invalid),
}

/// What came instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Nothing in time, or the connection broke.
    #[error("the answer was lost")]
    Lost,
    /// The platform is not well.
    #[error("HTTP status {0}")]
    Status(u16),
    /// It said a code after which it may be done, or one that we do not know.
    #[error("the platform says {}", .0.as_str())]
    Said(Code),
    /// The platform's signature is not there or not true. What the answer claims is kept for the operator: 401 with
    /// SIGN_ERROR means that our own key or serial is wrong.
    #[error("an answer that is not proven ({disbelief}; it says {})", claimed.as_ref().map_or("nothing", Code::as_str))]
    Unproven {
        /// Why it is not believed.
        disbelief: Disbelief,
        /// The code it bears.
        claimed: Option<Code>,
    },
    /// It is signed, and not what was asked for.
    #[error("an answer that cannot be read")]
    Unreadable,
}

/// What the platform would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Invalid {
    /// Nothing, less than nothing, or more than the order.
    #[error("the amount must be positive, and a refund no more than the order")]
    Amount,
    /// Empty or too long.
    #[error("the description must have 1 to 127 characters")]
    Description,
    /// Too long.
    #[error("attach must have at most 128 characters")]
    Attach,
    /// Too long.
    #[error("the reason must have at most 80 characters")]
    Reason,
    /// Not https (http on the loopback), with a query, or too long.
    #[error("the address for notifications must be https, without a query, of at most 255 characters")]
    NotifyUrl,
    /// A time that is none.
    #[error("the end of the order is no time")]
    Expiry,
    /// The bill's address is not the platform's: the signature is not sent there.
    #[error("the address of the bill is not the payment platform's")]
    BillUrl,
    /// Our key does not sign.
    #[error("the request could not be signed")]
    Unsigned,
}

impl PayError {
    /// Whether the call may have been done all the same. Of every other error it is sure that it was not.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether the same call, with the same number, may do later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotSent | Self::Unknown { .. } | Self::Later { .. })
    }

    /// The code of a final refusal.
    pub fn refusal(&self) -> Option<&Code> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    pub(super) fn unreadable() -> Self {
        Self::Unknown { cause: Cause::Unreadable }
    }
}

fn shown(request_id: &Option<String>) -> &str {
    request_id.as_deref().unwrap_or("unknown")
}

/// What is to be made of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Surely not done, for good.
    Final,
    /// Surely not done yet.
    Later,
    /// It may be done.
    Unsure,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal $weight:ident,)*) => {
        /// What the platform calls a refusal.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// One that we do not know: nothing is sure.
            Other(String),
        }

        impl Code {
            /// From the platform's word; an unknown one is cut to what a log can bear.
            pub(super) fn read(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    other => {
                        let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                        Self::Other(other.chars().filter(fits).take(64).collect())
                    }
                }
            }

            /// The platform's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }

            pub(super) fn weight(&self) -> Weight {
                match self {
                    $(Self::$name => Weight::$weight,)*
                    Self::Other(_) => Weight::Unsure,
                }
            }
        }
    };
}

codes! {
    /// A field is wrong.
    ParamError = "PARAM_ERROR" Final,
    /// Not possible in this state, or with these fields.
    InvalidRequest = "INVALID_REQUEST" Final,
    /// Our signature is wrong.
    SignError = "SIGN_ERROR" Final,
    /// The merchant has no right to this.
    NoAuth = "NO_AUTH" Final,
    /// No such order.
    OrderNotExist = "ORDER_NOT_EXIST" Final,
    /// No such refund or bill.
    ResourceNotExists = "RESOURCE_NOT_EXISTS" Final,
    /// The order is paid.
    OrderPaid = "ORDERPAID" Final,
    /// The order is closed.
    OrderClosed = "ORDER_CLOSED" Final,
    /// The number was used with other particulars.
    OutTradeNoUsed = "OUT_TRADE_NO_USED" Final,
    /// The merchant's balance does not suffice for a refund: when it does, ask again with the same number.
    NotEnough = "NOT_ENOUGH" Final,
    /// The customer's account or the merchant's is not in order.
    AccountError = "ACCOUNT_ERROR" Final,
    /// The customer's account was closed.
    UserAccountAbnormal = "USER_ACCOUNT_ABNORMAL" Final,
    /// The AppID is not bound to the merchant.
    AppIdMismatch = "APPID_MCHID_NOT_MATCH" Final,
    /// No such merchant.
    MerchantNotExist = "MCH_NOT_EXISTS" Final,
    /// The openid is of another AppID.
    OpenidMismatch = "OPENID_MISMATCH" Final,
    /// A rule of the business forbids it.
    RuleLimit = "RULE_LIMIT" Final,
    /// The platform's number is none.
    InvalidTransactionId = "INVALID_TRANSACTIONID" Final,
    /// The day has no bill.
    NoStatement = "NO_STATEMENT_EXIST" Final,
    /// The day's bill is being written.
    StatementCreating = "STATEMENT_CREATING" Later,
    /// Too many calls.
    FrequencyLimited = "FREQUENCY_LIMITED" Later,
    /// Too many calls, in an older word.
    FrequencyLimit = "FREQUENCY_LIMIT" Later,
    /// Too many calls, in another word.
    RateLimitExceeded = "RATELIMIT_EXCEEDED" Later,
    /// The platform failed.
    SystemError = "SYSTEM_ERROR" Unsure,
    /// A bank failed.
    BankError = "BANK_ERROR" Unsure,
    /// Something failed on the way.
    TradeError = "TRADE_ERROR" Unsure,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_final_code_is_a_refusal() {
        for (text, weight) in [
            ("ORDERPAID", Weight::Final),
            ("NOT_ENOUGH", Weight::Final),
            ("FREQUENCY_LIMITED", Weight::Later),
            ("SYSTEM_ERROR", Weight::Unsure),
            ("A_NEW_WORD", Weight::Unsure),
        ] {
            let code = Code::read(text);
            assert_eq!((code.as_str(), code.weight()), (text, weight));
        }
        assert_eq!(Code::read("X\n<b>").as_str(), "Xb");
        assert_eq!(Code::read(&"A".repeat(100)).as_str().len(), 64);
    }

    #[test]
    fn an_operator_reads_cause_and_request() {
        let refused = PayError::Refused { code: Code::OrderPaid, request_id: Some("R1".into()) };
        assert_eq!(refused.to_string(), "the payment platform refuses with ORDERPAID (request R1)");
        assert!(!refused.may_be_done() && !refused.is_passing() && refused.refusal() == Some(&Code::OrderPaid));
        let unproven = Cause::Unproven { disbelief: Disbelief::Headers, claimed: Some(Code::SignError) };
        let unknown = PayError::Unknown { cause: unproven };
        assert!(unknown.to_string().contains("SIGN_ERROR") && unknown.may_be_done() && unknown.is_passing());
        assert!(PayError::NotSent.is_passing() && !PayError::NotSent.may_be_done());
    }
}
