//! `state`: the small cache of the connection.

use std::time::Duration;

use crate::bindings::{state, types};
use crate::context::Imports;

impl state::Host for Imports<'_> {
    async fn get(
        &mut self,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, types::Error>> {
        self.enter()?;
        let value = self.shared.states.get(&self.shared.owner, &key, self.shared.clock.now());
        Ok(Ok(value.map(Into::into)))
    }

    async fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        self.enter()?;
        let life = (self.shared.clock.now(), ttl_ms.map(Duration::from_millis));
        let put = self.shared.states.put(&self.shared.owner, key, value.into(), life);
        Ok(put.map_err(|error| self.give(error)))
    }
}
