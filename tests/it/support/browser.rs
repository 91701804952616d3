//! A person at a browser, scripted: it keeps cookies, follows redirects from host to host, fills in forms, and
//! sends the headers by which a server tells its own pages from others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE};
use reqwest::{Client, Method, redirect};
use url::{Origin, Url};

use super::html::{self, Form};

/// As many as real browsers follow; past it they say that the page redirected too many times.
const REDIRECTS: usize = 20;

/// One tab. A new browser has no cookies; [`Browser::new_tab`] shares them.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    jar: Arc<Mutex<Jar>>,
    page: Page,
    visited: Vec<Url>,
    stop_before: Option<String>,
    held: Option<Step>,
}

/// Cookies by `host:port`, so that two servers on one machine are two hosts. (A real browser ignores the port.)
type Jar = BTreeMap<String, Vec<Cookie>>;

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

#[derive(Clone)]
struct Page {
    url: Url,
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// A request that is about to be made, and what a browser knows about why.
#[derive(Clone)]
struct Step {
    method: Method,
    url: Url,
    form: Vec<(String, String)>,
    /// `Sec-Fetch-Site`: only ever gets stranger along a chain of redirects.
    site: Site,
    /// The page that asked; none when a person typed the address.
    initiator: Option<Origin>,
    /// The `Origin` of a post.
    origin: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Site {
    Typed,
    Own,
    Sister,
    Foreign,
}

impl Browser {
    /// A browser that was never used.
    pub fn new() -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            // Servers of tests end what idles for five seconds: no request may be on its way just then.
            .pool_idle_timeout(Duration::from_secs(1))
            .timeout(Duration::from_secs(30));
        let url = Url::parse("about:blank").unwrap();
        Self {
            client: client.build().unwrap(),
            jar: Arc::default(),
            page: Page {
                url,
                status: 0,
                headers: HeaderMap::new(),
                body: String::new(),
            },
            visited: Vec::new(),
            stop_before: None,
            held: None,
        }
    }

    /// A second tab: the same page and the same cookies from now on.
    pub fn new_tab(&self) -> Self {
        self.clone()
    }

    /// Types an address. One that begins with `/` is of the host of the last page.
    pub async fn get(&mut self, address: &str) -> &mut Self {
        let url = self.resolve(address);
        self.visit(Step {
            method: Method::GET,
            url,
            form: vec![],
            site: Site::Typed,
            initiator: None,
            origin: String::new(),
        })
        .await
    }

    /// Follows the link with this text.
    pub async fn click(&mut self, text: &str) -> &mut Self {
        let links = html::links(self.body());
        let link = links.iter().find(|link| link.text == text);
        let link = link.unwrap_or_else(|| panic!("{} has no link “{text}” but {links:?}", self.page.url));
        let url = self.resolve(&link.address);
        self.ask(Method::GET, url, vec![]).await
    }

    /// Posts these fields from the last page, as a form there would; what the page says about forms is not asked.
    pub async fn post(&mut self, address: &str, form: &[(&str, &str)]) -> &mut Self {
        let url = self.resolve(address);
        self.ask(Method::POST, url, owned(form)).await
    }

    /// Posts as a page of another site would. The cookies go along, as in a browser that does not know `SameSite`.
    pub async fn post_from(&mut self, site: &str, address: &str, form: &[(&str, &str)]) -> &mut Self {
        let url = self.resolve(address);
        let initiator = Some(Url::parse(site).unwrap().origin());
        let step = Step {
            method: Method::POST,
            site: Site::Foreign,
            origin: site.into(),
            form: owned(form),
            initiator,
            url,
        };
        self.visit(step).await
    }

    /// Presses the button with this text, with these answers in its form. A field must be there to be answered: a
    /// box is ticked by its value and unticked by an empty one.
    pub async fn submit(&mut self, button: &str, answers: &[(&str, &str)]) -> &mut Self {
        let (form, fields, action) = self.filled(button, answers);
        let mut url = self.resolve(&action);
        if form.post {
            return self.ask(Method::POST, url, fields).await;
        }
        url.query_pairs_mut().clear().extend_pairs(fields);
        self.ask(Method::GET, url, vec![]).await
    }

