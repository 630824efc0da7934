//! Clients that are slow, and clients that are many: they have their own time and their own number,
//! and whoever asks beside them is answered.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use e2e::{Api, CONNECTION, until};
use tokio::net::TcpSocket;

use crate::bad::Neighbour;
use crate::world::{World, sync};

/// Connections that one party opens: more than one address may have.
const MANY: usize = 300;

/// Contacts of the account: an export of them is larger than what lies between host and reader.
const CONTACTS: u64 = 6_000;

/// Exports of one key at the same time, as the document says.
const EXPORTS: usize = 4;

/// A connection that comes from another address of this machine, with little room for answers.
fn from_elsewhere(to: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Connections from elsewhere, each with the beginning of something.
fn begun(api: &Api, count: usize, text: &str) -> Vec<TcpStream> {
    let begun = |_| {
        let mut stream = from_elsewhere(api.address());
        // Who is one too many is cut off.
        drop(stream.write_all(text.as_bytes()));
        stream
    };
    (0..count).map(begun).collect()
}

#[test]
fn crowd_of_slow_clients_is_in_nobody_s_way() {
    let world = World::with_contacts(1);
    let (_served, people) = world.ready();
    let (api, neighbour) = (&people.admin, Neighbour::of(&people.operator));
    let (host, key) = (api.address(), api.key());
    let heads = begun(api, MANY, &format!("GET /api/me HTTP/1.1\r\nhost: {host}\r\nx-slow: "));
    people.operator.get("/api/me");
    drop(heads);
    let bodies = begun(
        api,
        MANY,
        &format!(
            "POST /api/integrations HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
        ),
    );
    // A key has its bound of requests at the same time; others have theirs.
    people.operator.get("/api/me");
    drop(bodies);
    until("the key is free again", || {
        (api.send("GET", "/api/me", &[], &[]).status == 200).then_some(())
    });
    neighbour.ends_well();
}

#[test]
fn readers_that_stop_hold_their_own_exports_alone() {
    let world = World::with_contacts(CONTACTS);
    let (_served, people) = world.ready();
    world.connect(&people);
    let operation = sync(&people.admin, CONNECTION);
    assert_eq!(operation["status"], "succeeded", "{operation}");
    let (api, neighbour) = (&people.admin, Neighbour::of(&people.operator));
    let export = "/api/records/export?type=c_contact";
    let head = format!(
        "GET {export} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
        api.address(),
        api.key()
    );
    let mut stopped = begun(api, EXPORTS, &head);
    for reader in &mut stopped {
        let mut status = [0; 12];
        reader.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let refused = api.send("GET", export, &[], &[]);
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    drop(stopped);
    let whole = until("there is room again", || {
        let answered = api.send("GET", export, &[], &[]);
        (answered.status == 200).then_some(answered)
    });
    assert_eq!(whole.text.lines().count(), usize::try_from(CONTACTS).unwrap());
    neighbour.ends_well();
}
