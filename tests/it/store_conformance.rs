//! What every engine must do, engine-free: one test per promise of `store::Store` and engine.
//!
//! A new engine implements [`Engine`] and adds one `conformance!` line at the end.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fuwu::store::{Spec, Store};

mod bulk;
mod counters;
mod crowd;
mod forgetting;
mod log;
mod outbox;
mod records;
pub mod samples;
mod shared;

/// A place where one store lives.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Opens the store: empty the first time, afterwards with all it held when it was closed.
    async fn open(&self) -> Arc<dyn Store>;
}

macro_rules! conformance {
    (@in $engine:ident, @$how:ident $make:expr) => {
        mod $engine {
            use super::*;

            conformance! { @$how $make;
                records:
                    a_customer_never_seen_is_empty_at_version_zero,
                    what_was_committed_is_read_back,
                    a_commit_from_another_version_is_stale_and_changes_nothing,
                    customers_with_odd_names_stay_apart,
                    one_openid_in_two_accounts_is_two_customers,
                    a_record_of_64_kib_is_read_back,
                    all_of_it_is_there_after_opening_again,
                    a_closed_store_refuses;
                counters:
                    changes_add_up,
                    a_range_holds_both_ends_and_one_metric_in_order_of_key,
                    accounts_are_counted_apart,
                    dimensions_are_counted_apart,
                    late_changes_are_counted_and_journalled_by_arrival;
                log:
                    facts_come_in_order_of_commit,
                    facts_are_read_in_pages,
                    facts_of_accounts_are_apart,
                    whoever_reads_the_log_to_its_end_has_all_that_was_committed_before,
                    quarantined_deliveries_come_newest_first,
                    quarantined_deliveries_are_counted_by_day_and_reason;
                shared:
                    a_shared_record_never_written_is_empty_at_version_zero,
                    a_shared_record_changes_only_from_the_version_it_was_read_at,
                    shared_records_of_a_kind_come_in_order_and_apart_from_others;
                bulk:
                    a_bulk_is_applied_as_a_whole,
                    many_are_read_as_each_would_be,
                    a_bulk_with_one_outdated_base_changes_nothing,
                    commits_of_one_customer_in_a_bulk_are_each_made_from_what_the_one_before_leaves,
                    all_numbers_are_read_at_one_instant,
                    facts_of_one_record_carry_one_number;
                outbox:
                    work_of_one_name_is_one_work,
                    work_is_handed_out_when_due_and_in_that_order,
                    leased_work_comes_back_when_nobody_settles_it,
                    deferred_work_waits_until_then,
                    an_overtaken_claim_defers_nothing,
                    settled_work_is_gone,
                    work_that_two_workers_did_has_one_effect,
                    work_settled_and_asked_for_anew_is_fresh,
                    claimants_never_share_work,
                    the_next_due_moment_is_known,
                    work_past_its_use_is_still_handed_out;
                forgetting:
                    a_tombstone_is_found_by_its_openid_and_bears_another_name,
                    what_is_kept_of_nobody_is_found_by_nobody,
                    deliveries_of_nobody_stay_known,
                    somebody_whose_first_word_is_a_goodbye_is_a_tombstone_at_once,
                    a_burial_drops_outgoing_work_and_words_and_the_counters_agree,
                    somebody_who_is_away_and_heard_of_again_in_one_bulk_loses_their_words_once,
                    a_pseudonym_is_handed_in_like_an_openid,
                    everything_held_of_a_customer_is_told,
                    erasing_takes_everything_away_and_changes_no_number,
                    somebody_who_left_is_erased_by_their_openid,
                    somebody_known_only_from_quarantine_is_erased_too,
                    one_who_is_spared_is_left_whole,
                    whoever_left_long_ago_loses_name_and_record;
                crowd:
                    of_commits_at_once_exactly_one_wins_each_version,
                    many_customers_at_once_are_counted_to_the_last_one,
                    an_acknowledged_commit_is_read_at_once;
            }
        }
    };
    (@all $servers:expr; $($room:ident: $($case:ident),+;)+) => {
        /// One after the other on servers that take long to start.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn passes_every_case() {
            let servers = $servers;
            $($(
                println!("{}", stringify!($case));
                $room::$case(&Emptied::on(servers.url(), &|| servers.empty())).await;
            )+)+
        }
    };
    (@cases $make:expr; $($room:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $room::$case(&$make).await;
            }
        )+)+
    };
    ($engine:ident, all on $servers:expr) => {
        conformance! { @in $engine, @all $servers }
    };
    ($engine:ident, $make:expr) => {
        conformance! { @in $engine, @cases $make }
    };
}

struct Embedded(tempfile::TempDir);

impl Embedded {
    fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn open(&self) -> Arc<dyn Store> {
        let nowhere_else: &Path = self.0.path();
        fuwu::store::open("embedded:", nowhere_else, Spec::default(), crate::harness::key()).await.unwrap()
    }
}

conformance!(embedded, Embedded::fresh());

struct Redis(crate::redis_servers::RedisServer);

#[async_trait]
impl Engine for Redis {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(fuwu::store::Redis::open(&self.0.url(), Spec::default(), crate::harness::key()).await.unwrap())
    }
}

conformance!(redis, Redis(crate::redis_servers::RedisServer::start(&[])));

/// An empty store on servers that others used before.
struct Emptied<'a> {
    url: String,
    empty: &'a (dyn Fn() + Send + Sync),
    is_empty: std::sync::Once,
}

impl<'a> Emptied<'a> {
    fn on(url: String, empty: &'a (dyn Fn() + Send + Sync)) -> Self {
        Self { url, empty, is_empty: std::sync::Once::new() }
    }
}

#[async_trait]
impl Engine for Emptied<'_> {
    async fn open(&self) -> Arc<dyn Store> {
        self.is_empty.call_once(self.empty);
        Arc::new(fuwu::store::Redis::open(&self.url, Spec::default(), crate::harness::key()).await.unwrap())
    }
}

conformance!(redis_sentinel, all on crate::redis_servers::RedisTrio::start("10000"));
conformance!(redis_cluster, all on crate::redis_servers::RedisCluster::with_replicas("10000"));
