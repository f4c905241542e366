//! What the check found: where, what, and how to mend it.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The playbook is not used.
    Error,
    /// The playbook is used; something in it is probably not meant.
    Warning,
}

/// One thing the check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// The file, as the settings name its folder.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, for the operator.
    pub message: String,
    /// How to mend it.
    pub mend: String,
    /// The line itself, for showing it; empty when there is none.
    #[serde(skip)]
    pub excerpt: String,
    /// How many characters of the line are meant.
    #[serde(skip)]
    pub width: usize,
}

impl Finding {
    /// A finding about a whole file or folder.
    pub fn of_file(code: Code, file: impl Into<String>, (message, mend): (String, &str)) -> Self {
        Self {
            severity: Severity::Error,
            code,
            file: file.into(),
            line: 1,
            column: 1,
            message,
            mend: mend.to_owned(),
            excerpt: String::new(),
            width: 0,
        }
    }

    /// The same as a warning.
    pub fn as_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Whether the playbook is refused for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The kinds of finding: a closed set, for scripts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Code {
            /// As it is printed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

codes! {
    /// A file or folder is not there.
    MissingFile = "missing-file",
    /// A file that nothing reads.
    UnknownFile = "unknown-file",
    /// A file or folder cannot be read.
    Unreadable = "unreadable",
    /// More than 1 MiB, 10,000 actions or 10,000 rules.
    TooLarge = "too-large",
    /// Not UTF-8 text.
    Encoding = "encoding",
    /// Not TOML, or not JSON.
    Syntax = "syntax",
    /// A key stands there twice.
    DuplicateKey = "duplicate-key",
    /// A key that means nothing.
    UnknownKey = "unknown-key",
    /// A key that must be there is not.
    MissingKey = "missing-key",
    /// A value of the wrong type, or out of range.
    WrongValue = "wrong-value",
    /// There is no such kind of action.
    UnknownKind = "unknown-kind",
    /// An action that is named but not there.
    UnknownAction = "unknown-action",
    /// An action that nothing leads to.
    UnreachableAction = "unreachable-action",
    /// A text that is no template, or cannot be filled.
    BrokenText = "broken-text",
    /// A placeholder that nothing fills.
    UnknownPlaceholder = "unknown-placeholder",
    /// A text longer than a message can carry.
    TextTooLong = "text-too-long",
    /// Settings of an action that do not fit together.
    ActionRule = "action-rule",
    /// A campaign that cannot run as it is written.
    CampaignRule = "campaign-rule",
    /// A rule of the platform that a campaign touches.
    PlatformRule = "platform-rule",
    /// A keyword or pattern that cannot be used.
    KeywordRule = "keyword-rule",
    /// A keyword that another rule always takes.
    KeywordOverlap = "keyword-overlap",
    /// The platform would refuse or cut this menu.
    MenuLimit = "menu-limit",
    /// A button type that the platform does not have.
    MenuType = "menu-type",
    /// A button lacks what its type needs, or has what its type cannot have.
    MenuField = "menu-field",
    /// Not exactly one menu for everybody.
    MenuDefault = "menu-default",
    /// A match rule that matches nobody.
    MenuMatch = "menu-match",
    /// A connector that is named but not there.
    UnknownConnector = "unknown-connector",
    /// A connector that no action asks.
    UnusedConnector = "unused-connector",
    /// A connector that cannot be asked as it is written.
    ConnectorRule = "connector-rule",
    /// The example of a connector does not have the fields it names.
    ConnectorExample = "connector-example",
    /// A secret that a connector needs and the environment does not have.
    MissingSecret = "missing-secret",
    /// A channel that cannot be counted by as it is written.
    ChannelRule = "channel-rule",
    /// A notice that the platform would refuse as it is written.
    NoticeRule = "notice-rule",
    /// A notice that is named but not there.
    UnknownNotice = "unknown-notice",
    /// A notice that no action names.
    UnusedNotice = "unused-notice",
    /// A pool that cannot give anything as it is written.
    PoolRule = "pool-rule",
    /// A pool that is named but not there.
    UnknownPool = "unknown-pool",
    /// A pool that no action gives from.
    UnusedPool = "unused-pool",
    /// A poster that cannot be made as it is written.
    PosterRule = "poster-rule",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