    /// What pressing this button would send, to be bent and posted by hand.
    pub fn fields(&self, button: &str) -> Vec<(String, String)> {
        self.filled(button, &[]).1
    }

    /// Redirects stop before an address whose path contains this: the person is slow.
    pub fn stop_before(&mut self, path: &str) -> &mut Self {
        self.stop_before = Some(path.into());
        self
    }

    /// The address at which redirects stopped.
    pub fn held(&self) -> Option<&Url> {
        self.held.as_ref().map(|step| &step.url)
    }

    /// Goes on where redirects stopped, now to the end.
    pub async fn resume(&mut self) -> &mut Self {
        self.stop_before = None;
        let step = self
            .held
            .take()
            .expect("nothing is held: no redirect led to the address given to stop_before");
        self.visit(step).await
    }

    /// The address of the page.
    pub fn url(&self) -> &Url {
        &self.page.url
    }

    /// Its path.
    pub fn path(&self) -> &str {
        self.page.url.path()
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        self.page.status
    }

    /// Its HTML.
    pub fn body(&self) -> &str {
        &self.page.body
    }

    /// What a person reads on it, with one space between words.
    pub fn text(&self) -> String {
        html::text(self.body())
    }

    /// Fails unless a person reads this on the page.
    #[track_caller]
    pub fn sees(&self, sentence: &str) -> &Self {
        let text = self.text();
        assert!(
            text.contains(sentence),
            "{} ({}) does not say “{sentence}”:\n{text}",
            self.url(),
            self.status()
        );
        self
    }

    /// Fails if a person reads this on the page.
    #[track_caller]
    pub fn does_not_see(&self, sentence: &str) -> &Self {
        let text = self.text();
        assert!(
            !text.contains(sentence),
            "{} ({}) says “{sentence}”:\n{text}",
            self.url(),
            self.status()
        );
        self
    }

    /// A header of the page.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.page.headers.get(name)?.to_str().ok()
    }

    /// Every address that was asked for on the way to this page, itself last.
    pub fn visited(&self) -> &[Url] {
        &self.visited
    }

