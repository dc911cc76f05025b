//! The folder or object store that the lake is in.
//!
//! Owns the address and every read and write. Credentials of object stores come
//! from the environment, as their own tools read it (`AWS_*`, `GOOGLE_*`,
//! `AZURE_*`), and never from the address; no text made here holds one.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{
    Certificate, ClientConfigKey, ClientOptions, Error, GetResultPayload, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use reqwest::Url;
use tokio::io::AsyncReadExt;

use super::LakeError;
use super::address::LakeUrl;
use crate::authorities::Authorities;

/// Length of a part of a file on its way, and from which on it is sent in parts.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// Whether a file was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Created {
    /// It was.
    New,
    /// One of that name was there, and stays as it is.
    WasThere,
}

/// An open lake.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    name: String,
    /// The folder, where the lake is one.
    folder: Option<PathBuf>,
}

impl Lake {
    /// Opens the lake of an address; makes a folder that is not there. Object stores
    /// are trusted by the machine's authorities and these.
    ///
    /// # Errors
    /// [`LakeError::Folder`] when the folder cannot be made, and [`LakeError::Address`]
    /// when the environment lacks what the object store needs.
    pub fn open(url: &LakeUrl, authorities: &Authorities) -> Result<Self, LakeError> {
        // A second installation is refused, which is fine: the first one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let refused = |error: Error| LakeError::Address(said(&error));
        let text = url.as_str();
        let Some((scheme, _)) = text.split_once("://") else {
            return Self::in_folder(Path::new(text));
        };
        let address = Url::parse(text).map_err(|error| LakeError::Address(error.to_string()))?;
        let store: Arc<dyn ObjectStore> = match scheme {
            "file" => {
                let folder = address.to_file_path();
                let folder =
                    folder.map_err(|()| LakeError::Address("it is no folder".to_owned()))?;
                return Self::in_folder(&folder);
            }
            "s3" | "s3a" => {
                let options = client_options("AWS_", authorities, |key| match key {
                    AmazonS3ConfigKey::Client(key) => Some(key),
                    _ => None,
                })?;
                let builder = AmazonS3Builder::from_env().with_client_options(options);
                Arc::new(builder.with_url(text).build().map_err(refused)?)
            }
            "gs" => {
                let options = client_options("GOOGLE_", authorities, |key| match key {
                    GoogleConfigKey::Client(key) => Some(key),
                    _ => None,
                })?;
                let builder = GoogleCloudStorageBuilder::from_env().with_client_options(options);
                Arc::new(builder.with_url(text).build().map_err(refused)?)
            }
            _ => {
                let options = client_options("AZURE_", authorities, |key| match key {
                    AzureConfigKey::Client(key) => Some(key),
                    _ => None,
                })?;
                let builder = MicrosoftAzureBuilder::from_env().with_client_options(options);
                Arc::new(builder.with_url(text).build().map_err(refused)?)
            }
        };
        let prefix = ObjectPath::from_url_path(address.path())
            .map_err(|error| LakeError::Address(error.to_string()))?;
        Ok(Self { store, prefix, name: text.to_owned(), folder: None })
    }

    /// Opens a lake for those who only read it; makes nothing.
    ///
    /// # Errors
    /// As [`Self::open`], and [`LakeError::NotThere`] where the address is a folder
    /// that does not exist. Whether an object store has the path shows when it is read.
    pub fn open_for_reading(url: &LakeUrl, authorities: &Authorities) -> Result<Self, LakeError> {
        let folder = match url.as_str().split_once("://") {
            None => Some(PathBuf::from(url.as_str())),
            Some(("file", _)) => {
                Url::parse(url.as_str()).ok().and_then(|url| url.to_file_path().ok())
            }
            Some(_) => None,
        };
        match folder {
            Some(folder) if !folder.is_dir() => Err(LakeError::NotThere(url.to_string())),
            _ => Self::open(url, authorities),
        }
    }

