//! The parameters in the API's paths, for its description.

use utoipa::IntoParams;

/// The path of an app.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct AppPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
}

/// The path of an account.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct AccountPath {
    /// The account's id.
    #[param(example = "acc_0123456789abcdef")]
    account_id: String,
}

/// The path of something of an account.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct AccountThingPath {
    /// The account's id.
    #[param(example = "acc_0123456789abcdef")]
    account_id: String,
    /// Its id.
    id: String,
}

/// The path of a session.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct SessionPath {
    /// The session's id.
    #[param(example = "ses_0123456789abcdef")]
    id: String,
}

/// The path of a channel.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct ChannelPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The channel's name.
    #[param(example = "presence-lobby")]
    id: String,
}

/// The path of an app's key.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct KeyPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The key.
    #[param(example = "278d425bdf160c739803")]
    id: String,
}

/// The path of a webhook.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct WebhookPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The webhook's id.
    #[param(example = "ep_4f1c2a9be07d8835a6c1")]
    id: String,
}

/// The path of a delivery.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct DeliveryPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The delivery's id.
    #[param(example = "msg_03338d4e1a400000")]
    id: String,
}

/// The path of a replay.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct ReplayPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The replay's id.
    #[param(example = "rpl_03338d4e1a400000")]
    id: String,
}

/// The path of a user.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct UserPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The user's id.
    #[param(example = "ann")]
    id: String,
}

/// The path of a connection.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "the description is made of it")]
pub(super) struct ConnectionPath {
    /// The app's id.
    #[param(example = "1001")]
    app_id: String,
    /// The connection's socket id.
    #[param(example = "123.456")]
    id: String,
}
