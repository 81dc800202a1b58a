//! Zip archives: written the same each time, and read with distrust.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use pipe::run::archive::{Limits, export, import};
use pipe::run::outcome::Failure;
use pipe::run::store::{Artifact, Store};
use proptest::prelude::*;

const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_755;
const LINK: u32 = 0o120_777;

/// An entry, written as it is said to be.
#[derive(Clone, Debug)]
struct Raw {
    name: Vec<u8>,
    mode: u32,
    data: Vec<u8>,
    flags: u16,
    method: u16,
    /// The size that the headers give.
    size: u32,
    crc: u32,
}

fn raw(name: impl AsRef<[u8]>, mode: u32, data: impl AsRef<[u8]>) -> Raw {
    let data = data.as_ref();
    Raw {
        name: name.as_ref().to_vec(),
        mode,
        data: data.to_vec(),
        flags: 1 << 11,
        method: 0,
        size: u32::try_from(data.len()).unwrap(),
        crc: crc32(data),
    }
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

/// A zip archive of the entries, with nothing checked.
fn archive(entries: &[Raw]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = u32::try_from(out.len()).unwrap();
        let mut common = Vec::new();
        for number in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend(number.to_le_bytes());
        }
        let stored = u32::try_from(entry.data.len()).unwrap();
        for number in [entry.crc, stored, entry.size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(&entry.name);
        out.extend(&entry.data);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(&entry.name);
    }
    let at = u32::try_from(out.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    out.extend([count, count].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

struct Place {
    temp: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::new(temp.path().join("store"));
        Self { temp, store }
    }

    fn import_within(&self, bytes: &[u8], limits: &Limits) -> Result<Artifact, Failure> {
        let path = self.temp.path().join("source.zip");
        fs::write(&path, bytes).unwrap();
        import(&self.store, &path, limits)
    }

    fn import(&self, entries: &[Raw]) -> Result<Artifact, Failure> {
        self.import_within(&archive(entries), &Limits::default())
    }

    fn unpack(&self, artifact: &Artifact) -> PathBuf {
        let to = self.temp.path().join("a/b/c/to");
        self.store.unpack(artifact, &to).unwrap();
        to
    }

    fn export(&self, artifact: &Artifact) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        export(&self.store, artifact, &mut out).unwrap();
        out.into_inner()
    }

    /// What lies beside the store and the archive.
    fn others(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.temp.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .filter(|path| !path.ends_with("store") && !path.ends_with("source.zip"))
            .collect()
    }
}

#[test]
fn an_archive_is_taken_in_as_it_is() {
    let place = Place::new();
    let artifact = place
        .import(&[
            raw("bin/", FOLDER, ""),
            raw("bin/run", 0o100_755, "#!/bin/sh"),
            raw("./Read.me", FILE, "one"),
            raw("read.me", FILE, "two"),
            raw("empty/", 0o040_700, ""),
            raw("from-windows", 0, "x"),
            raw("lib/up", LINK, "../bin/run"),
            raw("lib/round", LINK, "./round"),
            raw("set-user", 0o104_755, ""),
            raw("a", FILE, "first"),
            raw("./a", FILE, "the later one counts"),
        ])
        .unwrap();
    let to = place.unpack(&artifact);
    let mode = |path: &str| fs::symlink_metadata(to.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        ["bin/run", "Read.me", "empty", "from-windows", "set-user"].map(mode),
        [0o755, 0o644, 0o700, 0o644, 0o755]
    );
    assert_eq!(fs::read_to_string(to.join("lib/up")).unwrap(), "#!/bin/sh");
    assert_eq!(fs::read_to_string(to.join("read.me")).unwrap(), "two");
    assert_eq!(fs::read_to_string(to.join("a")).unwrap(), "the later one counts");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 8);
}

