//! The form in which the library is kept in the binary: its providers as postcard, with an index by name.
//!
//! Parsing `stdlib/*.pipe` at every start would cost more than all that most commands do. So the providers are encoded
//! once, when the library changes, and a provider is decoded when it is first asked for. The index borrows from the
//! bytes; reading it allocates one vector.
//!
//! `library.bin` holds: the index's length (four bytes, little-endian), the index, and the providers that it points at.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::{Provider, lower};
use crate::diagnostic::Diagnostics;
use crate::ir::TypeId;
use crate::source;
use crate::syntax;
use crate::syntax::ast::ItemKind;

static BYTES: &[u8] = include_bytes!("library.bin");

/// Where one provider is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entry<'a> {
    name: &'a str,
    /// `Build/AWS/CodeBuild/1`
    type_id: &'a str,
    /// Among the providers' bytes, behind the index.
    start: u32,
    end: u32,
}

/// The library, decoded as far as it has been asked for. One for the whole process.
#[derive(Debug)]
pub(super) struct Library {
    /// Sorted by name.
    entries: Vec<Entry<'static>>,
    bodies: &'static [u8],
    decoded: Vec<OnceLock<Arc<Provider>>>,
}

impl Library {
    pub(super) fn get() -> &'static Self {
        static LIBRARY: OnceLock<Library> = OnceLock::new();
        LIBRARY.get_or_init(Self::read)
    }

    fn read() -> Self {
        // Empty bytes are an empty library: so it starts before it has been made for the first time.
        let (entries, bodies) = match BYTES.split_first_chunk::<4>() {
            Some((length, rest)) => {
                let (index, bodies) = rest.split_at(u32::from_le_bytes(*length) as usize);
                (decode::<Vec<Entry<'static>>>(index), bodies)
            }
            None => (Vec::new(), BYTES),
        };
        let decoded = entries.iter().map(|_| OnceLock::new()).collect();
        Self {
            entries,
            bodies,
            decoded,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.name)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<Provider>> {
        let at = self.entries.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        Some(self.decoded(at))
    }

    pub(super) fn by_type(&self, id: &TypeId) -> Option<&Arc<Provider>> {
        let at = self.entries.iter().position(|entry| is_type(entry.type_id, id))?;
        Some(self.decoded(at))
    }

    fn decoded(&self, at: usize) -> &Arc<Provider> {
        self.decoded[at].get_or_init(|| {
            let Entry { start, end, .. } = self.entries[at];
            Arc::new(decode(&self.bodies[start as usize..end as usize]))
        })
    }
}

/// Whether `text` is `id` written out; compares without writing it out.
fn is_type(text: &str, id: &TypeId) -> bool {
    text.split('/')
        .eq([&*id.category, &*id.owner, &*id.provider, &*id.version])
}

fn decode<T: Deserialize<'static>>(bytes: &'static [u8]) -> T {
    postcard::from_bytes(bytes).expect("the library's bytes have the form that this program reads")
}

/// Reads the library from its text. Only making it anew needs this.
pub fn from_source(diags: &mut Diagnostics) -> Vec<Provider> {
    let mut providers = Vec::new();
    for (module, file, text) in source::library::modules() {
        for item in syntax::parse(text, file, diags).items {
            if let ItemKind::Provider(provider) = &item.kind {
                providers.push(lower(provider, &item.doc, Some(module), diags));
            }
        }
    }
    providers
}

/// Encodes providers into what `library.bin` holds. The same providers, in whatever order, give the same bytes.
pub fn encode(providers: &[Provider]) -> Vec<u8> {
    let mut sorted: Vec<&Provider> = providers.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let type_ids: Vec<String> = sorted.iter().map(|provider| provider.type_id.to_string()).collect();

    let (mut entries, mut bodies) = (Vec::new(), Vec::new());
    for (provider, type_id) in sorted.iter().zip(&type_ids) {
        let start = bodies.len() as u32;
        bodies.extend(encode_one(provider));
        entries.push(Entry {
            name: &provider.name,
            type_id,
            start,
            end: bodies.len() as u32,
        });
    }
    let index = encode_one(&entries);
    let length = (index.len() as u32).to_le_bytes();
    [&length, &*index, &*bodies].concat()
}

fn encode_one(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("postcard encodes whatever derives `Serialize` here")
}
