//! The settings of signing in.

use serde::Deserialize;

/// How operators sign in. Tokens that innfri gave out itself are always taken.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInConfig {
    /// Whose JWTs are taken as well; none unless set.
    #[serde(default)]
    pub jwt: Option<JwtConfig>,
}

/// An issuer of JWTs, such as Maskinporten (`[http.jwt]`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// The claim `iss` of its tokens, letter by letter: `https://maskinporten.no/`.
    pub issuer: String,
    /// What the claim `aud` must name: this installation. Clients of Maskinporten ask for it with
    /// `resource`.
    pub audience: String,
    /// What the claim `scope` must hold, among other words: `eksempel:innfri`.
    pub scope: String,
    /// Where its public keys are: `https://…`; `http://` to this machine alone.
    pub jwks_url: String,
    /// The claim that names the organisation: an object as Maskinporten's `consumer`
    /// (`{"authority": "iso6523-actorid-upis", "ID": "0192:926018159"}`), or a plain number.
    #[serde(default = "default_organisation_claim")]
    pub organisation_claim: String,
    /// Seconds between `iat` and `exp` at most, 1 or more: a token that lives longer is refused.
    #[serde(default = "default_longest_life")]
    pub longest_life_seconds: u32,
}

fn default_organisation_claim() -> String {
    "consumer".to_owned()
}

const fn default_longest_life() -> u32 {
    3600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_setting_is_refused_and_the_claim_has_a_default() {
        let text = "issuer = \"a\"\naudience = \"b\"\nscope = \"c\"\njwks_url = \"d\"\n";
        let config: JwtConfig = toml::from_str(text).unwrap();
        assert_eq!(
            (config.organisation_claim.as_str(), config.longest_life_seconds),
            ("consumer", 3600)
        );
        let error = toml::from_str::<JwtConfig>(&format!("{text}isuer = \"e\"")).unwrap_err();
        assert!(error.to_string().contains("isuer"));
    }
}