#[test]
fn what_would_lead_out_is_refused_by_name() {
    let hostile: &[(&str, &[Raw])] = &[
        ("would lead out", &[raw("../out", FILE, "x")]),
        ("would lead out", &[raw("a/../../out", FILE, "x")]),
        ("would lead out", &[raw("a/..", FOLDER, "")]),
        ("absolute", &[raw("/out", FILE, "x")]),
        ("absolute", &[raw("C:/out", FILE, "x")]),
        ("absolute", &[raw("c:out", FILE, "x")]),
        ("separator", &[raw("..\\out", FILE, "x")]),
        ("separator", &[raw("\\\\host\\share", FILE, "x")]),
        ("NUL", &[raw("a\0/../../out", FILE, "x")]),
        ("leads out", &[raw("l", LINK, "/etc")]),
        ("leads out", &[raw("l", LINK, "..")]),
        ("leads out", &[raw("d/l", LINK, "../../x")]),
        ("leads out", &[raw("d/l", LINK, "m/../../.."), raw("d/m", LINK, "e")]),
        // Each looks harmless by itself.
        (
            "leads out",
            &[raw("a/b/up", LINK, "../.."), raw("l", LINK, "a/b/up/../x")],
        ),
        ("leads out", &[raw("d", LINK, "."), raw("l", LINK, "d/d/d/..")]),
        (
            "below something that is not a folder",
            &[raw("l", LINK, "a"), raw("l/x", FILE, "x"), raw("a/", FOLDER, "")],
        ),
        (
            "below something that is not a folder",
            &[raw("f", FILE, "a"), raw("f/x", FILE, "x")],
        ),
        ("leads nowhere", &[raw("l", LINK, "")]),
        ("leads nowhere", &[raw("l", LINK, "a\0b")]),
        ("leads nowhere", &[raw("l", LINK, "a".repeat(5_000))]),
        ("neither", &[raw("dev", 0o020_644, "")]),
        ("neither", &[raw("disk", 0o060_644, "")]),
        ("neither", &[raw("fifo", 0o010_644, "")]),
        ("neither", &[raw("socket", 0o140_644, "")]),
        ("by half", &[raw("d", FOLDER, "")]),
        ("by half", &[raw("f/", FILE, "")]),
        (
            "encrypted",
            &[Raw {
                flags: 1,
                ..raw("secret", FILE, "0123456789abcdef")
            }],
        ),
        (
            "not supported",
            &[Raw {
                method: 14,
                ..raw("lzma", FILE, "x")
            }],
        ),
        (
            "checksum",
            &[Raw {
                crc: 7,
                ..raw("torn", FILE, "x")
            }],
        ),
    ];
    for (why, entries) in hostile {
        let place = Place::new();
        let mut all = vec![raw("fine", FILE, "fine")];
        all.extend_from_slice(entries);
        let failure = place.import(&all).unwrap_err();
        assert!(
            failure.message.to_lowercase().contains(&why.to_lowercase()),
            "{why}: {failure:?}"
        );
        assert!(failure.message.contains("source.zip"), "{failure:?}");
        assert_eq!(place.others(), Vec::<PathBuf>::new(), "{why}");
        assert!(!place.temp.path().join("store/manifests").exists(), "{why}");
    }
}

#[test]
fn bombs_are_not_unpacked() {
    let zeros = |count: usize| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file("zeros", zip::write::SimpleFileOptions::DEFAULT)
            .unwrap();
        writer.write_all(&vec![0; count]).unwrap();
        writer.finish().unwrap().into_inner()
    };
    let limits = Limits {
        entries: 10,
        bytes: 1 << 20,
        ratio: 100,
        free_bytes: 1 << 16,
        name: 50,
        depth: 5,
        part: 20,
    };
    let place = Place::new();
    let refused = |bytes: &[u8], why: &str| {
        let failure = place.import_within(bytes, &limits).unwrap_err();
        assert!(failure.message.contains(why), "{why}: {failure:?}");
        assert!(
            failure
                .help
                .as_deref()
                .is_some_and(|help| help.contains("unpack it yourself")),
            "{failure:?}"
        );
    };
    place.import_within(&zeros(1 << 16), &limits).unwrap();
    refused(&zeros(1 << 18), "100 times that");
    let random: Vec<u8> = (0..1_200_000_u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    refused(&archive(&[raw("a", FILE, &random)]), "holds more than is taken");
    // The headers say that it is small.
    let lie = archive(&[Raw {
        size: 3,
        ..raw("a", FILE, &random)
    }]);
    let failure = place.import_within(&lie, &limits).unwrap_err();
    assert!(failure.message.contains("larger than its declared"), "{failure:?}");
    let many: Vec<Raw> = (0..11).map(|index| raw(index.to_string(), FILE, "")).collect();
    refused(&archive(&many), "more than 10 entries");
    refused(&archive(&[raw("d/".repeat(5) + "f", FILE, "")]), "more than 5 folders");
    refused(
        &archive(&[raw("n".repeat(21), FILE, "")]),
        "more than 20 bytes in the name of a file",
    );
    refused(
        &archive(&[raw(
            ["n".repeat(20), "n".repeat(20), "n".repeat(20)].join("/"),
            FILE,
            "",
        )]),
        "more than 50 bytes",
    );
}

