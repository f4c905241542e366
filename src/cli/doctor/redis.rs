//! Redis: each server, what it may forget, and what that means here (reliability.md 2.7).

use super::finding::Findings;
use crate::store::{NodeHealth, Part, RedisHealth, Said, Spec, StoreError, redis_health};

/// A clock that is off by more is told.
const CLOCK_MS: i64 = 2_000;
/// A message takes about four requests one after the other, so this is a tenth of a second of a customer's time.
const FAR_US: u64 = 25_000;

pub(super) async fn look(url: &str, spec: Spec, findings: &mut Findings) {
    match redis_health(url, || chrono::Utc::now().timestamp_millis()).await {
        Err(StoreError::Mismatch(why)) => findings.fault("Redis 现在不能用", why),
        Err(fault) => findings.fault("连不上 Redis", fault.to_string()),
        Ok(health) => told(&health, spec, findings),
    }
}

fn told(health: &RedisHealth, spec: Spec, findings: &mut Findings) {
    for node in &health.nodes {
        match &node.said {
            Ok(said) => One { name: &node.name, part: node.part, said }.told(findings),
            Err(fault) => silent(node, fault, findings),
        }
    }
    if let Some(slots @ 1..) = health.slots_without_owner {
        findings.fault(
            format!("集群有 {slots} 个槽没有节点负责，落在上面的客户得不到服务"),
            format!("{slots} slots of the cluster have no owner; customers there are not served"),
        );
    }
    match &health.made {
        None => findings.ok("Redis 里还没有数据，首次启动时建立", "there is no store yet; the first start makes one"),
        Some(Err(why)) => findings.fault("Redis 里的数据不能用", why.to_string()),
        Some(Ok(made)) => match made.check(spec) {
            Err(why) => findings.fault("Redis 里的数据与现在的设置不符", why.to_string()),
            Ok(()) => {
                findings.ok("Redis 里的数据与现在的设置相符", "the store there was made with the settings of now")
            }
        },
    }
    findings.ok(
        "Redis 可能忘掉的，由收信日志补回：每个进程把 24 小时内收下的推送先落盘，Redis 重启或换主后重放；\
         只有 Redis 忘了、那台机器的磁盘也坏了才会丢",
        "what Redis may forget the journal restores: each process keeps the deliveries it accepted in the last 24 hours \
         on its own disk and replays them after a restart or failover of Redis; lost is only what Redis forgets while \
         that disk is lost too",
    );
}

fn silent(node: &NodeHealth, fault: &StoreError, findings: &mut Findings) {
    let NodeHealth { name, part, .. } = node;
    match part {
        Part::Master => findings.fault(format!("{name}（主）没有应答"), format!("the master {name}: {fault}")),
        Part::Replica => findings.warning(
            format!("{name}（从）没有应答，主节点坏了它顶不上"),
            format!("the replica {name} could not take over: {fault}"),
        ),
    }
}

/// One server that answers.
struct One<'a> {
    name: &'a str,
    part: Part,
    said: &'a Said,
}

