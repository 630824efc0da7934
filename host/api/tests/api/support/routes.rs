//! The routes of the API, as its document tells them.

use axum::http::Method;
use model::api_key::Role;
use serde_json::{Map, Value, json};

use super::Ask;

/// A route.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With the names of its parameters in braces.
    pub(crate) path: String,
    /// What it needs; nothing where anybody may ask.
    pub(crate) role: Option<Role>,
    operation: Value,
    document: Value,
}

/// All of them.
pub(crate) fn routes() -> Vec<Route> {
    let document = serde_json::to_value(api::document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["security"][0]["api_key"][0].as_str();
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                role: role.map(|role| role.parse().unwrap()),
                operation: operation.clone(),
                document: document.clone(),
            });
        }
    }
    routes
}

impl Route {
    /// The names in the path.
    pub(crate) fn in_path(&self) -> Vec<&str> {
        let parts = self.path.split('/').filter_map(|part| part.strip_prefix('{'));
        parts.filter_map(|part| part.strip_suffix('}')).collect()
    }

    /// The names behind the question mark.
    pub(crate) fn in_query(&self) -> Vec<&str> {
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// The members of the content.
    pub(crate) fn in_content(&self) -> Vec<&str> {
        let schema = self.schema().map(|schema| self.resolved(schema));
        let members = schema.and_then(|schema| schema["properties"].as_object());
        members.into_iter().flat_map(Map::keys).map(String::as_str).collect()
    }

    /// A request that says as little as the document asks for.
    pub(crate) fn ask(&self, path: &str) -> Ask {
        self.ask_with(path, &json!({}))
    }

    /// The same with some members of its content.
    pub(crate) fn ask_with(&self, path: &str, members: &Value) -> Ask {
        let mut ask = Ask::new(self.method.clone(), path);
        let parameters = self.operation["parameters"].as_array().into_iter().flatten();
        if parameters.into_iter().any(|parameter| parameter["name"] == "If-Match") {
            ask = ask.if_match("*");
        }
        let Some(schema) = self.schema() else { return ask };
        let mut content = self.instance(schema);
        if let (Some(content), Some(members)) = (content.as_object_mut(), members.as_object()) {
            content.extend(members.clone());
        }
        ask.json(&content)
    }

    fn schema(&self) -> Option<&Value> {
        self.operation["requestBody"]["content"]["application/json"].get("schema")
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
        reference.map_or(schema, |pointer| self.document.pointer(pointer).unwrap())
    }

    /// The least that fits a schema.
    fn instance(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(first) = schema["oneOf"].get(0).or(schema["anyOf"].get(0)) {
            return self.instance(first);
        }
        if let Some(given) = schema.get("example").or(schema["enum"].get(0)) {
            return given.clone();
        }
        let kind = schema["type"].as_str().or(schema["type"][0].as_str());
        match (kind, schema["format"].as_str()) {
            (Some("string"), Some("date-time")) => json!("2026-02-01T00:00:00Z"),
            (Some("string"), _) => json!("x-1"),
            (Some("integer" | "number"), _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
            (Some("boolean"), _) => json!(false),
            (Some("array"), _) => json!([]),
            _ => {
                let required = schema["required"].as_array().into_iter().flatten();
                let member = |name: &Value| {
                    let name = name.as_str().unwrap();
                    (name.to_owned(), self.instance(&schema["properties"][name]))
                };
                required.map(member).collect::<Map<_, _>>().into()
            }
        }
    }
}