/// Many entries that share one piece of data, as in the bombs that do without nesting.
#[test]
fn entries_that_overlap_count_each() {
    let data = vec![b'a'; 1 << 16];
    let mut bytes = archive(&[raw("0", FILE, &data)]);
    let end = bytes.len() - 22;
    let start = end - 47;
    let header = bytes[start..end].to_vec();
    bytes.truncate(start);
    for index in 0..9 {
        let mut header = header.clone();
        header[46] = b'0' + index;
        bytes.extend(header);
    }
    let size = u32::try_from(bytes.len() - start).unwrap();
    bytes.extend(b"PK\x05\x06\0\0\0\0\x09\0\x09\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(u32::try_from(start).unwrap().to_le_bytes());
    bytes.extend([0, 0]);
    let limits = Limits {
        ratio: 3,
        free_bytes: 0,
        ..Limits::default()
    };
    let failure = Place::new().import_within(&bytes, &limits).unwrap_err();
    assert!(failure.message.contains("3 times that"), "{failure:?}");
    assert_eq!(Place::new().import_within(&bytes, &Limits::default()).unwrap().files, 9);
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let place = Place::new();
    for bytes in [&b""[..], b"PK", b"not a zip archive", &[0; 1_000]] {
        let failure = place.import_within(bytes, &Limits::default()).unwrap_err();
        assert!(
            failure.message.contains("source.zip could not be taken in"),
            "{failure:?}"
        );
    }
}

#[test]
fn the_same_artifact_gives_the_same_bytes() {
    let first = Place::new();
    let from = first.temp.path().join("from");
    fs::create_dir_all(from.join("empty")).unwrap();
    fs::write(from.join("run"), "#!/bin/sh").unwrap();
    fs::set_permissions(from.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(from.join("é \"x\".txt"), "x".repeat(300_000)).unwrap();
    symlink("run", from.join("link")).unwrap();
    let bytes = first.export(&first.store.import(&from).unwrap());

    // Elsewhere, in another order, later, under another mask.
    let second = Place::new();
    let artifact = second.import_within(&bytes, &Limits::default()).unwrap();
    assert_eq!(second.export(&artifact), bytes);
    let third = Place::new();
    let to = second.unpack(&artifact);
    assert_eq!(third.export(&third.store.import(&to).unwrap()), bytes);
    assert!(bytes.len() < 10_000);
}

#[test]
fn names_that_an_archive_cannot_hold_are_named() {
    use std::os::unix::ffi::OsStrExt;

    for name in [&b"odd-\xff"[..], b"back\\slash", b"c:"] {
        let place = Place::new();
        let from = place.temp.path().join("from");
        fs::create_dir_all(&from).unwrap();
        fs::write(from.join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
        let artifact = place.store.import(&from).unwrap();
        let error = export(&place.store, &artifact, Cursor::new(Vec::new()))
            .unwrap_err()
            .to_string();
        assert!(error.contains(&*String::from_utf8_lossy(name)), "{error}");
        assert!(error.contains("cannot be put into a zip archive"), "{error}");
    }
}

/// Parts of names that lead somewhere, and of links.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "c", "d", "..", ".", "", "l", "m", "C:", "x\\..\\y", "é"]);
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

fn entry() -> impl Strategy<Value = Raw> {
    let mode = prop::sample::select(vec![FILE, FILE, FOLDER, LINK, LINK, 0, 0o010_644, 0o060_644]);
    (name(), mode, name()).prop_map(|(name, mode, target)| {
        let name = if mode == FOLDER { name + "/" } else { name };
        raw(name, mode, if mode == LINK { target } else { "content".to_owned() })
    })
}

/// All links below `folder`.
fn links(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            out.extend(links(&entry.path()));
        } else if kind.is_symlink() {
            out.push(entry.path());
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever an archive holds: it is refused, or stays inside, every link of it too.
    #[test]
    fn no_archive_leads_out(entries in prop::collection::vec(entry(), 1..6)) {
        let place = Place::new();
        // What links might lead to, one folder up and more.
        for folder in ["a/b/c", "a/b", "a"] {
            fs::create_dir_all(place.temp.path().join(folder)).unwrap();
            fs::write(place.temp.path().join(folder).join("x"), "outside").unwrap();
        }
        if let Ok(artifact) = place.import(&entries) {
            let to = place.unpack(&artifact);
            for link in links(&to) {
                if let Ok(target) = link.canonicalize() {
                    prop_assert!(target.starts_with(to.canonicalize().unwrap()), "{link:?} leads to {target:?}");
                }
            }
            // And it can be passed on.
            prop_assert_eq!(place.import_within(&place.export(&artifact), &Limits::default()).unwrap(), artifact);
        }
        for folder in ["a/b/c", "a/b", "a"] {
            let folder = place.temp.path().join(folder);
            prop_assert_eq!(fs::read_to_string(folder.join("x")).unwrap(), "outside");
            prop_assert!(fs::read_dir(&folder).unwrap().count() <= 2);
        }
    }

    /// An archive that was spoilt is refused, or says something else; it is never a panic.
    #[test]
    fn a_spoilt_archive_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let place = Place::new();
        let entries = [raw("a/", FOLDER, ""), raw("a/b", FILE, "content"), raw("l", LINK, "a/b")];
        let mut bytes = archive(&entries);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let limits = Limits { bytes: 1 << 16, ..Limits::default() };
        if let Ok(artifact) = place.import_within(&bytes, &limits) {
            place.unpack(&artifact);
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = place.import_within(&bytes, &limits);
        prop_assert!(place.others().iter().all(|path| path.ends_with("a")));
    }
}
