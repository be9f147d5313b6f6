//! The file that a backup is: a tar archive, compressed by gzip and, where recipients are given,
//! encrypted by age (<https://age-encryption.org/v1>). Its entries are `manifest.json` and the
//! databases, so that it can be opened by `age --decrypt` and `tar` alone.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use age::{Decryptor, Encryptor, IdentityFile, x25519::Recipient};
use aws_lc_rs::digest;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tar::{Archive, Builder, Header};

use super::{
    BackupError,
    manifest::{FORMAT, Manifest},
};
use crate::files;

const MANIFEST: &str = "manifest.json";
/// A manifest of a thousand tables has a tenth of this.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
const AGE_BEGINS: &[u8] = b"age-encryption.org/v1";
const GZIP_BEGINS: &[u8] = &[0x1f, 0x8b];

/// Writes a backup to `out`: encrypted, where there are `recipients`.
///
/// # Errors
/// [`BackupError`].
pub(super) fn write(
    out: &mut File,
    at: &Path,
    recipients: &[Recipient],
    (manifest, files): (&Manifest, &[PathBuf]),
) -> Result<(), BackupError> {
    let error = |source| BackupError::file(at, source);
    let mut buffered = BufWriter::new(out);
    if recipients.is_empty() {
        pack(&mut buffered, manifest, files).map_err(error)?;
    } else {
        let encryptor = Encryptor::with_recipients(recipients.iter().map(|it| it as _))?;
        let mut encrypted = encryptor.wrap_output(&mut buffered).map_err(error)?;
        pack(&mut encrypted, manifest, files).map_err(error)?;
        encrypted.finish().map_err(error)?;
    }
    buffered.flush().map_err(error)
}

fn pack(out: impl Write, manifest: &Manifest, files: &[PathBuf]) -> io::Result<()> {
    let mut tar = Builder::new(GzEncoder::new(out, Compression::fast()));
    let text = serde_json::to_vec_pretty(manifest)?;
    let header = |bytes: u64| {
        let mut header = Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(manifest.created_at.unix_seconds()).unwrap_or_default());
        header
    };
    let size = u64::try_from(text.len()).map_err(io::Error::other)?;
    tar.append_data(&mut header(size), MANIFEST, text.as_slice())?;
    for (entry, path) in manifest.files.iter().zip(files) {
        tar.append_data(&mut header(entry.bytes), &entry.name, File::open(path)?)?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// Unpacks the backup in `file` into the folder `into`, checking lengths and checksums.
///
/// # Errors
/// [`BackupError`]; what is in `into` is of no use then.
pub(super) fn unpack(
    file: &Path,
    identity: Option<&Path>,
    into: &Path,
) -> Result<Manifest, BackupError> {
    let open = File::open(file).map_err(|error| BackupError::file(file, error))?;
    let mut reader = BufReader::new(open);
    let start = reader.fill_buf().map_err(|error| BackupError::file(file, error))?;
    if start.starts_with(AGE_BEGINS) {
        let path = identity.ok_or(BackupError::IdentityNeeded)?;
        let identities = IdentityFile::from_file(path.display().to_string());
        let identities = identities.map_err(|error| BackupError::file(path, error))?;
        let identities = identities.into_identities()?;
        let decryptor = Decryptor::new_buffered(reader)?;
        let identities = identities.iter().map(|it| it.as_ref() as &dyn age::Identity);
        unpack_tar(decryptor.decrypt(identities)?, file, into)
    } else if start.starts_with(GZIP_BEGINS) {
        unpack_tar(reader, file, into)
    } else {
        Err(BackupError::unusable(file, "it is neither an age file nor a gzip file"))
    }
}

fn unpack_tar(reader: impl Read, file: &Path, into: &Path) -> Result<Manifest, BackupError> {
    let broken = |error: io::Error| BackupError::unusable(file, error.to_string());
    let mut archive = Archive::new(GzDecoder::new(reader));
    let mut entries = archive.entries().map_err(broken)?;
    let mut next = |expected: &str| {
        let entry = entries.next().transpose().map_err(broken)?;
        let entry = entry.filter(|entry| entry.path_bytes() == expected.as_bytes());
        entry.ok_or_else(|| BackupError::unusable(file, format!("{expected} is missing")))
    };
    let mut text = Vec::new();
    next(MANIFEST)?.take(MANIFEST_BYTES_MAX).read_to_end(&mut text).map_err(broken)?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| BackupError::unusable(file, format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        let reason = format!("its format is {}, and this program reads {FORMAT}", manifest.format);
        return Err(BackupError::unusable(file, reason));
    }
    let names: Vec<&str> = manifest.files.iter().map(|entry| entry.name.as_str()).collect();
    // The names become paths, so they are ours or none.
    if names != super::create::NAMES {
        return Err(BackupError::unusable(file, format!("it holds {names:?}")));
    }
    for entry in &manifest.files {
        let path = into.join(&entry.name);
        let mut out = files::create_new(&path).map_err(|error| BackupError::file(&path, error))?;
        // One byte more than there should be is enough to notice.
        let mut content = next(&entry.name)?.take(entry.bytes.saturating_add(1));
        let (bytes, sha256) = copy_hashed(&mut content, &mut out).map_err(broken)?;
        if (bytes, &sha256) != (entry.bytes, &entry.sha256) {
            let reason = format!("{} is damaged: its checksum does not match", entry.name);
            return Err(BackupError::unusable(file, reason));
        }
        out.sync_all().map_err(|error| BackupError::file(&path, error))?;
    }
    Ok(manifest)
}

/// The length and the SHA-256, in hexadecimal, of what is copied.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        let length = from.read(&mut buffer)?;
        let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        to.write_all(part)?;
        total += u64::try_from(length).map_err(io::Error::other)?;
    }
    let mut hex = String::new();
    for byte in hash.finish().as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok((total, hex))
}
