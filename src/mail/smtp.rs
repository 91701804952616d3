//! The conversation with the mail server.

use std::error::Error as _;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::disarm::disarm;
use super::letter::Body;
use super::model::{Fault, Outgoing};
use crate::config::{Smtp, SmtpTls};
use crate::store::time::Timestamp;

/// How many letters are under way at once, each with its connection.
pub(super) const AT_ONCE: u32 = 4;
/// For how long one step of the conversation is waited for.
const STEP: Duration = Duration::from_secs(20);
/// For how long the whole conversation about one letter is waited for.
const WHOLE: Duration = Duration::from_mins(1);
/// The server wants to know who we are, or does not believe it (RFC 4954 §6): no letter's fault.
const LOGIN: [u16; 4] = [530, 534, 535, 538];
/// The server stops for now (RFC 5321 §4.2.1).
const CLOSING: u16 = 421;

/// Hands letters to the mail server: a connection for each, so none is open while there is nothing to do, and none
/// outlives the runtime that opened it.
#[derive(Clone)]
pub(super) struct Courier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    from_name: String,
}

impl Courier {
    /// # Errors
    /// A sentence, where the certificates can't be read or the sender is none.
    pub fn new(smtp: &Smtp) -> Result<Self, String> {
        let from = smtp.from.as_str();
        let from = from
            .parse::<Address>()
            .map_err(|error| format!("VESTIBULE_MAIL_FROM is “{from}”: {error}."))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.host.clone())
            .port(smtp.port)
            .tls(tls(smtp)?)
            .timeout(Some(STEP));
        if let Some((user, password)) = &smtp.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            from_name: smtp.from_name.clone(),
        })
    }
}

fn tls(smtp: &Smtp) -> Result<Tls, String> {
    let mut parameters = TlsParameters::builder(smtp.host.clone());
    if let Some(path) = &smtp.ca_file {
        let told =
            |error: &dyn std::fmt::Display| format!("VESTIBULE_SMTP_CA_FILE: {}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| told(&error))?;
        parameters =
            parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| told(&error))?);
    }
    let parameters = || {
        parameters
            .build()
            .map_err(|error| format!("TLS to the mail server can’t be prepared: {error}"))
    };
    Ok(match smtp.tls {
        SmtpTls::Implicit => Tls::Wrapper(parameters()?),
        SmtpTls::StartTls => Tls::Required(parameters()?),
        SmtpTls::None => Tls::None,
    })
}

impl Courier {
    /// Hands one letter over.
    pub async fn send(&self, letter: &Outgoing, body: &Body, now: Timestamp) -> Result<(), Fault> {
        let message = self.message(letter, body, now).map_err(Fault::Never)?;
        let Ok(outcome) = tokio::time::timeout(WHOLE, self.transport.send(message)).await else {
            return Err(Fault::Server(format!(
                "it did not answer within {} seconds",
                WHOLE.as_secs()
            )));
        };
        match outcome.map_err(|error| fault(&error)) {
            Ok(_) => Ok(()),
            // Where it greets nobody any more, it is not this letter that it refuses.
            Err(Fault::Never(said)) => match self.transport.test_connection().await {
                Ok(true) => Err(Fault::Never(said)),
                Ok(false) => Err(Fault::Server(said)),
                Err(error) => Err(Fault::Server(words(&error))),
            },
            Err(fault) => Err(fault),
        }
    }

