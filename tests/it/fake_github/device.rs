//! GitHub's device flow as the fake plays it: a code, a person who takes their time, a token that is good for one question.

use std::collections::VecDeque;

use axum::{
    http::{HeaderMap, Method},
    response::Response,
};
use serde_json::json;

use super::serve::{message, respond};

const USER_TOKEN: &str = "ghu_ofTheDeviceFlow";

#[derive(Debug, Clone, Default)]
pub struct Device {
    /// What the next questions are answered with, `authorization_pending`; then the person has entered the code.
    pub errors: VecDeque<&'static str>,
    /// Who enters the code.
    pub login: String,
    pub id: i64,
    /// Nobody may ask with another.
    pub client_id: String,
    pub questions: u32,
    pub disabled: bool,
}

/// `None` for what is not of the device flow.
pub fn answer(device: &mut Device, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let of = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let error = |error: &str| respond(200, &json!({ "error": error, "error_description": "", "error_uri": "" }));
    if *method == Method::POST && path.starts_with("/login/") {
        assert_eq!(headers["accept"], "application/json", "else GitHub answers a form");
        if of("client_id") != Some(&device.client_id) {
            return Some(message(404, "Not Found"));
        }
    }
    match (method, path) {
        (&Method::POST, "/login/device/code") if device.disabled => Some(error("device_flow_disabled")),
        (&Method::POST, "/login/device/code") => Some(respond(
            200,
            &json!({ "device_code": "3584d83530557fdd1f46af8289938c8ef79f9dc5", "user_code": "WDJB-MJHT",
                     "verification_uri": "https://github.com/login/device", "expires_in": 900, "interval": 5 }),
        )),
        (&Method::POST, "/login/oauth/access_token") => {
            assert_eq!(of("grant_type"), Some("urn:ietf:params:oauth:grant-type:device_code"));
            assert_eq!(of("device_code"), Some("3584d83530557fdd1f46af8289938c8ef79f9dc5"));
            device.questions += 1;
            Some(match device.errors.pop_front() {
                Some(told) => error(told),
                None => respond(200, &json!({ "access_token": USER_TOKEN, "token_type": "bearer", "scope": "" })),
            })
        }
        (&Method::GET, "/user") if headers.get("authorization")? == &format!("Bearer {USER_TOKEN}") => {
            Some(respond(200, &json!({ "login": device.login, "id": device.id, "name": null, "email": null })))
        }
        _ => None,
    }
}
