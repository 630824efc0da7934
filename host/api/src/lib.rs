//! What the host answers over HTTP; for now the end of an authorisation in a browser.
//!
//! Nothing here decides: requests are read within bounds, handed to a port, and answered. No answer
//! holds a secret but the cookie that binds a browser, and none may be kept or framed.

pub mod callback;
pub mod server;
