//! `GET /` and everything below that is no operation. Which files there are depends on the build; what does not is
//! asked here, and the rest beside the code.

use http::Method;

use crate::world::World;

#[tokio::test]
async fn every_address_outside_the_api_is_a_page() {
    let world = World::empty().await;
    for path in ["/", "/services/checkout", "/index.html"] {
        let page = world.client.get(path).send().await;
        assert_eq!(page.status, 200, "{page}");
        assert!(page.header("content-type").starts_with("text/html"), "{page}");
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(page.text.contains("Sluice"), "{page}");
    }
}

#[tokio::test]
async fn an_unknown_address_of_the_api_is_no_page() {
    let world = World::empty().await;
    for path in ["/api", "/api/v1", "/api/v1/service", "/api/v2/services", "/assets/none.js"] {
        assert_eq!(world.client.get(path).send().await.problem(), "not-found", "{path}");
    }
}

#[tokio::test]
async fn a_page_can_only_be_read() {
    let world = World::empty().await;
    let answer = world.client.call(Method::POST, "/").body("application/json", "{}").send().await;
    assert_eq!(answer.problem(), "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let head = world.client.call(Method::HEAD, "/").send().await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}