    fn in_folder(folder: &Path) -> Result<Self, LakeError> {
        let refused = |error: &dyn fmt::Display| LakeError::Folder {
            folder: folder.display().to_string(),
            cause: error.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|error| refused(&error))?;
        let folder = folder.canonicalize().map_err(|error| refused(&error))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| refused(&error))?;
        // What a manifest names must be there after a power cut, too.
        let store = store.with_fsync(true);
        let name = folder.display().to_string();
        Ok(Self {
            store: Arc::new(store),
            prefix: ObjectPath::default(),
            name,
            folder: Some(folder),
        })
    }

    /// A lake in memory, for tests.
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self { store, prefix: ObjectPath::default(), name: "memory".to_owned(), folder: None }
    }

    /// Its address, without credentials.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address of a file, for people and other programs.
    #[must_use]
    pub fn address_of(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }

    /// A whole file; none when it is not there. For manifests.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
        match self.store.get(&self.location(path)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(self.failed(path))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path)(error)),
        }
    }

    /// Bytes of a file; none when it is not there.
    pub(super) async fn length(&self, path: &str) -> Result<Option<u64>, LakeError> {
        match self.store.head(&self.location(path)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path)(error)),
        }
    }

    /// Hands a file over piece by piece; false when it is not there.
    pub(super) async fn read_in_pieces(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), LakeError>,
    ) -> Result<bool, LakeError> {
        let found = match self.store.get(&self.location(path)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(self.failed(path)(error)),
        };
        if let GetResultPayload::File(file, _) = found.payload {
            let mut file = tokio::fs::File::from_std(file);
            let mut piece = vec![0; PART_BYTES];
            loop {
                let length = file.read(&mut piece).await?;
                if length == 0 {
                    return Ok(true);
                }
                take(&piece[..length])?;
            }
        }
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(self.failed(path))? {
            take(&piece)?;
        }
        Ok(true)
    }

    /// Makes a file unless one of that name is there.
    pub(super) async fn create(&self, path: &str, bytes: Bytes) -> Result<Created, LakeError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let location = self.location(path);
        match self.store.put_opts(&location, PutPayload::from_bytes(bytes), options).await {
            Ok(_) => Ok(Created::New),
            Err(Error::AlreadyExists { .. }) => Ok(Created::WasThere),
            Err(error) => Err(self.failed(path)(error)),
        }
    }

    /// Makes a file, in place of one that is there.
    pub(super) async fn replace(&self, path: &str, bytes: Bytes) -> Result<(), LakeError> {
        let put = self.store.put(&self.location(path), PutPayload::from_bytes(bytes)).await;
        put.map(|_| ()).map_err(self.failed(path))
    }

    /// Sends a file of this machine, whose name no other content can have.
    pub(super) async fn send(&self, path: &str, source: &Path) -> Result<(), LakeError> {
        let mut file = tokio::fs::File::open(source).await?;
        let bytes = file.metadata().await?.len();
        if bytes <= PART_BYTES as u64 {
            return self.replace(path, tokio::fs::read(source).await?.into()).await;
        }
        let upload = self.store.put_multipart(&self.location(path)).await;
        let upload = upload.map_err(self.failed(path))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        if let Err(error) = self.send_parts(path, &mut file, &mut upload).await {
            // Parts of what never becomes a file are paid for like files.
            if let Err(error) = upload.abort().await {
                tracing::warn!(path, "parts of a file could not be removed: {}", said(&error));
            }
            return Err(error);
        }
        upload.finish().await.map(|_| ()).map_err(self.failed(path))
    }

    /// Sends all but the last parts, which go when the upload is finished.
    async fn send_parts(
        &self,
        path: &str,
        file: &mut tokio::fs::File,
        upload: &mut WriteMultipart,
    ) -> Result<(), LakeError> {
        let mut piece = vec![0; PART_BYTES];
        loop {
            let length = file.read(&mut piece).await?;
            if length == 0 {
                return Ok(());
            }
            upload.wait_for_capacity(PARTS_AT_ONCE).await.map_err(self.failed(path))?;
            upload.write(&piece[..length]);
        }
    }

    /// Paths of everything below a folder.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let location = self.location(folder);
        let found: Vec<_> = self
            .store
            .list(Some(&location))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(self.failed(folder))?;
        let below = |path: &ObjectPath| {
            let parts: Vec<_> =
                path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        let mut paths: Vec<String> = found.iter().filter_map(below).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// Removes what a writer that was killed has left of files it had not finished,
    /// `NAME#NUMBER`; object stores keep no such thing. Nobody may write there.
    pub(super) fn remove_unfinished(&self, folder: &str) -> Result<(), LakeError> {
        let Some(lake) = &self.folder else { return Ok(()) };
        let entries = match fs::read_dir(lake.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, end)| end);
            if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn location(&self, path: &str) -> ObjectPath {
        path.split('/').fold(self.prefix.clone(), ObjectPath::join)
    }

    fn failed(&self, path: &str) -> impl FnOnce(Error) -> LakeError {
        let (lake, path) = (self.name.clone(), path.to_owned());
        move |error| LakeError::Storage { lake, path, cause: said(&error) }
    }
}

