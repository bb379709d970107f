//! Signing in and out, and what a session opens.

use bellwire_testkit::{App, Config, Request};
use serde_json::json;

use super::browser::{BASE, Browser, PASSWORD, operated, operated_with};
use crate::management::office::refused;

#[test]
fn the_cookie_is_for_our_own_pages_only_and_no_script_reads_it() {
    let (server, _) = operated();
    let body = json!({ "email": " ADA@example.com ", "password": PASSWORD });
    let answer = Browser::default().tell(&server, "POST", "/session", &body);
    let line = answer.header("set-cookie").unwrap();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("Secure"), "this server has no TLS: {line}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn over_tls_the_cookie_is_for_tls_only() {
    let config = Config::with(App::new(1)).tls();
    let (server, operator) = operated_with(config);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = operator.tell(&server, "POST", "/session", &body);
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"));
}

#[test]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let (server, _) = operated();
    let answer = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        refused(&Browser::default().tell(&server, "POST", "/session", &body), 401)
    };
    let wrong = answer("ada@example.com", "wrong horse");
    assert_eq!(answer("nobody@example.com", PASSWORD), wrong);
    assert_eq!(answer("no address", PASSWORD), wrong);
}

#[test]
fn who_guesses_has_to_wait_even_with_the_right_password() {
    let (server, _) = operated();
    let try_with = |password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password });
        Browser::default().tell(&server, "POST", "/session", &body)
    };
    for _ in 0..6 {
        refused(&try_with("wrong horse"), 401);
    }
    let answer = try_with(PASSWORD);
    refused(&answer, 429);
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
}

#[test]
fn a_change_needs_the_token_that_only_our_page_knows() {
    let (server, operator) = operated();
    let account = format!("/accounts/{}", operator.account());
    for csrf in ["", "wrong", &"0".repeat(64)] {
        let thief = Browser { csrf: csrf.to_owned(), ..operator.clone() };
        let answer = thief.tell(&server, "PATCH", &account, &json!({ "name": "Stolen" }));
        refused(&answer, 403);
    }
    let again = Browser::sign_in(&server, "ada@example.com", PASSWORD);
    let mixed = Browser { csrf: again.csrf, ..operator.clone() };
    refused(&mixed.ask(&server, "DELETE", "/session"), 403);
    assert_eq!(operator.get(&server, &account)["name"], "Main");
    assert_eq!(operator.tell(&server, "PATCH", &account, &json!({ "name": "Own" })).status, 200);
}

#[test]
fn another_site_cannot_sign_a_browser_in() {
    let (server, _) = operated();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
    let sign_in = || Request::new("POST", &format!("{BASE}/session")).body(body.clone());
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        refused(&server.http(&sign_in().header(name, value)), 403);
    }
    assert_eq!(server.http(&sign_in().header("Sec-Fetch-Site", "same-origin")).status, 200);
}

#[test]
fn a_session_that_was_signed_out_or_made_up_opens_nothing() {
    let (server, operator) = operated();
    let copy = operator.clone();
    let answer = operator.ask(&server, "DELETE", "/session");
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    refused(&copy.ask(&server, "GET", "/session"), 401);
    let made_up = Browser { cookie: Some("A".repeat(40)), ..copy };
    refused(&made_up.ask(&server, "GET", "/apps"), 401);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_and_survive_a_restart() {
    let (mut server, first) = operated();
    let second = Browser::sign_in(&server, "ada@example.com", PASSWORD);
    server.crash();
    server.restart();
    let list = first.get(&server, "/session/list");
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/session/list/{}", other["id"].as_str().unwrap());
    assert_eq!(first.ask(&server, "DELETE", &path).status, 204);
    refused(&first.ask(&server, "DELETE", &path), 404);
    refused(&second.ask(&server, "GET", "/session"), 401);
}

#[test]
fn a_new_password_takes_the_old_one_and_ends_every_other_session() {
    let (server, here) = operated();
    let there = Browser::sign_in(&server, "ada@example.com", PASSWORD);
    let change = |body| here.tell(&server, "PATCH", "/session/user", &body);
    let answer = change(json!({ "password": "another horse" }));
    assert_eq!(refused(&answer, 422)["field"], "current_password");
    let answer = change(json!({ "password": "another horse", "current_password": "wrong horse" }));
    assert_eq!(refused(&answer, 422)["field"], "current_password");
    let good = json!({ "password": "another horse", "current_password": PASSWORD, "name": "Äda" });
    assert_eq!(change(good).ok()["name"], "Äda");
    refused(&there.ask(&server, "GET", "/session"), 401);
    here.get(&server, "/session");
    Browser::sign_in(&server, "ada@example.com", "another horse");
}

#[test]
fn passwords_and_sessions_do_not_get_into_the_log() {
    let config = Config::with(App::new(1)).setting("log = \"trace\"");
    let (server, operator) = operated_with(config);
    Browser::sign_in(&server, "ada@example.com", PASSWORD);
    let body = json!({ "email": "ada@example.com", "password": "wrong horse" });
    Browser::default().tell(&server, "POST", "/session", &body);
    let log = server.stderr();
    for hidden in [PASSWORD, "wrong horse", operator.cookie.as_deref().unwrap(), &operator.csrf] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
}
