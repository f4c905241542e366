//! The API (contract.md "HTTP"): its routes, each mounted at the path and by the methods that its description says, so
//! that none goes undescribed. This file is the registry.
//!
//! To add a route: write its handler with `#[utoipa::path]` above it and an `add`, and name that `add` in [`scope`].

mod codes;
mod customers;
mod dead_letters;
mod described;
mod fault;
mod openapi;
mod orders;
mod playbook;
mod replay;
mod reports;

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::{FromRequest, Responder, Route, Scope, web};
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::{ComponentsBuilder, Paths};
use utoipa::{Path, ToSchema};

pub use fault::{Fault, FaultBody};

/// Where the API is.
pub const BASE: &str = "/api/v1";

/// Every route of the API.
pub fn scope() -> Scope {
    let mut api = Api::default();
    reports::add(&mut api);
    customers::add(&mut api);
    codes::add(&mut api);
    dead_letters::add(&mut api);
    orders::add(&mut api);
    playbook::add(&mut api);
    replay::add(&mut api);
    openapi::add(&mut api);
    api.mounted()
}

/// Routes while they are gathered, with what describes them.
#[derive(Default)]
struct Api {
    routes: Vec<(String, Route)>,
    paths: Paths,
    components: ComponentsBuilder,
}

impl Api {
    /// Mounts a handler where its description says it is.
    fn route<P, F, Args>(&mut self, _: P, handler: F)
    where
        P: Path,
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.paths.add_path_operation(P::path(), P::methods(), P::operation());
        for method in P::methods() {
            self.routes.push((P::path(), web::method(of(&method)).to(handler.clone())));
        }
    }

    /// Describes a body that routes name.
    fn schema<T: ToSchema>(&mut self) {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let components = std::mem::take(&mut self.components);
        self.components = components.schema_from::<T>().schemas_from_iter(named);
    }

    fn mounted(mut self) -> Scope {
        self.schema::<FaultBody>();
        let description = openapi::description(self.paths, self.components.build());
        let mut scope = web::scope(BASE).app_data(web::Data::new(description));
        // All methods of a path are one resource, so that a wrong method is told from a wrong path.
        while let Some((path, first)) = (!self.routes.is_empty()).then(|| self.routes.remove(0)) {
            let below = path.strip_prefix(BASE).unwrap_or(&path);
            let mut resource = web::resource(below).route(first);
            for (_, route) in self.routes.extract_if(.., |(other, _)| *other == path) {
                resource = resource.route(route);
            }
            scope = scope.service(resource.default_service(web::to(fault::wrong_method)));
        }
        scope.default_service(web::to(fault::no_such_address))
    }
}

fn of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
