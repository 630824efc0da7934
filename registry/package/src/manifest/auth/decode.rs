//! Reading `[auth.METHOD]`.

use std::collections::BTreeMap;

use super::{
    Auth, AuthField, Client, ClientAuth, Jwt, Key, KeyPlace, OAuth2, Revoke, RevokeToken, TokenBody,
};
use crate::document::{Decode, FileError, Item, Named, Table};
use crate::manifest::adapter::is_line;
use crate::place::is_token;
use crate::words::words;

words! {
    /// The kinds of auth methods.
    enum Kind {
        /// [`OAuth2`].
        OAuth2 = "oauth2",
        /// [`Client`].
        Client = "client",
        /// [`Jwt`].
        Jwt = "jwt",
        /// [`Key`].
        Key = "key",
        /// [`Auth::None`].
        None = "none",
    }
}

impl Decode for Auth {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let auth = match table.required("kind")? {
            Kind::OAuth2 => Self::OAuth2(oauth2(&table)?),
            Kind::Client => Self::Client(client(&table)?),
            Kind::Jwt => Self::Jwt(jwt(&table)?),
            Kind::Key => Self::Key(key(&table)?),
            Kind::None => Self::None,
        };
        table.finish()?;
        Ok(auth)
    }
}

fn oauth2(table: &Table<'_>) -> Result<OAuth2, FileError> {
    Ok(OAuth2 {
        authorize: table.required("authorize")?,
        token: table.required("token")?,
        issuer: table.optional("issuer")?,
        client_auth: table.required("client_auth")?,
        token_body: table.or("token_body", TokenBody::Form)?,
        pkce: table.or("pkce", true)?,
        scopes: table.or("scopes", Vec::new())?,
        write_scopes: table.or("write_scopes", Vec::new())?,
        authorize_params: table.or("authorize_params", BTreeMap::new())?,
        revoke: table.optional("revoke")?,
        reauth: table.or("reauth", Vec::new())?,
    })
}

fn client(table: &Table<'_>) -> Result<Client, FileError> {
    Ok(Client {
        token: table.required("token")?,
        client_auth: table.or("client_auth", ClientAuth::Body)?,
        grant: table.or("grant", "client_credentials".to_owned())?,
        params: table.or("params", BTreeMap::new())?,
        scopes: table.or("scopes", Vec::new())?,
    })
}

fn jwt(table: &Table<'_>) -> Result<Jwt, FileError> {
    Ok(Jwt {
        token: table.required("token")?,
        fields: table.required::<Named<_>>("fields")?.0,
        issuer: table.required("issuer")?,
        subject: table.optional("subject")?,
        audience: table.required("audience")?,
        key_id: table.optional("key_id")?,
        lifetime: table.required("lifetime")?,
        scopes: table.or("scopes", Vec::new())?,
        write_scopes: table.or("write_scopes", Vec::new())?,
    })
}

fn key(table: &Table<'_>) -> Result<Key, FileError> {
    let fields = table.required::<Named<_>>("fields")?.0;
    let header = table.optional::<NamedValue>("header")?;
    let basic = table.optional::<Basic>("basic")?;
    let query = table.optional::<NamedValue>("query")?;
    let place = match (header, basic, query) {
        (Some(NamedValue { name, value }), None, None) => {
            if !is_token(&name) {
                let message = format!("`{name}` is not the name of a header");
                return Err(table.complain_at("header", message, "write letters, digits and `-`"));
            }
            KeyPlace::Header { name, value }
        }
        (None, Some(Basic { user, password }), None) => KeyPlace::Basic { user, password },
        (None, None, Some(NamedValue { name, value })) => KeyPlace::Query { name, value },
        _ => {
            let message = format!("{} must say once where the key stands", table.name());
            let help = "write exactly one of header = {name, value}, basic = {user, password}, \
                        query = {name, value}";
            return Err(table.complain(message, help));
        }
    };
    Ok(Key { fields, place })
}

struct NamedValue {
    name: String,
    value: crate::template::Template,
}

impl Decode for NamedValue {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let named = Self { name: table.required("name")?, value: table.required("value")? };
        if !is_line(&named.name) {
            return Err(table.complain_at(
                "name",
                "`name` is not one line of text",
                "write a name",
            ));
        }
        table.finish()?;
        Ok(named)
    }
}

struct Basic {
    user: crate::template::Template,
    password: crate::template::Template,
}

impl Decode for Basic {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let basic = Self { user: table.required("user")?, password: table.required("password")? };
        table.finish()?;
        Ok(basic)
    }
}

impl Decode for Revoke {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let revoke =
            Self { url: table.required("url")?, token: table.or("token", RevokeToken::Refresh)? };
        table.finish()?;
        Ok(revoke)
    }
}

impl Decode for AuthField {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let field = Self { label: table.required("label")?, secret: table.or("secret", false)? };
        if !is_line(&field.label) {
            let help = "write the label that the user sees";
            return Err(table.complain_at("label", "`label` is not one line of text", help));
        }
        table.finish()?;
        Ok(field)
    }
}
