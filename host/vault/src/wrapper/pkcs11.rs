//! An AES key in a hardware module, by PKCS #11: `CKM_AES_GCM`, so that the context is
//! authenticated. The key need not be extractable, and never leaves the module.
//!
//! nonce 12 · ciphertext and tag 16. The nonces are random: what one key wraps are the data keys of
//! owners and their rotations, far fewer than the 2³² after which a nonce might repeat.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use model::Secret;
use model::vault::{DataKey, KeyWrapper, VaultError};
use zeroize::Zeroizing;

use super::service::read_secret;
use super::{data_key, does_not_open};
use crate::cipher::random;
use crate::config::Pkcs11Config;

const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

/// Wraps with a key in a hardware module.
pub(crate) struct Pkcs11Wrapper {
    id: String,
    token: Arc<Mutex<Token>>,
}

/// A token: one session, in which one operation runs at a time.
struct Token {
    config: Pkcs11Config,
    open: Option<(Session, ObjectHandle)>,
    /// The PIN that the token did not take. It is not tried again: a few of those lock the token.
    refused: Option<Secret>,
}

impl Pkcs11Wrapper {
    pub(crate) fn new(config: Pkcs11Config) -> Self {
        let id = format!("pkcs11:{}/{}", config.token, config.key);
        let token = Token { config, open: None, refused: None };
        Self { id, token: Arc::new(Mutex::new(token)) }
    }

    /// Runs an operation where it may block.
    async fn run(&self, operation: Operation) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let token = Arc::clone(&self.token);
        let run = move || token.lock().unwrap_or_else(PoisonError::into_inner).run(operation);
        let ended = tokio::task::spawn_blocking(run).await;
        ended.map_err(|e| VaultError::Unavailable(e.to_string()))?.map_err(|e| match e {
            Failure::Other(e) => e,
            Failure::DoesNotOpen => does_not_open(&self.id),
            Failure::Module(e) => VaultError::Unavailable(format!(
                "the module that keeps the key {} does not serve: {e}; see that it is well, and \
                 that the key may encrypt and decrypt",
                self.id
            )),
        })
    }
}

#[async_trait]
impl KeyWrapper for Pkcs11Wrapper {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Bytes, VaultError> {
        let nonce = random::<NONCE_BYTES>()?;
        let text = Zeroizing::new(key.to_vec());
        let verb = Verb::Encrypt;
        let sealed = self.run(Operation { verb, nonce, context: context.to_vec(), text }).await?;
        Ok([nonce.as_slice(), &sealed].concat().into())
    }

    async fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, VaultError> {
        let (nonce, text) = wrapped.split_first_chunk().ok_or_else(|| does_not_open(&self.id))?;
        let (verb, nonce, text) = (Verb::Decrypt, *nonce, Zeroizing::new(text.to_vec()));
        let key = self.run(Operation { verb, nonce, context: context.to_vec(), text }).await?;
        data_key(&key).ok_or_else(|| does_not_open(&self.id))
    }
}

struct Operation {
    verb: Verb,
    nonce: [u8; NONCE_BYTES],
    context: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Verb {
    Encrypt,
    Decrypt,
}

enum Failure {
    Module(Error),
    DoesNotOpen,
    Other(VaultError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Module(error)
    }
}

impl Operation {
    /// What a key can do that is well.
    fn probe() -> Result<Self, VaultError> {
        let (nonce, text) = (random()?, Zeroizing::new(Vec::new()));
        Ok(Self { verb: Verb::Encrypt, nonce, context: Vec::new(), text })
    }

    fn run(&mut self, session: &Session, key: ObjectHandle) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parameters = GcmParams::new(&mut self.nonce, &self.context, TAG_BITS.into())?;
        let mechanism = Mechanism::AesGcm(parameters);
        let done = match self.verb {
            Verb::Encrypt => session.encrypt(&mechanism, key, &self.text),
            Verb::Decrypt => session.decrypt(&mechanism, key, &self.text),
        };
        done.map(Zeroizing::new)
    }
}

impl Token {
    /// Runs an operation in the session there is, and once more in a new one if that is of no use
    /// any more: tokens are pulled out, and modules restarted.
    fn run(&mut self, mut operation: Operation) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some((session, key)) = self.open.take()
            && let Ok(done) = operation.run(&session, key)
        {
            self.open = Some((session, key));
            return Ok(done);
        }
        let (session, key) = self.log_in()?;
        let ended = operation.run(&session, key);
        // Modules tell a wrong key by errors as general as that of a broken device: if the key can
        // do something else in this session, the data is at fault.
        let well = ended.is_ok()
            || Operation::probe().is_ok_and(|mut probe| probe.run(&session, key).is_ok());
        if well {
            self.open = Some((session, key));
        }
        match (ended, operation.verb) {
            (Err(_), Verb::Decrypt) if well => Err(Failure::DoesNotOpen),
            (ended, _) => Ok(ended?),
        }
    }

    fn log_in(&mut self) -> Result<(Session, ObjectHandle), Failure> {
        let module = Pkcs11::new(&self.config.module)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(e) => return Err(e.into()),
        }
        let Pkcs11Config { module: path, token, .. } = &self.config;
        let mut slots = module.get_slots_with_token()?.into_iter();
        let named = |slot: &_| module.get_token_info(*slot).is_ok_and(|info| info.label() == token);
        let Some(slot) = slots.find(named) else {
            return Err(unavailable(format!(
                "the module '{}' has no token labelled '{token}'",
                path.display()
            )));
        };
        let session = module.open_ro_session(slot)?;
        self.enter_pin(&session)?;
        let key = self.find_key(&session)?;
        Ok((session, key))
    }

    fn enter_pin(&mut self, session: &Session) -> Result<(), Failure> {
        let Pkcs11Config { pin_file, token, .. } = &self.config;
        let pin = read_secret(pin_file).map_err(Failure::Other)?;
        let refused = || {
            unavailable(format!(
                "the token '{token}' does not take the PIN in '{}'; put the right one there (it is \
                 not tried again before, so that the token is not locked)",
                pin_file.display()
            ))
        };
        if self.refused.as_ref().is_some_and(|refused| refused.expose() == pin.expose()) {
            return Err(refused());
        }
        match session.login(UserType::User, Some(&AuthPin::from(pin.expose()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(error, _)) if is_of_the_pin(error) => {
                let refused = refused();
                self.refused = Some(pin);
                Err(refused)
            }
            Err(e) => Err(e.into()),
        }
    }

    fn find_key(&self, session: &Session) -> Result<ObjectHandle, Failure> {
        let Pkcs11Config { token, key, .. } = &self.config;
        let found = session.find_objects(&[
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(key.clone().into_bytes()),
        ])?;
        match found.as_slice() {
            [key] => Ok(*key),
            keys => Err(unavailable(format!(
                "the token '{token}' has {} AES keys labelled '{key}', and needs one",
                keys.len()
            ))),
        }
    }
}

fn unavailable(message: String) -> Failure {
    Failure::Other(VaultError::Unavailable(message))
}

fn is_of_the_pin(error: RvError) -> bool {
    matches!(
        error,
        RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked
    )
}
