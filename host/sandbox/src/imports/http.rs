//! `http`: the only way out, handed on to egress.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use model::egress::{Request, Response};
use model::{Error, ErrorKind};

use crate::bindings::http::{Piece, Slice, Target};
use crate::bindings::{http, types};
use crate::context::Imports;
use crate::convert::{inward, outward};
use crate::limits::{SEND_MANY_MAX, SEND_PARALLEL_MAX, SHOWN_BYTES_MAX};
use crate::log::shown;

type Answer = Result<http::Response, types::Error>;

impl http::Host for Imports<'_> {
    async fn send(&mut self, request: types::Request) -> wasmtime::Result<Answer> {
        self.enter()?;
        Ok(self.send_one(outward::request(request)).await)
    }

    async fn send_many(&mut self, requests: Vec<types::Request>) -> wasmtime::Result<Vec<Answer>> {
        // Each costs the host as much as one `send`.
        requests.iter().try_for_each(|_| self.enter())?;
        let door = match self.call.door() {
            Ok(door) => door,
            Err(error) => {
                return Ok(requests.iter().map(|_| Err(self.give(error.clone()))).collect());
            }
        };
        let sends = requests.into_iter().enumerate().map(|(index, request)| async move {
            let answer = if index < SEND_MANY_MAX {
                door.send(outward::request(request)).await
            } else {
                Err(too_many())
            };
            // A door may answer without waiting; the end of the wall time must still get through.
            tokio::task::yield_now().await;
            answer
        });
        let answers: Vec<_> = stream::iter(sends).buffered(SEND_PARALLEL_MAX).collect().await;
        Ok(answers.into_iter().map(|answer| self.take_in(answer)).collect())
    }

    async fn upload(
        &mut self,
        request: types::Request,
        body: Vec<Piece>,
    ) -> wasmtime::Result<Answer> {
        self.enter()?;
        let body = match concatenate(body) {
            Ok(body) => body,
            Err(error) => return Ok(Err(self.give(error))),
        };
        let request = Request { body: Some(body), ..outward::request(request) };
        Ok(self.send_one(request).await)
    }

    async fn locate(&mut self, url: String) -> wasmtime::Result<Result<Target, types::Error>> {
        self.enter()?;
        let target = self.call.door().and_then(|door| door.locate(&url));
        Ok(target
            .map(|target| Target { endpoint: target.endpoint, path: target.path })
            .map_err(|error| self.give(error)))
    }
}

impl Imports<'_> {
    async fn send_one(&mut self, request: Request) -> Answer {
        let answer = match self.call.door() {
            Ok(door) => door.send(request).await,
            Err(error) => Err(error),
        };
        self.take_in(answer)
    }

    /// Keeps the body for spans; the guest gets a copy.
    fn take_in(&mut self, answer: Result<Response, Error>) -> Answer {
        let Response { status, headers, body } = answer.map_err(|error| self.give(error))?;
        let copy = body.to_vec();
        let id = self.shared.next_response();
        self.call.keep(id, body);
        Ok(http::Response { id, status, headers: inward::pairs(headers), body: copy })
    }
}

/// Joins the pieces of an upload. The host holds no blobs yet, so a slice of one has no bytes.
fn concatenate(pieces: Vec<Piece>) -> Result<Bytes, Error> {
    let mut body = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => body.extend(bytes),
            Piece::Blob(slice) => return Err(no_blob(&slice)),
        }
    }
    Ok(body.into())
}

fn no_blob(slice: &Slice) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "sandbox.blob",
        format!(
            "this host holds no blob `{}`: send the bytes themselves",
            shown(&slice.blob, SHOWN_BYTES_MAX)
        ),
    )
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::BudgetExhausted,
        "sandbox.send-many",
        format!(
            "one `send-many` takes at most {SEND_MANY_MAX} requests: send the others in another page"
        ),
    )
}
