//! What the provider can do wrong, one thing at a time or several together.

use std::time::Duration;

use serde_json::Value;

/// A deviation from an honest provider. Where the name leaves doubt, the comment says what is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    // The answer at `/authorize`.
    StateMissing,
    StateWrong,
    StateTwice,
    CodeMissing,
    CodeTwice,
    /// `iss` of somebody else (RFC 9207).
    IssParameterWrong,
    /// `iss` left out although the discovery document promises it.
    IssParameterMissing,
    /// `iss` neither promised nor sent: an older provider, not a fault.
    IssParameterUnknown,
    /// The provider refuses, with this `error` and `error_description`.
    Refuses(&'static str, &'static str),
    AnswerInFragment,
    /// A page whose form posts the answer to the redirect address (button "Continue").
    AnswerByPost,
    /// An ID token in the query, beside the state, without a code (implicit flow).
    IdTokenInQuery,
    /// Sends the browser on to this other provider's `/authorize`, as its client of this id (mix-up).
    ForwardTo(String, String),

    // The token endpoint.
    Token500,
    TokenHtml,
    TokenEmpty,
    TokenMalformed,
    /// A JSON array instead of an object.
    TokenArray,
    /// A good answer padded to two mebibytes.
    TokenHuge,
    TokenSlow(Duration),
    /// One byte every 100 ms, without end.
    TokenTrickle,
    /// Redirects the request, with its secret, to this address.
    Token307(String),
    TokenError(&'static str),
    TokenWithoutIdToken,
    TokenWithoutAccessToken,
    /// Takes the same code as often as it comes.
    CodeReusable,
    /// Takes no credentials but posted ones.
    OnlyClientSecretPost,

    // The header and the signature of the ID token.
    /// Unsigned, with this `alg`: `none`, `None`, `nOnE`.
    AlgNone(&'static str),
    EmptySignature,
    Hs256WithPublicKey,
    Hs256WithClientSecret,
    /// The right `kid`, another key.
    BadSignature,
    /// The right signature of other claims.
    ClaimsChangedAfterSigning,
    UnknownKid,
    /// No `kid`, one key published.
    KidAbsentSingle,
    /// No `kid`, several keys published, the right one last.
    KidAbsentMany,
    /// Signed by the RSA key, `kid` of the EC key.
    KidOfAnotherKind,
    AttackerJwk,
    AttackerJku,
    AttackerX5u,
    AttackerX5c,
    CritUnknown,
    Es256,
    Ps256,
    EdDsa,
    /// The shape of an encrypted token (five parts, `zip`).
    Jwe,
    /// These words instead of a token.
    NotAToken(&'static str),

    // The claims of the ID token.
    NonceMissing,
    NonceWrong,
    IssWrong,
    IssTrailingSlash,
    IssOtherCase,
    IssMissing,
    AudWrong,
    AudMissing,
    /// A list of the client alone: not a fault.
    AudListOfOne,
    /// The client and a stranger, without `azp`.
    AudListUntrusted,
    /// The client and a stranger, `azp` the stranger.
    AzpWrong,
    /// `exp` so many seconds ago.
    ExpAgo(i64),
    /// `nbf` in so many seconds.
    NbfIn(i64),
    /// `iat` in so many seconds.
    IatIn(i64),
    ExpMissing,
    ExpNotNumber,
    IatMissing,
    SubMissing,
    SubEmpty,
    SubNotString,
    /// 256 characters; 255 are allowed.
    SubTooLong,
    SubNotAscii,
    AtHashWrong,
    /// `typ: at+jwt`.
    TypAccessToken,
    /// `typ: logout+jwt` with the `events` of a back-channel logout.
    TypLogoutToken,
    /// `sub` twice in the JSON.
    DuplicateMember,
    ByteOrderMark,
    NotANumber,
    DeepNesting,
    NotJson,

    // What is said of the person, in the ID token and at `/userinfo`.
    /// This claim with this value, whatever it is.
    Claim(&'static str, Value),
    /// Not this claim.
    NoClaim(&'static str),
    EmailUnverified,
    EmailVerifiedMissing,
    /// `"true"` in quotes.
    EmailVerifiedString,
    /// `1`.
    EmailVerifiedNumber,
    EmailMissing,
    EmailEmpty,
    EmailNumber,
    EmailArray,
    EmailTwoAt,
    /// A Cyrillic letter that looks like a Latin one.
    EmailUnicode,
    /// Ten kilobytes.
    EmailHuge,
    /// CR and LF inside.
    EmailLines,
    NamesMissing,
    NameNotString,
    /// Five kilobytes each.
    NameHuge,
    NameMarkup,
    GroupsMissing,
    GroupsString,
    GroupsNull,
    /// The person's own and ten thousand others.
    GroupsTenThousand,
    GroupsNested,
    /// Texts among numbers and nulls.
    GroupsMixed,
    /// The e-mail is at an address where nobody should fetch it (Core §5.6.2).
    DistributedClaims,

    // The userinfo endpoint.
    /// The ID token says only who (`sub`): not a fault.
    ClaimsOnlyAtUserinfo,
    UserinfoOtherSub,
    UserinfoWithoutSub,
    UserinfoHtml,
    UserinfoSigned,
    Userinfo500,
    UserinfoHuge,
    UserinfoSlow(Duration),

    // The discovery document.
    DiscoveryIssuerMismatch,
    DiscoveryIssuerTrailingSlash,
    Discovery404,
    DiscoveryHtml,
    DiscoveryHuge,
    DiscoverySlow(Duration),
    /// Redirects to a private address.
    DiscoveryRedirect,
    /// Endpoints at `http://169.254.169.254`.
    DiscoveryPrivateEndpoints,
    DiscoveryWithoutTokenEndpoint,
    DiscoveryWithoutUserinfo,
    /// The same keys at another address than before.
    DiscoveryOtherJwksUri,

    // The published keys.
    /// A new key signs; the old one is still published: not a fault.
    KeyRotatedWithOverlap,
    /// A new key signs; the old one is gone: not a fault.
    KeyRotated,
    JwksDown,
    JwksHtml,
    JwksEmpty,
    JwksSlow(Duration),
    JwksHuge,
    /// Ten thousand useless keys before the right one, below one mebibyte.
    JwksTenThousand,
    /// An RSA key of 512 bits, which really signs.
    JwksWeakRsa,
    /// An RSA key of 16384 bits.
    JwksGiantRsa,
    /// An RSA key with the exponent 1, whose signatures anybody can make.
    JwksExponentOne,
    /// A point that is not on the curve.
    JwksInvalidPoint,
    /// The right key is published for encryption only.
    JwksUseEncryption,
    /// A symmetric key in public, and a token made with it.
    JwksSymmetric,
    /// Keys of unknown kinds and broken ones beside the right one: not a fault.
    JwksUnknownKinds,
}

impl Fault {
    /// Every ID token that must be refused whatever the connection allows.
    pub fn in_the_id_token() -> Vec<Self> {
        use Fault as F;
        let mut faults = vec![
            F::EmptySignature,
            F::Hs256WithPublicKey,
            F::Hs256WithClientSecret,
            F::BadSignature,
            F::ClaimsChangedAfterSigning,
            F::UnknownKid,
            F::KidOfAnotherKind,
            F::AttackerJwk,
            F::AttackerJku,
            F::AttackerX5u,
            F::AttackerX5c,
            F::CritUnknown,
            F::Jwe,
            F::NonceMissing,
            F::NonceWrong,
            F::IssWrong,
            F::IssTrailingSlash,
            F::IssOtherCase,
            F::IssMissing,
            F::AudWrong,
            F::AudMissing,
            F::AudListUntrusted,
            F::AzpWrong,
            F::ExpMissing,
            F::ExpNotNumber,
            F::IatMissing,
            F::SubMissing,
            F::SubEmpty,
            F::SubNotString,
            F::SubTooLong,
            F::SubNotAscii,
            F::AtHashWrong,
            F::TypAccessToken,
            F::TypLogoutToken,
            F::DuplicateMember,
            F::ByteOrderMark,
            F::NotANumber,
            F::DeepNesting,
            F::NotJson,
        ];
        faults.extend(["none", "None", "nOnE"].map(F::AlgNone));
        faults.extend(["", "a", "a.b", "a.b.c", "..", "e30.e30.", "{}"].map(F::NotAToken));
        faults.extend([F::ExpAgo(3600), F::NbfIn(3600), F::IatIn(3600)]);
        faults
    }

    /// Every set of keys with which nobody may be signed in.
    pub fn in_the_keys() -> Vec<Self> {
        use Fault as F;
        vec![
            F::JwksDown,
            F::JwksHtml,
            F::JwksEmpty,
            F::JwksHuge,
            F::JwksWeakRsa,
            F::JwksGiantRsa,
            F::JwksExponentOne,
            F::JwksInvalidPoint,
            F::JwksUseEncryption,
            F::JwksSymmetric,
        ]
    }

    /// Every answer of the token endpoint that cannot be used and comes at once.
    pub fn in_the_token_answer() -> Vec<Self> {
        use Fault as F;
        vec![
            F::Token500,
            F::TokenHtml,
            F::TokenEmpty,
            F::TokenMalformed,
            F::TokenArray,
            F::TokenHuge,
            F::TokenError("invalid_grant"),
            F::TokenError("invalid_client"),
            F::TokenWithoutIdToken,
        ]
    }

    /// Every e-mail claim that is not an address.
    pub fn in_the_email() -> Vec<Self> {
        use Fault as F;
        vec![
            F::EmailEmpty,
            F::EmailNumber,
            F::EmailArray,
            F::EmailTwoAt,
            F::EmailUnicode,
            F::EmailHuge,
            F::EmailLines,
        ]
    }

    /// Oddities that an honest provider may have: people come in all the same.
    pub fn not_really() -> Vec<Self> {
        use Fault as F;
        vec![
            F::IssParameterUnknown,
            F::OnlyClientSecretPost,
            F::KidAbsentSingle,
            F::AudListOfOne,
            F::NamesMissing,
            F::NameNotString,
            F::NameHuge,
            F::NameMarkup,
            F::GroupsMissing,
            F::GroupsString,
            F::GroupsNull,
            F::GroupsTenThousand,
            F::GroupsNested,
            F::GroupsMixed,
            F::ClaimsOnlyAtUserinfo,
            F::KeyRotatedWithOverlap,
            F::KeyRotated,
            F::JwksUnknownKinds,
            F::DiscoveryWithoutUserinfo,
            F::ExpAgo(59),
            F::NbfIn(59),
            F::IatIn(59),
        ]
    }
}