    /// The value of a cookie of the host of this page.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookie_of(&self.page.url, name)
    }

    /// A cookie of this address's host.
    pub fn cookie_of(&self, url: &Url, name: &str) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        let cookies = jar.get(url.authority())?;
        cookies
            .iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value.clone())
    }

    /// Plants a cookie for the host of this page, as an attacker might.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        remember(
            &mut self.jar.lock().unwrap(),
            &self.page.url,
            &format!("{name}={value}; Path=/"),
        );
    }

    /// Forgets every cookie of every host.
    pub fn forget_cookies(&mut self) {
        self.jar.lock().unwrap().clear();
    }

    fn resolve(&self, address: &str) -> Url {
        let resolved = self.page.url.join(address);
        resolved.unwrap_or_else(|error| panic!("“{address}” on {} is no address: {error}", self.page.url))
    }

    fn filled(&self, button: &str, answers: &[(&str, &str)]) -> (Form, Vec<(String, String)>, String) {
        let forms = html::forms(self.body());
        let pressed = forms.iter().find_map(|form| {
            form.buttons
                .iter()
                .find(|candidate| candidate.text == button)
                .map(|button| (form, button))
        });
        let (form, pressed) = pressed.unwrap_or_else(|| {
            let there: Vec<_> = forms
                .iter()
                .flat_map(|form| &form.buttons)
                .map(|button| &button.text)
                .collect();
            panic!(
                "{} ({}) has no button “{button}” but {there:?}:\n{}",
                self.url(),
                self.status(),
                self.text()
            )
        });
        let mut fields: Vec<_> = form.fields.iter().filter(|field| field.sent).cloned().collect();
        fields.retain(|field| answers.iter().all(|(name, _)| field.name != *name));
        let mut sent: Vec<_> = fields
            .into_iter()
            .map(|field| (field.name, field.value))
            .collect();
        for (name, value) in answers {
            let field = form.fields.iter().find(|field| field.name == *name);
            let field = field.unwrap_or_else(|| panic!("the form has no field “{name}”: {:?}", form.fields));
            let offered = |value: &str| {
                form.fields
                    .iter()
                    .any(|field| field.name == *name && field.value == value)
            };
            assert!(
                !field.is_choice || value.is_empty() || offered(value),
                "“{name}” can't be “{value}”: {form:?}"
            );
            if !field.is_choice || offered(value) {
                sent.push(((*name).into(), (*value).into()));
            }
        }
        sent.extend(pressed.sends.clone());
        let action = pressed.action.clone().unwrap_or_else(|| form.action.clone());
        (form.clone(), sent, action)
    }

    /// Asks for something on behalf of the last page.
    async fn ask(&mut self, method: Method, url: Url, form: Vec<(String, String)>) -> &mut Self {
        let from = self.page.url.origin();
        let typed = !from.is_tuple();
        let step = Step {
            site: if typed { Site::Typed } else { site(&from, &url) },
            origin: self.origin_of_a_post(&from, &url),
            initiator: Some(from).filter(|_| !typed),
            method,
            url,
            form,
        };
        self.visit(step).await
    }

    /// A page with `Referrer-Policy: no-referrer` does not tell its origin even to itself (Fetch, “append a request
    /// `Origin` header”): a server that insists on `Origin` locks its own forms out.
    fn origin_of_a_post(&self, from: &Origin, to: &Url) -> String {
        let policy = self.page.headers.get_all(REFERRER_POLICY).iter().next_back();
        match policy
            .and_then(|policy| policy.to_str().ok())
            .unwrap_or_default()
            .trim()
        {
            "no-referrer" => "null".into(),
            "same-origin" if *from != to.origin() => "null".into(),
            _ => from.ascii_serialization(),
        }
    }

    async fn visit(&mut self, mut step: Step) -> &mut Self {
        self.visited.clear();
        self.held = None;
        for _ in 0..=REDIRECTS {
            self.load(&step).await;
            let Some(next) = self.redirect() else { return self };
            step = step.redirected(self.page.status, next);
            if self
                .stop_before
                .as_ref()
                .is_some_and(|path| step.url.path().contains(path))
            {
                self.held = Some(step);
                return self;
            }
        }
        let trail: Vec<_> = self.visited.iter().map(Url::as_str).collect();
        panic!("redirected too many times:\n{}", trail.join("\n"));
    }

    async fn load(&mut self, step: &Step) {
        let request = self
            .client
            .request(step.method.clone(), step.url.clone())
            .headers(step.headers());
        let request = match self.cookies(&step.url) {
            cookies if cookies.is_empty() => request,
            cookies => request.header("cookie", cookies),
        };
        let request = if step.method == Method::POST {
            request.form(&step.form)
        } else {
            request
        };
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{} does not answer: {error:?}", step.url));
        for cookie in answer.headers().get_all(SET_COOKIE) {
            remember(&mut self.jar.lock().unwrap(), &step.url, cookie.to_str().unwrap());
        }
        self.visited.push(step.url.clone());
        self.page = Page {
            url: step.url.clone(),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer
                .text()
                .await
                .unwrap_or_else(|error| panic!("{} broke off: {error:?}", step.url)),
        };
    }

    fn redirect(&self) -> Option<Url> {
        let location = self.page.headers.get(LOCATION)?.to_str().unwrap();
        matches!(self.page.status, 301 | 302 | 303 | 307 | 308).then(|| self.resolve(location))
    }

    fn cookies(&self, url: &Url) -> String {
        let jar = self.jar.lock().unwrap();
        let cookies = jar
            .get(url.authority())
            .into_iter()
            .flatten()
            .filter(|cookie| cookie.is_for(url.path()));
        cookies
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl Step {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        };
        add(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        );
        add("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        add("accept-language", "en-GB,en;q=0.9");
        add("sec-fetch-mode", "navigate");
        add("sec-fetch-dest", "document");
        add("sec-fetch-user", "?1");
        add("sec-fetch-site", self.site.name());
        add("upgrade-insecure-requests", "1");
        if self.method == Method::POST {
            add("origin", &self.origin);
        }
        headers
    }

    /// The request that a redirect makes of this one: only 307 and 308 post again.
    fn redirected(self, status: u16, url: Url) -> Self {
        let again = matches!(status, 307 | 308);
        let crossed = self.url.origin() != url.origin();
        let stranger = self
            .initiator
            .as_ref()
            .map_or(Site::Typed, |from| site(from, &url));
        Self {
            method: if again { self.method } else { Method::GET },
            form: if again { self.form } else { vec![] },
            origin: if crossed { "null".into() } else { self.origin },
            site: self.site.max(stranger),
            initiator: self.initiator,
            url,
        }
    }
}

