//! One Pusher message as the server sent it: the text, and the JSON in it.

use serde_json::Value;

/// A message of the server.
#[derive(Clone, Debug)]
pub struct Frame {
    text: String,
    json: Value,
}

impl Frame {
    /// Reads a text frame; it must be a JSON object with a string `event` (contract 3.1).
    #[must_use]
    #[track_caller]
    pub fn parse(text: String) -> Self {
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("not JSON ({e}): {text}"));
        assert!(json.is_object(), "not an object: {text}");
        assert!(json["event"].is_string(), "no event name: {text}");
        Self { text, json }
    }

    /// The text as it came over the wire.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole message.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &str {
        self.json["event"].as_str().unwrap()
    }

    /// The channel, if the message has one.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.json.get("channel")?.as_str()
    }

    /// `data`, which must be a string.
    #[must_use]
    #[track_caller]
    pub fn data_text(&self) -> &str {
        self.json["data"].as_str().unwrap_or_else(|| panic!("data is no string: {}", self.text))
    }

    /// `data`, which must be a string that holds JSON, decoded.
    #[must_use]
    #[track_caller]
    pub fn data(&self) -> Value {
        serde_json::from_str(self.data_text())
            .unwrap_or_else(|e| panic!("data is no JSON ({e}): {}", self.text))
    }

    /// The code of a `pusher:error`, whose `data` must be an object (contract 3.3, 3.4).
    #[must_use]
    #[track_caller]
    pub fn error_code(&self) -> Option<u64> {
        let data = self.error_data();
        let code = &data["code"];
        assert!(
            code.is_null() || code.is_u64(),
            "code is neither null nor an integer: {}",
            self.text
        );
        code.as_u64()
    }

    /// The message of a `pusher:error`.
    #[must_use]
    #[track_caller]
    pub fn error_message(&self) -> &str {
        self.error_data()["message"]
            .as_str()
            .unwrap_or_else(|| panic!("message is no string: {}", self.text))
    }

    #[track_caller]
    fn error_data(&self) -> &Value {
        assert_eq!(self.event(), "pusher:error", "not an error: {}", self.text);
        let data = &self.json["data"];
        assert!(data.is_object(), "data of an error is no object: {}", self.text);
        assert!(data.get("code").is_some(), "no code key: {}", self.text);
        data
    }
}
