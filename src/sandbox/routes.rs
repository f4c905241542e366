//! What the sandbox serves, on one screen.

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};

use super::bounded::bounded;
use super::service::Sandbox;
use super::{articles, browser, pay, phone, platform, telecom};

impl Sandbox {
    /// Mounts everything below `/sandbox`.
    pub fn configure(&self, cfg: &mut ServiceConfig) {
        cfg.service(
            web::scope("/sandbox")
                .wrap(from_fn(bounded))
                .app_data(Data::new(self.clone()))
                .app_data(Data::new(self.pay().clone()))
                .service(web::scope("/platform").configure(platform::configure))
                .service(web::scope("/api/pay").configure(pay::configure_api))
                .service(web::scope("/api").configure(phone::configure_api))
                .service(web::scope("/pay").configure(pay::configure))
                .service(web::scope("/telecom").configure(telecom::configure))
                .service(web::scope("/articles").configure(articles::configure))
                .configure(browser::configure)
                .configure(phone::configure_page),
        );
    }
}
