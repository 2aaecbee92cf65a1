//! A letter from a template and a recipient's row. What a template asks for and a row does not have is an error, and no
//! empty place in somebody's mail.

use std::collections::BTreeMap;

use fourwire_shared::job::JobId;
use lettre::{
    Message,
    message::{Mailbox, MultiPart, SinglePart, header::ContentType},
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// What a template may compute for one letter, in its own steps: a loop without end is ended.
const FUEL: u64 = 100_000;
/// The most bytes of a letter's text or HTML.
const BYTES_MAX: usize = 1 << 20;

/// The templates of a mailing.
pub(super) struct Templates(Environment<'static>);

/// What one letter is made of.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) from: &'a Mailbox,
    pub(super) reply_to: Option<&'a Mailbox>,
    pub(super) job: JobId,
    pub(super) place: u64,
}

impl Templates {
    /// Reads templates; a fault is told with the name of its field.
    pub(super) fn new(subject: &str, text: &str, html: Option<&str>) -> Result<Self, (&'static str, String)> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(FUEL));
        templates.set_auto_escape_callback(|name| match name {
            "html" => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        let parts = [("subject", Some(subject)), ("text", Some(text)), ("html", html)];
        for (name, source) in parts {
            let Some(source) = source else { continue };
            let added = templates.add_template_owned(name, source.to_owned());
            added.map_err(|error| (name, format!("it is no template: {error}")))?;
        }
        Ok(Self(templates))
    }

    /// Writes a letter to one recipient. Its Message-ID is made of job and place: the same letter has the same one.
    pub(super) fn letter(
        &self,
        head: Head<'_>,
        to: Mailbox,
        row: &BTreeMap<String, String>,
    ) -> Result<Message, String> {
        let render = |name: &str| {
            let Ok(template) = self.0.get_template(name) else { return Ok(None) };
            let text = template.render(row).map_err(|error| format!("{name}: {error}"))?;
            match text.len() <= BYTES_MAX {
                true => Ok(Some(text)),
                false => Err(format!("{name}: it has more than {BYTES_MAX} bytes")),
            }
        };
        let subject = render("subject")?.unwrap_or_default().replace(['\r', '\n'], " ");
        let Head { from, reply_to, job, place } = head;
        let id = format!("<fourwire.{job}.{place}@{}>", from.email.domain());
        let mut message = Message::builder().from(from.clone()).to(to).subject(subject);
        message = message.message_id(Some(id)).date_now();
        if let Some(reply_to) = reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let text = render("text")?.unwrap_or_default();
        let built = match render("html")? {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(text, html)),
            None => message.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text)),
        };
        built.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(templates: &Templates, row: &[(&str, &str)]) -> Result<String, String> {
        let from: Mailbox = "Fourwire <news@example.org>".parse().expect("a mailbox");
        let head = Head { from: &from, reply_to: None, job: JobId::new(7), place: 3 };
        let row = row.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let letter = templates.letter(head, "Ada <ada@example.org>".parse().expect("a mailbox"), &row)?;
        Ok(String::from_utf8(letter.formatted()).expect("ASCII"))
    }

    #[test]
    fn a_letter_has_what_its_row_says_and_html_is_escaped() {
        let html = Some("<p>{{ name }}</p>");
        let templates = Templates::new("Hello {{ name }}", "Dear {{ name }}", html).expect("templates");
        let letter = written(&templates, &[("name", "A<b>")]).expect("a letter");
        for part in ["Subject: Hello A<b>", "Dear A<b>", "<p>A&lt;b&gt;</p>", "<fourwire.7.3@example.org>"] {
            assert!(letter.contains(part), "{part}:\n{letter}");
        }
    }

    #[test]
    fn nobody_writes_a_header_of_their_own() {
        let templates = Templates::new("{{ name }}", "x", None).expect("templates");
        let letter = written(&templates, &[("name", "a\r\nBcc: b@example.org")]).expect("a letter");
        assert!(!letter.contains("\nBcc:"), "{letter}");
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        assert_eq!(Templates::new("{{ a", "x", None).err().map(|(field, _)| field), Some("subject"));
        assert_eq!(Templates::new("a", "x", Some("{% if %}")).err().map(|(field, _)| field), Some("html"));
        let templates = Templates::new("{{ name }}", "x", None).expect("templates");
        assert!(written(&templates, &[("nam", "")]).expect_err("no column name").contains("undefined"));
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        let endless = Templates::new("s", endless, None).expect("templates");
        assert!(written(&endless, &[]).expect_err("endless").contains("fuel"));
    }
}
