//! A service that answers requests of the host as a test says, and keeps them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::vault::KeyWrapper;
use model::{Clock, Error, ErrorKind, Secret, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use vault::{KeyFile, Setting, WrapperConfig};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) url: String,
    pub(crate) origin: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Answer = dyn Fn(&Received) -> Option<(u16, Value)> + Send + Sync;

/// Answers by a function; nothing means that it is out of reach.
pub(crate) struct Service {
    answer: Box<Answer>,
    received: Mutex<Vec<Received>>,
}

impl Service {
    pub(crate) fn new(
        answer: impl Fn(&Received) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), received: Mutex::default() })
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

#[async_trait]
impl Outbound for Service {
    async fn send(&self, request: HostRequest) -> Result<HostAnswer, Error> {
        assert_eq!(request.method, "POST");
        let headers = request.headers.iter();
        let received = Received {
            url: request.url.clone(),
            origin: request.origin.clone(),
            headers: headers.map(|(n, v)| (n.clone(), v.expose().to_owned())).collect(),
            body: request.body.as_ref().map(|body| body.expose().to_owned()).unwrap_or_default(),
        };
        self.received.lock().unwrap().push(received.clone());
        let (status, body) = (self.answer)(&received).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "host.unreachable", "nobody answers")
        })?;
        Ok(HostAnswer { status, headers: Vec::new(), body: Secret::new(body.to_string()) })
    }
}

/// A directory with a file that holds a secret, and a clock.
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) clock: Clock,
}

impl Place {
    pub(crate) fn new(secret: &str) -> Self {
        let place =
            Self { dir: tempfile::tempdir().unwrap(), clock: Clock::manual(Timestamp::UNIX_EPOCH) };
        place.put(secret);
        place
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    pub(crate) fn put(&self, secret: &str) {
        std::fs::write(self.secret(), secret).unwrap();
    }

    /// Builds what a section of the configuration says; `FILE` in it is the file.
    pub(crate) fn build(&self, service: &Arc<Service>, section: &str) -> Arc<dyn KeyWrapper> {
        let section = section.replace("FILE", &self.secret().display().to_string());
        let config: WrapperConfig = toml::from_str(&section).unwrap();
        let setting =
            Setting { data: self.dir.path(), outbound: service.clone(), clock: self.clock.clone() };
        config.build(&setting, KeyFile::MustExist).unwrap()
    }
}
