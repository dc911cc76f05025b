//! The address of a lake. Credentials have no place in it.

use std::fmt;

use reqwest::Url;

use super::LakeError;

/// An address that was checked: a folder, or `s3://`, `gs://` or `az://` with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeUrl(String);

impl LakeUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// [`LakeError::Address`], also for an address with credentials in it.
    pub fn parse(text: &str) -> Result<Self, LakeError> {
        let refused = |why: &str| Err(LakeError::Address(why.to_owned()));
        if text.is_empty() {
            return refused("it is empty; write a folder, or an address such as s3://bucket/path");
        }
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Self(text.to_owned())) };
        let Ok(url) = Url::parse(text) else { return refused("it is no URL") };
        // Spark writes abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH.
        let is_container = matches!(scheme, "abfs" | "abfss");
        let has_user = !url.username().is_empty() && !is_container;
        if has_user || url.password().is_some() || url.query().is_some() {
            return refused("credentials belong in the environment, not in the address");
        }
        match scheme {
            "file" if url.to_file_path().is_ok() => Ok(Self(text.to_owned())),
            "s3" | "s3a" | "gs" | "az" | "abfs" | "abfss" if url.host_str().is_some() => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => refused("use a folder, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH"),
        }
    }

    /// The address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_anything_is_opened() {
        for good in
            ["lake", "/srv/lake", "file:///srv/lake", "s3://bucket/a/b/", "gs://b", "az://c/d"]
        {
            assert!(LakeUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ftp://host/x",
            "s3://",
            "s3://id:secret@bucket/x",
            "s3://secret@bucket/x",
            "az://c/d?sig=secret",
            "abfss://c:secret@account.dfs.core.windows.net/d",
        ] {
            let error = LakeUrl::parse(bad).expect_err(bad);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