impl Site {
    fn name(self) -> &'static str {
        match self {
            Self::Typed => "none",
            Self::Own => "same-origin",
            Self::Sister => "same-site",
            Self::Foreign => "cross-site",
        }
    }
}

impl Cookie {
    /// RFC 6265 §5.1.4.
    fn is_for(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.path.as_str());
        below.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }
}

/// Hosts of one name are one site, whatever their port. (The tests use no names with a public suffix.)
fn site(from: &Origin, to: &Url) -> Site {
    let Origin::Tuple(scheme, host, _) = from else {
        return Site::Foreign;
    };
    if *from == to.origin() {
        Site::Own
    } else if scheme == to.scheme() && to.host().is_some_and(|other| other.to_owned() == *host) {
        Site::Sister
    } else {
        Site::Foreign
    }
}

/// Keeps, replaces or deletes a cookie, as RFC 6265 §5 has it; `Secure` is satisfied, as on a real loopback.
fn remember(jar: &mut Jar, url: &Url, header: &str) {
    let mut parts = header.split(';').map(str::trim);
    let (name, value) = parts
        .next()
        .and_then(|pair| pair.split_once('='))
        .unwrap_or_default();
    let attributes: Vec<(String, &str)> = parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let attribute = |wanted: &str| {
        attributes
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| *value)
    };
    let folder = url
        .path()
        .rsplit_once('/')
        .map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
    let path = attribute("path")
        .filter(|path| path.starts_with('/'))
        .unwrap_or(folder)
        .to_owned();
    if name.starts_with("__Host-") {
        let proper = path == "/" && attribute("secure").is_some() && attribute("domain").is_none();
        assert!(proper, "a browser refuses the cookie “{header}”");
    }
    let cookies = jar.entry(url.authority().into()).or_default();
    cookies.retain(|cookie| cookie.name != name || cookie.path != path);
    let gone = attribute("max-age").is_some_and(|age| age.starts_with('-') || age == "0")
        || attribute("expires").is_some_and(|when| when.contains("1970"));
    if !gone {
        cookies.push(Cookie {
            name: name.into(),
            value: value.into(),
            path,
        });
    }
}

