//! A page: an askama template with a status.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use askama::Template;

use super::{Flash, Problem, Site, csrf};

/// The answer of a handler that shows something.
pub struct Page<T>(StatusCode, T);

impl<T: Template> Page<T> {
    /// A page with status 200.
    pub fn new(template: T) -> Self {
        Self(StatusCode::OK, template)
    }

    /// A form that comes back with its errors: 422 Unprocessable Content.
    pub fn unprocessable(template: T) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, template)
    }

    /// A page with another status.
    pub fn with_status(status: StatusCode, template: T) -> Self {
        Self(status, template)
    }

    /// The answer itself, for handlers that add cookies or answer in two ways.
    pub fn response(self) -> HttpResponse {
        match self.1.render() {
            Ok(html) => HttpResponse::build(self.0)
                .content_type("text/html; charset=utf-8")
                .body(html),
            Err(error) => HttpResponse::from_error(Problem::internal(error)),
        }
    }
}

impl<T: Template> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response()
    }
}

/// The chosen appearance, from its cookie, so that the first paint is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The value of `data-theme`, empty for the system's choice.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads a form field or a cookie.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The theme that this browser chose.
    pub fn of(request: &HttpRequest, site: &Site) -> Self {
        request
            .cookie(&site.cookie_name("theme"))
            .map_or(Self::System, |cookie| Self::parse(cookie.value()))
    }
}

/// The frame of pages that are seen from outside: sign-in, Access denied, an invitation.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// The chosen appearance.
    pub theme: Theme,
    /// The hidden field of each form on the page.
    pub form_token: String,
    /// What the page before this one has to say.
    pub flash: Option<Flash>,
}

impl FromRequest for Door {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(site) = request.app_data::<web::Data<Site>>() else {
            return ready(Err(Problem::internal("the application has no Site")));
        };
        ready(Ok(Self {
            theme: Theme::of(request, site),
            form_token: csrf::token(request, site),
            flash: Flash::take(request, site),
        }))
    }
}
