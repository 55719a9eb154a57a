//! [`Refused`]: why an access token is refused.

/// Why an access token is refused. The log has the reason; the caller does not get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooLong,
    Malformed,
    Algorithm,
    Header,
    Type,
    Bound,
    Issuer,
    Audience,
    Expired,
    NotYetValid,
    Client,
    UnknownKey,
    KeyOfOtherType,
    Signature,
    /// The issuer's keys could not be fetched, so the token may be right.
    NoKeys,
}

impl Refused {
    /// The words of the log. They contain nothing of the token.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::TooLong => "the access token is too long",
            Self::Malformed => "the access token is no signed JWT",
            Self::Algorithm => "the access token's algorithm is not taken",
            Self::Header => "the access token's header asks for more than a signature",
            Self::Type => "the token is no access token",
            Self::Bound => {
                "the access token is bound to a key (`cnf`), and the program cannot check who has the key"
            }
            Self::Issuer => "the access token is of another issuer",
            Self::Audience => "the access token is for another audience",
            Self::Expired => "the access token has expired",
            Self::NotYetValid => "the access token is not valid yet",
            Self::Client => "the access token is of another client",
            Self::UnknownKey => "the issuer has no key of the access token's kid",
            Self::KeyOfOtherType => "the issuer's key of this kid does not suit the access token's algorithm",
            Self::Signature => "the access token's signature is wrong",
            Self::NoKeys => "the issuer's keys could not be fetched",
        }
    }
}
