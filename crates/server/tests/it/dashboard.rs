//! The dashboard's files: where they are, and what browsers are told of them.

use bellwire_testkit::{App, Config, Request, Response, Server};

use crate::support::serve;

fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request::get(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    server.http(&request)
}

#[test]
fn the_root_leads_to_the_dashboard_below_the_prefix() {
    let config = Config::with(App::new(1)).setting("path_prefix = \"/ws\"");
    let server = serve(config);
    for path in ["/ws/", "/ws/dashboard", "/"] {
        let answer = get(&server, path, &[]);
        assert_eq!(answer.status, 302, "{path}");
        assert_eq!(answer.header("location"), Some("/ws/dashboard/"), "{path}");
    }
    let page = get(&server, "/ws/dashboard/", &[]);
    assert!(page.text().contains("<base href=\"/ws/dashboard/\""), "{}", page.text());
}

#[test]
fn every_page_is_the_one_page_and_runs_no_script_but_ours() {
    let server = serve(Config::with(App::new(1)));
    for path in
        ["/dashboard/", "/dashboard/apps/1001/overview", "/dashboard/setup", "/dashboard/%2e%2e/x"]
    {
        let page = get(&server, path, &[]);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
        assert!(!page.text().contains("<script>"), "no script stands in the page");
    }
    assert_eq!(server.http(&Request::new("POST", "/dashboard/")).status, 405);
    assert_eq!(get(&server, "/dashboard/assets/nothing.js", &[]).status, 404);
}

#[test]
fn assets_are_small_for_those_who_take_it_and_kept_for_good() {
    let server = serve(Config::with(App::new(1)));
    let page = get(&server, "/dashboard/", &[]);
    let page = page.text();
    let at = page.find("assets/index-").expect("the program");
    let name = page[at..].split('"').next().unwrap();
    let path = format!("/dashboard/{name}");
    let plain = get(&server, &path, &[]);
    assert_eq!(plain.header("content-type"), Some("text/javascript"));
    assert!(plain.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(plain.header("content-encoding"), None);
    let small = get(&server, &path, &[("Accept-Encoding", "br, gzip")]);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert_eq!(small.header("vary"), Some("Accept-Encoding"));
    assert!(small.body.len() * 2 < plain.body.len());
}
