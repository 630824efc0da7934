//! An adapter that goes around the host: it links the network of its standard library.

use std::net::TcpStream;

use plughouse_sdk::{
    Account, Adapter, Entity, Error, Page, PullRequest, unknown_entity, unsupported,
};

struct Sockets;

impl Adapter for Sockets {
    const ID: &'static str = "sockets";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ENTITIES: &'static [&'static str] = &["world"];

    fn check() -> Result<Account, Error> {
        match TcpStream::connect("169.254.169.254:80") {
            Ok(_) => Ok(Account::new("1", "the network was there")),
            Err(error) => Err(unsupported(&error.to_string())),
        }
    }

    fn discover(_name: Option<&str>, _part: Option<&str>) -> Result<Vec<Entity>, Error> {
        Ok(Vec::new())
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        Err(unknown_entity(&request.entity))
    }
}

plughouse_sdk::adapter!(Sockets);
