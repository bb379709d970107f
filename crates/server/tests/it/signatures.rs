//! Contract 13: who may use the HTTP API.

use bellwire_testkit::{Api, App, Config, Request, Server};
use serde_json::json;

use crate::support::{serve, server};

/// The example of Pusher's docs, whose signatures are known (contract 13, test vectors). Its date is
/// long past, so that a right signature is answered with "expired" and a wrong one with "invalid".
fn docs_server() -> Server {
    let app = App::called("3", "278d425bdf160c739803", "7ad3773142a6692b25b8");
    serve(Config::with(app))
}

#[track_caller]
fn refused(response: &bellwire_testkit::Response) -> String {
    assert_eq!(response.status, 401, "{}", response.text());
    response.text().to_owned()
}

// contract: 13.1, 13.11
#[test]
fn each_missing_parameter_is_named() {
    let server = server();
    let get = || server.api().get("/channels");
    let text = refused(&get().without("auth_key").send());
    assert!(text.contains("auth_key"), "{text}");
    let text = refused(&get().without("auth_timestamp").send());
    assert!(text.contains("Timestamp required"), "{text}");
    let text = refused(&get().without("auth_version").send());
    assert!(text.contains("Version required"), "{text}");
    refused(&get().unsigned().send());
    refused(&get().signature("").send());
    refused(&server.http(&Request::get("/apps/1001/channels")));
}

// contract: 13.2, 13.7
#[test]
fn the_string_to_sign_of_the_docs_comes_out_on_the_server_too() {
    let server = docs_server();
    let body = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
    let old = "1353088179";
    let right = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
    let request = server.api().request("POST", "/events").body(body).set("auth_timestamp", old);
    let text = refused(&request.clone().signature(right).send());
    assert!(text.contains("Timestamp expired"), "{text}");
    let mut wrong = right.to_owned();
    wrong.replace_range(..1, "e");
    refused(&request.signature(&wrong).send());
}

// contract: 13.2, 13.5
#[test]
fn the_order_on_the_wire_and_the_case_of_keys_do_not_matter() {
    let server = server();
    let request = server.api().get("/channels").query("filter_by_prefix", "presence-");
    let request = request.query("info", "user_count");
    request.send().ok();
    request.unsorted().send().ok();
    let request = server.api().get("/channels");
    request.query("Filter_By_Prefix", "Presence-").send().ok();
}

// contract: 13.2
#[test]
fn values_are_signed_unescaped() {
    let server = server();
    let request = server.api().get("/channels").query("filter_by_prefix", "a=b,c@d;e&f g");
    request.send().ok();
    let escaped = request.string_to_sign().replace("a=b,c@d;e&f g", "a%3Db%2Cc%40d%3Be%26f%20g");
    let query = escaped.lines().last().unwrap().to_owned();
    refused(&request.sign_query(&query).send());
}

// contract: 13.3
#[test]
fn arrays_are_signed_in_their_order_and_an_empty_value_as_such() {
    let server = server();
    let post = server.api().request("POST", "/events").query("name", "x").query("data", "");
    let post = post.query("channels[]", "b").query("channels[]", "a");
    assert!(post.string_to_sign().contains("channels[]=b&channels[]=a&data=&name=x"));
    post.send().ok();
}

// contract: 13.3, 13.5
#[test]
fn a_key_without_a_value_counts_as_an_empty_one() {
    let server = server();
    let signed = server.api().get("/channels").query("filter_by_prefix", "").to_request();
    let bare =
        Request { path: signed.path.replace("filter_by_prefix=", "filter_by_prefix"), ..signed };
    server.http(&bare).ok();
}

// contract: 13.4
#[test]
fn the_path_may_be_signed_decoded_or_as_it_stands() {
    let server = server();
    let wire = "/apps/1001/channels/a%2Cb%3D";
    let request = server.api().request_at("GET", wire);
    request.send().ok();
    request.sign_path("/apps/1001/channels/a,b=").send().ok();
}

// contract: 13.5
#[test]
fn a_plus_in_the_query_is_a_space() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    let post = server.api().request("POST", "/events");
    let post = post.query("name", "two words").query("data", "1+1").query("channel", "a");
    let signed = post.to_request();
    let formed = Request { path: signed.path.replace("two%20words", "two+words"), ..signed };
    server.http(&formed).ok();
    assert_eq!(client.expect_on("two words", "a").data_text(), "1+1");
}

// contract: 13.5
#[test]
fn commas_and_colons_may_stand_unescaped() {
    let server = server();
    let signed = server.api().get("/channels").query("filter_by_prefix", "a,b;c@d").to_request();
    let bare = Request {
        path: signed.path.replace("%2C", ",").replace("%3B", ";").replace("%40", "@"),
        ..signed
    };
    server.http(&bare).ok();
}

// contract: 13.6
#[test]
fn php_sends_info_as_an_indexed_array_and_signs_it_joined() {
    let server = crate::support::serve_app(crate::support::featured());
    let request = server.api().get("/channels/presence-a");
    let joined = request.clone().query("info", "user_count,subscription_count");
    let query = joined.string_to_sign().lines().last().unwrap().to_owned();
    let indexed = request.query("info[0]", "user_count").query("info[1]", "subscription_count");
    let response = indexed.sign_query(&query).send();
    assert!([200, 401].contains(&response.status), "{}", response.text());
    if response.status == 200 {
        assert_eq!(response.json()["user_count"], 0);
    }
}

