//! One call: everything that differs between the platform's interfaces.

use std::borrow::Cow;

use serde_json::Value;

use super::multipart::Form;

/// Whether a call may be made again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or twice is as good as once.
    Safe,
    /// A second one would have an effect of its own.
    Never,
}

/// What a call brings along.
pub(super) enum Body {
    /// Nothing: it is a GET.
    None,
    /// JSON, in raw UTF-8 (platform.md 4.0).
    Json(Value),
    /// Files and fields.
    Form(Form),
}

/// A call as it is to be made.
pub(crate) struct Call {
    pub(super) path: Cow<'static, str>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Body,
    pub(super) repeat: Repeat,
    pub(super) needs_token: bool,
    /// Answered by a file, or by JSON.
    pub(super) takes_files: bool,
    /// What it is counted as, where that is not its path.
    counted_as: Option<&'static str>,
    /// What it needs a right to, where that is not all that its path can do.
    right: Option<&'static str>,
}

impl Call {
    /// Reads.
    pub(super) fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: path.into(),
            query: Vec::new(),
            body: Body::None,
            repeat: Repeat::Safe,
            needs_token: true,
            takes_files: false,
            counted_as: None,
            right: None,
        }
    }

    /// Posts something that may be posted again.
    pub(super) fn post(path: impl Into<Cow<'static, str>>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::get(path) }
    }

    /// Uploads.
    pub(super) fn upload(path: impl Into<Cow<'static, str>>, form: Form) -> Self {
        Self { body: Body::Form(form), ..Self::get(path) }
    }

    /// A second one would have an effect of its own.
    pub(super) fn once(self) -> Self {
        Self { repeat: Repeat::Never, ..self }
    }

    /// Carries no token of the account.
    pub(super) fn without_token(self) -> Self {
        Self { needs_token: false, ..self }
    }

    /// Answered by a file, if nothing is wrong.
    pub(super) fn for_a_file(self) -> Self {
        Self { takes_files: true, ..self }
    }

    /// Has a count of its own, which says nothing of other calls of the same path.
    pub(super) fn counted_as(self, name: &'static str) -> Self {
        Self { counted_as: Some(name), ..self }
    }

    /// What it is counted as.
    pub(super) fn tally(&self) -> &str {
        self.counted_as.unwrap_or(&self.path)
    }

    /// Needs a right of its own: that it is refused says nothing of other calls of the same path.
    pub(super) fn by_right_of(self, name: &'static str) -> Self {
        Self { right: Some(name), ..self }
    }

    /// What it needs a right to.
    pub(super) fn right(&self) -> &str {
        self.right.unwrap_or(&self.path)
    }

    /// With a parameter.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Its path.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The JSON it posts.
    #[cfg(test)]
    pub(crate) fn json(&self) -> Option<&Value> {
        if let Body::Json(body) = &self.body { Some(body) } else { None }
    }
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) content_type: String,
    /// From `Content-Disposition`.
    pub(super) file_name: Option<String>,
}

#[cfg(test)]
impl Came {
    /// JSON, as the platform answers.
    pub(crate) fn json(body: &Value) -> Self {
        Self { status: 200, body: body.to_string().into_bytes(), ..Self::default() }
    }
}

/// Nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// And nothing was sent.
    NotSent,
    /// Whether it arrived is not known.
    Unknown,
}
