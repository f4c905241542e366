//! Which account has what (platform.md part 5).

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;

/// What kind of account it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 服务号.
    #[default]
    Service,
    /// 公众号, once 订阅号.
    Subscription,
    /// The platform's own sandbox test account.
    Test,
}

/// What a call needs of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Every account has it.
    Anyone,
    /// Menus by API.
    Menu,
    /// Menus for some customers.
    ConditionalMenu,
    /// Customer-service messages.
    CustomMessage,
    /// Agents and their sessions.
    Desk,
    /// Template messages.
    Template,
    /// Subscription notices.
    Notice,
    /// Mass messages.
    Mass,
    /// Tags, remarks, user lists, black list.
    Users,
    /// Parametric codes and short keys.
    Codes,
    /// Web authorization.
    Authorization,
    /// Publishing drafts.
    Publish,
    /// Statistics.
    Statistics,
}

impl Capability {
    /// Whether an account has it. Where the source says *(unconfirmed)* the test account has it.
    pub fn is_given(self, conditions: &Conditions) -> bool {
        match (self, conditions.kind, conditions.certified) {
            (Self::Anyone, ..) => true,
            (Self::Desk | Self::Notice | Self::Mass | Self::Statistics, Kind::Test, _) => false,
            (_, Kind::Test, _) => true,
            (Self::Menu | Self::Publish, Kind::Service, _) => true,
            (_, _, false) => false,
            (_, Kind::Service, true) => true,
            (Self::Template | Self::Notice | Self::Codes | Self::Authorization, Kind::Subscription, true) => false,
            (_, Kind::Subscription, true) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_part_five() {
        use Capability as C;
        let has = |what: C| {
            let of =
                |kind, certified| u8::from(what.is_given(&Conditions { kind, certified, ..Conditions::default() }));
            let (sub, service) = (Kind::Subscription, Kind::Service);
            [of(sub, false), of(sub, true), of(service, false), of(service, true), of(Kind::Test, false)]
        };
        assert_eq!(has(C::Anyone), [1, 1, 1, 1, 1]);
        assert_eq!(has(C::Menu), [0, 1, 1, 1, 1]);
        assert_eq!(has(C::ConditionalMenu), [0, 1, 0, 1, 1]);
        assert_eq!(has(C::CustomMessage), [0, 1, 0, 1, 1]);
        assert_eq!(has(C::Desk), [0, 1, 0, 1, 0]);
        assert_eq!(has(C::Template), [0, 0, 0, 1, 1]);
        assert_eq!(has(C::Notice), [0, 0, 0, 1, 0]);
        assert_eq!(has(C::Mass), [0, 1, 0, 1, 0]);
        assert_eq!(has(C::Users), [0, 1, 0, 1, 1]);
        assert_eq!(has(C::Codes), [0, 0, 0, 1, 1]);
        assert_eq!(has(C::Authorization), [0, 0, 0, 1, 1]);
        assert_eq!(has(C::Publish), [0, 1, 1, 1, 1]);
        assert_eq!(has(C::Statistics), [0, 1, 0, 1, 0]);
    }
}
