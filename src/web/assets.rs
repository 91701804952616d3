//! The stylesheet, the script and the icon: inside the binary, cached by browsers for an hour.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

/// Registers the static files.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route(
        "/static/app.css",
        web::get().to(|| file("text/css; charset=utf-8", include_str!("../../static/app.css"))),
    )
    .route(
        "/static/app.js",
        web::get().to(|| {
            file(
                "text/javascript; charset=utf-8",
                include_str!("../../static/app.js"),
            )
        }),
    )
    .route(
        "/static/icon.svg",
        web::get().to(|| file("image/svg+xml", include_str!("../../static/icon.svg"))),
    )
    .route(
        "/static/onwards.js",
        web::get().to(|| {
            file(
                "text/javascript; charset=utf-8",
                include_str!("../../static/onwards.js"),
            )
        }),
    )
    .route(
        "/static/passkeys.js",
        web::get().to(|| {
            file(
                "text/javascript; charset=utf-8",
                include_str!("../../static/passkeys.js"),
            )
        }),
    )
    .route(
        "/favicon.ico",
        web::get().to(|| async { super::see_other("/static/icon.svg") }),
    )
    .route(
        "/robots.txt",
        web::get().to(|| file("text/plain; charset=utf-8", "User-agent: *\nDisallow: /\n")),
    );
}

fn file(kind: &'static str, text: &'static str) -> std::future::Ready<HttpResponse> {
    let answer = HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type(kind)
        .body(text);
    std::future::ready(answer)
}