/// Bounds of an object store's client as the environment sets them, and whom it trusts.
/// Given as a whole, they replace those that a builder took from the environment.
fn client_options<Key: FromStr>(
    prefix: &str,
    authorities: &Authorities,
    of_client: impl Fn(Key) -> Option<ClientConfigKey>,
) -> Result<ClientOptions, LakeError> {
    let mut options = ClientOptions::new();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        if !name.starts_with(prefix) {
            continue;
        }
        if let Some(key) = name.to_ascii_lowercase().parse().ok().and_then(&of_client) {
            options = options.with_config(key, value);
        }
    }
    for certificate in authorities.certificates() {
        let certificate = Certificate::from_der(certificate);
        let certificate = certificate.map_err(|error| LakeError::Address(said(&error)))?;
        options = options.with_root_certificate(certificate);
    }
    Ok(options)
}

/// What a store said, without the part of an address in which credentials can be.
fn said(error: &Error) -> String {
    let mut text = String::new();
    let mut is_hidden = false;
    for character in error.to_string().chars() {
        if is_hidden && (character.is_whitespace() || "\"')>".contains(character)) {
            is_hidden = false;
        }
        if !is_hidden {
            text.push(character);
        }
        is_hidden |= character == '?';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_as_spark_writes_it_names_container_and_account() {
        let url = LakeUrl::parse("abfss://files@account.dfs.core.windows.net/a/b").expect("valid");
        let lake = Lake::open(&url, &Authorities::default()).expect("opened");
        assert_eq!(lake.prefix.as_ref(), "a/b");
        let file = "abfss://files@account.dfs.core.windows.net/a/b/x.parquet";
        assert_eq!(lake.address_of("x.parquet"), file);
        let elsewhere = LakeUrl::parse("abfss://files@elsewhere.example/a").expect("valid");
        assert!(matches!(
            Lake::open(&elsewhere, &Authorities::default()),
            Err(LakeError::Address(_))
        ));
    }

    #[test]
    fn an_error_tells_no_signature() {
        let source = "GET https://host/x?sig=secret&se=1 (timed out) https://y?a=secret".into();
        let text = said(&Error::Generic { store: "azure", source });
        assert!(!text.contains("secret") && text.contains("(timed out)"), "{text}");
    }

    #[tokio::test]
    async fn a_file_is_created_once() {
        let lake = Lake::in_memory();
        assert_eq!(lake.create("a/b.json", "1".into()).await.expect("made"), Created::New);
        assert_eq!(lake.create("a/b.json", "2".into()).await.expect("asked"), Created::WasThere);
        assert_eq!(lake.read("a/b.json").await.expect("read").as_deref(), Some(&b"1"[..]));
        assert_eq!(lake.list("a").await.expect("listed"), ["a/b.json"]);
        assert_eq!(lake.read("a/c.json").await.expect("asked"), None);
    }
}
