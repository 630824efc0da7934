//! The only way out: requests to the endpoints of the manifest.

#[cfg(target_family = "wasm")]
use crate::bindings::plughouse::adapter::http as imports;
#[cfg(not(target_family = "wasm"))]
use crate::native as imports;
use crate::{Error, Piece, Request, Response, Target};

/// Sends a request; any status is a success here.
///
/// A redirect comes back as it is unless the endpoint's redirect rule covers it.
pub fn send(request: &Request) -> Result<Response, Error> {
    imports::send(request)
}

/// Sends requests in parallel as far as the limits allow; the answers keep their order.
pub fn send_many(requests: &[Request]) -> Vec<Result<Response, Error>> {
    imports::send_many(requests)
}

/// Sends a request whose body is the concatenation of the pieces; `request.body` is ignored.
pub fn upload(request: &Request, body: &[Piece]) -> Result<Response, Error> {
    imports::upload(request, body)
}

/// Turns an absolute link of the provider into endpoint and raw path, or refuses it.
pub fn locate(url: &str) -> Result<Target, Error> {
    imports::locate(url)
}
