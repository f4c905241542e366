//! Metrics for Prometheus. Labels come from closed sets: nothing a customer says can make one.

use actix_web::HttpResponse;
use actix_web::web::Data;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::State;

/// Deliveries by account and by what they were.
pub const DELIVERIES: &str = "fuwu_deliveries_total";
/// Deliveries refused before verification, by reason.
pub const REFUSED: &str = "fuwu_deliveries_refused_total";
/// Verified deliveries that could not be used, by reason.
pub const QUARANTINED: &str = "fuwu_deliveries_quarantined_total";
/// Deliveries that the platform was asked to repeat.
pub const NOT_NOW: &str = "fuwu_deliveries_not_now_total";
/// Deliveries that found no place among too many, by class.
pub const SHED: &str = "fuwu_deliveries_shed_total";
/// Seconds from the verified delivery to its answer.
pub const ANSWER_SECONDS: &str = "fuwu_answer_seconds";

/// Where the metrics of this process are gathered.
#[derive(Clone)]
pub struct Observatory(PrometheusHandle);

impl Observatory {
    /// Gathers for the whole process; the first call of a process wins.
    pub fn install() -> Result<Self, BuildError> {
        let buckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0];
        let requests = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
        let builder = PrometheusBuilder::new()
            .set_buckets(&buckets)?
            .set_buckets_for_metric(Matcher::Suffix("_requests".to_owned()), &requests)?;
        builder.install_recorder().map(Self)
    }

    /// Gathers nothing outside this value: for several servers in one process.
    pub fn detached() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }
}

/// The metrics page.
pub async fn metrics(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.observatory.0.render())
}