    fn message(&self, letter: &Outgoing, body: &Body, now: Timestamp) -> Result<Message, String> {
        let to = letter
            .recipient
            .parse::<Address>()
            .map_err(|error| error.to_string())?;
        let name = if letter.from_name.is_empty() {
            &self.from_name
        } else {
            &letter.from_name
        };
        // Disarmed once more: the library refuses what would break a line by breaking off.
        let name = Some(disarm(name)).filter(|name| !name.is_empty());
        let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or_default());
        // So that no machine answers (RFC 3834 §5).
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        Message::builder()
            .message_id(Some(letter.message_id.clone()))
            .date(date)
            .from(Mailbox::new(name, self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(disarm(&letter.subject))
            .raw_header(automatic)
            .multipart(MultiPart::alternative_plain_html(
                body.text.clone(),
                body.html.clone(),
            ))
            .map_err(|error| error.to_string())
    }
}

fn fault(error: &Error) -> Fault {
    let said = words(error);
    match error.status().map(u16::from) {
        Some(CLOSING) | None => Fault::Server(said),
        Some(code) if LOGIN.contains(&code) => Fault::Server(said),
        Some(_) if error.is_permanent() => Fault::Never(said),
        Some(_) => Fault::Later(said),
    }
}

/// What the server said, with its code; or what stood between us and it.
fn words(error: &Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        (said, cause) = (deeper.to_string(), deeper.source());
    }
    match error.status() {
        Some(code) => format!("{code} {said}"),
        None if error.is_timeout() => "it did not answer in time".to_owned(),
        None if error.is_tls() || said.contains("certificate") => format!("no safe connection ({said})"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::EmailAddress;

    fn courier() -> Courier {
        let smtp = Smtp {
            host: "127.0.0.1".to_owned(),
            port: 25,
            tls: SmtpTls::None,
            login: None,
            ca_file: None,
            from: EmailAddress::parse("door@corp.example").unwrap(),
            from_name: "Front door".to_owned(),
            per_minute: 600,
            pause: Duration::from_secs(3),
        };
        Courier::new(&smtp).unwrap()
    }

    fn letter(from_name: &str, subject: &str) -> Outgoing {
        Outgoing {
            id: "1".into(),
            recipient: "ada@corp.example".into(),
            from_name: from_name.into(),
            subject: subject.into(),
            message_id: "<1@corp.example>".into(),
            body_sealed: String::new(),
            attempts: 1,
            queued_at: 0,
            since_at: 0,
            useful_until: None,
        }
    }

    fn sent(letter: &Outgoing, text: &str) -> String {
        let body = Body {
            text: text.to_owned(),
            html: format!("<p>{text}</p>"),
        };
        let message = courier().message(letter, &body, 1_795_459_867_123).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    /// The header's lines until the empty one.
    fn header(message: &str) -> Vec<&str> {
        message
            .split("\r\n")
            .take_while(|line| !line.is_empty())
            .collect()
    }

    /// Whatever reaches it, the header has the lines that it is to have and no other.
    /// EML-001.
    #[tokio::test]
    async fn no_name_makes_a_line_of_the_header() {
        for evil in [
            "Acme\r\nBcc: x@evil.example",
            "Acme\n\nBody",
            "Acme\0",
            "a@evil.example, b@evil.example",
            "\"Acme\" <x@evil.example>",
            "=?utf-8?q?Acme=0D=0ABcc:_x?=",
            "Ünïcödé 組織",
            &"x".repeat(3_000),
        ] {
            let message = sent(&letter(evil, evil), "Hello");
            let names: Vec<&str> = header(&message)
                .into_iter()
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split_once(':').unwrap().0)
                .collect();
            assert_eq!(
                names,
                [
                    "Message-ID",
                    "Date",
                    "From",
                    "To",
                    "Subject",
                    "Auto-Submitted",
                    "MIME-Version",
                    "Content-Type"
                ],
                "{evil:?}"
            );
            let to: Vec<&str> = header(&message)
                .into_iter()
                .filter(|line| line.starts_with("To:"))
                .collect();
            assert_eq!(to, ["To: ada@corp.example"]);
        }
    }

    /// No bare line feed, no line over 998 characters, no lone dot that ends the conversation.
    /// EML-004.
    #[tokio::test]
    async fn no_text_ends_the_conversation() {
        let message = sent(
            &letter("Acme", "Hello"),
            &format!("one\n.\nMAIL FROM:<x>\r.\r\n{}\n.\r\n", "y".repeat(5_000)),
        );
        assert!(!message.replace("\r\n", "").contains(['\r', '\n']), "{message:?}");
        assert!(message.split("\r\n").all(|line| line.len() <= 998));
    }

    #[tokio::test]
    async fn a_letter_says_who_it_is_from_and_that_a_machine_wrote_it() {
        let message = sent(&letter("Acme", "Hello"), "Hello");
        let lines = header(&message);
        for line in [
            "Message-ID: <1@corp.example>",
            "From: Acme <door@corp.example>",
            "Subject: Hello",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(lines.contains(&line), "{line}: {lines:?}");
        }
        assert!(sent(&letter("", "Hello"), "Hello").contains("From: \"Front door\" <door@corp.example>"));
    }

    /// EML-002.
    #[tokio::test]
    async fn an_address_that_is_none_is_no_letter() {
        let mut letter = letter("Acme", "Hello");
        for wrong in [
            "a@b.example,c@d.example",
            "a b@x.example",
            "<a@b.example>",
            "a@b.example\r\nRCPT TO:<x>",
        ] {
            letter.recipient = wrong.to_owned();
            let body = Body {
                text: String::new(),
                html: String::new(),
            };
            assert!(
                matches!(courier().send(&letter, &body, 0).await, Err(Fault::Never(_))),
                "{wrong}"
            );
        }
    }
}
