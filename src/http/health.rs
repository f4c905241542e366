//! Alive, and ready to take traffic.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::State;

/// The loop turns.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().body("alive")
}

/// 503 while draining, so that a balancer looks elsewhere.
pub async fn ready(state: Data<State>) -> HttpResponse {
    if state.draining.load(Ordering::Relaxed) {
        HttpResponse::ServiceUnavailable().body("draining")
    } else {
        HttpResponse::Ok().body("ready")
    }
}
