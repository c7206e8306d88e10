//! The pages come from the binary, ask no other host, and let nobody frame them.

use crate::world::World;

#[tokio::test]
async fn pages_are_self_contained_and_protected() {
    let world = World::start().await;
    for (path, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/success.html?customer_id=2&order_id=x", "text/html; charset=utf-8"),
        ("/cancel.html", "text/html; charset=utf-8"),
        ("/assets/parts.js", "text/javascript; charset=utf-8"),
        ("/assets/shop.js", "text/javascript; charset=utf-8"),
        ("/assets/order.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/pages.css", "text/css; charset=utf-8"),
    ] {
        let reply = world.get(path).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, media), "{path}");
        assert!(!reply.text().contains("://") || !media.starts_with("text/html"), "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        if path.ends_with(".html") {
            assert!(reply.text().contains("TEST MODE"), "{path}");
        }
    }
}

#[tokio::test]
async fn every_asset_that_a_page_names_is_there() {
    let world = World::start().await;
    for path in ["/", "/success.html", "/cancel.html"] {
        let page = world.get(path).await.text();
        let named = page.split('"').filter(|part| part.starts_with("/assets/"));
        for asset in named {
            assert_eq!(world.get(asset).await.status, 200, "{asset} of {path}");
        }
    }
}
