//! Reports of the platform (platform.md 2.3): about work the account gave it, and about the account itself.

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A template message arrived or not (`TEMPLATESENDJOBFINISH`).
    TemplateSent {
        /// The message.
        message_id: String,
        /// How it ended.
        outcome: TemplateOutcome,
    },
    /// A mass send is done (`MASSSENDJOBFINISH`).
    MassSent(MassSend),
    /// A publication is done (`PUBLISHJOBFINISH`).
    Published(Publication),
    /// Subscription notices arrived or not (`subscribe_msg_sent_event`).
    SubscriptionsSent(Vec<SubscriptionDelivery>),
    /// Certification passed: API rights start now (`qualification_verify_success`).
    QualificationPassed {
        /// Unix seconds.
        expires: Option<i64>,
    },
    /// Certification failed (`qualification_verify_fail`).
    QualificationFailed {
        /// Unix seconds.
        at: Option<i64>,
        /// Why.
        reason: String,
    },
    /// The name was certified (`naming_verify_success`).
    NamingPassed {
        /// Unix seconds.
        expires: Option<i64>,
    },
    /// The name was not certified; rights stay, the check mark does not (`naming_verify_fail`).
    NamingFailed {
        /// Unix seconds.
        at: Option<i64>,
        /// Why.
        reason: String,
    },
    /// The yearly certification is due (`annual_renew`).
    RenewalDue {
        /// Unix seconds.
        expires: Option<i64>,
    },
    /// Certification lapsed: many APIs now answer 48001 (`verify_expired`).
    CertificationLapsed {
        /// Unix seconds.
        expired: Option<i64>,
    },
    /// A content check is done, mini programs only (`wxa_media_check`).
    MediaChecked {
        /// The mini program.
        app_id: String,
        /// The check.
        trace_id: String,
        /// 0, or why there is no result.
        error_code: Option<i64>,
        /// `pass`, `review` or `risky`.
        suggestion: String,
        /// What was found, as the platform numbers it.
        label: Option<i64>,
    },
}

/// How a template message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateOutcome {
    /// It arrived.
    Success,
    /// The customer refuses messages (`failed:user block`).
    Blocked,
    /// The platform failed (`failed: system failed`).
    SystemFailed,
    /// Anything else, in the platform's words.
    Other(String),
}

/// How a mass send ended.
#[derive(Clone, Debug, PartialEq)]
pub struct MassSend {
    /// The send.
    pub message_id: String,
    /// How it ended.
    pub outcome: MassOutcome,
    /// Customers it was for.
    pub total: Option<u64>,
    /// Customers left after the platform's filters; sent and failed together.
    pub filtered: Option<u64>,
    /// Customers who got it.
    pub sent: Option<u64>,
    /// Customers for whom it failed.
    pub failed: Option<u64>,
    /// The check for originality: 1 not a reprint, 2 a reprint that is allowed, 3 refused.
    pub copyright_state: Option<u32>,
    /// That check, article by article.
    pub copyright: Vec<CopyrightFinding>,
    /// Where each article is.
    pub articles: Vec<ArticleUrl>,
}

/// How a mass send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MassOutcome {
    /// `send success`.
    Success,
    /// `send fail`.
    Failed,
    /// `err(N)`: 10001 advertising, 20001 politics, 20013 copyright, 22000 mutual promotion, 40002 nobody confirmed, …
    Refused(u32),
    /// Anything else, in the platform's words.
    Other(String),
}

/// What the check for originality says of one article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyrightFinding {
    /// The article, from 1.
    pub index: Option<u32>,
    /// What the author declared.
    pub declared: Option<u32>,
    /// What the platform found.
    pub audited: Option<u32>,
    /// The original.
    pub original_url: String,
    /// The original's kind.
    pub original_kind: Option<u32>,
    /// Whether it may be reprinted.
    pub can_reprint: bool,
    /// Whether the platform replaces the text.
    pub needs_replacing: bool,
    /// Whether the source is shown.
    pub needs_source: bool,
}

/// Where one article is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleUrl {
    /// The article, from 1.
    pub index: Option<u32>,
    /// Its address.
    pub url: String,
}

/// How a publication ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The publication.
    pub publish_id: String,
    /// How it ended.
    pub outcome: PublishOutcome,
    /// The published article.
    pub article_id: Option<String>,
    /// Where each part is.
    pub articles: Vec<ArticleUrl>,
    /// The parts that failed, from 1.
    pub failed: Vec<u32>,
}

/// How a publication ended, by `publish_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    /// 0.
    Success,
    /// 1.
    InProgress,
    /// 2: the check for originality failed.
    NotOriginal,
    /// 3.
    Failed,
    /// 4: review refused.
    Refused,
    /// 5: published, then all of it deleted by the account.
    Deleted,
    /// 6: published, then banned.
    Banned,
    /// A status we do not know, or none.
    Unknown,
}

/// How one subscription notice ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionDelivery {
    /// The template.
    pub template_id: String,
    /// The message.
    pub message_id: String,
    /// 0 when it arrived.
    pub error_code: Option<i64>,
    /// `success`, or why not.
    pub error_status: String,
}
