//! Reports of the platform (platform.md 2.3).

use super::event::list;
use crate::channel::official::tree::Node;
use crate::domain::inbound::{
    ArticleUrl, CopyrightFinding, MassOutcome, MassSend, Publication, PublishOutcome, Report, SubscriptionDelivery,
    TemplateOutcome,
};

/// Reads a report, if it is one.
pub(super) fn read(root: Node<'_>, name: &str) -> Option<Report> {
    let expires = || root.number("ExpiredTime");
    let (at, reason) = (|| root.number("FailTime"), || root.text("FailReason"));
    Some(match name {
        "templatesendjobfinish" => {
            Report::TemplateSent { message_id: message_id(root), outcome: template_outcome(root.get("Status")) }
        }
        "masssendjobfinish" => Report::MassSent(mass_send(root)),
        "publishjobfinish" | "freepublishjobfinish" => Report::Published(publication(root)),
        "subscribe_msg_sent_event" => Report::SubscriptionsSent(subscriptions(root)),
        "qualification_verify_success" => Report::QualificationPassed { expires: expires() },
        "qualification_verify_fail" => Report::QualificationFailed { at: at(), reason: reason() },
        "naming_verify_success" => Report::NamingPassed { expires: expires() },
        "naming_verify_fail" => Report::NamingFailed { at: at(), reason: reason() },
        "annual_renew" => Report::RenewalDue { expires: expires() },
        "verify_expired" => Report::CertificationLapsed { expired: expires() },
        "wxa_media_check" => media_checked(root),
        _ => return None,
    })
}

/// Spelt `MsgID` in most reports and `MsgId` in some copies of the documentation.
fn message_id(node: Node<'_>) -> String {
    node.some_text("MsgID").or_else(|| node.some_text("MsgId")).unwrap_or_default()
}

/// Compared loosely: one of the platform's own words has a blank too many.
fn template_outcome(status: &str) -> TemplateOutcome {
    let bare: String = status.chars().filter(|char| !char.is_whitespace()).collect();
    match bare.to_ascii_lowercase().as_str() {
        "success" => TemplateOutcome::Success,
        "failed:userblock" => TemplateOutcome::Blocked,
        "failed:systemfailed" => TemplateOutcome::SystemFailed,
        _ => TemplateOutcome::Other(status.to_owned()),
    }
}

fn mass_send(root: Node<'_>) -> MassSend {
    let check = root.child("CopyrightCheckResult");
    MassSend {
        message_id: message_id(root),
        outcome: mass_outcome(root.get("Status")),
        total: root.number("TotalCount"),
        filtered: root.number("FilterCount"),
        sent: root.number("SentCount"),
        failed: root.number("ErrorCount"),
        copyright_state: check.and_then(|check| check.number("CheckState")),
        copyright: items(check, "ResultList", "item").map(copyright).collect(),
        articles: items(root.child("ArticleUrlResult"), "ResultList", "item")
            .map(|item| ArticleUrl { index: item.number("ArticleIdx"), url: item.text("ArticleUrl") })
            .collect(),
    }
}

fn mass_outcome(status: &str) -> MassOutcome {
    let bare: String = status.chars().filter(|char| !char.is_whitespace()).collect();
    let code = || bare.strip_prefix("err(")?.strip_suffix(')')?.parse().ok();
    match bare.to_ascii_lowercase().as_str() {
        "sendsuccess" => MassOutcome::Success,
        "sendfail" => MassOutcome::Failed,
        _ => code().map_or_else(|| MassOutcome::Other(status.to_owned()), MassOutcome::Refused),
    }
}

fn copyright(item: Node<'_>) -> CopyrightFinding {
    CopyrightFinding {
        index: item.number("ArticleIdx"),
        declared: item.number("UserDeclareState"),
        audited: item.number("AuditState"),
        original_url: item.text("OriginalArticleUrl"),
        original_kind: item.number("OriginalArticleType"),
        can_reprint: item.flag("CanReprint"),
        needs_replacing: item.flag("NeedReplaceContent"),
        needs_source: item.flag("NeedShowReprintSource"),
    }
}

fn publication(root: Node<'_>) -> Publication {
    let info = root.child("PublishEventInfo").unwrap_or(root);
    Publication {
        publish_id: info.text("publish_id"),
        outcome: publish_outcome(info.number("publish_status")),
        article_id: info.some_text("article_id"),
        articles: info
            .child("article_detail")
            .into_iter()
            .flat_map(|detail| detail.all("item"))
            .map(|item| ArticleUrl { index: item.number("idx"), url: item.text("article_url") })
            .collect(),
        failed: info.all("fail_idx").filter_map(|index| index.value().trim().parse().ok()).collect(),
    }
}

fn publish_outcome(status: Option<u32>) -> PublishOutcome {
    match status {
        Some(0) => PublishOutcome::Success,
        Some(1) => PublishOutcome::InProgress,
        Some(2) => PublishOutcome::NotOriginal,
        Some(3) => PublishOutcome::Failed,
        Some(4) => PublishOutcome::Refused,
        Some(5) => PublishOutcome::Deleted,
        Some(6) => PublishOutcome::Banned,
        _ => PublishOutcome::Unknown,
    }
}

fn subscriptions(root: Node<'_>) -> Vec<SubscriptionDelivery> {
    let delivery = |item: Node<'_>| SubscriptionDelivery {
        template_id: item.text("TemplateId"),
        message_id: message_id(item),
        error_code: item.number("ErrorCode"),
        error_status: item.text("ErrorStatus"),
    };
    list(root, "SubscribeMsgSentEvent").map(delivery).collect()
}

fn media_checked(root: Node<'_>) -> Report {
    let result = root.child("result").unwrap_or(root);
    Report::MediaChecked {
        app_id: root.text("appid"),
        trace_id: root.text("trace_id"),
        error_code: root.number("errcode"),
        suggestion: result.text("suggest"),
        label: result.number("label"),
    }
}

fn items<'t>(holder: Option<Node<'t>>, list: &str, item: &str) -> impl Iterator<Item = Node<'t>> {
    holder.and_then(|holder| holder.child(list)).into_iter().flat_map(move |list| list.all(item))
}