impl One<'_> {
    fn told(&self, findings: &mut Findings) {
        let (name, version) = (self.name, self.said.version());
        let part = if self.part == Part::Master { ("主", "master") } else { ("从", "replica") };
        let (whole, tenths) = (self.said.round_trip_us / 1_000, self.said.round_trip_us / 100 % 10);
        let chinese = format!("{name}（{}）{version}，往返 {whole}.{tenths} 毫秒", part.0);
        let english = format!("{name} ({}) {version}, round trip {whole}.{tenths} ms", part.1);
        match self.said.round_trip_us {
            ..FAR_US => findings.ok(chinese, english),
            _ => findings.warning(
                format!("{chinese}，太远了，每条消息要往返四次左右"),
                format!("{english}: that is far, a message takes about four round trips"),
            ),
        }
        if let Some(why) = self.said.unfit(name, self.part) {
            findings.fault(format!("{name} 不能存放数据"), why);
        }
        self.writes(findings);
        self.files(findings);
        self.copies(findings);
        self.clock(findings);
        self.cluster(findings);
    }

    /// What a restart of it forgets.
    fn files(&self, findings: &mut Findings) {
        let name = self.name;
        match (self.said.of("appendonly"), self.said.of("appendfsync")) {
            (Some("yes"), Some("always")) => findings.ok(
                format!("{name} 每次写入都落盘，重启不会忘"),
                format!("{name}: every write is on disk before it is confirmed (appendfsync always)"),
            ),
            (Some("yes"), Some("no")) => findings.warning(
                format!("{name} 何时落盘由系统决定，断电可能忘掉约 30 秒；建议 appendfsync everysec"),
                format!("{name}: a power cut may forget about 30 seconds (appendfsync no); everysec forgets less"),
            ),
            (Some("yes"), _) => findings.ok(
                format!("{name} 每秒落盘，断电可能忘掉约 2 秒"),
                format!("{name}: a power cut may forget about two seconds (appendfsync everysec)"),
            ),
            (Some(_), _) => findings.warning(
                format!("{name} 没开 AOF，重启可能忘掉上次快照以后的一切；收信日志只补 24 小时，建议 appendonly yes"),
                format!(
                    "{name}: a restart may forget everything since its last snapshot (appendonly no), and the journal \
                     reaches back 24 hours; set appendonly yes"
                ),
            ),
            (None, _) => findings.warning(
                format!("{name} 不让看 appendonly 等设置（托管服务常这样），请在服务商那里确认已开持久化"),
                format!("{name} does not tell appendonly and the like; ask your provider whether it is persistent"),
            ),
        }
    }

    /// Whether it can write its own files: if not it refuses ours.
    fn writes(&self, findings: &mut Findings) {
        for (what, english) in [("aof_last_write_status", "append-only file"), ("rdb_last_bgsave_status", "snapshot")] {
            if self.said.of(what) == Some("err") {
                let name = self.name;
                findings.fault(
                    format!("{name} 写不了自己的文件（{what}:err），会拒绝写入，请检查它的磁盘"),
                    format!("{name} cannot write its {english} and refuses writes: look at its disk"),
                );
            }
        }
    }

    /// What the loss of its machine, or of the network between, takes along.
    fn copies(&self, findings: &mut Findings) {
        if self.part == Part::Replica {
            return;
        }
        let name = self.name;
        let replicas: Option<u32> = self.said.of("connected_slaves").and_then(|number| number.parse().ok());
        let least = self.said.of("min-replicas-to-write").and_then(|number| number.parse::<u32>().ok());
        match (replicas, least) {
            (Some(0), _) => findings.warning(
                format!("{name} 没有从节点，它的磁盘坏了，24 小时以前的只能从备份恢复"),
                format!("{name} has no replica: if its disk is lost, all but the last 24 hours comes from your backups"),
            ),
            (_, Some(0)) => findings.warning(
                format!("{name} 与从节点断开时仍会确认写入，换主后可能忘掉这段；建议 min-replicas-to-write 1"),
                format!(
                    "{name} goes on confirming writes while it is cut off from its replicas, and may forget them after a \
                     failover; set min-replicas-to-write 1"
                ),
            ),
            (Some(replicas), _) => findings.ok(
                format!("{name} 有 {replicas} 个从节点，换主可能忘掉还没传过去的写入"),
                format!("{name} has {replicas} replicas; a failover may forget what they had not heard of yet"),
            ),
            (None, _) => {}
        }
    }

    fn clock(&self, findings: &mut Findings) {
        let name = self.name;
        if let Some(ahead_ms) = self.said.clock_ahead_ms
            && ahead_ms.abs() > CLOCK_MS
        {
            let secs = ahead_ms / 1_000;
            findings.warning(
                format!("{name} 的时钟与本机差 {secs} 秒，请在两边打开时间同步（NTP）"),
                format!("the clock of {name} is {secs} s ahead of ours; let both keep time (NTP)"),
            );
        }
    }

    fn cluster(&self, findings: &mut Findings) {
        let name = self.name;
        if self.said.of("cluster_state").is_some_and(|state| state != "ok") {
            findings.fault(
                format!("{name} 说集群不完整，暂不服务"),
                format!("{name} says that the cluster is down (cluster_state)"),
            );
        }
        if self.said.of("cluster_enabled") == Some("1") && self.said.of("cluster-require-full-coverage") == Some("yes")
        {
            findings.warning(
                format!("{name}：集群缺一部分就全部停止，换主的几秒里所有客户都受影响；建议 cluster-require-full-coverage no"),
                format!(
                    "{name}: when one part of the cluster is missing all of it stops, also for the seconds of a failover; \
                     set cluster-require-full-coverage no"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(part: Part, said: &[(&str, &str)]) -> NodeHealth {
        let said = said.iter().copied().collect::<Said>();
        NodeHealth { name: "h:1".into(), part, said: Ok(said) }
    }

    fn findings(nodes: Vec<NodeHealth>) -> (bool, String) {
        let mut findings = Findings::default();
        let health = RedisHealth { nodes, slots_without_owner: None, made: Some(Ok(Spec::default())) };
        told(&health, Spec::default(), &mut findings);
        (findings.has_fault(), findings.to_string())
    }

    const GOOD: [(&str, &str); 7] = [
        ("redis_version", "7.0.15"),
        ("role", "master"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "noeviction"),
        ("connected_slaves", "1"),
        ("min-replicas-to-write", "1"),
    ];

    fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
        GOOD.into_iter().filter(|(known, _)| *known != name).chain([(name, value)]).collect()
    }

    #[test]
    fn what_may_be_forgotten_is_said_and_that_the_journal_restores_it() {
        let (is_fault, told) = findings(vec![node(Part::Master, &GOOD)]);
        assert!(!is_fault && told.contains("may forget about two seconds") && told.contains("0 warnings"), "{told}");
        assert!(told.contains("the journal restores") && !told.contains("no data loss"), "{told}");
    }

    #[test]
    fn a_setting_that_may_lose_more_is_a_warning_that_says_what_to_set() {
        for (name, value, says) in [
            ("appendonly", "no", "set appendonly yes"),
            ("appendfsync", "no", "30 seconds"),
            ("min-replicas-to-write", "0", "set min-replicas-to-write 1"),
            ("connected_slaves", "0", "no replica"),
        ] {
            let (is_fault, told) = findings(vec![node(Part::Master, &with(name, value))]);
            assert!(!is_fault && told.contains(says) && told.contains("1 warnings"), "{name}: {told}");
        }
    }

    #[test]
    fn what_cannot_go_on_is_a_fault() {
        for (name, value, says) in [
            ("maxmemory-policy", "allkeys-lru", "noeviction"),
            ("redis_version", "6.2.1", "7.0"),
            ("role", "slave", "read-only"),
            ("aof_last_write_status", "err", "refuses writes"),
            ("cluster_state", "fail", "cluster is down"),
        ] {
            let (is_fault, told) = findings(vec![node(Part::Master, &with(name, value))]);
            assert!(is_fault && told.contains(says), "{name}: {told}");
        }
    }

    #[test]
    fn a_replica_that_is_away_is_a_warning_and_a_master_a_fault() {
        for (part, is_fault) in [(Part::Master, true), (Part::Replica, false)] {
            let said = Err(StoreError::Unavailable("nobody there".into()));
            let (told_fault, told) = findings(vec![NodeHealth { name: "h:2".into(), part, said }]);
            assert!(told_fault == is_fault && told.contains("nobody there"), "{told}");
        }
    }

    #[test]
    fn a_clock_that_is_off_and_a_server_that_is_far_are_told() {
        let mut said: Said = GOOD.into_iter().collect();
        (said.clock_ahead_ms, said.round_trip_us) = (Some(-2_001), 25_000);
        let node = NodeHealth { name: "h:1".into(), part: Part::Master, said: Ok(said) };
        let (is_fault, told) = findings(vec![node]);
        assert!(!is_fault && told.contains("-2 s ahead") && told.contains("that is far"), "{told}");
    }
}
