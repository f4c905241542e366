//! What must not be put twice, on a store that may forget that it was put (reliability.md 2.7).

use super::super::playbook_on_disk;
use super::finding::Findings;
use crate::config::Settings;
use crate::domain::playbook::Playbook;

/// Every account's connectors. A playbook that has errors is told by `fuwu check`.
pub(super) fn look(settings: &Settings, findings: &mut Findings) {
    for account in settings.accounts.values() {
        if let Ok(playbook) = playbook_on_disk(account) {
            told(&playbook, findings);
        }
    }
}

fn told(playbook: &Playbook, findings: &mut Findings) {
    for (key, connector) in &playbook.connectors {
        if connector.may_be_repeated() || connector.status.is_some() {
            continue;
        }
        findings.warning(
            format!("连接 {key} 不能重复提交，也没有写 status：Redis 切换主从时如果丢了刚写的数据，同一笔可能提交两次；请写上 status，用来先查再提交"),
            format!("connector {key} may not be repeated and names no status: where a failover of Redis forgets the last writes, the same may be put twice; name in status who knows what was put"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;

    fn findings(change: impl Fn(&mut crate::domain::connector::Connector)) -> String {
        let mut playbook = sample::playbook();
        playbook.connectors.values_mut().for_each(change);
        let mut findings = Findings::default();
        told(&playbook, &mut findings);
        findings.to_string()
    }

    #[test]
    fn what_can_neither_be_repeated_nor_asked_after_is_a_warning() {
        assert!(!findings(|_| {}).contains("status"));
        assert!(findings(|connector| connector.idempotent = Some(false)).contains("没有写 status"));
        let asked =
            findings(|connector| (connector.idempotent, connector.status) = (Some(false), Some("other".into())));
        assert!(!asked.contains("status"), "{asked}");
    }
}
