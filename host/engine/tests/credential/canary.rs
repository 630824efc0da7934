//! That nothing which was secret is written anywhere: logs of every level, errors, the store.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use model::{Error, Secret};
use plughouse_testkit::Answer;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::provider::Instead;
use crate::world::{CLIENT_SECRET, World, connection, whose};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What was said, in every form in which it can be.
#[derive(Default)]
struct Told(String);

impl Told {
    fn error(&mut self, error: &Error) {
        self.0.push_str(&error.to_string());
        self.debug(error);
    }

    fn debug(&mut self, said: &impl std::fmt::Debug) {
        writeln!(self.0, "{said:?}").unwrap();
    }
}

/// Does everything that can be done, well and badly, and tells what was said.
async fn everything(world: &World) -> String {
    let mut told = Told::default();
    let process = world.process("one");
    let tokens = process.tokens(&world.authorised(&process).await).await;
    let token = world.drive(tokens.renewed(1)).await.unwrap();
    told.debug(&token);
    let echo = |secret: &str| {
        let said = format!("the token {secret} of {CLIENT_SECRET} is no good");
        let body = json!({ "error": "invalid_grant", "error_description": said });
        Instead::Says(Answer::value(400, &body))
    };
    world.provider.instead(Instead::Lost);
    // The refresh token and the one before, and both again after a pause.
    for _ in 0..4 {
        world.provider.instead(echo(token.secret.expose()));
    }
    told.error(&world.drive(tokens.renewed(2)).await.unwrap_err());
    let (query, browser) = world.browse(&process, &connection("user")).await;
    let begun = process.credentials.begin(connection("user"), "https://host.example/cb");
    drop(world.drive(begun).await.unwrap());
    world.provider.instead(echo("k3y-canary-code"));
    let failed = world.drive(process.credentials.finish(&query, Some(&browser), None)).await;
    told.error(&failed.unwrap_err());
    let failed = world.drive(process.credentials.finish(&query, Some(&browser), None)).await;
    told.error(&failed.unwrap_err());
    let finished = world.authorised(&process).await;
    told.debug(&(finished, world.credential().await));
    world.provider.server.with(|server| server.replace_secret("k3y-canary-replaced"));
    let generation = world.credential().await.generation;
    told.error(&world.drive(tokens.renewed(generation)).await.unwrap_err());
    let key = vec![("token".to_owned(), Secret::new("k3y-canary-entered".to_owned()))];
    let mut keyed = connection("key");
    keyed.id = "keyed".parse().unwrap();
    process.credentials.enter(keyed, key, None).await.unwrap();
    let (tenant, id) = whose();
    let ended = world.drive(process.credentials.remove(&tenant, &id)).await.unwrap();
    told.debug(&(ended, process.credentials.inventory(&tenant).await.unwrap()));
    told.debug(&process.credentials.apps().await.unwrap());
    told.0
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_secret_is_written_anywhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    // Tests beside this one, who listen to nothing, may have met a place that logs first.
    tracing::callsite::rebuild_interest_cache();
    let told = everything(&world).await;
    drop(guard);
    let mut sinks = vec![log.0.lock().unwrap().clone(), told.into_bytes()];
    let logged = String::from_utf8_lossy(&sinks[0]);
    assert!(
        logged.contains("must be authorised again"),
        "{logged} {}",
        String::from_utf8_lossy(&sinks[1])
    );
    for entry in std::fs::read_dir(world.dir.path().join("store")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_none_or(|extension| extension != "key") {
            sinks.push(std::fs::read(path).unwrap());
        }
    }
    assert!(sinks.len() > 2, "the store is among them");
    let mut secrets = world.provider.server.with(|server| server.secrets());
    let canaries = [CLIENT_SECRET, "k3y-canary-replaced", "k3y-canary-entered"];
    secrets.extend(canaries.map(str::to_owned));
    for sink in &sinks {
        for secret in &secrets {
            let found = sink.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret of {} characters was written", secret.len());
        }
    }
}
