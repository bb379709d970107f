//! Names of channels, users, sockets, apps and keys: what parses keeps to its rule and prints as it
//! came.

#![no_main]

use bellwire_protocol::{AppId, AppKey, ChannelKind, ChannelName, SocketId, UserId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    channel_name(text);
    if let Ok(user) = text.parse::<UserId>() {
        assert!((1..=128).contains(&text.chars().count()));
        assert_eq!(user.to_string(), text);
        assert_eq!(user.fits_a_channel_name(), text.chars().all(legal));
    }
    if let Ok(id) = text.parse::<SocketId>() {
        assert!(id == SocketId::NOBODY || id.to_string() == text);
        assert!(text.chars().all(|c| c == '.' || c.is_ascii_digit()));
    }
    if let Ok(id) = text.parse::<AppId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = text.parse::<AppKey>() {
        assert!(!key.as_str().contains(':'));
    }
});

fn channel_name(text: &str) {
    let user = text.strip_prefix("#server-to-user-");
    let legal = text.len() <= 164
        && user.is_none_or(|user| !user.is_empty())
        && !text.is_empty()
        && user.unwrap_or(text).chars().all(legal);
    let Ok(name) = text.parse::<ChannelName>() else {
        assert!(!legal, "refused although legal");
        return;
    };
    assert!(legal, "accepted although illegal");
    assert_eq!(name.to_string(), text);
    assert_eq!(name.addressed_user(), user);
    let kind = name.kind();
    let (private, presence) = (text.starts_with("private-"), text.starts_with("presence-"));
    let bare = text.strip_prefix("private-").or(text.strip_prefix("presence-")).unwrap_or(text);
    let encrypted = private && bare.starts_with("encrypted-");
    let bare = if encrypted { &bare["encrypted-".len()..] } else { bare };
    assert_eq!(kind.needs_auth(), private || presence);
    assert_eq!(kind.is_presence(), presence);
    assert_eq!(kind.is_encrypted(), encrypted);
    assert_eq!(kind.is_cache(), bare.starts_with("cache-"));
    assert_eq!(kind == ChannelKind::ServerToUser, user.is_some());
}

fn legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-=@,.;".contains(c)
}