// contract: 13.7
#[test]
fn a_timestamp_six_hundred_seconds_off_is_expired() {
    let server = server();
    let get = |seconds| server.api().get("/channels").seconds_from_now(seconds).send();
    get(-570).ok();
    get(570).ok();
    for seconds in [-601, -86_400, 660, i64::from(i32::MAX)] {
        let text = refused(&get(seconds));
        assert!(text.contains("Timestamp expired"), "{text}");
        assert!(text.contains("600s"), "{text}");
    }
    for timestamp in ["", "abc", "1.5", "-1", "99999999999999999999999", " 1", "0x10"] {
        refused(&server.api().get("/channels").set("auth_timestamp", timestamp).send());
    }
}

// contract: 13.8
#[test]
fn only_version_one_is_supported() {
    let server = server();
    for version in ["1", "1.1", "2.0", "1.0.0", ""] {
        let text = refused(&server.api().get("/channels").set("auth_version", version).send());
        assert!(text.contains("Version"), "{text}");
    }
}

// contract: 13.9
#[test]
fn the_body_must_match_its_md5() {
    let server = server();
    let body = json!({ "name": "x", "data": "", "channel": "a" }).to_string();
    let post = || server.api().request("POST", "/events").body(body.clone());
    post().send().ok();
    refused(&post().without("body_md5").send());
    refused(&post().set("body_md5", "d41d8cd98f00b204e9800998ecf8427e").send());
    refused(&post().set("body_md5", "").send());
    let upper = bellwire_testkit::md5_hex(body.as_bytes()).to_uppercase();
    refused(&post().set("body_md5", &upper).send());
    refused(&post().body_only(body.replace('x', "y")).send());
}

// contract: 13.9
#[test]
fn the_md5_of_an_empty_body_may_be_given_and_must_be_right() {
    let server = server();
    let get = || server.api().get("/channels");
    get().body("").send().ok();
    refused(&get().set("body_md5", "d41d8cd98f00b204e9800998ecf8427f").send());
}

// contract: 13.10
#[test]
fn keys_that_fold_into_one_are_refused() {
    let server = server();
    let request = server.api().get("/channels");
    let twice = request.query("filter_by_prefix", "a").query("Filter_by_prefix", "b");
    let status = twice.send().status;
    assert!([400, 401].contains(&status), "{status}");
    let request = server.api().get("/channels").query("Auth_Key", "key-1");
    let status = request.send().status;
    assert!([400, 401].contains(&status), "{status}");
}

// contract: 13.11
#[test]
fn a_wrong_signature_is_told_the_string_to_sign_and_never_the_secret() {
    let server = server();
    let body = json!({ "name": "x", "data": "", "channel": "a" });
    let request = server.api().post("/events", &body);
    let text = refused(&request.clone().signature("feed").send());
    assert!(text.contains("Invalid signature: you should have sent HmacSHA256Hex("), "{text}");
    assert!(text.contains(&request.string_to_sign().replace('\n', "\\n")), "{text}");
    assert!(text.contains("feed"), "{text}");
    assert!(!text.contains("secret-1"), "{text}");
}

// contract: 13.11
#[test]
fn a_signature_that_is_forged_or_in_upper_case_is_refused() {
    let server = server();
    let request = server.api().get("/channels");
    refused(&request.clone().sign_with("secret-2").send());
    refused(&request.clone().upper_case_signature().send());
    refused(&request.clone().signature(&"0".repeat(64)).send());
    refused(&request.clone().sign_path("/apps/1001/events").send());
    let right = bellwire_testkit::hmac_hex("secret-1", &request.string_to_sign());
    refused(&request.clone().signature(&right[..63]).send());
    refused(&request.clone().signature(&format!("{right}00")).send());
    request.signature(&right).send().ok();
}

// contract: 13.11
#[test]
fn a_parameter_added_after_signing_breaks_the_signature() {
    let server = server();
    let signed = server.api().get("/channels").to_request();
    let more = Request { path: format!("{}&filter_by_prefix=a", signed.path), ..signed };
    refused(&server.http(&more));
}

// contract: 13.11, 13.12
#[test]
fn a_key_of_nobody_and_a_key_of_another_app_are_both_refused() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let nobody = Api::new(server.target(), "1001", "nobody", "secret-1");
    refused(&nobody.get("/channels").send());
    let foreign = Api::new(server.target(), "1001", "key-2", "secret-2");
    refused(&foreign.get("/channels").send());
    let body = json!({ "name": "x", "data": "", "channel": "a" });
    refused(&foreign.events(&body));
    let own = Api::new(server.target(), "1002", "key-2", "secret-2");
    own.get("/channels").send().ok();
}

// contract: 13.13
#[test]
fn a_request_may_be_repeated_while_its_timestamp_is_fresh() {
    let server = server();
    let request = server.api().get("/channels").to_request();
    for _ in 0..3 {
        server.http(&request).ok();
    }
}