fn owned(form: &[(&str, &str)]) -> Vec<(String, String)> {
    form.iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

    use crate::support::Browser;

    /// Tells what it was asked, in the words of the request.
    async fn echo(request: HttpRequest, body: String) -> HttpResponse {
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("-")
        };
        let (site, origin, cookies) = (header("sec-fetch-site"), header("origin"), header("cookie"));
        HttpResponse::Ok().content_type("text/html").body(format!(
            "<p>{} {} site={site} origin={origin} cookies={cookies} body={body}</p><a href='/echo'>again</a>
             <form method='post' action='/echo'><input name='email'><input type='hidden' name='token' value='t'>
             <input type='checkbox' name='box' value='1' checked><button name='then' value='x'>Go</button></form>",
            request.method(),
            request.path()
        ))
    }

    async fn go(to: web::Query<Vec<(String, String)>>) -> HttpResponse {
        let value = |wanted: &str| {
            to.iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.clone())
        };
        let status = value("status").map_or(303, |status| status.parse().unwrap());
        let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
        answer.insert_header(("Location", value("to").unwrap_or_default()));
        for (_, cookie) in to.iter().filter(|(name, _)| name == "set") {
            answer.append_header(("Set-Cookie", cookie.as_str()));
        }
        answer.finish()
    }

    async fn shy(request: HttpRequest, body: String) -> HttpResponse {
        let mut answer = echo(request, body).await;
        let policy = "no-referrer".parse().unwrap();
        answer
            .headers_mut()
            .insert("referrer-policy".parse().unwrap(), policy);
        answer
    }

    fn host() -> String {
        let app = || {
            App::new()
                .route("/go", web::route().to(go))
                .route("/shy", web::route().to(shy))
                .default_service(web::route().to(echo))
        };
        let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.disable_signals().run());
        format!("http://{address}")
    }

    #[actix_web::test]
    async fn the_headers_tell_who_asked() {
        let (one, two) = (host(), host());
        let mut browser = Browser::new();
        browser
            .get(&format!("{one}/page"))
            .await
            .sees("GET /page site=none origin=-");
        browser
            .click("again")
            .await
            .sees("GET /echo site=same-origin origin=-");
        browser.submit("Go", &[("email", "a b@c.example")]).await;
        browser.sees(&format!("POST /echo site=same-origin origin={one}"));
        browser.sees("body=token=t&box=1&email=a+b%40c.example&then=x");
        browser
            .submit("Go", &[("box", "")])
            .await
            .sees("body=email=&token=t&then=x");
        assert_eq!(browser.fields("Go").len(), 4);
        browser
            .post(&format!("{two}/there"), &[])
            .await
            .sees(&format!("POST /there site=same-site origin={one}"));
        browser.post_from("https://evil.example", "/x", &[]).await;
        browser
            .sees("POST /x site=cross-site origin=https://evil.example")
            .does_not_see("same");
        browser
            .get("/shy")
            .await
            .submit("Go", &[])
            .await
            .sees("POST /echo site=same-origin origin=null");
    }

    #[actix_web::test]
    async fn cookies_belong_to_their_host_and_path() {
        let (one, two) = (host(), host());
        let mut browser = Browser::new();
        let set = "set=a=1;%20Path=/&set=b=2;%20Path=/deep;%20HttpOnly&set=__Host-c=3;%20Path=/;%20Secure&to=/deep/x";
        browser
            .get(&format!("{one}/go?{set}"))
            .await
            .sees("GET /deep/x")
            .sees("cookies=a=1; b=2; __Host-c=3 ");
        let mut tab = browser.new_tab();
        tab.get("/deeper").await.sees("cookies=a=1; __Host-c=3 ");
        tab.get(&two).await.sees("cookies=- ");
        tab.get(&format!("{one}/go?set=a=;%20Path=/;%20Max-Age=0&to=/"))
            .await
            .sees("cookies=__Host-c=3 ");
        browser.get("/").await.sees("cookies=__Host-c=3 ");
        browser.set_cookie("planted", "x");
        assert_eq!(browser.cookie("planted").as_deref(), Some("x"));
        browser.forget_cookies();
        browser.get("/").await.sees("cookies=- ");
    }

    #[actix_web::test]
    async fn redirects_are_followed_and_can_be_held() {
        let (one, two) = (host(), host());
        let mut browser = Browser::new();
        browser
            .get(&one)
            .await
            .post(&format!("/go?to={two}/end"), &[("a", "1")])
            .await;
        browser.sees("GET /end site=same-site origin=- cookies=- body=");
        assert_eq!(browser.visited().len(), 2);
        browser
            .get(&one)
            .await
            .post("/go?status=307&to=/end", &[("a", "1")])
            .await;
        browser
            .sees(&format!("POST /end site=same-origin origin={one}"))
            .sees("body=a=1");
        browser
            .stop_before("/end")
            .get(&format!("{one}/go?to={two}/end"))
            .await;
        assert_eq!(
            (
                browser.held().map(url::Url::path),
                browser.path(),
                browser.status()
            ),
            (Some("/end"), "/go", 303)
        );
        browser.resume().await.sees("GET /end site=none");
        assert!(browser.held().is_none() && browser.url().as_str().starts_with(&two));
        assert_eq!(browser.header("content-type"), Some("text/html"));
    }

    #[actix_web::test]
    #[should_panic(expected = "redirected too many times")]
    async fn a_loop_of_redirects_fails() {
        Browser::new().get(&format!("{}/go", host())).await;
    }
}
