//! What an artifact holds, as a list: paths, modes, links, and each file's content by its hash.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The hash of a file's content, or of a manifest.
pub type Hash = blake3::Hash;

/// What an artifact holds, by path, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: Name,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    File {
        #[serde(with = "hex")]
        hash: Hash,
        size: u64,
        mode: u32,
    },
    Link {
        to: Name,
    },
    Directory {
        mode: u32,
    },
}

/// A path, which need not be text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Name {
    pub fn new(path: &Path) -> Self {
        path.to_str().map_or_else(
            || Self::Bytes(path.as_os_str().as_bytes().to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }

    pub fn to_path(&self) -> PathBuf {
        match self {
            Self::Text(text) => PathBuf::from(text),
            Self::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes.clone())),
        }
    }

    pub fn as_path(&self) -> &Path {
        match self {
            Self::Text(text) => Path::new(text),
            Self::Bytes(bytes) => Path::new(std::ffi::OsStr::from_bytes(bytes)),
        }
    }
}

impl Manifest {
    /// The manifest of what `entries` holds, if it can be laid out below a folder without leaving it.
    pub(super) fn new(entries: impl IntoIterator<Item = (Name, Content)>) -> io::Result<Self> {
        let entries = entries.into_iter().map(|(path, content)| Entry { path, content });
        let manifest = Self {
            entries: entries.collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Fails if a path leads out of the artifact, stands there twice, or lies below what is no folder.
    pub(super) fn check(&self) -> io::Result<()> {
        let mut is_folder = HashMap::with_capacity(self.entries.len());
        for entry in &self.entries {
            let path = entry.path.as_path();
            if !is_inner(path) {
                return Err(invalid(format!("`{}` would lead out of the artifact", path.display())));
            }
            let content = matches!(entry.content, Content::Directory { .. });
            if is_folder.insert(path, content).is_some() {
                return Err(invalid(format!("`{}` is in the artifact twice", path.display())));
            }
        }
        let below = |path: &'_ Path| {
            path.ancestors()
                .skip(1)
                .any(|above| is_folder.get(above) == Some(&false))
        };
        match self
            .entries
            .iter()
            .map(|entry| entry.path.as_path())
            .find(|path| below(path))
        {
            Some(path) => {
                let message = format!("`{}` lies below something that is not a folder", path.display());
                Err(invalid(message))
            }
            None => Ok(()),
        }
    }

    /// How many files (and links) there are, and the bytes of all of them.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.entries
            .iter()
            .fold((0, 0), |(files, bytes), entry| match entry.content {
                Content::File { size, .. } => (files + 1, bytes + size),
                Content::Link { .. } => (files + 1, bytes),
                Content::Directory { .. } => (files, bytes),
            })
    }

    /// How many files of `self` stand in `other` with the same path and content.
    pub fn shared(&self, other: &Self) -> usize {
        let contents: HashMap<&Path, &Content> = other
            .entries
            .iter()
            .map(|entry| (entry.path.as_path(), &entry.content))
            .collect();
        let is_shared = |entry: &&Entry| contents.get(entry.path.as_path()) == Some(&&entry.content);
        self.entries.iter().filter(is_shared).count()
    }
}

/// Whether a path stays below the folder that it is joined to.
pub(super) fn is_inner(path: &Path) -> bool {
    // `components` passes over a slash at the end and dots in the middle, which would make two names of one.
    let plain: PathBuf = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect();
    plain.as_os_str() == path.as_os_str() && !path.as_os_str().is_empty() && !path.as_os_str().as_bytes().contains(&0)
}

pub(super) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A hash as text, as it stands in a manifest.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hash.to_hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        Hash::from_hex(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str) -> (Name, Content) {
        let to = Name::Text("/".to_owned());
        (Name::Text(path.to_owned()), Content::Link { to })
    }

    #[test]
    fn no_manifest_leads_out() {
        for path in [
            "../out",
            "/etc/passwd",
            "a/../../b",
            "",
            ".",
            "a/./b",
            "a/",
            "a//b",
            "a\0b",
        ] {
            assert!(Manifest::new([link(path)]).is_err(), "{path:?}");
        }
        for path in ["a", "..a", "a..", "a/b", "a b\n", "c:"] {
            assert!(Manifest::new([link(path)]).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn nothing_lies_below_a_link() {
        assert!(Manifest::new([link("a"), link("a/b/c")]).is_err());
        assert!(Manifest::new([link("a"), link("a")]).is_err());
        assert!(Manifest::new([link("a"), link("a-b")]).is_ok());
    }
}
